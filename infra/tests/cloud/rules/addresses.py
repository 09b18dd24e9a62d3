"""Networks (S1)."""

from __future__ import annotations

from infra.tests.cloud.world import ABSENT, Case, Inputs, World

_SUBNET = "aws:ec2/subnet:Subnet"
_INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
_ROUTE = "aws:ec2/route:Route"
_NAT = "aws:ec2/natGateway:NatGateway"
_ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
_ACL_RULE = "aws:ec2/networkAclRule:NetworkAclRule"


def vpc(_: World) -> Inputs:
    return {"cidrBlock": "10.9.0.0/16"}


def subnet(world: World) -> Inputs:
    world.subnet(0)
    return {"vpcId": world.vpc().id, "cidrBlock": "10.0.128.0/20", "availabilityZone": "eu-central-1b"}


def ingress(world: World) -> Inputs:
    group = world.group()
    world.make(
        _INGRESS,
        "there",
        {"securityGroupId": group.id, "ipProtocol": "tcp", "fromPort": 80, "toPort": 80, "cidrIpv4": "10.0.0.0/8"},
    )
    return {"securityGroupId": group.id, "ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "10.0.0.0/8"}


def inline(world: World) -> Inputs:
    rule = {"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["10.0.0.0/8"]}
    return {"vpcId": world.vpc().id, "description": "Inline", "ingress": [rule]}


def table(world: World) -> str:
    return world.make("aws:ec2/routeTable:RouteTable", "table", {"vpcId": world.vpc().id}).id


def route(world: World) -> Inputs:
    gateway = world.make("aws:ec2/internetGateway:InternetGateway", "way", {"vpcId": world.vpc().id})
    routes = table(world)
    world.make(
        _ROUTE, "there", {"routeTableId": routes, "destinationCidrBlock": "192.168.0.0/16", "gatewayId": gateway.id}
    )
    return {"routeTableId": routes, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": gateway.id}


def far_gateway(world: World) -> str:
    return world.make("aws:ec2/internetGateway:InternetGateway", "far", {"vpcId": world.other_vpc().id}).id


def association(world: World) -> Inputs:
    routes = table(world)
    world.make(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "there",
        {"subnetId": world.subnet(1).id, "routeTableId": routes},
    )
    return {"subnetId": world.subnet(0).id, "routeTableId": routes}


def nat(world: World) -> Inputs:
    used = world.make("aws:ec2/eip:Eip", "used", {"domain": "vpc"})
    world.make(_NAT, "there", {"subnetId": world.subnet(1).id, "allocationId": used.id})
    free = world.make("aws:ec2/eip:Eip", "free", {"domain": "vpc"})
    return {"subnetId": world.subnet(0).id, "allocationId": free.id}


def regional_nat(world: World) -> Inputs:
    return {"availabilityMode": "regional", "vpcId": world.vpc().id}


def interface(world: World) -> Inputs:
    return {
        "vpcId": world.vpc().id,
        "serviceName": "com.amazonaws.eu-central-1.ecr.api",
        "vpcEndpointType": "Interface",
        "subnetIds": [world.subnet(0).id, world.subnet(1).id],
        "securityGroupIds": [world.group().id],
        "privateDnsEnabled": True,
    }


def gateway_endpoint(world: World) -> Inputs:
    return {
        "vpcId": world.vpc().id,
        "serviceName": "com.amazonaws.eu-central-1.s3",
        "vpcEndpointType": "Gateway",
        "routeTableIds": [table(world)],
    }


def internet_gateway(world: World) -> Inputs:
    world.make("aws:ec2/internetGateway:InternetGateway", "there", {"vpcId": world.vpc().id})
    return {"vpcId": world.other_vpc().id}


def flow_log(world: World) -> Inputs:
    logs = world.make("aws:cloudwatch/logGroup:LogGroup", "flows", {"retentionInDays": 7})
    return {
        "vpcId": world.vpc().id,
        "trafficType": "ALL",
        "logDestination": logs.arn,
        "iamRoleArn": world.role("vpc-flow-logs.amazonaws.com").arn,
        "maxAggregationInterval": 60,
    }


def acl_rule(world: World) -> Inputs:
    acl = world.make("aws:ec2/networkAcl:NetworkAcl", "acl", {"vpcId": world.vpc().id})
    base = {
        "networkAclId": acl.id,
        "protocol": "tcp",
        "ruleAction": "allow",
        "fromPort": 1,
        "toPort": 2,
        "cidrBlock": "10.0.0.0/16",
    }
    world.make(_ACL_RULE, "there", {**base, "ruleNumber": 100})
    return {**base, "ruleNumber": 110}


def firewall(world: World) -> Inputs:
    rules = world.make(
        "aws:networkfirewall/firewallPolicy:FirewallPolicy",
        "policy",
        {"firewallPolicy": {"statelessDefaultActions": ["aws:pass"], "statelessFragmentDefaultActions": ["aws:pass"]}},
    )
    return {
        "firewallPolicyArn": rules.arn,
        "vpcId": world.vpc().id,
        "subnetMappings": [{"subnetId": world.subnet(0).id}, {"subnetId": world.subnet(1).id}],
    }


CASES = (
    Case("addresses.vpc_range", "aws:ec2/vpc:Vpc", vpc, {"cidrBlock": "10.9.0.1/16"}, "cidrBlock", "no host bits"),
    Case("addresses.vpc_range", "aws:ec2/vpc:Vpc", vpc, {"cidrBlock": "10.0.0.0/8"}, "cidrBlock", "/16 to /28"),
    Case("addresses.subnet_range", _SUBNET, subnet, {"cidrBlock": "10.0.8.0/21"}, "cidrBlock", "subnet-0's"),
    Case(
        "addresses.subnet_range",
        _SUBNET,
        subnet,
        {"cidrBlock": "172.16.0.0/20"},
        "cidrBlock",
        "a part of its VPC's 10.0.0.0/16",
    ),
    Case("addresses.subnet_range", _SUBNET, subnet, {"cidrBlock": "ten"}, "cidrBlock", "CIDR notation"),
    Case(
        "addresses.subnet_zone",
        _SUBNET,
        subnet,
        {"availabilityZone": "us-east-1a"},
        "availabilityZone",
        "a zone of eu-central-1",
    ),
    Case(
        "addresses.security_rule", _INGRESS, ingress, {"fromPort": 80, "toPort": 80}, "securityGroupId", "is the same"
    ),
    Case("addresses.security_rule", _INGRESS, ingress, {"toPort": 70000}, "toPort", "0 to 65535"),
    Case("addresses.security_rule", _INGRESS, ingress, {"fromPort": 500}, "toPort", "not below fromPort"),
    Case("addresses.security_rule", _INGRESS, ingress, {"ipProtocol": "-1"}, "fromPort", "no ports"),
    Case("addresses.security_rule", _INGRESS, ingress, {"ipProtocol": "tls"}, "ipProtocol", "a protocol's number"),
    Case("addresses.security_rule", _INGRESS, ingress, {"cidrIpv4": ABSENT}, "cidrIpv4", "0 are given"),
    Case("addresses.security_rule", _INGRESS, ingress, {"cidrIpv4": "10.0.0.1/8"}, "cidrIpv4", "no host bits"),
    Case(
        "addresses.inline_security_rules",
        "aws:ec2/securityGroup:SecurityGroup",
        inline,
        {"ingress[0].cidrBlocks": []},
        "ingress[0]",
        "a peer",
    ),
    Case(
        "addresses.inline_security_rules",
        "aws:ec2/securityGroup:SecurityGroup",
        inline,
        {"ingress[0].toPort": 1},
        "ingress[0].toPort",
        "not below",
    ),
    Case(
        "addresses.route",
        _ROUTE,
        route,
        {"destinationCidrBlock": "192.168.0.0/16"},
        "destinationCidrBlock",
        "has this one",
    ),
    Case("addresses.route", _ROUTE, route, {"gatewayId": ABSENT}, "carrierGatewayId", "0 are given"),
    Case(
        "addresses.route",
        _ROUTE,
        route,
        {"destinationCidrBlock": ABSENT},
        "destinationCidrBlock",
        "exactly one destination",
    ),
    Case(
        "addresses.route_table_association",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        association,
        {"subnetId": ABSENT},
        "subnetId",
        "a subnet or a gateway",
    ),
    Case("addresses.nat_gateway", _NAT, nat, {"allocationId": ABSENT}, "allocationId", "elastic address"),
    Case("addresses.nat_gateway", _NAT, nat, {"connectivityType": "private"}, "allocationId", "no elastic address"),
    Case("addresses.nat_gateway", _NAT, regional_nat, {"vpcId": ABSENT}, "vpcId", "regional NAT gateway"),
    Case(
        "addresses.vpc_endpoint",
        _ENDPOINT,
        interface,
        {"serviceName": "com.amazonaws.us-east-1.ecr.api"},
        "serviceName",
        "a service of eu-central-1",
    ),
    Case(
        "addresses.vpc_endpoint",
        _ENDPOINT,
        gateway_endpoint,
        {"serviceName": "com.amazonaws.eu-central-1.sqs"},
        "vpcEndpointType",
        "only S3 and DynamoDB",
    ),
    Case(
        "addresses.vpc_endpoint",
        _ENDPOINT,
        interface,
        {"vpcEndpointType": "Gateway"},
        "subnetIds",
        "lives in route tables",
    ),
    Case(
        "addresses.internet_gateway",
        "aws:ec2/internetGateway:InternetGateway",
        internet_gateway,
        lambda world: {"vpcId": world.vpc().id},
        "vpcId",
        "is there",
    ),
    Case(
        "addresses.route",
        _ROUTE,
        route,
        lambda world: {"gatewayId": far_gateway(world)},
        "gatewayId",
        "of the route table's VPC",
    ),
    Case(
        "addresses.route_table_association",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        association,
        lambda world: {"subnetId": world.subnet(1).id},
        "subnetId",
        "gave it one",
    ),
    Case(
        "addresses.nat_gateway",
        _NAT,
        nat,
        lambda world: {"allocationId": world.cloud.of("aws:ec2/eip:Eip")[0].id},
        "allocationId",
        "has it",
    ),
    Case(
        "addresses.vpc_endpoint",
        _ENDPOINT,
        interface,
        lambda world: {"subnetIds[1]": world.subnet(3, "a").id},
        "subnetIds",
        "one subnet a zone",
    ),
    Case(
        "addresses.firewall_subnets",
        "aws:networkfirewall/firewall:Firewall",
        firewall,
        lambda world: {"subnetMappings[1].subnetId": world.subnet(3, "a").id},
        "subnetMappings",
        "one subnet a zone",
    ),
    Case(
        "addresses.flow_log",
        "aws:ec2/flowLog:FlowLog",
        flow_log,
        {"iamRoleArn": ABSENT},
        "iamRoleArn",
        "writes to CloudWatch Logs",
    ),
    Case("addresses.flow_log", "aws:ec2/flowLog:FlowLog", flow_log, {"vpcId": ABSENT}, "vpcId", "exactly one of"),
    Case(
        "addresses.flow_log",
        "aws:ec2/flowLog:FlowLog",
        flow_log,
        {"maxAggregationInterval": 300},
        "maxAggregationInterval",
        "60 or 600",
    ),
    Case("addresses.network_acl_rule", _ACL_RULE, acl_rule, {"ruleNumber": 100}, "ruleNumber", "has it"),
    Case("addresses.network_acl_rule", _ACL_RULE, acl_rule, {"ruleNumber": 40000}, "ruleNumber", "1 to 32766"),
    Case(
        "addresses.firewall_subnets",
        "aws:networkfirewall/firewall:Firewall",
        firewall,
        {"subnetMappings": []},
        "subnetMappings",
        "at least one subnet",
    ),
)
