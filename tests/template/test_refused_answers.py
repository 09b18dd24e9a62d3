"""Answers that make no system are refused, with what was expected instead (U1)."""

from __future__ import annotations

import functools
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import copier.errors
import jinja2
import jinja2.sandbox
import pytest
import yaml

from groundplan.declaration.model import FieldType
from groundplan.declaration.reserved import (
    AWS_PREFIXES,
    BUCKET_PREFIXES,
    NAMESPACE_PREFIXES,
    NAMESPACES,
    PYTHON_WORDS,
    SERVICE_NAMES,
    SERVICE_PREFIXES,
)
from groundplan.declaration.words import plural
from groundplan.stack.values import REGIONS
from tests.projects import ROOT, make_project

REFUSED: dict[str, tuple[str, Any, str]] = {
    "capital letters in the name": ("name", "Shop", '"Shop" cannot name a system'),
    "name of one letter": ("name", "s", "2 to 20 lower-case letters"),
    "name too long": ("name", "a" * 21, "2 to 20 lower-case letters"),
    "name with two hyphens": ("name", "web--shop", '"web--shop" cannot name a system'),
    "name that ends in a hyphen": ("name", "shop-", '"shop-" cannot name a system'),
    "name with a line break": ("name", "shop\n", "cannot name a system"),
    "name that is a number": ("name", 12, '"12" cannot name a system'),
    "name with an umlaut": ("name", "büro", '"büro" cannot name a system'),
    "description of two lines": ("description", "one\ntwo", "expected one line, 200 characters at most"),
    "description with a control character": ("description", "bell\a", "expected one line"),
    "description too long": ("description", "x" * 201, "200 characters at most"),
    "no services": ("services", [], "expected 1 to 100 services, not 0"),
    "services as a text": ("services", "user", "expected a list: [user, order], service names in brackets"),
    "services as a mapping": ("services", {"user": {}}, "is not a list"),
    "services missing": ("services", "", "expected a list: [user, order]"),
    "too many services": ("services", [f"s-{n}" for n in range(101)], "expected 1 to 100 services, not 101"),
    "service named no": ("services", [False], "expected a name in quotes: YAML reads false"),
    "service named by a number": ("services", [12], "expected a name in quotes: YAML reads 12"),
    "service name with a blank": ("services", ["web shop"], '"web shop" cannot name a service'),
    "service twice": ("services", ["user", {"name": "user"}], 'service "user" is listed twice'),
    "service without a name": ("services", [{"data_gb": 3}], "service 1 has no name"),
    "a load that is none": ("services", [{"name": "user", "load": 3}], "load: expected a mapping such as"),
    "a load below nothing": (
        "services",
        [{"name": "user", "load": {"requests_per_second": -1}}],
        "load.requests_per_second: expected 0.001 to 1000000",
    ),
    "a load with an unknown key": ("services", [{"name": "user", "load": {"rps": 1}}], 'load: unknown key "rps"'),
    "service with an unknown key": ("services", [{"name": "user", "size": 3}], 'unknown key "size": expected name'),
    "resources without content": ("services", [{"name": "user", "resources": {}}], "at least one resource"),
    "resource that is a word": (
        "services",
        [{"name": "user", "resources": {"a": "b"}}],
        "each with fields and operations",
    ),
    "one path of two services": (
        "services",
        ["order", "orders"],
        'services "order" and "orders" would both answer at /api/v1/orders',
    ),
    "share above one": ("services", [{"name": "user", "read_share": 90}], "expected 0 to 1, a number"),
    "data as a text": ("services", [{"name": "user", "data_gb": "3 TB"}], '"3 TB" does not fit'),
    "data that is no number": (
        "services",
        [{"name": "user", "data_gb": float("nan")}],
        "expected 0 to 60000, a number",
    ),
    "data beyond 64 shards": (
        "services",
        [{"name": "user", "data_gb": 60000, "data_growth_gb_per_month": 500}],
        "at most 65536 GiB of data within 24 months",
    ),
    "exposure that isn't one": ("services", [{"name": "user", "exposure": "private"}], "expected public or internal"),
    "cqrs as a text": ("services", [{"name": "user", "cqrs": "yes"}], "cqrs: expected true or false"),
    "events that are no list": (
        "services",
        [{"name": "user", "publishes": "user.closed"}],
        "publishes: expected a list",
    ),
    "shard map without a day": (
        "services",
        [{"name": "user", "shard_map": [{"shards": 2}]}],
        "expected a list such as",
    ),
    "no load": ("requests_per_second", 0, "expected 2 to 1000000, a number"),
    "load with a separator": ("requests_per_second", "1,000", '"1,000" does not fit'),
    "load that is true": ("requests_per_second", True, '"True" does not fit'),
    "load that is a word": ("requests_per_second", "many", '"many" does not fit'),
    "load with an exponent": ("requests_per_second", "1e3", "a number without separators"),
    "load with underscores": ("requests_per_second", "1_000", "a number without separators"),
    "load with a leading zero": ("requests_per_second", "0100", "a number without separators"),
    "load in other digits": ("requests_per_second", "\u0661\u0660\u0660", "a number without separators"),
    "load of two lines": ("requests_per_second", "10\n20", "a number without separators"),
    "load that is not a number": ("requests_per_second", float("nan"), '"nan" does not fit'),
    "load without end": ("requests_per_second", float("inf"), '"inf" does not fit'),
    "shrinking": ("growth_factor", 0.5, "expected 1 to 1000, a number"),
    "broker that isn't offered": ("events", "rabbitmq", "expected kafka or sqs"),
    "half a day": ("event_log_days", 0.5, "expected 1 to 3650, a whole number"),
    "region by its city": (
        "region",
        "Frankfurt",
        '"Frankfurt" is not a region with three zones',
    ),
    "region with a zone": ("region", "eu-central-1a", "one of af-south-1"),
    "domain with a scheme": ("domain", "https://shop.example.com", "without scheme, port or path"),
    "domain of one label": ("domain", "localhost", '"localhost" is not a public host name'),
    "domain in another alphabet": ("domain", "büro.example.com", "other alphabets as xn--"),
    "domain too long for a certificate": ("domain", "a" * 41 + ".example.com", "at most 52"),
    "domain that can't be registered": ("domain", "shop.local", "is not a public host name"),
    "name with a word that Cognito refuses": ("name", "my-aws-shop", "Cognito refuses the words aws"),
    "region with two zones": ("region", "us-west-1", "is not a region with three zones"),
    "address without a host": ("alarm_email", "ops", '"ops" is not an e-mail address'),
    "repository by its address": ("repository", "https://github.com/acme/shop", "expected owner/name"),
    "licence that isn't offered": ("licence", "WTFPL", "expected proprietary or Apache-2.0 or MIT"),
}


LIST = {"list": ["admin"]}
RESOURCES: dict[str, tuple[str, dict[str, Any], str]] = {
    "name like a sentence": ("My seat", {"fields": {"a": {"type": "date"}}, "operations": LIST}, ": expected a name"),
    "fields in a list": ("seat", {"fields": ["a"], "operations": LIST}, ".fields: expected a mapping"),
    "no fields": ("seat", {"operations": LIST}, ".fields: expected a mapping"),
    "field that is a word": ("seat", {"fields": {"a": "string"}, "operations": LIST}, ".fields.a: expected a mapping"),
    "unknown type": ("seat", {"fields": {"a": {"type": "strng"}}, "operations": LIST}, "whose type is one of string"),
    "field in capitals": (
        "seat",
        {"fields": {"A": {"type": "date"}}, "operations": LIST},
        ".A: expected a name",
    ),
    "enum without values": ("seat", {"fields": {"a": {"type": "enum"}}, "operations": LIST}, "expected values: ["),
    "reference to nothing": ("seat", {"fields": {"a": {"type": "reference"}}, "operations": LIST}, "expected to: <"),
    "role that is no list": (
        "seat",
        {"fields": {"a": {"type": "date"}}, "operations": {"list": "admin"}},
        ".operations: expected a mapping of operations to lists",
    ),
    "unknown format": (
        "seat",
        {"fields": {"a": {"type": "string", "format": "mail"}}, "operations": LIST},
        ".a.format: expected one of email",
    ),
    "pattern that is no text": (
        "seat",
        {"fields": {"a": {"type": "string", "pattern": 1}}, "operations": LIST},
        "expected pattern and example as texts",
    ),
    "blank in words": (
        "seat",
        {"fields": {"a": {"type": "string", "blank": "no"}}, "operations": LIST},
        "blank and caseless as true or false",
    ),
    "computed in words": (
        "seat",
        {"fields": {"a": {"type": "string", "computed": "yes"}}, "operations": LIST},
        "expected computed and set_once as true or false",
    ),
    "writer that is no list": (
        "seat",
        {"fields": {"a": {"type": "string", "written_by": "admin"}}, "operations": LIST},
        ".a.written_by: expected a list of roles",
    ),
    "steps in a list": (
        "seat",
        {"fields": {"a": {"type": "enum", "values": ["x"], "transitions": ["x"]}}, "operations": LIST},
        ".a.transitions: expected values",
    ),
    "step without roles": (
        "seat",
        {"fields": {"a": {"type": "enum", "values": ["x"], "transitions": {"x": "y"}}}, "operations": LIST},
        ".a.transitions: expected values",
    ),
    "role of a step that is no list": (
        "seat",
        {"fields": {"a": {"type": "enum", "values": ["x"], "transitions": {"x": {"y": "admin"}}}}, "operations": LIST},
        ".a.transitions: expected values",
    ),
    "several defaults": (
        "seat",
        {"fields": {"a": {"type": "string", "default": ["x"]}}, "operations": LIST},
        ".a.default: expected one value",
    ),
    "no operations": ("seat", {"fields": {"a": {"type": "date"}}}, ".operations: expected a mapping"),
}
"""Resources that no code can be written from: name, content, what is said."""


@functools.cache
def given_judge_environment() -> jinja2.Environment:
    return jinja2.sandbox.SandboxedEnvironment(
        loader=jinja2.FileSystemLoader(ROOT),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
    )


@functools.cache
def given_judge() -> Any:
    """What judges all answers that were given, as copier runs it: milliseconds where a copy takes seconds."""
    return given_judge_environment().get_template("templates/answers/given.jinja").module


@pytest.mark.parametrize(("name", "resource", "message"), RESOURCES.values(), ids=RESOURCES.keys())
def test_a_resource_that_no_code_can_be_written_from(name: str, resource: dict[str, Any], message: str) -> None:
    said = given_judge().problems({"services": [{"name": "user", "resources": {name: resource}}]})
    assert f'services: service "user", resources.{name}' in said
    assert message in said


@pytest.mark.parametrize(("question", "answer", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(question: str, answer: object, message: str) -> None:
    said = given_judge().problems({question: answer})
    assert said.startswith(f"{question}: ")
    assert message in said


def test_an_answer_that_is_asked_for_is_judged_alike() -> None:
    """What is refused when it is given is refused by the question's validator as well, and no question is forgotten."""
    questions = {
        name: question
        for name, question in yaml.safe_load((ROOT / "copier.yml").read_text()).items()
        if not name.startswith("_") and question.get("when") is not False
    }
    assert list(questions) == given_judge().questions
    judged = set()
    for name, answer, _ in REFUSED.values():
        if "validator" in questions[name]:
            # As copier hands it over: of type yaml what the text says, else the text.
            asked = str(answer)
            if questions[name]["type"] == "yaml":
                asked = yaml.safe_load(answer) if isinstance(answer, str) else answer
            told = given_judge_environment().from_string(questions[name]["validator"])
            assert told.render({"requests_per_second": "", "growth_factor": "", name: asked}).strip(), (name, answer)
            judged.add(name)
    assert judged == {name for name, question in questions.items() if "validator" in question}


def test_all_that_is_wrong_with_the_services_is_said_at_once(template: Path, tmp_path: Path) -> None:
    services = [{"name": "User"}, {"name": "order", "read_share": 2}, {"name": "order", "colour": "red"}]
    with pytest.raises(copier.errors.UserMessageError, match="services") as refusal:
        make_project(template, tmp_path / "project", {"services": services})
    for message in ('"User" cannot name', 'service "order", read_share', '"order" is listed twice', '"colour"'):
        assert message in str(refusal.value)
    assert not (tmp_path / "project").exists()


COPY = [sys.executable, "-m", "copier", "copy", "--defaults", "--vcs-ref=HEAD"]


def test_every_mistake_is_told_at_once_and_without_a_traceback(template: Path, tmp_path: Path) -> None:
    """n9: what is wrong, in lines of 80 columns; then one line and a status of 1; nothing is written."""
    given = {
        "name": "X_y",
        "requests_per_second": "abc",
        "services": "[user, 'order]",
        "licence": "WTFPL",
        "Region": "x",
    }
    options = [f"--data={question}={answer}" for question, answer in given.items()]
    run = subprocess.run([*COPY, *options, str(template), str(tmp_path / "new")], capture_output=True, text=True)
    assert run.returncode == 1
    assert not (tmp_path / "new").exists()
    *told, last = [line for line in run.stderr.splitlines() if line.strip()]
    assert told[0] == "Nothing was written. 5 answers need another value:"
    assert max(map(len, told)) <= 80
    for question in given:
        assert any(line.startswith(f"  {question}: ") for line in told), question
        assert f"{question}: " in last
    assert "Traceback" not in run.stderr


def test_a_data_file_is_judged_alike(template: Path, tmp_path: Path) -> None:
    (tmp_path / "answers.yml").write_text("services: [User, Order]\nregion: mars\nevent_log_days: 1.5\n")
    run = subprocess.run(
        [*COPY, f"--data-file={tmp_path / 'answers.yml'}", str(template), str(tmp_path / "new")],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    for question in ("services", "region", "event_log_days"):
        assert f"  {question}: expected" in run.stderr
    assert "3 answers need" in run.stderr, "two of the four mistakes are in one answer"
    assert "ap-northeast-1" in run.stderr.partition("\n\n'None'")[0], "a name is in one line"
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    "question", ["servises", "Region", "service", "resource", "consumer", "announcement", "package"]
)
def test_a_name_that_no_question_has(question: str) -> None:
    """Copier itself drops them without a word."""
    told = f"{question}: no question has this name; expected one of name, description"
    assert given_judge().problems({question: "user"}).startswith(told)


LISTS = [
    "[user, order]",
    "[ user,]",
    "[\n user,\n order\n]",
    "- user\n- order",
    "[user, {name: invoice, data_gb: 500, read_share: 0.9, exposure: internal}]",
    "[{name: user, description: Größe http://example.com/a?b}]".replace("?", ""),
    """["user", 'order', {'name': "it", "description": "a, b: c] d's"}]""",
    "[{name: a1, resources: {seat: {fields: {a: {type: enum, values: [x, y]}}, operations: {list: [admin]}}}}]",
    json.dumps(["user", {"name": "order", "cqrs": True, "shard_map": [{"since": "2026-01-31", "shards": 2}]}]),
    yaml.safe_dump(["user", {"name": "order", "description": "café: \"x\" # 'y'"}], default_flow_style=True, width=999),
]


@pytest.mark.parametrize("text", LISTS)
def test_lists_of_services_in_every_form(text: str) -> None:
    assert not given_judge().list_problem(text).strip()


def test_no_text_ends_in_a_traceback_of_yaml() -> None:
    """n9, the kind: a mistyped list is refused before YAML reads it, whichever slip it is."""
    judge, chance, unreadable = given_judge(), random.Random(20261130), 0  # noqa: S311
    for _ in range(600):
        text = list(chance.choice([text for text in LISTS if text.startswith("[")]))
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(text))
            if chance.random() < 0.4 and len(text) > 1:
                del text[place]
            else:
                text.insert(place, chance.choice("[]{},:'\" -#&*!|>%@`\t\n\\?=~<x0é"))
        mistyped = "".join(text)
        said = judge.list_problem(mistyped)
        try:
            yaml.safe_load(mistyped)
        except yaml.YAMLError:
            unreadable += 1
            assert "expected a list" in said, mistyped
    assert unreadable > 150


def test_the_template_knows_what_the_declaration_reserves() -> None:
    """A name that the declaration refuses is refused when it is asked for; no other is."""
    environment = jinja2.Environment(  # noqa: S701  nothing here is HTML
        loader=jinja2.FileSystemLoader(ROOT),
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
    )
    checks: Any = environment.get_template("templates/answers/checks.jinja").module

    def refused(name: str, what: str) -> bool:
        return bool(checks.name_problem(name, what).strip())

    lower_case_words = {word for word in PYTHON_WORDS if word.islower()}
    for name in SERVICE_NAMES | lower_case_words | {f"{prefix}x" for prefix in {**SERVICE_PREFIXES, **AWS_PREFIXES}}:
        assert refused(name, "a service"), name
    for prefix in {**AWS_PREFIXES, **BUCKET_PREFIXES, **NAMESPACE_PREFIXES}:
        assert refused(f"{prefix}x", "a system"), prefix
    for name in (*NAMESPACES, "my-aws", "amazonia", "incognito"):
        assert refused(name, "a system"), name
    for name in ("orders", "none-such", "publicity", "isolation", "in-store", "pgadmin", "kube", "classes"):
        assert not refused(name, "a service"), name
        assert not refused(name, "a system"), name
    service: Any = environment.get_template("templates/answers/service.jinja").module
    assert set(service.field_types) == set(FieldType)
    for region in REGIONS:
        assert not checks.region_problem(region).strip(), region
    for noun in ("order", "box", "city", "day", "dish", "match", "class", "quiz", "web-shop"):
        assert checks.path(noun) == plural(noun)
