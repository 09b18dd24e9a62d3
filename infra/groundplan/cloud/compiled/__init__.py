"""What `tools/compile_rules.py` found in botocore, CloudFormation's schemas and the SDKs: data with its sources."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any


@cache
def _content(name: str) -> dict[str, dict[str, Any]]:
    text = resources.files(__name__).joinpath(name).read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found


def value_rules() -> dict[str, dict[str, dict[str, Any]]]:
    """By type and path (`rules[].action`), what a value may be, and `source`."""
    return _content("values.json")


def replacements() -> dict[str, dict[str, str]]:
    """By type and path, the properties that only creation sets, with the source."""
    return _content("replacements.json")


@cache
def actions() -> dict[str, frozenset[str]]:
    """The actions of each service that IAM knows, in lower case; none where only the service's name is known."""
    return {service: frozenset(names) for service, names in _content("actions.json").items()}


@cache
def engine_facts(what: str, engine: str) -> frozenset[str]:
    """The `versions` or `classes` of an engine, or the `nodes` of `cache`; empty when nothing is known of it."""
    return frozenset(_content("engines.json")[what].get(engine, ()))


def calls() -> dict[str, dict[str, list[str]]]:
    """By type and operation (`create`, `read`, `update`, `delete`), the API calls that the provider makes; and by
    `repair`, those that find one again."""
    return _content("calls.json")["types"]


def services() -> dict[str, str]:
    """IAM's name of the service of each type in `calls`."""
    return _content("calls.json")["services"]


def cloudformation_types() -> dict[str, str]:
    """CloudFormation's name of the types in `calls`, where it has one."""
    return _content("calls.json")["cloudformation"]


def call_facts() -> dict[str, dict[str, Any]]:
    """By action of `calls`: `on`, the forms of the ARNs that it works on, each with whether IAM knows its tags there;
    and `tags`, whether the call itself can say tags."""
    return _content("calls.json")["actions"]


def managed_actions() -> dict[str, list[str]]:
    """What AWS's own policies allow, of those that components attach to roles."""
    return _content("calls.json")["managed"]
