"""One simulated account: what exists in it, and what it refuses to create."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.simulation.refusals import Refusal

ACCOUNT = "123456789012"


@dataclass(slots=True)
class Item:
    """Something that exists in the account."""

    urn: str
    type: str
    name: str
    region: str
    inputs: Mapping[str, Any]
    id: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)


class Cloud:
    def __init__(self) -> None:
        self.items: dict[str, Item] = {}
        self.refusals: list[Refusal] = []

    def create(self, item: Item) -> Item:
        """Check and create; refusals are collected and creation goes on, so that one run tells of all mistakes."""
        digest = hashlib.sha256(item.urn.encode()).hexdigest()
        item.id = f"{item.name}-{digest[:7]}"
        item.outputs = {
            "arn": f"arn:aws:simulated:{item.region}:{ACCOUNT}:{item.id}",
            "name": item.id,
            "endpoint": f"{item.id}.{item.region}.amazonaws.com",
            "port": 443,
            **item.inputs,
        }
        self.items[item.urn] = item
        return item

    def invoke(self, function: str, arguments: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        if function == "aws:index/getAvailabilityZones:getAvailabilityZones":
            names = [f"{region}{letter}" for letter in "abc"]
            return {"id": region, "names": names, "zoneIds": names, "groupNames": [region]}
        if function == "aws:index/getCallerIdentity:getCallerIdentity":
            return {"id": ACCOUNT, "accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "userId": ACCOUNT}
        return {"id": function, **arguments}
