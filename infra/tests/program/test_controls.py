"""The program meets every control, all that is declared and all that a stack leaves out."""

from __future__ import annotations

from collections.abc import Callable

from groundplan.controls import assess
from infra.tests.program.graphs import ALL, STACKS, Graph, on

LEFT_OUT_BY: dict[str, Callable[[Graph], bool]] = {
    "S1.egress-inspected": lambda graph: not graph.environment.network_firewall,
    "S2.edge-tls": lambda graph: graph.environment.domain is None,
    "S2.balancer-tls": lambda graph: graph.environment.domain is None,
    "S3.second-factor": lambda graph: graph.system.identity.mfa != "required",
    "S5.protected": lambda graph: not graph.environment.protect,
    "S5.database-protection": lambda graph: not graph.environment.protect,
    "P2.database-standby": lambda graph: not graph.environment.multi_zone,
    "P2.pod-spread": lambda graph: not graph.environment.multi_zone,
    "D3.replicas": lambda graph: not any(planned.replicas for planned in graph.plan.databases),
    "D3.proxies": lambda graph: not any(planned.proxy for planned in graph.plan.databases),
}
"""What a key of the stack or of the declaration switches off, or the load doesn't ask for."""


@on(*ALL, "longest names")
def test_the_program_meets_every_control(graph: Graph) -> None:
    findings = [str(finding) for verdict in assess(graph.captured).values() for finding in verdict.findings]
    assert findings == []


@on(*STACKS, "queues", "network firewall", "domain in dev")
def test_o1_a_box_is_ticked_exactly_where_the_stack_has_it(graph: Graph) -> None:
    verdicts = assess(graph.captured)
    for control, left_out in LEFT_OUT_BY.items():
        assert verdicts[control].met is not left_out(graph), control
        assert bool(verdicts[control].not_applicable) is left_out(graph), control
