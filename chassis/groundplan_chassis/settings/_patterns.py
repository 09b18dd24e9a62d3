"""Shapes of the values that environment variables hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from groundplan_chassis.environment import Environment

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def matching(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(value)
        return value

    return parse


def named(environment: Environment, variable: str) -> str:
    return environment.parsed(variable, matching(_NAME), "", "a name of lower-case letters, digits, single hyphens")
