"""Erasure is declared so that it finds its rows, leaves nothing telling, and reaches every service (S8)."""

from __future__ import annotations

from typing import Any

import pytest

from groundplan.declaration.erased import erased_value
from groundplan.declaration.loader import judge_system
from groundplan.declaration.model import FieldType, ResourceField, System
from groundplan.document.data_model import service_ddl

Declared = dict[str, Any]


def declared(**changes: Any) -> Declared:
    """Persons, and their addresses in another service; ``changes`` by `service__resource__key`, `service__key`."""
    services: Declared = {
        "user": {
            "resources": {
                "user": {
                    "owner": "subject",
                    "erasure": "person",
                    "fields": {
                        "subject": {"type": "string", "max_length": 64, "required": True, "indexed": True},
                        "email": {"type": "string", "format": "email", "required": True, "personal": True},
                    },
                    "operations": {"create": ["admin"], "delete": ["customer:own", "admin"]},
                }
            },
            "publishes": ["user.erased"],
        },
        "mail": {
            "resources": {
                "address": {
                    "owner": "holder",
                    "erasure": "delete",
                    "fields": {
                        "holder": {"type": "uuid", "indexed": True},
                        "street": {"type": "string", "personal": True},
                    },
                    "operations": {"create": ["customer:own"], "delete": ["customer:own"]},
                }
            },
            "consumes": ["user.erased"],
        },
    }
    for place, value in changes.items():
        service, *resource, key = place.split("__")
        above = services[service]["resources"][resource[0]] if resource else services[service]
        if value is None:
            del above[key]
        else:
            above[key] = value
    roles = {"roles": ["customer", "admin"]}
    return {"name": "club", "identity": roles, "services": services}


def said(**changes: Any) -> list[tuple[str, str, str]]:
    return [(".".join(map(str, each.path)), each.expected, each.remedy) for each in judge_system(declared(**changes))]


def test_a_sound_one() -> None:
    assert said() == []
    system = System.model_validate(declared())
    assert system.erasure_events() == {"user.erased": ("user", "subject")}
    for service in ("user", "mail"):
        assert "CREATE TABLE erasures" in service_ddl(system, service)


def test_without_erasure_nothing_is_added() -> None:
    changes = {"user__user__erasure": None, "mail__address__erasure": None}
    assert said(**changes) == []
    system = System.model_validate(declared(**changes))
    assert system.erasure_events() == {}
    assert "erasures" not in service_ddl(system, "user")


ADDRESS = "services.mail.resources.address"
PERSONAL_TOTAL = {"holder": {"type": "uuid"}, "street": {"type": "string", "required": True, "unique": True,
                  "max_length": 35, "personal": True}}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "path", "expected", "remedy"),
    [
        ({"mail__address__owner": None, "mail__address__operations": {"delete": ["admin"]}}, f"{ADDRESS}.erasure",
         "an `owner` beside it", "add `owner: <field>`"),
        ({"mail__address__operations": {"create": ["admin"]}}, f"{ADDRESS}.erasure", "an operation `delete`",
         "or write `erasure: anonymise`"),
        ({"mail__address__erasure": "anonymise", "mail__address__fields": {"holder": {"type": "uuid"}}},
         f"{ADDRESS}.erasure", "a field with `personal: true`", "declare what is personal"),
        ({"mail__address__fields": PERSONAL_TOTAL}, f"{ADDRESS}.fields.street", "a value that says nothing",
         "remove `required`"),
        ({"mail__address__plural": "erasures"}, ADDRESS, "another name", "give it a `plural`"),
        ({"mail__consumes": []}, "services.mail.consumes", "one of `user.erased` in `consumes`",
         "add `consumes: [user.erased]`"),
        ({"mail__consumes": [], "user__publishes": []}, "services.mail.consumes", "published and consumed",
         "add `user.erased` to `publishes`"),
        ({"mail__consumes": [], "user__user__erasure": "delete", "user__publishes": []}, "services.mail.consumes",
         "a resource with `erasure: person`", "declare it on the resource"),
    ],
)  # fmt: skip
def test_a_wrong_one(changes: Declared, path: str, expected: str, remedy: str) -> None:
    found = [each for each in said(**changes) if each[0] == path]
    assert found, said(**changes)
    assert expected in found[0][1]
    assert remedy in found[0][2]


@pytest.mark.parametrize("type_", [each for each in FieldType if each is not FieldType.REFERENCE])
def test_every_type_has_an_erased_value(type_: FieldType) -> None:
    values = ["a", "b"] if type_ is FieldType.ENUM else None
    optional = {"values": values} if values else {}
    assert erased_value(ResourceField.model_validate({"type": str(type_), **optional})) == "NULL"
    assert erased_value(ResourceField.model_validate({"type": str(type_), "required": True, **optional}))
