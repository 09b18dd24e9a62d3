"""For any file or configuration: an answer, or problems, and nothing else."""

from __future__ import annotations

import string
from contextlib import suppress
from functools import reduce
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from groundplan.declaration.loader import judge_system, parse_system
from groundplan.declaration.model import Resource, ResourceField, Service, System
from groundplan.problems import ProblemsFound
from groundplan.stack.configuration import Secret, environment_from
from groundplan.stack.environment import Environment
from infra.tests.samples import ROOT, shop

SHOP_TEXT = (ROOT / "system.yaml").read_text(encoding="utf-8")
SHOP = yaml.safe_load(SHOP_TEXT)
FIELD = ("services", "order", "resources", "order_line", "fields", "quantity")

KNOWN_KEYS = (
    *System.model_fields,
    *Service.model_fields,
    *Resource.model_fields,
    *ResourceField.model_fields,
    *("roles", "since", "shards", "user", "order", "list", "get"),
)
KEYS = st.one_of(
    st.sampled_from(KNOWN_KEYS), st.text(string.ascii_lowercase + "_-.:", max_size=12), st.text(max_size=5)
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(10**400), max_value=10**400),
    st.floats(),
    st.dates(),
    st.datetimes(),
    st.binary(max_size=5),
    st.text(max_size=20),
    st.sampled_from(
        ["order", "order.placed", "customer:own", "anyone", "reference", "enum", "user.user", "a" * 300, ""]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | SCALARS, inner, max_size=4),
    max_leaves=12,
)
YAML_PIECES = st.sampled_from(
    ["a", ": ", "\n", "  ", "- ", "&x ", "*x", "{", "}", "[", "]", ",", "'", '"', "!!int ", "!!timestamp ", "!!bool ",
     "!!float ", "!!null ", "!!binary ", "!x ", "<<: ", "? ", "0x_", "0b_", "1:2", "1_0", "2026-13-01", "yes", "~",
     ".nan", "---\n", "...\n", "%YAML 1.2\n", "\t", "|\n", "# ", "name", "services", "\x07", "\ufeff", "\u2028", "=",
     "0o8", ""]
)  # fmt: skip


def check(found: ProblemsFound) -> None:
    """Every mistake is said in full, and in a length that a person reads."""
    assert found.problems
    for problem in found.problems:
        assert problem.expected
        assert problem.remedy
        assert len(problem.value) < 200


def parsed(text: str) -> System | None:
    try:
        return parse_system(text)
    except ProblemsFound as found:
        check(found)
        return None


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, child in children for deeper in paths(child, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], change: Any) -> Any:
    if not path:
        return change
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], change)
    return copy


@given(st.text(max_size=200))
@settings(deadline=None)
def test_any_text(text: str) -> None:
    parsed(text)


@given(st.lists(YAML_PIECES, max_size=30).map("".join))
@settings(deadline=None)
def test_any_pieces_of_yaml(text: str) -> None:
    parsed(text)


@given(VALUES)
@settings(deadline=None)
def test_any_data(value: Any) -> None:
    parsed(yaml.dump(value, Dumper=yaml.SafeDumper, allow_unicode=True))


@given(st.sampled_from(paths(SHOP)[1:]), VALUES)
@settings(deadline=None)
def test_shop_with_any_value_in_any_place(path: tuple[Any, ...], value: Any) -> None:
    parsed(yaml.dump(replaced(SHOP, path, value), Dumper=yaml.SafeDumper, sort_keys=False))


EXTREMES = (1e26, -1e26, 1e308, 5e-324, 0.1 + 0.2, -0.0, 10**30, -(10**30), 10**400, 2**63, -(2**63) - 1,
            float("nan"), float("inf"), "9" * 400, "1e999999", "1" * 40 + ".5", "0." + "0" * 40 + "1")  # fmt: skip
"""Numbers, and texts that read as some, beyond what 64 bits, a double or a decimal context of 28 digits hold."""


@pytest.mark.parametrize("kind", ["integer", "decimal"])
@pytest.mark.parametrize(
    "places", [("default",), ("minimum",), ("maximum",), ("scale",), ("minimum", "maximum", "default")]
)
def test_extreme_numbers_of_a_field(kind: str, places: tuple[str, ...]) -> None:
    """Each is judged: alone, beside others that fit, and all of them together."""
    for value in EXTREMES:
        for scale in ({}, {"scale": 6}) if kind == "decimal" else ({},):
            field = {"type": kind, **scale, **dict.fromkeys(places, value)}
            declared = replaced(SHOP, FIELD, field)
            parsed(yaml.dump(declared, Dumper=yaml.SafeDumper, sort_keys=False))
            judge_system(declared)


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


NUMBERS = [path for path in paths(SHOP) if is_number(reduce(lambda value, key: value[key], path, SHOP))]


@pytest.mark.parametrize("path", NUMBERS, ids=lambda path: ".".join(map(str, path)))
def test_extreme_numbers_where_the_declaration_has_one(path: tuple[Any, ...]) -> None:
    for value in EXTREMES:
        for problem in judge_system(replaced(SHOP, path, value)):
            assert problem.expected


@pytest.mark.parametrize("key", Environment.model_fields)
def test_extreme_numbers_of_a_stack(key: str) -> None:
    for value in EXTREMES:
        with suppress(ProblemsFound):
            environment_from({"aws:region": "eu-central-1", f"shop:{key}": value}, "prod", shop(), "Pulumi.prod.yaml")


@given(st.integers(0, len(SHOP_TEXT)), st.integers(0, 30), st.text(max_size=4) | YAML_PIECES)
@settings(deadline=None)
def test_shop_with_any_slip_of_the_keyboard(start: int, length: int, typed: str) -> None:
    parsed(SHOP_TEXT[:start] + typed + SHOP_TEXT[start + length :])


@given(
    st.dictionaries(
        st.sampled_from([f"shop:{key}" for key in (*Environment.model_fields, "kubeconfig")])
        | st.sampled_from(["aws:region", "aws:profile", "nat", ":", "shop:", "shop:a:b"])
        | st.text(max_size=8),
        VALUES
        | st.just(Secret.VALUE)
        | st.sampled_from(["[", "{}", "[1]", "1e400", "10.0.0.0/16", "0.0.0.0/0", "true"]),
        max_size=6,
    ),
    st.sampled_from(["prod", "dev"]) | st.text(max_size=14),
)
@settings(deadline=None)
def test_any_configuration(values: dict[str, Any], name: str) -> None:
    base = {"aws:region": "eu-central-1", "shop:require_domain": "false"}
    try:
        environment_from({**base, **values}, name, shop(), "Pulumi.prod.yaml")
    except ProblemsFound as found:
        check(found)
