"""What a change waits for: the weekly maintenance window of the resource, unless it is applied at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

INSTANCE = "aws:rds/instance:Instance"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"

RDS_IN_WINDOW = {
    "allocatedStorage": "AllocatedStorage",
    "dbSubnetGroupName": "DBSubnetGroupName",
    "engineVersion": "EngineVersion",
    "instanceClass": "DBInstanceClass",
    "iops": "Iops",
    "multiAz": "MultiAZ",
    "optionGroupName": "OptionGroupName",
    "storageThroughput": "StorageThroughput",
    "storageType": "StorageType",
}
"""RDS API, ModifyDBInstance: what waits for the window unless ApplyImmediately is set, by its name there."""

CACHE_IN_WINDOW = {"engine", "engineVersion", "nodeType", "parameterGroupName"}
"""ElastiCache API, ModifyReplicationGroup, ApplyImmediately: changes to the nodes."""


def waits_for_window(token: str, path: str, inputs: Mapping[str, Any]) -> bool:
    """Whether a property that a change touches takes effect in the window only; ``inputs`` are those of the change."""
    known = RDS_IN_WINDOW if token == INSTANCE else CACHE_IN_WINDOW if token == CACHE else ()
    return path in known and inputs.get("applyImmediately") is not True
