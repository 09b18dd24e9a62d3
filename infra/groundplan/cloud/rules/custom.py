"""Custom resources that EKS Auto Mode brings: node classes, node pools, target group bindings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundplan.cloud.item import Item
from groundplan.cloud.rules.quantities import amount
from groundplan.cloud.rules.registry import Broken, one_of, rule
from groundplan.cloud.rules.workloads import find_object

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

_BINDING = "kubernetes:eks.amazonaws.com/v1:TargetGroupBinding"
_CLASS = "kubernetes:eks.amazonaws.com/v1:NodeClass"
_POOL = "kubernetes:karpenter.sh/v1:NodePool"
BROUGHT = frozenset(
    {
        "eks.amazonaws.com/v1:TargetGroupBinding",
        "eks.amazonaws.com/v1:NodeClass",
        "eks.amazonaws.com/v1:IngressClassParams",
        "karpenter.sh/v1:NodePool",
        "karpenter.sh/v1:NodeClaim",
        "elbv2.k8s.aws/v1beta1:TargetGroupBinding",
    }
)
"""Kinds that an Auto Mode cluster has from the start (EKS user guide, "Learn about EKS Auto Mode"), and the one of the
AWS Load Balancer Controller, which a cluster that is brought along may run."""
_TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"


@rule(_BINDING)
def target_group_binding(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A binding joins a service's port to a target group by its ARN and by address, in a VPC that the cluster is in.

    Source: EKS user guide, Auto Mode, TargetGroupBinding (targetType ip is required); containers-roadmap#2621.
    """
    if item.get("spec.targetType") != "ip":
        yield Broken(
            "spec.targetType", "ip: Auto Mode has no other", "set targetType to ip", item.get("spec.targetType", "")
        )
    if item.get("spec.targetGroupARN") is None:
        yield Broken(
            "spec.targetGroupARN", "the target group's ARN: Auto Mode takes no name", "pass the target group's arn", ""
        )
    group = cloud.find(_TARGET_GROUP, item.known("spec.targetGroupARN"))
    if group is not None and group.get("targetType", "instance") != "ip":
        yield Broken(
            "spec.targetGroupARN",
            f"a target group of type ip; {group.name} is of {group.get('targetType', 'instance')}",
            "set target_type to ip on it",
        )
    if group is not None and "eks:eks-cluster-name" not in group.outputs.get("tagsAll", {}):
        yield Broken(
            "spec.targetGroupARN",
            f"a target group with the tag eks:eks-cluster-name; {group.name} has none",
            "tag it with the cluster's name: AmazonEKSLoadBalancingPolicy changes only what carries it",
        )
    service = find_object(cloud, item, "kubernetes:core/v1:Service", item.known("spec.serviceRef.name"))
    if isinstance(item.known("spec.serviceRef.name"), str) and service is None:
        yield Broken(
            "spec.serviceRef.name", "a service of the namespace", "pass the Service's metadata.name", absent=True
        )
    port = item.known("spec.serviceRef.port")
    if item.get("spec.serviceRef") is None or item.get("spec.serviceRef.port") is None:
        yield Broken("spec.serviceRef.port", "the service's port", "set serviceRef.name and serviceRef.port", "")
    if service is not None and port is not None:
        ports = service.objects("spec.ports")
        if ports and port not in {each.get("port") for each in ports} | {each.get("name") for each in ports}:
            yield Broken(
                "spec.serviceRef.port",
                f"a port of {service.name}: {', '.join(str(each.get('port')) for each in ports)}",
                "correct the port",
            )


@rule(_CLASS)
def node_class(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A node class names a role, subnets and security groups, and how network policies start.

    Source: EKS user guide, Create a Node Class for Amazon EKS.
    """
    known = {
        "role",
        "instanceProfile",
        "subnetSelectorTerms",
        "securityGroupSelectorTerms",
        "networkPolicy",
        "networkPolicyEventLogs",
        "snatPolicy",
        "ephemeralStorage",
        "advancedNetworking",
        "advancedSecurity",
        "tags",
        "podSubnetSelectorTerms",
        "podSecurityGroupSelectorTerms",
        "certificateBundles",
        "capacityReservationSelectorTerms",
    }
    spec = item.known("spec")
    for name in (spec.keys() - known) if isinstance(spec, dict) else ():
        yield Broken(f"spec.{name}", f"one of {', '.join(sorted(known))}", "remove it")
    if (item.get("spec.role") is None) == (item.get("spec.instanceProfile") is None):
        yield Broken("spec.role", "the nodes' role, or an instance profile", "set role to the role's name", "")
    role = item.known("spec.role")
    if isinstance(role, str) and not any(each.type == "aws:iam/role:Role" for each in cloud.named(role)):
        yield Broken("spec.role", "the name of a role that exists", "pass the role's name", absent=True)
    for name in ("subnetSelectorTerms", "securityGroupSelectorTerms"):
        if not item.get(f"spec.{name}"):
            yield Broken(f"spec.{name}", "at least one term", "select by tags or id", "")
        for index, term in enumerate(item.objects(f"spec.{name}")):
            if term.get("id") and len([each for each in term.values() if each]) > 1:
                yield Broken(f"spec.{name}[{index}]", "an id alone, or tags", "write two terms", "")
    yield from one_of(item, "spec.networkPolicy", "DefaultAllow", "DefaultDeny")
    yield from one_of(item, "spec.networkPolicyEventLogs", "Enabled", "Disabled")
    yield from one_of(item, "spec.snatPolicy", "Random", "Disabled")
    size = item.known("spec.ephemeralStorage.size")
    if isinstance(size, str) and amount(size) is None:
        yield Broken("spec.ephemeralStorage.size", "a quantity such as 80Gi", "correct the quantity")


@rule(_POOL)
def node_pool(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A node pool refers to a node class that exists, has well-formed requirements, and bounds its size.

    Source: EKS user guide, Create a Node Pool for EKS Auto Mode; Karpenter, NodePools.
    """
    reference = "spec.template.spec.nodeClassRef"
    if item.get(reference) is None:
        yield Broken(reference, "a node class", "set group eks.amazonaws.com, kind NodeClass and the name", "")
    name = item.known(f"{reference}.name")
    if item.known(f"{reference}.group") not in (None, "eks.amazonaws.com"):
        yield Broken(f"{reference}.group", "eks.amazonaws.com", "correct the group")
    if (
        isinstance(name, str)
        and name != "default"
        and not any(each.type == _CLASS and each.place == item.place for each in cloud.named(name))
    ):
        yield Broken(f"{reference}.name", "a node class that exists", "create it first, and pass its name", absent=True)
    for index, each in enumerate(item.objects("spec.template.spec.requirements")):
        path = f"spec.template.spec.requirements[{index}]"
        operator, values = each.get("operator"), each.get("values")
        if operator not in ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Gte", "Lte"):
            yield Broken(f"{path}.operator", "In, NotIn, Exists, DoesNotExist, Gt or Lt", "correct it")
        if operator in ("In", "NotIn", "Gt", "Lt") and not values:
            yield Broken(f"{path}.values", "at least one value", "set values", "")
        if isinstance(values, list) and not all(
            isinstance(value, str) for value in values if value.__class__ in (str, int, float, bool)
        ):
            yield Broken(f"{path}.values", "text: Karpenter takes no numbers", "write the numbers as text")
        if operator in ("Gt", "Lt", "Gte", "Lte") and isinstance(values, list) and len(values) > 1:
            yield Broken(f"{path}.values", f"one number, as the operator is {operator}", "keep one")
        key = each.get("key")
        if key in ("kubernetes.io/hostname", "karpenter.sh/nodepool"):
            yield Broken(f"{path}.key", "a label that node pools may choose by", "remove the requirement")
        if isinstance(key, str) and key.startswith("karpenter.k8s.aws/"):
            yield Broken(
                f"{path}.key", f"eks.amazonaws.com/{key.partition('/')[2]} in Auto Mode", "use Auto Mode's labels"
            )
    limits = item.known("spec.limits")
    for key, text in limits.items() if isinstance(limits, dict) else ():
        if isinstance(text, str) and amount(text) is None:
            yield Broken(f"spec.limits.{key}", "a quantity such as 100 or 400Gi", "correct the quantity")
    for index, each in enumerate(item.objects("spec.disruption.budgets")):
        if (each.get("schedule") is None) != (each.get("duration") is None):
            yield Broken(
                f"spec.disruption.budgets[{index}]", "a schedule and a duration together", "set both, or neither", ""
            )
    yield from one_of(item, "spec.disruption.consolidationPolicy", "WhenEmpty", "WhenEmptyOrUnderutilized")
    after = item.known("spec.disruption.consolidateAfter")
    if isinstance(after, str) and re.fullmatch(r"Never|(\d+(s|m|h))+", after) is None:
        yield Broken("spec.disruption.consolidateAfter", "a duration such as 30s, or Never", "correct it")
