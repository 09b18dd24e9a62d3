"""Networks.

Identifiers and ARNs: Service Authorization Reference, "Amazon EC2" and "AWS Network Firewall". Replacements:
CloudFormation reference of each type, "Update requires: Replacement".
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from groundplan.cloud.catalogue.kind import Kind, Name
from groundplan.cloud.item import ACCOUNT, Item

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

_EC2 = "arn:aws:ec2:{region}:{account}"
_GROUP_NAME = Name(
    longest=255,
    pattern=r"(?!sg-)[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]+",
    says="letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*, not beginning with sg-",
    unique_in="parent",
    parent="vpcId",
    source="EC2 API: CreateSecurityGroup",
)
_FIREWALL_NAME = Name(
    longest=128,
    pattern=r"[a-zA-Z0-9-]+",
    says="letters, digits and hyphens",
    source="Network Firewall API: CreateFirewall",
)


def _zone_of(subnet: Item, _: Cloud) -> str:
    """AWS picks a zone when none is asked for."""
    return f"{subnet.place}a"


def _default_of(item: Item, cloud: Cloud, output: str) -> str:
    """The network's own default, which such a resource takes over rather than creates."""
    network = cloud.referred(item, "vpcId")
    return str(network.outputs.get(output, "")) if network is not None else f"sg-{item.hex(17)}"


def _address(item: Item, _: Cloud) -> str:
    """An address of 3.0.0.0/9, which is Amazon's."""
    return str(ipaddress.IPv4Address(int(ipaddress.IPv4Address("3.0.0.0")) + int(item.hex(5), 16) % (1 << 20)))


def _private_address(item: Item, cloud: Cloud) -> str:
    subnet = cloud.referred(item, "subnetId")
    cidr = subnet.known("cidrBlock") if subnet is not None else None
    network = ipaddress.IPv4Network(cidr) if isinstance(cidr, str) else ipaddress.IPv4Network("10.0.0.0/24")
    return str(network[min(10 + int(item.hex(2), 16) % 200, network.num_addresses - 2)])


def _firewall_endpoints(item: Item, cloud: Cloud) -> list[dict[str, object]]:
    states = []
    for mapping in item.objects("subnetMappings"):
        subnet = cloud.find("aws:ec2/subnet:Subnet", mapping.get("subnetId"))
        endpoint = f"vpce-{item.hex(17, str(mapping.get('subnetId')))}"
        states.append(
            {
                "availabilityZone": subnet.outputs.get("availabilityZone", "") if subnet is not None else "",
                "attachments": [{"endpointId": endpoint, "subnetId": mapping.get("subnetId")}],
            }
        )
    return [{"syncStates": states, "capacityUsageSummaries": [], "transitGatewayAttachmentSyncStates": []}]


def _prefix_list(item: Item, _: Cloud) -> str:
    return f"pl-{item.hex(8)}" if item.get("vpcEndpointType", "Gateway") == "Gateway" else ""


def _endpoint_names(item: Item, _: Cloud) -> list[dict[str, str]]:
    if item.get("vpcEndpointType", "Gateway") == "Gateway":
        return []
    service = str(item.get("serviceName", "")).rpartition(".")[2]
    return [
        {
            "dnsName": f"{item.id}-{item.hex(8)}.{service}.{item.place}.vpce.amazonaws.com",
            "hostedZoneId": "Z1HUB23UULQXV",
        }
    ]


KINDS = (
    Kind(
        "aws:ec2/vpc:Vpc",
        id="vpc-{hex17}",
        arn=f"{_EC2}:vpc/{{id}}",
        outputs={
            "ownerId": ACCOUNT,
            "mainRouteTableId": lambda item, _: f"rtb-{item.hex(17, 'main')}",
            "defaultRouteTableId": lambda item, _: f"rtb-{item.hex(17, 'main')}",
            "defaultNetworkAclId": lambda item, _: f"acl-{item.hex(17, 'default')}",
            "defaultSecurityGroupId": lambda item, _: f"sg-{item.hex(17, 'default')}",
            "dhcpOptionsId": "dopt-{hex17}",
            "instanceTenancy": "default",
            "enableDnsSupport": True,
            "enableDnsHostnames": False,
        },
        replaces=("cidrBlock", "ipv4IpamPoolId", "ipv4NetmaskLength"),
        guarded=True,
    ),
    Kind(
        "aws:ec2/subnet:Subnet",
        id="subnet-{hex17}",
        arn=f"{_EC2}:subnet/{{id}}",
        outputs={"ownerId": ACCOUNT, "availabilityZone": _zone_of, "mapPublicIpOnLaunch": False},
        replaces=("availabilityZone", "availabilityZoneId", "cidrBlock", "ipv6Native", "outpostArn", "vpcId"),
        guarded=True,
    ),
    Kind(
        "aws:ec2/internetGateway:InternetGateway",
        id="igw-{hex17}",
        arn=f"{_EC2}:internet-gateway/{{id}}",
        outputs={"ownerId": ACCOUNT},
        guarded=True,
    ),
    Kind(
        "aws:ec2/internetGatewayAttachment:InternetGatewayAttachment",
        id="{internetGatewayId}:{vpcId}",
        references={"internetGatewayId": "aws:ec2/internetGateway:InternetGateway"},
        replaces=("internetGatewayId", "vpcId"),
    ),
    Kind(
        "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway",
        id="eigw-{hex17}",
        replaces=("vpcId",),
    ),
    Kind("aws:ec2/tag:Tag", id="{resourceId},{key}", replaces=("resourceId", "key")),
    Kind(
        "aws:ec2/eip:Eip",
        id="eipalloc-{hex17}",
        arn=f"{_EC2}:elastic-ip/{{id}}",
        outputs={"allocationId": "{id}", "publicIp": _address, "domain": "vpc", "publicDns": "", "privateIp": ""},
        replaces=("domain", "publicIpv4Pool", "networkBorderGroup", "address"),
        guarded=True,
    ),
    Kind(
        "aws:ec2/natGateway:NatGateway",
        id="nat-{hex17}",
        form="arn:aws:ec2:{region}:{account}:natgateway/{id}",
        outputs={
            "networkInterfaceId": "eni-{hex17}",
            "publicIp": _address,
            "privateIp": _private_address,
            "associationId": "eipassoc-{hex17}",
            "connectivityType": "public",
            "availabilityMode": "zonal",
        },
        references={"secondaryAllocationIds": "aws:ec2/eip:Eip"},
        replaces=("allocationId", "availabilityMode", "connectivityType", "privateIp", "subnetId", "vpcId"),
        # EC2 API, error code Resource.AlreadyAssociated.
        exclusive=(("allocationId",),),
        guarded=True,
    ),
    Kind(
        "aws:ec2/routeTable:RouteTable",
        id="rtb-{hex17}",
        arn=f"{_EC2}:route-table/{{id}}",
        outputs={"ownerId": ACCOUNT},
        replaces=("vpcId",),
        guarded=True,
    ),
    Kind(
        "aws:ec2/defaultRouteTable:DefaultRouteTable",
        id="{defaultRouteTableId}",
        arn=f"{_EC2}:route-table/{{id}}",
        outputs={"ownerId": ACCOUNT},
    ),
    Kind(
        "aws:ec2/route:Route",
        id="r-{routeTableId}{destinationCidrBlock}{destinationIpv6CidrBlock}{destinationPrefixListId}",
        outputs={"state": "active", "origin": "CreateRoute"},
        replaces=("routeTableId", "destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId"),
    ),
    Kind(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        id="rtbassoc-{hex17}",
        replaces=("subnetId", "gatewayId"),
    ),
    Kind(
        "aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation",
        id="rtbassoc-{hex17}",
        replaces=("vpcId",),
    ),
    Kind(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        id="vpce-{hex17}",
        arn=f"{_EC2}:vpc-endpoint/{{id}}",
        outputs={
            "ownerId": ACCOUNT,
            "state": "available",
            "prefixListId": _prefix_list,
            "dnsEntries": _endpoint_names,
            "networkInterfaceIds": lambda item, _: [
                f"eni-{item.hex(17, str(each))}" for each in item.each("subnetIds")
            ],
            "requesterManaged": False,
            "cidrBlocks": [],
        },
        replaces=("serviceName", "vpcEndpointType", "vpcId"),
        guarded=True,
    ),
    Kind(
        "aws:ec2/securityGroup:SecurityGroup",
        id="sg-{hex17}",
        arn=f"{_EC2}:security-group/{{id}}",
        name=_GROUP_NAME,
        outputs={"ownerId": ACCOUNT, "description": "Managed by Pulumi"},
        replaces=("name", "namePrefix", "description", "vpcId"),
        guarded=True,
    ),
    Kind(
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        id=lambda item, cloud: _default_of(item, cloud, "defaultSecurityGroupId"),
        arn=f"{_EC2}:security-group/{{id}}",
        outputs={"ownerId": ACCOUNT, "name": "default", "description": "default VPC security group"},
        replaces=("vpcId",),
    ),
    Kind(
        "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl",
        id="{defaultNetworkAclId}",
        arn=f"{_EC2}:network-acl/{{id}}",
        outputs={"ownerId": ACCOUNT},
    ),
    Kind(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        id="sgr-{hex17}",
        arn=f"{_EC2}:security-group-rule/{{id}}",
        outputs={"securityGroupRuleId": "{id}"},
        replaces=("securityGroupId",),
    ),
    Kind(
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        id="sgr-{hex17}",
        arn=f"{_EC2}:security-group-rule/{{id}}",
        outputs={"securityGroupRuleId": "{id}"},
        replaces=("securityGroupId",),
    ),
    Kind(
        "aws:ec2/securityGroupRule:SecurityGroupRule",
        id="sgrule-{hex8}",
        outputs={"securityGroupRuleId": "sgr-{hex17}"},
        replaces=(
            "cidrBlocks",
            "fromPort",
            "ipv6CidrBlocks",
            "prefixListIds",
            "protocol",
            "securityGroupId",
            "self",
            "sourceSecurityGroupId",
            "toPort",
            "type",
        ),
    ),
    Kind(
        "aws:ec2/networkAcl:NetworkAcl",
        id="acl-{hex17}",
        arn=f"{_EC2}:network-acl/{{id}}",
        outputs={"ownerId": ACCOUNT},
        replaces=("vpcId",),
        guarded=True,
    ),
    Kind(
        "aws:ec2/networkAclRule:NetworkAclRule",
        id="nacl-{hex8}",
        replaces=("*",),
        # EC2 API, error code NetworkAclEntryAlreadyExists.
        exclusive=(("networkAclId", "egress", "ruleNumber"),),
    ),
    Kind("aws:ec2/tag:Tag", id="{resourceId},{key}", replaces=("resourceId", "key")),
    Kind("aws:ec2/networkAclAssociation:NetworkAclAssociation", id="aclassoc-{hex17}"),
    Kind(
        "aws:ec2/flowLog:FlowLog",
        id="fl-{hex17}",
        arn=f"{_EC2}:vpc-flow-log/{{id}}",
        outputs={"logFormat": "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${action}"},
        replaces=("*",),
        # EC2 API, error code FlowLogAlreadyExists.
        exclusive=(("vpcId", "subnetId", "eniId", "logDestination"),),
    ),
    Kind("aws:ec2/managedPrefixList:ManagedPrefixList", id="pl-{hex17}", arn=f"{_EC2}:prefix-list/{{id}}"),
    Kind(
        "aws:networkfirewall/firewall:Firewall",
        id="{arn}",
        arn="arn:aws:network-firewall:{region}:{account}:firewall/{name}",
        name=_FIREWALL_NAME,
        outputs={"firewallStatuses": _firewall_endpoints, "updateToken": "{uuid}"},
        references={"firewallPolicyArn": "aws:networkfirewall/firewallPolicy:FirewallPolicy"},
        replaces=("name", "vpcId"),
        protection="deleteProtection",
    ),
    Kind(
        "aws:networkfirewall/firewallPolicy:FirewallPolicy",
        id="{arn}",
        arn="arn:aws:network-firewall:{region}:{account}:firewall-policy/{name}",
        name=_FIREWALL_NAME,
        outputs={"updateToken": "{uuid}"},
        references={"resourceArn": "aws:networkfirewall/ruleGroup:RuleGroup"},
        replaces=("name",),
        guarded=True,
    ),
    Kind(
        "aws:networkfirewall/ruleGroup:RuleGroup",
        id="{arn}",
        arn=lambda item, _: (
            f"arn:aws:network-firewall:{item.place}:{ACCOUNT}:"
            f"{str(item.get('type', 'STATEFUL')).lower()}-rulegroup/{item.physical_name}"
        ),
        name=_FIREWALL_NAME,
        outputs={"updateToken": "{uuid}"},
        replaces=("capacity", "name", "type"),
        guarded=True,
    ),
    Kind(
        "aws:networkfirewall/loggingConfiguration:LoggingConfiguration",
        id="{firewallArn}",
        references={"firewallArn": "aws:networkfirewall/firewall:Firewall"},
        replaces=("firewallArn",),
        singleton=True,
    ),
)
