"""The mixed workload: 80 % get, 15 % list, 5 % write (create), by many callers."""

from __future__ import annotations

import datetime
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from bench.load import Shot
from bench.rows import Row, rows
from infra.system.model import FieldType, Operation, Resource, ResourceField
from local.problems import Unavailable

GET, LIST = 0.80, 0.15
"""The rest writes."""
HOT_SHARE = 0.2
"""Of the rows, so many are asked for …"""
HOT_REQUESTS = 0.8
"""… by so many of the requests: the rule of thumb that web caches are sized by."""
CALLERS = 200
"""Different subjects, so that neither a token nor a bucket is always the same one."""

NEW_ROWS = 10**6
"""More than one run creates; each ``seed`` has numbers of its own, since unique values are made from them."""

Sign = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Target:
    """One resource of a service under load, with the rows that are there."""

    name: str
    resource: Resource
    path: str
    """`/api/v1/users`."""
    stored: Sequence[Row]

    def role(self, operation: Operation) -> str | None:
        """A role that may do it to any row; None: anyone may. Raises Unavailable where only owners may."""
        access = self.resource.access(operation)
        if access is None:
            raise Unavailable(
                f"the load of {self.path}",
                f"no operation `{operation}`",
                "a resource with get, list and create",
                "name another: make bench-services SERVICE=…",
            )
        if access.anyone:
            return None
        grants = [grant for grant in access.grants if not grant.own] or list(access.grants)
        return grants[0].role


def get_request(target: Target, row: Row, token: str | None) -> bytes:
    return _request("GET", f"{target.path}/{row.id}", token)


def shots(target: Target, sign: Sign, seed: int = 1) -> Iterator[Shot]:
    """Requests for ever, the same for the same ``seed``; ``sign(role, subject=…)`` makes a token."""
    chance = random.Random(seed)  # noqa: S311  a choice of rows, no secret
    tokens = {operation: _tokens(target.role(operation), sign) for operation in ("get", "list", "create")}
    lists = list(_lists(target))
    hot = max(1, int(len(target.stored) * HOT_SHARE))
    made = rows(target.resource, NEW_ROWS, start=len(target.stored) + seed * NEW_ROWS)
    while True:
        dice = chance.random()
        if dice < GET:
            number = chance.randrange(hot) if chance.random() < HOT_REQUESTS else chance.randrange(len(target.stored))
            yield Shot("get", get_request(target, target.stored[number], chance.choice(tokens["get"])))
        elif dice < GET + LIST:
            name, query = chance.choice(lists)
            yield Shot(name, _request("GET", f"{target.path}?{query}", chance.choice(tokens["list"])))
        else:
            body = json.dumps(body_of(target.resource, next(made))).encode()
            yield Shot("create", _request("POST", target.path, chance.choice(tokens["create"]), body))


def _tokens(role: str | None, sign: Sign) -> list[str | None]:
    return [None] if role is None else [sign(role, subject=f"caller-{number}") for number in range(CALLERS)]


def _lists(target: Target) -> Iterator[tuple[str, str]]:
    """The first page as it comes, and one for each indexed field that a list is filtered by."""
    yield "list", "limit=20"
    for name, field in target.resource.fields.items():
        if field.indexed and field.type is FieldType.ENUM and field.values:
            yield f"list by {name}", f"{name}={field.values[0]}&limit=20"
            yield f"list by {name}, page 3", f"{name}={field.values[-1]}&limit=20&page=3"
        elif field.indexed and field.type is FieldType.STRING:
            yield f"list by {name}", f"{name}={target.stored[0].values[name]}&limit=20"


def body_of(resource: Resource, row: Row) -> dict[str, object]:
    """The row as a client writes it: decimals, dates and ids as strings."""
    return {name: _wire(field, row.values[name]) for name, field in resource.fields.items()}


def _wire(field: ResourceField, value: object) -> object:
    if field.type is FieldType.JSON:
        return json.loads(str(value))
    if isinstance(value, UUID | Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, datetime.date | datetime.datetime) else value


def _request(method: str, target: str, token: str | None, body: bytes = b"") -> bytes:
    head = [f"{method} {target} HTTP/1.1", "Host: bench", "Accept: application/json"]
    if token is not None:
        head.append(f"Authorization: Bearer {token}")
    if body:
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", ""]).encode() + body
