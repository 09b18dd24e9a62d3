"""What the README says of the reference system's stacks is what plan, program and prices give."""

from __future__ import annotations

from collections.abc import Iterator

from groundplan.pricing.cost import cost
from groundplan.pricing.table import built_in
from infra.tests.program.graphs import STACKS, Graph, on
from infra.tests.samples import ROOT

HEAD = "| | dev | staging | prod |"


def said() -> dict[str, dict[str, str]]:
    """The table of "What it costs": row to stack to cell."""
    lines = iter((ROOT / "README.md").read_text(encoding="utf-8").partition(f"{HEAD}\n")[2].splitlines()[1:])
    rows = {}
    for line in lines:
        if not line.startswith("|"):
            break
        what, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        rows[what] = dict(zip(STACKS, cells, strict=True))
    return rows


def so(graph: Graph) -> Iterator[tuple[str, str]]:
    plan = graph.plan
    today = graph.system.requirements.requests_per_second * graph.environment.load_share
    yield "requests/s today, and the goal", f"{today:,.0f}, {today * graph.system.requirements.growth_factor:,.0f}"
    pods = [sum(getattr(each, size) for each in plan.workloads) for size in ("min_pods", "max_pods")]
    yield "pods today, and at most", f"{pods[0]}, {pods[1]}"
    instances = graph.of("aws:rds/instance:Instance")
    standby = sum(bool(each.inputs.get("multiAz")) for each in instances)
    yield "database instances with standby and replicas", str(len(instances) + standby)
    caches = graph.of("aws:elasticache/replicationGroup:ReplicationGroup")
    shards = [int(each.inputs.get("numNodeGroups") or 1) for each in caches]
    replicas = [int(each.inputs.get("replicasPerNodeGroup") or 0) for each in caches]
    yield "cache nodes", str(sum(shard * (1 + more) for shard, more in zip(shards, replicas, strict=True)))
    (kafka,) = graph.of("aws:msk/cluster:Cluster")
    yield "Kafka brokers", str(kafka.inputs["numberOfBrokerNodes"])
    declared = [each for each in graph.resources if each.custom and not each.type.startswith("pulumi:")]
    yield "AWS, Kubernetes and other resources", str(len(declared))
    month = cost(graph.resources, graph.system, graph.environment, plan, built_in()).total
    yield (
        "dollars a month at list prices of eu-central-1, least to most (`make cost`)",
        f"{month.expected:,.0f} ({month.low:,.0f} to {month.high:,.0f})",
    )
    first = plan.bottlenecks[0]
    yield "first bottleneck", f"{first.subject}, {first.bites_at_rps:,.0f}/s"


@on(*STACKS)
def test_the_table_of_stacks_is_what_they_are(graph: Graph) -> None:
    expected = dict(so(graph))
    assert {what: cells[graph.name] for what, cells in said().items()} == expected
