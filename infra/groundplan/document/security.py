"""The security checklist: a box is ticked where the stack's program meets the control (S1 to S7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from groundplan.declaration.model import System
from groundplan.document.accepted import accepted
from groundplan.document.markdown import cell_text, component, link

if TYPE_CHECKING:  # the controls bring Pulumi's SDK along, which takes a second
    from groundplan.controls import Control, Verdict

LAYERS = {
    "S1": "network",
    "S2": "transport",
    "S3": "authentication",
    "S4": "authorization",
    "S5": "data",
    "S6": "application",
    "S7": "rate limit",
}


ACCOUNT = (
    "**What watches the account**\n\nA trail of API calls, GuardDuty, an access analyzer and AWS Config are an "
    "account's, not a stack's. `foundation/account.yaml` makes those that an account lacks, each by a parameter, with "
    "what it costs; all are off until asked for."
)


def security(system: System, stack: str, verdicts: Mapping[str, Verdict]) -> str:
    """The checklist for one stack, from the verdicts of its controls by id."""
    layers: dict[str, list[str]] = {}
    for verdict in verdicts.values():
        if verdict.control.requirement in LAYERS:
            layers.setdefault(verdict.control.requirement, []).append(_line(system, verdict))
    parts = [f"**{layer} {LAYERS[layer]}**\n\n" + "\n".join(layers[layer]) for layer in LAYERS if layer in layers]
    heading = (
        f"Ticked is what the program of `{stack}` meets; other stacks may differ. "
        "`groundplan check` names the evidence, and what is missing with its remedy."
    )
    return "\n\n".join([heading, *parts, accepted(), ACCOUNT])


def _line(system: System, verdict: Verdict) -> str:
    control = verdict.control
    reason = ""
    if verdict.findings:
        reason = f" - missing: {len(verdict.findings)} finding{'s' if len(verdict.findings) > 1 else ''}"
    elif verdict.not_applicable:
        reason = f" - not here: {cell_text(verdict.not_applicable)}"
    files = ", ".join(link(part) if part.endswith(".yaml") else component(part) for part in control.parts)
    return f"- [{'x' if verdict.met else ' '}] {control.id}: {_title(system, control)} ({files}){reason}"


def _title(system: System, control: Control) -> str:
    if control.id == "S7.edge-rate":
        limit = system.edge.rate_limit
        return f"{control.title}: at most {limit.requests} in {limit.per_seconds} seconds from one address"
    return control.title
