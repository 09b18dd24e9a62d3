"""The rehearsal: a stack deployed, changed and destroyed by the real engine, in the simulated cloud (U5).

It runs on a copy of the project, with an image for each service. What would go wrong in an account is a surprise here:
something that holds data and would be lost, a change where there should be none, a refusal, something left behind.
"""

from __future__ import annotations

import contextlib
import datetime
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from groundplan.cloud.cloud import Cloud, identifiers_in
from groundplan.cloud.deletion import comes_back
from groundplan.cloud.provider import ProviderServers
from groundplan.rehearsal import growth
from groundplan.rehearsal.differences import Difference
from groundplan.rehearsal.engine import Outcome, Stack, StepFailed
from groundplan.rehearsal.judgement import as_previewed, changes_nothing, described, judge, loses_nothing, only_creates
from groundplan.rehearsal.stage import Stage


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it did, in ``seconds``, and what was unexpected about it."""

    title: str
    done: Difference
    seconds: float
    surprises: tuple[str, ...] = ()


@dataclass(slots=True)
class Rehearsal:
    """All steps of one stack; it ends with the first that brings a surprise."""

    stack: str
    steps: list[Step] = field(default_factory=list)

    @property
    def surprises(self) -> tuple[str, ...]:
        return tuple(surprise for step in self.steps for surprise in step.surprises)

    @property
    def seconds(self) -> float:
        return sum(step.seconds for step in self.steps)

    def step(self, title: str) -> Step:
        """Raises LookupError when it wasn't reached."""
        for step in self.steps:
            if step.title == title:
                return step
        raise LookupError(f"no step {title!r} among {', '.join(step.title for step in self.steps)}")


def rehearse(
    project: Path,
    stack: str,
    command: Path,
    *,
    begun: Callable[[str], None] = lambda _: None,
    ended: Callable[[Step], None] = lambda _: None,
    prepared: Callable[[ProviderServers], None] = lambda _: None,
    today: datetime.date | None = None,
) -> Rehearsal:
    """Rehearse one stack of a project; what it found is in the result's ``surprises``.

    ``begun`` hears a step's title, ``ended`` what came of it. ``prepared`` may put faults into the account before the
    first step. Raises ProblemsFound when the project itself can't be read.
    """
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as directory:
        here = Path(directory)
        home = here / "home"
        home.mkdir()
        stage = Stage(project, stack, here / "project")
        given = identifiers_in(stage.configuration)
        with ProviderServers(region=stage.environment.region, given=given) as servers:
            engine = Stack(command, stage.folder, stack, home, servers.attachment)
            prepared(servers)
            rehearsal = Rehearsal(stack)
            with contextlib.suppress(_Surprised):
                _Script(stage, engine, servers.cloud, rehearsal, begun, ended).play(today or datetime.date.today())
            return rehearsal


class _Surprised(Exception):
    """What comes next would build on something that went wrong."""


Judge = Callable[[Difference], Iterable[str]]


@dataclass(frozen=True, slots=True)
class _Script:
    stage: Stage
    engine: Stack
    cloud: Cloud
    rehearsal: Rehearsal
    begun: Callable[[str], None]
    ended: Callable[[Step], None]

    def play(self, today: datetime.date) -> None:
        self._start()
        previewed = self._step("preview", self.engine.preview, only_creates)
        self._step("up", self.engine.up, lambda done: as_previewed(previewed, done))
        self._step("up again", self.engine.up, changes_nothing)

        for change in growth.changes(self.stage.system, self.stage.environment, today):
            self._change(change)

        self._step("refresh", self.engine.refresh, changes_nothing)
        self._destroy()

    def _start(self) -> None:
        """The stack, its declaration and its secrets: what a user does once."""

        def start() -> Outcome:
            start = time.monotonic()
            self.stage.declare(self.stage.system)
            self.engine.create()
            for key, value in self.stage.secrets.items():
                self.engine.configure(key, value, secret=True)
            return Outcome(Difference(), time.monotonic() - start)

        self._step("stack init", start, lambda _: ())

    def _change(self, change: growth.Change) -> None:
        def run() -> Outcome:
            start = time.monotonic()
            self.stage.declare(change.system)
            for service, image in self.stage.images(change.system).items():
                if service not in self.stage.system.services:
                    self.engine.configure(f"{change.system.name}:images.{service}", image, path=True)
            return Outcome(self.engine.up().done, time.monotonic() - start)

        self._step(change.title, run, lambda done: judge(change, done))

    def _destroy(self) -> None:
        """What is retained on purpose (API Gateway's account role, which other stacks may use) isn't left behind."""
        resources = self.engine.resources()
        kept = {resource["urn"] for resource in resources if resource.get("retainOnDelete")}
        if self.stage.environment.protect:
            self._step("protection lifted", self._lift_protection, loses_nothing)
        self._step("destroy", self.engine.destroy, lambda _: self._left(kept))

    def _lift_protection(self) -> Outcome:
        """As a user has to: `protect: false`, `up`; `pulumi state unprotect` for what that didn't reach."""
        start = time.monotonic()
        self.engine.configure(f"{self.stage.system.name}:protect", "false")
        done = self.engine.up().done
        if any(resource.get("protect") for resource in self.engine.resources()):
            self.engine.unprotect()
        return Outcome(done, time.monotonic() - start)

    def _left(self, kept: set[str]) -> Iterable[str]:
        for item in self.cloud.items.values():
            if not item.adopted and item.urn not in kept and not comes_back(item.physical_name):
                yield f"destroy left {described(item.urn)} ({item.id}) in the account"

    def _step(self, title: str, run: Callable[[], Outcome], expected: Judge) -> Difference:
        """Raises _Surprised when there is one."""
        self.begun(title)
        start = time.monotonic()
        try:
            outcome = run()
            surprises = [*expected(outcome.done), *self._refusals()]
        except StepFailed as failed:
            outcome = Outcome(failed.done, time.monotonic() - start)
            surprises = [f"{title}: {error}" for error in failed.errors]
        step = Step(title, outcome.done, outcome.seconds, tuple(surprises))
        self.rehearsal.steps.append(step)
        self.ended(step)
        if surprises:
            raise _Surprised
        return outcome.done

    def _refusals(self) -> Iterable[str]:
        """What can only be judged once everything is there."""
        self.cloud.refusals.clear()
        self.cloud.conclude()
        return [str(refusal) for refusal in self.cloud.refusals]
