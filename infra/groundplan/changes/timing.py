"""When a changed property takes effect, and for how long what it belongs to is unavailable then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from groundplan.changes.model import Interruption, Operation, Part, When
from groundplan.cloud.windows import CACHE, INSTANCE, RDS_IN_WINDOW, waits_for_window

_Properties = Mapping[str, Any]

PARAMETERS = "aws:rds/parameterGroup:ParameterGroup"
BROKERS = "aws:msk/cluster:Cluster"

RDS_WITH_OUTAGE = {"dbSubnetGroupName", "engineVersion", "instanceClass"}
"""Same place: "an outage occurs during this change"."""

_FAILOVER = Interruption(60, 120, "RDS guide, Failing over a Multi-AZ DB instance")
_MINUTE = 60

WAITS = {
    INSTANCE: ("rds", "db_instance_available", "db_instance_deleted"),
    CACHE: ("elasticache", "replication_group_available", "replication_group_deleted"),
    "aws:eks/cluster:Cluster": ("eks", "cluster_active", "cluster_deleted"),
    "aws:lb/loadBalancer:LoadBalancer": ("elbv2", "load_balancer_available", "load_balancers_deleted"),
    "aws:ec2/natGateway:NatGateway": ("ec2", "nat_gateway_available", "nat_gateway_deleted"),
}
"""botocore's waiters for what is created and deleted; how long they wait is in `MOST`."""

MOST = {
    INSTANCE: (30 * _MINUTE, 30 * _MINUTE),
    CACHE: (10 * _MINUTE, 10 * _MINUTE),
    "aws:eks/cluster:Cluster": (20 * _MINUTE, 20 * _MINUTE),
    "aws:lb/loadBalancer:LoadBalancer": (10 * _MINUTE, 10 * _MINUTE),
    "aws:ec2/natGateway:NatGateway": (10 * _MINUTE, 10 * _MINUTE),
    BROKERS: (120 * _MINUTE, 120 * _MINUTE),
}
"""Seconds within which one is created, and deleted."""

_MSK = "terraform-provider-aws, aws_msk_cluster, Timeouts"


def when(token: str, path: str, new: _Properties, old: _Properties) -> tuple[When, str]:
    """When a changed property of a resource that stays takes effect, and where that is written."""
    top = path.partition(".")[0].partition("[")[0]
    if waits_for_window(token, top, new):
        api = f"RDS API, ModifyDBInstance, {RDS_IN_WINDOW[top]}" if token == INSTANCE else ""
        return "in the window", api or "ElastiCache API, ModifyReplicationGroup, ApplyImmediately"
    if token == PARAMETERS and top == "parameters" and _waits_for_restart(new, old):
        return "at a restart", "RDS guide, Parameter groups: static parameters"
    if token == BROKERS and path == "brokerNodeGroupInfo.instanceType" and _express(new) != _express(old):
        return "never", "boto3#4356: accepted, and the brokers stay what they are"
    return "at once", ""


def _express(cluster: _Properties) -> bool:
    group = cluster.get("brokerNodeGroupInfo")
    return isinstance(group, Mapping) and str(group.get("instanceType", "")).startswith("express.")


def settings_of(group: _Properties) -> dict[str, tuple[str, str]]:
    """A parameter group's parameters by name: value and method."""
    found = group.get("parameters")
    return {
        str(each.get("name")): (str(each.get("value")), str(each.get("applyMethod") or "immediate"))
        for each in (found if isinstance(found, Sequence) else ())
        if isinstance(each, Mapping)
    }


def _waits_for_restart(new: _Properties, old: _Properties) -> bool:
    before, after = settings_of(old), settings_of(new)
    return any(before.get(name) != setting for name, setting in after.items() if setting[1] == "pending-reboot")


def interruption(
    token: str,
    operation: Operation,
    old: _Properties,
    parts: Sequence[Part],
    *,
    deleted_first: bool,
) -> Interruption | None:
    """How long what is deployed can't be used because of this change."""
    if operation == "replace" and deleted_first and token in MOST:
        return Interruption(0, sum(MOST[token]), _source(token))
    if operation != "update":
        return None
    touched = {part.path.partition(".")[0].partition("[")[0] for part in parts}
    if token == INSTANCE and touched & RDS_WITH_OUTAGE:
        major = "engineVersion" in touched
        # Both sides of a Multi-AZ instance are upgraded at the same time (RDS guide, Upgrading PostgreSQL).
        if old.get("multiAz") is True and not major:
            return _FAILOVER
        return Interruption(0, MOST[token][0], _source(token))
    return None


def _source(token: str) -> str:
    if token == BROKERS:
        return _MSK
    service, created, _ = WAITS[token]
    return f"botocore, waiter {created} of {service}"
