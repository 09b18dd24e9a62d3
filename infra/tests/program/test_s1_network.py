"""S1: firewalls, and who can reach whom."""

from __future__ import annotations

from typing import Any

from infra.tests.program.graphs import EITHER_BROKER, Graph, on
from infra.tests.program.reading import NETWORK_POLICY, rule, rules_by_name

INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
SUBNET = "aws:ec2/subnet:Subnet"
ROUTE = "aws:ec2/route:Route"
ANYWHERE = "0.0.0.0/0"
MANAGED_GROUPS = {
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesSQLiRuleSet",
    "AWSManagedRulesCommonRuleSet",
}


def managed_groups(rules: dict[str, dict[str, Any]]) -> set[str]:
    """Rule groups of AWS that block by themselves."""
    return {
        rule["statement"]["managedRuleGroupStatement"]["name"]
        for rule in rules.values()
        if "managedRuleGroupStatement" in rule["statement"] and rule["overrideAction"] == {"none": {}}
    }


def subnets(graph: Graph, tier: str) -> dict[str, str]:
    """Ids to ranges."""
    found = {each.id: each.inputs["cidrBlock"] for each in graph.some(SUBNET) if each.inputs["tags"]["tier"] == tier}
    assert len(found) == graph.plan.network.zones
    return found


@on(*EITHER_BROKER)
def test_s1_a_firewall_stands_at_the_edge(graph: Graph) -> None:
    (acl,) = [each for each in graph.some("aws:wafv2/webAcl:WebAcl") if each.inputs["scope"] == "CLOUDFRONT"]
    (distribution,) = graph.some("aws:cloudfront/distribution:Distribution")
    assert distribution.inputs.get("webAclId") == acl.outputs["arn"]
    assert acl.region == "us-east-1"
    assert managed_groups(rules_by_name(graph, "CLOUDFRONT")) == MANAGED_GROUPS
    priorities = [rule["priority"] for rule in acl.inputs["rules"]]
    assert priorities == list(range(len(priorities)))


@on(*EITHER_BROKER)
def test_s1_a_firewall_stands_at_the_gateway(graph: Graph) -> None:
    (acl,) = [each for each in graph.some("aws:wafv2/webAcl:WebAcl") if each.inputs["scope"] == "REGIONAL"]
    (stage,) = graph.some("aws:apigateway/stage:Stage")
    (association,) = graph.some("aws:wafv2/webAclAssociation:WebAclAssociation")
    assert association.inputs["webAclArn"] == acl.outputs["arn"]
    assert association.inputs["resourceArn"] == stage.outputs["arn"]
    assert managed_groups(rules_by_name(graph, "REGIONAL")) == MANAGED_GROUPS


@on(*EITHER_BROKER)
def test_s1_nobody_gets_round_the_edge(graph: Graph) -> None:
    """The gateway's firewall refuses first of all what lacks the secret that the edge sends along."""
    origin = rule(graph, "REGIONAL", "origin")
    assert origin["priority"] == 0
    assert origin["action"]["block"]["customResponse"]["responseCode"] == 403
    wanted = origin["statement"]["notStatement"]["statement"]["byteMatchStatement"]
    assert wanted["positionalConstraint"] == "EXACTLY"
    assert wanted["fieldToMatch"] == {"singleHeader": {"name": "x-origin-verify"}}
    (distribution,) = graph.some("aws:cloudfront/distribution:Distribution")
    (api,) = [each for each in distribution.inputs["origins"] if each["originId"] == "api"]
    assert api["customHeaders"] == [{"name": "x-origin-verify", "value": wanted["searchString"]}]
    (password,) = [each for each in graph.resources if each.name == "origin-secret"]
    assert wanted["searchString"] == password.outputs["result"]


@on(*EITHER_BROKER)
def test_s1_firewalls_log_without_tokens(graph: Graph) -> None:
    found = graph.some("aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration")
    assert {each.inputs["resourceArn"] for each in found} == {
        each.outputs["arn"] for each in graph.some("aws:wafv2/webAcl:WebAcl")
    }
    for each in found:
        redacted = {field["singleHeader"]["name"] for field in each.inputs["redactedFields"]}
        assert redacted == {"authorization", "cookie", "x-origin-verify"}, each.urn


@on(*EITHER_BROKER)
def test_s1_the_network_writes_down_who_spoke_to_whom(graph: Graph) -> None:
    (vpc,) = graph.some("aws:ec2/vpc:Vpc")
    (flow_log,) = graph.some("aws:ec2/flowLog:FlowLog")
    assert flow_log.inputs["vpcId"] == vpc.id
    assert flow_log.inputs["trafficType"] == "ALL"
    groups = {each.outputs["arn"] for each in graph.some("aws:cloudwatch/logGroup:LogGroup")}
    assert flow_log.inputs["logDestination"] in groups


@on(*EITHER_BROKER)
def test_s1_the_default_security_group_lets_nothing_through(graph: Graph) -> None:
    (group,) = graph.some("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
    assert group.inputs["ingress"] == []
    assert group.inputs["egress"] == []


@on(*EITHER_BROKER)
def test_s1_no_machine_gets_a_public_address(graph: Graph) -> None:
    assert {each.inputs["mapPublicIpOnLaunch"] for each in graph.some(SUBNET)} == {False}


@on(*EITHER_BROKER)
def test_s1_data_stores_have_no_way_to_the_internet(graph: Graph) -> None:
    data = subnets(graph, "data")
    associations = graph.some("aws:ec2/routeTableAssociation:RouteTableAssociation")
    tables = {each.inputs["routeTableId"] for each in associations if each.inputs["subnetId"] in data}
    assert len(tables) == 1
    assert [each.urn for each in graph.some(ROUTE) if each.inputs["routeTableId"] in tables] == []


@on(*EITHER_BROKER)
def test_s1_a_second_lock_lets_only_pods_at_the_data_stores(graph: Graph) -> None:
    data, private = subnets(graph, "data"), subnets(graph, "private")
    (acl,) = graph.some("aws:ec2/networkAcl:NetworkAcl")
    assert set(acl.inputs["subnetIds"]) == set(data)
    for egress in (False, True):
        rules = [
            each for each in graph.some("aws:ec2/networkAclRule:NetworkAclRule") if each.inputs["egress"] is egress
        ]
        assert {each.inputs["ruleAction"] for each in rules} == {"allow"}
        assert {each.inputs["cidrBlock"] for each in rules} == {*data.values(), *private.values()}


@on(*EITHER_BROKER)
def test_s1_data_stores_are_in_the_data_subnets_and_private(graph: Graph) -> None:
    data = set(subnets(graph, "data"))
    groups = [*graph.some("aws:rds/subnetGroup:SubnetGroup"), *graph.of("aws:elasticache/subnetGroup:SubnetGroup")]
    for group in groups:
        assert set(group.inputs["subnetIds"]) == data, group.urn
    for database in graph.some("aws:rds/instance:Instance"):
        assert database.inputs["publiclyAccessible"] is False, database.urn
    for cluster in graph.of("aws:msk/cluster:Cluster"):
        assert set(cluster.inputs["brokerNodeGroupInfo"]["clientSubnets"]) == data
    for proxy in graph.of("aws:rds/proxy:Proxy"):
        assert set(proxy.inputs["vpcSubnetIds"]) == data


@on(*EITHER_BROKER)
def test_s1_only_pods_may_open_the_data_stores(graph: Graph) -> None:
    """Besides the proxies in between, password rotation, and Firehose's private link to Kafka."""
    (cluster,) = graph.some("aws:eks/cluster:Cluster")
    pods = cluster.outputs["vpcConfig"]["clusterSecurityGroupId"]
    groups = {each.id: each.name for each in graph.some("aws:ec2/securityGroup:SecurityGroup")}
    opened = [
        each
        for each in graph.some(INGRESS)
        if groups.get(each.inputs["securityGroupId"], "").endswith(("-access", "kafka-brokers"))
    ]
    assert len(opened) > 2
    for each in opened:
        source = each.inputs.get("referencedSecurityGroupId", "")
        allowed = source == pods or groups.get(source, "").endswith(("-proxy-access", "-rotation"))
        assert allowed or each.name == "kafka-private-link", each.urn


@on(*EITHER_BROKER)
def test_s1_requests_reach_pods_only_by_the_gateway_and_the_load_balancer(graph: Graph) -> None:
    (cluster,) = graph.some("aws:eks/cluster:Cluster")
    pods = cluster.outputs["vpcConfig"]["clusterSecurityGroupId"]
    (balancer,) = graph.some("aws:lb/loadBalancer:LoadBalancer")
    assert balancer.inputs["internal"] is True
    (balancer_group,) = balancer.inputs["securityGroups"]
    (link,) = graph.some("aws:apigatewayv2/vpcLink:VpcLink")
    (link_group,) = link.inputs["securityGroupIds"]
    into = {
        group: [rule.inputs for rule in graph.some(INGRESS) if rule.inputs["securityGroupId"] == group]
        for group in (pods, balancer_group, link_group)
    }
    (to_balancer,) = into[balancer_group]
    assert to_balancer["referencedSecurityGroupId"] == link_group
    (to_pods,) = into[pods]
    assert to_pods["referencedSecurityGroupId"] == balancer_group
    assert (to_pods["fromPort"], to_pods["toPort"]) == (8080, 8080)
    assert into[link_group] == []


@on("dev", "prod", "queues", "existing cluster")
def test_s1_pods_reach_nothing_unless_a_policy_says_so(graph: Graph) -> None:
    scope = f"{graph.system.name}-{graph.environment.name}"
    deny = graph.one(NETWORK_POLICY, f"{scope}-deny").inputs
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    dns = graph.one(NETWORK_POLICY, f"{scope}-dns").inputs["spec"]
    (rule,) = dns["egress"]
    assert {port["port"] for port in rule["ports"]} == {53}
    assert dns["policyTypes"] == ["Egress"]


@on(*EITHER_BROKER)
def test_s1_the_cluster_enforces_network_policies(graph: Graph) -> None:
    switch = graph.one("kubernetes:core/v1:ConfigMap", "nodes-network-policies").inputs
    assert switch["metadata"] == {"name": "amazon-vpc-cni", "namespace": "kube-system"}
    assert switch["data"] == {"enable-network-policy-controller": "true"}
    (nodes,) = graph.some("kubernetes:eks.amazonaws.com/v1:NodeClass")
    assert nodes.inputs["spec"]["networkPolicy"] in ("DefaultAllow", "DefaultDeny")


@on(*EITHER_BROKER)
def test_s1_each_workload_reaches_its_data_and_aws_alone(graph: Graph) -> None:
    data, private = set(subnets(graph, "data").values()), set(subnets(graph, "private").values())
    ports = {5432, 6379} | ({9098} if graph.system.events.broker == "kafka" else set())
    for workload in graph.plan.workloads:
        spec = graph.one(NETWORK_POLICY, f"{workload.name}-network").inputs["spec"]
        assert spec["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": workload.name}}
        assert spec["policyTypes"] == ["Ingress", "Egress"]
        reached = {
            (peer["ipBlock"]["cidr"], port["port"])
            for rule in spec["egress"]
            for peer in rule["to"]
            for port in rule["ports"]
        }
        to_data = {(cidr, port) for cidr in data for port in ports}
        assert reached == to_data | {(ANYWHERE, 443), ("169.254.170.23/32", 80)}, workload.name
        admitted = {
            (peer["ipBlock"]["cidr"], port["port"])
            for rule in spec["ingress"]
            for peer in rule["from"]
            for port in rule["ports"]
        }
        serving = workload.role in ("api", "command", "query")
        assert admitted == ({(cidr, 8080) for cidr in private} if serving else set()), workload.name


@on("internal service")
def test_s1_an_internal_service_answers_the_other_services_alone(graph: Graph) -> None:
    callers = {each.name for each in graph.plan.workloads if each.service != "payment"}
    spec = graph.one(NETWORK_POLICY, "payment-api-network").inputs["spec"]
    (rule,) = spec["ingress"]
    assert {peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for peer in rule["from"]} == callers
    for name in callers:
        out = graph.one(NETWORK_POLICY, f"{name}-network").inputs["spec"]["egress"]
        peers = [peer["podSelector"] for rule in out for peer in rule["to"] if "podSelector" in peer]
        assert {"matchLabels": {"app.kubernetes.io/name": "payment-api"}} in peers, name
    assert not any("payment" in each.name for each in graph.some("aws:lb/targetGroup:TargetGroup"))


@on("dev", "prod")
def test_s1_the_clusters_api_answers_only_where_the_stack_says(graph: Graph) -> None:
    (cluster,) = graph.some("aws:eks/cluster:Cluster")
    configured = [str(each) for each in graph.environment.cluster_endpoint_cidrs]
    network = cluster.inputs["vpcConfig"]
    assert network["endpointPrivateAccess"] is True
    assert network["endpointPublicAccess"] is bool(configured)
    assert network.get("publicAccessCidrs", []) == configured


@on("network firewall")
def test_s1_what_leaves_the_network_is_inspected(graph: Graph) -> None:
    """From each private subnet the way out leads to the firewall's endpoint, and only from there to NAT."""
    private = set(subnets(graph, "private"))
    associations = graph.some("aws:ec2/routeTableAssociation:RouteTableAssociation")
    tables = {each.inputs["routeTableId"] for each in associations if each.inputs["subnetId"] in private}
    out = [each for each in graph.some(ROUTE) if each.inputs["routeTableId"] in tables]
    assert len(out) == len(private)
    (firewall,) = graph.some("aws:networkfirewall/firewall:Firewall")
    for route in out:
        assert route.inputs["destinationCidrBlock"] == ANYWHERE
        assert route.inputs.get("vpcEndpointId"), route.urn
        assert "natGatewayId" not in route.inputs, route.urn
    assert firewall.inputs["deleteProtection"] is True
