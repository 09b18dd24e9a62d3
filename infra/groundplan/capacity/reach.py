"""How far a stack goes: as deployed, after named configuration steps, and where redesign begins (P1)."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from groundplan.capacity.comparison import Change, Effort, compare
from groundplan.capacity.demand import with_load
from groundplan.capacity.kept import remembered_after
from groundplan.capacity.model import Plan, Tier
from groundplan.capacity.planner import plan
from groundplan.capacity.wording import number, whole
from groundplan.declaration.model import System
from groundplan.problems import ProblemsFound
from groundplan.stack.environment import Environment

QUOTAS = frozenset({"gateway.account", "events.publish"})
"""Tiers that AWS raises on request: a step, not a limit."""

_DOUBLINGS = 10
_HALVINGS = 7


@dataclass(frozen=True, slots=True)
class Reach:
    """Three loads, in requests a second: none is the others'."""

    deployed_rps: float
    """What the stack holds as it is deployed, its autoscalers used up."""
    deployed_by: Tier
    """What is full first then."""
    configured_rps: float
    """What it holds once it is planned and deployed for that load: sizes change, the design doesn't."""
    redesign: str
    """What no configuration makes larger, which is full beyond."""
    goal_rps: float
    steps: tuple[Change, ...]
    """What changes on the way to the goal, or as far as it goes, beside the numbers of pods."""
    quotas: tuple[Tier, ...]
    """Quotas to have raised on that way."""

    @property
    def goal_is_met(self) -> bool:
        return self.configured_rps >= self.goal_rps * (1 - 1e-9)


def reach(sized: Plan, system: System, environment: Environment) -> Reach:
    """Plans the stack for larger loads until one isn't held. The goal stays until the load passes it."""
    today = sized.requests_per_second
    goal = today * sized.growth_factor
    deployed = environment.model_copy(update={"remembered": remembered_after(sized)})
    growth = sized.growth_factor
    reasons: dict[float, str] = {}

    @functools.cache
    def planned(load: float) -> Plan | None:
        grown = with_load(system, load / today, max(1.0, goal / load))
        try:
            found = plan(grown, deployed, data_growth=growth)
        except ProblemsFound as refusal:
            problem = refusal.problems[0]
            reasons[load] = f"{problem.path}: {problem.expected}"
            return None
        full = [tier for tier in found.bottlenecks if tier.utilisation_now > 1 + 1e-9 and tier.subject not in QUOTAS]
        if full:
            reasons[load] = f"{full[0].subject} is full: {full[0].remedy}"
            return None
        return found

    # The deployed stack holds what it holds, with any plan.
    first = sized.bottlenecks[0]
    within, beyond = min(today, first.bites_at_rps), goal
    for _ in range(_DOUBLINGS):
        if planned(beyond) is None:
            break
        within, beyond = beyond, beyond * 2
    for _ in range(_HALVINGS):
        middle = (within * beyond) ** 0.5
        within, beyond = (middle, beyond) if planned(middle) else (within, middle)
    best = planned(min(goal, within)) or sized
    changes = compare(sized, best).changes
    return Reach(
        deployed_rps=first.bites_at_rps,
        deployed_by=first,
        configured_rps=max(within, min(first.bites_at_rps, goal)) if planned(goal) is None else within,
        redesign=reasons.get(beyond, "nothing that the plan knows"),
        goal_rps=goal,
        steps=tuple(change for change in changes if change.effort not in (Effort.NONE, Effort.CONFIGURATION)),
        quotas=tuple(tier for tier in sized.bottlenecks if tier.subject in QUOTAS and tier.bites_at_rps <= goal),
    )


def reach_sentences(found: Reach) -> tuple[str, ...]:
    """The three loads and whether the goal is one of them, a sentence or two each."""
    first = found.deployed_by
    if found.deployed_rps == float("inf"):
        deployed = "As deployed, nothing that the plan knows fills up."
    else:
        deployed = (
            f"As deployed, by autoscaling alone, it holds {whole(found.deployed_rps)} requests/s; then "
            f"{first.subject} is full."
        )
    steps = [f"{step.subject} {step.setting} {step.old} -> {step.new} ({step.effort})" for step in found.steps]
    steps += [f"{quota.subject}: {quota.remedy}" for quota in found.quotas]
    goal = f"{number(found.goal_rps)} requests/s"
    way = f"The steps to {goal}" if found.goal_is_met else "The steps there"
    listed = f" {way}: {'; '.join(steps)}." if steps else f" {way} are numbers of pods alone."
    return (
        deployed,
        f"After configuration it holds {whole(found.configured_rps)} requests/s.{listed}",
        f"Beyond that redesign begins: {found.redesign.rstrip('.')}.",
        f"P1 is met: the goal is {goal}."
        if found.goal_is_met
        else f"P1 is not met: the goal is {goal}, and no configuration reaches it.",
    )
