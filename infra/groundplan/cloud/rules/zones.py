"""Zones that lack a service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundplan.cloud.item import Item
from groundplan.cloud.rules.registry import Broken, rule
from groundplan.cloud.zones import lacks
from groundplan.stack.regions import CONTROL_PLANES, LINKS

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

_SUBNET = "aws:ec2/subnet:Subnet"


@rule("aws:apigatewayv2/vpcLink:VpcLink")
def vpc_link_zones(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A VPC link is in zones that have VPC links.

    Source: API Gateway Developer Guide, VPC links (V2), Availability Zones.
    """
    yield from _lacking(item, cloud, "subnetIds", LINKS.service)


@rule("aws:eks/cluster:Cluster")
def cluster_zones(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A cluster's subnets are in zones that have control planes.

    Source: Amazon EKS User Guide, VPC and subnet requirements.
    """
    yield from _lacking(item, cloud, "vpcConfig.subnetIds", CONTROL_PLANES.service)


def _lacking(item: Item, cloud: Cloud, path: str, service: str) -> Iterator[Broken]:
    for index, subnet_id in enumerate(item.each(path)):
        subnet = cloud.find(_SUBNET, subnet_id)
        zone = subnet.known("availabilityZone") if subnet else None
        if isinstance(zone, str) and lacks(zone, service):
            yield Broken(f"{path}[{index}]", f"a subnet in a zone with {service}", "choose zones by id", zone)
