"""One rule on texts in four places: service, database, gateway and OpenAPI document (h9, S6, D1)."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from itertools import product
from typing import Annotated, Any

import jsonschema
import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundplan.declaration import text_rules
from groundplan.declaration.loader import parse_system
from groundplan.declaration.model import FieldType, Resource, ResourceField
from groundplan.document.data_model import compared, service_ddl
from groundplan.program.body_schemas import body_schema
from groundplan_chassis import fields
from groundplan_chassis.http.bodies import BodyType
from groundplan_chassis.http.errors import ValidationFailed
from groundplan_chassis.http.schemas import struct_schema
from groundplan_devkit.testing import FreshDatabase
from tests.projects import ROOT

RULES: dict[str, dict[str, Any]] = {
    **{str(form): {"format": str(form)} for form in text_rules.FORMATS},
    "visible": {"blank": False},
    "long_enough": {"min_length": 3},
    "visible_and_long_enough": {"blank": False, "min_length": 2, "max_length": 8},
    "pattern": {"pattern": "[A-Z]{2}-(?:[0-9]+|urn:x\\.[a-z']+)", "example": "AB-1"},
    "pattern_of_blanks": {"pattern": "[^,]*", "blank": False, "example": "x"},
    "none": {},
}
DECLARATION = """
name: shop
identity: {{roles: [admin]}}
services:
  all:
    resources:
      thing:
        fields: {fields}
        operations: {{create: [admin]}}
"""
KNOWN = (
    *("", " ", "\t", "\n", "\u00a0", "\u200b", "\u3164", "\u2800", "\u00ad\ufe0f", " x ", "x\n", "\u0301", "e\u0301"),
    *("not an e-mail", "anna@example.com", "ANNA@EXAMPLE.COM", "a@b", "a@b.c", "a@b.c\n", "@", "a..b@c.de", "ä@b.de"),
    *("https://example.com/a?b=c#d", "javascript:alert(1)", "urn:a:b", "http://", "https://a.b:99/", "https://x y.de"),
    *(
        "DE",
        "de",
        "D3",
        "EUR",
        "eur",
        "+4930123456",
        "0049",
        "+0",
        "en",
        "pt-BR",
        "zh-Hant-TW",
        "EN",
        "www.example.com",
    ),
    *("-a.b", "a-.b", "a" * 64 + ".b", "AB-12", "AB-12\n", "AB-urn:x.it's", "ab-1", "xyz", "x" * 255, "x" * 256, "😀"),
)


def declared() -> Resource:
    text = json.dumps({name: {"type": "string", "required": True, **rule} for name, rule in RULES.items()})
    return parse_system(DECLARATION.format(fields=text), "system.yaml").services["all"].resources["thing"]


RESOURCE = declared()


def coded(name: str) -> BodyType:
    """The field as a service's code has it."""
    rule = RULES[name]
    options = {key: rule[key] for key in ("format", "pattern", "blank") if key in rule}
    meta = msgspec.Meta(max_length=rule.get("max_length", 255), min_length=rule.get("min_length"))
    annotation = Annotated[str, fields.text(**options), meta]
    return BodyType(msgspec.defstruct(name, [(name, annotation)], forbid_unknown_fields=True))


SERVICE = {name: coded(name) for name in RULES}
GATEWAY = json.loads(body_schema(RESOURCE))["properties"]
DOCUMENT = {name: struct_schema(body._struct)["properties"][name] for name, body in SERVICE.items()}


@pytest.fixture
def table(database: FreshDatabase) -> Iterator[psycopg.Connection]:
    text = json.dumps({name: {"type": "string", **rule} for name, rule in RULES.items()})
    system = parse_system(DECLARATION.format(fields=text), "system.yaml")
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute(service_ddl(system, "all").encode())
        yield connection


def verdicts(table: psycopg.Connection, name: str, text: str) -> dict[str, bool]:
    found = {
        "gateway": not list(jsonschema.Draft4Validator(GATEWAY[name]).iter_errors(text)),
        "document": not list(jsonschema.Draft202012Validator(DOCUMENT[name]).iter_errors(text)),
    }
    try:
        SERVICE[name].decode(msgspec.json.encode({name: text}))
        found["service"] = True
    except ValidationFailed:
        found["service"] = False
    try:
        table.execute(f"INSERT INTO things ({name}) VALUES (%s)".encode(), [text])  # noqa: S608 - names of this file
        found["database"] = True
    except (psycopg.errors.IntegrityError, psycopg.errors.DataError):
        found["database"] = False
    return found


def agree(table: psycopg.Connection, name: str, text: str) -> None:
    found = verdicts(table, name, text)
    # Python's own engine, with which the schemas are read here, lets `$` match before a line break.
    if text.endswith("\n"):
        del found["gateway"], found["document"]
    assert len(set(found.values())) == 1, (name, text, found)


def test_known_texts(table: psycopg.Connection) -> None:
    for name, text in product(RULES, KNOWN):
        agree(table, name, text)


@pytest.mark.parametrize("name", RULES)
def test_any_text(table: psycopg.Connection, name: str) -> None:
    rule = RESOURCE.fields[name]
    patterns = text_rules.expressions(rule.format, rule.pattern, blank=rule.blank)
    anything = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
    near = [st.from_regex(re.compile(each, re.ASCII)) for each in patterns if each != text_rules.VISIBLE]
    blanks = st.text(st.sampled_from("\t \u00a0\u2003\u200b\u3164x"), max_size=6)

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.one_of(anything, blanks, *near, *(each.map(lambda text: text[1:] + text[:1]) for each in near)))
    def search(text: str) -> None:
        if "\0" not in text:
            agree(table, name, text)

    search()


def test_the_three_copies_are_one() -> None:
    assert {str(name): pattern for name, pattern in text_rules.FORMATS.items()} == fields.FORMATS
    assert text_rules.VISIBLE == fields.VISIBLE
    answers = json.loads((ROOT / "templates/answers/text-rules.json").read_text(encoding="utf-8"))
    assert answers == {"formats": fields.FORMATS, "visible": fields.VISIBLE}


CASELESS = ResourceField(type=FieldType.STRING, unique=True, caseless=True, max_length=200)
EMAIL = ResourceField(
    type=FieldType.STRING, unique=True, caseless=True, max_length=254, format=text_rules.TextFormat.EMAIL
)


def test_every_letter_is_one_in_either_case_and_form(table: psycopg.Connection) -> None:
    """All of Unicode that this Python knows: what it folds to one text is one value, and NFC beside NFD is."""
    pairs = []
    for number in range(1, 0x110000):
        letter = chr(number)
        if unicodedata.category(letter) in ("Cs", "Cn", "Co"):
            continue
        others = {letter.casefold(), letter.upper(), letter.lower()}
        others |= {unicodedata.normalize("NFD", letter), unicodedata.normalize("NFC", letter)}
        pairs += [(letter, other) for other in others if other != letter]
    key = compared("value", CASELESS)
    statement = f"""
        SELECT one, other FROM unnest(%s::text[], %s::text[]) AS pair (one, other)
        WHERE {key.replace("value", "one")} <> {key.replace("value", "other")}
    """  # noqa: S608 - an expression of the product
    apart = table.execute(statement.encode(), [[one for one, _ in pairs], [other for _, other in pairs]]).fetchall()
    assert len(pairs) > 4000
    # Turkish letters: upper case without a dot is another letter's, and no language-free rule makes them one.
    assert {one for one, _ in apart} <= {"\u0130"}, [ascii(pair) for pair in apart]


def test_values_that_differ_in_case_or_form_are_one(table: psycopg.Connection) -> None:
    for field, same in (
        (EMAIL, ["anna@example.com", "Anna@Example.COM"]),
        (CASELESS, ["caf\u00e9", "cafe\u0301", "CAF\u00c9", "CAFE\u0301"]),
        (CASELESS, ["Stra\u00dfe", "STRASSE", "STRA\u1e9eE"]),
        (CASELESS, ["\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "\u03a3\u0399\u0301\u03a3\u03a5\u03a6\u039f\u03a3"]),
    ):
        key = compared("value", field).encode()
        for one, other in product(same, same):
            found = table.execute(
                b"SELECT %b = %b"
                % (key.replace(b"value", b"%(one)s::text"), key.replace(b"value", b"%(other)s::text")),
                {"one": one, "other": other},
            ).fetchone()
            assert found == (True,), (one, other)
