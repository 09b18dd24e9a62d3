"""Changes that cost less: each planned and simulated anew, with what it gives up and what the way there takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from groundplan.capacity import compare, plan
from groundplan.capacity.comparison import Effort
from groundplan.capacity.demand import with_load
from groundplan.cloud.model import Resource
from groundplan.declaration.model import Broker, System
from groundplan.pricing.cost import Cost, cost
from groundplan.pricing.table import PriceTable
from groundplan.problems import ProblemsFound
from groundplan.stack.contradictions import contradictions
from groundplan.stack.environment import Environment

Simulate = Callable[[System, Environment], Sequence[Resource]]
"""Every resource that the project's program declares. Raises ProblemsFound for what can't be deployed."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One change of the declaration or of the stack's configuration."""

    name: str
    change: str
    """How to make it."""
    gives_up: str
    system: System
    environment: Environment


@dataclass(frozen=True, slots=True)
class Saving:
    """An alternative with its cost. Amounts are expected US dollars a month."""

    alternative: Alternative
    cost: Cost
    saved: float
    """Of the priced total."""
    saved_unpriced: float
    """Of what has no rate in this region, by the reference region's list."""
    effort: Effort
    """The most that any change on the way takes."""

    @property
    def weight(self) -> float:
        return self.saved + self.saved_unpriced


def alternatives(system: System, environment: Environment) -> Iterator[Alternative]:
    """Everything that this stack could do without, in no order."""

    def configured(name: str, gives_up: str, **settings: str | int) -> Alternative:
        keys = ", ".join(f"{key}: {_text(value)}" for key, value in settings.items())
        where = f"Pulumi.{environment.name}.yaml: {keys}"
        return Alternative(name, where, gives_up, system, environment.model_copy(update=settings))

    if system.events is not None and system.events.broker is Broker.KAFKA:
        events = system.events.model_copy(update={"broker": Broker.SQS})
        yield Alternative(
            "queues for Kafka",
            "system.yaml: events.broker: sqs",
            "order within a key, replay of events that were read, and one log for many readers",
            system.model_copy(update={"events": events}),
            environment,
        )
    if not environment.existing_cluster:
        if environment.nat in ("per_zone", "regional"):
            yield configured("one NAT gateway", "the way out of two zones, when the third is lost", nat="single")
        if environment.interface_endpoints:
            yield configured(
                "AWS services through NAT",
                "calls of AWS services stay inside the network no longer, and share the NAT gateways' bandwidth",
                interface_endpoints=False,
            )
        if environment.network_firewall:
            yield configured("no network firewall", "what leaves the network is inspected no longer",
                             network_firewall=False)  # fmt: skip
    if not environment.shared_database and len(system.services) > 1:
        yield configured(
            "one database instance for all services",
            "services fail, restart and wait together; A2 holds by permission only",
            shared_database=True,
        )
    if environment.multi_zone:
        yield configured(
            "no standby in another zone",
            "the loss of a zone or a machine is an outage until a backup is restored",
            multi_zone=False,
        )
    if environment.read_replicas:
        yield configured("no read replicas", "reads compete with writes, and the writer is full sooner",
                         read_replicas=False)  # fmt: skip
    if environment.database_proxy:
        yield configured(
            "no database proxy", "each pod holds its own connections: fewer pods fit, failovers are felt longer",
            database_proxy=False,
        )  # fmt: skip
    if shorter := [days for days in (7, 30) if days < environment.log_days]:
        yield configured(
            f"logs for {shorter[-1]} days", "questions about what happened before then", log_days=shorter[-1]
        )
    if any(service.cqrs for service in system.services.values()):
        services = {name: service.model_copy(update={"cqrs": False}) for name, service in system.services.items()}
        names = [name for name, service in system.services.items() if service.cqrs]
        yield Alternative(
            "no CQRS",
            f"system.yaml: services.{', services.'.join(names)}: cqrs: false",
            "queries that scale apart from commands, with a read model of their own (A4)",
            system.model_copy(update={"services": services}),
            environment,
        )


def savings(
    system: System,
    environment: Environment,
    table: PriceTable,
    simulate: Simulate,
    *,
    before: Cost | None = None,
    users: int | None = None,
) -> tuple[tuple[Saving, ...], tuple[tuple[Alternative, str], ...]]:
    """Every alternative that costs less, what saves most first; and those that can't be deployed, with the reason."""
    planned = plan(system, environment)
    today = before or cost(simulate(system, environment), system, environment, planned, table, users=users)
    found: list[Saving] = []
    refused: list[tuple[Alternative, str]] = []
    for each in alternatives(system, environment):
        try:
            if findings := contradictions(each.environment, each.system):
                refused.append((each, findings[0].expected))
                continue
            anew = plan(each.system, each.environment)
            resources = simulate(each.system, each.environment)
        except ProblemsFound as problems:
            refused.append((each, problems.problems[0].expected))
            continue
        then = cost(resources, each.system, each.environment, anew, table, users=users)
        saving = Saving(
            alternative=each,
            cost=then,
            saved=today.total.expected - then.total.expected,
            saved_unpriced=today.missing.expected - then.missing.expected,
            effort=Effort.REPLACEMENT if _another_broker(system, each.system) else compare(planned, anew).effort,
        )
        if saving.weight > 0:
            found.append(saving)
    return tuple(sorted(found, key=lambda saving: saving.weight, reverse=True)), tuple(refused)


def _another_broker(before: System, after: System) -> bool:
    return before.events is not None and after.events is not None and before.events.broker is not after.events.broker


def at_load(system: System, factor: float) -> System:
    """The system under so many times its load; what it must grow to by configuration stays the same number."""
    return with_load(system, factor, max(1.0, system.requirements.growth_factor / factor))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
