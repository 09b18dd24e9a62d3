"""Values that services refuse by themselves, in any program: compiled rules, applied to every resource."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from groundplan.cloud.compiled import value_rules
from groundplan.cloud.item import Item
from groundplan.cloud.rules.registry import Broken, general
from groundplan.cloud.written import WRITTEN

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

_MOST_NAMED = 12


@dataclass(slots=True)
class _Node:
    """What holds for one property, and for those inside it."""

    says: Mapping[str, Any] | None = None
    inside: dict[str, _Node] = field(default_factory=dict)


@cache
def _tree(token: str) -> _Node:
    root = _Node()
    for path, entry in {**value_rules().get(token, {}), **WRITTEN.get(token, {})}.items():
        node = root
        for step in path.replace("[]", "").split("."):
            node = node.inside.setdefault(step, _Node())
        node.says = entry
    return root


@general(*{**value_rules(), **WRITTEN})
def accepted_values(item: Item, _: Cloud) -> Iterator[Broken]:
    """A value is one of those listed, has the form that is given, or lies in the range; a list has as many elements.

    Source: botocore's service models, CloudFormation's schemas in cfn-lint, the SDK's documentation.
    """
    yield from _walk(_tree(item.type), item.inputs, "")


def _walk(node: _Node, value: object, path: str) -> Iterator[Broken]:
    if isinstance(value, dict):
        for name, inner in node.inside.items():
            found = value.get(name)
            if found is not None:
                yield from _walk(inner, found, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        if node.says is not None:
            yield from _judge_size(node.says, value, path)
        for index, each in enumerate(value):
            yield from _walk(node, each, f"{path}[{index}]")
    elif node.says is not None and isinstance(value, str | int | float) and not isinstance(value, bool):
        yield from _judge(node.says, value, path)


def _judge(says: Mapping[str, Any], value: str | float, path: str) -> Iterator[Broken]:
    source = says["source"]
    if (allowed := says.get("enum")) is not None:
        if _as_text(value) not in allowed:
            shown = ", ".join(allowed[:_MOST_NAMED]) + (" …" if len(allowed) > _MOST_NAMED else "")
            yield Broken(path, f"one of {shown}", "choose one of these", source=source)
        return
    if isinstance(value, str):
        yield from _judge_text(says, value, path)
    number = _as_number(value) if "min" in says or "max" in says else None
    if number is not None:
        low, high = says.get("min"), says.get("max")
        if (low is not None and number < low) or (high is not None and number > high):
            wanted = (
                f"{low} to {high}"
                if None not in (low, high)
                else f"{high} or less"
                if low is None
                else f"{low} or more"
            )
            yield Broken(path, wanted, "choose a value in this range", source=source)


def _judge_size(says: Mapping[str, Any], value: list[Any], path: str) -> Iterator[Broken]:
    fewest, most = says.get("fewest", 0), says.get("most")
    too_few = len(value) < fewest and (bool(value) or fewest == 1)  # an empty list that may be left out is none
    if too_few or (most is not None and len(value) > most):
        wanted = f"{fewest} or more" if most is None else str(most) if most == fewest else f"{fewest} to {most}"
        yield Broken(path, f"{wanted} elements", "change their number", len(value), source=says["source"])


def _judge_text(says: Mapping[str, Any], value: str, path: str) -> Iterator[Broken]:
    source = says["source"]
    shortest, longest = says.get("shortest", 0), says.get("longest")
    if len(value) < shortest or (longest is not None and len(value) > longest):
        wanted = f"{shortest} to {longest}" if longest is not None else f"{shortest} or more"
        yield Broken(path, f"{wanted} characters", "choose a text of this length", source=source)
    elif (pattern := says.get("pattern")) is not None and not _compiled(pattern).fullmatch(value):
        yield Broken(path, f"a text of the form {pattern}", "change it to this form", source=source)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _as_text(value: str | float) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _as_number(value: str | float) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None
