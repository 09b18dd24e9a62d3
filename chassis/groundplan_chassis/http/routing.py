"""Routing: the operation of a path and a method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from groundplan_chassis.access import Caller, owner_of
from groundplan_chassis.http.bodies import BodyType
from groundplan_chassis.http.errors import Forbidden, MethodNotAllowed, MisdirectedRequest, NotFound
from groundplan_chassis.http.operations import ON_ONE_ITEM, READING, Operation, OperationKind, operation_kinds
from groundplan_chassis.http.queries import QueryType
from groundplan_chassis.http.values import value_type
from groundplan_chassis.response import written

_ID_LENGTH: Final = 36
"""Length of a UUID with hyphens; the form without them would be a second path to the same item."""

ROLE_KINDS: Final[dict[str, frozenset[OperationKind]]] = {
    "api": frozenset(operation_kinds()),
    "command": frozenset(operation_kinds()) - READING,
    "query": READING,
}
"""The operation kinds that processes of a role serve (A4)."""


class Endpoint:
    """An operation with all that can be prepared before the first request."""

    __slots__ = (
        "_owner_type",
        "access",
        "audited",
        "body_type",
        "handler",
        "kind",
        "lookup",
        "method",
        "name",
        "notices",
        "operation",
        "owner",
        "queries",
        "route",
    )

    def __init__(
        self, operation: Operation, body_type: BodyType | None, queries: QueryType | None, personal: frozenset[str]
    ) -> None:
        self.operation = operation
        self.kind = operation.kind
        self.method = operation.method
        self.route = operation.route
        self.name = f"{operation.method} {operation.route}"
        self.access = operation.access
        self.handler = operation.handler
        self.lookup = operation.lookup
        deprecated = operation.resource.deprecated
        self.notices = b"" if deprecated is None else written(deprecated.headers())
        # Where a body can't say whose the item is, that is the handler's to know.
        types = {field.name: field.type for field in msgspec.structs.fields(operation.resource.body)}
        self.owner = operation.resource.owner if operation.resource.owner in types else None
        # Every write, and reads of what is declared personal.
        shown = {field.name: field.type for field in msgspec.structs.fields(operation.resource.item)}
        owner_type = (types | shown).get(operation.resource.owner or "")
        self._owner_type = None if owner_type is None else value_type(owner_type)
        self.audited = operation.kind not in READING or bool(shown.keys() & personal)
        self.body_type = body_type
        self.queries = queries

    def owner_of(self, caller: Caller) -> object:
        """The caller as a value of the owner's field. Raises Forbidden for a subject that can't be one."""
        assert self._owner_type is not None
        return owner_of(caller, self._owner_type)

    def may_own(self, caller: Caller) -> bool:
        """Whether the caller's subject is a value of the owner's field: else no row is theirs."""
        if self._owner_type is None:
            return True
        try:
            owner_of(caller, self._owner_type)
        except Forbidden:
            return False
        return True


class _Methods:
    """The methods of one path."""

    __slots__ = ("allow", "endpoints", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self.endpoints: dict[str, Endpoint | None] = {}
        """By method; None: processes of another role have it."""
        self.allow = ""

    def add(self, operation: Operation, endpoint: Endpoint | None) -> None:
        self.endpoints[operation.method] = endpoint
        if operation.method == "GET":
            self.endpoints["HEAD"] = endpoint
        self.allow = ", ".join(sorted(self.endpoints))


class Routes:
    """Two look-ups in a dictionary: paths are `<resource>` and `<resource>/{id}`, and nothing else (R1)."""

    def __init__(self, operations: Sequence[Operation], role: str, personal: frozenset[str] = frozenset()) -> None:
        """``personal``: names of fields whose reads are recorded."""
        self._collections: dict[str, _Methods] = {}
        self._items: dict[str, _Methods] = {}
        for operation in operations:
            table = self._items if operation.kind in ON_ONE_ITEM else self._collections
            path = operation.resource.path
            endpoint = _endpoint(operation, personal) if operation.kind in ROLE_KINDS[role] else None
            table.setdefault(path, _Methods(path)).add(operation, endpoint)
        # For a path that has operations of the other kind only, the error lists its methods.
        for path in [*self._collections, *self._items]:
            self._collections.setdefault(path, _Methods(path))
            self._items.setdefault(path, _Methods(path))

    def find(self, method: str, path: str) -> tuple[Endpoint, UUID | None]:
        """The endpoint, and the id in the path. Raises NotFound, MethodNotAllowed or MisdirectedRequest."""
        found = self._collections.get(path)
        item_id = None
        if found is None:
            collection, _, last = path.rpartition("/")
            found = self._items.get(collection)
            if found is None:
                raise NotFound
            item_id = _id(last)
        endpoint = found.endpoints.get(method)
        if endpoint is None:
            raise _refusal(found, method)
        return endpoint, item_id


def _id(text: str) -> UUID:
    """Raises NotFound for an invalid id."""
    try:
        if len(text) == _ID_LENGTH:
            return msgspec.convert(text, UUID)
    except msgspec.ValidationError:
        pass
    raise NotFound


def _refusal(found: _Methods, method: str) -> NotFound | MethodNotAllowed | MisdirectedRequest:
    if method in found.endpoints:
        return MisdirectedRequest()
    if not found.endpoints:
        return NotFound()
    return MethodNotAllowed(headers={"allow": found.allow})


def _endpoint(operation: Operation, personal: frozenset[str]) -> Endpoint:
    resource = operation.resource
    writes_body = operation.kind in ("create", "update")
    return Endpoint(
        operation,
        BodyType(resource.body) if writes_body else None,
        QueryType(resource) if operation.kind == "list" else None,
        personal,
    )
