"""Patterns of a declaration: those that every engine reads alike, and that no text makes slow (h9)."""

from __future__ import annotations

import re
import time

import pytest

from groundplan.declaration.loader import parse_system
from groundplan.declaration.patterns import pattern_problem
from groundplan.declaration.text_rules import FORMATS
from groundplan.problems import ProblemsFound
from infra.tests.declaration.cases import SOUND

TAKEN = (
    *(pattern.removeprefix("^").removesuffix("$") for pattern in FORMATS.values()),
    "[A-Z]{2}[0-9]+(-[A-Z0-9]+)*",
    "[a-z][a-z0-9-]*[a-z0-9]",
    "([a-z]+ )*[a-z]+",
    "(a|ab)(c|bcd)*",
    "[^,]*,[^,]*",
    "urn:isbn:[0-9]{9,13}",
    "(?:yes|no)?",
    "\\+?[0-9 ()/-]{5,20}",
    "[A-Z]{30}",
    "a|",
)
AMBIGUOUS = (
    "(a+)+",
    "(a*)*",
    "(a|a)*",
    "(a|b|ab)*c",
    "([a-z]+ ?)+",
    "a*a*b",
    "[0-9]+[0-9]+",
    "([a-z]+[0-9]*)+x?[0-9]*",
    "(a?){20}",
    "a?a?a?a?b",
    "(|)(|)",
    "(.+)+".replace(".", "[ -~]"),
    "([0-9]{1,18}){1,10}",
)
OTHERWISE_READ = (
    *("^a", "a$", ".", "\\d+", "\\w", "\\bx", "\\1", "(?=a)", "(?i)a", "(?P<n>a)", "a*?", "a++", "a**", "a{300}"),
    *("a{2,1}", "a{,3}", "{", "a{0}", "[z-a]", "[]", "[a", "(", ")", "(a", "*", "é", "[é]", "[[:alpha:]]", "[a--b]"),
    *("\\", "a\tb", "[a&&b]"),
)


@pytest.mark.parametrize("pattern", TAKEN)
def test_taken(pattern: str) -> None:
    assert pattern_problem(pattern) is None


@pytest.mark.parametrize("pattern", AMBIGUOUS)
def test_what_a_text_can_make_slow_is_refused(pattern: str) -> None:
    found = pattern_problem(pattern)
    assert found is not None
    assert "repeat" in found[0] + found[1] or "one way" in found[0]


@pytest.mark.parametrize("pattern", OTHERWISE_READ)
def test_what_engines_read_in_two_ways_is_refused(pattern: str) -> None:
    assert pattern_problem(pattern) is not None


@pytest.mark.parametrize("pattern", TAKEN)
def test_no_text_takes_long(pattern: str) -> None:
    """Runs of each character that the pattern has, and one at the end that it never takes."""
    whole = re.compile(f"^({pattern})$")
    for character in sorted({*pattern, "a", "0", "A"}):
        started = time.process_time()
        whole.search(character * 5000 + "\n!")
        assert time.process_time() - started < 0.5, character


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("{type: string, pattern: '(a+)+', example: a}", "one way to read each text"),
        ("{type: string, pattern: '[a-z]+', required: true}", "an `example` of the form"),
        ("{type: string, pattern: '[a-z]+', example: A}", "a value of the declared form"),
        ("{type: string, min_length: 3, example: ab}", "3 to 255 characters"),
        ("{type: string, format: mail}", "`email`"),
        ("{type: string, format: uuid}", "uuid is a type"),
        ("{type: string, format: date}", "date is a type"),
        ("{type: text, format: email}", "`format` only with the type `string`"),
        ("{type: string, format: email, pattern: a, example: a}", "not both"),
        ("{type: string, format: email, max_length: 4}", "the shortest email"),
        ("{type: integer, blank: false}", "`blank` only with the type"),
        ("{type: integer, min_length: 2}", "`min_length` only with the type"),
        ("{type: string, min_length: 20, max_length: 10}", "at most the most characters, 10"),
        ("{type: string, caseless: true}", "`caseless` beside `unique`"),
        ("{type: string, caseless: true, unique: true}", "a `max_length` of at most 200"),
    ],
)
def test_rules_that_fit_no_field_are_refused(field: str, expected: str) -> None:
    with pytest.raises(ProblemsFound) as refused:
        parse_system(SOUND.replace("amount: {type: integer, minimum: 1}", f"amount: {field}"), "system.yaml")
    assert [expected in str(problem.expected) for problem in refused.value.problems] == [True], refused.value
