"""Two plans of one stack: what changes, what that takes, and what gives out first afterwards (U6)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from groundplan.capacity.model import Decision, Plan, Tier
from groundplan.capacity.report import at_load, kept_sizes
from groundplan.capacity.text import paragraph, table
from groundplan.capacity.wording import number, whole
from groundplan.problems import Problem, ProblemsFound


class Effort(StrEnum):
    """What a change takes, the lightest first. `make up` does all of them but what moves data."""

    NONE = "stays as deployed"
    CONFIGURATION = "by configuration"
    RESTART = "with a restart"
    DATA_MOVE = "data moves"
    REPLACEMENT = "built anew"
    DELETION = "deleted with its data"


_MEANING = {
    Effort.NONE: "AWS makes these larger only: a deployed stack keeps what it has; one that starts anew gets less",
    Effort.CONFIGURATION: "applied while everything runs; pods are replaced one after the other",
    Effort.RESTART: "another machine takes over, one part at a time: up to two minutes of errors that clients retry",
    Effort.DATA_MOVE: "keys, partitions or rows get another place: read the reason and choose a quiet hour",
    Effort.REPLACEMENT: "can't be changed in place: a new one beside the old, and a move",
    Effort.DELETION: "`make up` says what is lost, and asks for its name before it goes",
}

_RESTART = frozenset(
    {
        ("database", "instance_class"),
        ("database", "replica_class"),
        ("database", "max_connections"),
        ("cache", "node_type"),
        ("kafka", "instance_type"),
    }
)
_DATA_MOVE = frozenset({("database", "shards"), ("cache", "shards"), ("kafka", "brokers"), ("topic", "partitions")})
_GROWS_ONLY = frozenset(
    {
        ("database", "shards"),
        ("database", "storage_gb"),
        ("database", "max_storage_gb"),
        ("kafka", "brokers"),
        ("kafka", "storage_gb"),
        ("topic", "partitions"),
    }
)
"""What a stack remembers (`groundplan.stack.remembered`), so that a later plan never has less."""
_REPLACEMENT_SETTINGS = frozenset(
    {("network", setting) for setting in ("cidr", "public", "private", "data", "firewall", "ingress")}
)
_FOLLOWING = frozenset(
    {
        ("database", "shard_generations"),
        ("database", "shard_storage_gb"),
        ("database", "shard_max_storage_gb"),
        ("network", "zones"),
    }
)
"""Settings that say again what another one says."""

_ADVICE = {
    ("database", "shards"): "new keys spread over the new shards; keys that are there stay where they are (D3)",
    ("cache", "shards"): "slots move between nodes while the cache serves",
    ("kafka", "brokers"): "partitions are reassigned to the new brokers; Express brokers do it by themselves",
    ("topic", "partitions"): "keys map to other partitions: let consumers drain first where order matters",
    ("database", "storage_gb"): "grows online, and never shrinks",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that differs. ``old`` or ``new`` is empty where a part comes or goes as a whole."""

    subject: str
    setting: str
    old: str
    new: str
    effort: Effort
    reason: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A variant that can't be planned: what was asked for, and what refuses it."""

    requests_per_second: float
    data_gb: float
    problems: ProblemsFound


@dataclass(frozen=True, slots=True)
class Comparison:
    """``declare`` is what the declaration must say before the second plan can be deployed.

    With ``refusal`` the second plan is the largest part of the change that can be planned.
    """

    before: Plan
    after: Plan
    changes: tuple[Change, ...]
    declare: tuple[Problem, ...] = ()
    refusal: Refusal | None = None

    @property
    def effort(self) -> Effort:
        """The most that any change takes."""
        order = list(Effort)
        return max((change.effort for change in self.changes), key=order.index, default=Effort.CONFIGURATION)

    @property
    def bottlenecks(self) -> tuple[Tier, Tier]:
        """What gives out first, before and after."""
        return self.before.bottlenecks[0], self.after.bottlenecks[0]


def compare(before: Plan, after: Plan, declare: tuple[Problem, ...] = (), refusal: Refusal | None = None) -> Comparison:
    """Every setting whose value differs, in the plan's order, heaviest effort last within a part."""
    old = {(decision.subject, decision.setting): decision for decision in before.decisions}
    new = {(decision.subject, decision.setting): decision for decision in after.decisions}
    subjects = list(dict.fromkeys(subject for subject, _ in (*new, *old)))
    here = {subject for subject, _ in old}, {subject for subject, _ in new}
    unused = {(f"database.{database.name}", "replica_class") for database in after.databases if not database.replicas}
    changes: list[Change] = []
    for subject in subjects:
        if subject not in here[0]:
            changes.append(
                Change(subject, "", "", "new", Effort.CONFIGURATION, "comes with the new load or declaration")
            )
        elif subject not in here[1]:
            changes.append(Change(subject, "", "there", "", _effort_of_removal(subject), "no longer in the plan"))
        else:
            changes.extend(
                _change(old[key], new[key])
                for key in new
                if key[0] == subject
                and key in old
                and old[key].value != new[key].value
                and key not in unused
                and _kind(key) not in _FOLLOWING
            )
    return Comparison(before, after, tuple(changes), declare, refusal)


def _kind(key: tuple[str, str]) -> tuple[str, str]:
    return key[0].partition(".")[0], key[1]


def _change(old: Decision, new: Decision) -> Change:
    kind = _kind((new.subject, new.setting))
    if kind in _GROWS_ONLY and _smaller(old.value, new.value):
        effort = Effort.NONE
    elif kind in _REPLACEMENT_SETTINGS:
        effort = Effort.REPLACEMENT
    elif kind in _DATA_MOVE:
        effort = Effort.DATA_MOVE
    elif kind in _RESTART:
        effort = Effort.RESTART
    else:
        effort = Effort.CONFIGURATION
    advice = _ADVICE.get(kind)
    reason = f"{new.reason}; {advice}" if advice else new.reason
    return Change(new.subject, new.setting, old.value, new.value, effort, reason)


def _smaller(old: str, new: str) -> bool:
    """Of two counts or sizes as decisions write them, `1,024`; anything else is no size."""
    counts = [value.replace(",", "") for value in (old, new)]
    return all(value.isdecimal() for value in counts) and int(counts[1]) < int(counts[0])


def _effort_of_removal(subject: str) -> Effort:
    return Effort.DELETION if subject.startswith(("database.", "topic.")) else Effort.CONFIGURATION


def comparison_report(comparison: Comparison) -> str:
    """The comparison in lines of at most 100 columns."""
    before, after = comparison.before, comparison.after
    lines = [
        f"{after.system}, {after.environment}: {number(before.requests_per_second)} -> "
        f"{number(after.requests_per_second)} requests/s today"
    ]
    if refusal := comparison.refusal:
        lines += paragraph(
            f"{number(refusal.requests_per_second)} requests/s and {number(refusal.data_gb)} GiB are refused; this is "
            "the largest part of the way there that is not."
        )
    if not comparison.changes:
        lines += ["", "Nothing changes: the plan holds this as it is."]
    for effort in Effort:
        rows = [change for change in comparison.changes if change.effort is effort]
        if rows:
            lines += ["", f"{effort.capitalize()} ({len(rows)})", *paragraph(_MEANING[effort])]
            lines += table(("", "setting", "change"), [_row(change) for change in rows], left=3)
            if effort not in (Effort.NONE, Effort.CONFIGURATION):
                lines += [
                    line
                    for change in rows
                    for line in paragraph(f"{change.subject} {change.setting}".rstrip() + f": {change.reason}", "- ")
                ]
    old, new = comparison.bottlenecks
    lines += ["", *paragraph(f"First bottleneck before: {old.subject}, at {at_load(old)}.")]
    lines += paragraph(f"First bottleneck after: {new.subject}, at {at_load(new)}; {new.remedy}.")
    if after.kept and after.kept != before.kept:
        lines += ["", *kept_sizes(after)]
    if fresh := [note for note in after.notes if note not in before.notes]:
        lines += ["", "To know", *(line for note in fresh for line in paragraph(note, "- "))]
    if refusal:
        lines += ["", "What refuses the rest", *(str(problem) for problem in refusal.problems.problems)]
    if comparison.declare:
        lines += ["", "To declare first", *(str(problem) for problem in comparison.declare)]
    return "\n".join(lines) + "\n"


def side_by_side(before: Plan, after: Plan) -> list[str]:
    """Limits and budgets of two plans, which need not be of one system."""
    old = {tier.subject: tier for tier in before.tiers}
    new = {tier.subject: tier for tier in after.tiers}
    subjects = [tier.subject for tier in after.bottlenecks] + [each for each in old if each not in new]
    rows = [(subject, *(_full(side.get(subject)) for side in (old, new))) for subject in subjects]
    budgets: list[tuple[str, str, str]] = []
    if before.budgets and after.budgets:
        sides = (before.budgets, after.budgets)
        one, two = (each.availability for each in sides)
        budgets = [
            ("minutes away allowed, in 30 days", number(one.allowed), number(two.allowed)),
            ("committed by AWS", number(one.committed), number(two.committed)),
            ("taken by this stack itself", number(one.own), number(two.own)),
        ]
        slowest = [{each.request: number(each.total) for each in side.latency} for side in sides]
        budgets += [
            (f"ms of a {request}, 95th percentile", slowest[0].get(request, "-"), slowest[1].get(request, "-"))
            for request in dict.fromkeys((*slowest[0], *slowest[1]))
        ]
    return [
        *("Limits, full at requests/s", *table(("", "before", "after"), rows[:_SHOWN_LIMITS])),
        *("", "Budgets", *table(("", "before", "after"), budgets)),
    ]


_SHOWN_LIMITS = 15


def _full(tier: Tier | None) -> str:
    if tier is None:
        return "-"
    return "no load" if math.isinf(tier.bites_at_rps) else whole(tier.bites_at_rps)


def _row(change: Change) -> tuple[str, str, str]:
    return (
        change.subject,
        change.setting,
        f"{change.old} -> {change.new}" if change.old and change.new else change.new or "deleted",
    )
