"""Sizes in a declaration that its owner edited by hand: the command's value takes the place of theirs.

PyYAML says where a value begins and ends; the text between is replaced, so comments, order and spelling stay.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping
from typing import Any

import yaml

from groundplan.cli.service_request import plain

SHARD_MAP = "shard_map"
FIRST_OF_THE_REST = "resources"
"""Sizes stand before this key, as the template writes them."""


def with_sizes(text: str, service: str, sizes: Mapping[str, Any]) -> str | None:
    """The declaration's text with other sizes for one service; None when that can't be done by replacing values.

    ``sizes`` are plain values; dates in a shard map are text, `2026-11-30`.
    """
    wanted = plain(yaml.safe_load(text))
    changed = {key: value for key, value in sizes.items() if wanted["services"][service].get(key) != value}
    wanted["services"][service].update(changed)
    for key, value in changed.items():
        text = _with_size(text, service, key, value)
    try:
        return text if plain(yaml.safe_load(text)) == wanted else None
    except yaml.YAMLError:
        return None


def _with_size(text: str, service: str, key: str, value: Any) -> str:  # noqa: ANN401  # any YAML value
    entries = _mapping(_entry(_mapping(yaml.compose(text, Loader=yaml.SafeLoader)), "services")[1])
    sizes = _mapping(_entry(entries, service)[1])
    present = {name.value: node for name, node in sizes.value}
    if key in present:
        node = present[key]
        if isinstance(node, yaml.SequenceNode) and not node.flow_style:
            # Shard maps grow at their end.
            end, indent = node.value[-1].end_mark.index, " " * node.start_mark.column
            more = value[len(node.value) :]
            return text[:end] + "".join(f"\n{indent}- {_flow(each)}" for each in more) + text[end:]
        return text[: node.start_mark.index] + _flow(value) + text[node.end_mark.index :]
    if sizes.flow_style:
        start = sizes.start_mark.index + 1
        return f"{text[:start]}{key}: {_flow(value)}, {text[start:]}"
    before = next((name for name, _ in sizes.value if name.value == FIRST_OF_THE_REST), sizes.value[0][0])
    start = text.rindex("\n", 0, before.start_mark.index) + 1
    indent = " " * before.start_mark.column
    if key == SHARD_MAP:
        lines = [f"{indent}{key}:", *(f"{indent}  - {_flow(each)}" for each in value)]
    else:
        lines = [f"{indent}{key}: {_flow(value)}"]
    return text[:start] + "".join(f"{line}\n" for line in lines) + text[start:]


def _flow(value: Any) -> str:  # noqa: ANN401  # any YAML value
    """On one line; days as the template writes them."""
    return yaml.safe_dump([_days(value)], default_flow_style=True, sort_keys=False, width=math.inf).strip()[1:-1]


def _days(value: Any) -> Any:  # noqa: ANN401  # any YAML value
    match value:
        case dict():
            return {key: _days(each) for key, each in value.items()}
        case list():
            return [_days(each) for each in value]
        case str() if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            return datetime.date.fromisoformat(value)
    return value


def _mapping(node: yaml.Node | None) -> yaml.MappingNode:
    assert isinstance(node, yaml.MappingNode), "judged before"
    return node


def _entry(mapping: yaml.MappingNode, key: str) -> tuple[yaml.Node, yaml.Node]:
    return next((name, value) for name, value in mapping.value if name.value == key)
