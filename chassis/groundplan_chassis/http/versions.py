"""Earlier versions of a resource's API beside the newest: one implementation, and an owner's mapping.

Handlers know the newest version alone. A request to an earlier one reaches them in the newest version's words, and
what they answer is put into the earlier version's:

    V1 = EarlierVersion(
        version=1,
        body=OrderV1Body,
        item=OrderV1,
        newest=newest,
        earlier=earlier,
        renamed={"amount": "total"},
        deprecated=Deprecation(since=date(2026, 12, 1), sunset=date(2027, 6, 1)),
    )
    OPERATIONS = [*OPERATIONS, *V1.operations(OPERATIONS)]

What an update through an earlier version can't say stays as it is (`Call.body_on`).
"""

from __future__ import annotations

import asyncio
import dataclasses
import typing
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from uuid import UUID

import msgspec

from groundplan_chassis.documents import Document, Page
from groundplan_chassis.http.lifetimes import Deprecation
from groundplan_chassis.http.operations import CacheLookup, Call, Handler, ListQuery, Operation, ResourceApi, path_in

if TYPE_CHECKING:
    from groundplan_chassis.context import Context

__all__ = ["Deprecation", "EarlierVersion"]

EB = TypeVar("EB", bound=msgspec.Struct)
EI = TypeVar("EI", bound=msgspec.Struct)
NB = TypeVar("NB", bound=msgspec.Struct)
NI = TypeVar("NI", bound=msgspec.Struct)
_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, kw_only=True)
class EarlierVersion(Generic[EB, EI, NB, NI]):
    """A version of a resource's API before the newest, which is answered still."""

    version: int
    """Its number, as in `/api/v1`."""
    body: type[EB]
    """What its create and update take."""
    item: type[EI]
    """What its answers hold."""
    newest: Callable[[EB, NI | None], NB]
    """Its body in the newest version; of an update also the row as it is, for what the body can't say."""
    earlier: Callable[[NI], EI]
    """A row in this version."""
    renamed: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Names of its fields that the newest version calls otherwise, and those names."""
    own: Sequence[str] = ()
    """Names of the fields that it alone has: lists don't go by them."""
    deprecated: Deprecation | None = None

    def operations(self, newest: Sequence[Operation]) -> list[Operation]:
        """The same operations in this version. Raises ValueError for operations of several resources."""
        resources = {id(each.resource): each.resource for each in newest}
        if len(resources) > 1:
            raise ValueError("expected the operations of one resource")
        return [self._operation(each, self._resource(each.resource)) for each in newest]

    def _resource(self, newest: ResourceApi) -> ResourceApi:
        shared = {field.encode_name for field in msgspec.structs.fields(self.item)} - set(self.own)
        ours = {there: here for here, there in self.renamed.items()}

        def named(fields: Iterable[str]) -> list[str]:
            return [here for each in fields if (here := ours.get(each, each)) in shared]

        rules = {} if newest.authority is None else newest.authority.rules
        return dataclasses.replace(
            newest,
            path=path_in(newest.path, self.version),
            body=self.body,
            item=self.item,
            owner=None if newest.owner is None else ours.get(newest.owner, newest.owner),
            filters=named(newest.filter_types()),
            sorts=named(newest.sort_types()),
            authority=None,
            documented={ours.get(name, name): rule for name, rule in rules.items() if ours.get(name, name) in shared},
            deprecated=self.deprecated,
            newest=newest,
        )

    def _operation(self, operation: Operation, resource: ResourceApi) -> Operation:
        shown = _Shown(operation.resource.item, self.earlier)
        return dataclasses.replace(
            operation,
            resource=resource,
            handler=self._handler(operation.handler, shown),
            lookup=None if operation.lookup is None else _lookup(operation.lookup, shown),
        )

    def _handler(self, handler: Handler, shown: _Shown) -> Handler:
        async def handle(call: Call) -> Document | Page | None:
            answer = await handler(self._call(call))
            if isinstance(answer, Page):
                return msgspec.structs.replace(answer, items=[shown(each) for each in answer.items])
            return None if answer is None else shown(answer)

        return handle

    def _call(self, call: Call) -> Call:
        """As a handler of the newest version expects it."""
        if call.list_query is not None:
            return msgspec.structs.replace(call, list_query=self._query(call.list_query))
        if call.body is None:
            return call
        sent = call.body
        return msgspec.structs.replace(
            call, body=self.newest(sent, None), completed=lambda before: self.newest(sent, before), sent=sent
        )

    def _query(self, query: ListQuery) -> ListQuery:
        there = self.renamed
        return msgspec.structs.replace(
            query,
            filters={there.get(name, name): value for name, value in query.filters.items()},
            sort=tuple(dataclasses.replace(each, field=there.get(each.field, each.field)) for each in query.sort),
        )


class _Shown:
    """A document of the newest version as one of an earlier version."""

    def __init__(self, newest: type[msgspec.Struct], earlier: Callable[[Any], msgspec.Struct]) -> None:
        self._item = newest
        self._earlier = earlier
        # What is stored was checked when it was written, by rules that may have changed since.
        types = typing.get_type_hints(newest)
        self._decode = msgspec.json.Decoder(
            msgspec.defstruct(
                newest.__name__,
                [
                    (field.name, types[field.name], msgspec.field(name=field.encode_name))
                    if field.required
                    else (field.name, types[field.name], msgspec.field(default=None, name=field.encode_name))
                    for field in msgspec.structs.fields(newest)
                ],
                kw_only=True,
            )
        ).decode

    def __call__(self, document: Document) -> Document:
        row = self._item(**msgspec.structs.asdict(self._decode(document.body)))
        return msgspec.structs.replace(document, body=_encode(self._earlier(row)))


def _lookup(lookup: CacheLookup, shown: _Shown) -> CacheLookup:
    def look_up(context: Context, identifier: UUID) -> Awaitable[Document | None]:
        # Called first: it sends the command.
        found = lookup(context, identifier)

        async def answered() -> Document | None:
            document = await found
            return None if document is None else shown(document)

        return asyncio.ensure_future(answered())

    return look_up
