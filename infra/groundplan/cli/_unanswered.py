"""After a deployment that failed: what had no answer is looked for in the account, before it is made a second time."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from groundplan.cli.remember import run_pulumi
from groundplan.declaration.loader import load_system
from groundplan.repair import Action, Repair, pending, plan_repair, repaired, unanswered, unclear
from groundplan.stack.configuration import read_stack_file
from groundplan.stack.scope import Scope

EVENT_LOGS: Mapping[str, str] = {"PULUMI_DEBUG_COMMANDS": "true"}
"""The option `--event-log` is there for programs that drive the CLI, as the SDK's automation does."""


def take_in_unanswered(project: Path, stack: str, log: Path) -> None:
    """Takes into the state what the failed deployment of an event log made without an answer, and says so.

    Raises ProblemsFound when the account or the state can't be asked.
    """
    from groundplan.rehearsal.engine import events_in

    begun = unanswered(events_in(log))
    if begun:
        names = ", ".join(each["resource"]["urn"].rpartition("::")[2] for each in begun)
        print(f"Without an answer, though AWS may have made it: {names}. The account is asked.", flush=True)
        system = load_system(project / "system.yaml")
        region = read_stack_file(project / f"Pulumi.{stack}.yaml", system, remembers=False).region
        take_in(project, stack, begun, Scope(system.name, stack), region)


def take_in(
    project: Path, stack: str, begun: Sequence[Mapping[str, Any]], scope: Scope, region: str
) -> tuple[Action, ...]:
    """The creations ``begun`` that were made come into the state; what became of each.

    Raises ProblemsFound when the account or the state can't be asked.
    """
    from groundplan.cli import _account

    state = json.loads(run_pulumi(project, stack, "stack", "export"))
    if pending(state):
        return ()  # an engine that was killed as well: `up` stops, and `groundplan repair` looks at the whole account
    state["deployment"]["pending_operations"] = list(begun)
    account = _account.account_of(project, scope, region)
    asked = [each for resource in unclear(state, account) for each in _account.siblings_of(project, resource, region)]
    own = {each["resource"]["urn"] for each in begun}
    repair = Repair(tuple(step for step in plan_repair(state, account, (), asked).steps if step.urn in own))
    for step in repair.steps:
        print(step)
    done, taken = tuple(step.action for step in repair.steps), repair.of("import")
    if not taken:
        return done
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.json"
        file.write_text(json.dumps(repaired(state, repair, ())), encoding="utf-8")
        run_pulumi(project, stack, "stack", "import", "--file", str(file), "--force")
    targets = [option for step in taken for option in ("--target", step.urn)]
    run_pulumi(project, stack, "refresh", "--yes", "--skip-preview", "--suppress-outputs", *targets)
    return done
