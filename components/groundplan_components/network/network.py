"""The network: public, private and data subnets in two or three zones, and the routes between them (S1)."""

from collections.abc import Mapping, Sequence
from functools import partial

import pulumi
import pulumi_aws as aws
from pulumi_aws import ec2

from groundplan_components.network._network_args import NatMode, NetworkArgs, check_network, nat_mode
from groundplan_components.network.endpoints import DEFAULT_INTERFACE_SERVICES, Endpoints, EndpointsArgs
from groundplan_components.network.firewall import DEFAULT_DOMAINS, NetworkFirewall
from groundplan_components.network.flow_log import FlowLog

ANYWHERE = "0.0.0.0/0"
ALL_PROTOCOLS = "-1"
FIRST_RULE = 100
RULE_STEP = 10


class Network(pulumi.ComponentResource):
    """A VPC whose data tier has no route to the internet, and whose default security group admits nothing."""

    vpc_id: pulumi.Output[str]
    vpc_cidr: str
    public_subnet_ids: list[pulumi.Output[str]]
    private_subnet_ids: list[pulumi.Output[str]]
    data_subnet_ids: list[pulumi.Output[str]]
    ingress_subnet_ids: list[pulumi.Output[str]]
    """Of load balancers; none without ``ingress_cidrs``."""
    private_route_table_ids: list[pulumi.Output[str]]
    data_route_table_id: pulumi.Output[str]
    zone_names: list[pulumi.Output[str]]
    flow_log_group_name: pulumi.Output[str]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        check_network(name, args)
        super().__init__("groundplan:index:Network", name, {}, opts)
        self._prefix = name
        self._inside = pulumi.ResourceOptions(parent=self)
        protect = args.get("protect", True)
        log_days = args.get("log_days", 90)
        nat = nat_mode(f'Network "{name}"', args)
        count = len(args["private_cidrs"])

        self._vpc = ec2.Vpc(
            name,
            cidr_block=args["vpc_cidr"],
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
        )
        # Resources without a security group get this one, so it allows no traffic.
        ec2.DefaultSecurityGroup(
            f"{name}-default",
            vpc_id=self._vpc.id,
            ingress=[],
            egress=[],
            tags={"Name": f"{name}-default-unused"},
            opts=self._inside,
        )
        flow_log = FlowLog(
            f"{name}-flows",
            {"vpc_id": self._vpc.id, "log_days": log_days, "kms_key_arn": args["kms_key_arn"]},
            self._inside,
        )

        offered = aws.get_availability_zones_output(
            state="available",
            # Leaves out local and wavelength zones, which an account has to opt in to.
            filters=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}],
            opts=pulumi.InvokeOptions(parent=self),
        )
        known = pulumi.Output.all(names=offered.names, ids=offered.zone_ids)
        chosen, avoided = args.get("zone_ids", []), args.get("avoided_zone_ids", [])
        zones = [known.apply(partial(_zone_at, chosen=chosen, avoided=avoided, index=index)) for index in range(count)]
        # EKS's load balancer controller finds subnets by these tags.
        public = self._subnets("public", args["public_cidrs"], zones, {"kubernetes.io/role/elb": "1"})
        private = self._subnets("private", args["private_cidrs"], zones, {"kubernetes.io/role/internal-elb": "1"})
        data = self._subnets("data", args["data_cidrs"], zones, {})
        ingress = self._subnets("ingress", args.get("ingress_cidrs", []), zones, {})

        internet = ec2.InternetGateway(name, vpc_id=self._vpc.id, tags={"Name": name}, opts=self._inside)
        public_table = self._route_table("public", public)
        self._route("public-internet", public_table, ANYWHERE, gateway_id=internet.id)
        gateways = self._nat_gateways(nat, public, internet)

        private_tables = [self._route_table(f"private-{index}", [subnet]) for index, subnet in enumerate(private)]
        if args.get("network_firewall", False):
            self._inspect(args, zones, gateways, private_tables, public_table)
        elif gateways:
            for index, table in enumerate(private_tables):
                self._route(f"private-{index}-internet", table, ANYWHERE, nat_gateway_id=_of_zone(gateways, index).id)
        # No route but the network's own: data stores have no connection to the outside.
        data_table = self._route_table("data", data)
        if ingress:
            # Likewise: a load balancer inside the network answers what is inside.
            self._route_table("ingress", ingress)
        self._data_acl(data, args["private_cidrs"] + args["data_cidrs"])

        endpoints: EndpointsArgs = {
            "vpc_id": self._vpc.id,
            "vpc_cidr": args["vpc_cidr"],
            "route_table_ids": [table.id for table in private_tables],
            "kms_key_arn": args["kms_key_arn"],
        }
        if args.get("interface_endpoints", True):
            endpoints["subnet_ids"] = [subnet.id for subnet in private]
            endpoints["interface_services"] = args.get("interface_services", list(DEFAULT_INTERFACE_SERVICES))
        Endpoints(f"{name}-endpoints", endpoints, self._inside)

        self.vpc_id = self._vpc.id
        self.vpc_cidr = args["vpc_cidr"]
        self.public_subnet_ids = [subnet.id for subnet in public]
        self.private_subnet_ids = [subnet.id for subnet in private]
        self.data_subnet_ids = [subnet.id for subnet in data]
        self.ingress_subnet_ids = [subnet.id for subnet in ingress]
        self.private_route_table_ids = [table.id for table in private_tables]
        self.data_route_table_id = data_table.id
        self.zone_names = [subnet.availability_zone for subnet in private]
        self.flow_log_group_name = flow_log.log_group_name
        self.register_outputs(
            {
                "vpc_id": self.vpc_id,
                "vpc_cidr": self.vpc_cidr,
                "public_subnet_ids": self.public_subnet_ids,
                "private_subnet_ids": self.private_subnet_ids,
                "data_subnet_ids": self.data_subnet_ids,
                "ingress_subnet_ids": self.ingress_subnet_ids,
                "private_route_table_ids": self.private_route_table_ids,
                "data_route_table_id": self.data_route_table_id,
                "zone_names": self.zone_names,
                "flow_log_group_name": self.flow_log_group_name,
            }
        )

    def _subnets(
        self, tier: str, ranges: list[str], zones: list[pulumi.Output[str]], tags: dict[str, str]
    ) -> list[ec2.Subnet]:
        return [
            ec2.Subnet(
                f"{self._prefix}-{tier}-{index}",
                vpc_id=self._vpc.id,
                cidr_block=cidr,
                availability_zone=zones[index],
                map_public_ip_on_launch=False,
                tags={"Name": f"{self._prefix}-{tier}-{index}", "tier": tier, **tags},
                # AWS adding or retiring a zone shifts the list; subnets must keep their zones.
                opts=pulumi.ResourceOptions(parent=self, ignore_changes=["availabilityZone"]),
            )
            for index, cidr in enumerate(ranges)
        ]

    def _route_table(self, what: str, subnets: list[ec2.Subnet]) -> ec2.RouteTable:
        table = ec2.RouteTable(
            f"{self._prefix}-{what}",
            vpc_id=self._vpc.id,
            tags={"Name": f"{self._prefix}-{what}"},
            opts=self._inside,
        )
        for index, subnet in enumerate(subnets):
            ec2.RouteTableAssociation(
                f"{self._prefix}-{what}" if len(subnets) == 1 else f"{self._prefix}-{what}-{index}",
                route_table_id=table.id,
                subnet_id=subnet.id,
                opts=self._inside,
            )
        return table

    def _route(self, what: str, table: ec2.RouteTable, cidr: str, **target: pulumi.Input[str]) -> None:
        ec2.Route(
            f"{self._prefix}-{what}",
            route_table_id=table.id,
            destination_cidr_block=cidr,
            opts=self._inside,
            **target,
        )

    def _nat_gateways(
        self, nat: NatMode, public: list[ec2.Subnet], internet: ec2.InternetGateway
    ) -> list[ec2.NatGateway]:
        # AWS requires the internet gateway to be attached before a NAT gateway gets its address.
        after = pulumi.ResourceOptions(parent=self, depends_on=[internet])
        if nat is NatMode.REGIONAL:
            return [
                ec2.NatGateway(
                    f"{self._prefix}-nat",
                    vpc_id=self._vpc.id,
                    availability_mode="regional",
                    connectivity_type="public",
                    tags={"Name": f"{self._prefix}-nat"},
                    opts=after,
                )
            ]
        used = {NatMode.NONE: 0, NatMode.SINGLE: 1}.get(nat, len(public))
        gateways = []
        for index, subnet in enumerate(public[:used]):
            what = f"{self._prefix}-nat-{index}"
            address = ec2.Eip(what, domain="vpc", tags={"Name": what}, opts=after)
            gateways.append(
                ec2.NatGateway(
                    what,
                    subnet_id=subnet.id,
                    allocation_id=address.allocation_id,
                    tags={"Name": what},
                    # An address belongs to one gateway at a time.
                    opts=pulumi.ResourceOptions.merge(after, pulumi.ResourceOptions(delete_before_replace=True)),
                )
            )
        return gateways

    def _inspect(
        self,
        args: NetworkArgs,
        zones: list[pulumi.Output[str]],
        gateways: list[ec2.NatGateway],
        private_tables: list[ec2.RouteTable],
        public_table: ec2.RouteTable,
    ) -> None:
        """Route private subnets → firewall → NAT, and the same way back.

        Replies arrive in the NAT gateway's subnet. Its routes to the private ranges lead to the firewall endpoint of
        the requesting zone, because a stateful firewall must see both directions at one endpoint.
        https://docs.aws.amazon.com/network-firewall/latest/developerguide/arch-igw-ngw.html
        """
        subnets = self._subnets("firewall", args["firewall_cidrs"], zones, {})
        firewall = NetworkFirewall(
            f"{self._prefix}-firewall",
            {
                "vpc_id": self._vpc.id,
                "subnet_ids": [subnet.id for subnet in subnets],
                "allowed_domains": args.get("allowed_domains", list(DEFAULT_DOMAINS)),
                "log_days": args.get("log_days", 90),
                "kms_key_arn": args["kms_key_arn"],
                "protect": args.get("protect", True),
            },
            self._inside,
        )
        for index, (subnet, table, endpoint, cidr) in enumerate(
            zip(subnets, private_tables, firewall.endpoint_ids, args["private_cidrs"], strict=True)
        ):
            self._route(f"private-{index}-inspected", table, ANYWHERE, vpc_endpoint_id=endpoint)
            beyond = self._route_table(f"firewall-{index}", [subnet])
            nat = _of_zone(gateways, index)
            self._route(f"firewall-{index}-internet", beyond, ANYWHERE, nat_gateway_id=nat.id)
            self._route(f"public-return-{index}", public_table, cidr, vpc_endpoint_id=endpoint)

    def _data_acl(self, subnets: list[ec2.Subnet], allowed: list[str]) -> None:
        """Network ACL as a second control beside security groups: admits workloads, and data stores among
        themselves."""
        acl = ec2.NetworkAcl(
            f"{self._prefix}-data",
            vpc_id=self._vpc.id,
            subnet_ids=[subnet.id for subnet in subnets],
            tags={"Name": f"{self._prefix}-data"},
            opts=self._inside,
        )
        for egress in (False, True):
            for index, cidr in enumerate(allowed):
                ec2.NetworkAclRule(
                    f"{self._prefix}-data-{'out' if egress else 'in'}-{index}",
                    network_acl_id=acl.id,
                    rule_number=FIRST_RULE + RULE_STEP * index,
                    egress=egress,
                    rule_action="allow",
                    protocol=ALL_PROTOCOLS,
                    cidr_block=cidr,
                    # EC2 refuses a second entry of the same number.
                    opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
                )


def _of_zone(gateways: list[ec2.NatGateway], zone: int) -> ec2.NatGateway:
    """A zone's own NAT gateway, or the only one."""
    return gateways[zone] if len(gateways) > 1 else gateways[0]


def _zone_at(known: Mapping[str, Sequence[str]], chosen: list[str], avoided: list[str], index: int) -> str:
    """The name of a network's zone: of the one that is chosen, else in the account's order, avoided ones last."""
    by_id = dict(zip(known["ids"], known["names"], strict=True))
    if chosen:
        if chosen[index] not in by_id:
            raise pulumi.RunError(
                f"the zone {chosen[index]} is not open to this account\n    expected: one of {', '.join(by_id)}"
                "\n    to do:    choose another zone"
            )
        return by_id[chosen[index]]
    order = [name for each, name in by_id.items() if each not in avoided]
    order += [name for each, name in by_id.items() if each in avoided]
    if index >= len(order):
        raise pulumi.RunError(
            f"the region has {len(order)} availability zones open to this account, and the network wants one more"
            "\n    to do:    plan fewer zones, or choose another region"
        )
    return order[index]
