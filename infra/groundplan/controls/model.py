"""What a control is, and what it says of a program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from groundplan.cloud.model import Resource
from groundplan.controls.captured import CapturedProgram
from groundplan.controls.reading import Path, Statement, Unreadable, at, dotted_path, includes, statements
from groundplan.problems import printable

Status = Literal["met", "missing", "not applicable"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A property of a resource that shows that the control holds; an empty path stands for the resource itself."""

    urn: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is missing, where, and how to mend it. ``urn`` is the stack's where a resource is missing altogether."""

    control: str
    urn: str
    path: str
    found: str
    expected: str
    remedy: str

    def __str__(self) -> str:
        name = self.urn.rpartition("::")[2]
        kind = self.urn.split("::")[2].rpartition("$")[2] if self.urn.count("::") >= 3 else ""
        place = " ".join(part for part in (kind, name, self.path) if part)
        subject = f"{place} is {self.found}" if self.found else place
        return f"{self.control}: {subject}\n    expected: {self.expected}\n    to do:    {self.remedy}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A control's answer for one program: evidence, findings, or the reason why it doesn't apply."""

    control: Control
    evidence: tuple[Evidence, ...] = ()
    findings: tuple[Finding, ...] = ()
    not_applicable: str = ""

    @property
    def status(self) -> Status:
        if self.findings:
            return "missing"
        return "not applicable" if self.not_applicable else "met"

    @property
    def met(self) -> bool:
        return self.status == "met"


class NotApplicable(Exception):
    """The control has nothing to judge in this program; the message says why."""


Judge = Callable[[CapturedProgram, "Check"], None]


@dataclass(frozen=True, slots=True)
class Control:
    """A requirement as a pure function over a captured program."""

    id: str
    title: str
    remedy: str
    parts: tuple[str, ...]
    """Modules of the component library, or files of the project, that meet it as the program comes."""
    judge: Judge = field(repr=False)
    not_in_policies: str = ""
    """Why a Pulumi policy can't judge it; empty: it can."""

    @property
    def requirement(self) -> str:
        """`S2` of `S2.edge-tls`."""
        return self.id.partition(".")[0]

    def assess(self, program: CapturedProgram) -> Verdict:
        check = Check(self, program)
        try:
            self.judge(program, check)
        except NotApplicable as reason:
            check.not_applicable(str(reason))
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # An owner's resource says something of another kind than the cloud takes: no reason for a traceback.
            check.missing(f"properties of the kinds that the cloud takes ({type(error).__name__}: {error})")
        if not (check.evidence or check.findings or check.reason):
            check.missing("a resource that shows it")
        return Verdict(self, tuple(check.evidence), tuple(check.findings), check.reason)


def control(
    identifier: str, title: str, *parts: str, remedy: str, not_in_policies: str = ""
) -> Callable[[Judge], Control]:
    """Makes a control of the function that judges it."""

    def made(judge: Judge) -> Control:
        return Control(identifier, title, remedy, parts, judge, not_in_policies)

    return made


class Check:
    """Collects evidence and findings while one control looks at one program."""

    def __init__(self, of: Control, program: CapturedProgram) -> None:
        self._control = of
        self._program = program
        self.evidence: dict[Evidence, None] = {}
        self.findings: list[Finding] = []
        self.reason = ""

    def not_applicable(self, reason: str) -> None:
        """What was found is still reported."""
        self.reason = reason

    def missing(self, expected: str, resource: Resource | None = None, path: Path = "", found: str = "missing") -> None:
        """A finding; without a resource, of the whole stack."""
        urn = resource.urn if resource else self._program.stack_urn
        self.findings.append(Finding(self._control.id, urn, dotted_path(path), found, expected, self._control.remedy))

    def shown(self, resource: Resource, path: Path = "") -> None:
        self.evidence[Evidence(resource.urn, dotted_path(path))] = None

    def that(self, holds: object, resource: Resource, path: Path, expected: str) -> bool:
        """Evidence at ``path`` if it holds, else a finding that shows the value there unless it is a secret."""
        if holds:
            self.shown(resource, path)
            return True
        value = at(resource.inputs, path) if path else None
        secret = resource.is_secret(dotted_path(path)) or any(word in dotted_path(path).lower() for word in _SECRETS)
        shown = "not what it should be" if secret or not path else "missing" if value is None else printable(value)
        self.missing(expected, resource, path, shown)
        return False

    def same(self, resource: Resource, path: Path, wanted: object, expected: str = "") -> bool:
        """The property is ``wanted``; a mapping may say more than that."""
        return self.that(includes(at(resource.inputs, path), wanted), resource, path, expected or _said(wanted))

    def sets(self, wanted: frozenset[Any] | set[Any], found: frozenset[Any] | set[Any], what: str) -> bool:
        """Two sets are equal; otherwise a finding for what lacks and what is too much."""
        for lacking in sorted(map(_said, wanted - found)):
            self.missing(f"{what}: {lacking}")
        for extra in sorted(map(_said, found - wanted)):
            self.missing(f"{what}: not {extra}", found="too much")
        return wanted == found

    def some(self, token: str, expected: str = "") -> tuple[Resource, ...]:
        """All of a type; a finding if there is none."""
        found = self._program.of(token)
        if not found:
            self.missing(expected or f"a resource of type {token}")
        return found

    def one(
        self, found: Sequence[Resource], expected: str, where: Resource | None = None, path: Path = ""
    ) -> Resource | None:
        """The only one; a finding if there is none, or more."""
        if len(found) == 1:
            return found[0]
        self.missing(expected, where, path, "missing" if not found else f"there {len(found)} times")
        return None

    def statements(self, resource: Resource, path: Path = "policy") -> list[Statement]:
        """A policy's statements; a finding if it can't be read."""
        try:
            return statements(at(resource.inputs, path))
        except Unreadable:
            self.missing("a policy that can be read", resource, path, "unreadable")
            return []

    def each(self, found: Mapping[str, Resource], names: Sequence[str], what: str) -> Iterator[tuple[str, Resource]]:
        """The resource of each name; a finding for each that lacks."""
        for name in names:
            if name in found:
                yield name, found[name]
            else:
                self.missing(f"{what} {name}")


_SECRETS = ("secret", "password", "searchstring", "customheaders", "accessstring", "env")
"""Words in paths whose values are kept out of findings: Pulumi doesn't tell policies what is secret."""


def _said(value: object) -> str:
    if isinstance(value, (dict, list, tuple, set, frozenset)):
        text = repr(value)
        return text if len(text) <= 160 else f"{text[:159]}…"
    return printable(value)
