"""A service in memory that answers for one resource as it should, or with one fault."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from groundplan.declaration.model import Operation
from groundplan_devkit.checks.own_rows import own_alone, private_parents
from groundplan_devkit.checks.resource_under_test import ResourceUnderTest
from groundplan_devkit.deployed import Caller

OPERATIONS: dict[tuple[str, bool], Operation] = {
    ("GET", False): "list",
    ("POST", False): "create",
    ("GET", True): "get",
    ("PUT", True): "update",
    ("DELETE", True): "delete",
}


class Refused(Exception):
    def __init__(self, status: int, code: str, *fields: str) -> None:
        super().__init__(code)
        details = [{"field": each} for each in fields]
        self.answer = httpx.Response(status, json={"error": {"code": code, "message": code, "details": details}})


@dataclass(frozen=True)
class Row:
    content: dict[str, Any]
    version: int
    owner: str

    def told(self, identifier: str) -> dict[str, Any]:
        return {**self.content, "id": identifier, "version": self.version}


@dataclass
class InMemory:
    """Stands for `DeployedService`. ``parents``: the rows that its fields refer to, by resource, and whose they are."""

    tested: ResourceUnderTest
    fault: str = ""
    parents: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    stored: dict[str, Row] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    keys: dict[str, tuple[dict[str, Any], httpx.Response]] = field(default_factory=dict)
    erased: bool = False
    cached: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number in range(self.tested.rows):
            identifier = str(self.tested.identifier(number))
            self.stored[identifier] = Row(self.tested.content(number), 1, self.tested.subject(number))
            self._record(identifier, "created", "seed")

    # What tests ask of a deployed service.

    def caller(self, role: str, subject: str) -> InMemoryCaller:
        return InMemoryCaller(self, role.removesuffix(":own"), subject)

    def anyone(self) -> InMemoryCaller:
        return InMemoryCaller(self, None, "")

    def rows(self, statement: str, *arguments: object) -> list[dict[str, Any]]:
        wanted = str(arguments[0]) if arguments else ""
        if "sent_at IS NULL" in statement:
            return [{}] if self.fault == "the relay stands still" else []
        if "FROM outbox" in statement:
            return [] if self.fault == "read models are told nothing" else [{"topic": self.tested.stream}]
        if statement.startswith("UPDATE"):
            if self.fault != "rows are kept for ever":
                self._record(wanted, "deleted", "", actor="retention")
                if self.fault != "rows at their end are told of":
                    self.stored.pop(wanted, None)
            return [{"id": wanted}]
        return [event for event in self.events if event["aggregate_id"] == wanted]

    def stable_rows(self) -> dict[str, list[str]]:
        return {"rows": [str(row) for row in self.stored.items()]}

    def forget_documents(self) -> None:
        self.cached.clear()

    def documents(self) -> list[str]:
        return self.cached

    def erasures_done(self) -> None:
        self.erased = True

    # What the service does.

    def answer(self, method: str, path: str, body: dict[str, Any], sent: dict[str, str], who: InMemoryCaller) -> Any:
        parts = urlsplit(path)
        identifier = parts.path.removeprefix(self.tested.collection).strip("/")
        operation = OPERATIONS[method, bool(identifier)]
        try:
            own = self._own(operation, who)
            if operation == "list":
                return self._list(parse_qs(parts.query), who, own=own)
            if operation == "create":
                return self._create(body, sent, who, own=own)
            return self._one(operation, identifier, body, sent, who, own=own)
        except Refused as refused:
            return refused.answer

    def _own(self, operation: Operation, who: InMemoryCaller) -> bool:
        """Whether the caller may do it to their own rows alone."""
        access = self.tested.resource.access(operation)
        assert access is not None
        if access.anyone:
            return False
        if who.role is None and self.fault != "no token is asked for":
            raise Refused(401, "UNAUTHORIZED")
        any_role = self.fault == "any role may do it" or (self.fault == "admin may do it" and who.role == "admin")
        if who.role not in access.roles and who.role is not None and not any_role:
            raise Refused(403, "FORBIDDEN")
        return own_alone(self.tested.resource, operation, who.role)

    def _list(self, query: dict[str, list[str]], who: InMemoryCaller, *, own: bool) -> httpx.Response:
        name = self.tested.filtered[0] if self.tested.filtered else ""
        known = {"limit", "sort", "page", name}
        wrong = [each for each in query if each not in known]
        wrong += ["limit"] if query.get("limit") == ["0"] else []
        wrong += ["sort"] if query.get("sort") == ["-no_such_field"] else []
        if wrong and self.fault != "a list takes what it does not know":
            raise Refused(400, "BAD_REQUEST", *wrong)
        found = [(identifier, row) for identifier, row in self.stored.items()]
        if own and self.fault != "a list has the rows of others":
            found = [each for each in found if each[1].owner == who.subject]
        if name in query and self.fault != "a list is not filtered":
            found = [each for each in found if str(each[1].content[name]) == query[name][0]]
        page = 0 if self.fault == "pages count from nought" else 1
        limit = int(query.get("limit", ["20"])[0] or 20)
        data = [row.told(identifier) for identifier, row in found]
        data = data if self.fault == "a limit is not read" else data[:limit]
        meta = {"page": page, "limit": limit, "total": len(found)}
        return httpx.Response(200, json={"data": data, "meta": meta})

    def _create(self, body: dict[str, Any], sent: dict[str, str], who: InMemoryCaller, *, own: bool) -> httpx.Response:
        key = sent.get("idempotency-key")
        if key in self.keys and self.fault != "a repeated request creates another":
            return self._again(*self.keys[key], body)
        self._check(body)
        owner = str(body.get(self.tested.resource.owner or "", who.subject))
        if own and owner != who.subject and self.fault != "rows are created in another's name":
            raise Refused(403, "FORBIDDEN")
        for name in self.tested.unique:
            taken = {self._compared(name, row.content.get(name)) for row in self.stored.values()}
            once = self.fault != f"{name} is taken twice" and self.fault != "what is unique is taken twice"
            if self._compared(name, body.get(name)) in taken and once:
                raise Refused(409, "CONFLICT", name)
        self._check_references(body, who, "create")
        identifier = str(uuid.uuid4())
        self.stored[identifier] = row = Row(dict(body), 1, owner)
        event = "touched" if self.fault == "a creation has another event" else "made"
        self._record(identifier, event, sent.get("x-request-id", ""))
        where = "/elsewhere" if self.fault == "the address is another" else f"{self.tested.collection}/{identifier}"
        answer = httpx.Response(
            201, json={"data": row.told(identifier)}, headers={"location": where, "etag": f'"{row.version}-x"'}
        )
        if key is not None:
            self.keys[key] = (body, answer)
        return answer

    def _again(self, first: dict[str, Any], answer: httpx.Response, body: dict[str, Any]) -> httpx.Response:
        if first != body and self.fault != "a key stands for two bodies":
            raise Refused(422, "KEY_REUSED")
        if self.erased and self.fault != "a replay tells of an erased person":
            raise Refused(409, "ERASED")
        if self.fault == "a replay fills the cache":
            self.cached.append("document")
        if self.fault == "a replay writes":
            self.stored[str(uuid.uuid4())] = Row(body, 1, "")
        return answer

    def _one(
        self,
        operation: Operation,
        identifier: str,
        body: dict[str, Any],
        sent: dict[str, str],
        who: InMemoryCaller,
        *,
        own: bool,
    ) -> httpx.Response:
        row = self.stored.get(identifier)
        strange = own and row is not None and row.owner != who.subject
        if strange and self.fault == "a stranger is told that it is there" and operation == "get":
            raise Refused(403, "FORBIDDEN")
        if row is not None and strange and self.fault == f"a stranger's {operation} is done in silence":
            self._record(identifier, operation, "")
        strange = strange and self.fault != f"a stranger's {operation} is done"
        if row is None or strange:
            raise Refused(200 if self.fault == "what is not there is found" else 404, "NOT_FOUND")
        path, etag = f"{self.tested.collection}/{identifier}", f'"{row.version}-x"'
        if operation == "get":
            if sent.get("if-none-match") == etag and self.fault != "all is sent again":
                return httpx.Response(304)
            told = row.told(identifier)
            if self.fault == "a value is lost":
                told.pop(next(iter(row.content)))
            return httpx.Response(200, json={"data": told, "links": {"self": path}}, headers={"etag": etag})
        condition = sent.get("if-match", etag).strip('"').partition("-")[0]
        if condition != str(row.version) and self.fault != "a condition is not read":
            raise Refused(412, "PRECONDITION_FAILED")
        if operation == "update":
            self._check_references(body, who, "update")
            content = row.content if self.fault == "an update keeps what was there" else dict(body)
            changed = Row(content, row.version + (self.fault != "a version stays"), row.owner)
            self.stored[identifier] = changed
            if self.fault != "an update is not recorded":
                self._record(identifier, "updated", "")
            return httpx.Response(
                200, json={"data": changed.told(identifier)}, headers={"etag": f'"{changed.version}-x"'}
            )
        seeded = {str(self.tested.identifier(number)) for number in range(self.tested.rows)}
        if self.tested.referred and identifier in seeded and self.fault != "what others refer to goes":
            if self.fault == "a refusal deletes":
                del self.stored[identifier]
            if self.fault == "a refusal is recorded":
                self._record(identifier, "deleted", "")
            raise Refused(409, "CONFLICT")
        if self.fault != "what is deleted stays":
            del self.stored[identifier]
        self._record(identifier, "deleted", "")
        return httpx.Response(204)

    def _check(self, body: dict[str, Any]) -> None:
        wrong = [name for name in body if name not in self.tested.resource.fields]
        wrong += (
            []
            if self.fault == "one mistake is told of several" and wrong
            else [name for name in self.tested.needed if name not in body]
        )
        if wrong:
            raise Refused(422, "VALIDATION_ERROR", *wrong)

    def _check_references(self, body: dict[str, Any], who: InMemoryCaller, operation: str) -> None:
        resources = self.tested.declared.resources
        private = {name for name, *_ in private_parents(resources, self.tested.resource, who.role)}
        for name, target in self.tested.references.items():
            if name not in body:
                continue
            owner = self.parents[target].get(body[name])
            there = owner is not None or self.fault == "a reference leads nowhere"
            theirs = owner is not None and name in private and owner != who.subject
            if self.fault == f"a row of another is referred to by {operation}" or (there and not theirs):
                continue
            raise Refused(422, "VALIDATION_ERROR", name)

    def _compared(self, name: str, value: object) -> str:
        caseless = name in self.tested.caseless and self.fault != "case makes another value"
        return str(value).casefold() if caseless else str(value)

    def _record(self, identifier: str, verb: str, correlation: str, *, actor: str = "") -> None:
        if verb == "deleted" and not actor and self.fault == "a deletion is not recorded":
            return
        self.events.append(
            {
                "aggregate_id": identifier,
                "version": sum(each["aggregate_id"] == identifier for each in self.events) + 1,
                "event_type": f"{self.tested.name}.{verb}",
                "correlation_id": correlation if self.fault != "requests are not told apart" else "",
                "actor": actor,
            }
        )


Alter = Callable[[httpx.Response, dict[str, Any]], httpx.Response]
"""Makes another answer of the right one; with the body of the request."""


@dataclass(frozen=True)
class Alteration:
    """One fault in answers of one status, or of any. ``operations``: all where it names none; ``again`` is a repeated
    creation."""

    status: int | None
    alter: Alter
    operations: tuple[str, ...] = ()


@dataclass
class Altered(InMemory):
    """A service that does all as it should; ``alterations``: faults that its answers may have, by name."""

    alterations: Mapping[str, Alteration] = field(default_factory=dict)

    def rows(self, statement: str, *arguments: object) -> list[dict[str, Any]]:
        found = super().rows(statement, *arguments)
        if not statement.startswith("UPDATE"):
            return found
        if self.fault == "a row is deleted twice":
            self._record(str(arguments[0]), "deleted", "", actor="retention")
        return [] if self.fault == "the row is not there" else found

    def answer(self, method: str, path: str, body: dict[str, Any], sent: dict[str, str], who: InMemoryCaller) -> Any:
        one = urlsplit(path).path != self.tested.collection
        operation = "again" if sent.get("idempotency-key") in self.keys else OPERATIONS[method, one]
        found = super().answer(method, path, body, sent, who)
        fault = self.alterations.get(self.fault)
        if fault is None or fault.status not in (None, found.status_code):
            return found
        return fault.alter(found, body) if operation in (fault.operations or (operation,)) else found


class InMemoryCaller(Caller):
    """A client as tests have it, of a service that needs no connection and has no document."""

    def __init__(self, service: InMemory, role: str | None, subject: str) -> None:
        self.service, self.role, self.subject = service, role, subject

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
    ) -> httpx.Response:
        asked = f"{path}?{urlencode(query)}" if query else path
        content = body if isinstance(body, dict) else {}
        found: httpx.Response = self.service.answer(method, asked, content, dict(headers or {}), self)
        return found
