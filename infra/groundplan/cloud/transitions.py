"""What the simulated cloud refuses of a change: steps that a service doesn't take, and names that two would have.

The providers' `Update` and the comparison of two in-process runs ask here, so that both judge alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from groundplan.cloud.catalogue import kind_of
from groundplan.cloud.catalogue.kind import Kind
from groundplan.cloud.changes import changes, replaced_by
from groundplan.cloud.cloud import Cloud
from groundplan.cloud.holders import Holding, held_already, holdings
from groundplan.cloud.item import Item, leaves
from groundplan.cloud.model import Resource
from groundplan.cloud.only_raised import shrinks
from groundplan.cloud.refusals import Refusal, refusal_of
from groundplan.cloud.rules import check_transition


def refused_changes(old: Item, new: Item) -> list[Refusal]:
    """Why a resource can't be changed in place from ``old``, as it is with its outputs, to ``new``."""
    return [refusal_of(new, *words) for words in _refused(old, new)]


_AUTOSCALED = ("aws:rds/instance:Instance", "allocatedStorage")
"""With autoscaling the provider leaves grown storage alone: a rule of databases judges it."""


def _refused(old: Item, new: Item) -> Iterator[tuple[str, str, str, str]]:
    kind = kind_of(new.type)
    said = set()
    for broken in check_transition(old, new):
        said.add(broken.path)
        yield broken.path, broken.expected, broken.remedy, broken.source
    for shrunk in shrinks(new.type, old.inputs, new.inputs):
        if shrunk.path not in said and (new.type, shrunk.path) != _AUTOSCALED:
            said.add(shrunk.path)
            yield shrunk.path, f"{shrunk.old} or more: AWS only raises it", shrunk.remedy, shrunk.source
    for change in changes(kind, old.inputs, new.inputs):
        if change.replaces and change.path not in said:
            source = replaced_by(kind, change.path, change.kind)
            before = "the value that it has: only a new resource has another"
            yield change.path, before, "keep the value, or let the resource be replaced", source


_STAYS_IN_NETWORK = {
    "aws:ec2/networkAcl:NetworkAcl": "EC2 API, ReplaceNetworkAclAssociation: within one VPC",
    "aws:eks/cluster:Cluster": "EKS API, UpdateClusterConfig: subnets of the cluster's VPC",
    "aws:elasticache/replicationGroup:ReplicationGroup": (
        "ElastiCache API, ModifyReplicationGroup: security groups of the group's VPC"
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": "ElastiCache API, ModifyCacheSubnetGroup: subnets in use, of one VPC",
    "aws:lb/loadBalancer:LoadBalancer": "Elastic Load Balancing API, SetSubnets and SetSecurityGroups: of its VPC",
    "aws:msk/cluster:Cluster": "MSK API, UpdateConnectivity: a cluster stays in its subnets",
    "aws:rds/instance:Instance": "RDS API, ModifyDBInstance: security groups of the instance's VPC",
    "aws:rds/proxy:Proxy": "RDS API, ModifyDBProxy: security groups of the proxy's VPC",
    "aws:rds/subnetGroup:SubnetGroup": (
        "RDS API, ModifyDBSubnetGroup: the new subnets are not in the same VPC; terraform-provider-aws#27459"
    ),
}
"""Types that take other subnets and security groups in place, of the network that they are in."""


def moved_network(old: Item, new: Item, cloud: Cloud) -> Iterator[Refusal]:
    """Why a resource can't be moved in place into another network, which ``cloud`` has beside the old one."""
    source = _STAYS_IN_NETWORK.get(new.type)
    if source is None:
        return
    before, after = _networks(old, cloud), _networks(new, cloud)
    for path, network in after.items():
        if before and network not in before.values():
            expected = "subnets and security groups of the network that it is in"
            yield refusal_of(new, path, expected, "keep the network, or make a new stack and move the data", source)
            return


def not_upgraded_yet(old: Item, new: Item, cloud: Cloud) -> Iterator[Refusal]:
    """Why a replica can't take the parameter group of a version that it doesn't run yet.

    It is upgraded with its primary, and not before; what it runs is in its outputs.
    """
    if new.type != "aws:rds/instance:Instance" or old.known("replicateSourceDb") is None:
        return
    group = cloud.find("aws:rds/parameterGroup:ParameterGroup", new.known("parameterGroupName"))
    running = re.match(r"\d+", str(old.outputs.get("engineVersionActual") or ""))
    family = group.known("family") if group is not None else None
    if running is None or not isinstance(family, str) or not family.startswith("postgres"):
        return
    if family != f"postgres{running[0]}":
        yield refusal_of(
            new,
            "parameterGroupName",
            f"a group of the family postgres{running[0]}, which the replica runs until its primary is upgraded",
            "deploy the upgrade of the primary first, and this once it is done: `groundplan upgrade` lists the steps",
            "RDS user guide, Upgrading PostgreSQL: replicas with their primary; terraform-provider-aws#20514",
        )


def _networks(item: Item, cloud: Cloud) -> dict[str, str]:
    """The network of each subnet and security group that an item names, by the property that names it."""
    found: dict[str, str] = {}
    for path, value in leaves(item.inputs, ""):
        if value.startswith(("subnet-", "sg-")):
            for other in cloud.named(value):
                network = other.known("vpcId")
                if isinstance(network, str):
                    found.setdefault(path.partition("[")[0], network)
    return found


def item_of(resource: Resource, *, inputs: Mapping[str, Any] | None = None, generation: int = 0) -> Item:
    """A resource of an in-process run as an account would hold it; ``inputs`` stand for its own."""
    return Item(
        urn=resource.urn,
        type=resource.type,
        name=resource.name,
        place=resource.region,
        inputs=dict(resource.inputs if inputs is None else inputs),
        secret_paths=resource.secret_paths,
        generation=generation,
        outputs=dict(resource.outputs),
    )


def deleted_first(resource: Resource) -> bool:
    """Whether the engine deletes the old one before it creates the new one when this resource is replaced.

    The program says so, or its provider does.
    """
    return resource.delete_before_replace or provider_deletes_first(kind_of(resource.type), resource.inputs)


def provider_deletes_first(kind: Kind, inputs: Mapping[str, Any], made: Iterable[str] = ()) -> bool:
    """Whether a provider has the old one deleted first because both would have the same given name.

    The bridged providers do so for properties that Pulumi would otherwise name itself (pulumi-terraform-bridge,
    ``nameRequiresDeleteBeforeReplace``), and for no other: not for a cache user's ``userId``
    (terraform-provider-aws#36848). ``made`` are properties whose values Pulumi made.
    """
    if kind.type.startswith("kubernetes:"):
        metadata = inputs.get("metadata")
        return isinstance(metadata, Mapping) and metadata.get("name") is not None and "metadata.name" not in set(made)
    rule = kind.name
    return rule is not None and rule.auto and inputs.get(rule.property) is not None and rule.property not in set(made)


def names_held_twice(arriving: Iterable[tuple[Resource, bool]], leaving: Iterable[Resource]) -> Iterator[Refusal]:
    """Names that something new would have while something old still has them.

    ``arriving`` are resources that are created, with whether they replace one of the same URN; ``leaving`` are those
    that the engine deletes only afterwards.
    """
    cloud = Cloud()
    held: dict[Holding, Resource] = {}
    for resource in leaving:
        held.update(dict.fromkeys(holdings(item_of(resource), cloud), resource))
    for resource, replaces in arriving:
        item = item_of(resource, generation=1 if replaces else 0)
        for holding, path in holdings(item, cloud).items():
            if holding in held:
                yield refusal_of(item, path, *held_already(holding, held[holding].urn, item.urn))
                break
