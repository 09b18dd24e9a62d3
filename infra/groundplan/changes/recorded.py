"""What the engine writes of resources, in its state and in its preview, in the form of captured programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pulumi.runtime import rpc

from groundplan.changes.model import ChangeSet, Operation
from groundplan.cloud.model import Resource
from groundplan.cloud.windows import INSTANCE, RDS_IN_WINDOW
from groundplan.cloud.wire import SECRET, SIGNATURE, UNKNOWN

_OPERATIONS: Mapping[str, Operation] = {
    "create": "create",
    "update": "update",
    "delete": "delete",
    "discard": "delete",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "discard-replaced": "replace",
    "import": "create",
    "import-replacement": "replace",
}
"""Steps of the engine (sdk/go/common/display, StepOp) that change something."""

_KEEPS = {"same", "read", "refresh"}


def recorded(state: Mapping[str, Any]) -> Resource:
    """One resource of `pulumi stack export`, or of a step; secrets are told by their paths only."""
    secrets: list[str] = []
    inputs = {key: _plain(value, key, secrets) for key, value in (state.get("inputs") or {}).items()}
    urn = str(state.get("urn", ""))
    properties = state.get("propertyDependencies") or {}
    return Resource(
        urn=urn,
        type=str(state.get("type", "")),
        name=urn.rpartition("::")[2],
        id=str(state.get("id") or ""),
        inputs={key: value for key, value in inputs.items() if not key.startswith("__")},
        outputs={key: _plain(value, key, []) for key, value in (state.get("outputs") or {}).items()},
        parent=str(state.get("parent") or ""),
        custom=bool(state.get("custom")),
        provider=str(state.get("provider") or "").rpartition("::")[0],
        protect=bool(state.get("protect")),
        retain_on_delete=bool(state.get("retainOnDelete")),
        deleted_with=str(state.get("deletedWith") or ""),
        dependencies=frozenset(state.get("dependencies") or ()),
        property_dependencies={key: frozenset(urns or ()) for key, urns in properties.items()},
        secret_paths=frozenset(secrets),
    )


@dataclass(frozen=True, slots=True)
class Step:
    """What a preview announces for one resource; ``operation`` None: it stays."""

    urn: str
    operation: Operation | None
    old: Resource | None
    new: Resource | None

    @property
    def urn_type(self) -> str:
        return self.urn.split("::")[2].rpartition("$")[2]

    @classmethod
    def all_of(cls, preview: Mapping[str, Any]) -> Iterator[Step]:
        """The steps of a preview, one for each resource: the engine has several for one that is replaced."""
        found: dict[str, Step] = {}
        for step in preview.get("steps") or ():
            urn, said = str(step.get("urn", "")), str(step.get("op", ""))
            operation = _OPERATIONS.get(said)
            if operation is None and said not in _KEEPS:
                continue
            old = recorded(step["oldState"]) if step.get("oldState") else None
            new = recorded(step["newState"]) if step.get("newState") else None
            if urn in found:
                known = found[urn]
                old, new = known.old or old, known.new or new
                operation = known.operation or operation
            found[urn] = cls(urn, operation, old, new)
        yield from found.values()


def _plain(value: Any, path: str, secrets: list[str]) -> Any:  # noqa: ANN401  # any JSON value
    match value:
        case str():
            if value == "[secret]":
                secrets.append(path)
            return UNKNOWN if value == rpc.UNKNOWN else value
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_plain(each, f"{path}[{index}]", secrets) for index, each in enumerate(value)]
        case dict() if value.get(SIGNATURE) == SECRET:
            secrets.append(path)
            return "[secret]"
        case dict():
            return {key: _plain(each, f"{path}.{key}", secrets) for key, each in value.items()}
    return value


def recorded_after(before: Iterable[Resource], after: Iterable[Resource], changes: ChangeSet) -> list[Resource]:
    """What the state holds once a deployment has ended and no maintenance window has passed since.

    What waits for one is asked for already, and what is there is still the old.
    """
    old = {resource.urn: resource for resource in before}
    found = []
    for resource in after:
        was = old.get(resource.urn)
        change = changes.by_urn.get(resource.urn)
        waiting = {part.path for part in change.parts if part.when == "in the window"} if change is not None else set()
        if was is not None and resource.type == INSTANCE and resource.inputs.get("applyImmediately") is not True:
            # What waited already waits on.
            waiting |= {path for path in RDS_IN_WINDOW if was.inputs.get(path) not in (None, was.outputs.get(path))}
        if waiting and was is not None:
            outputs = dict(resource.outputs)
            for path in waiting:
                outputs[path] = was.outputs.get(path)
                if path == "engineVersion":
                    outputs["engineVersionActual"] = was.outputs.get("engineVersionActual")
            resource = replace(resource, outputs=outputs)
        found.append(resource)
    # Replicas are upgraded with their primary.
    return [_with_its_primary(resource, found) for resource in found]


def _with_its_primary(replica: Resource, resources: Iterable[Resource]) -> Resource:
    if replica.type != INSTANCE or not replica.inputs.get("replicateSourceDb"):
        return replica
    for primary in resources:
        if primary.type == replica.type and primary.urn in replica.dependencies and "engine" in primary.inputs:
            running = primary.outputs.get("engineVersionActual")
            return replace(replica, outputs={**replica.outputs, "engineVersionActual": running})
    return replica


def window_passed(resources: Iterable[Resource]) -> list[Resource]:
    """The same once all maintenance windows have passed and the state was refreshed."""
    found = []
    for resource in resources:
        if resource.type == INSTANCE:
            asked = {path: resource.inputs[path] for path in RDS_IN_WINDOW if resource.inputs.get(path) is not None}
            version = asked.get("engineVersion")
            actual = {"engineVersionActual": version} if version is not None else {}
            resource = replace(resource, outputs={**resource.outputs, **asked, **actual})
        found.append(resource)
    return [_with_its_primary(resource, found) for resource in found]
