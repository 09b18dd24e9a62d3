"""Every command that is offered, for tests of what all of them do alike."""

from __future__ import annotations

from collections.abc import Iterator

import click

from groundplan.cli._commands import commands


def _below(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        words = (*before, name)
        if isinstance(command, click.Group):
            yield from _below(command, words)
        else:
            yield " ".join(words), command


EVERY_COMMAND = dict(_below(commands))
"""By the words that call it: `plan`, `service add`."""
