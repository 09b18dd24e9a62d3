"""The command `groundplan`, and the modules that its subcommands are."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    from groundplan.cli._commands import main as run_command  # so that a module of a command loads no other one

    return run_command(arguments)
