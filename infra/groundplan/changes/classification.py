"""From two programs of one stack, or from the engine's preview, to what happens to each resource."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from groundplan.changes.data import fate, holds_data, protections
from groundplan.changes.identities import Identities
from groundplan.changes.model import ChangeSet, Data, Operation, Part, ResourceChange
from groundplan.changes.order import orders_of
from groundplan.changes.recorded import Step, recorded
from groundplan.changes.timing import interruption, when
from groundplan.cloud.catalogue import kind_of
from groundplan.cloud.catalogue.kind import Kind
from groundplan.cloud.changes import Change, changes
from groundplan.cloud.cloud import Cloud
from groundplan.cloud.item import Item, look_up
from groundplan.cloud.model import Resource
from groundplan.cloud.providers import kind_of_provider
from groundplan.cloud.refusals import Refusal
from groundplan.cloud.transitions import (
    deleted_first,
    item_of,
    moved_network,
    names_held_twice,
    not_upgraded_yet,
    refused_changes,
)

_PROVIDER = "pulumi:providers:"
_INSIDE = {"aws:msk/topic:Topic": "clusterArn"}
"""What a thing's own property says it is inside of: the two go together."""


@dataclass(slots=True)
class _Step:
    """What happens to one resource, before it is judged. ``inputs`` are those that it will have."""

    operation: Operation
    old: Resource | None
    new: Resource | None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    found: Sequence[Change] = ()
    because: tuple[str, ...] = ()
    deleted_first: bool = False

    @property
    def one(self) -> Resource:
        resource = self.new or self.old
        assert resource is not None
        return resource


def classify(before: Iterable[Resource], after: Iterable[Resource]) -> ChangeSet:
    """What deploying the program that registered ``after`` does to what ``before`` has deployed.

    Both are whole programs of one stack, in registration order. What names a replaced resource changes with it. A
    resource that was deployed under one of its aliases is the same one.
    """
    old = {resource.urn: resource for resource in before}
    cloud = Cloud(surroundings_assumed=True)
    for resource in old.values():
        if resource.custom:
            _exists(cloud, resource.id, item_of(resource))
    wanted = {resource.urn: resource for resource in after}
    identities = Identities(cloud, wanted)
    steps: dict[str, _Step] = {}
    unchanged = 0
    known: set[str] = set()
    for new in wanted.values():
        was = next((old[urn] for urn in (new.urn, *_aliases(new)) if urn in old), None)
        if was is None:
            steps[new.urn] = _Step("create", None, new, new.inputs)
            if new.custom:
                _exists(cloud, new.id, item_of(new))
            continue
        known.add(was.urn)
        step = _compared(was, new, identities, steps)
        if step is None:
            unchanged += 1
            continue
        steps[new.urn] = step
        if step.operation == "replace" and new.custom and not new.type.startswith(_PROVIDER):
            made = identities.replaced(replace(new, inputs=step.inputs))
            _exists(cloud, made.id, made)
    for urn in reversed([urn for urn in old if urn not in known]):
        steps[urn] = _Step("delete", old[urn], None, found=())
    return _judged(steps, unchanged, old, cloud)


def classify_preview(preview: Mapping[str, Any], state: Iterable[Mapping[str, Any]] = ()) -> ChangeSet:
    """What `pulumi preview --json` announces. ``state`` are resources of `pulumi stack export`, which say what the
    preview leaves out of what stays."""
    steps: dict[str, _Step] = {}
    old = {resource.urn: resource for resource in map(recorded, state)}
    unchanged = 0
    for step in Step.all_of(preview):
        if step.operation is None:
            unchanged += 1
            continue
        was = step.old or old.get(step.urn)
        inputs = step.new.inputs if step.new is not None else {}
        found = changes(_kind(step.urn_type), was.inputs, inputs) if was is not None and step.new is not None else []
        first = step.operation == "replace" and step.new is not None and deleted_first(step.new)
        steps[step.urn] = _Step(step.operation, was, step.new, inputs, found, deleted_first=first)
        if was is not None:
            old[was.urn] = was
    return _judged(steps, unchanged, old, None)


def _compared(was: Resource, new: Resource, identities: Identities, steps: Mapping[str, _Step]) -> _Step | None:
    """What happens to a resource that is in both programs; None: nothing."""
    if not new.custom:
        return None if was.inputs == new.inputs else _Step("update", was, new, new.inputs)
    wanted, because = identities.apply(new)
    wanted |= {key: was.inputs.get(key) for key in map(_top, new.ignore_changes)}
    provider = steps.get(new.provider)
    found = changes(_kind(new.type), was.inputs, wanted)
    forced = {_top(path) for path in new.replace_on_changes}
    replaced = any(each.replaces or _top(each.path) in forced or "*" in forced for each in found)
    if provider is not None and provider.operation == "replace":
        replaced, because = True, (*because, new.provider)
    if not found and not replaced:
        return None
    first = replaced and deleted_first(new)
    return _Step("replace" if replaced else "update", was, new, wanted, found, because, first)


def _judged(steps: Mapping[str, _Step], unchanged: int, old: Mapping[str, Resource], cloud: Cloud | None) -> ChangeSet:
    going = {urn: step for urn, step in steps.items() if step.operation in ("delete", "replace")}
    found = tuple(_change(urn, step, going) for urn, step in steps.items())
    refusals = tuple(_refusals(steps, cloud)) if old else ()
    resources = {**old, **{urn: step.new for urn, step in steps.items() if step.new is not None}}
    deployed = {**old, **{urn: step.old for urn, step in steps.items() if step.old is not None}}
    return ChangeSet(found, unchanged, refusals, tuple(orders_of(found, deployed, resources)))


def _change(urn: str, step: _Step, going: Mapping[str, _Step]) -> ResourceChange:
    resource, was = step.one, step.old
    token = resource.type
    old_inputs: Mapping[str, Any] = was.inputs if was is not None else {}
    parts = tuple(_part(step, change) for change in step.found)
    data: Data = "none"
    holds = ""
    if was is not None and step.operation in ("delete", "replace"):
        data, holds = fate(token, old_inputs, retained=was.retain_on_delete and step.operation == "delete")
    elif was is not None and holds_data(token):
        data = "kept"
    return ResourceChange(
        urn=urn,
        type=token,
        name=resource.name,
        operation=step.operation,
        parts=parts,
        data=data,
        holds=holds,
        interruption=interruption(token, step.operation, old_inputs, parts, deleted_first=step.deleted_first),
        within=_within(was, going) if was is not None and urn in going else "",
        protections=protections(token, old_inputs, protected=was.protect) if was is not None and urn in going else (),
        deleted_first=step.deleted_first,
        because=step.because,
        window=str(old_inputs.get("maintenanceWindow") or ""),
    )


def _part(step: _Step, change: Change) -> Part:
    assert step.old is not None
    old, new = look_up(step.old.inputs, change.path), look_up(step.inputs, change.path)
    if step.one.is_secret(change.path) or step.old.is_secret(change.path):
        old = new = "[secret]"
    if step.operation == "replace":
        return Part(change.path, old, new)
    moment, source = when(step.one.type, change.path, step.inputs, step.old.inputs)
    return Part(change.path, old, new, moment, source)


def _within(resource: Resource, going: Mapping[str, _Step]) -> str:
    """The outermost component that goes with a resource; without one, the resource that it is inside of."""
    outermost, each = "", resource.parent
    while each in going:
        step = going[each]
        outermost = each
        each = step.old.parent if step.old is not None else ""
    path = _INSIDE.get(resource.type)
    if not outermost and path is not None:
        holder = str(resource.inputs.get(path) or "")
        for urn, step in going.items():
            if holder and step.old is not None and holder in (step.old.id, step.old.outputs.get("arn")):
                return urn
    return outermost


def _refusals(steps: Mapping[str, _Step], cloud: Cloud | None) -> Iterator[Refusal]:
    """Names that two would have are known from programs alone: an engine's preview leaves new ones open."""
    for step in steps.values():
        if step.operation == "update" and step.one.custom and not step.one.type.startswith(_PROVIDER):
            assert step.old is not None
            assert step.new is not None
            before, after = item_of(step.old), item_of(step.new, inputs=step.inputs)
            yield from refused_changes(before, after)
            if cloud is not None:
                yield from moved_network(before, after, cloud)
                yield from not_upgraded_yet(before, after, cloud)
    if cloud is None:
        return
    arriving = [
        (step.new, step.operation == "replace")
        for step in steps.values()
        if step.operation in ("create", "replace") and step.new is not None and step.new.custom
    ]
    leaving = [
        step.old
        for step in steps.values()
        if step.old is not None
        and step.old.custom
        and (step.operation == "delete" or (step.operation == "replace" and not step.deleted_first))
    ]
    yield from names_held_twice(arriving, leaving)


def _exists(cloud: Cloud, identifier: str, item: Item) -> None:
    """Puts an item with its id and outputs into the account."""
    if not item.type.startswith(_PROVIDER):
        item.id = identifier
        cloud.add(item)


def _aliases(resource: Resource) -> Iterator[str]:
    """URNs under which it may have been deployed; an alias may be a name alone."""
    for alias in resource.aliases:
        yield alias if "::" in alias else f"{resource.urn.rpartition('::')[0]}::{alias}"


def _kind(token: str) -> Kind:
    return kind_of_provider(token) if token.startswith(_PROVIDER) else kind_of(token)


def _top(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]
