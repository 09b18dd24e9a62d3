"""State and account brought together: what is to be done, as a pure function, and the state after it.

A deployment that was killed leaves operations that no one knows the end of. What it was creating may exist without
being in the state: the next `up` would make it a second time. So the account is asked, by tags and by names, and the
state is told. Nothing here calls anyone: `groundplan.cli.repair` asks, shows and does.
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from groundplan.cloud.catalogue import kind_of
from groundplan.cloud.catalogue.imports import IMPORTS, NOTHING, filled
from groundplan.cloud.catalogue.kubernetes import NAMESPACELESS, kind_name
from groundplan.cloud.item import look_up
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
    properties: Mapping[str, Any] = field(default_factory=dict)
    """What tells it from others of its type where it has neither name nor tags; None where it has no such value."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """Parts of its id that an import is asked for by."""

    @property
    def region(self) -> str:
        """As its ARN says; empty where that names none."""
        return self.arn.split(":")[3] if self.arn else ""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. ``urn`` is the state's name for it, ``id`` the account's."""

    action: Action
    type: str
    urn: str
    id: str
    why: str
    found: str = ""
    """What the account calls it, where the provider takes it in by another id."""
    region: str = ""
    """Where it is deleted; empty: it is of no region, as a distribution is."""

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


def plan_repair(
    state: State, account: Sequence[Found], program: Sequence[Resource], siblings: Sequence[Found] = ()
) -> Repair:
    """What brings state and account together.

    ``account`` is all that carries the stack's tags or path; ``program`` is what the declaration declares now.
    ``siblings`` are of the types that are `unclear`, of any system: what the stack was making is looked for among
    them, and the others don't count here.
    """
    loose = _loose(state, [*account, *siblings])
    place = _place(state)
    steps: list[Step] = []
    for operation in pending(state):
        resource = operation["resource"]
        if operation["type"] in ("creating", "importing"):
            steps.append(_created(resource, loose, place))
        else:
            steps.append(Step("read", resource["type"], resource["urn"], resource.get("id", ""), _WORDS["read"]))
    taken = {step.found or step.id for step in steps if step.action in ("import", "keep")}
    held = {each["urn"] for each in resources(state) if not each.get("pendingReplacement")}
    settled = held | {step.urn for step in steps}
    missing = [each for each in program if each.custom and each.urn not in settled]
    for alike in _alike(_loose(state, account)):
        if not {name for each in alike for name in (each.id, _import_id(each.type, {}, place, each))} & taken:
            step = _stray(alike, missing, place)
            steps.append(step)
            missing = [each for each in missing if each.urn != step.urn]
    return Repair(tuple(steps))


def unclear(state: State, account: Iterable[Found]) -> list[Mapping[str, Any]]:
    """Creations whose end neither tags nor names nor their own inputs tell: the account has to be asked for what it has
    of their types."""
    loose, place = _loose(state, account), _place(state)
    return [
        operation["resource"]
        for operation in pending(state)
        if operation["type"] in ("creating", "importing")
        and operation["resource"]["type"] not in NOTHING
        and _created(operation["resource"], loose, place).action in ("forget", "keep")
    ]


def _loose(state: State, account: Iterable[Found]) -> list[Found]:
    """What the state doesn't hold. What was asked for by itself says more than what its tags say."""
    # What was made before the engine died has its id already, though its operation has no end.
    place = _place(state)
    known = _handles(
        [
            *(each for each in resources(state) if not _may_be_there_anew(each, place)),
            *(each["resource"] for each in pending(state)),
        ]
    )
    everything = list(account)
    held = {each.arn for each in everything if each.arn and {(each.type, each.id), (each.type, each.arn)} & known}
    found: dict[tuple[str, str], Found] = {}
    for each in everything:
        if each.arn not in held and (each.type, each.id) not in known:
            before = found.get((each.type, each.id))
            found[each.type, each.id] = before if before is not None and before.properties else each
    return list(found.values())


def _may_be_there_anew(entry: Mapping[str, Any], place: Mapping[str, str]) -> bool:
    """Whether it was deleted to be replaced, and what replaces it has the same id: that of a name which was given."""
    inputs = entry.get("inputs") or {}
    given = not inputs.get("__defaults")
    return bool(entry.get("pendingReplacement")) and given and bool(_identity(entry["type"], inputs, place))


def _alike(loose: Iterable[Found]) -> list[list[Found]]:
    """One thing may be of several types, as far as its ARN tells."""
    found: dict[str, list[Found]] = {}
    for each in loose:
        found.setdefault(each.arn or f"{each.type} {each.id}", []).append(each)
    return list(found.values())


def _place(state: State) -> Mapping[str, str]:
    """The account and region of most that the state holds, by its ARNs."""
    arns = [str((each.get("outputs") or {}).get("arn") or "").split(":") for each in resources(state)]
    places = Counter((arn[3], arn[4]) for arn in arns if len(arn) > 5 and arn[3] and arn[4])
    if not places:
        return {}
    region, account = places.most_common(1)[0][0]
    return {"region": region, "account": account}


def _created(resource: Mapping[str, Any], loose: Sequence[Found], place: Mapping[str, str]) -> Step:
    """What became of a creation: it exists under the name or tag that it was asked for with, or it doesn't."""
    token, urn = resource["type"], resource["urn"]
    if resource.get("id"):
        # Made, and the engine died before it noted that the operation had ended.
        return Step("import", token, urn, str(resource["id"]), _WORDS["import"])
    if token in NOTHING:
        return Step("forget", token, urn, "", NOTHING[token])
    inputs = resource.get("inputs") or {}
    same = [each for each in loose if each.type == token]
    matching = [each for each in same if _named(each, token, inputs)]
    if len(matching) == 1:
        (found,) = matching
        return Step("import", token, urn, _import_id(token, inputs, place, found), _WORDS["import"], found.id)
    if len(matching) > 1:
        ids = ", ".join(each.id for each in matching)
        return Step("keep", token, urn, matching[0].id, f"{len(matching)} fit: {ids}; delete all but one by hand")
    identity = _identity(token, inputs, place)
    if identity:
        # It has no tags, and its id follows from what it was asked for with: a refresh drops it if it isn't there.
        return Step("import", token, urn, identity, "may exist: the state takes it in, and the account is read")
    return Step("forget", token, urn, "", _WORDS["forget"])


def _stray(alike: Sequence[Found], missing: Sequence[Resource], place: Mapping[str, str]) -> Step:
    same = [(found, each) for found in alike for each in missing if each.type == found.type and _stem(found, each)]
    if len(same) == 1:
        ((found, resource),) = same
        identity = _import_id(found.type, resource.inputs, place, found)
        if identity:
            return Step("import", found.type, resource.urn, identity, _WORDS["import"], found.id)
    found = alike[0]
    if same or any(kind_of(each.type).stateful for each in alike):
        return Step("keep", found.type, "", found.id, _WORDS["keep"])
    return Step("remove", found.type, "", found.id, _WORDS["remove"], region=found.region)


def _named(found: Found, token: str, inputs: Mapping[str, Any]) -> bool:
    """Whether it has the name, or else the `Name` tag or the properties, that a creation asked for."""
    if found.properties:
        return all(inputs.get(key) in (None, value) for key, value in found.properties.items())
    kind = kind_of(token)
    rule = kind.name
    if rule is None or any("{name}" in each for each in (kind.form, kind.arn, kind.id) if isinstance(each, str)):
        given = inputs.get(rule.property) if rule is not None else inputs.get("name")
        if isinstance(given, str):
            return given == found.id or _ends(found.arn, given) or _ends(found.id, given)
        prefix = inputs.get(f"{rule.property}Prefix") if rule is not None else None
        if isinstance(prefix, str):
            return _last(found.arn or found.id).startswith(prefix)
    # AWS makes up the id, and the ARN says nothing of a name.
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


def _import_id(token: str, inputs: Mapping[str, Any], place: Mapping[str, str], found: Found) -> str:
    """What the provider takes in for something that was found; empty when neither it nor the inputs tell."""
    given = {key: value for key, value in _values(token, inputs).items() if value is not None}
    values = {**found.parts, **given, **place, "id": found.parts.get("id", found.id)}
    return filled(IMPORTS.get(token, "{id}"), values)


def _identity(token: str, inputs: Mapping[str, Any], place: Mapping[str, str]) -> str:
    """What the provider takes in, where that follows from the inputs alone: `{role}:{name}` of a role's policy."""
    if token.startswith("kubernetes:"):
        name = look_up(inputs, "metadata.name")
        namespace = look_up(inputs, "metadata.namespace") or "default"
        return str(name if kind_name(token) in NAMESPACELESS else f"{namespace}/{name}") if name else ""
    template = IMPORTS.get(token) or kind_of(token).id
    if not isinstance(template, str) or not re.search(r"\{\w", template):
        return ""
    return filled(template, {**_values(token, inputs), **place})


def _values(token: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs, with the physical name under `name`. AWS makes up the rest: ids, and what templates call `hex17`."""
    rule = kind_of(token).name
    name = inputs.get(rule.property) if rule is not None else inputs.get("name")
    return {**{key: value for key, value in inputs.items() if key not in ("id", "region")}, "name": name}


def _handles(held: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Types with ids and ARNs: what hangs on a thing may have its ARN as an id."""
    found: set[tuple[str, str]] = set()
    for resource in held:
        outputs = resource.get("outputs") or {}
        handles = (resource.get("id"), outputs.get("arn"))
        found.update((resource["type"], each) for each in handles if isinstance(each, str) and each)
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
    if repair.of("import"):
        deployment["resources"] = _in_order(deployment["resources"])
    deployment["pending_operations"] = []
    return after


def _insert(state: State, entry: dict[str, Any], held: set[str]) -> None:
    """Adds an entry. What the state has under its URN was to be replaced by it, and goes with the next deployment.

    What was deleted before it was replaced is gone already, and would stay in the state for good: the engine forgets it
    when it has made the new one itself.
    """
    entries = state["deployment"].setdefault("resources", [])
    same = [each for each in entries if each["urn"] == entry["urn"]]
    if any(each.get("id") == entry.get("id") and not each.get("pendingReplacement") for each in same):
        return
    for old in same:
        old["delete"] = True
    entries[:] = [each for each in entries if each["urn"] != entry["urn"] or not each.get("pendingReplacement")]
    entries.append(entry)
    held.add(entry["urn"])


def _in_order(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each entry behind those that it names, as the engine demands of a state; else in the order that there was."""
    by_urn: dict[str, list[dict[str, Any]]] = {}
    for each in entries:
        by_urn.setdefault(each["urn"], []).append(each)
    ordered: list[dict[str, Any]] = []
    begun: set[int] = set()

    def place(entry: dict[str, Any]) -> None:
        if id(entry) not in begun:
            begun.add(id(entry))
            for name in _references(entry):
                for other in by_urn.get(name, ()):
                    place(other)
            ordered.append(entry)

    for each in entries:
        place(each)
    return ordered


def _references(entry: Mapping[str, Any]) -> Iterator[str]:
    """The URNs that an entry of a state refers to."""
    yield from filter(None, (entry.get("parent"), entry.get("deletedWith")))
    yield from filter(None, [str(entry.get("provider") or "").rpartition("::")[0]])
    for key in ("dependencies", "replaceWith"):
        yield from entry.get(key) or ()
    for names in (entry.get("propertyDependencies") or {}).values():
        yield from names or ()


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
