"""Parses the query string of a list: filters, order and page (R2). Unknown parameters are errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, urlencode

from groundplan_chassis.http import cursors
from groundplan_chassis.http.errors import BadRequest, Detail, UriTooLong
from groundplan_chassis.http.operations import (
    CREATED_AT,
    DEFAULT_SORT,
    ID,
    LIST_PARAMETERS,
    UPDATED_AT,
    ListQuery,
    ResourceApi,
    Sort,
)
from groundplan_chassis.http.sizes import PAGE_BYTES, largest_document
from groundplan_chassis.http.values import Refused, ValueType

DEFAULT_LIMIT: Final = 20
LARGEST_LIMIT: Final = 100
DEEPEST_ROW: Final = 10_000
"""Most rows before the last page: a database reads all rows that it skips. Cursors have no such limit."""
MOST_SORTS: Final = 5
LONGEST_QUERY: Final = 8192
"""Largest query string in bytes: the usual limit of servers and proxies for a request line."""
_MOST_PARAMETERS: Final = 100
LONGEST_NAME: Final = 100
"""Most characters of an unknown parameter's name in an error message."""

_OWNER: Final = ":owner"
"""The filter by owner, whose field a list does not know."""

T = TypeVar("T")


class Listing(ListQuery, frozen=True):
    """A list query and the parts of its links."""

    parameters: Mapping[str, str] = {}
    """As the client gave them."""
    identity: bytes = b""
    """The identity of the list that a cursor belongs to."""
    walks: bool = False
    """No single index serves it: the database may pass rows that are not in the answer."""


class QueryType:
    """Parses the query strings of one resource's list."""

    def __init__(self, resource: ResourceApi) -> None:
        self._path = resource.path
        self._filters = resource.filter_types()
        self._sorts = resource.sort_types()
        self._row_bytes = largest_document(resource.item)
        self._known = frozenset([*self._filters, *LIST_PARAMETERS])

    def parse(self, query_string: bytes, owner: str | None = None) -> Listing:
        """``owner``: to whose rows the caller is bound. Raises BadRequest with a detail for each parameter that is
        wrong, or UriTooLong."""
        given, details = self._split(query_string)
        read = _Reader(given, details)
        filters: dict[str, Any] = {}
        for name, kind in self._filters.items():
            if name in given:
                filters[name] = read.value(name, kind)
        limit = read.integer("limit", DEFAULT_LIMIT, LARGEST_LIMIT)
        page = read.integer("page", 1, DEEPEST_ROW)
        sort = self._sort(read)
        identity = self._identity(sort, given, owner)
        after = self._after(read, sort, identity)
        if after is None and page * limit > DEEPEST_ROW:
            details.append(
                Detail("page", f"Expected page x limit of at most {DEEPEST_ROW}; use `cursor` to read on from there")
            )
        if details:
            raise BadRequest(details=details)
        return Listing(
            filters=filters,
            sort=sort,
            page=page,
            limit=limit,
            after=after,
            owner=owner,
            parameters=given,
            identity=identity,
            row_bytes=self._row_bytes if self._row_bytes * limit > PAGE_BYTES else 0,
            walks=self._walks(filters, sort, owner, given),
        )

    def _walks(
        self, filters: Mapping[str, Any], sort: Sequence[Sort], owner: str | None, given: Mapping[str, str]
    ) -> bool:
        """Whether no index serves it.

        Each has one field and the time of creation (`groundplan.document.data_model`): for one filter in the order of
        creation or of that field, or for none in the order of one field.
        """
        by = [*filters, *([] if owner is None else [_OWNER])]
        order = sort[0].field if "sort" in given else CREATED_AT
        if len(by) > 1 or any(name not in self._sorts for name in filters):
            return True
        if by and order not in (CREATED_AT, by[0]):
            return True
        rest = [each.field for each in sort[1:]]
        straight = len({each.descending for each in sort}) == 1
        return order == UPDATED_AT or not straight or any(name not in (CREATED_AT, ID) for name in rest)

    def self_link(self, listing: Listing) -> str:
        return self._link(listing.parameters)

    def next_link(self, listing: Listing, next_after: Sequence[object], *, cut: bool = False) -> str:
        """By page while pages reach that far, else by cursor; who came by a cursor goes on by cursor, and so does
        who got less than a page (``cut``)."""
        if not cut and listing.after is None and (listing.page + 1) * listing.limit <= DEEPEST_ROW:
            return self._link({**listing.parameters, "page": str(listing.page + 1)})
        kept = {name: value for name, value in listing.parameters.items() if name != "page"}
        return self._link({**kept, "cursor": cursors.encode(next_after, listing.identity)})

    def _link(self, parameters: Mapping[str, str]) -> str:
        return f"{self._path}?{urlencode(parameters)}" if parameters else self._path

    def _split(self, query_string: bytes) -> tuple[dict[str, str], list[Detail]]:
        if len(query_string) > LONGEST_QUERY:
            raise UriTooLong(f"The query string is longer than {LONGEST_QUERY} bytes")
        if not query_string:
            return {}, []
        try:
            pairs = parse_qsl(
                query_string.decode("ascii"),
                keep_blank_values=True,
                strict_parsing=True,
                errors="strict",
                max_num_fields=_MOST_PARAMETERS,
            )
        except ValueError:
            # UnicodeDecodeError is one.
            raise BadRequest("The query string is not valid", [Detail("", "Expected name=value pairs")]) from None
        given: dict[str, str] = {}
        details: list[Detail] = []
        for name, value in pairs:
            if name not in self._known:
                details.append(Detail(_printable(name), "Unknown parameter"))
            elif name in given:
                details.append(Detail(name, "Given more than once"))
            given[name] = value
        return given, details

    def _sort(self, read: _Reader) -> tuple[Sort, ...]:
        text = read.given.get("sort")
        if text is None:
            return DEFAULT_SORT
        sorts: list[Sort] = []
        parts = text.split(",")
        if len(parts) > MOST_SORTS:
            return read.refuse("sort", f"Expected at most {MOST_SORTS} fields", DEFAULT_SORT)
        for part in parts:
            name = part.removeprefix("-")
            if name not in self._sorts:
                known = ", ".join(self._sorts)
                return read.refuse("sort", f"Expected fields separated by commas, of: {known}", DEFAULT_SORT)
            if any(sort.field == name for sort in sorts):
                return read.refuse("sort", "Expected each field once", DEFAULT_SORT)
            sorts.append(Sort(name, part.startswith("-"), required=not self._sorts[name].nullable))
        return _stable(sorts)

    def _identity(self, sort: Sequence[Sort], given: Mapping[str, str], owner: str | None) -> bytes:
        filters = sorted((name, value) for name, value in given.items() if name in self._filters)
        order = [(each.field, each.descending) for each in sort]
        return repr((self._path, order, filters, owner)).encode()

    def _after(self, read: _Reader, sort: Sequence[Sort], identity: bytes) -> tuple[Any, ...] | None:
        text = read.given.get("cursor")
        if text is None:
            return None
        if "page" in read.given:
            return read.refuse("cursor", "Expected either `page` or `cursor`", None)
        try:
            return cursors.decode(text, identity, [self._sorts[each.field] for each in sort])
        except Refused as refused:
            return read.refuse("cursor", refused.message, None)


class _Reader:
    """Parameters, with the errors found so far."""

    def __init__(self, given: Mapping[str, str], details: list[Detail]) -> None:
        self.given = given
        self._details = details

    def refuse(self, name: str, message: str, instead: T) -> T:
        self._details.append(Detail(name, message))
        return instead

    def value(self, name: str, kind: ValueType) -> object:
        try:
            return kind.from_text(self.given[name])
        except Refused as refused:
            return self.refuse(name, refused.message, None)

    def integer(self, name: str, default: int, most: int) -> int:
        text = self.given.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= 10 and 1 <= int(text) <= most):
            return self.refuse(name, f"Expected an integer from 1 to {most}", default)
        return int(text)


def _stable(sorts: Sequence[Sort]) -> tuple[Sort, ...]:
    """The order made total by `created_at` and `id`, in the direction of the last field: the index
    `(<field>, created_at, id)` is then read forwards or backwards, and nothing has to be sorted."""
    complete = list(sorts)
    for name in (CREATED_AT, ID):
        if all(sort.field not in (name, ID) for sort in complete):
            complete.append(Sort(name, complete[-1].descending, required=True))
    return tuple(complete)


def _printable(name: str) -> str:
    """Text of a client in a form that can be encoded, logged and read."""
    return name.encode("ascii", "backslashreplace").decode()[:LONGEST_NAME]
