"""A year of one stack, operation by operation, in one simulated account: what is done to it, and what each comes to.

It begins with the versions before those that the stack asks for, so that it can be upgraded, and ends with everything
destroyed and deployed again.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from groundplan.capacity.placement import SHARED
from groundplan.changes import ChangeSet, summary
from groundplan.cloud import Simulation
from groundplan.cloud.faults import Kind
from groundplan.cloud.model import Resource
from groundplan.declaration.model import Broker, System
from groundplan.rehearsal import growth
from groundplan.rehearsal.account import Account, Run
from groundplan.stack.environment import Environment
from groundplan.stack.remembered import deployed
from groundplan.stack.versions import KUBERNETES, POSTGRES

Simulated = Callable[[System, Environment], Simulation]
"""Runs the program of a system and an environment in a fresh account; refusals are in the result."""

_SECRET_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"  # noqa: S105  # a type
_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
_MOST_ROUNDS = 60
"""Deployments until everything that failed once is done: the longest chain of dependencies has about twenty links."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One change. ``losing``: it takes something away, and `make up` asks for its name; any other loss is a fault."""

    title: str
    system: System
    settings: Mapping[str, Any]
    losing: bool = False
    waits: bool = False
    """The maintenance windows that its changes wait for pass only before the next operation."""
    failing: Kind | None = None
    """How each of its calls goes wrong once."""


@dataclass(slots=True)
class Row:
    """What one operation came to."""

    title: str
    created: int = 0
    changed: int = 0
    replaced: int = 0
    deleted: int = 0
    lost: tuple[str, ...] = ()
    """What was lost or moved away, after its name was given."""
    protected: int = 0
    """What refused to go until its protection was lifted."""
    later: int = 0
    """Resources of which something takes effect in a window, or at a restart."""
    away: int = 0
    """Seconds that the longest interruption may take."""
    said: str = ""
    """The sentence that is told before."""
    surprises: list[str] = field(default_factory=list)
    seconds: float = 0.0
    failures: int = 0
    """Calls that failed, or whose answer was lost, on the way."""
    note: str = ""
    """What else is to be said of it, in a table and in a picture."""


class Year:
    """The operations of one stack. ``simulated`` runs its program."""

    def __init__(
        self, system: System, environment: Environment, simulated: Simulated, given: Iterable[str] = ()
    ) -> None:
        self._simulated = simulated
        self.system = system
        self.environment = _before(environment)
        self.account = Account(environment.region, given)
        self._wanted = environment

    def play(self, today: datetime.date, begun: Callable[[str], None] = lambda _: None) -> Iterator[Row]:
        """Each operation, one after the other; `begun` hears its title before."""
        for operation in operations(self.system, self.environment, self._wanted, today):
            begun(operation.title)
            yield self._timed(lambda operation=operation: self._operate(operation))  # type: ignore[misc]
        for title, act in (
            ("secrets are rotated", self._rotate),
            ("a setting drifts, and a refresh", self._drift),
            ("everything destroyed", self._destroy),
            ("up again, each call failing once", lambda: self._again("refuse")),
            ("destroyed, each call failing once", self._destroy_failing),
            ("up again, each answer lost once", lambda: self._again("lost")),
        ):
            begun(title)
            yield self._timed(act, title)

    def _timed(self, act: Callable[[], Row], title: str = "") -> Row:
        start = time.monotonic()
        row = act()
        row.title = title or row.title
        row.seconds = time.monotonic() - start
        return row

    def _operate(self, operation: Operation) -> Row:
        self.account.pass_windows()
        self.system = operation.system
        self.environment = self.environment.model_copy(update=dict(operation.settings))
        program = self._program()
        self.account.faults.every = operation.failing
        self.account.faults.once.clear()
        run = self._deploy(program.resources, window_passes=not operation.waits)
        self.account.faults.every = None
        row = _row(operation.title, run, self.environment.name)
        row.failures = len(self.account.faults.once)
        row.surprises += [str(refusal) for refusal in program.refusals]
        row.surprises += self._judged(run, row, losing=operation.losing)
        return row

    def _program(self) -> Simulation:
        """The program of the system and what its stack remembers, as `make up` has it."""
        memory = deployed(_as_state(self.account.state.values()), [*self.system.services, SHARED])
        self.environment = self.environment.model_copy(update={"remembered": memory})
        return self._simulated(self.system, self.environment)

    def _deploy(self, resources: Sequence[Resource], *, window_passes: bool = True) -> Run:
        """As `make up` does it: what is protected refuses, and is let go first."""
        from groundplan.changes import classify

        announced = classify(self.account.state.values(), resources)
        self.account.lift_protection(each.urn for each in announced.protected)
        run = self.account.deploy(resources, window_passes=window_passes)
        for _ in range(_MOST_ROUNDS):
            if not run.errors:
                break
            before, gone_wrong = run.errors, len(self.account.faults.once)
            run = self.account.deploy(resources, window_passes=window_passes)
            # What is refused twice alike was no fault that passes. A lost creation and a lost deletion read alike, too.
            if run.errors == before and len(self.account.faults.once) == gone_wrong:
                break
        run.changes = announced
        return run

    def _judged(self, run: Run, row: Row, *, losing: bool = False) -> Iterator[str]:
        yield from (str(refusal) for refusal in run.changes.refusals)
        yield from run.errors
        if row.lost and not losing:
            yield f"data would be lost or moved with {', '.join(row.lost)}"
        for order in run.changes.split:
            yield f"one deployment does not keep an order: {order.first} before {order.then}: {order.why}"
        for change in run.changes.changes:
            if any(part.when == "never" for part in change.parts):
                yield f"{change.name}: accepted, and not done"
        yield from (f"in the account and in no state: {urn}" for urn in self.account.orphans)
        yield from (f"several in the account: {urn}" for urn in self.account.doubled)

    def _rotate(self) -> Row:
        """Rotation changes secrets and passwords behind the engine's back; no deployment sets them back."""
        rotated = self._rotating()
        for urn in rotated:
            self.account.drift(urn, "secretString", "rotated")
        self.account.refresh()
        run = self._deploy(self._program().resources)
        row = _row("", run, self.environment.name)
        reset = sorted({each.urn for each in run.changes.changes} & rotated)
        row.surprises += [f"a deployment would reset {urn.rpartition('::')[2]}" for urn in reset]
        if not rotated:
            row.surprises.append("no secret of the stack is rotated")
        return row

    def _rotating(self) -> set[str]:
        """Versions of secrets that have a rotation."""
        state = self.account.state
        secrets = {each.inputs.get("secretId") for each in state.values() if "secretRotation" in each.type}
        return {
            urn
            for urn, each in state.items()
            if each.type == _SECRET_VERSION and each.inputs.get("secretId") in secrets
        }

    def _drift(self) -> Row:
        balancer = next((urn for urn, each in self.account.state.items() if each.type == _BALANCER), None)
        if balancer is None:
            return Row("")
        self.account.drift(balancer, "idleTimeout", 4_000)
        found = self.account.refresh()
        run = self._deploy(self._program().resources)
        row = _row("", run, self.environment.name)
        row.surprises += self._judged(run, row)
        if found != [balancer]:
            row.surprises.append(f"refresh found {found}, not the drift of {balancer}")
        if balancer not in run.changes.by_urn:
            row.surprises.append("the deployment after the refresh leaves the drift")
        return row

    def _destroy(self) -> Row:
        return self._ended(self._deploy(()))

    def _destroy_failing(self) -> Row:
        self.account.faults.every = "throttle"
        self.account.faults.once.clear()
        self.account.lift_protection(
            urn for urn, each in self.account.state.items() if each.custom and not _provider(each)
        )
        first, rounds = self._until_done(())
        row = self._ended(first)
        row.failures, row.surprises = len(self.account.faults.once), [*row.surprises, *rounds]
        self.account.faults.every = None
        return row

    def _ended(self, run: Run) -> Row:
        row = _row("", run, self.environment.name)
        row.surprises += run.errors if self.account.faults.every is None else []
        returned = self.account.clean()
        row.said = f"{len(returned)} log groups came back by themselves, and were deleted"
        row.surprises += [f"destroy left {urn}" for urn in self.account.orphans]
        if self.account.state:
            row.surprises.append(f"{len(self.account.state)} resources stayed in the state")
        return row

    def _again(self, kind: Kind) -> Row:
        """Deployed once more, with every call failing once; what failed is taken up by the next deployment."""
        self.account.faults.every = kind
        self.account.faults.once.clear()
        first, rounds = self._until_done(self._program().resources)
        row = _row("", first, self.environment.name)
        row.failures = len(self.account.faults.once)
        self.account.faults.every = None
        row.surprises += [*rounds, *(f"orphan: {urn}" for urn in self.account.orphans)]
        row.surprises += [f"doubled: {urn}" for urn in self.account.doubled]
        row.said = (
            f"{row.failures} calls went wrong; {len(self.account.orphans)} orphans, {len(self.account.doubled)} doubled"
        )
        return row

    def _until_done(self, resources: Sequence[Resource]) -> tuple[Run, list[str]]:
        first = run = self.account.deploy(resources)
        for _ in range(_MOST_ROUNDS):
            if not run.errors:
                return first, []
            run = self.account.deploy(resources)
        return first, [f"still failing after {_MOST_ROUNDS} deployments: {run.errors[0]}"]


def operations(
    system: System, environment: Environment, wanted: Environment, today: datetime.date
) -> Iterator[Operation]:
    """What is changed in a year, each on top of the one before. ``wanted`` has the versions to upgrade to."""
    images = {"images": growth.images(system, environment.region, environment.images)}

    def with_images(of: System) -> dict[str, Any]:
        return {"images": growth.images(of, environment.region, wanted.images)}

    yield Operation("first deployment, without images", system, {"images": {}})
    yield Operation("images arrive", system, images)
    loaded = growth.more_load(system)
    yield Operation("ten times the load", loaded, images, waits=True, failing="throttle")
    yield Operation("and again, after the windows", loaded, {})
    yield Operation("back to the load of before", system, {}, waits=True, failing="lost")
    yield Operation("and again, after the windows", system, {})
    sharded = growth.with_shard(system, today)
    yield Operation("data past the shard limit", sharded, {})
    grown = growth.with_service(sharded)
    name = growth.added_service(sharded)
    yield Operation("a service added", grown, with_images(grown))
    renamed = _renamed(grown, name, f"{name}-renamed")
    yield Operation("that service renamed", renamed, with_images(renamed), losing=True)
    yield Operation("and removed", sharded, with_images(sharded), losing=True)
    yield from _settings(sharded, environment)
    yield from _brokers(sharded)
    for version in _versions(environment.kubernetes_version, wanted.kubernetes_version, _next_minor):
        yield Operation(f"Kubernetes {version}", sharded, {KUBERNETES: version})
    for version in _versions(environment.postgres_version, wanted.postgres_version, _next_major):
        yield Operation(f"PostgreSQL {version}", sharded, {POSTGRES: version})
        yield Operation(f"PostgreSQL {version}, replicas", sharded, {})


def _settings(system: System, environment: Environment) -> Iterator[Operation]:
    proxy, zones, nat = environment.database_proxy, environment.multi_zone, environment.nat
    other = "per_zone" if nat == "single" else "single"
    for title, key, first, then in (
        ("database proxy", "database_proxy", not proxy, proxy),
        ("zones", "multi_zone", not zones, zones),
        ("NAT", "nat", other, nat),
    ):
        yield Operation(f"{title}: {_shown(first)}", system, {key: first})
        yield Operation(f"{title}: {_shown(then)}", system, {key: then})
    bare = _without_cache(system)
    yield Operation("no cache", bare, {})
    yield Operation("cached again", system, {})
    domain, zone = environment.domain, environment.hosted_zone
    if domain is not None:
        yield Operation("another domain", system, {"domain": f"www.{zone}"})
        yield Operation("the domain of before", system, {"domain": domain})


def _brokers(system: System) -> Iterator[Operation]:
    now = system.events.broker
    other = Broker.SQS if now is Broker.KAFKA else Broker.KAFKA
    changed = system.model_copy(update={"events": system.events.model_copy(update={"broker": other})})
    yield Operation(f"broker {other.value}", changed, {}, losing=True, failing="refuse")
    yield Operation(f"broker {now.value}", system, {}, losing=True, failing="lost")


def _without_cache(system: System) -> System:
    services = {
        name: service.model_copy(
            update={
                "resources": {
                    key: resource.model_copy(update={"cache": None}) for key, resource in service.resources.items()
                }
            }
        )
        for name, service in system.services.items()
    }
    return system.model_copy(update={"services": services})


def _renamed(system: System, old: str, new: str) -> System:
    services = {new if name == old else name: service for name, service in system.services.items()}
    return system.model_copy(update={"services": services})


def _before(environment: Environment) -> Environment:
    """The environment with the versions before, and nothing deployed."""
    kubernetes, postgres = environment.kubernetes_version, environment.postgres_version
    minor = int(kubernetes.partition(".")[2])
    earlier = {KUBERNETES: f"1.{minor - 2}", POSTGRES: str(max(15, int(postgres) - 1))}
    if environment.existing_cluster is not None:
        del earlier[KUBERNETES]
    return environment.model_copy(update={**earlier, "remembered": type(environment.remembered)()})


def _versions(now: str, wanted: str, following: Callable[[str], str]) -> Iterator[str]:
    while now != wanted:
        now = following(now)
        yield now


def _next_minor(version: str) -> str:
    return f"1.{int(version.partition('.')[2]) + 1}"


def _next_major(version: str) -> str:
    return str(int(version) + 1)


def _shown(value: object) -> str:
    return {True: "on", False: "off"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _row(title: str, run: Run, stack: str) -> Row:
    changes: ChangeSet = run.changes
    custom = [each for each in changes.changes if not _component(each.type)]

    def count(operation: str) -> int:
        return sum(1 for each in custom if each.operation == operation)

    return Row(
        title,
        created=count("create"),
        changed=count("update"),
        replaced=count("replace"),
        deleted=count("delete"),
        lost=changes.gone,
        protected=len(changes.protected),
        later=sum(1 for each in changes.changes if each.later),
        away=max((each.interruption.most for each in changes.interrupted if each.interruption), default=0),
        said=summary(changes, stack),
    )


def _component(token: str) -> bool:
    return token.split(":")[0] not in ("aws", "kubernetes", "random")


def _provider(resource: Resource) -> bool:
    return resource.type.startswith("pulumi:providers:")


def _as_state(resources: Iterable[Resource]) -> Iterator[dict[str, Any]]:
    for each in resources:
        yield {"urn": each.urn, "type": each.type, "id": each.id, "inputs": each.inputs, "outputs": each.outputs}
