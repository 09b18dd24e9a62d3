"""What every operation of a declared resource does on real servers: responses, stored rows and events (R1 to R4, S4).

A project's `tests/integration/test_orders.py` is

    class TestOrders(ResourceTests, service="order", resource="order", seed=seed, rows=20):
        ...

A test that the declaration has nothing for is not there. One that the project's class defines takes the place of the
one by its name, and the keyword `without={"test_a_list_has_pages"}` leaves one out.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from types import ModuleType
from typing import Any, ClassVar, TypeVar

import pytest

from groundplan.declaration.model import Operation
from groundplan_devkit.checks.resource_under_test import METHODS, STRANGER, ResourceUnderTest
from groundplan_devkit.deployed import DeployedService, eventually

Test = TypeVar("Test", bound=Callable[..., None])
Values = Callable[[ResourceUnderTest], Sequence[Any]]


def where(applies: Callable[[ResourceUnderTest], object]) -> Callable[[Test], Test]:
    """Leaves the test out of classes whose resource has nothing for it."""

    def mark(test: Test) -> Test:
        test.__dict__["applies"] = applies
        return test

    return mark


def doing(*operations: Operation, own: Operation | None = None) -> Callable[[Test], Test]:
    """For resources with the operations; ``own``: with one that some role does to its own rows alone."""
    return where(
        lambda tested: (
            all(tested.does(operation) for operation in operations) and (own is None or tested.own(own) is not None)
        )
    )


def each(names: str, values: Values) -> Callable[[Test], Test]:
    """Once for each of the values, which are arguments of these names; not at all where there are none."""

    def mark(test: Test) -> Test:
        test.__dict__.update(each=(names, values), applies=values)
        return test

    return mark


class ResourceTests:
    """The tests of one resource of one service. Keywords of a class of them are those of `ResourceUnderTest`;
    ``without``: names of tests that it does without. Raises LookupError for what there is not."""

    tested: ClassVar[ResourceUnderTest]
    _unused: ClassVar[Iterator[int]]
    """Numbers of samples that are not there yet."""

    def __init_subclass__(
        cls,
        *,
        service: str,
        resource: str,
        seed: ModuleType,
        rows: int,
        owners: int | None = None,
        created: str = "",
        creates: bool = True,
        without: Collection[str] = (),
    ) -> None:
        super().__init_subclass__()
        cls.tested = ResourceUnderTest(service, resource, seed, rows, owners, created, creates)
        cls.tested.check_declared()
        cls._unused = itertools.count(rows)
        usual = {name: test for name, test in vars(ResourceTests).items() if name.startswith("test_")}
        if unknown := sorted(set(without) - set(usual)):
            raise LookupError(f"there is no test {', '.join(unknown)} to do without: name one of {', '.join(usual)}")
        for name, test in usual.items():
            applies = test.__dict__.get("applies", lambda _: True)
            if name in without or (name not in vars(cls) and not applies(cls.tested)):
                # What is no function is not collected.
                setattr(cls, name, None)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        names, values = getattr(metafunc.function, "each", ("", None))
        if values is not None:
            metafunc.parametrize(names, values(self.tested))

    @doing("get")
    def test_a_sample_is_found(self, service: DeployedService) -> None:
        answer = self.tested.caller(service, "get", 0).found(self.tested.path(0))
        data = answer.json()["data"]
        assert data.items() >= self.tested.content(0).items()
        assert answer.headers["etag"].startswith(f'"{data["version"]}-')
        assert answer.json()["links"] == {"self": self.tested.path(0)}

    @doing("get")
    def test_what_the_client_has_is_not_sent_again(self, service: DeployedService) -> None:
        caller = self.tested.caller(service, "get", 0)
        etag = caller.found(self.tested.path(0)).headers["etag"]
        assert caller.get(self.tested.path(0), if_none_match=etag).status_code == 304

    @doing("get")
    def test_what_is_not_there_is_not_found(self, service: DeployedService) -> None:
        answer = self.tested.caller(service, "get", 0).get(f"{self.tested.collection}/{uuid.uuid4()}")
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "NOT_FOUND"

    @doing(own="get")
    def test_a_stranger_is_not_told_that_it_is_there(self, service: DeployedService) -> None:
        role = self.role_of_own("get")
        service.caller(role, self.tested.subject(0)).found(self.tested.path(0))
        assert service.caller(role, STRANGER).get(self.tested.path(0)).status_code == 404

    @doing("list")
    def test_a_list_has_pages(self, service: DeployedService) -> None:
        caller = self.tested.caller(service, "list", 0)

        def look() -> dict[str, Any] | None:
            page: dict[str, Any] = caller.get(f"{self.tested.collection}?limit=1&sort=-created_at").json()
            return page if page["data"] else None

        page = eventually(look)
        assert page["meta"]["page"] == 1
        assert page["meta"]["limit"] == 1
        assert page["meta"]["total"] >= 1
        assert len(page["data"]) == 1

    @doing("list")
    def test_a_list_refuses_what_it_does_not_know(self, service: DeployedService) -> None:
        caller = self.tested.caller(service, "list", 0)
        answer = caller.get(f"{self.tested.collection}?no_such_field=1&limit=0&sort=-no_such_field")
        assert answer.status_code == 400
        assert {detail["field"] for detail in answer.json()["error"]["details"]} == {"no_such_field", "limit", "sort"}

    @where(lambda tested: tested.does("list") and tested.filtered)
    def test_a_list_is_filtered(self, service: DeployedService) -> None:
        assert self.tested.filtered is not None
        field, wanted, other = self.tested.filtered
        caller = self.tested.caller(service, "list", 0)

        def values(value: object) -> set[object]:
            answer = caller.request("GET", self.tested.collection, query={field: value})
            return {item[field] for item in answer.json()["data"]}

        assert eventually(lambda: values(wanted)) == {wanted}
        assert values(other) <= {other}

    @doing(own="list")
    def test_a_list_is_of_own_rows_alone(self, service: DeployedService) -> None:
        role, mine = self.role_of_own("list"), self.tested.subject(0)
        caller = service.caller(role, mine)
        found = eventually(lambda: caller.get(self.tested.collection).json()["data"])
        assert {item[self.tested.resource.owner] for item in found} == {mine}
        assert service.caller(role, STRANGER).get(self.tested.collection).json()["data"] == []

    @where(lambda tested: tested.creatable)
    def test_what_is_created_is_answered_and_recorded(self, service: DeployedService) -> None:
        number = next(self._unused)
        content = self.tested.content(number)
        caller = self.tested.caller(service, "create", number)
        answer = caller.post(self.tested.collection, content, x_request_id=f"create-{number}")
        assert answer.status_code == 201
        data = answer.json()["data"]
        assert data.items() >= content.items()
        assert answer.headers["location"] == f"{self.tested.collection}/{data['id']}"
        assert answer.headers["etag"].startswith('"1-')
        history = self.history(service, data["id"])
        assert [(row["version"], row["correlation_id"]) for row in history] == [(1, f"create-{number}")]
        assert history[0]["event_type"] == self.tested.created or not self.tested.created
        if self.tested.does("get"):
            reader = self.tested.caller(service, "get", number)
            assert reader.found(answer.headers["location"]).json()["data"] == data

    @where(lambda tested: tested.creatable)
    def test_a_request_that_is_sent_again_creates_one(self, service: DeployedService) -> None:
        number = next(self._unused)
        content = self.tested.content(number)
        caller = self.tested.caller(service, "create", number)
        key = str(uuid.uuid4())
        first = caller.post(self.tested.collection, content, idempotency_key=key)
        again = caller.post(self.tested.collection, content, idempotency_key=key)
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json() == first.json()
        if self.tested.varies:
            other = self.tested.content(next(self._unused))
            owner = self.tested.resource.owner
            if owner in content:
                other[owner] = content[owner]
            assert caller.post(self.tested.collection, other, idempotency_key=key).status_code == 422

    @where(lambda tested: tested.creatable)
    def test_a_replay_touches_nothing(self, service: DeployedService) -> None:
        """Also after the item has changed, and after the cache has lost its versions."""
        tested, number = self.tested, next(self._unused)
        content = tested.content(number)
        caller = tested.caller(service, "create", number)
        key = str(uuid.uuid4())
        first = caller.post(tested.collection, content, idempotency_key=key)
        assert first.status_code == 201
        path = first.headers["location"]
        if tested.does("update"):
            assert tested.caller(service, "update", number).put(path, content).status_code == 200
        if tested.does("delete"):
            assert tested.caller(service, "delete", number).delete(path).status_code == 204
        if tested.is_person:
            service.erasures_done()
        before = service.stable_rows()
        service.forget_documents()
        again = caller.post(tested.collection, content, idempotency_key=key)
        if tested.is_person:
            assert again.status_code == 409, "the person is erased, and what the key stood for with them"
        else:
            assert again.json() == first.json()
        assert service.documents() == []
        assert service.stable_rows() == before
        if tested.does("get"):
            answer = tested.caller(service, "get", number).get(path)
            if tested.does("delete"):
                assert answer.status_code == 404
            else:
                assert answer.json()["data"]["version"] == (2 if tested.does("update") else 1)

    @where(lambda tested: tested.creatable)
    def test_every_mistake_in_a_body_is_told(self, service: DeployedService) -> None:
        answer = self.tested.caller(service, "create", 0).post(self.tested.collection, {"no_such_field": 1})
        assert answer.status_code == 422
        error = answer.json()["error"]
        assert error["code"] == "VALIDATION_ERROR"
        assert {detail["field"] for detail in error["details"]} == {"no_such_field", *self.tested.needed}

    @where(lambda tested: tested.creatable and tested.unique)
    def test_what_is_unique_is_taken_once(self, service: DeployedService) -> None:
        answer = self.tested.caller(service, "create", 0).post(self.tested.collection, self.tested.content(0))
        assert answer.status_code == 409
        assert answer.json()["error"]["details"][0]["field"] in self.tested.unique

    @each("field", lambda tested: tested.single if tested.creatable else [])
    def test_a_value_is_taken_once(self, service: DeployedService, field: str) -> None:
        number = next(self._unused)
        content = self.tested.content(number) | {field: self.tested.content(0)[field]}
        answer = self.tested.caller(service, "create", number).post(self.tested.collection, content)
        assert answer.status_code == 409
        assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]

    @each("field", lambda tested: tested.cased if tested.creatable else [])
    def test_a_value_is_one_in_either_case(self, service: DeployedService, field: str) -> None:
        number = next(self._unused)
        content = self.tested.content(number) | {field: str(self.tested.content(0)[field]).swapcase()}
        answer = self.tested.caller(service, "create", number).post(self.tested.collection, content)
        assert answer.status_code == 409
        assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]

    @each("field", lambda tested: list(tested.references) if tested.creatable else [])
    def test_a_reference_is_to_what_is_there(self, service: DeployedService, field: str) -> None:
        number = next(self._unused)
        content = self.tested.content(number) | {field: str(uuid.uuid4())}
        answer = self.tested.caller(service, "create", number).post(self.tested.collection, content)
        assert answer.status_code == 422
        assert {detail["field"] for detail in answer.json()["error"]["details"]} == {field}

    @each("field,role", lambda tested: list(tested.private("create").items()) if tested.creatable else [])
    def test_a_reference_is_not_to_a_row_of_another(self, service: DeployedService, field: str, role: str) -> None:
        """Whose it is may not read it either, and is answered as if it were not there (S4)."""
        tested, number = self.tested, next(self._unused)
        another = tested.identifier_of(tested.references[field], tested.another(number))
        caller = service.caller(role, tested.subject(number))
        answers = [
            caller.post(tested.collection, tested.content(number) | {field: str(identifier)})
            for identifier in (another, uuid.uuid4())
        ]
        assert [answer.status_code for answer in answers] == [422, 422]
        theirs, missing = (answer.json()["error"]["details"] for answer in answers)
        assert theirs == missing

    @where(lambda tested: tested.creatable and tested.own("create") and tested.resource.owner in tested.content(0))
    def test_no_row_is_created_in_the_name_of_another(self, service: DeployedService) -> None:
        caller = service.caller(self.role_of_own("create"), STRANGER)
        assert caller.post(self.tested.collection, self.tested.content(0)).status_code == 403

    @doing("update")
    def test_an_update_replaces_it_and_is_recorded(self, service: DeployedService) -> None:
        number = self.tested.changed
        path, content = self.tested.path(number), self.tested.replaced(number)
        caller = self.tested.caller(service, "update", number)
        answer = caller.put(path, content, if_match='"1"')
        assert answer.status_code == 200
        assert answer.headers["etag"].startswith('"2-')
        assert answer.json()["data"].items() >= content.items()
        history = self.history(service, self.tested.identifier(number))
        assert [row["version"] for row in history] == [1, 2]
        assert caller.put(path, content, if_match='"1"').status_code == 412
        if self.tested.does("get"):
            reader = self.tested.caller(service, "get", number)
            assert reader.found(path, version=2).headers["etag"].startswith('"2-')

    @each("field,role", lambda tested: list(tested.moved().items()))
    def test_a_reference_does_not_become_one_to_a_row_of_another(
        self, service: DeployedService, field: str, role: str
    ) -> None:
        tested, number = self.tested, self.tested.changed
        another = tested.identifier_of(tested.references[field], tested.another(number))
        caller = service.caller(role, tested.subject(number))
        answer = caller.put(tested.path(number), tested.content(number) | {field: str(another)})
        assert answer.status_code == 422
        assert {detail["field"] for detail in answer.json()["error"]["details"]} == {field}

    @doing(own="update")
    def test_a_stranger_changes_nothing(self, service: DeployedService) -> None:
        content = self.tested.content(0)
        content.pop(self.tested.resource.owner or "", None)
        caller = service.caller(self.role_of_own("update"), STRANGER)
        before = self.history(service, self.tested.identifier(0))
        assert caller.put(self.tested.path(0), content).status_code == 404
        assert self.history(service, self.tested.identifier(0)) == before

    @doing(own="delete")
    def test_a_stranger_deletes_nothing(self, service: DeployedService) -> None:
        caller = service.caller(self.role_of_own("delete"), STRANGER)
        before = self.history(service, self.tested.identifier(0))
        assert caller.delete(self.tested.path(0)).status_code == 404
        assert self.history(service, self.tested.identifier(0)) == before

    @where(lambda tested: tested.does("delete") and (tested.creatable or (not tested.referred and tested.deleted >= 0)))
    def test_what_is_deleted_is_gone(self, service: DeployedService) -> None:
        tested = self.tested
        if tested.creatable:
            number = next(self._unused)
            created = tested.caller(service, "create", number).post(tested.collection, tested.content(number))
            path, identifier = created.headers["location"], created.json()["data"]["id"]
        else:
            number = tested.deleted
            path, identifier = tested.path(number), tested.identifier(number)
        caller = tested.caller(service, "delete", number)
        assert caller.delete(path, if_match='"7"').status_code == 412
        assert caller.delete(path).status_code == 204
        assert caller.delete(path).status_code == 404
        assert len(self.history(service, identifier)) >= 2
        if tested.does("get"):
            tested.caller(service, "get", number).gone(path)

    @where(lambda tested: tested.does("delete") and tested.referred)
    def test_what_others_refer_to_stays(self, service: DeployedService) -> None:
        before = self.history(service, self.tested.identifier(0))
        assert self.tested.caller(service, "delete", 0).delete(self.tested.path(0)).status_code == 409
        assert self.history(service, self.tested.identifier(0)) == before
        if self.tested.does("get"):
            self.tested.caller(service, "get", 0).found(self.tested.path(0))

    @where(lambda tested: tested.does("delete") and tested.resource.retention_days and not tested.referred)
    def test_what_is_kept_no_longer_is_deleted(self, service: DeployedService) -> None:
        number = self.tested.rows - 1
        identifier = self.tested.identifier(number)
        days = (self.tested.resource.retention_days or 0) + 1
        aged = f"UPDATE {self.tested.table} SET updated_at = now() - interval '{days} days' WHERE id = %s RETURNING id"  # noqa: S608
        assert service.rows(aged, identifier)

        def deleted() -> list[dict[str, Any]]:
            return [row for row in self.history(service, identifier) if row["actor"] == "retention"]

        assert len(eventually(deleted)) == 1
        if self.tested.does("get"):
            self.tested.caller(service, "get", number).gone(self.tested.path(number))

    @each("operation", lambda tested: tested.guarded())
    def test_a_token_is_needed(self, service: DeployedService, operation: Operation) -> None:
        answer = service.anyone().request(METHODS[operation], self.tested.path_for(operation))
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "UNAUTHORIZED"

    @each("operation,role", lambda tested: tested.refused())
    def test_a_role_is_needed(self, service: DeployedService, operation: Operation, role: str) -> None:
        caller = service.caller(role, self.tested.subject(0))
        answer = caller.request(METHODS[operation], self.tested.path_for(operation))
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "FORBIDDEN"

    @where(lambda tested: tested.declared.publishes or tested.declared.cqrs)
    def test_all_that_is_to_be_told_is_sent(self, service: DeployedService) -> None:
        """Waits until the relay has sent the samples' events."""
        eventually(lambda: not service.rows("SELECT 1 FROM outbox WHERE sent_at IS NULL"))
        if self.tested.declared.cqrs:
            written = service.rows("SELECT topic FROM outbox WHERE aggregate_id = %s", self.tested.identifier(0))
            assert self.tested.stream in {row["topic"] for row in written}

    def role_of_own(self, operation: Operation) -> str:
        """The role of a test that is there for such roles."""
        role = self.tested.own(operation)
        assert role is not None
        return role

    def history(self, service: DeployedService, identifier: uuid.UUID | str) -> list[dict[str, Any]]:
        """The row's events, the first of them first."""
        return service.rows(
            f"SELECT * FROM {self.tested.history} WHERE aggregate_id = %s ORDER BY version",  # noqa: S608
            identifier,
        )
