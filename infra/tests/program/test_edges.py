"""What the model allows plans and declares, or is refused with a remedy that works when it is followed (d9)."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from groundplan.capacity import plan
from groundplan.declaration.model import System
from groundplan.program.definition import check_definition
from groundplan.quotas import QUOTAS
from groundplan.quotas.declared import declared_use
from groundplan.stack.environment import Environment
from groundplan_components.shared import Statement, policies
from infra.tests.program.following import followed, problems_of
from infra.tests.program.graphs import Graph, on, simulated
from infra.tests.samples import changed, shop, stack, with_images

PROVING = bool(os.environ.get("EDGES"))
"""The campaign also declares each of the edges: minutes of simulation."""
EVERY = ["list", "get", "create", "update", "delete"]


def service(number: int, resources: int = 1, fields: int = 2, events: int = 1, **attributes: Any) -> dict[str, Any]:
    names = [f"r_{number}_{index}" for index in range(resources)]
    columns = {f"field_{index}": {"type": "string", "max_length": 100} for index in range(fields)}
    return {
        "resources": {
            name: {
                "plural": f"r-{number}-{index}s",
                "fields": columns,
                "operations": {operation: ["member"] for operation in EVERY},
            }
            for index, name in enumerate(names)
        },
        "publishes": [f"{names[0]}.step{index}_done" for index in range(events)],
        **attributes,
    }


def system(services: int, broker: str = "sqs", requests: float = 1000, **attributes: Any) -> System:
    return System.model_validate(
        {
            "name": "edge",
            "requirements": {"requests_per_second": requests},
            "identity": {"roles": ["member"]},
            "events": {"broker": broker},
            "services": {f"part-{number}": service(number, **attributes) for number in range(1, services + 1)},
        }
    )


SHARDED: dict[str, Any] = {
    "data_gb": 60_000,
    "data_growth_gb_per_month": 0,
    "shard_map": [{"since": "2000-01-01", "shards": 64}],
}

EDGES: dict[str, Callable[[], System]] = {
    "all internal": lambda: system(3, exposure="internal"),
    "100 public services": lambda: system(100),
    "100 public services with CQRS": lambda: system(100, cqrs=True),
    "100 services on Kafka": lambda: system(100, broker="kafka"),
    "10 services of 15 resources": lambda: system(10, resources=15),
    "one service of 20 resources": lambda: system(1, resources=20),
    "100 services of 20 resources": lambda: system(100, resources=20),
    "20 resources of 100 fields": lambda: system(40, resources=20, fields=100),
    "64 shards": lambda: system(1, **SHARDED),
    "64 shards read by replicas": lambda: system(1, cqrs=True, read_share=0.95, **SHARDED),
    "as much data as a declaration holds, unsharded": lambda: system(1, data_gb=60_000, data_growth_gb_per_month=0),
    "100 events of a service": lambda: system(2, events=100),
    "a million requests a second": lambda: system(3, requests=1_000_000),
    "a million requests a second, cached": lambda: changed(shop(), requirements={"requests_per_second": 1_000_000}),
    "a thousandfold growth": lambda: changed(
        shop(), requirements={"requests_per_second": 1_000_000, "growth_factor": 1000}
    ),
}
REFUSED = {
    "all internal",
    "100 public services",
    "100 public services with CQRS",
    "100 services on Kafka",
    "10 services of 15 resources",
    "100 services of 20 resources",
    "20 resources of 100 fields",
    "as much data as a declaration holds, unsharded",
    "a million requests a second, cached",
    "a thousandfold growth",
}
"""On `prod`; the others declare as they are."""
STACKS = ("dev", "prod")
LARGE = {"100 services of 20 resources", "20 resources of 100 fields"}
"""Ten seconds each: on one stack, but for the campaign."""
CASES = [(edge, name) for edge in EDGES for name in STACKS if PROVING or name == "prod" or edge not in LARGE]


@pytest.mark.parametrize(("edge", "name"), CASES, ids=lambda value: value)
def test_an_edge_plans_or_its_remedies_lead_there(edge: str, name: str) -> None:
    (after, environment), said = followed(EDGES[edge](), stack(name))
    assert not problems_of(after, environment), "\n".join(map(str, said))
    if name == "prod":
        assert bool(said) == (edge in REFUSED), "\n".join(map(str, said))
    plan(after, environment)


@pytest.mark.skipif(not PROVING, reason="a campaign: `make prove WHAT=edges`")
@pytest.mark.parametrize(("edge", "name"), CASES, ids=lambda value: value)
def test_an_edge_declares_without_a_refusal(edge: str, name: str) -> None:
    (after, environment), _ = followed(EDGES[edge](), stack(name))
    _declares(after, environment)


def _declares(after: System, environment: Environment) -> Graph:
    graph = simulated("edge", after, with_images(environment, after))
    assert not graph.simulation.refusals
    used = declared_use(graph.resources)
    beyond = {
        key: each for key, each in used.items() if not QUOTAS[key].adjustable and each.amount > QUOTAS[key].default
    }
    assert not beyond
    return graph


@st.composite
def at_the_edges(draw: st.DrawFn) -> System:
    """Each size drawn from its ends and what lies near a quota."""
    count = draw(st.sampled_from([1, 2, 49, 50, 51, 99, 100]))
    most_fields = 100 if count <= 2 else 5
    return system(
        count,
        broker=draw(st.sampled_from(["kafka", "sqs"])),
        requests=draw(st.sampled_from([0.01, 1000, 50_000, 1_000_000])),
        resources=draw(st.sampled_from([1, 2, 3, 15, 20] if PROVING or count <= 2 else [1, 3])),
        fields=draw(st.sampled_from([1, 2, most_fields])),
        events=draw(st.sampled_from([1, 3])),
        cqrs=draw(st.booleans()),
        exposure=draw(st.sampled_from(["public", "internal"])),
        read_share=draw(st.sampled_from([0.0, 0.5, 1.0])),
        repeat_share=draw(st.sampled_from([0.0, 1.0])),
        data_gb=draw(st.sampled_from([0, 10, 999, 1001, 60_000])),
        data_growth_gb_per_month=0,
    )


@st.composite
def stacks(draw: st.DrawFn) -> Environment:
    flag = st.booleans()
    return Environment.model_validate(
        {
            "name": "any",
            "region": draw(st.sampled_from(["eu-central-1", "il-central-1"])),
            "require_domain": False,
            "load_share": draw(st.sampled_from([0.01, 1.0])),
            "multi_zone": draw(flag),
            "read_replicas": draw(flag),
            "shared_database": draw(flag),
            "database_proxy": draw(flag),
            "kafka": draw(st.sampled_from(["standard", "express"])),
            "nat": draw(st.sampled_from(["none", "single", "per_zone", "regional"])),
            "network_firewall": draw(flag),
            "interface_endpoints": draw(flag),
            "vpc_cidr": draw(st.sampled_from(["10.0.0.0/16", "10.0.0.0/20"])),
        }
    )


EXAMPLES = settings(
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    max_examples=int(os.environ.get("EDGES", "8")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@EXAMPLES
@given(at_the_edges(), stacks())
def test_any_declaration_at_the_edges_plans_or_its_remedies_lead_there(
    declared: System, environment: Environment
) -> None:
    (after, there), said = followed(declared, environment)
    assert not problems_of(after, there), "\n".join(map(str, said))


ARN = "arn:aws:secretsmanager:ap-southeast-1:123456789012:secret:" + "x" * 60


@pytest.mark.parametrize("amount", [0, 1, 30, 38, 39, 64, 192, 250])
def test_policies_are_as_long_as_iam_takes_and_grant_the_same(amount: int) -> None:
    """d9: 58 shards made a policy of 12,066 characters; with the longest ARNs, each document fits."""
    longest = [f"{ARN}{number:0>{264 - len(ARN)}}" for number in range(amount)]
    statements: list[Statement] = [
        {"sid": "Secrets", "actions": ["secretsmanager:GetSecretValue"], "resources": list(longest)},
        {"sid": "Key", "actions": ["kms:Decrypt"], "resources": ["*"], "conditions": {"Bool": {"aws:x": "true"}}},
    ]
    documents = asyncio.run(_texts(statements))
    sizes = [len(json.dumps(json.loads(each), separators=(",", ":"))) for each in documents]
    assert sizes[0] <= QUOTAS["iam_inline_policy"].default
    assert all(size <= QUOTAS["iam_managed_policy"].default for size in sizes[1:])
    assert len(documents) - 1 <= QUOTAS["iam_policies_per_role"].default
    granted = [each for document in documents for each in json.loads(document)["Statement"]]
    assert [arn for each in granted if each["Sid"] == "Secrets" for arn in each["Resource"]] == longest
    assert [each["Resource"] for each in granted if each["Sid"] == "Key"] == [["*"]]


async def _texts(statements: list[Statement]) -> list[str]:
    texts = [await each.future() for each in policies(*statements)]
    return [str(each) for each in texts]


@on("prod", "sharded")
def test_the_size_of_a_definition_is_known_before_it_is_made(graph: Graph) -> None:
    """The bound that the declaration is refused by lies above the real one, and not far."""
    from groundplan.program.definition import gateway_routes
    from groundplan.program.routes import public_resources
    from groundplan_components.gateway import definition_size

    real = declared_use(graph.resources)["gateway_definition"].amount
    bound = definition_size(gateway_routes(public_resources(graph.system, graph.plan)))
    assert real <= bound <= 1.5 * real
    assert not check_definition(graph.system, graph.plan)
