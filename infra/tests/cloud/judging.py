"""How samples of values and changes are judged: in the account of shop's own stacks, resource by resource."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from groundplan.cloud import Cloud, simulate
from groundplan.cloud.catalogue import kind_of
from groundplan.cloud.changes import changes
from groundplan.cloud.item import Item, look_up
from groundplan.cloud.refusals import Refusal
from groundplan.cloud.transitions import refused_changes
from groundplan.project import load_program
from infra.tests.program.graphs import VARIANTS
from infra.tests.samples import ROOT

SAMPLES = Path(__file__).parent / "samples"
JUDGED_IN = ("prod", "queues", "dev", "alone")
"""Accounts that a type is looked for in, in this order."""


NOT_DECLARED = {
    "aws:serverlessrepository/cloudFormationStack:CloudFormationStack": (
        "passwords are rotated by a function of the library's own"
    ),
}
"""Types of the samples that no program declares any more: nothing of them can be judged."""


@dataclass(frozen=True)
class Trial:
    """One value, or one change, of one resource."""

    type: str
    path: str
    value: Any
    refused: bool
    """What is expected."""
    source: str
    kind: str = ""
    old: Mapping[str, Any] | None = None
    also: Mapping[str, Any] | None = None
    where: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.type} {self.path} = {self.value!r}"


@dataclass(frozen=True)
class Verdict:
    trial: Trial
    refusals: tuple[Refusal, ...]

    @property
    def right(self) -> bool:
        return bool(self.refusals) == self.trial.refused


def trials(name: str) -> list[Trial]:
    """Those of one file of the samples, in its order."""
    found = []
    for token, entries in yaml.safe_load((SAMPLES / name).read_text(encoding="utf-8")).items():
        if token in NOT_DECLARED:
            continue
        for entry in entries:
            more = {key: entry.get(key) for key in ("old", "also", "where")}
            for refused, values in ((True, entry["bad"]), (False, entry["good"])):
                for value in values:
                    kind = entry.get("kind", "")
                    found.append(Trial(token, entry["path"], value, refused, entry["source"], kind, **more))
    return found


@cache
def account(name: str) -> Cloud:
    """The account that holds one variant of shop."""
    system, environment = VARIANTS[name]()
    cloud = Cloud()
    simulate(
        lambda: load_program(ROOT)(system, environment),
        project=system.name,
        stack=environment.name,
        region=environment.region,
        account=cloud,
        strict=False,
    )
    return cloud


@cache
def _ranks(name: str) -> dict[str, int]:
    """The order in which a variant's resources were made: one that is tried goes, and comes back as the last."""
    return {key: rank for rank, key in enumerate(account(name).items)}


def _in_order(name: str, token: str) -> list[Item]:
    ranks = _ranks(name)
    return sorted(account(name).of(token), key=lambda item: ranks[f"{item.urn}#{item.generation}"])


def judged_value(trial: Trial) -> Verdict:
    """What the account says of a resource with another value."""
    cloud, item = _chosen(trial)
    other = with_values(item, {**(trial.also or {}), trial.path: trial.value})
    cloud.remove(item)
    try:
        return Verdict(trial, tuple(cloud.admit(other)))
    finally:
        cloud.add(item)


def judged_change(trial: Trial) -> Verdict:
    """Whether a change is refused in place; what may only be replaced must be a replacement for the engine, too."""
    _, item = _chosen(trial)
    old = with_values(item, trial.old or {})
    old.outputs = {**item.outputs, **old.inputs}
    new = with_values(old, {trial.path: trial.value})
    refused = tuple(refused_changes(old, new))
    if trial.kind == "replacement":
        replaced = any(each.replaces for each in changes(kind_of(item.type), old.inputs, new.inputs))
        if replaced != bool(refused):
            words = (trial.path, repr(trial.value), "to be replaced and refused in place alike", "")
            refused = () if trial.refused else (Refusal(item.urn, *words),)
    return Verdict(trial, refused)


def _chosen(trial: Trial) -> tuple[Cloud, Item]:
    """The first that has the property; else the first that has what it is in; else any, as it is new in all."""
    above = re.sub(r"(\.|\[)[^.\[]*$", "", trial.path) if re.search(r"[.\[]", trial.path) else ""
    fitting = [
        (account(name), item)
        for name in JUDGED_IN
        for item in _in_order(name, trial.type)
        if not item.adopted and all(look_up(item.inputs, path) == value for path, value in (trial.where or {}).items())
    ]
    for path in (trial.path, above):
        for cloud, item in fitting:
            if not path or look_up(item.inputs, path) is not None:
                return cloud, item
    if fitting and not trial.where:
        return fitting[0]
    raise LookupError(f"nothing fits {trial}")


def with_values(item: Item, given: Mapping[str, Any]) -> Item:
    inputs = copy.deepcopy(item.inputs)
    for path, value in given.items():
        _set(inputs, path, value)
    return Item(
        item.urn,
        item.type,
        item.name,
        item.place,
        inputs,
        item.secret_paths,
        item.dependencies,
        item.default_tags,
        item.generation,
    )


def _set(inputs: dict[str, Any], path: str, value: object) -> None:
    target: Any = inputs
    *way, last = re.findall(r"[^.\[\]]+", path)
    for step in way:
        if isinstance(target, list):
            target = target[int(step)]
        else:
            if target.get(step) is None:
                target[step] = {}
            target = target[step]
    if isinstance(target, list):
        target[int(last) : int(last) + 1] = [value]
    elif value is None:
        target.pop(last, None)
    else:
        target[last] = value
