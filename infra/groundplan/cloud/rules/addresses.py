"""Networks and their addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from groundplan.cloud.item import Item
from groundplan.cloud.rules.registry import Broken, rule, transition

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
_TARGETS = (
    "carrierGatewayId",
    "coreNetworkArn",
    "egressOnlyGatewayId",
    "gatewayId",
    "localGatewayId",
    "natGatewayId",
    "networkInterfaceId",
    "transitGatewayId",
    "vpcEndpointId",
    "vpcPeeringConnectionId",
)
_DESTINATIONS = ("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")
_SOURCES = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")


def network(value: object) -> ipaddress.IPv4Network | None:
    """The IPv4 network that a text is, with no host bits set; None when it is none."""
    try:
        return ipaddress.IPv4Network(value) if isinstance(value, str) else None
    except ValueError:
        return None


def is_range(text: str) -> bool:
    """Whether a text is a range of addresses in CIDR notation, of either family."""
    try:
        return "/" in text and bool(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return False


def zone_of(subnet: Item) -> str:
    return str(subnet.outputs.get("availabilityZone") or subnet.known("availabilityZone") or "")


def subnets(item: Item, cloud: Cloud, *paths: str) -> list[Item]:
    """The subnets that an item's lists name, as far as anything is known of them."""
    named = [cloud.find(SUBNET, each) for path in paths for each in item.each(path)]
    return [subnet for subnet in named if subnet is not None]


def zones(item: Item, cloud: Cloud, *paths: str) -> set[str] | None:
    """The zones of those subnets; None when one of them is not known."""
    found = subnets(item, cloud, *paths)
    asked = [each for path in paths for each in (item.get(path) if isinstance(item.get(path), list) else [])]
    if len(found) != len(asked) or not asked:
        return None
    return {zone_of(subnet) for subnet in found}


def vpcs(item: Item, cloud: Cloud, *paths: str) -> set[object]:
    """The networks of those subnets."""
    return {subnet.known("vpcId") for subnet in subnets(item, cloud, *paths)} - {None}


@rule(VPC)
def vpc_range(vpc: Item, _: Cloud) -> Iterator[Broken]:
    """A VPC's IPv4 range is a network of /16 to /28.

    Source: VPC user guide, VPC CIDR blocks.
    """
    given = vpc.known("cidrBlock")
    if isinstance(given, str):
        found = network(given)
        if found is None:
            yield Broken(
                "cidrBlock", "an IPv4 network in CIDR notation with no host bits set", "for example 10.0.0.0/16"
            )
        elif not 16 <= found.prefixlen <= 28:
            yield Broken(
                "cidrBlock",
                "a network of /16 to /28",
                f"/{found.prefixlen} is too {'large' if found.prefixlen < 16 else 'small'}",
            )


@rule(VPC)
def name_service(vpc: Item, _: Cloud) -> Iterator[Broken]:
    """Host names need DNS; a network isn't on dedicated hosts.

    Source: EC2 API, ModifyVpcAttribute; CreateVpc, InstanceTenancy.
    """
    if vpc.known("enableDnsHostnames") is True and vpc.known("enableDnsSupport") is False:
        yield Broken("enableDnsSupport", "true, as enableDnsHostnames is", "enable both, or neither")
    if vpc.known("instanceTenancy") == "host":
        yield Broken("instanceTenancy", "default or dedicated", "choose one of these")


@transition(VPC)
def tenancy(old: Item, new: Item) -> Iterator[Broken]:
    """A network leaves dedicated hardware, and never comes to it.

    Source: EC2 API, ModifyVpcTenancy: from dedicated to default only.
    """
    if old.get("instanceTenancy", "default") == "default" and new.known("instanceTenancy") == "dedicated":
        yield Broken("instanceTenancy", "default, as it is", "keep it, or make a new network")


@rule(SUBNET)
def subnet_range(subnet: Item, cloud: Cloud) -> Iterator[Broken]:
    """A subnet of /16 to /28 lies inside its VPC and overlaps no other subnet of it.

    Source: VPC user guide, Subnet CIDR blocks.
    """
    given = subnet.known("cidrBlock")
    if not isinstance(given, str):
        return
    found = network(given)
    if found is None:
        yield Broken("cidrBlock", "an IPv4 network in CIDR notation with no host bits set", "for example 10.0.0.0/20")
        return
    if not 16 <= found.prefixlen <= 28:
        yield Broken("cidrBlock", "a network of /16 to /28", "change the prefix length")
    vpc = cloud.find(VPC, subnet.known("vpcId"))
    whole = network(vpc.known("cidrBlock")) if vpc is not None else None
    if whole is not None and not found.subnet_of(whole):
        yield Broken("cidrBlock", f"a part of its VPC's {whole}", "choose a range inside the VPC")
    for other in cloud.others(subnet, "vpcId"):
        taken = network(other.known("cidrBlock"))
        if taken is not None and taken.overlaps(found):
            yield Broken(
                "cidrBlock", f"a range apart from {taken}, which is {other.name}'s", "choose a free range of the VPC"
            )


@rule(SUBNET)
def subnet_zone(subnet: Item, _: Cloud) -> Iterator[Broken]:
    """A subnet's zone belongs to its region.

    Source: VPC user guide, Subnets.
    """
    zone = subnet.known("availabilityZone")
    if (
        isinstance(zone, str)
        and re.fullmatch(rf"{re.escape(subnet.place)}((-[a-z]+-\d+)?[a-z]|-wl\d+-[a-z]+-wlz-\d+)", zone) is None
    ):
        yield Broken("availabilityZone", f"a zone of {subnet.place}", f"for example {subnet.place}a")


@rule(
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
)
def security_rule(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A rule has one peer, a protocol, and ports exactly when the protocol has them; no two of a group are the same.

    Source: EC2 API, AuthorizeSecurityGroupIngress, IpPermission.
    """
    given = [name for name in _SOURCES if item.get(name) is not None]
    if len(given) != 1:
        yield Broken(
            given[1] if len(given) > 1 else "cidrIpv4",
            f"exactly one of {', '.join(_SOURCES)}; {len(given)} are given",
            "write one rule for each peer",
        )
    yield from _ports(item.inputs, "", "ipProtocol")
    yield from _cidr(item.inputs, "", ("cidrIpv4",))
    for other in cloud.others(item, "securityGroupId"):
        if _same_rule(item, other):
            yield Broken(
                "securityGroupId",
                f"a rule that the group doesn't have yet; {other.urn} is the same",
                "remove one of the two",
            )


def _same_rule(one: Item, other: Item) -> bool:
    names = ("ipProtocol", "fromPort", "toPort", *_SOURCES)
    return all(one.get(name) == other.get(name) for name in names)


@rule("aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
def inline_security_rules(group: Item, _: Cloud) -> Iterator[Broken]:
    """Rules written inside a group follow the same form.

    Source: EC2 API, IpPermission.
    """
    for side in ("ingress", "egress"):
        for index, each in enumerate(group.objects(side)):
            path = f"{side}[{index}]"
            yield from _ports(each, f"{path}.", "protocol")
            for place, cidr in enumerate(each.get("cidrBlocks") or []):
                if isinstance(cidr, str) and network(cidr) is None:
                    yield Broken(
                        f"{path}.cidrBlocks[{place}]", "an IPv4 network with no host bits set", "correct the range"
                    )
            for place, cidr in enumerate(each.get("ipv6CidrBlocks") or []):
                if isinstance(cidr, str) and not _is_ipv6(cidr):
                    yield Broken(f"{path}.ipv6CidrBlocks[{place}]", "an IPv6 network", "correct the range")
            if not any(
                each.get(name) for name in ("cidrBlocks", "ipv6CidrBlocks", "prefixListIds", "securityGroups", "self")
            ):
                yield Broken(
                    path, "a peer: a range, a prefix list, a security group or self", "say whom the rule lets in or out"
                )


def _ports(rule_: dict[str, Any], prefix: str, protocol_name: str) -> Iterator[Broken]:
    protocol = rule_.get(protocol_name)
    low, high = rule_.get("fromPort"), rule_.get("toPort")
    if protocol in ("-1", "all"):
        if low not in (None, 0, -1) or high not in (None, 0, -1):
            yield Broken(
                f"{prefix}fromPort",
                "no ports, as the rule is for all protocols",
                "name a protocol, or leave the ports out",
            )
        return
    if protocol in ("tcp", "udp", "6", "17"):
        for name, port in (("fromPort", low), ("toPort", high)):
            if port is None:
                yield Broken(f"{prefix}{name}", f"a port from 0 to 65535 for {protocol}", f"set {name}")
            elif isinstance(port, int) and not 0 <= port <= 65535:
                yield Broken(f"{prefix}{name}", "a port from 0 to 65535", "correct the port")
        if isinstance(low, int) and isinstance(high, int) and low > high:
            yield Broken(f"{prefix}toPort", f"a port not below fromPort, {low}", "swap the two")
    elif isinstance(protocol, str) and not (
        protocol in ("icmp", "icmpv6", "1", "58") or (protocol.isdigit() and int(protocol) < 256)
    ):
        yield Broken(
            f"{prefix}{protocol_name}", "tcp, udp, icmp, icmpv6, -1 or a protocol's number", "correct the protocol"
        )


def _is_ipv6(text: str) -> bool:
    try:
        return "/" in text and bool(ipaddress.IPv6Network(text))
    except ValueError:
        return False


def _cidr(rule_: dict[str, Any], prefix: str, names: tuple[str, ...]) -> Iterator[Broken]:
    for name in names:
        value = rule_.get(name)
        if isinstance(value, str) and (network(value) is None or "/" not in value):
            yield Broken(
                f"{prefix}{name}", "an IPv4 network in CIDR notation with no host bits set", "correct the range"
            )


@rule("aws:ec2/route:Route")
def route(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A route has one destination and one target, and a table has one route for each destination.

    Source: EC2 API, CreateRoute.
    """
    for names, what in ((_DESTINATIONS, "destination"), (_TARGETS, "target")):
        given = [name for name in names if item.get(name) is not None]
        if len(given) != 1:
            yield Broken(
                given[1] if len(given) > 1 else names[0],
                f"exactly one {what}; {len(given)} are given",
                f"choose one of {', '.join(names)}",
            )
    yield from _cidr(item.inputs, "", ("destinationCidrBlock",))
    for other in cloud.others(item, "routeTableId"):
        if all(other.get(name) == item.get(name) for name in _DESTINATIONS):
            yield Broken(
                "destinationCidrBlock",
                f"a destination that the table has no route for; {other.urn} has this one",
                "keep one route",
            )
    gateway = cloud.find("aws:ec2/internetGateway:InternetGateway", item.known("gatewayId"))
    table = cloud.referred(item, "routeTableId")
    if gateway is not None and table is not None and gateway.known("vpcId") not in (None, table.known("vpcId")):
        yield Broken("gatewayId", "an internet gateway of the route table's VPC", "use that VPC's gateway")


@rule("aws:ec2/route:Route")
def not_the_local_route(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """The way into the network itself is there from the start.

    Source: EC2 API, CreateRoute (RouteAlreadyExists).
    """
    table = cloud.referred(item, "routeTableId")
    vpc = cloud.find("aws:ec2/vpc:Vpc", table.known("vpcId")) if table is not None else None
    own, wanted = (
        network(each) for each in (vpc.known("cidrBlock") if vpc else None, item.known("destinationCidrBlock"))
    )
    if own is not None and own == wanted:
        yield Broken("destinationCidrBlock", f"another range than the network's own, {own}", "remove the route")


@rule("aws:ec2/routeTableAssociation:RouteTableAssociation")
def route_table_association(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A subnet has one route table, of its own VPC.

    Source: VPC user guide, Subnet route tables.
    """
    if (item.get("subnetId") is None) == (item.get("gatewayId") is None):
        yield Broken("subnetId", "a subnet or a gateway, one of the two", "set subnetId or gatewayId")
    subnet, table = cloud.referred(item, "subnetId"), cloud.referred(item, "routeTableId")
    if subnet is not None and table is not None and subnet.known("vpcId") != table.known("vpcId"):
        yield Broken("routeTableId", "a route table of the subnet's VPC", "use a table of that VPC")
    for other in cloud.others(item, "subnetId"):
        yield Broken("subnetId", f"a subnet with no other route table; {other.urn} gave it one", "associate one table")


@rule("aws:ec2/natGateway:NatGateway")
def nat_gateway(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A zonal gateway sits in a subnet and, when public, has an elastic address that no other uses; a regional one
    names its VPC.

    Source: EC2 API, CreateNatGateway.
    """
    regional = item.get("availabilityMode", "zonal") == "regional"
    if regional:
        if item.get("vpcId") is None:
            yield Broken("vpcId", "the VPC of a regional NAT gateway", "set vpc_id")
        if item.get("subnetId") is not None:
            yield Broken("subnetId", "no subnet, as the gateway is regional", "remove subnet_id")
        return
    if item.get("subnetId") is None:
        yield Broken("subnetId", "the subnet of a zonal NAT gateway", "set subnet_id")
    public = item.get("connectivityType", "public") == "public"
    if public and item.get("allocationId") is None:
        yield Broken("allocationId", "an elastic address, as the gateway is public", "set allocation_id to an Eip's id")
    if not public and item.get("allocationId") is not None:
        yield Broken("allocationId", "no elastic address, as the gateway is private", "remove allocation_id")
    for other in cloud.others(item, "allocationId"):
        yield Broken(
            "allocationId", f"an address that nothing uses; {other.urn} has it", "create an Eip for each gateway"
        )


@rule("aws:ec2/vpcEndpoint:VpcEndpoint")
def vpc_endpoint(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A gateway endpoint goes into route tables, an interface endpoint into one subnet a zone; private DNS needs the
    VPC's DNS.

    Source: EC2 API, CreateVpcEndpoint; AWS PrivateLink guide, Access an AWS service.
    """
    kind = item.get("vpcEndpointType", "Gateway")
    service = item.known("serviceName")
    if (
        isinstance(service, str)
        and service.startswith("com.amazonaws.")
        and f".{item.place}." not in service
        and not service.startswith("com.amazonaws.s3-global")
    ):
        yield Broken("serviceName", f"a service of {item.place}", f"for example com.amazonaws.{item.place}.s3")
    if kind == "Gateway":
        for name in ("subnetIds", "securityGroupIds"):
            if item.each(name):
                yield Broken(name, "nothing: a gateway endpoint lives in route tables", f"remove {name}")
        if isinstance(service, str) and service.rpartition(".")[2] not in ("s3", "dynamodb", "s3express"):
            yield Broken(
                "vpcEndpointType",
                "Interface; only S3 and DynamoDB have gateway endpoints",
                "set vpc_endpoint_type to Interface",
            )
    elif kind == "Interface":
        if item.each("routeTableIds"):
            yield Broken(
                "routeTableIds", "nothing: an interface endpoint has addresses in subnets", "remove route_table_ids"
            )
        found = [zone_of(subnet) for subnet in subnets(item, cloud, "subnetIds")]
        if len(found) != len(set(found)):
            yield Broken("subnetIds", "one subnet a zone", "name one subnet of each zone")
        vpc = cloud.referred(item, "vpcId")
        if item.known("privateDnsEnabled") is True and vpc is not None:
            for name, usual in (("enableDnsHostnames", False), ("enableDnsSupport", True)):
                if vpc.get(name, usual) is False:
                    yield Broken("privateDnsEnabled", f"{name} on the VPC", f"set {name} on {vpc.name}")


@rule("aws:ec2/vpcEndpoint:VpcEndpoint")
def private_names(item: Item, _: Cloud) -> Iterator[Broken]:
    """Only interface endpoints have private names.

    Source: EC2 API, CreateVpcEndpoint, PrivateDnsEnabled.
    """
    if item.known("privateDnsEnabled") is True and item.get("vpcEndpointType", "Gateway") == "Gateway":
        yield Broken("privateDnsEnabled", "false for a gateway endpoint", "remove it")


@rule("aws:ec2/internetGateway:InternetGateway")
def internet_gateway(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A VPC has one internet gateway.

    Source: VPC user guide, Internet gateways.
    """
    for other in cloud.others(item, "vpcId"):
        yield Broken("vpcId", f"a VPC without an internet gateway; {other.urn} is there", "keep one gateway")


@rule("aws:ec2/flowLog:FlowLog")
def flow_log(item: Item, _: Cloud) -> Iterator[Broken]:
    """A flow log watches one thing, and a role writes it when it goes to CloudWatch Logs.

    Source: EC2 API, CreateFlowLogs.
    """
    watched = ("vpcId", "subnetId", "eniId", "transitGatewayId", "transitGatewayAttachmentId", "regionalNatGatewayId")
    given = [name for name in watched if item.get(name) is not None]
    if len(given) != 1:
        yield Broken(
            given[1] if len(given) > 1 else "vpcId",
            f"exactly one of {', '.join(watched)}",
            "write one flow log for each",
        )
    kind = item.get("logDestinationType", "cloud-watch-logs")
    if kind == "cloud-watch-logs" and item.get("iamRoleArn") is None:
        yield Broken("iamRoleArn", "the role that writes to CloudWatch Logs", "set iam_role_arn")
    if kind == "s3" and item.get("iamRoleArn") is not None:
        yield Broken("iamRoleArn", "no role: delivery to S3 is by the bucket's policy", "remove iam_role_arn")
    if item.known("maxAggregationInterval") not in (None, 60, 600):
        yield Broken("maxAggregationInterval", "60 or 600 seconds", "choose one of the two")
    if item.get("trafficType") is None and item.get("transitGatewayId") is None:
        yield Broken("trafficType", "ACCEPT, REJECT or ALL", "set traffic_type")


@rule("aws:ec2/networkAclRule:NetworkAclRule")
def network_acl_rule(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A rule's number is from 1 to 32766 and once in its list and direction.

    Source: VPC user guide, Network ACL rules.
    """
    number = item.known("ruleNumber")
    if isinstance(number, int) and not 1 <= number <= 32766:
        yield Broken("ruleNumber", "a number from 1 to 32766", "renumber the rule")
    if item.known("ruleAction") not in (None, "allow", "deny"):
        yield Broken("ruleAction", "allow or deny", "correct the action")
    yield from _cidr(item.inputs, "", ("cidrBlock",))
    yield from _ports(item.inputs, "", "protocol")
    for other in cloud.others(item, "networkAclId"):
        if (other.known("ruleNumber"), other.get("egress", False)) == (
            number,
            item.get("egress", False),
        ):
            yield Broken(
                "ruleNumber", f"a number that the list doesn't use; {other.urn} has it", "renumber one of the two"
            )


@rule("aws:networkfirewall/firewall:Firewall")
def firewall_subnets(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A firewall has at least one subnet, one a zone, all of its VPC.

    Source: Network Firewall API, CreateFirewall, SubnetMappings.
    """
    mapped = [mapping.get("subnetId") for mapping in item.objects("subnetMappings")]
    if item.get("transitGatewayId") is None and not mapped:
        yield Broken("subnetMappings", "at least one subnet", "map one subnet of each zone")
    found = [subnet for subnet in (cloud.find(SUBNET, each) for each in mapped) if subnet is not None]
    if len({zone_of(subnet) for subnet in found}) != len(found):
        yield Broken("subnetMappings", "one subnet a zone", "map one subnet of each zone")
    if any(subnet.known("vpcId") != item.known("vpcId") for subnet in found):
        yield Broken("subnetMappings", "subnets of the firewall's VPC", "use subnets of that VPC")
