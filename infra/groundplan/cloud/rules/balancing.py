"""Load balancers, target groups, listeners."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundplan.cloud.item import Item, look_up
from groundplan.cloud.rules.addresses import SUBNET, is_range, vpcs, zone_of
from groundplan.cloud.rules.registry import Broken, between, rule

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

BALANCER = "aws:lb/loadBalancer:LoadBalancer"
TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"
LISTENER = "aws:lb/listener:Listener"
# Elastic Load Balancing user guide, "Security policies for your Application Load Balancer"; the newest families.
_SSL_FAMILIES = (
    "ELBSecurityPolicy-TLS13-1-3-",
    "ELBSecurityPolicy-TLS13-1-2-",
    "ELBSecurityPolicy-TLS13-1-1-",
    "ELBSecurityPolicy-TLS13-1-0-",
    "ELBSecurityPolicy-FS-",
    "ELBSecurityPolicy-TLS-",
    "ELBSecurityPolicy-2016-08",
)


def _layer7(balancer: Item) -> bool:
    return bool(balancer.get("loadBalancerType", "application") == "application")


@rule(BALANCER)
def balancer_subnets(balancer: Item, cloud: Cloud) -> Iterator[Broken]:
    """An application load balancer has subnets in at least two zones, one a zone, all in one VPC.

    Source: Elastic Load Balancing API, CreateLoadBalancer, Subnets.
    """
    mapped = [mapping.get("subnetId") for mapping in balancer.objects("subnetMappings")]
    path = "subnetMappings" if mapped else "subnets"
    asked = mapped or balancer.each("subnets")
    if not asked and balancer.get(path) is None:
        yield Broken("subnets", "subnets in at least two zones", "set subnets")
        return
    found = [subnet for subnet in (cloud.find(SUBNET, each) for each in asked) if subnet is not None]
    if len(found) != len(asked) or not asked:
        return
    where = [zone_of(subnet) for subnet in found]
    if _layer7(balancer) and len(set(where)) < 2:
        yield Broken(
            path,
            f"subnets in at least two zones; these are in {', '.join(sorted(set(where)))}",
            "add a subnet of another zone",
        )
    if len(where) != len(set(where)):
        yield Broken(path, "one subnet a zone", "name one subnet of each zone")
    if len({subnet.known("vpcId") for subnet in found}) > 1:
        yield Broken(path, "subnets of one VPC", "use subnets of one VPC")


@rule(BALANCER)
def balancer_security_groups(balancer: Item, cloud: Cloud) -> Iterator[Broken]:
    """A load balancer's security groups are of its own VPC.

    Source: Elastic Load Balancing API, CreateLoadBalancer, SecurityGroups.
    """
    networks = vpcs(balancer, cloud, "subnets")
    for index, each in enumerate(balancer.each("securityGroups")):
        group = cloud.find("aws:ec2/securityGroup:SecurityGroup", each)
        if group is not None and networks and group.known("vpcId") not in networks:
            yield Broken(
                f"securityGroups[{index}]", "a security group of the load balancer's VPC", "use one of that VPC"
            )


@rule(BALANCER)
def balancer_settings(balancer: Item, _: Cloud) -> Iterator[Broken]:
    """Idle time-out 1 to 4000 s, client keep-alive 60 to 604800 s.

    Source: Elastic Load Balancing API, LoadBalancerAttribute.
    """
    yield from between(balancer, "idleTimeout", 1, 4000)
    yield from between(balancer, "clientKeepAlive", 60, 604_800)


@rule(TARGET_GROUP)
def target_group(group: Item, _: Cloud) -> Iterator[Broken]:
    """Targets by address or instance need a port, a protocol and a VPC; a function needs none of them.

    Source: Elastic Load Balancing API, CreateTargetGroup.
    """
    kind = group.get("targetType", "instance")
    if kind not in ("instance", "ip", "lambda", "alb"):
        yield Broken("targetType", "instance, ip, lambda or alb", "correct the type")
    for name in ("port", "protocol", "vpcId"):
        given = group.get(name) is not None
        if kind in ("instance", "ip", "alb") and not given:
            yield Broken(name, f"a value, as the targets are of type {kind}", f"set {name}")
        if kind == "lambda" and given:
            yield Broken(name, "nothing, as the target is a function", f"remove {name}")
    yield from between(group, "port", 1, 65535)
    yield from between(group, "deregistrationDelay", 0, 3600)
    if group.known("slowStart") not in (None, 0):
        yield from between(group, "slowStart", 30, 900)


@rule(TARGET_GROUP)
def health_check(group: Item, _: Cloud) -> Iterator[Broken]:
    """Health checks: every 5 to 300 s, time-out 2 to 120 s and below the interval, 2 to 10 successes or failures.

    Source: Elastic Load Balancing API, CreateTargetGroup, HealthCheck*.
    """
    yield from between(group, "healthCheck.interval", 5, 300)
    yield from between(group, "healthCheck.timeout", 2, 120)
    yield from between(group, "healthCheck.healthyThreshold", 2, 10)
    yield from between(group, "healthCheck.unhealthyThreshold", 2, 10)
    interval, timeout = group.get("healthCheck.interval", 30), group.get("healthCheck.timeout", 5)
    if isinstance(interval, int) and isinstance(timeout, int) and timeout >= interval:
        yield Broken(
            "healthCheck.timeout", f"less than the interval, {interval}", "check less often or give up sooner", timeout
        )
    path = group.known("healthCheck.path")
    if isinstance(path, str) and not path.startswith("/"):
        yield Broken("healthCheck.path", "a path that begins with /", "correct the path")


@rule(TARGET_GROUP)
def balancing_settings(group: Item, _: Cloud) -> Iterator[Broken]:
    """A slow start and no anomaly mitigation go with round robin; a version of HTTP goes with HTTP or HTTPS, and so
    does its health check; cookies have names of their own.

    Source: Elastic Load Balancing API, TargetGroupAttribute, CreateTargetGroup.
    """
    way, slow = group.get("loadBalancingAlgorithmType", "round_robin"), group.known("slowStart")
    if way in ("least_outstanding_requests", "weighted_random") and slow not in (None, 0):
        yield Broken("loadBalancingAlgorithmType", "round_robin, as there is a slow start", "remove slow_start")
    if group.known("loadBalancingAnomalyMitigation") == "on" and way in ("round_robin", "least_outstanding_requests"):
        yield Broken("loadBalancingAnomalyMitigation", "off, or weighted_random", "change the algorithm")
    protocol, version = group.known("protocol"), group.known("protocolVersion")
    if version is not None and protocol in ("TCP", "UDP", "TLS", "TCP_UDP", "GENEVE", "QUIC", "TCP_QUIC"):
        yield Broken("protocolVersion", f"nothing, as the protocol is {protocol}", "remove it")
    if protocol in ("HTTP", "HTTPS") and group.known("healthCheck.protocol") in ("TCP", "UDP", "TLS"):
        yield Broken("healthCheck.protocol", "HTTP or HTTPS, as the group's protocol", "choose one of these")
    kind, cookie = group.known("stickiness.type"), group.known("stickiness.cookieName")
    if (
        kind == "app_cookie"
        and isinstance(cookie, str)
        and cookie.upper().startswith(("AWSALB", "AWSALBAPP", "AWSALBTG"))
    ):
        yield Broken("stickiness.cookieName", "a name that doesn't begin with AWSALB", "rename the cookie")


@rule(LISTENER)
def listener(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """HTTPS needs a certificate and a security policy; a port is listened to once.

    Source: Elastic Load Balancing API, CreateListener.
    """
    balancer = cloud.referred(item, "loadBalancerArn")
    protocol = item.get("protocol", "HTTP" if balancer is None or _layer7(balancer) else "TCP")
    secure = protocol in ("HTTPS", "TLS")
    if balancer is not None and isinstance(protocol, str):
        fitting = ("HTTP", "HTTPS") if _layer7(balancer) else ("TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC")
        if protocol not in fitting and balancer.get("loadBalancerType") != "gateway":
            yield Broken("protocol", f"one of {', '.join(fitting)} for this load balancer", "correct the protocol")
    if secure and item.get("certificateArn") is None:
        yield Broken("certificateArn", f"a certificate, as the protocol is {protocol}", "set certificate_arn")
    if not secure:
        for name in ("certificateArn", "sslPolicy"):
            if item.get(name):
                yield Broken(name, f"nothing, as the protocol is {protocol}", "set protocol to HTTPS, or remove it")
    policy = item.known("sslPolicy")
    if isinstance(policy, str) and policy and not policy.startswith(_SSL_FAMILIES):
        yield Broken(
            "sslPolicy",
            "a security policy that Elastic Load Balancing has",
            "for example ELBSecurityPolicy-TLS13-1-3-2021-06",
        )
    yield from between(item, "port", 1, 65535)
    for other in cloud.others(item, "loadBalancerArn"):
        if other.known("port") == item.known("port") is not None:
            yield Broken(
                "port",
                f"a port that the load balancer doesn't listen to yet; {other.urn} has it",
                "choose another port",
            )


@rule(LISTENER, "aws:lb/listenerRule:ListenerRule")
def actions(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """Each action has the settings of its type; what is forwarded goes to target groups of the balancer's VPC.

    Source: Elastic Load Balancing API, Action.
    """
    name = "defaultActions" if item.type == LISTENER else "actions"
    needs = {
        "redirect": "redirect",
        "fixed-response": "fixedResponse",
        "authenticate-cognito": "authenticateCognito",
        "authenticate-oidc": "authenticateOidc",
    }
    for index, action in enumerate(item.objects(name)):
        path, kind = f"{name}[{index}]", action.get("type")
        if kind == "forward":
            if action.get("targetGroupArn") is None and not (action.get("forward") or {}).get("targetGroups"):
                yield Broken(f"{path}.targetGroupArn", "a target group to forward to", "set target_group_arn")
        elif kind in needs:
            if action.get(needs[kind]) is None:
                yield Broken(f"{path}.{needs[kind]}", f"the settings of a {kind} action", f"set {needs[kind]}")
        elif isinstance(kind, str) and kind != "jwt-validation":
            yield Broken(f"{path}.type", f"forward, {', '.join(needs)} or jwt-validation", "correct the type")
        group = cloud.find(TARGET_GROUP, action.get("targetGroupArn"))
        balancer = cloud.referred(item, "loadBalancerArn") if item.type == LISTENER else None
        if (
            group is not None
            and balancer is not None
            and group.known("vpcId") not in (None, balancer.outputs.get("vpcId"))
        ):
            yield Broken(f"{path}.targetGroupArn", "a target group of the load balancer's VPC", "create it in that VPC")


@rule("aws:lb/listenerRule:ListenerRule")
def listener_rule(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A rule has conditions and a priority from 1 to 50000 that no other of the listener has; at most five values a
    rule.

    Source: Elastic Load Balancing API, CreateRule; quotas for Application Load Balancers.
    """
    yield from between(item, "priority", 1, 50_000)
    conditions = item.objects("conditions")
    if not conditions and isinstance(item.get("conditions"), list):
        yield Broken("conditions", "at least one condition", "say which requests the rule is for")
    values = sum(
        len((condition.get(name) or {}).get("values") or [])
        for condition in conditions
        for name in ("hostHeader", "pathPattern", "httpRequestMethod", "sourceIp", "httpHeader")
    )
    if values > 5:
        yield Broken("conditions", "at most five values in a rule's conditions", "split the rule", values)
    for other in cloud.others(item, "listenerArn"):
        if other.known("priority") == item.known("priority") is not None:
            yield Broken(
                "priority",
                f"a priority that no other rule of the listener has; {other.urn} has it",
                "renumber one of the two",
            )


@rule(LISTENER, "aws:lb/listenerRule:ListenerRule")
def redirects(item: Item, _: Cloud) -> Iterator[Broken]:
    """A redirect leads elsewhere, by an absolute path, for good or for now.

    Source: Elastic Load Balancing API, RedirectActionConfig.
    """
    name = "defaultActions" if item.type.endswith("Listener") else "actions"
    for index, action in enumerate(item.objects(name)):
        redirect, path = action.get("redirect"), f"{name}[{index}].redirect"
        if not isinstance(redirect, dict) or action.get("type") != "redirect":
            continue
        if redirect.get("statusCode") not in ("HTTP_301", "HTTP_302") and isinstance(redirect.get("statusCode"), str):
            yield Broken(f"{path}.statusCode", "HTTP_301 or HTTP_302", "choose one of these")
        where = redirect.get("path")
        if isinstance(where, str) and not where.startswith("/"):
            yield Broken(f"{path}.path", "a path that begins with /", "correct the path")
        usual = {
            "host": "#{host}",
            "path": "/#{path}",
            "port": "#{port}",
            "protocol": "#{protocol}",
            "query": "#{query}",
        }
        if all(redirect.get(each) in (None, same) for each, same in usual.items() if each != "query"):
            yield Broken(path, "another protocol, host, port or path: it would lead back", "say where to", redirect)


@rule("aws:lb/listenerRule:ListenerRule")
def conditions(item: Item, _: Cloud) -> Iterator[Broken]:
    """Conditions name hosts, methods in capitals, ranges of addresses, and headers other than Host.

    Source: Elastic Load Balancing API, RuleCondition.
    """
    forms = {
        "hostHeader": (r"[A-Za-z0-9.*?-]{1,128}", "host names of letters, digits and -.*?"),
        "httpRequestMethod": (r"[A-Z_-]{1,40}", "methods in capital letters"),
    }
    for index, each in enumerate(item.objects("conditions")):
        for name, (form, words) in forms.items():
            for value in look_up(each, f"{name}.values") or []:
                if isinstance(value, str) and re.fullmatch(form, value) is None:
                    yield Broken(f"conditions[{index}].{name}.values", words, "correct it", value)
        for value in look_up(each, "sourceIp.values") or []:
            if isinstance(value, str) and not is_range(value):
                yield Broken(f"conditions[{index}].sourceIp.values", "ranges in CIDR notation", "correct it", value)
        header = look_up(each, "httpHeader.httpHeaderName")
        if isinstance(header, str) and header.lower() == "host":
            path = f"conditions[{index}].httpHeader.httpHeaderName"
            yield Broken(path, "a header other than Host", "use hostHeader")


@rule(LISTENER)
def application_protocols(item: Item, _: Cloud) -> Iterator[Broken]:
    """Only TLS listeners choose among application protocols.

    Source: Elastic Load Balancing API, CreateListener, AlpnPolicy.
    """
    if item.known("alpnPolicy") not in (None, "", "None") and item.known("protocol") not in (None, "TLS"):
        yield Broken("alpnPolicy", f"nothing, as the protocol is {item.known('protocol')}", "remove it")
