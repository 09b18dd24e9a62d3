"""What `FROM=` and `SET=` say of a service is judged before anything is rendered: what, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from groundplan.cli import service
from groundplan.cli.service import with_plural
from groundplan.cli.service_request import ServiceRequest, judge, read_request
from groundplan.declaration.document import Document, read_document
from groundplan.declaration.loader import load_system
from groundplan.declaration.model import System
from groundplan.problems import ProblemsFound
from tests.projects import git

SOUND = """\
resources:
  bill:
    fields:
      name: {type: string}
      whose: {type: reference, to: user.user}
    operations:
      list: [admin]
"""


def with_field(field: str) -> str:
    return SOUND.replace("{type: string}", field)


# What is in the file, and what is said of it: place, what is there, what to do.
MALFORMED = {
    "unknown key": ("sizes: 3\n" + SOUND, (":1: sizes is 3", "one of the keys `description`")),
    "misspelt key": ("resource: 3\n" + SOUND, (":1: resource is 3", "did you mean `resources`?")),
    "unknown type of field": (
        with_field("{type: strng}"),
        (':4: resources.bill.fields.name.type is "strng"', "did you mean `string`?"),
    ),
    "a field that is a word": (
        with_field("string"),
        (':4: resources.bill.fields.name is "string"', "expected: a mapping"),
    ),
    "an unknown option": (
        with_field("{type: string, lenght: 3}"),
        (":4: resources.bill.fields.name.lenght is 3", "one of the keys"),
    ),
    "an option of another type": (
        with_field("{type: string, scale: 3}"),
        (":4: resources.bill.fields.name.scale is given", "`scale` only with the type `decimal`"),
    ),
    "a bound that is no number": (
        with_field("{type: integer, minimum: few}"),
        (':4: resources.bill.fields.name.minimum is "few"', "expected: a number"),
    ),
    "an enum without values": (with_field("{type: enum}"), (":4:", "add `values: [first, second]`")),
    "a reference without a target": (with_field("{type: reference}"), (":4:", "add `to: <resource>`")),
    "a reserved field": (SOUND.replace("name:", "id:"), (":4: resources.bill.fields.id is declared", "remove it")),
    "a resource's name": (
        SOUND.replace("bill:", "Bill!:"),
        (':2: resources.Bill! is "Bill!"', "write `bill`"),
    ),
    "a reserved resource": (SOUND.replace("bill:", "class:"), (":2: resources.class is", "no keyword of Python")),
    "a resource that is there": (
        SOUND.replace("bill:", "order:"),
        (":2: resources.order is served at /api/v1/orders", "of the service `order`"),
    ),
    "a reference within the service": (
        SOUND.replace("user.user", "nobody"),
        (':5: resources.bill.fields.whose.to is "nobody"', "a resource of this service"),
    ),
    "a reference to another service": (
        SOUND.replace("user.user", "usr.user"),
        (':5: resources.bill.fields.whose.to is "usr.user"', "did you mean `user`?"),
    ),
    "fields as a list": (
        "resources:\n  bill:\n    fields: [name]\n    operations: {list: [admin]}\n",
        (":3: resources.bill.fields is a list of 1 item", "expected: a mapping"),
    ),
    "no fields": (
        "resources:\n  bill:\n    operations: {list: [admin]}\n",
        (":2: resources.bill.fields is missing", "add `fields:` here"),
    ),
    "no resources": ("resources: {}\n", (":1: resources is an empty mapping", "at least 1 entry")),
    "a role that is not declared": (
        SOUND.replace("admin", "admn"),
        (':7: resources.bill.operations.list[0] is "admn"', "did you mean `admin`?"),
    ),
    "an unknown operation": (
        SOUND.replace("list: [admin]", "read: [admin]"),
        (":7: resources.bill.operations.read", "one of `list`"),
    ),
    "events as one word": ("publishes: bill.sent\n" + SOUND, (':1: publishes is "bill.sent"', "expected: a list")),
    "an event that is no name": ("publishes: [3]\n" + SOUND, (":1: publishes[0] is 3", "expected: text")),
    "an event without a publisher": (
        "consumes: [order.plcaed]\n" + SOUND,
        (":1: consumes[0] is order.plcaed", "did you mean `order.placed`?"),
    ),
    "a number out of bounds": ("read_share: 9\n" + SOUND, (":1: read_share is 9", "at most 1")),
    "a cache of words": (
        SOUND.replace("    fields:", "    cache: yes please\n    fields:"),
        (':3: resources.bill.cache is "yes please"', "expected: a mapping"),
    ),
    "YAML 1.1's words": ("cqrs: yes\n" + SOUND, (":1: cqrs is yes", "write true")),
    "a key twice": ("cqrs: true\ncqrs: false\n" + SOUND, ("cqrs is given twice", "keep one of the two")),
    "another name": ("name: other\n" + SOUND, (":1: name is other", "the command gives it: `invoice`")),
    "the service around it": ("invoice:\n  cqrs: true\n", (":1: invoice is around the service", "move what is below")),
    "the file of the system": ("services:\n  invoice: {cqrs: true}\n", (":1: services is around the service", "move")),
    "no content": ("", (": empty", "fill in the file")),
    "only a comment": ("# soon\n", (": empty", "fill in the file")),
    "a list": ("- bill\n", (":1: a list of 1 item", "a mapping at the top")),
    "a word": ("bill\n", (":1: a single value", "a mapping at the top")),
    "no YAML": ("resources: {bill: [\n", (":2:", "expected: YAML")),
    "a tab": ("resources:\n\tbill: 1\n", (":2:", "replace the tab by spaces")),
}


@pytest.fixture(scope="module")
def document(committed_shop: Path) -> Document:
    return read_document(committed_shop / "system.yaml")


@pytest.fixture(scope="module")
def declared(committed_shop: Path) -> System:
    return load_system(committed_shop / "system.yaml")


@pytest.fixture
def untouched(committed_shop: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The shop, in which a refused command must change nothing."""
    monkeypatch.chdir(committed_shop)
    yield committed_shop
    assert git(committed_shop, "status", "--porcelain") == ""


def refused(name: str, file: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert service.main(["add", name, "--from", str(file)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    return said.err


@pytest.mark.parametrize(("text", "expected"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_file_is_told_and_nothing_written(
    untouched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, expected: tuple[str, ...]
) -> None:
    del untouched
    file = tmp_path / "invoice.yaml"
    file.write_text(text)
    said = refused("invoice", file, capsys)
    assert f"{file}" in said, "the file as it was given"
    for each in expected:
        assert each in said
    assert "expected: " in said
    assert "to do: " in said


def test_a_file_that_is_not_there_or_not_readable(
    untouched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del untouched
    assert f"{tmp_path}/none.yaml: missing" in refused("invoice", tmp_path / "none.yaml", capsys)
    assert f"{tmp_path}: not a file" in refused("invoice", tmp_path, capsys)
    (tmp_path / "image.yaml").write_bytes(b"\x89PNG\xff")
    assert "UTF-8" in refused("invoice", tmp_path / "image.yaml", capsys)


def test_a_new_service_gets_the_plural_that_the_rule_of_english_fails_at() -> None:
    assert with_plural("person", {"cqrs": True}) == {"cqrs": True, "plural": "people"}
    for name, settings in (("order", {}), ("person", {"plural": "persons"}), ("person", {"resources": {}})):
        assert with_plural(name, settings) == settings


@pytest.mark.parametrize(
    ("value", "expected"), [("people", ""), ("People", "lower-case letters"), ("orders", "of the service `order`")]
)
def test_the_plural_of_a_new_service_is_judged(document: Document, declared: System, value: str, expected: str) -> None:
    request = ServiceRequest({"plural": value}, None, frozenset({"plural"}))
    if not expected:
        judge(request, "person", document, declared)
        return
    with pytest.raises(ProblemsFound) as caught:
        judge(request, "person", document, declared)
    [problem] = caught.value.problems
    assert (problem.where, problem.path) == ("SET", "plural")
    assert expected in str(problem)


def test_all_mistakes_are_told_at_once(untouched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del untouched
    file = tmp_path / "invoice.yaml"
    file.write_text("sizes: 3\n" + with_field("{type: strng}").replace("user.user", "usr.user"))
    assert refused("invoice", file, capsys).startswith("3 problems")


def test_the_line_counts_before_the_file(tmp_path: Path, document: Document, declared: System) -> None:
    file = tmp_path / "invoice.yaml"
    file.write_text("name: invoice\nread_share: 0.5\nshard_map: [{since: 2026-01-31, shards: 2}]\n" + SOUND)
    request = read_request("invoice", file, ["read_share=9"])
    assert request.settings["shard_map"] == [{"since": "2026-01-31", "shards": 2}], (
        "answers are JSON, which has no dates"
    )
    assert "name" not in request.settings
    with pytest.raises(ProblemsFound, match="SET: read_share is 9"):
        judge(request, "invoice", document, declared)
    judge(read_request("invoice", file, ["read_share=0.7"]), "invoice", document, declared)


@pytest.mark.parametrize("name", ["Invoice", "class", "pg-bills", "a" * 21, "x"])
def test_a_name_is_judged_as_well(document: Document, declared: System, name: str) -> None:
    with pytest.raises(ProblemsFound, match="NAME"):
        judge(ServiceRequest(), name, document, declared)


def test_what_the_template_fills_in_is_not_held_against_anybody(document: Document, declared: System) -> None:
    judge(
        ServiceRequest({"publishes": ["invoice.created"]}, None, frozenset({"publishes"})),
        "invoice",
        document,
        declared,
    )
    judge(ServiceRequest(), "resource", document, declared)


def test_a_service_may_be_called_like_a_key(tmp_path: Path) -> None:
    file = tmp_path / "resources.yaml"
    file.write_text(SOUND)
    assert list(read_request("resources", file, []).settings) == ["resources"]
