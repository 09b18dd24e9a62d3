"""The value of a personal field after an erasure: the template writes what the declaration's check looks at (S8)."""

from __future__ import annotations

import re

import jinja2
from hypothesis import given
from hypothesis import strategies as st

from groundplan.declaration.erased import erased_value
from groundplan.declaration.model import FieldType, ResourceField
from groundplan.declaration.text_rules import FORMATS, TextFormat
from tests.projects import ROOT

MACRO = jinja2.Environment(  # noqa: S701  nothing here is HTML
    loader=jinja2.FileSystemLoader(ROOT), trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
).get_template("templates/answers/erased.jinja")
FIELDS = st.fixed_dictionaries(
    {"type": st.sampled_from([str(each) for each in FieldType])},
    optional={
        "required": st.booleans(),
        "unique": st.booleans(),
        "max_length": st.integers(1, 100),
        "min_length": st.integers(1, 100),
        "format": st.sampled_from([str(each) for each in TextFormat]),
        "pattern": st.just("[a-z]+"),
        "minimum": st.integers(-3, 3),
        "maximum": st.integers(-3, 3),
        "values": st.just(["a", "b"]),
    },
)


@given(FIELDS)
def test_template_and_declaration_agree(declared: dict[str, object]) -> None:
    rendered = str(MACRO.module.erased(declared)).strip()  # type: ignore[attr-defined]
    assert (rendered or None) == erased_value(ResourceField.model_validate(declared))


def test_an_erased_address_is_an_address() -> None:
    value = erased_value(ResourceField.model_validate({"type": "string", "format": "email", "required": True}))
    assert value == "id::text || '@erased.invalid'"
    assert re.search(FORMATS[TextFormat.EMAIL], "018f2d3c-0000-7000-8000-000000000000@erased.invalid")
