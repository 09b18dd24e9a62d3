"""`groundplan token --role customer --subject …`: an access token for requests by hand."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from groundplan.cli._command import main_of
from groundplan.cli._numbers import WholeNumber
from groundplan.cli._run import Misuse
from groundplan.problems import Problem, did_you_mean, listed, printable
from groundplan.project import require_project
from groundplan_devkit.command import Command
from groundplan_devkit.identity.tokens import LOCAL_SUBJECT
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.servers.identity import declared_people
from groundplan_devkit.servers.running import Servers
from groundplan_devkit.state import DIRECTORY, STATE_FILE, STATE_VARIABLE


@click.command("token", cls=Command)
@click.option("--role", "roles", multiple=True, metavar="NAME", help="A role of system.yaml; may be given again.")
@click.option("--subject", default=LOCAL_SUBJECT, metavar="ID", help=f"The token's subject. Default: {LOCAL_SUBJECT}.")
@click.option(
    "--scope", "scopes", multiple=True, metavar="NAME", help="What it may be used for. Default: read and write."
)
@click.option("--minutes", type=WholeNumber(1, 999_999), help="How long it is good. Default: as system.yaml says.")
def command(roles: Sequence[str], subject: str, scopes: Sequence[str], minutes: int | None) -> int:
    """An access token of the local identity provider.

    It is printed alone, for requests by hand: curl -H "authorization: Bearer $(groundplan token --role admin)"
    """
    require_project()
    people = declared_people()
    _require_roles(roles, people.roles)
    state_file = Path(os.environ.get(STATE_VARIABLE) or DIRECTORY / STATE_FILE)
    if not state_file.exists() and not os.environ.get(STATE_VARIABLE):
        raise Unavailable("token", "nothing that runs here", "an identity provider that runs", "run `make dev`")
    servers = Servers.read(state_file)
    if servers.identity is None:
        raise Unavailable("token", "no identity provider among the servers", "one that runs", "run `make dev`")
    token = servers.identity.issuer.access_token(
        subject,
        roles,
        scopes=scopes or [f"{people.system}/read", f"{people.system}/write"],
        seconds=minutes * 60 if minutes is not None else people.token_seconds,
    )
    print(token)
    return 0


main = main_of(command)


def _require_roles(given: Sequence[str], declared: Sequence[str]) -> None:
    """Raises Misuse."""
    problems = [
        Problem(
            "command line",
            "--role",
            printable(role),
            f"a role that system.yaml declares: {listed(declared)}",
            did_you_mean(role, declared, "name one of them"),
        )
        for role in given
        if role not in declared
    ]
    if problems:
        raise Misuse(problems)


if __name__ == "__main__":
    sys.exit(main(None))
