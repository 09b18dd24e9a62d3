"""What a service's program does once, besides its roles: its API's document, sample data, and the care of events."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from chassis import assembly
from chassis.context import Context
from chassis.problems import Problem, ProblemsFound
from chassis.service import Service
from chassis.settings import Settings

Arguments = argparse.Namespace
Offline = Callable[[Service, Arguments], None]
Online = Callable[[Service, Context, Arguments], Awaitable[None]]


class Usage(Exception):
    """Arguments that can't be meant so; the text says what can."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command: exactly one of ``offline`` and ``online`` does it."""

    name: str
    purpose: str
    offline: Offline | None = None
    """Needs no settings."""
    online: Online | None = None
    """Needs a context: it is started in the environment of a pod, whose role counts."""
    options: Callable[[argparse.ArgumentParser], None] | None = None

    def parse(self, argv: Sequence[str]) -> Arguments:
        """Raises Usage."""
        parser = _Parser(prog=self.name, description=self.purpose, add_help=False)
        if self.options is not None:
            self.options(parser)
        return parser.parse_args(argv)

    async def run(
        self, service: Service, settings: Settings, observation: assembly.Observation, arguments: Arguments
    ) -> None:
        """Does an online command."""
        assert self.online is not None
        async with assembly.opened(settings, observation) as context:
            await self.online(service, context, arguments)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Usage(f"{message}\n\n{self.format_help()}")


def find(name: str) -> Command | None:
    return next((command for command in COMMANDS if command.name == name), None)


def listed() -> list[str]:
    """A line for each command."""
    width = max(len(command.name) for command in COMMANDS)
    return [f"{command.name:<{width}}  {command.purpose}" for command in COMMANDS]


def _openapi(service: Service, _: Arguments) -> None:
    from chassis.http.openapi import openapi_text

    sys.stdout.write(openapi_text(service))


async def _seed(service: Service, context: Context, _: Arguments) -> None:
    if service.seed is None:
        raise ProblemsFound(
            f"service {service.name}",
            [Problem("seed", "missing", "a function that puts sample data in", "give the service one")],
        )
    await service.seed(context)


async def _rebuild(service: Service, context: Context, arguments: Arguments) -> None:
    from chassis.events import commands

    await commands.rebuild(service, context, arguments)


def _rebuild_options(parser: argparse.ArgumentParser) -> None:
    from chassis.events import commands

    commands.rebuild_options(parser)


async def _replay(service: Service, context: Context, arguments: Arguments) -> None:
    from chassis.events import commands

    await commands.replay(service, context, arguments)


def _replay_options(parser: argparse.ArgumentParser) -> None:
    from chassis.events import commands

    commands.replay_options(parser)


async def _redrive(service: Service, context: Context, arguments: Arguments) -> None:
    from chassis.events import commands

    await commands.redrive(service, context, arguments)


def _redrive_options(parser: argparse.ArgumentParser) -> None:
    from chassis.events import commands

    commands.redrive_options(parser)


COMMANDS: Final = (
    Command("openapi", "print the API's document", offline=_openapi),
    Command("seed", "put sample data into the database, unless it is there", online=_seed),
    Command(
        "rebuild", "make the read model anew from the service's own tables", online=_rebuild, options=_rebuild_options
    ),
    Command("replay", "apply events of the event log again", online=_replay, options=_replay_options),
    Command("redrive", "give events that were put aside another try", online=_redrive, options=_redrive_options),
)
