"""Versions of events, step by step: what consumers of the release before read, and what they don't (A3, U7)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from groundplan.declaration.model import Service, System
from groundplan.following import following
from groundplan.following.changes import Change, Takes, broken, most
from groundplan.following.events import asyncapi, event_differences
from groundplan.following.services import differences
from groundplan.following.stamps import STAMP, stamp_text
from infra.tests.following.samples import changed, system_of, values

NOTES = {"type": "text", "max_length": 2000}


def declared(*several: dict[str, Any], **item: Any) -> System:
    """With these attributes of the resource `item`, after changes in the notation of `changes.yaml`."""
    return system_of(changed(values(), *several, {"set": {f"r/item/{key}": value for key, value in item.items()}}))


RENAMED = {"move": {"f/price": "amount"}, "set": {"f/amount/renamed_from": "price"}}
FIRST: dict[str, Any] = {"version": 1, "renamed": {"price": "amount"}}
BEFORE = declared()
TAUGHT = declared(RENAMED, event_version=2, sent_event_version=1, earlier_events=[FIRST])
SENT = declared(RENAMED, event_version=2, earlier_events=[FIRST])
FORGOTTEN = declared(RENAMED, event_version=2)
THIRD = [{**FIRST, "without": ["colour"]}, {"version": 2, "without": ["colour"]}]
COLOUR = {"set": {"f/colour": {"type": "string"}}}

HARMLESS: dict[str, tuple[System, System]] = {
    "a version is taught": (BEFORE, TAUGHT),
    "a version that was taught is sent": (TAUGHT, SENT),
    "the one before is sent again": (SENT, TAUGHT),
    "a version that nothing sends any more is forgotten": (SENT, FORGOTTEN),
    "the next one is taught while the newest is sent": (
        SENT,
        declared(RENAMED, COLOUR, event_version=3, sent_event_version=2, earlier_events=THIRD),
    ),
    "the next one is taught while the first is sent yet": (
        TAUGHT,
        declared(RENAMED, COLOUR, event_version=3, sent_event_version=1, earlier_events=THIRD),
    ),
    "one is sent and the next one taught": (
        TAUGHT,
        declared(RENAMED, COLOUR, event_version=3, sent_event_version=2, earlier_events=THIRD),
    ),
    "a version is taught without a field that the first keeps": (
        BEFORE,
        declared(
            {"remove": ["f/notes"]},
            event_version=2,
            sent_event_version=1,
            earlier_events=[{"version": 1, "fields": {"notes": NOTES}}],
        ),
    ),
    "a version is taught whose field may be nothing": (
        BEFORE,
        declared(
            {"set": {"f/quantity/required": False}},
            event_version=2,
            sent_event_version=1,
            earlier_events=[
                {
                    "version": 1,
                    "without": ["quantity"],
                    "fields": {"quantity": {"type": "integer", "required": True, "default": 0}},
                }
            ],
        ),
    ),
    "what was taught and never sent changes": (
        TAUGHT,
        declared(
            RENAMED,
            {"remove": ["f/notes"]},
            event_version=2,
            sent_event_version=1,
            earlier_events=[{**FIRST, "fields": {"notes": NOTES}}],
        ),
    ),
    "a field more in every version": (
        TAUGHT,
        declared(RENAMED, COLOUR, event_version=2, sent_event_version=1, earlier_events=[FIRST]),
    ),
    "a shorter text in what the log has": (
        SENT,
        declared(RENAMED, {"set": {"f/name/max_length": 50}}, event_version=2, earlier_events=[FIRST]),
    ),
}
BREAKING: dict[str, tuple[System, System, str]] = {
    "a version is sent at once": (BEFORE, SENT, "version 2 sent instead of 1, and unknown to consumers"),
    "a version is sent at once, and the first forgotten": (
        BEFORE,
        FORGOTTEN,
        "version 1 read no more: it is sent until now",
    ),
    "a version is sent that another was taught for": (
        TAUGHT,
        declared(RENAMED, COLOUR, event_version=3, earlier_events=THIRD),
        "version 3 sent instead of 1",
    ),
    "the one before is forgotten as soon as it is sent no more": (TAUGHT, FORGOTTEN, "it is sent until now"),
    "the first loses a field while it is sent": (
        TAUGHT,
        declared(RENAMED, {"remove": ["f/notes"]}, event_version=2, sent_event_version=1, earlier_events=[FIRST]),
        "version 1 payload.notes gone",
    ),
    "the first has another name for a field while it is sent": (
        TAUGHT,
        declared(
            RENAMED,
            event_version=2,
            sent_event_version=1,
            earlier_events=[{"version": 1, "renamed": {"fee": "amount"}}],
        ),
        "version 1 payload.price gone",
    ),
    "the newest loses a field": (
        SENT,
        declared(
            RENAMED,
            {"remove": ["f/notes"]},
            event_version=2,
            earlier_events=[{**FIRST, "fields": {"notes": NOTES}}],
        ),
        "version 2 payload.notes gone",
    ),
    "the newest may lack a field": (
        SENT,
        declared(RENAMED, {"set": {"f/quantity/required": False}}, event_version=2, earlier_events=[FIRST]),
        "version 2 payload.quantity",
    ),
    "what is sent was taught otherwise": (
        TAUGHT,
        declared(
            RENAMED,
            {"remove": ["f/notes"]},
            event_version=2,
            earlier_events=[{**FIRST, "fields": {"notes": NOTES}}],
        ),
        "version 2 payload.notes gone",
    ),
    "the log is said to have what it has not": (
        SENT,
        declared(
            RENAMED,
            {"set": {"f/colour": {"type": "string", "required": True, "default": "red"}}},
            event_version=2,
            earlier_events=[FIRST],
        ),
        "version 1 payload.colour new, and required",
    ),
    "a field becomes personal": (
        SENT,
        declared(RENAMED, {"set": {"f/remarks/personal": True}}, event_version=2, earlier_events=[FIRST]),
        "version 2 payload.remarks gone",
    ),
    "the numbers begin anew": (SENT, declared(RENAMED), "version 1 payload.price gone"),
}


def told(before: System, after: System) -> list[Change]:
    """What following says of the resource's events."""
    return [each for each in differences(before.services, after.services) if each.service == "catalogue"]


@pytest.mark.parametrize("name", HARMLESS)
def test_what_consumers_do_not_notice(name: str) -> None:
    before, after = HARMLESS[name]
    found = event_differences(before.services, after.services)
    assert found, "it is told all the same"
    assert not [each for each in found if each.breaks]
    changes = told(before, after)
    assert "events" not in broken(changes)
    assert most(changes) is not Takes.REFUSED


@pytest.mark.parametrize("name", BREAKING)
def test_what_breaks_consumers(name: str) -> None:
    before, after, says = BREAKING[name]
    found = [each for each in event_differences(before.services, after.services) if each.breaks]
    assert any(says in f"{each.place} {each.what}" for each in found if each.contract == "item.created"), found
    changes = [each for each in told(before, after) if "events" in each.breaks]
    assert any(says in each.what for each in changes), changes
    assert all(each.steps for each in changes), "what to do instead is said"


def test_as_many_as_for_apis() -> None:
    assert min(len(HARMLESS), len(BREAKING)) >= 12


def test_a_break_is_told_with_the_version_that_avoids_it() -> None:
    [change] = [each for each in told(BEFORE, declared({"remove": ["f/notes"]})) if "events" in each.breaks]
    assert "`event_version: 2`, `sent_event_version: 1`" in change.steps[-1]
    [change] = [each for each in told(SENT, BREAKING["the newest loses a field"][1]) if "events" in each.breaks]
    assert "`event_version: 3`, `sent_event_version: 2`" in change.steps[-1]


def test_the_steps_of_a_version_that_is_sent_too_soon_can_be_taken() -> None:
    """Refused where a service consumes; each step is then one release and breaks no consumer."""
    [refused] = [each for each in told(BEFORE, SENT) if each.takes is Takes.REFUSED]
    assert refused.steps[0].startswith("add `sent_event_version: 1`, and version 1 to `earlier_events`")
    assert refused.steps[1].startswith("then remove `sent_event_version`")
    for before, after in ((BEFORE, TAUGHT), (TAUGHT, SENT)):
        assert "events" not in broken(told(before, after))
    assert [each.takes for each in told(TAUGHT, SENT)] == [Takes.ONE]

    quiet: dict[str, Any] = {"set": {"journal/consumes": []}}
    alone, at_once = declared(quiet), declared(quiet, RENAMED, event_version=2, earlier_events=[FIRST])
    found = told(alone, at_once)
    assert most(found) is not Takes.REFUSED, "no service of the system has to be released first"
    assert "events" in broken(found)


def test_a_version_that_the_log_may_hold_is_told_when_it_goes() -> None:
    [change] = told(SENT, FORGOTTEN)
    assert (change.takes, change.breaks) == (Takes.ONE, ())
    assert "the event log may hold some" in change.what
    assert "`events.log_retention_days`" in change.steps[0]


def test_a_default_that_is_sent_is_followed() -> None:
    """No consumer notices another schema, and the publisher's code has the value."""
    mood = {"type": "enum", "values": ["good", "bad"], "required": True, "default": "good"}
    before, after = (
        declared(
            event_version=2,
            sent_event_version=1,
            earlier_events=[{"version": 1, "fields": {"mood": {**mood, "default": default}}}],
        )
        for default in ("good", "bad")
    )
    [change] = told(before, after)
    assert (change.path, change.takes, change.breaks) == ("resources.item.event_version", Takes.ONE, ())


def consumers(before: System, after: System) -> list[str]:
    return [each.what for each in differences(before.services, after.services) if each.service == "journal"]


def test_consumers_follow_what_they_are_to_read() -> None:
    assert consumers(BEFORE, TAUGHT) == ["reads events of `item` in version 2, and upcasts 1"]
    assert consumers(TAUGHT, SENT) == []
    assert consumers(SENT, FORGOTTEN) == ["reads events of `item` in version 2"]
    third = declared(RENAMED, COLOUR, event_version=3, sent_event_version=2, earlier_events=THIRD)
    assert consumers(SENT, third) == ["reads events of `item` in version 3, and upcasts 1 and 2"]
    pale = declared(
        RENAMED,
        {"set": {"f/colour": {"type": "string", "default": "pale"}}},
        event_version=3,
        sent_event_version=2,
        earlier_events=THIRD,
    )
    assert consumers(third, pale), "upcasters give the default"
    described = declared(
        RENAMED, {"set": {"f/name/description": "On the label"}}, event_version=2, earlier_events=[FIRST]
    )
    assert consumers(SENT, described) == []
    unheard = declared(RENAMED, {"set": {"journal/consumes": []}}, event_version=2, earlier_events=[FIRST])
    assert consumers(unheard, SENT) == ["consumes: item.created"], "that is told once"


def test_consumers_follow_a_publisher_whose_code_is_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner took it away from the project; what the last commit declared of it is what consumers followed."""
    package = tmp_path / "services/journal/journal_service"
    package.mkdir(parents=True)
    (package / "__main__.py").touch()
    (package.parent / STAMP).write_text(stamp_text(BEFORE.services["journal"]))
    rendered: list[dict[str, Service]] = []

    def render(project: Path, answers: object, services: dict[str, Service]) -> dict[str, str]:
        del project, answers
        rendered.append(services)
        return {}

    monkeypatch.setattr(following, "rendered", render)
    monkeypatch.setattr(following, "answers_services", lambda *_: dict(BEFORE.services))
    answers = {"services": list(BEFORE.services)}
    found = following.follow(tmp_path, answers, TAUGHT.services, BEFORE.services)
    assert [(each.service, each.path) for each in found.changes] == [("journal", "consumes")]
    assert rendered == [BEFORE.services, TAUGHT.services], "the publisher's code is not among what is merged"
    assert list(found.files) == [f"services/journal/{STAMP}"]
    rendered.clear()
    assert following.follow(tmp_path, answers, TAUGHT.services, TAUGHT.services).changes == ()
    assert rendered == []


def test_each_version_is_a_message_of_the_channel() -> None:
    found = asyncapi(TAUGHT)
    schema = json.loads((Path(__file__).parent / "asyncapi-3.0.0.json").read_text(encoding="utf-8"))
    assert [each.message for each in Draft7Validator(schema).iter_errors(found)] == []
    assert list(found["channels"]["item_created"]["messages"]) == ["item_created", "item_created-v1"]
    sends = found["operations"]["catalogue_sends_item_created"]["messages"]
    assert sends == [{"$ref": "#/channels/item_created/messages/item_created-v1"}]
    newest, first = (
        found["components"]["messages"][name]["payload"]["properties"] for name in ("item_created", "item_created-v1")
    )
    assert (newest["schema_version"]["const"], first["schema_version"]["const"]) == (2, 1)
    assert "amount" in newest["payload"]["contentSchema"]["required"]
    assert "price" in first["payload"]["contentSchema"]["required"]
    assert all("contact" not in each["payload"]["contentSchema"]["properties"] for each in (newest, first))
    assert list(asyncapi(BEFORE)["channels"]["item_created"]["messages"]) == ["item_created"]
