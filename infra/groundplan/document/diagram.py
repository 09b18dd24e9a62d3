"""The system as a picture in ASCII: how a request travels, where data lives, how events flow."""

from __future__ import annotations

from collections.abc import Sequence

from groundplan.capacity import DatabasePlan, Plan
from groundplan.capacity.wording import count, span
from groundplan.declaration.model import System
from groundplan.stack.environment import Environment

_WIDTH = 76
"""Inner width of the widest box; with its border it stays below 80 columns."""
_SHOWN_SERVICES = 8
_SHOWN_FLOWS = 8


def diagram(system: System, plan: Plan, environment: Environment) -> str:
    """The stack that `plan` sizes."""
    site = "static site in S3, " if system.edge.static_site else ""
    throttle = f"{plan.gateway.requests_per_second:,} requests/s"
    lines = [
        *_centred("clients"),
        *_arrow("https, TLS 1.3" if environment.domain else "https"),
        *_box([f"CloudFront: {site}WAF, rate rule per client address"]),
        *_arrow(),
        *_box([f"API Gateway (REST): Cognito tokens, request validation, {throttle}"]),
        *_arrow("VPC link"),
        *_box(["internal load balancer"]),
        *_arrow(),
        *_box(_services(system, plan), heading="EKS: one Deployment for each line"),
        *_arrow("pools, proxies, poolers"),
        *_box(_databases(plan), heading="RDS for PostgreSQL"),
    ]
    if plan.cache:
        nodes = f"{plan.cache.shards} x {plan.cache.node_type}, {count(plan.cache.replicas, 'replica')} each"
        cached = any(service.cached for service in system.services.values())
        held = "cache-aside and token buckets" if cached else "token buckets"
        lines += [*_arrow("token buckets and copies" if cached else "token buckets")]
        lines += _box([f"{held}: {nodes}"], heading="ElastiCache for Valkey, asked by every service")
    if plan.events:
        kafka = plan.events.kafka
        heading = f"MSK: {kafka.brokers} x {kafka.instance_type}" if kafka else "SNS topics and SQS queues"
        lines += [*_arrow("outbox, by relays"), *_box(_flows(plan), heading=heading)]
        lines += [*_arrow(), *_box([f"event log in S3: every event, {plan.events.log_retention_days:,} days"])]
    return "\n".join(["```text", *(line.rstrip() for line in lines), "```"])


def _services(system: System, plan: Plan) -> list[str]:
    shown = list(system.services)[:_SHOWN_SERVICES]
    names = [workload.name for workload in plan.workloads if workload.service in shown]
    width = max(len(name) for name in names)
    lines = []
    for workload in plan.workloads:
        if workload.service in shown:
            pods = f"{span(workload.min_pods, workload.max_pods)} pods"
            way = "" if system.services[workload.service].exposure == "public" else ", internal"
            lines.append(f"{workload.name:<{width}}  {pods}{way}")
    return _more(lines, len(system.services) - len(shown), "service")


def _databases(plan: Plan) -> list[str]:
    shown = plan.databases[:_SHOWN_SERVICES]
    width = max(len(database.name) for database in shown)
    return _more(
        [f"{database.name:<{width}}  {_instances(database)}" for database in shown],
        len(plan.databases) - len(shown),
        "database",
    )


def _instances(database: DatabasePlan) -> str:
    writer = "writer and standby" if database.multi_zone else "writer"
    parts = [f"{writer} {database.instance_class}"]
    if database.proxy:
        parts.insert(0, "proxy")
    if database.replicas:
        parts.append(count(database.replicas, "read replica"))
    if database.pooler:
        parts.append("pooler")
    each = " -> ".join(parts[:2]) if database.proxy else parts[0]
    rest = parts[2:] if database.proxy else parts[1:]
    text = ", ".join([each, *rest])
    return f"{database.shards} shards, each: {text}" if database.shards > 1 else text


def _flows(plan: Plan) -> list[str]:
    assert plan.events is not None
    topics = plan.events.topics[:_SHOWN_FLOWS]
    width = max(len(topic.event) for topic in topics)
    lines = []
    for topic in topics:
        readers = [*topic.consumers, *(f"{name}-projector" for name in topic.projectors)]
        lines.append(f"{topic.event:<{width}}  {topic.publisher} -> {', '.join(readers) or '(the event log only)'}")
    return _more(lines, len(plan.events.topics) - len(topics), "topic")


def _more(lines: list[str], left_out: int, noun: str) -> list[str]:
    return [*lines, f"... and {count(left_out, f'more {noun}', f'more {noun}s')}"] if left_out > 0 else lines


def _box(lines: Sequence[str], heading: str = "") -> list[str]:
    top = f"+- {heading} ".ljust(_WIDTH + 3, "-") + "+" if heading else "+" + "-" * (_WIDTH + 2) + "+"
    inside = [f"| {_cut(line):<{_WIDTH}} |" for line in lines]
    return [top, *inside, "+" + "-" * (_WIDTH + 2) + "+"]


def _cut(line: str) -> str:
    return line if len(line) <= _WIDTH else line[: _WIDTH - 3] + "..."


def _arrow(text: str = "") -> list[str]:
    middle = " " * (_WIDTH // 2)
    return [f"{middle} |  {text}", f"{middle} v"]


def _centred(text: str) -> list[str]:
    return [text.center(_WIDTH + 4)]
