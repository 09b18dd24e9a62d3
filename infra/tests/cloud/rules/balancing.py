"""Load balancers."""

from __future__ import annotations

from infra.tests.cloud.world import ABSENT, Case, Inputs, World

_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
_GROUP = "aws:lb/targetGroup:TargetGroup"
_LISTENER = "aws:lb/listener:Listener"
_RULE = "aws:lb/listenerRule:ListenerRule"


def balancer(world: World) -> Inputs:
    return {"internal": True, "subnets": world.subnets(), "securityGroups": [world.group().id], "idleTimeout": 60}


def group(world: World) -> Inputs:
    check = {"path": "/ready", "interval": 10, "timeout": 5, "healthyThreshold": 2, "unhealthyThreshold": 3}
    return {"targetType": "ip", "port": 8080, "protocol": "HTTP", "vpcId": world.vpc().id, "healthCheck": check}


def certificate(world: World) -> str:
    return world.make(
        "aws:acm/certificate:Certificate", "cert", {"domainName": "api.example.com", "validationMethod": "DNS"}
    ).arn


def listener(world: World) -> Inputs:
    balanced = world.make(_BALANCER, "door", balancer(world))
    targets = world.make(_GROUP, "pods", group(world))
    action = {"type": "forward", "targetGroupArn": targets.arn}
    world.make(
        _LISTENER,
        "there",
        {"loadBalancerArn": balanced.arn, "port": 80, "protocol": "HTTP", "defaultActions": [action]},
    )
    return {
        "loadBalancerArn": balanced.arn,
        "port": 443,
        "protocol": "HTTPS",
        "sslPolicy": "ELBSecurityPolicy-TLS13-1-3-2021-06",
        "certificateArn": certificate(world),
        "defaultActions": [action],
    }


def rule(world: World) -> Inputs:
    heard = world.make(_LISTENER, "https", listener(world))
    refusal = {"type": "fixed-response", "fixedResponse": {"contentType": "text/plain", "statusCode": "404"}}
    condition = {"pathPattern": {"values": ["/api/v1/orders*"]}}
    world.make(
        _RULE, "there", {"listenerArn": heard.arn, "priority": 10, "conditions": [condition], "actions": [refusal]}
    )
    return {"listenerArn": heard.arn, "priority": 20, "conditions": [condition], "actions": [refusal]}


def foreign_group(world: World) -> str:
    return world.make("aws:ec2/securityGroup:SecurityGroup", "far", {"vpcId": world.other_vpc().id}).id


def foreign_targets(world: World) -> str:
    return world.make(_GROUP, "far", {**group(world), "vpcId": world.other_vpc().id}).arn


CASES = (
    Case(
        "balancing.balancer_subnets",
        _BALANCER,
        balancer,
        lambda world: {"subnets": [world.subnet(0).id, world.subnet(3, "a").id]},
        "subnets",
        "at least two zones",
    ),
    Case("balancing.balancer_subnets", _BALANCER, balancer, {"subnets": ABSENT}, "subnets", "at least two zones"),
    Case(
        "balancing.balancer_security_groups",
        _BALANCER,
        balancer,
        lambda world: {"securityGroups[0]": foreign_group(world)},
        "securityGroups[0]",
        "load balancer's VPC",
    ),
    Case("balancing.balancer_settings", _BALANCER, balancer, {"idleTimeout": 4001}, "idleTimeout", "1 to 4000"),
    Case("balancing.target_group", _GROUP, group, {"port": ABSENT}, "port", "type ip"),
    Case("balancing.target_group", _GROUP, group, {"targetType": "pod"}, "targetType", "instance, ip, lambda or alb"),
    Case("balancing.target_group", _GROUP, group, {"deregistrationDelay": 4000}, "deregistrationDelay", "0 to 3600"),
    Case(
        "balancing.health_check",
        _GROUP,
        group,
        {"healthCheck.timeout": 10},
        "healthCheck.timeout",
        "less than the interval, 10",
    ),
    Case("balancing.health_check", _GROUP, group, {"healthCheck.path": "ready"}, "healthCheck.path", "begins with /"),
    Case(
        "balancing.health_check",
        _GROUP,
        group,
        {"healthCheck.healthyThreshold": 1},
        "healthCheck.healthyThreshold",
        "2 to 10",
    ),
    Case(
        "balancing.listener", _LISTENER, listener, {"certificateArn": ABSENT}, "certificateArn", "the protocol is HTTPS"
    ),
    Case("balancing.listener", _LISTENER, listener, {"protocol": "HTTP"}, "certificateArn", "the protocol is HTTP"),
    Case("balancing.listener", _LISTENER, listener, {"sslPolicy": "TLS13"}, "sslPolicy", "a security policy that"),
    Case("balancing.listener", _LISTENER, listener, {"port": 80}, "port", "has it"),
    Case("balancing.listener", _LISTENER, listener, {"protocol": "TCP"}, "protocol", "HTTP, HTTPS"),
    Case(
        "balancing.actions",
        _LISTENER,
        listener,
        {"defaultActions[0].targetGroupArn": ABSENT},
        "defaultActions[0].targetGroupArn",
        "to forward to",
    ),
    Case(
        "balancing.actions",
        _LISTENER,
        listener,
        {"defaultActions[0].type": "redirect"},
        "defaultActions[0].redirect",
        "redirect action",
    ),
    Case(
        "balancing.actions",
        _LISTENER,
        listener,
        lambda world: {"defaultActions[0].targetGroupArn": foreign_targets(world)},
        "defaultActions[0].targetGroupArn",
        "load balancer's VPC",
    ),
    Case("balancing.listener_rule", _RULE, rule, {"priority": 10}, "priority", "has it"),
    Case("balancing.listener_rule", _RULE, rule, {"priority": 50_001}, "priority", "1 to 50000"),
    Case("balancing.listener_rule", _RULE, rule, {"conditions": []}, "conditions", "at least one condition"),
    Case(
        "balancing.listener_rule",
        _RULE,
        rule,
        {"conditions[0].pathPattern.values": ["/a", "/b", "/c", "/d", "/e", "/f"]},
        "conditions",
        "at most five values",
    ),
)
