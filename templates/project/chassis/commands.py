"""What a service's program does once, besides its roles: the contract's document, sample data, and the care of events."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from chassis import assembly
from chassis.observe import logs
from chassis.service import Service
from chassis.settings import Settings
from chassis.signals import StopOrder

Arguments = argparse.Namespace
Offline = Callable[[Service, Arguments], None]
Online = Callable[[Service, Settings, "assembly.Observation", StopOrder, Arguments], Awaitable[None]]


class Usage(Exception):
    """Arguments that can't be meant so; the text says what can."""


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    purpose: str
    offline: Offline | None = None
    """Needs no settings."""
    online: Online | None = None
    """Needs the settings of a role, from the environment that it is started in."""
    options: Callable[[argparse.ArgumentParser], None] | None = None

    def parse(self, argv: Sequence[str]) -> Arguments:
        """Raises Usage."""
        parser = _Parser(prog=self.name, description=self.purpose, add_help=False)
        if self.options is not None:
            self.options(parser)
        return parser.parse_args(argv)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Usage(f"{message}\n{self.format_help()}")


def find(name: str) -> Command | None:
    return next((command for command in COMMANDS if command.name == name), None)


def listed() -> list[str]:
    width = max(len(command.name) for command in COMMANDS)
    return [f"{command.name:<{width}}  {command.purpose}" for command in COMMANDS]


def _openapi(service: Service, arguments: Arguments) -> None:
    from chassis.http.openapi import openapi_text

    sys.stdout.write(openapi_text(service))


async def _seed(
    service: Service, settings: Settings, observation: assembly.Observation, order: StopOrder, arguments: Arguments
) -> None:
    if service.seed is None:
        raise Usage(f"{service.name} has no sample data")
    async with assembly.opened(service, settings, observation) as context:
        await service.seed(context)
