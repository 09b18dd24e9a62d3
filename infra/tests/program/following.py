"""A remedy as its reader would carry it out: the declaration and the stack after it."""

from __future__ import annotations

import json
import re
from typing import Any

from groundplan.capacity import check_limits, check_shards, plan
from groundplan.declaration.checks import check
from groundplan.declaration.model import System
from groundplan.problems import Problem, ProblemsFound
from groundplan.program.definition import check_definition
from groundplan.program.roots import check_roots
from groundplan.stack.contradictions import contradictions
from groundplan.stack.environment import Environment

Declared = tuple[System, Environment]
ROUNDS = 9
"""Remedies that are followed one after the other until there is nothing left to say."""

_QUOTA = re.compile(r"`pulumi config set --path '\w+:quotas\.(\w+)' (\d+) --stack")
_KEY = re.compile(r"`pulumi config set [\w-]+:(\w+) (\S+) --stack")
_INTERNAL = re.compile(r"write `exposure: internal` in \d+ of them: (.+)")
_PUBLIC = re.compile(r"write `exposure: public` in the service that clients call, `([\w-]+)`")
_SHARDS = re.compile(r"- \{since: ([\d-]+), shards: (\d+)\}")
_WINDOW = re.compile(r"write `requests: (\d+)` and `per_seconds: (\d+)`")
_LESS = re.compile(r"lower it to ([\d,]+) or less")
_LOWER = re.compile(r"(?:lower|raise) requirements\.(\w+) to ([\d.e+]+)")
_SET = re.compile(r"set (\w+) to (true|false)")
_RANGE = re.compile(r"use a range of at least /(\d+)")


def problems_of(system: System, environment: Environment) -> list[Problem]:
    """What the declaration is refused for, before any resource is registered."""
    where = f"Pulumi.{environment.name}.yaml"
    found = [each.at("system.yaml") for each in check(system)]
    found += [each.at(where) for each in contradictions(environment, system)]
    if found:
        return found
    found = check_shards(system)
    try:
        sized = plan(system, environment)
    except ProblemsFound as refused:
        return [*found, *refused.problems]
    found += [*check_limits(sized, system, environment), *check_definition(system, sized)]
    return [*found, *check_roots(sized, environment, system)]


def followed(system: System, environment: Environment) -> tuple[Declared, list[Problem]]:
    """The declaration after each remedy has been followed, and all that was said on the way."""
    said: list[Problem] = []
    for _ in range(ROUNDS):
        problems = problems_of(system, environment)
        if not problems:
            break
        said += problems
        for problem in problems:
            system, environment = _follow(problem, system, environment)
    return (system, environment), said


def _follow(problem: Problem, system: System, environment: Environment) -> Declared:
    remedy = problem.remedy
    if found := _QUOTA.search(remedy):
        return system, _with(environment, quotas={**environment.quotas, found[1]: int(found[2])})
    if found := _INTERNAL.search(remedy):
        return _exposed(system, dict.fromkeys(found[1].split(", "), "internal")), environment
    if found := _PUBLIC.search(remedy):
        return _exposed(system, {found[1]: "public"}), environment
    if lines := _SHARDS.findall(remedy):
        name = problem.path.split(".")[1]
        shards = [{"since": since, "shards": int(count)} for since, count in lines]
        return _serviced(system, {name: {"shard_map": shards}}), environment
    if found := _LOWER.search(remedy):
        declared = system.model_dump(mode="json", exclude_unset=True)
        declared.setdefault("requirements", {})[found[1]] = float(found[2])
        return System.model_validate(declared), environment
    if found := _WINDOW.search(remedy):
        return _limited(system, requests=int(found[1]), per_seconds=int(found[2])), environment
    if (found := _LESS.search(remedy)) and "rate_limit" in problem.path:
        return _limited(system, requests=int(found[1].replace(",", ""))), environment
    if ": split the system in two" in remedy:
        declared = system.model_dump(mode="json", exclude_unset=True)
        half = list(declared["services"])[: len(system.services) // 2]
        declared["services"] = {name: declared["services"][name] for name in half}
        return System.model_validate(declared), environment
    if found := _RANGE.search(remedy):
        return system, _with(environment, vpc_cidr=f"10.0.0.0/{found[1]}")
    if found := _KEY.search(remedy) or _SET.search(remedy):
        return system, _with(environment, **{found[1]: _read(found[2])})
    raise AssertionError(f"nothing that could be done as it says:\n{problem}")


def _read(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _with(environment: Environment, **settings: object) -> Environment:
    return Environment.model_validate({**environment.model_dump(exclude_unset=True), **settings})


def _exposed(system: System, exposures: dict[str, str]) -> System:
    return _serviced(system, {name: {"exposure": exposure} for name, exposure in exposures.items()})


def _limited(system: System, **limit: int) -> System:
    declared = system.model_dump(mode="json", exclude_unset=True)
    edge = declared.setdefault("edge", {})
    edge["rate_limit"] = {**edge.get("rate_limit", {}), **limit}
    return System.model_validate(declared)


def _serviced(system: System, changes: dict[str, dict[str, object]]) -> System:
    declared = system.model_dump(mode="json", exclude_unset=True)
    for name, change in changes.items():
        declared["services"][name] |= change
    return System.model_validate(declared)
