"""Environments like the three stacks, without their files, and any system that a declaration may give."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import strategies as st

from groundplan.declaration.model import System
from groundplan.stack.environment import Environment
from infra.tests.samples import with_round_figures

PLANS = int(os.environ.get("PROVE_EXAMPLES", "50"))
"""How many pairs of a system and an environment a property is tried on; `make prove WHAT=properties` draws more."""
PROD = Environment(name="prod", region="eu-west-1", domain="shop.example.com")
STAGING = PROD.model_copy(update={"name": "staging", "load_share": 0.1})
DEV = Environment(
    name="dev",
    region="eu-west-1",
    require_domain=False,
    load_share=0.01,
    multi_zone=False,
    read_replicas=False,
    shared_database=True,
    database_proxy=False,
    nat="single",
    kafka="standard",
    protect=False,
)
STACKS = {"dev": DEV, "staging": STAGING, "prod": PROD}


def one_service(requirements: dict[str, Any] | None = None, broker: str = "kafka", **service: Any) -> System:
    """A system of one service, `thing`, with a cached resource of its own, and round figures."""
    declared = {
        "resources": {
            "thing": {
                "cache": {"seconds": 3600},
                "fields": {"label": {"type": "string"}},
                "operations": {"list": ["member"], "create": ["member"]},
            }
        },
        **service,
    }
    system = System.model_validate(
        {
            "name": "one",
            "identity": {"roles": ["member"]},
            "events": {"broker": broker},
            "requirements": requirements or {},
            "services": {"thing": declared},
        }
    )
    return with_round_figures(system)


@st.composite
def systems(draw: st.DrawFn, most: int = 8) -> System:
    """Systems of some services in any load, mix and chain of events, on either broker."""
    count = draw(st.integers(1, most))
    share = st.floats(0, 1)
    services: dict[str, Any] = {}
    for number in range(count):
        resource = f"part_{number}"
        upstream = draw(st.sets(st.integers(0, count - 1), max_size=3)) - {number}
        services[f"part-{number}"] = {
            "exposure": draw(st.sampled_from(["public", "internal"])),
            "traffic_weight": draw(st.floats(0.01, 100)),
            "read_share": draw(share),
            "repeat_share": draw(share),
            "data_gb": draw(st.floats(0, 5000)),
            "data_growth_gb_per_month": draw(st.floats(0, 200)),
            "cqrs": draw(st.booleans()),
            "resources": {
                resource: {
                    **({"cache": {"seconds": draw(st.integers(1, 604_800))}} if draw(st.booleans()) else {}),
                    "fields": {"label": {"type": "string"}},
                    "operations": {"list": ["member"]},
                }
            },
            "publishes": [f"{resource}.made"],
            "consumes": [f"part_{other}.made" for other in sorted(upstream)],
        }
    return System.model_validate(
        {
            "name": "many",
            "identity": {"roles": ["member"]},
            "events": {"broker": draw(st.sampled_from(["kafka", "sqs"]))},
            "edge": {"response_cache_seconds": draw(st.sampled_from([0, 1, 60, 3600]))},
            "requirements": {
                "requests_per_second": draw(st.floats(0.01, 20_000)),
                "growth_factor": draw(st.floats(1, 20)),
                "query_p95_ms": draw(st.integers(1, 500)),
                "horizon_months": draw(st.integers(1, 60)),
            },
            "services": services,
        }
    )


@st.composite
def environments(draw: st.DrawFn) -> Environment:
    """Stacks in any combination of what the plan obeys."""
    flag = st.booleans()
    return Environment(
        name="any",
        region=draw(st.sampled_from(["eu-west-1", "us-east-1", "il-central-1"])),
        require_domain=False,
        load_share=draw(st.floats(0.01, 1)),
        multi_zone=draw(flag),
        read_replicas=draw(flag),
        shared_database=draw(flag),
        database_proxy=draw(flag),
        nat=draw(st.sampled_from(["none", "single", "per_zone", "regional"])),
        kafka=draw(st.sampled_from(["standard", "express"])),
    )
