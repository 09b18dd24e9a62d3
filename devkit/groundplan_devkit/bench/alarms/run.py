"""A whole run: load, drills in their rounds, and for each alarm when it rang, when it ended and whether its page is
right about that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from groundplan.capacity import plan
from groundplan.cli._facts import simulated
from groundplan.cli.stacks import Project
from groundplan_devkit import names
from groundplan_devkit.bench.alarms.drills import Drill, Ring, Scene, rounds
from groundplan_devkit.bench.alarms.pace import PACE
from groundplan_devkit.bench.alarms.readings import Readings
from groundplan_devkit.bench.alarms.sources import Sources
from groundplan_devkit.bench.alarms.traffic import traffic
from groundplan_devkit.bench.alarms.watched import Alarms, Composite, State, Watched, declared
from groundplan_devkit.bench.faults.run import bodies, choose
from groundplan_devkit.bench.faults.whole import whole
from groundplan_devkit.bench.mix import Target
from groundplan_devkit.bench.stage import Stage
from groundplan_devkit.dev.page.brokers.port import followed, readers_of
from groundplan_devkit.problems import Unavailable

EVALUATED_SECONDS = 60
"""CloudWatch looks at an alarm so often."""
PATIENCE_SECONDS = 240.0
"""Beyond an alarm's periods: an outbox's minute, a broker that is back, five attempts at an event."""


@dataclass(frozen=True, slots=True)
class Rung:
    """What became of one alarm; None: it never came to that."""

    alarm: str
    page: str
    drill: Drill
    over: str
    """What the page says of the end."""
    calm: bool
    """Whether it was OK before the fault."""
    rang_after: float | None
    """Seconds since the fault began."""
    ended_after: float | None
    """Seconds since it was mended."""
    holds: bool
    """Whether it ended as the page says."""

    @property
    def wrong(self) -> str:
        """Empty: nothing is."""
        if not self.calm:
            return f"{self.alarm} rang before the fault"
        if self.rang_after is None:
            return f"{self.alarm} did not ring"
        if self.ended_after is None:
            return f"{self.alarm} did not end"
        return "" if self.holds else f"{self.alarm} ended, and not as its page says: {self.over}"


@dataclass(frozen=True)
class Drilled:
    """A whole run."""

    stack: str
    pace: float
    rung: Sequence[Rung]

    @property
    def wrong(self) -> list[str]:
        return [each.wrong for each in self.rung if each.wrong]


def alarms_of(project: Project) -> Alarms:
    """Those of the project's main stack, as its program declares them in the simulated cloud."""
    environment = project.environments[project.main]
    simulation = simulated(project.folder, project.system, environment)
    return declared(simulation.resources, project.system.name)


class Watch:
    """The states of alarms, as CloudWatch evaluates them: every minute, over the periods that end then.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html#alarm-evaluation
    """

    def __init__(self, alarms: Alarms, readings: Readings, pace: float, now: Callable[[], float] = time.time) -> None:
        self._alarms, self._readings, self._pace, self._now = alarms, readings, pace, now
        self._began = now()
        self._evaluated: dict[str, tuple[float, State]] = {}
        """When each was looked at last, and what it was."""

    def longest(self, name: str) -> float:
        """Seconds after which it has rung, where what it watches is wrong from the first one on."""
        alarm = self._alarms[name]
        if isinstance(alarm, Composite):
            # The shortest window is within the others.
            return min(map(self.longest, alarm.parts))
        return (alarm.periods * alarm.period + EVALUATED_SECONDS) / self._pace

    def state(self, name: str) -> State:
        alarm = self._alarms[name]
        if isinstance(alarm, Composite):
            return alarm.state({part: self.state(part) for part in alarm.parts})
        end = self._end()
        if name not in self._evaluated or self._evaluated[name][0] != end:
            self._evaluated[name] = end, alarm.state(self._values(alarm))
        return self._evaluated[name][1]

    def within(self, name: str) -> bool:
        """Whether the latest period is within the threshold."""
        alarm = self._alarms[name]
        if isinstance(alarm, Composite):
            return any(self.within(part) for part in alarm.parts)
        values = self._values(alarm)
        return bool(values) and not alarm.breaches(values[-1])

    def _end(self) -> float:
        """The latest moment at which alarms are evaluated."""
        step = EVALUATED_SECONDS / self._pace
        return self._began + (self._now() - self._began) // step * step

    def _values(self, alarm: Watched) -> list[float | None]:
        """Of the latest periods, in their order; of what was before the beginning nothing is known."""
        length, end = alarm.period / self._pace, self._end()
        ends = [end - number * length for number in reversed(range(alarm.periods))]
        return [alarm.value(self._readings, each - length, each) for each in ends if each > self._began]


async def run(on: Stage, project: Project, pace: float = PACE) -> Drilled:
    """All drills, one round after the other, under load; see `Drilled`. Raises Unavailable."""
    stack = project.main
    on.say(f"Declaring {stack} in the simulated cloud, for its alarms")
    alarms = await asyncio.to_thread(alarms_of, project)
    service, name, resource = choose(on.system)
    target = Target(name, resource, resource.collection(name), ())
    running = await asyncio.to_thread(whole, on)
    readings = Readings()
    sources = Sources(on, running, readings)
    scene = Scene(
        on=on,
        running=running,
        readings=readings,
        sources=sources,
        service=service,
        target=target,
        event=_projected(on, service),
        slo=f"{project.system.name}-{stack}-slo",
        instance=plan(project.system, project.environments[stack]).database_of(service).instances[0],
    )
    planned = rounds(scene)
    _require([ring.alarm for each in planned for drill in each for ring in drill.rings], alarms)
    watch = Watch(alarms, readings, pace)
    rung: list[Rung] = []
    async with sources.measuring(), traffic(on, running, service, target, bodies(resource, "bench"), sources):
        for drills in planned:
            rung += await _round(on, drills, alarms, watch)
    return Drilled(stack, pace, rung)


async def _round(on: Stage, drills: Sequence[Drill], alarms: Alarms, watch: Watch) -> list[Rung]:
    rings = {ring.alarm: (ring, drill) for drill in drills for ring in drill.rings}
    on.say(f"Waiting until all is well: {len(rings)} alarms")
    calm = await _until(watch, rings, State.OK)
    for name in rings.keys() - calm.keys():
        on.say(f"  {name} rings before any fault: is the machine busy with something else?")
    for drill in drills:
        on.say(f"{drill.fault} …")
        await drill.begin()
    rang = await _until(watch, rings, State.ALARM, lambda alarm, after: on.say(f"  {alarm} rings after {after:.0f} s"))
    for drill in drills:
        on.say(f"{drill.mended} …")
        await drill.mend()
    ended = await _until(watch, rings, State.OK, lambda alarm, after: on.say(f"  {alarm} is over after {after:.0f} s"))
    return [
        Rung(
            alarm=name,
            page=alarms[name].page,
            drill=drill,
            over=ring.over,
            calm=name in calm,
            rang_after=rang.get(name),
            ended_after=ended.get(name),
            holds=name in ended and await _as_said(ring, watch),
        )
        for name, (ring, drill) in rings.items()
    ]


async def _until(
    watch: Watch,
    rings: Mapping[str, object],
    wanted: State,
    tell: Callable[[str, float], None] = lambda _alarm, _after: None,
) -> dict[str, float]:
    """After how many seconds each was in this state; those that never were are left out."""
    begun = time.monotonic()
    found: dict[str, float] = {}
    longest = max(map(watch.longest, rings)) + PATIENCE_SECONDS
    while len(found) < len(rings) and time.monotonic() - begun < longest:
        for name in rings:
            if name not in found and watch.state(name) is wanted:
                found[name] = time.monotonic() - begun
                tell(name, found[name])
        await asyncio.sleep(1)
    return found


async def _as_said(ring: Ring, watch: Watch) -> bool:
    """Looked at until it is so, or patience ends: what an alarm watches is back before all that waited has arrived."""
    begun = time.monotonic()
    while time.monotonic() - begun < PATIENCE_SECONDS:
        if watch.within(ring.alarm) and (ring.proof is None or await ring.proof()):
            return True
        await asyncio.sleep(2)
    return False


def _projected(on: Stage, service: str) -> str:
    """The event that the service's read model follows; empty: it has none."""
    reader = names.projector(service)
    return followed(on.installation, reader)[0] if reader in readers_of(on.installation) else ""


def _require(names: Sequence[str], alarms: Alarms) -> None:
    lacking = [name for name in names if name not in alarms]
    if lacking:
        raise Unavailable(
            "alarms of the stack",
            f"none called {', '.join(lacking)}",
            "the alarms that the program of `groundplan` declares, on a stack of production",
            "run it in a project whose main stack has them: more than one zone, replicas, `alarm_email`",
        )


def table(drilled: Drilled) -> str:
    """One row an alarm."""
    lines = [
        f"{len(drilled.rung)} alarms of {len({each.page for each in drilled.rung})} pages, as `{drilled.stack}` "
        f"declares them; periods {drilled.pace:g} times shorter, thresholds as declared.",
        "",
        "| fault | alarm | rang after | mended | ended after | its page says | so it was |",
        "|---|---|---|---|---|---|---|",
        *(f"| {' | '.join(_cells(each))} |" for each in drilled.rung),
    ]
    return "\n".join(lines)


def _cells(each: Rung) -> tuple[str, ...]:
    return (
        each.drill.fault,
        f"`{each.alarm}`",
        _seconds(each.rang_after) if each.calm else "before it",
        each.drill.mended,
        _seconds(each.ended_after),
        f"{each.page}: {each.over}",
        "yes" if each.holds else "no",
    )


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.0f} s"
