"""One judge: what the loader refuses of services is refused as an answer, by the same rules (U1)."""

from __future__ import annotations

import copy
import datetime
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
from copier.errors import UserMessageError

from groundplan.capacity import check_limits, plan
from groundplan.declaration.loader import judge_system
from groundplan.declaration.model import ResourceField, System
from groundplan.declaration.rules import MOST_REQUESTS_PER_SECOND, RULES_FILE, rules_text
from infra.tests.following.samples import values
from infra.tests.samples import stack
from tests.projects import ROOT, make_project

# All of them take half a minute: `make prove WHAT=following`. No divisor of the number of wrong values.
EVERY = 1 if os.environ.get("PROVE") else 7
Services = dict[str, Any]


@pytest.fixture(scope="module")
def checks() -> Any:
    environment = jinja2.Environment(  # noqa: S701  nothing here is HTML
        loader=jinja2.FileSystemLoader(ROOT),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
    )
    return environment.get_template("templates/answers/checks.jinja").module


def refused(checks: Any, services: Services) -> str:
    answer = [{"name": name, **(each if isinstance(each, dict) else {})} for name, each in services.items()]
    return str(checks.services_problem(answer)).strip()


def loads(services: Services) -> bool:
    return not judge_system({**values(), "services": services})


def test_the_template_has_the_rules_of_the_declaration() -> None:
    assert (ROOT / RULES_FILE).read_text() == rules_text(), "write it anew: python -m groundplan.declaration.rules"


def test_a_sound_declaration_is_a_sound_answer(checks: Any) -> None:
    assert refused(checks, values()["services"]) == ""
    assert loads(values()["services"])


WRONG_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1, 2, 65, 1.5, 10_001, "", "x", "X y", "a_b", "a\n", "true", "2026-01-31", "2026-02-30",
    [], ["a"], ["A"], ["a.b"], [1], [None], {}, {"a": 1}, {"seconds": 0}, {"invalidation": "x"}, float("inf"),
    datetime.date(2026, 1, 1), "x" * 201,
)  # fmt: skip
"""Put into every place of a declaration."""


def places(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield (*path, key)
            yield from places(each, (*path, key))


def sample() -> Services:
    """Few fields, and every key that a service may have."""
    fields = {
        "subject": {"type": "string", "max_length": 64, "required": True, "indexed": True, "description": "Who"},
        "size": {"type": "integer", "minimum": 0, "maximum": 9, "default": 1},
        "price": {"type": "decimal", "scale": 2},
        "status": {"type": "enum", "values": ["a", "b"], "unique": False, "personal": False},
        "maker": {"type": "reference", "to": "maker", "renamed_from": "producer"},
    }
    resource = {
        "plural": "things",
        "description": "One",
        "owner": "subject",
        "cache": {"invalidation": "expiry", "seconds": 60},
        "renamed_from": "good",
        "api_version": 2,
        "deprecated": {"since": "2026-12-01", "sunset": "2027-06-01", "link": "https://lab.example.com/v2"},
        "earlier_versions": [{"version": 1}],
        "event_version": 2,
        "sent_event_version": 2,
        "earlier_events": [{"version": 1}],
        "fields": fields,
        "operations": {"list": ["customer:own", "admin"], "create": ["admin"]},
    }
    maker = {"fields": {"label": {"type": "text"}}, "operations": {"get": ["anyone"]}}
    first = {
        "description": "Things",
        "exposure": "public",
        "traffic_weight": 1,
        "read_share": 0.5,
        "repeat_share": 0,
        "data_gb": 1,
        "data_growth_gb_per_month": 1,
        "cqrs": False,
        "shard_map": [{"since": "2026-01-31", "shards": 1}],
        "resources": {"thing": resource, "maker": maker},
        "publishes": ["thing.made"],
        "consumes": ["note.written"],
    }
    second = {"resources": {"note": maker}, "publishes": ["note.written"], "consumes": ["thing.made"]}
    return {"things": first, "notes": second}


def changed_at(path: tuple[str, ...], value: object) -> Services:
    services = copy.deepcopy(sample())
    above: Any = services
    for key in path[:-1]:
        above = above[key]
    above[path[-1]] = copy.deepcopy(value)
    return services


TIES = (
    "minimum", "maximum", "max_length", "scale", "default", "unique", "indexed", "values", "owner", "plural", "type",
    "renamed_from", "shard_map", "to", "personal", "read_share", "required", "api_version", "since", "sunset",
    "event_version", "sent_event_version",
)  # fmt: skip
"""Keys whose values may be right alone and wrong beside another: the first command says that, with its line."""


def test_a_wrong_value_anywhere_is_refused_by_both_or_none(checks: Any) -> None:
    """No answer is refused that would load; and one that would not is, unless only another value makes it wrong."""
    assert loads(sample())
    assert refused(checks, sample()) == ""
    strict, missed, counted, turn = [], [], 0, 0
    for path in places(sample()):
        if len(path) == 1:
            continue
        for value in WRONG_VALUES:
            turn += 1
            if turn % EVERY:
                continue
            services = changed_at(path, value)
            said, sound = refused(checks, services), loads(services)
            counted += 1
            if said and sound:
                strict.append((path, value, said))
            if not said and not sound and path[-1] not in TIES:
                missed.append(
                    (path, value, [each.expected for each in judge_system({**values(), "services": services})])
                )
    assert counted > 1000 / EVERY
    assert strict == []
    assert missed == []


@pytest.mark.parametrize(
    "word", ["class", "order", "id", "select", "version", "sort", "page", "xmin", "None", "lambda"]
)
def test_a_field_that_code_or_sql_reserves_is_refused(checks: Any, word: str) -> None:
    services = sample()
    services["things"]["resources"]["thing"]["fields"][word] = {"type": "string"}
    assert not loads(services)
    assert f"fields.{word}: expected" in refused(checks, services)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"consumes": ["note.writen"]}, 'not "note.writen"'),
        ({"consumes": ["thing.made"]}, "that another service publishes"),
        ({"publishes": ["other.made"]}, "one of its own resources"),
    ],
)
def test_events_that_nobody_has_are_refused(checks: Any, change: dict[str, Any], says: str) -> None:
    services = sample()
    services["things"] |= change
    assert not loads(services)
    assert says in refused(checks, services)


def test_events_of_samples_are_known(checks: Any) -> None:
    assert str(checks.services_problem(["user", {"name": "mail", "consumes": ["user.registered"]}])).strip() == ""
    assert (
        str(checks.services_problem(["user", {"name": "mail", "consumes": ["depot.created"]}, "depot"])).strip() == ""
    )
    said = str(checks.services_problem(["user", {"name": "mail", "consumes": ["user.craeted"]}]))
    assert 'one of user.registered, user.closed, mail.created, mail.updated, mail.deleted, not "user.craeted"' in said


@pytest.mark.parametrize(
    ("service", "says"),
    [
        ({"name": "person", "plural": "people"}, ""),
        ({"name": "person", "plural": "People"}, "plural"),
        ({"name": "person", "plural": 3}, "plural"),
        ({"name": "person", "plural": "people", "resources": {}}, "expected it inside a resource"),
    ],
)
def test_a_service_may_say_the_plural_of_the_resource_it_gets(checks: Any, service: Services, says: str) -> None:
    said = str(checks.services_problem([service])).strip()
    assert bool(said) == bool(says)
    assert says in said


def test_bad_english_is_told_with_what_to_answer(checks: Any) -> None:
    services = ["order", "sales-person", {"name": "data", "plural": "records"}, {"name": "child", "resources": {}}]
    told = " ".join(str(checks.plurals_told(services)).split())
    assert told == (
        "The service sales-person answers at /api/v1/sales-persons. For /api/v1/sales-people "
        "copy again with {name: sales-person, plural: sales-people} among the services."
    )


def test_every_attribute_of_a_field_is_in_the_rules() -> None:
    assert set(json.loads((ROOT / RULES_FILE).read_text())["shapes"]["ResourceField"]["properties"]) == set(
        ResourceField.model_fields
    )


@pytest.mark.parametrize("data", [{"sevices": ["user"]}, {"Region": "eu-west-1"}, {"nmae": "x", "region": "eu-west-1"}])
def test_an_answer_to_no_question_is_told_of(template: Path, tmp_path: Path, data: dict[str, Any]) -> None:
    """Copier drops it, and the default would be taken in silence."""
    with pytest.raises(UserMessageError, match="expected one of name, description, services") as refusal:
        make_project(template, tmp_path / "project", data)
    assert f"{next(iter(data))}: no question has this name" in str(refusal.value)
    assert not (tmp_path / "project").exists()


def test_more_load_than_any_system_holds_is_refused(template: Path, tmp_path: Path) -> None:
    with pytest.raises((ValueError, UserMessageError), match="expected at most 10 with that many requests per second"):
        make_project(template, tmp_path / "project", {"requests_per_second": "1000000", "growth_factor": "1000"})


def test_the_plan_refuses_that_load_too() -> None:
    least = {**values(), "requirements": {"requests_per_second": 1_000_000, "growth_factor": 10}}
    assert MOST_REQUESTS_PER_SECOND == 1_000_000 * 10
    system = System.model_validate(least)
    assert check_limits(plan(system, stack("prod")), system, stack("prod"))
