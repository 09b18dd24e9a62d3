"""Pairs of declarations: a service as a person may declare it, and what they may make of it later."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

from groundplan.declaration.loader import judge_system
from groundplan.declaration.model import System
from infra.tests.following.samples import values

Fields = dict[str, Any]
_WORDS = (
    "amount", "area", "article", "batch", "brand", "channel", "colour", "count", "detail", "grade", "height", "label",
    "level", "mark", "note", "origin", "phase", "place", "rank", "reason", "shade", "site", "stage", "tone", "weight",
)  # fmt: skip
_TYPES = (
    "string", "string", "text", "integer", "decimal", "boolean", "date", "timestamp", "uuid", "enum", "json",
    "reference",
)  # fmt: skip
_VALUES = ("fresh", "ready", "sent", "done", "lost", "found")


def field(rng: Random, *, optional: bool = False) -> Fields:
    kind = rng.choice(_TYPES)
    made: Fields = {"type": kind}
    match kind:
        case "string":
            made["max_length"] = rng.choice((20, 60, 200))
            made |= rng.choice(({}, {"indexed": True}, {"unique": True}, {"personal": True}))
        case "text":
            made |= rng.choice(({}, {"max_length": 500}))
        case "integer":
            made |= rng.choice(({}, {"minimum": 0}, {"minimum": 0, "maximum": 100}, {"indexed": True}))
        case "decimal":
            made |= rng.choice(({"scale": 2}, {"scale": 4, "minimum": 0}, {}))
        case "enum":
            made["values"] = list(_VALUES[: rng.randint(2, 5)])
            made |= rng.choice(({}, {"indexed": True}))
        case "reference":
            made["to"] = rng.choice(("supplier", "journal.entry"))
    if rng.random() < 0.3:
        default = {"string": "plain", "text": "plain", "integer": 3, "decimal": 3, "boolean": False, "enum": "fresh"}
        if kind in default and "unique" not in made:
            made["default"] = default[kind]
    if rng.random() < 0.4 and (not optional or "default" in made) and kind != "reference":
        made["required"] = True
    return made


def declaration(rng: Random) -> dict[str, Any]:
    """A sound declaration whose service `catalogue` has some fields of its own."""
    while True:
        made = values()
        service = made["services"]["catalogue"]
        item = service["resources"]["item"]
        item["fields"] = {"holder_id": item["fields"]["holder_id"]} | {
            name: field(rng) for name in rng.sample(_WORDS, rng.randint(2, 8))
        }
        service["cqrs"] = rng.random() < 0.3
        if rng.random() < 0.3:
            del item["operations"]["delete"]
            service["publishes"] = ["item.created"]
        if not judge_system(made):
            return made


def changed(rng: Random, before: dict[str, Any]) -> dict[str, Any]:
    """The same with one to five changes, and sound again."""
    while True:
        after = copy.deepcopy(before)
        for _ in range(rng.randint(1, 5)):
            _change(rng, after["services"]["catalogue"])
        if after != before and not judge_system(after):
            return after


def _change(rng: Random, service: dict[str, Any]) -> None:
    item = service["resources"].get("item") or service["resources"]["goods"]
    fields: Fields = item["fields"]
    own = [name for name in fields if name != "holder_id"]
    match rng.choice(("add", "add", "remove", "rename", "attribute", "attribute", "attribute", "resource", "service")):
        case "add":
            name = rng.choice(_WORDS)
            if name not in fields:
                fields[name] = field(rng, optional=rng.random() < 0.97)
        case "remove" if len(own) > 1:
            del fields[rng.choice(own)]
        case "rename" if own:
            older, newer = rng.choice(own), rng.choice(_WORDS)
            if newer not in fields and "renamed_from" not in fields[older]:
                items = [(newer if name == older else name, each) for name, each in fields.items()]
                fields.clear()
                fields.update(items)
                fields[newer]["renamed_from"] = older
        case "attribute" if own:
            _attribute(rng, fields[rng.choice(own)])
        case "resource":
            _resource(rng, item, service)
        case "service":
            service |= rng.choice(({"cqrs": not service.get("cqrs")}, {"data_gb": 20}, {"exposure": "internal"}))


def _attribute(rng: Random, chosen: Fields) -> None:
    name = rng.choice(("required", "unique", "indexed", "personal", "description", "default", "bounds"))
    if name == "default":
        chosen.pop("default", None)
    elif name == "bounds":
        match chosen["type"]:
            case "string":
                chosen["max_length"] = rng.choice((10, 40, 100, 300))
            case "text":
                chosen |= rng.choice(({"max_length": 100}, {"max_length": 1000}))
            case "integer":
                chosen |= rng.choice(({"minimum": -5}, {"minimum": 1}, {"maximum": 50}, {"maximum": 500}))
            case "decimal":
                chosen["scale"] = rng.choice((0, 2, 3, 5))
            case "enum":
                chosen["values"] = list(_VALUES[: rng.randint(1, 6)])
            case "uuid":
                chosen |= {"type": "reference", "to": "journal.entry"}
    elif name == "description":
        chosen["description"] = rng.choice(_WORDS)
    elif name == "unique" and chosen["type"] in ("boolean", "enum"):
        pass  # as many rows as values: no rows to migrate
    elif chosen.get(name):
        del chosen[name]
    else:
        chosen[name] = True


def _resource(rng: Random, item: dict[str, Any], service: dict[str, Any]) -> None:
    match rng.choice(("delete", "owner", "cache", "roles", "plural", "event")):
        case "delete":
            if item["operations"].pop("delete", None) is None:
                item["operations"]["delete"] = ["admin"]
            service["publishes"] = ["item.created"]
        case "cache":
            if item.pop("cache", None) is None:
                item["cache"] = {"invalidation": "expiry", "seconds": 60}
        case "roles":
            item["operations"]["create"] = rng.choice((["admin"], ["customer", "admin"], ["customer:own"]))
        case "plural":
            item["plural"] = rng.choice(("items", "goods", "wares"))
        case "event":
            service["publishes"] = rng.choice((["item.created"], ["item.created", "item.updated"], ["item.updated"]))


def pair(seed: int) -> tuple[System, System]:
    rng = Random(seed)  # noqa: S311  # not for secrets
    before = declaration(rng)
    after = changed(rng, before)
    return System.model_validate(before), System.model_validate(after)
