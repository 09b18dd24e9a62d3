"""The mixed workload: 80 % get, 15 % list, 5 % write (create), by many callers."""

from __future__ import annotations

import datetime
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from groundplan.declaration.model import FieldType, Operation, Resource, ResourceField
from groundplan_devkit.bench.load import Shot
from groundplan_devkit.bench.rows import Row, Value, rows
from groundplan_devkit.problems import Unavailable

GET, LIST = 0.80, 0.15
"""The rest writes."""
HOT_SHARE = 0.2
"""Share of the rows that get most requests …"""
HOT_REQUESTS = 0.8
"""… and their share of the requests: the rule of thumb for sizing web caches."""
CALLERS = 200
"""Different subjects, so that neither a token nor a bucket is always the same one."""

NEW_ROWS = 10**6
"""More than one run creates; each ``seed`` has numbers of its own, since unique values are made from them."""

OPERATIONS: tuple[Operation, Operation, Operation] = ("get", "list", "create")
Sign = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Target:
    """One resource of a service under load."""

    name: str
    resource: Resource
    path: str
    """`/api/v1/users`."""
    ids: Sequence[UUID]
    """Of the rows that are there, the oldest first."""

    def role(self, operation: Operation) -> str | None:
        """A role that may do it, to any row where there is such a role; None: anyone may.

        Raises Unavailable for an operation that the resource hasn't got."""
        access = self.resource.access(operation)
        if access is None:
            raise Unavailable(
                f"the load of {self.path}",
                f"no operation `{operation}`",
                "a resource with get, list and create",
                "name another: make bench-services NAME=…",
            )
        if access.anyone:
            return None
        grants = [grant for grant in access.grants if not grant.own] or list(access.grants)
        return grants[0].role

    def only_own(self, operation: Operation) -> bool:
        """Whether every role is limited to the caller's own rows."""
        access = self.resource.access(operation)
        return access is not None and not access.anyone and all(grant.own for grant in access.grants)


def subject(caller: int) -> str:
    return f"caller-{caller}"


class Tokens:
    """Callers' access tokens for one target, each signed once: a signature costs a millisecond."""

    def __init__(self, target: Target, sign: Sign) -> None:
        """``sign(role, subject=…)`` makes a token."""
        self._by_role = {
            role: [None if role is None else sign(role, subject=subject(number)) for number in range(CALLERS)]
            for role in {target.role(operation) for operation in OPERATIONS}
        }
        self._roles = {operation: target.role(operation) for operation in OPERATIONS}

    def of(self, operation: Operation) -> Sequence[str | None]:
        """By the caller's number; None: the operation needs no token."""
        return self._by_role[self._roles[operation]]


def shots(target: Target, tokens: Tokens, seed: int = 1) -> Iterator[Shot]:
    """Requests for ever, the same for the same ``seed``."""
    chance = random.Random(seed)  # noqa: S311  a choice of rows, no secret
    getting, listing, creating = (tokens.of(operation) for operation in OPERATIONS)
    lists = list(_lists(target))
    hot = max(1, int(len(target.ids) * HOT_SHARE))
    made = rows(target.resource, start=len(target.ids) + seed * NEW_ROWS)
    while True:
        dice = chance.random()
        if dice < GET:
            number = chance.randrange(hot) if chance.random() < HOT_REQUESTS else chance.randrange(len(target.ids))
            yield Shot("get", request("GET", f"{target.path}/{target.ids[number]}", chance.choice(getting)))
        elif dice < GET + LIST:
            name, query = chance.choice(lists)
            yield Shot(name, request("GET", f"{target.path}?{query}", chance.choice(listing)))
        else:
            caller = chance.randrange(CALLERS)
            body = created(target, next(made), caller)
            yield Shot("create", request("POST", target.path, creating[caller], json.dumps(body).encode()))


def _lists(target: Target) -> Iterator[tuple[str, str]]:
    """The first page as it comes, and one for each indexed field that a list is filtered by."""
    first = next(rows(target.resource)).values
    yield "list", "limit=20"
    for name, field in target.resource.fields.items():
        if field.indexed and field.type is FieldType.ENUM and field.values:
            yield f"list by {name}", f"{name}={field.values[0]}&limit=20"
            yield f"list by {name}, page 3", f"{name}={field.values[-1]}&limit=20&page=3"
        elif field.indexed and field.type is FieldType.STRING:
            yield f"list by {name}", f"{name}={first[name]}&limit=20"


def created(target: Target, row: Row, caller: int) -> dict[str, object]:
    """The body of a creation by the caller with that number: of a row of its own where its role has no other.

    Else of the row's owner: those of unique owners are as many as rows, callers are not.
    """
    resource = target.resource
    body = body_of(resource, row)
    if resource.owner and not resource.fields[resource.owner].computed:
        body[resource.owner] = subject(caller) if target.only_own("create") else row.owner
    return body


def body_of(resource: Resource, row: Row) -> dict[str, object]:
    """The row as a client writes it: decimals, dates and ids as strings, and nothing that others write."""
    return {
        name: _wire(resource.fields[name], row.values[name])
        for name, needed in resource.written().items()
        if row.values[name] is not None and (needed or not resource.fields[name].restricted)
    }


def _wire(field: ResourceField, value: Value) -> object:
    if field.type is FieldType.JSON:
        return json.loads(str(value))
    if isinstance(value, UUID | Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, datetime.date | datetime.datetime) else value


def request(method: str, target: str, token: str | None, body: bytes = b"") -> bytes:
    """An HTTP/1.1 request, ready to be written."""
    head = [f"{method} {target} HTTP/1.1", "Host: bench", "Accept: application/json"]
    if token is not None:
        head.append(f"Authorization: Bearer {token}")
    if body:
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", ""]).encode() + body
