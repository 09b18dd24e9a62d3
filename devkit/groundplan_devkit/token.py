"""`python -m groundplan_devkit.token --role customer --subject …`: an access token for requests by hand.

It prints the token alone, for `curl -H "authorization: Bearer $(python -m groundplan_devkit.token --role admin)"`.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from groundplan.installation.contract import start
from groundplan.problems import ProblemsFound
from groundplan.project import require_project
from groundplan_devkit.identity.tokens import LOCAL_SUBJECT
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.servers.identity import declared_people
from groundplan_devkit.servers.running import Servers
from groundplan_devkit.state import DIRECTORY, STATE_FILE, STATE_VARIABLE


def _minutes(text: str) -> int:
    if not text.isdecimal() or not 1 <= len(text) <= 6 or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of minutes from 1 to 999999")
    return int(text)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="groundplan token", description="An access token for requests by hand.")
    parser.add_argument("--role", action="append", default=[], help="a role of system.yaml; may be given several times")
    parser.add_argument("--subject", default=LOCAL_SUBJECT, help=f"the token's subject ({LOCAL_SUBJECT})")
    parser.add_argument("--scope", action="append", help="what it may be used for (read and write)")
    parser.add_argument("--minutes", type=_minutes, help="how long it is good (as system.yaml says)")
    given = parser.parse_args(arguments)
    people = declared_people()
    unknown = [role for role in given.role if role not in people.roles]
    if unknown:
        parser.error(f"no such role: {', '.join(unknown)} (system.yaml declares {', '.join(people.roles)})")
    state_file = Path(os.environ.get(STATE_VARIABLE) or DIRECTORY / STATE_FILE)
    try:
        start(require_project())
        if not state_file.exists() and not os.environ.get(STATE_VARIABLE):
            raise Unavailable("token", "nothing that runs here", "an identity provider that runs", "run `make dev`")
        servers = Servers.read(state_file)
        if servers.identity is None:
            raise Unavailable("token", "no identity provider among the servers", "one that runs", "run `make dev`")
    except (Unavailable, ProblemsFound) as problem:
        print(problem, file=sys.stderr)
        return 1
    token = servers.identity.issuer.access_token(
        given.subject,
        given.role,
        scopes=given.scope or [f"{people.system}/read", f"{people.system}/write"],
        seconds=given.minutes * 60 if given.minutes is not None else people.token_seconds,
    )
    print(token)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
