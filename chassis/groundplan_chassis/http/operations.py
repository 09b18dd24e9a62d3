"""A service's API: resources, operations on them, and the inputs and results of handlers (R1)."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import InitVar, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

import msgspec

from groundplan_chassis.deprecation import warn_renamed
from groundplan_chassis.documents import Document, Page
from groundplan_chassis.http.errors import OwnedByAnother
from groundplan_chassis.http.lifetimes import Deprecation
from groundplan_chassis.http.values import Kind, ValueType, value_type

if TYPE_CHECKING:
    from groundplan_chassis.access import Access, Caller
    from groundplan_chassis.authority import FieldAuthority, FieldRule
    from groundplan_chassis.context import Context

OperationKind = Literal["list", "get", "create", "update", "delete"]

METHODS: Final[Mapping[OperationKind, str]] = {
    "list": "GET",
    "get": "GET",
    "create": "POST",
    "update": "PUT",
    "delete": "DELETE",
}
ON_ONE_ITEM: Final = frozenset[OperationKind]({"get", "update", "delete"})
READING: Final = frozenset[OperationKind]({"list", "get"})

ID: Final = "id"
CREATED_AT: Final = "created_at"
UPDATED_AT: Final = "updated_at"
VERSION: Final = "version"
_OF_EVERY_ITEM: Final = frozenset({ID, CREATED_AT, UPDATED_AT, VERSION})


@dataclass(frozen=True, slots=True)
class Sort:
    """One column of an order."""

    field: str
    descending: bool
    required: bool = dataclasses.field(default=False, compare=False)
    """Not NULL in all listed rows: then an index can be entered at any of its values."""


DEFAULT_SORT: Final = (Sort(CREATED_AT, True, required=True), Sort(ID, True, required=True))
"""The newest first."""


class ListQuery(msgspec.Struct, frozen=True):
    """The requested part of a list (R2). All values have been checked."""

    filters: Mapping[str, Any]
    """Typed value by field."""
    sort: tuple[Sort, ...]
    """The whole order: ends with `id`, so that it is the same from page to page."""
    page: int
    """From 1; 1 as well when ``after`` says where the page begins."""
    limit: int
    """Most items of a page."""
    after: tuple[Any, ...] | None = None
    """From a cursor: the page begins after the row with these values, one for each entry of ``sort``."""
    owner: str | None = None
    """Only rows of this owner: the caller has no right to others."""
    row_bytes: int = 0
    """Most bytes of a row's document; 0: so few that any page holds them."""

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit


class Call(msgspec.Struct, frozen=True):
    """One validated request to one operation."""

    context: Context
    caller: Caller
    request_id: str
    """The correlation id of everything that the request causes."""
    own_only: bool
    """The caller is limited to their own rows; see `require_own`."""
    item_id: UUID | None = None
    body: Any = None
    """An instance of the resource's body type; operations create and update have it."""
    list_query: ListQuery | None = None
    if_match: int | None = None
    """The version in If-Match; None: any."""
    idempotency_key: UUID | None = None
    client: str = ""
    """The client's address."""
    completed: Callable[[Any], Any] | None = None
    """Of an update through an earlier version of the API: the body on the row as it is."""
    sent: Any = None
    """Through an earlier version of the API: the body in that version."""
    resource: str = ""
    """Its name."""

    def body_on(self, before: Any) -> Any:  # noqa: ANN401 - the resource's body type
        """The body of an update of the row ``before``: what an earlier version of the API can't say stays as it is."""
        return self.body if self.completed is None else self.completed(before)

    @property
    def id(self) -> UUID:
        """The item's id; operations get, update and delete have it."""
        assert self.item_id is not None
        return self.item_id

    @property
    def query(self) -> ListQuery:
        """The list query; operation list has it."""
        assert self.list_query is not None
        return self.list_query

    def require_own(self, owner: str | None) -> None:
        """Raises OwnedByAnother where the caller is limited to own rows and this one has another owner."""
        if self.own_only and owner != self.caller.subject:
            raise OwnedByAnother


Handler = Callable[[Call], Awaitable[Document | Page | None]]
"""list gives a Page; get a Document, or None for what isn't there; create and update the Document as it is now; delete
None. Refusals are raised as ApiError."""
CacheLookup = Callable[["Context", UUID], Awaitable[Document | None]]
"""Reads the cache only. Sends the command when it is called, not when the result is awaited. None: no copy."""


@dataclass(frozen=True, kw_only=True)
class ResourceApi:
    """The API of one resource."""

    name: str
    """In the singular: `order_line`."""
    path: str
    """`/api/v1/order-lines`."""
    body: type[msgspec.Struct]
    """What create and update take: the whole item, but for what the service sets."""
    item: type[msgspec.Struct]
    """What `data` holds: the body's fields, `id`, `created_at`, `updated_at` and `version`."""
    owner: str | None = None
    """The field with the owner's subject."""
    filters: Sequence[str] | None = None
    """Fields that a list can be filtered by. Default: all declared ones that are no JSON."""
    sorts: Sequence[str] | None = None
    """Fields that a list can be sorted by, besides `created_at`. Default: the same."""
    description: str = ""
    authority: FieldAuthority[Any, Any] | None = None
    """Who may write which field; None: all who may do the operation write all of the body's."""
    deprecated: Deprecation | None = None
    """When this version of it is announced to end."""
    documented: Mapping[str, FieldRule] = dataclasses.field(default_factory=dict)
    """Of an earlier version: the rules of its fields, for readers; the newest version's ``authority`` holds to them."""
    newest: ResourceApi | None = None
    """Of an earlier version: the one that handlers know (`groundplan_chassis.http.versions`)."""

    @property
    def version(self) -> int:
        """Of its API: 2 of `/api/v2/orders`; 1 where the path says none."""
        found = _VERSIONED.match(self.path)
        return 1 if found is None else int(found[1])

    @property
    def rules(self) -> Mapping[str, FieldRule]:
        """Of its fields (S9)."""
        return self.documented if self.authority is None else self.authority.rules

    def filter_types(self) -> dict[str, ValueType]:
        """Type by parameter. Raises ValueError for a name that is no field."""
        types = self._types()
        names = self.filters if self.filters is not None else self._declared(types)
        return {name: self._known(types, name) for name in names if name not in LIST_PARAMETERS}

    def sort_types(self) -> dict[str, ValueType]:
        """Type by field. Raises ValueError for a name that is no field."""
        types = self._types()
        names = self.sorts if self.sorts is not None else [*self._declared(types), UPDATED_AT]
        return {name: self._known(types, name) for name in dict.fromkeys([*names, CREATED_AT, ID])}

    def _known(self, types: Mapping[str, ValueType], name: str) -> ValueType:
        if name not in types:
            raise ValueError(f"{self.name}: lists can't go by {name}, {self.item.__name__} has no such field")
        return types[name]

    def _declared(self, types: Mapping[str, ValueType]) -> list[str]:
        return [name for name, kind in types.items() if name not in _OF_EVERY_ITEM and kind.kind is not Kind.JSON]

    def _types(self) -> dict[str, ValueType]:
        return {field.encode_name: value_type(field.type) for field in msgspec.structs.fields(self.item)}


_VERSIONED: Final = re.compile(r"/api/v([1-9][0-9]*)/")


def path_in(path: str, version: int) -> str:
    """The path in another version: `/api/v1/orders` of `/api/v2/orders`. Raises ValueError for a path without one."""
    if _VERSIONED.match(path) is None:
        raise ValueError(f"{path}: expected a path such as /api/v2/orders")
    return _VERSIONED.sub(f"/api/v{version}/", path)


LIST_PARAMETERS: Final = ("page", "limit", "sort", "cursor")
"""Parameters of every list. A field with such a name can't be a filter."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One endpoint."""

    kind: OperationKind
    resource: ResourceApi
    handler: Handler
    access: Access
    lookup: CacheLookup | None = None
    """For get: reads the cache in the round trip of the rate limit. On a miss the handler is called."""
    peek: InitVar[CacheLookup | None] = None
    """Deprecated: the former name of ``lookup``."""

    def __post_init__(self, peek: CacheLookup | None) -> None:
        if peek is not None:
            # The caller is two frames up: the generated `__init__` is between.
            new = "Operation(lookup=...)"
            warn_renamed("Operation(peek=...)", new, removed_in="groundplan-chassis 0.3", stacklevel=3)
            object.__setattr__(self, "lookup", peek)

    @property
    def method(self) -> str:
        return METHODS[self.kind]

    @property
    def route(self) -> str:
        """The path's pattern: `/api/v1/orders/{id}`."""
        return f"{self.resource.path}/{{id}}" if self.kind in ON_ONE_ITEM else self.resource.path


def operation_kinds() -> tuple[OperationKind, ...]:
    """In the order in which they are documented."""
    return typing.get_args(OperationKind)
