"""What was chosen, what speaks for it and what against, as far as this system chose it."""

from __future__ import annotations

from collections.abc import Iterator

from groundplan.capacity import Plan
from groundplan.declaration.model import System
from groundplan.document.markdown import table
from groundplan.stack.environment import Environment

Row = tuple[str, str, str]


def trade_offs(system: System, plan: Plan, environment: Environment) -> str:
    return table(("Decision", "Pros", "Cons"), list(_rows(system, plan, environment)))


def _rows(system: System, plan: Plan, environment: Environment) -> Iterator[Row]:
    yield (
        f"{len(system.services)} services rather than one program" if len(system.services) > 1 else "One service",
        "deployed, scaled and failing apart" if len(system.services) > 1 else "nothing to coordinate (P4)",
        "calls and events between them can fail or come late"
        if len(system.services) > 1
        else "grows into one large program",
    )
    yield (
        "REST API rather than HTTP API",
        "WAF, request validation, a response cache, and TLS 1.3 only",
        "dearer for each request, and an account default of 10,000 requests/s",
    )
    yield _cluster(environment)
    yield from _events(plan)
    yield from _data(system, plan, environment)
    yield from _network(environment)
    yield (
        "Databases sized for today's peak, pods and limits for full growth",
        "no idle machines; more load is one number in `system.yaml`",
        "that number must be raised before the load is there: a larger class is a failover of about a minute",
    )


def _cluster(environment: Environment) -> Row:
    if environment.existing_cluster:
        return (
            "A cluster that is already there",
            "nothing more to run or to pay",
            "its upgrades, nodes and policies are decided elsewhere",
        )
    return (
        "EKS Auto Mode",
        "machines, load balancing and storage drivers are AWS's work",
        "less choice of machine images and network plug-ins, and a fee on each machine",
    )


def _events(plan: Plan) -> Iterator[Row]:
    if plan.events is None:
        return
    kafka = plan.events.kafka
    if kafka is None:
        yield (
            "SNS and SQS rather than Kafka",
            "nothing to size, no cost at rest, a dead-letter queue for each consumer",
            "no replay from the broker (the event log does it), no order across messages",
        )
        return
    yield (
        "Kafka rather than SNS and SQS",
        "order within an aggregate, and replay within the retention",
        "brokers cost at rest, and partitions must be set for growth from the start",
    )
    if kafka.kind == "express":
        yield (
            "MSK Express brokers rather than Standard",
            "storage that grows by itself, no maintenance windows",
            "three zones always, and there is no way from Standard to Express in place",
        )
    else:
        yield (
            "MSK Standard brokers rather than Express",
            "small and cheap types exist",
            "storage to watch, and there is no way to Express in place",
        )
    yield (
        "A relay of its own for the outbox",
        "events don't stop with an API pod, and their rate doesn't follow the number of API pods",
        "one more Deployment for each publishing service, and some milliseconds",
    )


def _data(system: System, plan: Plan, environment: Environment) -> Iterator[Row]:
    if environment.shared_database:
        yield ("One database instance for all services", "cheap", "services are apart by permission only (A2)")
    else:
        yield (
            "A database for each service (A2)",
            "a service's load, schema and failure stay its own",
            "no joins and no transactions across services; more instances to pay",
        )
    if any(service.cqrs for service in system.services.values()):
        names = ", ".join(name for name, service in system.services.items() if service.cqrs)
        yield (
            f"CQRS for {names} (A4)",
            "reads and writes scale apart, and answers are stored as they are given",
            "a read may be some moments old, and there is a projector to run",
        )
    if any(database.shards > 1 for database in plan.databases):
        names = ", ".join(database.name for database in plan.databases if database.shards > 1)
        yield (
            f"Shards for {names} (D3)",
            "data and writes beyond one instance",
            "no unique constraint and no transaction across shards; lists ask them all",
        )
    if any(database.replicas for database in plan.databases):
        yield (
            "Read replicas (D3)",
            "reads scale by adding one",
            "they lag; what was just written is read from the primary",
        )
    if any(service.cached for service in system.services.values()):
        yield (
            "Cache-aside in Valkey (C2)",
            "repeated reads never reach the database, and its loss fails no request",
            "copies can be old: the invalidation is declared for each resource (C3)",
        )
    if plan.gateway.cache_gb:
        yield (
            f"Responses cached by the gateway for {plan.gateway.cache_seconds} s (C1)",
            "repeated reads never reach the cluster",
            "nothing but time makes them new, and the cache is paid by the hour",
        )


def _network(environment: Environment) -> Iterator[Row]:
    if environment.nat == "per_zone":
        yield ("A NAT gateway in each zone", "a lost zone costs the others nothing", "three times the price at rest")
    elif environment.nat == "single":
        yield ("One NAT gateway", "a third of the price at rest", "with its zone the way out is lost for all")
    elif environment.nat == "regional":
        yield ("A regional NAT gateway", "AWS spreads it over the zones", "newer, so less is known of its failures")
    else:
        yield ("No NAT gateway", "nothing leaves but to AWS's endpoints", "no calls to outside services")
    if environment.interface_endpoints:
        yield (
            "Interface endpoints for AWS services",
            "that traffic stays inside the network",
            "each costs by the hour in each zone",
        )
    if not environment.multi_zone:
        yield ("One zone for databases and cache", "half the price", "with its zone the stack is down")
