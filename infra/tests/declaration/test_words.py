"""What a message advises in the place of a name that can't be one (n6)."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as some

from groundplan.declaration.words import (
    EVENT,
    HYPHENATED,
    IDENTIFIER,
    IRREGULAR_PLURALS,
    in_form,
    irregular_plural,
    plural,
)

ADVISED = {
    "Größe": "groesse",
    "Straße": "strasse",
    "Café au lait": "cafe-au-lait",
    "Ærø": "aeroe",
    "OrderLine": "order-line",
    "order_line": "order-line",
    "Łódź": "lodz",
    "ﬁle": "file",
}


@pytest.mark.parametrize(("name", "advised"), ADVISED.items(), ids=ADVISED)
def test_a_name_is_written_in_latin_letters_as_its_language_does(name: str, advised: str) -> None:
    assert in_form(HYPHENATED, name) == advised
    assert in_form(HYPHENATED, unicodedata.normalize("NFD", name)) == advised


@pytest.mark.parametrize("name", ["Заказ", "注文", "طلب", "order-Заказ", "·", ""])
def test_of_another_alphabet_nothing_is_advised(name: str) -> None:
    """Half a name is worse than none."""
    assert in_form(HYPHENATED, name) is None


@given(some.text(min_size=1, max_size=12), some.sampled_from([HYPHENATED, IDENTIFIER, EVENT]))
def test_advice_has_the_form_and_loses_no_letter(name: str, form: str) -> None:
    advised = in_form(form, name)
    if advised is not None:
        assert re.search(form, advised)
        letters = [character for character in name if character.isalnum()]
        assert len(re.sub(r"[-_.]", "", advised)) >= len(letters)


@pytest.mark.parametrize(
    ("noun", "right"),
    [("person", "people"), ("sales-person", "sales-people"), ("order-data", "order-data"), ("people", "people")],
)
def test_the_rule_of_english_and_where_it_fails(noun: str, right: str) -> None:
    assert irregular_plural(noun) == right


@pytest.mark.parametrize("noun", ["order", "box", "category", "day", "order-line", "personal"])
def test_regular_nouns_need_no_plural(noun: str) -> None:
    assert irregular_plural(noun) is None


def test_paths_and_tables_of_deployed_projects_stay() -> None:
    """`plural` names tables: what it says of a noun must never change, were it ever so wrong."""
    said = ["persons", "datas", "childs", "orders", "boxes", "categories", "days", "serieses", "analysises"]
    nouns = ["person", "data", "child", "order", "box", "category", "day", "series", "analysis"]
    assert [plural(noun) for noun in nouns] == said
    assert all(plural(noun) != right for noun, right in IRREGULAR_PLURALS.items())
