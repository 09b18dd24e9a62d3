"""State and account brought together: what is to be done, as a pure function, and the state after it.

A deployment that was killed leaves operations that no one knows the end of. What it was creating may exist without
being in the state: the next `up` would make it a second time. So the account is asked, by tags and by names, and the
state is told. Nothing here calls anyone: `groundplan.cli.repair` asks, shows and does.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from groundplan.cloud.catalogue import kind_of
from groundplan.cloud.model import Resource

State = dict[str, Any]
"""What `pulumi stack export` writes."""
Action = Literal["import", "remove", "keep", "read", "forget"]

_WORDS: Mapping[Action, str] = {
    "import": "exists and belongs to the program: the state takes it in",
    "remove": "exists, and no program declares it: delete it in the account",
    "keep": "exists, holds data or can't be told apart: decide by hand",
    "read": "its change or deletion was not finished: the account is read",
    "forget": "was never made: the state forgets it",
}


@dataclass(frozen=True, slots=True)
class Found:
    """What the account has with this stack's tags or path."""

    type: str
    id: str
    arn: str
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    """What tells it from others of its type where it has neither name nor tags."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. ``urn`` is the state's name for it, ``id`` the account's."""

    action: Action
    type: str
    urn: str
    id: str
    why: str

    def __str__(self) -> str:
        name = self.urn.rpartition("::")[2] or "not in the program"
        return f"{self.action:<7} {self.type}  {name}  {self.id}\n        {self.why}"


@dataclass(frozen=True, slots=True)
class Repair:
    steps: tuple[Step, ...]

    def of(self, action: Action) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.action == action)

    @property
    def nothing(self) -> bool:
        return not self.steps


def pending(state: State) -> list[Mapping[str, Any]]:
    """Operations that began and didn't end."""
    found: list[Mapping[str, Any]] = (state.get("deployment") or {}).get("pending_operations") or []
    return found


def resources(state: State) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (state.get("deployment") or {}).get("resources") or []
    return found


def plan_repair(state: State, account: Iterable[Found], program: Sequence[Resource]) -> Repair:
    """What brings state and account together.

    ``account`` is all that carries the stack's tags or path; ``program`` is what the declaration declares now.
    """
    known = _handles(resources(state))
    loose = [each for each in account if each.id not in known and each.arn not in known]
    steps: list[Step] = []
    for operation in pending(state):
        resource = operation["resource"]
        if operation["type"] in ("creating", "importing"):
            steps.append(_created(resource, loose))
        else:
            steps.append(Step("read", resource["type"], resource["urn"], resource.get("id", ""), _WORDS["read"]))
    taken = {step.id for step in steps if step.action in ("import", "keep")}
    settled = {each["urn"] for each in resources(state)} | {step.urn for step in steps}
    missing = [each for each in program if each.custom and each.urn not in settled]
    for found in loose:
        if found.id not in taken:
            step = _stray(found, missing)
            steps.append(step)
            missing = [each for each in missing if each.urn != step.urn]
    return Repair(tuple(steps))


def _created(resource: Mapping[str, Any], loose: Sequence[Found]) -> Step:
    """What became of a creation: it exists under the name or tag that it was asked for with, or it doesn't."""
    token, urn = resource["type"], resource["urn"]
    if resource.get("id"):
        # Made, and the engine died before it noted that the operation had ended.
        return Step("import", token, urn, str(resource["id"]), _WORDS["import"])
    inputs = resource.get("inputs") or {}
    same = [each for each in loose if each.type == token]
    matching = [each for each in same if _named(each, token, inputs)]
    if len(matching) == 1:
        return Step("import", token, urn, matching[0].id, _WORDS["import"])
    if len(matching) > 1:
        ids = ", ".join(each.id for each in matching)
        return Step("keep", token, urn, matching[0].id, f"{len(matching)} fit: {ids}; delete all but one by hand")
    identity = _identity(token, inputs)
    if identity:
        # It has no tags, and its id follows from what it was asked for with: a refresh drops it if it isn't there.
        return Step("import", token, urn, identity, "may exist: the state takes it in, and the account is read")
    return Step("forget", token, urn, "", _WORDS["forget"])


def _stray(found: Found, missing: Sequence[Resource]) -> Step:
    same = [each for each in missing if each.type == found.type and _stem(found, each)]
    if len(same) == 1:
        return Step("import", found.type, same[0].urn, found.id, _WORDS["import"])
    if same or kind_of(found.type).stateful:
        return Step("keep", found.type, "", found.id, _WORDS["keep"])
    return Step("remove", found.type, "", found.id, _WORDS["remove"])


def _named(found: Found, token: str, inputs: Mapping[str, Any]) -> bool:
    """Whether it has the name, or else the `Name` tag or the properties, that a creation asked for."""
    if found.properties:
        return all(inputs.get(key) == value for key, value in found.properties.items())
    rule = kind_of(token).name
    given = inputs.get(rule.property) if rule is not None else inputs.get("name")
    if isinstance(given, str):
        return given == found.id or _ends(found.arn, given) or _ends(found.id, given)
    prefix = inputs.get(f"{rule.property}Prefix") if rule is not None else None
    if isinstance(prefix, str):
        return _last(found.arn or found.id).startswith(prefix)
    tags = inputs.get("tags")
    wanted = tags.get("Name") if isinstance(tags, Mapping) else None
    return wanted is not None and found.tags.get("Name") == wanted


def _stem(found: Found, resource: Resource) -> bool:
    """Whether it is called as the program would call it: by its name, its logical name and a suffix, or its tag."""
    if _named(found, resource.type, resource.inputs):
        return True
    last = _last(found.arn or found.id)
    rest = last.removeprefix(f"{resource.name}-")
    return rest != last and 0 < len(rest) <= 26 and "-" not in rest


def _ends(text: str, name: str) -> bool:
    return text.endswith((f":{name}", f"/{name}")) or f"/{name}/" in text or f":{name}-" in text[-len(name) - 8 :]


def _last(text: str) -> str:
    return text.replace(":", "/").rpartition("/")[2]


def _identity(token: str, inputs: Mapping[str, Any]) -> str:
    """The id of what has no tags, where it follows from the inputs alone: `{role}:{name}` of a role's policy."""
    template = kind_of(token).id
    if not isinstance(template, str):
        return ""
    fields = re.findall(r"\{(\w+)\}", template)
    values = {name: inputs.get(name) for name in fields}
    if any(name in ("id", "arn", "uuid", "region", "account") or name.startswith("hex") for name in fields):
        return ""
    if not fields or not all(isinstance(value, str) and value for value in values.values()):
        return ""
    return template.format(**values)


def _handles(held: Iterable[Mapping[str, Any]]) -> set[str]:
    found: set[str] = set()
    for resource in held:
        outputs = resource.get("outputs") or {}
        found.update(each for each in (resource.get("id"), outputs.get("arn")) if isinstance(each, str) and each)
    return found


def repaired(state: State, repair: Repair, program: Sequence[Resource]) -> State:
    """The state with what is taken in, and nothing pending. A refresh has to follow: it reads what is really there."""
    after = copy.deepcopy(state)
    deployment = after["deployment"]
    asked = {each["resource"]["urn"]: each["resource"] for each in pending(state)}
    held = {each["urn"] for each in resources(after)}
    declared = {each.urn: each for each in program}
    for step in repair.of("import"):
        if step.urn in asked:
            entry = {**copy.deepcopy(asked[step.urn]), "id": step.id}
            entry.setdefault("outputs", {})
            _insert(after, entry, held)
        else:
            for resource in _with_parents(declared[step.urn], declared, held):
                _insert(after, _entry(after, resource, step.id if resource.urn == step.urn else ""), held)
    deployment["pending_operations"] = []
    return after


def _insert(state: State, entry: dict[str, Any], held: set[str]) -> None:
    if entry["urn"] not in held:
        state["deployment"].setdefault("resources", []).append(entry)
        held.add(entry["urn"])


def _with_parents(resource: Resource, declared: Mapping[str, Resource], held: set[str]) -> list[Resource]:
    found = [resource]
    while (parent := declared.get(found[0].parent)) is not None and parent.urn not in held:
        found.insert(0, parent)
    return found


def _entry(state: State, resource: Resource, identifier: str) -> dict[str, Any]:
    """A resource as the engine would have written it, as far as the program tells: reading fills in the rest."""
    entry: dict[str, Any] = {
        "urn": resource.urn,
        "custom": resource.custom,
        "type": resource.type,
        "parent": resource.parent,
        "protect": resource.protect,
    }
    if not resource.custom:
        return entry
    rule = kind_of(resource.type).name
    inputs: dict[str, Any] = {}
    if rule is not None and resource.inputs.get(rule.property) is None and rule.auto:
        # The program leaves the name to Pulumi: noted as made, or the next deployment would make another one.
        inputs = {rule.property: _last(identifier), "__defaults": [rule.property]}
    provider = next(
        (f"{each['urn']}::{each['id']}" for each in resources(state) if each["urn"] == resource.provider), ""
    )
    return {**entry, "id": identifier, "inputs": inputs, "outputs": {}, **({"provider": provider} if provider else {})}
