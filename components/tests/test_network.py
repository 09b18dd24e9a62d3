"""The network: reachability (S1)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.tests.ingress_samples import KEY, network_args, one, refusal, simulated
from groundplan.cloud import Resource, Simulation
from groundplan_components.network import NatMode, Network, NetworkArgs
from groundplan_components.network.firewall import endpoint_in


def build(**changed: Any) -> Simulation:
    args: NetworkArgs = {**network_args(), **changed}  # type: ignore[typeddict-item]
    return simulated(lambda: Network("net", args))


def routes(simulation: Simulation) -> dict[str, Resource]:
    return {each.name.removeprefix("net-"): each for each in simulation.of_type("aws:ec2/route:Route")}


def subnet_of(simulation: Simulation, name: str) -> Resource:
    return next(each for each in simulation.of_type("aws:ec2/subnet:Subnet") if each.name == name)


def table_of(simulation: Simulation, subnet: str) -> str:
    """Name of the route table that a subnet uses."""
    subnet_id = subnet_of(simulation, subnet).id
    found = [
        each.inputs["routeTableId"]
        for each in simulation.of_type("aws:ec2/routeTableAssociation:RouteTableAssociation")
        if each.inputs["subnetId"] == subnet_id
    ]
    assert len(found) == 1, subnet
    return next(each.name for each in simulation.of_type("aws:ec2/routeTable:RouteTable") if each.id == found[0])


def test_three_tiers_in_three_zones() -> None:
    simulation = build()
    subnets = simulation.of_type("aws:ec2/subnet:Subnet")
    assert len(subnets) == 9
    for tier, ranges in (
        ("public", network_args()["public_cidrs"]),
        ("private", network_args()["private_cidrs"]),
        ("data", network_args()["data_cidrs"]),
    ):
        own = [each for each in subnets if each.name.startswith(f"net-{tier}-")]
        assert [each.inputs["cidrBlock"] for each in own] == ranges
        assert [each.inputs["availabilityZone"] for each in own] == ["eu-central-1a", "eu-central-1b", "eu-central-1c"]


def test_s1_load_balancers_have_subnets_of_their_own_without_a_way_out() -> None:
    ranges = ["10.0.9.0/27", "10.0.9.32/27", "10.0.9.64/27"]
    simulation = build(ingress_cidrs=ranges)
    own = [each for each in simulation.of_type("aws:ec2/subnet:Subnet") if each.name.startswith("net-ingress-")]
    assert [each.inputs["cidrBlock"] for each in own] == ranges
    assert {table_of(simulation, each.name) for each in own} == {"net-ingress"}
    (table,) = [each for each in simulation.of_type("aws:ec2/routeTable:RouteTable") if each.name == "net-ingress"]
    assert not [each for each in routes(simulation).values() if each.inputs["routeTableId"] == table.id]


def test_no_name_holds_a_zone_and_no_subnet_moves_when_zones_change() -> None:
    simulation = build()
    assert not [each.name for each in simulation.resources if "eu-central-1" in each.name]
    assert all(each.ignore_changes == ("availabilityZone",) for each in simulation.of_type("aws:ec2/subnet:Subnet"))


def test_s1_no_subnet_gives_out_public_addresses() -> None:
    assert {each.inputs["mapPublicIpOnLaunch"] for each in build().of_type("aws:ec2/subnet:Subnet")} == {False}


def test_s1_the_default_security_group_lets_nothing_through() -> None:
    group = one(build(), "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
    assert group.inputs["ingress"] == []
    assert group.inputs["egress"] == []


def test_s1_data_subnets_have_no_route_to_the_internet() -> None:
    simulation = build()
    assert {table_of(simulation, f"net-data-{index}") for index in range(3)} == {"net-data"}
    data_table = next(each for each in simulation.of_type("aws:ec2/routeTable:RouteTable") if each.name == "net-data")
    assert [each.name for each in routes(simulation).values() if each.inputs["routeTableId"] == data_table.id] == []
    for endpoint in simulation.of_type("aws:ec2/vpcEndpoint:VpcEndpoint"):
        assert data_table.id not in endpoint.inputs.get("routeTableIds", [])


def test_s1_only_private_and_data_ranges_pass_the_data_tiers_lock() -> None:
    simulation = build()
    acl = one(simulation, "aws:ec2/networkAcl:NetworkAcl")
    assert acl.inputs["subnetIds"] == [subnet_of(simulation, f"net-data-{index}").id for index in range(3)]
    rules = simulation.of_type("aws:ec2/networkAclRule:NetworkAclRule")
    inner = {*network_args()["private_cidrs"], *network_args()["data_cidrs"]}
    for egress in (False, True):
        own = [each for each in rules if each.inputs["egress"] is egress]
        assert {each.inputs["cidrBlock"] for each in own} == inner
        assert len({each.inputs["ruleNumber"] for each in own}) == len(own)
    assert {each.inputs["ruleAction"] for each in rules} == {"allow"}


def test_eks_finds_its_subnets_by_their_tags() -> None:
    simulation = build()
    assert subnet_of(simulation, "net-public-0").inputs["tags"]["kubernetes.io/role/elb"] == "1"
    assert subnet_of(simulation, "net-private-0").inputs["tags"]["kubernetes.io/role/internal-elb"] == "1"
    assert not [tag for tag in subnet_of(simulation, "net-data-0").inputs["tags"] if tag.startswith("kubernetes.io")]


@pytest.mark.parametrize(
    ("nat", "gateways", "used"),
    [
        (NatMode.NONE, 0, []),
        (NatMode.SINGLE, 1, ["net-nat-0"] * 3),
        (NatMode.PER_ZONE, 3, ["net-nat-0", "net-nat-1", "net-nat-2"]),
        (NatMode.REGIONAL, 1, ["net-nat"] * 3),
    ],
)
def test_nat_modes(nat: NatMode, gateways: int, used: list[str]) -> None:
    simulation = build(nat=nat)
    found = simulation.of_type("aws:ec2/natGateway:NatGateway")
    assert len(found) == gateways
    names = {each.id: each.name for each in found}
    ways = [routes(simulation).get(f"private-{index}-internet") for index in range(3)]
    assert [names[way.inputs["natGatewayId"]] for way in ways if way] == used
    if nat is NatMode.REGIONAL:
        assert found[0].inputs["availabilityMode"] == "regional"
        assert found[0].inputs["vpcId"] == one(simulation, "aws:ec2/vpc:Vpc").id
        assert "subnetId" not in found[0].inputs
        assert simulation.of_type("aws:ec2/eip:Eip") == ()


def test_nat_waits_for_the_internet_gateway() -> None:
    simulation = build(nat=NatMode.SINGLE)
    internet = one(simulation, "aws:ec2/internetGateway:InternetGateway")
    assert internet.urn in one(simulation, "aws:ec2/natGateway:NatGateway").dependencies


def test_s1_flow_logs_are_recorded_and_encrypted() -> None:
    simulation = build(log_days=30)
    group = one(simulation, "aws:cloudwatch/logGroup:LogGroup")
    assert group.inputs["kmsKeyId"] == KEY
    assert group.inputs["retentionInDays"] == 30
    flow = one(simulation, "aws:ec2/flowLog:FlowLog")
    assert flow.inputs["trafficType"] == "ALL"
    role = json.loads(one(simulation, "aws:iam/role:Role").inputs["assumeRolePolicy"])["Statement"][0]
    assert role["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    assert role["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    written = json.loads(one(simulation, "aws:iam/rolePolicy:RolePolicy").inputs["policy"])["Statement"][0]
    assert written["Resource"] == [group.outputs["arn"], f"{group.outputs['arn']}:*"]


def test_gateway_endpoints_are_always_there_and_admit_this_account_only() -> None:
    simulation = build(interface_endpoints=False)
    endpoints = simulation.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")
    assert {each.inputs["serviceName"] for each in endpoints} == {
        "com.amazonaws.eu-central-1.s3",
        "com.amazonaws.eu-central-1.dynamodb",
    }
    for endpoint in endpoints:
        assert endpoint.inputs["vpcEndpointType"] == "Gateway"
        assert len(endpoint.inputs["routeTableIds"]) == 3
        own = json.loads(endpoint.inputs["policy"])["Statement"][0]
        assert own["Condition"] == {"StringEquals": {"aws:PrincipalAccount": "123456789012"}}


def test_interface_endpoints_answer_https_from_inside() -> None:
    simulation = build()
    interfaces = [
        each
        for each in simulation.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")
        if each.inputs["vpcEndpointType"] == "Interface"
    ]
    names = {each.inputs["serviceName"].removeprefix("com.amazonaws.eu-central-1.") for each in interfaces}
    assert {"ecr.api", "ecr.dkr", "sts", "eks-auth", "secretsmanager", "logs", "kms"} <= names
    assert all(each.inputs["privateDnsEnabled"] is True for each in interfaces)
    assert all(len(each.inputs["subnetIds"]) == 3 for each in interfaces)
    rule = one(simulation, "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    assert (rule.inputs["cidrIpv4"], rule.inputs["fromPort"], rule.inputs["toPort"]) == ("10.0.0.0/16", 443, 443)


@pytest.mark.parametrize("nat", [NatMode.SINGLE, NatMode.PER_ZONE])
def test_s1_with_a_firewall_nothing_leaves_uninspected(nat: NatMode) -> None:
    simulation = build(nat=nat, network_firewall=True)
    found = routes(simulation)
    endpoints = []
    for index, cidr in enumerate(network_args()["private_cidrs"]):
        assert table_of(simulation, f"net-firewall-{index}") == f"net-firewall-{index}"
        out = found[f"private-{index}-inspected"]
        back = found[f"public-return-{index}"]
        assert out.inputs["destinationCidrBlock"] == "0.0.0.0/0"
        assert back.inputs["destinationCidrBlock"] == cidr
        assert out.inputs["vpcEndpointId"] == back.inputs["vpcEndpointId"]
        endpoints.append(out.inputs["vpcEndpointId"])
        assert found[f"firewall-{index}-internet"].inputs["natGatewayId"]
    assert len(set(endpoints)) == 3
    assert not [name for name in found if name.startswith("private-") and name.endswith("-internet")]


def test_s1_the_firewall_lets_out_to_known_domains_only() -> None:
    simulation = build(network_firewall=True, allowed_domains=[".example.com", ".amazonaws.com"], protect=True)
    group = one(simulation, "aws:networkfirewall/ruleGroup:RuleGroup")
    source = group.inputs["ruleGroup"]["rulesSource"]["rulesSourceList"]
    assert source["generatedRulesType"] == "ALLOWLIST"
    assert source["targets"] == [".amazonaws.com", ".example.com"]
    policy = one(simulation, "aws:networkfirewall/firewallPolicy:FirewallPolicy").inputs["firewallPolicy"]
    assert "aws:drop_established" in policy["statefulDefaultActions"]
    assert policy["statefulEngineOptions"]["ruleOrder"] == "STRICT_ORDER"
    assert policy["statelessDefaultActions"] == ["aws:forward_to_sfe"]
    firewall = one(simulation, "aws:networkfirewall/firewall:Firewall")
    assert firewall.protect
    assert firewall.inputs["deleteProtection"] is True
    for token in ("ruleGroup:RuleGroup", "firewallPolicy:FirewallPolicy", "firewall:Firewall"):
        encryption = one(simulation, f"aws:networkfirewall/{token}").inputs["encryptionConfiguration"]
        assert encryption == {"type": "CUSTOMER_KMS", "keyId": KEY}
    logging = one(simulation, "aws:networkfirewall/loggingConfiguration:LoggingConfiguration")
    kinds = {each["logType"] for each in logging.inputs["loggingConfiguration"]["logDestinationConfigs"]}
    assert kinds == {"ALERT", "FLOW"}


def test_a_firewalls_endpoint_is_found_by_its_subnet() -> None:
    statuses = [
        {"sync_states": [{"attachments": [{"subnet_id": "b", "endpoint_id": "vpce-b"}]}, {"attachments": None}]}
    ]
    assert endpoint_in(statuses, "b") == "vpce-b"
    with pytest.raises(Exception, match="no endpoint in subnet a"):
        endpoint_in(statuses, "a")


def test_s1_without_a_firewall_there_is_none() -> None:
    assert build().of_type("aws:networkfirewall/firewall:Firewall") == ()


@pytest.mark.parametrize("protect", [True, False])
def test_protection_follows_the_argument(protect: bool) -> None:
    assert one(build(protect=protect), "aws:ec2/vpc:Vpc").protect is protect


def test_everything_belongs_to_the_component_and_has_a_name() -> None:
    simulation = build(network_firewall=True)
    component = one(simulation, "groundplan:index:Network")
    for each in simulation.resources:
        assert each is component or each.urn.startswith(component.urn.replace("::net", "$")), each.urn
        if "tags" in each.inputs:
            assert each.inputs["tags"]["Name"], each.urn


@pytest.mark.parametrize(
    ("changed", "argument", "expected"),
    [
        ({"vpc_cidr": "10.0.0.0/8"}, "vpc_cidr", "from /16 to /28"),
        ({"vpc_cidr": "10.0.0.1/16"}, "vpc_cidr", "whose host bits are zero"),
        ({"private_cidrs": ["10.0.32.0/19"]}, "private_cidrs", "one address range for each zone"),
        ({"data_cidrs": ["10.0.4.0/24", "10.0.5.0/24"]}, "data_cidrs", "one address range for each zone"),
        ({"data_cidrs": ["10.0.4.0/24", "10.0.5.0/24", "10.1.6.0/24"]}, "data_cidrs[2]", "inside"),
        ({"data_cidrs": ["10.0.4.0/24", "10.0.5.0/24", "10.0.33.0/24"]}, "data_cidrs[2]", "private_cidrs[0]"),
        ({"network_firewall": True, "firewall_cidrs": []}, "firewall_cidrs", "one address range for each zone"),
        ({"network_firewall": True, "nat": NatMode.NONE}, "nat", "`single` or `per_zone`"),
        ({"network_firewall": True, "nat": NatMode.REGIONAL}, "nat", "`single` or `per_zone`"),
        ({"network_firewall": True, "allowed_domains": ["https://x.com"]}, "allowed_domains", "a host name"),
        ({"network_firewall": True, "allowed_domains": []}, "allowed_domains", "1 to 500 domains"),
    ],
)
def test_wrong_layouts_are_refused(changed: dict[str, Any], argument: str, expected: str) -> None:
    message = refusal(lambda: Network("net", {**network_args(), **changed}))  # type: ignore[typeddict-item]
    assert f'Network "net": {argument} is ' in message
    assert expected in message


def test_interface_services_are_short_names() -> None:
    with pytest.raises(Exception, match="a service's short name"):
        build(interface_services=["com.amazonaws.eu-central-1.sqs"])
