"""Controls: what the requirements demand of a declared program, each written once.

A control looks at a captured program and gives evidence, findings, or the reason why it doesn't apply. The checklist of
`ARCHITECTURE.md`, `groundplan check`, the tests of a project and the Pulumi policy pack are all made of these.
"""

from collections.abc import Iterable
from types import ModuleType

from groundplan.controls import (
    application,
    authentication,
    authorization,
    caching,
    data,
    events,
    isolation,
    lifecycle,
    network,
    pods,
    rate_limit,
    requests,
    scaling,
    targets,
    traces,
    transport,
    zones,
)
from groundplan.controls.captured import CapturedProgram
from groundplan.controls.model import Control, Evidence, Finding, Verdict

_SUBJECTS: tuple[ModuleType, ...] = (
    network,
    pods,
    transport,
    authentication,
    authorization,
    data,
    application,
    rate_limit,
    requests,
    isolation,
    events,
    caching,
    scaling,
    zones,
    targets,
    traces,
    lifecycle,
)

CONTROLS: dict[str, Control] = {
    each.id: each for subject in _SUBJECTS for each in vars(subject).values() if isinstance(each, Control)
}
"""Every control by its id, subject by subject."""


def assess(program: CapturedProgram, controls: Iterable[Control] = tuple(CONTROLS.values())) -> dict[str, Verdict]:
    """The verdict of each control on a program, by the control's id."""
    return {each.id: each.assess(program) for each in controls}


__all__ = ["CONTROLS", "CapturedProgram", "Control", "Evidence", "Finding", "Verdict", "assess"]
