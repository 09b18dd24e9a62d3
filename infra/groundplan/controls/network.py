"""S1: firewalls, and who can reach whom."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import IPv4Network
from typing import Any

from groundplan.cloud.model import Resource
from groundplan.controls.captured import NETWORK_POLICY, SERVING, SUBNET, CapturedProgram, listed
from groundplan.controls.model import Check, NotApplicable, control
from groundplan.controls.reading import at, items, mappings

WEB_ACL = "aws:wafv2/webAcl:WebAcl"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
STAGE = "aws:apigateway/stage:Stage"
SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
ROUTE = "aws:ec2/route:Route"
ROUTE_ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
CLUSTER = "aws:eks/cluster:Cluster"
ANYWHERE = "0.0.0.0/0"
SPAN_PORT = 4318
"""Where each node's agent takes spans (OTLP over HTTP)."""
POD_IDENTITY = ("169.254.170.23/32", 80)
"""Where EKS Pod Identity's agent hands out credentials."""
MANAGED_GROUPS = frozenset(
    {
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesKnownBadInputsRuleSet",
        "AWSManagedRulesSQLiRuleSet",
        "AWSManagedRulesCommonRuleSet",
    }
)
BROUGHT = "the cluster and its network were there before this stack (`existing_cluster`)"


def requires_own_network(program: CapturedProgram) -> None:
    if program.environment.existing_cluster is not None:
        raise NotApplicable(BROUGHT)


def _blocking_groups(program: CapturedProgram, check: Check, acl: Resource) -> None:
    """Rule groups of AWS that block by themselves."""
    blocking = {
        str(at(rule, "statement.managedRuleGroupStatement.name"))
        for rule in program.rules(acl).values()
        if "none" in (rule.get("overrideAction") or {})
    }
    lacking = MANAGED_GROUPS - blocking
    expected = "managed rule groups that block: " + ", ".join(sorted(lacking or MANAGED_GROUPS))
    check.that(not lacking, acl, "rules", expected)


@control(
    "S1.edge-firewall",
    "A web firewall with AWS's managed rules stands at the edge",
    "edge.web_acl",
    remedy="give `Edge` the `web_acl_arn` of a `WebAcl` whose `scope` is CLOUDFRONT, as `declare_edge` does",
)
def edge_firewall(program: CapturedProgram, check: Check) -> None:
    acls = program.web_acls("CLOUDFRONT")
    arns = {str(acl.outputs.get("arn")) for acl in acls}
    for distribution in check.some(DISTRIBUTION):
        check.that(distribution.inputs.get("webAclId") in arns, distribution, "webAclId", "the web ACL of the edge")
    if not acls:
        check.missing("a web ACL with the scope CLOUDFRONT")
    for acl in acls:
        check.that(acl.region == "us-east-1", acl, "scope", "us-east-1, where CloudFront looks for its web ACLs")
        _blocking_groups(program, check, acl)


@control(
    "S1.gateway-firewall",
    "A web firewall with AWS's managed rules stands at the gateway too",
    "edge.web_acl",
    remedy="give `WebAcl` the gateway's `stage_arn`, as `declare_gateway` does",
)
def gateway_firewall(program: CapturedProgram, check: Check) -> None:
    acls = {str(acl.outputs.get("arn")): acl for acl in program.web_acls("REGIONAL")}
    guarded = {
        str(each.inputs.get("resourceArn")): each
        for each in program.of("aws:wafv2/webAclAssociation:WebAclAssociation")
        if each.inputs.get("webAclArn") in acls
    }
    for stage in check.some(STAGE):
        association = guarded.get(str(stage.outputs.get("arn")))
        if association is None:
            check.missing("a web ACL with the scope REGIONAL, associated with this stage", stage)
            continue
        check.shown(association, "resourceArn")
        _blocking_groups(program, check, acls[str(association.inputs.get("webAclArn"))])


@control(
    "S1.edge-only",
    "Requests that went round the edge are refused",
    "edge.web_acl",
    "edge.distribution",
    remedy="give `WebAcl` of the gateway `origin_secrets`, and `Edge` the same `origin_secret`",
)
def edge_only(program: CapturedProgram, check: Check) -> None:
    """The gateway's firewall refuses first of all what lacks the secret that the edge sends along."""
    sent = set()
    for distribution in check.some(DISTRIBUTION):
        for origin in mappings(distribution.inputs.get("origins")):
            if origin.get("originId") == "api":
                headers = mappings(origin.get("customHeaders"))
                sent |= {str(each.get("value")) for each in headers if each.get("name") == "x-origin-verify"}
    acls = program.web_acls("REGIONAL")
    if not acls:
        check.missing("a web ACL with the scope REGIONAL")
    for acl in acls:
        rule = program.rules(acl).get("origin")
        if rule is None:
            check.missing("a rule `origin`, which asks for the edge's secret", acl, "rules")
            continue
        index = items(acl.inputs.get("rules")).index(rule)
        path = f"rules.{index}"
        check.same(acl, f"{path}.priority", 0, "0: asked before any other rule")
        check.same(acl, f"{path}.action.block.customResponse.responseCode", 403)
        base = f"{path}.statement.notStatement.statement"
        others = mappings(at(acl.inputs, f"{base}.orStatement.statements"))
        # Two while one takes the other's place.
        places = [f"{base}.orStatement.statements.{number}" for number in range(len(others))] or [base]
        admitted = set()
        for place in places:
            match = f"{place}.byteMatchStatement"
            check.same(acl, f"{match}.positionalConstraint", "EXACTLY")
            check.same(acl, f"{match}.fieldToMatch.singleHeader.name", "x-origin-verify")
            secret = str(at(acl.inputs, f"{match}.searchString"))
            admitted.add(secret)
            known = secret in program.passwords and (len(places) > 1 or secret in sent)
            check.that(known, acl, f"{match}.searchString", "the edge's secret")
        if not sent <= admitted:
            check.missing("the secret that the edge sends", acl, base, "not what it should be")


@control(
    "S1.firewall-logs",
    "Web firewalls log requests, without tokens",
    "edge.web_acl",
    remedy="declare the web ACL with `WebAcl`, which logs and leaves out Authorization, cookies and the edge's secret",
)
def firewall_logs(program: CapturedProgram, check: Check) -> None:
    logs = program.by_input("aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration", "resourceArn")
    for acl in check.some(WEB_ACL):
        log = logs.get(str(acl.outputs.get("arn")))
        if log is None:
            check.missing("a logging configuration", acl)
            continue
        redacted = {str(at(field, "singleHeader.name")) for field in mappings(log.inputs.get("redactedFields"))}
        expected = "authorization, cookie and x-origin-verify left out"
        check.that(redacted >= {"authorization", "cookie", "x-origin-verify"}, log, "redactedFields", expected)


@control(
    "S1.flow-logs",
    "Every connection in the network is logged",
    "network.flow_log",
    remedy="declare a `FlowLog` for the network, as `declare_platform` does",
)
def flow_logs(program: CapturedProgram, check: Check) -> None:
    requires_own_network(program)
    logs = program.by_input("aws:ec2/flowLog:FlowLog", "vpcId")
    groups = program.by_output("aws:cloudwatch/logGroup:LogGroup", "arn")
    for vpc in check.some("aws:ec2/vpc:Vpc"):
        log = logs.get(vpc.id)
        if log is None:
            check.missing("a flow log", vpc)
            continue
        check.same(log, "trafficType", "ALL")
        destination = log.inputs.get("logDestination")
        check.that(destination in groups, log, "logDestination", "a log group of this stack")


@control(
    "S1.default-group",
    "The default security group lets nothing through",
    "network.network",
    remedy="declare the network with `Network`, which empties the group, and give resources a group of their own",
)
def default_group(program: CapturedProgram, check: Check) -> None:
    requires_own_network(program)
    groups = program.by_input(_DEFAULT_GROUP, "vpcId")
    for vpc in check.some("aws:ec2/vpc:Vpc"):
        group = groups.get(vpc.id)
        if group is None:
            check.missing("its default security group, emptied", vpc)
            continue
        check.that(not group.inputs.get("ingress"), group, "ingress", "no rule")
        check.that(not group.inputs.get("egress"), group, "egress", "no rule")


_DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"


@control(
    "S1.no-public-address",
    "No machine gets a public address by itself",
    "network.network",
    remedy="set `map_public_ip_on_launch` of the subnet to False",
)
def no_public_address(program: CapturedProgram, check: Check) -> None:
    requires_own_network(program)
    for subnet in check.some(SUBNET):
        check.that(not subnet.inputs.get("mapPublicIpOnLaunch"), subnet, "mapPublicIpOnLaunch", "false")


@control(
    "S1.data-routes",
    "Data stores have no way to the internet",
    "network.network",
    remedy="remove the route: the table of the subnets tagged `tier: data` has none beside the network's own",
)
def data_routes(program: CapturedProgram, check: Check) -> None:
    requires_own_network(program)
    data = program.tier("data")
    tables = {}
    for association in check.some(ROUTE_ASSOCIATION):
        if association.inputs.get("subnetId") in data:
            tables[str(association.inputs.get("routeTableId"))] = association
            data.pop(str(association.inputs.get("subnetId")))
            check.shown(association, "routeTableId")
    for subnet in data.values():
        check.missing("a route table of its own: the network's main one may lead anywhere", subnet)
    for route in program.of(ROUTE):
        if str(route.inputs.get("routeTableId")) in tables:
            check.missing("no route", route, "routeTableId", "the data subnets' table")


@control(
    "S1.data-acl",
    "A network ACL lets only the stack's own subnets at the data stores",
    "network.network",
    remedy="declare the network with `Network`, whose ACL admits its private and data subnets alone",
)
def data_acl(program: CapturedProgram, check: Check) -> None:
    requires_own_network(program)
    data = program.tier("data")
    inside = {str(each.inputs.get("cidrBlock")) for each in (*data.values(), *program.tier("private").values())}
    guarded: set[str] = set()
    acls = {}
    for acl in check.some("aws:ec2/networkAcl:NetworkAcl"):
        if listed(acl.inputs.get("subnetIds")) & data.keys():
            guarded |= listed(acl.inputs.get("subnetIds"))
            acls[acl.id] = acl
            check.shown(acl, "subnetIds")
    check.sets(set(data), guarded & data.keys(), "a network ACL on the data subnet")
    for rule in program.of("aws:ec2/networkAclRule:NetworkAclRule"):
        if rule.inputs.get("networkAclId") in acls and rule.inputs.get("ruleAction") == "allow":
            check.that(rule.inputs.get("cidrBlock") in inside, rule, "cidrBlock", "a private or data subnet's range")


@control(
    "S1.data-subnets",
    "Data stores lie in the data subnets, with no public address",
    "database.instance",
    "cache.cache",
    "events.kafka",
    remedy="give the component `subnet_ids` of the data tier (`data_subnet_ids` of the network)",
)
def data_subnets(program: CapturedProgram, check: Check) -> None:
    cluster = program.environment.existing_cluster
    data = set(cluster.data_subnet_ids) if cluster else set(program.tier("data"))
    expected = "the data subnets"
    for group in program.of("aws:rds/subnetGroup:SubnetGroup", "aws:elasticache/subnetGroup:SubnetGroup"):
        check.that(_all_in(group.inputs.get("subnetIds"), data), group, "subnetIds", expected)
    for database in check.some("aws:rds/instance:Instance"):
        check.that(not database.inputs.get("publiclyAccessible"), database, "publiclyAccessible", "false")
    for kafka in program.of("aws:msk/cluster:Cluster"):
        subnets = at(kafka.inputs, "brokerNodeGroupInfo.clientSubnets")
        check.that(_all_in(subnets, data), kafka, "brokerNodeGroupInfo.clientSubnets", expected)
    for proxy in program.of("aws:rds/proxy:Proxy"):
        check.that(_all_in(proxy.inputs.get("vpcSubnetIds"), data), proxy, "vpcSubnetIds", expected)


def _all_in(found: Any, wanted: set[str]) -> bool:  # noqa: ANN401
    return bool(found) and listed(found) <= wanted


def _pod_group(program: CapturedProgram) -> str:
    cluster = program.environment.existing_cluster
    if cluster:
        return cluster.security_group_id
    clusters = program.of(CLUSTER)
    return str(at(clusters[0].outputs, "vpcConfig.clusterSecurityGroupId")) if clusters else ""


def _groups_of_stores(program: CapturedProgram) -> set[str]:
    found: set[str] = set()
    for token, path in (
        ("aws:rds/instance:Instance", "vpcSecurityGroupIds"),
        ("aws:rds/proxy:Proxy", "vpcSecurityGroupIds"),
        ("aws:elasticache/replicationGroup:ReplicationGroup", "securityGroupIds"),
        ("aws:msk/cluster:Cluster", "brokerNodeGroupInfo.securityGroups"),
    ):
        for each in program.of(token):
            found |= listed(at(each.inputs, path))
    return found


@control(
    "S1.data-access",
    "Only pods may open connections to the data stores, besides proxies, password rotation and the event log",
    "database.instance",
    "cache.cache",
    "events.kafka",
    remedy="let in the pods' group alone: `client_security_group_ids` of `Database` and `Cache`, as the program does",
)
def data_access(program: CapturedProgram, check: Check) -> None:
    stores = _groups_of_stores(program)
    between = {_pod_group(program)}
    for proxy in program.of("aws:rds/proxy:Proxy"):
        between |= listed(proxy.inputs.get("vpcSecurityGroupIds"))
    between |= _groups_of_functions(program)
    # MSK's private link for Firehose has no group of its own: its addresses are those of the brokers' subnets.
    brokers = set().union(
        *(
            listed(at(each.inputs, "brokerNodeGroupInfo.securityGroups"))
            for each in program.of("aws:msk/cluster:Cluster")
        )
    )
    for rule in check.some(INGRESS):
        if rule.inputs.get("securityGroupId") not in stores:
            continue
        source = str(rule.inputs.get("referencedSecurityGroupId"))
        link = source in brokers or (rule.inputs.get("securityGroupId") in brokers and bool(program.of(_STREAM)))
        path = "referencedSecurityGroupId"
        check.that(
            source in between or link, rule, path, "the pods' security group, a proxy's or a rotation function's"
        )


def _groups_of_functions(program: CapturedProgram) -> set[str]:
    """Groups of Lambda functions: this stack's own, and those that AWS publishes for password rotation."""
    found: set[str] = set()
    for function in program.of("aws:lambda/function:Function"):
        found |= listed(at(function.inputs, "vpcConfig.securityGroupIds"))
    return found


_STREAM = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"


def _groups_of_runners(program: CapturedProgram) -> set[str]:
    """Of the pipeline's jobs, where they run inside."""
    projects = program.of("aws:codebuild/project:Project")
    return set().union(*(listed(at(each.inputs, "vpcConfig.securityGroupIds")) for each in projects))


@control(
    "S1.pod-ingress",
    "Requests reach pods only by way of the gateway and the private load balancer",
    "gateway.load_balancer",
    remedy="keep `LoadBalancer` as it is, and pods behind it to `PodIngress`",
)
def pod_ingress(program: CapturedProgram, check: Check) -> None:
    pods = _pod_group(program)
    links = set().union(
        *(listed(each.inputs.get("securityGroupIds")) for each in check.some("aws:apigatewayv2/vpcLink:VpcLink"))
    )
    runners = _groups_of_runners(program)
    balancers: set[str] = set()
    for balancer in check.some(BALANCER):
        check.same(balancer, "internal", True)
        balancers |= listed(balancer.inputs.get("securityGroups"))
    for rule in check.some(INGRESS):
        group, source = rule.inputs.get("securityGroupId"), rule.inputs.get("referencedSecurityGroupId")
        if group in balancers:
            check.that(source in links, rule, "referencedSecurityGroupId", "the gateway's VPC link alone")
        elif group == pods and source in runners:
            # The cluster's own group has the ends of its private API too; pods listen on another port.
            check.same(rule, "fromPort", 443)
            check.same(rule, "toPort", 443)
        elif group == pods:
            if check.that(source in balancers, rule, "referencedSecurityGroupId", "the load balancer alone"):
                check.same(rule, "fromPort", 8080)
                check.same(rule, "toPort", 8080)
        elif group in links:
            check.missing("no rule: nothing connects to the gateway's link from inside", rule, "", "a way in")


@control(
    "S1.default-deny",
    "Pods reach nothing and are reached by nothing unless a policy says so",
    "workload.namespace",
    remedy="declare the namespace with `Namespace`, whose policy denies both directions and allows DNS",
)
def default_deny(program: CapturedProgram, check: Check) -> None:
    denying = [
        each
        for each in program.of(NETWORK_POLICY)
        if at(each.inputs, "spec.podSelector") == {}
        and listed(at(each.inputs, "spec.policyTypes")) == {"Ingress", "Egress"}
        and not at(each.inputs, "spec.ingress")
        and not at(each.inputs, "spec.egress")
    ]
    if not denying:
        check.missing("a network policy for all pods, of both directions, that allows nothing")
    for policy in denying:
        check.shown(policy, "spec.policyTypes")
    for policy in program.of(NETWORK_POLICY):
        if at(policy.inputs, "spec.podSelector") == {} and policy not in denying:
            check.that(not at(policy.inputs, "spec.ingress"), policy, "spec.ingress", "no rule for all pods")
            ports = {
                str(port.get("port"))
                for rule in mappings(at(policy.inputs, "spec.egress"))
                for port in mappings(rule.get("ports")) or [{}]
            }
            check.that(ports == {"53"}, policy, "spec.egress", "DNS (port 53) alone for all pods")


@control(
    "S1.policies-enforced",
    "The cluster enforces network policies",
    "cluster.node_pool",
    remedy="declare nodes with `NodePool`, which switches Amazon VPC CNI's controller of network policies on",
)
def policies_enforced(program: CapturedProgram, check: Check) -> None:
    requires_own_network(program)
    switch = program.objects("kubernetes:core/v1:ConfigMap").get("amazon-vpc-cni")
    if switch is None:
        check.missing("a ConfigMap amazon-vpc-cni in kube-system")
        return
    check.same(switch, "metadata.namespace", "kube-system")
    check.same(switch, ("data", "enable-network-policy-controller"), "true")
    for nodes in check.some("kubernetes:eks.amazonaws.com/v1:NodeClass"):
        policy = at(nodes.inputs, "spec.networkPolicy")
        check.that(
            policy in ("DefaultAllow", "DefaultDeny"), nodes, "spec.networkPolicy", "DefaultAllow or DefaultDeny"
        )


def peers(policy: Resource, direction: str, side: str) -> tuple[set[tuple[str, int]], set[tuple[str, int]]]:
    """Ranges and pods (by name) with ports; what names no peer or no port is everything."""
    ranges: set[tuple[str, int]] = set()
    pods: set[tuple[str, int]] = set()
    for rule in mappings(at(policy.inputs, f"spec.{direction}")):
        ports = [_number(port.get("port")) for port in mappings(rule.get("ports"))] or [0]
        for peer in mappings(rule.get(side)) or [{}]:
            if "podSelector" in peer:
                labels = at(peer, "podSelector.matchLabels") or {}
                pods |= {(str(labels.get("app.kubernetes.io/name", "any pod")), port) for port in ports}
            else:
                ranges |= {(str(at(peer, "ipBlock.cidr") or ANYWHERE), port) for port in ports}
    return ranges, pods


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _policies_by_pod(program: CapturedProgram) -> Mapping[str, list[Resource]]:
    found: dict[str, list[Resource]] = {}
    for policy in program.of(NETWORK_POLICY):
        name = at(policy.inputs, ("spec", "podSelector", "matchLabels", "app.kubernetes.io/name"))
        if name:
            found.setdefault(str(name), []).append(policy)
    return found


@control(
    "S1.workload-network",
    "Each workload reaches its data stores and AWS alone, and admits the load balancer alone",
    "workload.workload",
    remedy="give `Workload` exactly the `egress` and `ingress` that it needs, as `declare_services` does",
)
def workload_network(program: CapturedProgram, check: Check) -> None:
    if not program.workloads:
        raise NotApplicable("no service has an image yet")
    cluster = program.environment.existing_cluster
    data = {str(cluster.vpc_cidr)} if cluster else ranges_of(program, program.tier("data"))
    balancers = balancer_ranges(program)
    # A load balancer that moves is admitted from both places until it has moved (S1.pods-apart).
    leaving = {str(cluster.vpc_cidr)} if cluster else ranges_of(program, program.tier("private"))
    collectors = {(cidr, SPAN_PORT) for cidr in leaving}
    ports = {5432, 6379} | ({9098} if program.system.events.broker == "kafka" else set())
    outside = {(ANYWHERE, 443), POD_IDENTITY}
    policies = _policies_by_pod(program)
    for workload in program.workloads:
        policy = check.one(policies.get(workload.name, []), f"one network policy for the pods of {workload.name}")
        if policy is None:
            continue
        both = listed(at(policy.inputs, "spec.policyTypes")) == {"Ingress", "Egress"}
        check.that(both, policy, "spec.policyTypes", "Ingress and Egress")
        reached, _ = peers(policy, "egress", "to")
        to_data = {(cidr, port) for cidr in data for port in ports}
        expected = "its data stores, HTTPS, its node's collector, and the agent that gives pods their role"
        check.that(reached <= to_data | outside | collectors and reached >= to_data, policy, "spec.egress", expected)
        admitted, _ = peers(policy, "ingress", "from")
        public = program.system.services[workload.service].exposure == "public"
        serves = workload.role in SERVING and public
        least = {(cidr, 8080) for cidr in balancers} if serves else set()
        most = least | ({(cidr, 8080) for cidr in leaving} if serves else set())
        expected = "port 8080 from the load balancer's subnets, if it serves"
        check.that(least <= admitted <= most, policy, "spec.ingress", expected)


def ranges_of(program: CapturedProgram, subnets: Collection[str]) -> set[str]:
    return {str(each.inputs.get("cidrBlock")) for each in program.of(SUBNET) if each.id in subnets}


def balancer_ranges(program: CapturedProgram) -> set[str]:
    """Ranges of the subnets that load balancers stand in; of a network that is there, what the stack says of them."""
    cluster = program.environment.existing_cluster
    if cluster:
        return {str(cidr) for cidr in cluster.ingress_subnets.values()} or {str(cluster.vpc_cidr)}
    stands = set().union(*(listed(each.inputs.get("subnets")) for each in program.of(BALANCER)))
    return ranges_of(program, stands)


def network_of(cidr: str) -> IPv4Network | None:
    try:
        return IPv4Network(cidr)
    except ValueError:
        return None


@control(
    "S1.pod-to-pod",
    "A pod that one workload may call lets that workload in and no other",
    "workload.workload",
    remedy="name the caller in `ingress` of the one `Workload`, and the called one in `egress` of the other",
)
def pod_to_pod(program: CapturedProgram, check: Check) -> None:
    calls: dict[tuple[str, str, int], Resource] = {}
    admits: dict[tuple[str, str, int], Resource] = {}
    for name, policies in _policies_by_pod(program).items():
        for policy in policies:
            calls |= {(name, other, port): policy for other, port in _inside(policy, "egress", "to")}
            admits |= {(other, name, port): policy for other, port in _inside(policy, "ingress", "from")}
    internal = [name for name, each in program.services.items() if each.exposure == "internal"]
    for called in [w for w in program.workloads if w.service in internal and w.role in SERVING]:
        callers = {each.name for each in program.workloads if each.service != called.service}
        found = {caller for caller, other, _ in admits if other == called.name}
        check.sets(callers, found, f"callers of {called.name}")
    if not calls and not admits:
        raise NotApplicable("no workload calls another: services talk by events")
    for call, policy in calls.items():
        check.that(call in admits, policy, "spec.egress", f"{call[1]} admits {call[0]} on port {call[2]}")
    for call, policy in admits.items():
        check.that(call in calls, policy, "spec.ingress", f"{call[0]} may call {call[1]} on port {call[2]}")


def _inside(policy: Resource, direction: str, side: str) -> set[tuple[str, int]]:
    """Peers in the namespace; DNS is in another one."""
    return {
        (name, port)
        for rule in mappings(at(policy.inputs, f"spec.{direction}"))
        for peer in mappings(rule.get(side))
        if "podSelector" in peer and "namespaceSelector" not in peer
        for name in [str((at(peer, "podSelector.matchLabels") or {}).get("app.kubernetes.io/name", "any pod"))]
        for port in [_number(port.get("port")) for port in mappings(rule.get("ports"))] or [0]
    }


# 0.0.0.0/0 can be written in halves; no company's offices fill an eighth of the internet.
_WIDEST_ENDPOINT = 8


@control(
    "S1.cluster-endpoint",
    "The cluster's API answers only where the stack says, and not the whole internet",
    "cluster.cluster",
    remedy="set `cluster_endpoint_cidrs` of the stack, which `Cluster` takes",
)
def cluster_endpoint(program: CapturedProgram, check: Check) -> None:
    requires_own_network(program)
    configured = {str(each) for each in program.environment.cluster_endpoint_cidrs}
    for cluster in check.some(CLUSTER):
        check.same(cluster, "vpcConfig.endpointPrivateAccess", True)
        check.same(cluster, "vpcConfig.endpointPublicAccess", bool(configured))
        if configured:
            cidrs = listed(at(cluster.inputs, "vpcConfig.publicAccessCidrs"))
            check.that(cidrs == configured, cluster, "vpcConfig.publicAccessCidrs", ", ".join(sorted(configured)))
            narrow = all(each.prefixlen >= _WIDEST_ENDPOINT for each in program.environment.cluster_endpoint_cidrs)
            expected = f"your own networks, a /{_WIDEST_ENDPOINT} at most: credentials are all that guards it otherwise"
            check.that(narrow, cluster, "vpcConfig.publicAccessCidrs", expected)


@control(
    "S1.egress-inspected",
    "What leaves the network is inspected by AWS Network Firewall",
    "network.firewall",
    remedy="set `network_firewall` of the stack, and route the private subnets through `NetworkFirewall`",
)
def egress_inspected(program: CapturedProgram, check: Check) -> None:
    """From each private subnet the way out leads to the firewall's endpoint, and only from there to NAT."""
    requires_own_network(program)
    if not program.environment.network_firewall:
        raise NotApplicable("`network_firewall` is off in this stack")
    private = program.tier("private")
    tables = {
        str(each.inputs.get("routeTableId"))
        for each in check.some(ROUTE_ASSOCIATION)
        if each.inputs.get("subnetId") in private
    }
    check.some("aws:networkfirewall/firewall:Firewall")
    out = [each for each in program.of(ROUTE) if str(each.inputs.get("routeTableId")) in tables]
    if len(out) < len(private):
        check.missing("a way out of each private subnet, by the firewall")
    for route in out:
        check.that(route.inputs.get("vpcEndpointId"), route, "vpcEndpointId", "the firewall's endpoint")


@control(
    "S1.open-groups",
    "No security group is open to anything outside the network",
    "network.network",
    remedy="name a security group in `referenced_security_group_id`, or a range inside the network in `cidr_ipv4`",
)
def open_groups(program: CapturedProgram, check: Check) -> None:
    cluster = program.environment.existing_cluster
    network = IPv4Network(str(cluster.vpc_cidr if cluster else program.plan.network.cidr))
    for rule in check.some(INGRESS):
        check.that(not rule.inputs.get("cidrIpv6"), rule, "cidrIpv6", "no IPv6 range") if rule.inputs.get(
            "cidrIpv6"
        ) else None
        if not rule.inputs.get("referencedSecurityGroupId"):
            inside = _subnet_of(rule.inputs.get("cidrIpv4"), network)
            check.that(inside, rule, "cidrIpv4", f"a range inside {network}")
        check.same(rule, "ipProtocol", "tcp")
    for group in program.of(SECURITY_GROUP):
        for index, inline in enumerate(mappings(group.inputs.get("ingress"))):
            for cidr in items(inline.get("cidrBlocks")):
                inside = _subnet_of(cidr, network)
                check.that(inside, group, f"ingress.{index}.cidrBlocks", f"ranges inside {network}")


def _subnet_of(cidr: object, network: IPv4Network) -> bool:
    found = network_of(str(cidr))
    return found is not None and found.subnet_of(network)


@control(
    "S1.outbound-groups",
    "Only password rotation and the pipeline's runners leave the network, by HTTPS",
    "database.rotation",
    remedy="narrow the rule's range, or reach AWS by an interface endpoint (`interface_endpoints` of the stack)",
)
def outbound_groups(program: CapturedProgram, check: Check) -> None:
    """It calls Secrets Manager, for which AWS publishes no list of addresses."""
    functions = _groups_of_functions(program) | _groups_of_runners(program)
    for rule in check.some(EGRESS):
        if rule.inputs.get("cidrIpv4") != ANYWHERE:
            check.that(not rule.inputs.get("cidrIpv6"), rule, "", "no IPv6 range")
            continue
        check.that(
            rule.inputs.get("securityGroupId") in functions, rule, "securityGroupId", "a function's or a runner's group"
        )
        https = (rule.inputs.get("fromPort"), rule.inputs.get("toPort")) == (443, 443)
        check.that(https, rule, "fromPort", "port 443 alone")
