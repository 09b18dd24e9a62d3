"""Before a deployment: what it does to what is deployed, and the consent of the one who loses something by it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from groundplan.changes import ChangeSet, changes_report, classify_preview
from groundplan.problems import Problem, ProblemsFound

LOSE = "LOSE"
"""The variable that names what may go, where no one can be asked."""

_PROTECTED = ("because it is protected", "as it is currently marked for protection")
"""How the engine says that it would not delete, or replace, what is protected (pkg/resource/deploy/step.go)."""


def previewed(project: Path, stack: str, state: Iterable[Mapping[str, Any]]) -> ChangeSet:
    """What the next deployment does to ``state``. Raises ProblemsFound when the engine can't say.

    What is only kept by Pulumi's protection is in it: the engine lists it, and then refuses.
    """
    command = ["pulumi", "preview", "--json", "--stack", stack, "--non-interactive"]
    done = subprocess.run(command, cwd=project, check=False, capture_output=True, text=True)
    try:
        preview: dict[str, Any] = json.loads(done.stdout)
        errors = [
            str(each.get("message", "")).strip()
            for each in preview.get("diagnostics") or ()
            if each.get("severity") == "error"
        ]
        steps = preview.get("steps") or []
    except (ValueError, AttributeError):
        raise _failed(stack, done.stderr.strip().rpartition("\n")[2] or "no JSON") from None
    unexpected = [
        error
        for error in errors
        if not any(words in error for words in _PROTECTED) and error.removeprefix("error: ") != "preview failed"
    ]
    if unexpected or (done.returncode and not errors):
        raise _failed(stack, unexpected[0].removeprefix("error: ") if unexpected else done.stderr.strip())
    return classify_preview({"steps": steps}, state)


def _failed(stack: str, said: str) -> ProblemsFound:
    remedy = f"mend that; `pulumi preview --stack {stack}` shows it in full"
    return ProblemsFound([Problem("the preview", stack, said, "a program that runs, before anything changes", remedy)])


def consent(changes: ChangeSet, stack: str, *, named: Collection[str], ask: bool) -> None:
    """Says what ``changes`` do, and raises ProblemsFound unless they may be made.

    What AWS refuses and what is protected is refused here, with the order in which protection is lifted. What would go
    has to be named: in ``named``, or, when ``ask``, in the terminal.
    """
    print(changes_report(changes, stack), flush=True)
    if changes.refusals:
        raise ProblemsFound(refusal.as_problem() for refusal in changes.refusals)
    if changes.protected:
        names = ", ".join(dict.fromkeys(each.subject for each in changes.protected))
        expected = "nothing that is protected to go"
        remedy = "undo the change, or lift the protection in the order above"
        raise ProblemsFound([Problem(f"stack {stack}", "protect", names, expected, remedy)])
    missing = [name for name in changes.gone if name not in named]
    if missing and ask:
        print("This can't be undone. Type the names of what may go, or nothing to stop.")
        said = input(f"{', '.join(missing)}: ").replace(",", " ").split()
        missing = [name for name in missing if name not in said]
    if missing:
        wanted = " ".join(changes.gone)
        words = f'"{wanted}"' if " " in wanted else wanted
        expected = f"the names of what would go, in {LOSE} or typed: {', '.join(missing)} not named"
        remedy = f"undo the change, or run it again with {LOSE}={words}"
        raise ProblemsFound([Problem(f"stack {stack}", LOSE, " ".join(named), expected, remedy)])


def can_ask(*, yes: bool) -> bool:
    """Whether a person is there who can type."""
    return not yes and sys.stdin.isatty() and sys.stdout.isatty()
