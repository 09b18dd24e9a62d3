"""One stack in one simulated account over a long time, in-process: what the engine would do, call by call.

A program is run apart, in a fresh account; here what it registered is carried into an account that remembers. Calls may
fail, as often and where a test says, and what a deployment left undone is taken up by the next one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from groundplan.changes import ChangeSet, ResourceChange, classify, window_passed
from groundplan.changes.identities import Identities
from groundplan.changes.recorded import recorded_after
from groundplan.cloud import Cloud, providers
from groundplan.cloud.catalogue import kind_of
from groundplan.cloud.deletion import comes_back, refusal_to_delete, take_away
from groundplan.cloud.faults import Call, Faults, Struck
from groundplan.cloud.item import Item
from groundplan.cloud.model import Resource
from groundplan.cloud.transitions import item_of, refused_changes

_PROVIDER = "pulumi:providers:"


@dataclass(slots=True)
class Run:
    """One deployment: what it was to do, and what came of it."""

    changes: ChangeSet
    errors: list[str] = field(default_factory=list)
    calls: Counter[Call] = field(default_factory=Counter)


class Account:
    """A stack and the account that it is deployed to."""

    def __init__(self, region: str, given: Iterable[str] = ()) -> None:
        self.region = region
        self.cloud = Cloud(given)
        self.faults = Faults()
        self.state: dict[str, Resource] = {}
        """What the engine has recorded, as programs register it."""
        self._items: dict[str, Item] = {}
        self._unanswered: dict[str, Item] = {}
        """Created, though no one was told."""
        self._old: list[tuple[Resource, Item]] = []
        """Replaced, and waiting to be deleted."""
        self.retained: set[str] = set()
        """URNs of what left the stack and stays in the account on purpose."""
        self._providers: dict[str, Resource] = {}
        self._names: Identities | None = None
        self._program: dict[str, Resource] = {}

    def deploy(self, program: Sequence[Resource], *, window_passes: bool = True) -> Run:
        """Makes the account what the program says. After an error what doesn't need the failed part goes on."""
        before = list(self.state.values())
        run = Run(classify(before, program))
        failed: set[str] = set()
        fresh = {resource.urn for resource in program}
        self._program = {resource.urn: resource for resource in program}
        self._providers |= {each.urn: each for each in program if each.type.startswith(_PROVIDER)}
        self._names = None
        for resource in program:
            needed = {*resource.dependencies, resource.parent, resource.provider}
            if needed & failed:
                failed.add(resource.urn)
                continue
            change = run.changes.by_urn.get(resource.urn)
            if change is None or not resource.custom or resource.type.startswith(_PROVIDER):
                self._record(resource)
                continue
            if self._step(change, resource, run):
                self._record(resource)
            else:
                failed.add(resource.urn)
        going = {urn: each for urn, each in self.state.items() if urn not in fresh}
        self.state = {**going, **{each.urn: self.state[each.urn] for each in program if each.urn in self.state}}
        if not failed:
            self._delete_what_goes(run, program)
        if not window_passes:
            after = recorded_after(before, self.state.values(), run.changes)
            self.state = {resource.urn: resource for resource in after}
        return run

    def pass_windows(self) -> None:
        """All maintenance windows pass, and the state is refreshed."""
        self.state = {resource.urn: resource for resource in window_passed(self.state.values())}

    def destroy(self) -> Run:
        """Everything that isn't retained, in the engine's order; Pulumi's own protection is lifted before."""
        return self.deploy(())

    def lift_protection(self, urns: Iterable[str]) -> None:
        """As a person does by hand: `pulumi state unprotect`, and the service's own protection in its console."""
        for urn in urns:
            resource = self.state[urn]
            own = kind_of(resource.type).protection
            off: Any = "INACTIVE" if resource.inputs.get(own) == "ACTIVE" else False
            inputs = {**resource.inputs, own: off} if own else dict(resource.inputs)
            self.state[urn] = replace(resource, protect=False, inputs=inputs)
            self._items[urn].inputs |= {own: off} if own else {}

    def drift(self, urn: str, path: str, value: object) -> None:
        """Something is changed behind the engine's back."""
        self._items[urn].inputs[path] = value

    def refresh(self) -> list[str]:
        """Brings the state up to what the account has; returns the URNs that had drifted."""
        found = []
        for urn, item in self._items.items():
            resource = self.state[urn]
            for path, value in resource.inputs.items():
                plain = isinstance(value, str | int | bool) and item.inputs.get(path) not in (value, None)
                if plain and self._real(resource)[path] != item.inputs[path]:
                    found.append(urn)
                    self.state[urn] = replace(self.state[urn], inputs={**resource.inputs, path: item.inputs[path]})
        return found

    def clean(self) -> list[str]:
        """Deletes what came back by itself after a deletion, as `groundplan destroy` does; returns the names."""
        returned = [item for item in self.cloud.items.values() if item.urn.startswith("returned::")]
        for item in returned:
            assert comes_back(item.physical_name)
            self.cloud.remove(item)
        return [item.physical_name for item in returned]

    @property
    def orphans(self) -> list[str]:
        """What is in the account and in no state: neither retained on purpose nor come back by itself."""
        own = {id(item) for item in self._items.values()} | {id(item) for _, item in self._old}
        return [
            item.urn
            for item in self.cloud.items.values()
            if not item.adopted
            and id(item) not in own
            and item.urn not in self.retained
            and "::" in item.urn
            and not item.urn.startswith("returned::")
        ]

    @property
    def doubled(self) -> list[str]:
        """URNs of which the account has several."""
        count = Counter(item.urn for item in self.cloud.items.values() if item.urn not in self.retained)
        return [urn for urn, number in count.items() if number > 1]

    def _step(self, change: ResourceChange, resource: Resource, run: Run) -> bool:
        """Whether it was done, as far as the engine knows."""
        try:
            match change.operation:
                case "create":
                    self._create(resource, 0, run)
                case "update":
                    self._update(resource, run)
                case "replace":
                    self._replace(change, resource, run)
        except (Struck, _Refused) as reason:
            run.errors.append(f"{resource.name}: {reason}")
            return False
        return True

    def _create(self, resource: Resource, generation: int, run: Run) -> None:
        run.calls["create"] += 1
        unanswered = self._unanswered.pop(resource.urn, None)
        if unanswered is not None:
            # The retry finds what its first call has made: by its token, or by its name.
            self._items[resource.urn] = unanswered
            return
        lost = self.faults.strike("create", resource.type, resource.urn)
        item = self._item(resource, generation)
        self._names = None if generation else self._names
        refusals = self.cloud.admit(item)
        if refusals:
            raise _Refused(str(refusals[0]))
        self.cloud.enter(item)
        if lost is not None:
            self._unanswered[resource.urn] = item
            raise lost
        self._items[resource.urn] = item

    def _update(self, resource: Resource, run: Run) -> None:
        run.calls["update"] += 1
        lost = self.faults.strike("update", resource.type, resource.urn)
        old = self._items[self._urn_of(resource)]
        item = self._item(self._without_ignored(resource), old.generation)
        item.id, item.filled, item.physical_name = old.id, old.filled, old.physical_name
        self.cloud.remove(old)
        refusals = [*refused_changes(old, item), *self.cloud.admit(item)]
        if refusals:
            self.cloud.add(old)
            raise _Refused(str(refusals[0]))
        self.cloud.enter(item)
        self._items[resource.urn] = item
        if lost is not None:
            raise lost

    def _replace(self, change: ResourceChange, resource: Resource, run: Run) -> None:
        urn = self._urn_of(resource)
        old, was = self._items[urn], self.state[urn]
        if change.deleted_first:
            self._delete(was, old, run)
            del self._items[urn]
            del self.state[urn]
            self._create(resource, old.generation + 1, run)
        else:
            self._create(resource, old.generation + 1, run)
            self._old.append((was, old))

    def _delete_what_goes(self, run: Run, program: Sequence[Resource]) -> None:
        left = list(self._old)
        self._old = []
        going = [*reversed(left)]
        staying = {resource.urn for resource in program}
        for urn, resource in reversed(list(self.state.items())):
            if urn not in staying:
                if urn in self._items:
                    going.append((resource, self._items[urn]))
                else:
                    del self.state[urn]
        order = {urn: position for position, urn in enumerate(self.state)}
        going.sort(key=lambda each: -order.get(each[0].urn, 0))
        for resource, item in going:
            replaced = resource.urn in staying
            try:
                self._delete(resource, item, run)
            except (Struck, _Refused) as reason:
                run.errors.append(f"{resource.name}: {reason}")
                if replaced:
                    self._old.append((resource, item))
                continue
            if not replaced:
                self._items.pop(resource.urn, None)
                self.state.pop(resource.urn, None)

    def _delete(self, resource: Resource, item: Item, run: Run) -> None:
        if resource.retain_on_delete:
            self.retained.add(resource.urn)
            return
        run.calls["delete"] += 1
        lost = self.faults.strike("delete", resource.type, resource.urn)
        if f"{item.urn}#{item.generation}" not in self.cloud.items:
            return
        if resource.deleted_with and resource.deleted_with not in self._items:
            self.cloud.remove(item)
            return
        refusal = refusal_to_delete(item, self.cloud)
        if refusal is not None and not resource.deleted_with:
            raise _Refused(str(refusal))
        take_away(item, self.cloud)
        if lost is not None:
            raise lost

    def _item(self, resource: Resource, generation: int) -> Item:
        item = item_of(resource, inputs=self._real(resource), generation=generation)
        provider = self._providers.get(resource.provider)
        if provider is not None and not resource.type.startswith("aws:"):
            item.place = providers.place_of(provider.type.removeprefix(_PROVIDER), provider.inputs, self.region).name
        item.outputs = {}
        return item

    def _real(self, resource: Resource) -> dict[str, Any]:
        """Inputs with what the account calls things, where a replacement has changed that."""
        wanted, _ = self._renamed().apply(resource)
        return wanted

    def _renamed(self) -> Identities:
        """Identities of everything that was replaced since its creation."""
        if self._names is None:
            self._names = Identities(self.cloud, {**self.state, **self._program})
            for urn, item in self._items.items():
                if item.generation and urn in self.state:
                    self._names.replaced(self.state[urn], item.generation)
        return self._names

    def _record(self, resource: Resource) -> None:
        urn = self._urn_of(resource)
        if urn != resource.urn:
            self.state.pop(urn, None)
            if urn in self._items:
                self._items[resource.urn] = self._items.pop(urn)
        self.state[resource.urn] = self._without_ignored(resource)

    def _without_ignored(self, resource: Resource) -> Resource:
        """The resource with what the program ignores as the state has it."""
        was = self.state.get(self._urn_of(resource))
        if was is None or not resource.ignore_changes:
            return resource
        ignored = {path.partition(".")[0].partition("[")[0] for path in resource.ignore_changes}
        return replace(resource, inputs={**resource.inputs, **{key: was.inputs.get(key) for key in ignored}})

    def _urn_of(self, resource: Resource) -> str:
        """Under what URN the state has it: its own, or an alias."""
        if resource.urn in self.state:
            return resource.urn
        stem = resource.urn.rpartition("::")[0]
        aliases = [alias if "::" in alias else f"{stem}::{alias}" for alias in resource.aliases]
        return next((alias for alias in aliases if alias in self.state), resource.urn)


class _Refused(Exception):
    """A call that the account refused."""
