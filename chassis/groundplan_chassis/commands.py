"""One-off commands of a service's program: its API document, sample data, and operations on events."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from groundplan_chassis.problems import Problem, ProblemsFound

if TYPE_CHECKING:
    from groundplan_chassis.context import Context
    from groundplan_chassis.service import Service

Arguments = argparse.Namespace
Offline = Callable[["Service", Arguments], None]
Online = Callable[["Service", "Context", Arguments, asyncio.Event], Awaitable[None]]
"""The work of a command; the event asks it to end early."""


class Usage(Exception):
    """Invalid arguments; the text lists the valid ones."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command: exactly one of ``offline`` and ``online`` is set."""

    name: str
    purpose: str
    offline: Offline | None = None
    """Runs without settings."""
    online: Online | None = None
    """Runs with a context, in the environment of a pod, whose role it takes."""
    options: Callable[[argparse.ArgumentParser], None] | None = None

    def parse(self, argv: Sequence[str]) -> Arguments:
        """Raises Usage."""
        parser = _Parser(prog=self.name, description=self.purpose, add_help=False)
        if self.options is not None:
            self.options(parser)
        return parser.parse_args(argv)


def find(name: str) -> Command | None:
    """The command of this name; None: there is none."""
    return next((command for command in _known() if command.name == name), None)


def listed() -> list[str]:
    """A line for each command."""
    known = list(_known())
    width = max(len(command.name) for command in known)
    return [f"{command.name:<{width}}  {command.purpose}" for command in known]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Usage(f"{message}\n\n{self.format_help()}")


def _known() -> Iterator[Command]:
    yield from _OWN
    from groundplan_chassis.events.commands import COMMANDS

    for command in COMMANDS:
        yield Command(command.name, command.purpose, online=command.run, options=command.options)


def _openapi(service: Service, _: Arguments) -> None:
    from groundplan_chassis.http.openapi import openapi_text

    sys.stdout.write(openapi_text(service))


async def _seed(service: Service, context: Context, _: Arguments, _stop: asyncio.Event) -> None:
    if service.seed is None:
        raise ProblemsFound(
            f"service {service.name}",
            [Problem("seed", "missing", "a function that puts sample data in", "give the service one")],
        )
    await service.seed(context)


def _erase_options(parser: argparse.ArgumentParser) -> None:
    from groundplan_chassis.erasure.commands import options

    options(parser)


async def _erase(service: Service, context: Context, arguments: Arguments, stop: asyncio.Event) -> None:
    from groundplan_chassis.erasure.commands import run

    await run(service, context, arguments, stop)


def _again_options(parser: argparse.ArgumentParser) -> None:
    from groundplan_chassis.erasure.again import options

    options(parser)


async def _again(service: Service, context: Context, arguments: Arguments, stop: asyncio.Event) -> None:
    from groundplan_chassis.erasure.again import run

    await run(service, context, arguments, stop)


_OWN: Final = (
    Command("openapi", "Print the document of the service's API", offline=_openapi),
    Command("seed", "Put sample data into the database, unless it is there", online=_seed),
    Command("erase", "Erase a person's data, or check that nothing is left", online=_erase, options=_erase_options),
    Command("erase-again", "Erase who was erased since a restored backup", online=_again, options=_again_options),
)
