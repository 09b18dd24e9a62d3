"""Accounts with just enough in them for one resource to be created or refused."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundplan.cloud.cloud import Cloud
from groundplan.cloud.item import Item
from groundplan.cloud.refusals import Refusal

Inputs = dict[str, Any]
ABSENT = object()
"""Takes a property away."""
ACCOUNT_ROOT = "arn:aws:iam::123456789012:root"


class World:
    """A simulated account, filled resource by resource; each waits for all that were made before it."""

    def __init__(self) -> None:
        self.cloud = Cloud()
        self._made: list[str] = []

    def make(
        self,
        token: str,
        name: str = "it",
        inputs: Mapping[str, Any] | None = None,
        *,
        place: str = "eu-central-1",
        first: Iterable[str] | None = None,
    ) -> Item:
        """Create a resource; what is wrong with it is in ``cloud.refusals``. ``first`` are the URNs it waits for."""
        urn = f"urn:pulumi:test::world::{token}::{name}"
        waits_for = frozenset(self._made if first is None else first) - {urn}
        item = Item(urn, token, name, place, dict(inputs or {}), dependencies=waits_for)
        self.cloud.create(item)
        self._made.append(urn)
        return item

    def vpc(self) -> Item:
        return self._once("aws:ec2/vpc:Vpc", "net", {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True})

    def subnet(self, number: int = 0, zone: str = "") -> Item:
        zone = zone or "abc"[number]
        inputs = {
            "vpcId": self.vpc().id,
            "cidrBlock": f"10.0.{number * 16}.0/20",
            "availabilityZone": f"eu-central-1{zone}",
        }
        return self._once("aws:ec2/subnet:Subnet", f"subnet-{number}", inputs)

    def subnets(self) -> list[str]:
        return [self.subnet(number).id for number in range(3)]

    def group(self, name: str = "door") -> Item:
        return self._once(
            "aws:ec2/securityGroup:SecurityGroup", name, {"vpcId": self.vpc().id, "description": "A door"}
        )

    def other_vpc(self) -> Item:
        return self._once("aws:ec2/vpc:Vpc", "other", {"cidrBlock": "10.1.0.0/16"})

    def key(self, name: str = "key", services: Sequence[str] = ("logs.eu-central-1.amazonaws.com",)) -> Item:
        return self._once("aws:kms/key:Key", name, {"policy": key_policy(*services)})

    def role(self, service: str = "ec2.amazonaws.com", *actions: str) -> Item:
        name = f"role-{service.partition('.')[0]}" + ("-" + str(len(actions)) if actions else "")
        return self._once("aws:iam/role:Role", name, {"assumeRolePolicy": trust(service, *actions)})

    def bucket(self, name: str = "bucket") -> Item:
        return self._once("aws:s3/bucket:Bucket", name, {})

    def _once(self, token: str, name: str, inputs: Mapping[str, Any]) -> Item:
        for item in self.cloud.of(token):
            if item.name == name:
                return item
        return self.make(token, name, inputs)


def trust(service: str, *actions: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions) or ["sts:AssumeRole"]}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def allow(*actions: str, resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def key_policy(*services: str) -> str:
    return document(
        allow("kms:*", Principal={"AWS": ACCOUNT_ROOT}),
        *(
            allow("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*", Principal={"Service": each})
            for each in services
        ),
    )


def changed(inputs: Inputs, changes: Mapping[str, Any]) -> Inputs:
    """Inputs with values replaced, added, or taken away, by path."""
    result = copy.deepcopy(inputs)
    for path, value in changes.items():
        *way, last = re.findall(r"[^.\[\]]+", path)
        target: Any = result
        for step in way:
            target = target[int(step)] if isinstance(target, list) else target.setdefault(step, {})
        if value is ABSENT:
            target.pop(last, None)
        elif isinstance(target, list):
            target[int(last) : int(last) + 1] = [value]
        else:
            target[last] = value
    return result


@dataclass(frozen=True)
class Case:
    """One way to break one rule.

    ``given`` makes the surroundings and returns the inputs of a resource that is accepted; ``changes`` break them, by
    path, and may be made from the surroundings.
    """

    rule: str
    token: str
    given: Callable[[World], Inputs]
    changes: Mapping[str, Any] | Callable[[World], Mapping[str, Any]]
    path: str
    says: str
    place: str = "eu-central-1"

    def __str__(self) -> str:
        return f"{self.rule}: {self.path}"


def outcome(case: Case, *, broken: bool) -> list[Refusal]:
    """What is refused when a case's resource is created as it should be, or broken."""
    world = World()
    inputs = case.given(world)
    if broken:
        inputs = changed(inputs, case.changes(world) if callable(case.changes) else case.changes)
    assert world.cloud.refusals == [], "the surroundings themselves are refused"
    world.make(case.token, "it", inputs, place=case.place)
    world.cloud.conclude()
    return world.cloud.refusals
