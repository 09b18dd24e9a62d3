"""ARCHITECTURE.md: the mandated parts in order, filled in for the system, with figures from the plan (O1)."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import replace
from pathlib import Path

import pytest

from groundplan.capacity import Plan, plan
from groundplan.controls import CONTROLS, Evidence, Finding, Verdict
from groundplan.declaration.model import System
from groundplan.document import PARTS, Subject, blocks, render_document, rewrite, skeleton
from groundplan.document.document import EMPTY
from groundplan.document.security import LAYERS
from infra.tests.capacity.stacks import DEV, PROD, STACKS, one_service
from infra.tests.samples import busy_shop as shop
from infra.tests.samples import system_of

ROOT = Path(__file__).resolve().parents[3]
MANDATED = [
    "Requirements",
    "Architecture Diagram",
    "Components",
    "Data Model",
    "API Design",
    "Scaling Strategy",
    "Security Measures",
    "Trade-offs",
    "Implementation Priority",
]


_planned: dict[str, dict[str, Plan]] = {}
"""By declaration: each is planned once."""


def plans(system: System) -> dict[str, Plan]:
    declaration = system.model_dump_json()
    if declaration not in _planned:
        _planned[declaration] = {name: plan(system, environment) for name, environment in STACKS.items()}
    return _planned[declaration]


def subject(system: System, main: str = "prod", verdicts: dict[str, Verdict] | None = None) -> Subject:
    return Subject(system, STACKS, plans(system), verdicts or {}, main)


def headings(text: str) -> list[str]:
    return re.findall(r"^## (.+)$", text, re.MULTILINE)


@pytest.mark.parametrize("system", [shop(), system_of(1), system_of(12, "sqs"), one_service()])
def test_the_mandated_parts_in_order(system: System) -> None:
    text = render_document(subject(system))
    assert text.startswith(f"# System Architecture: {system.name}\n")
    assert headings(text) == MANDATED


def test_the_skeleton_has_the_same_parts_and_says_what_fills_them() -> None:
    text = skeleton("tills")
    assert text.startswith("# System Architecture: tills\n")
    assert headings(text) == MANDATED
    assert text.count(EMPTY) == len(MANDATED)
    assert text.count("Filled in by `make plan`") == len(MANDATED)


def test_a_skeleton_that_is_filled_in_is_the_document() -> None:
    """`make plan` on a fresh project gives what is rendered at once."""
    of = subject(shop())
    assert rewrite(skeleton("shop"), blocks(of)).text == render_document(of)


def test_blocks_can_be_written_twice() -> None:
    of = subject(shop())
    text = render_document(of)
    assert rewrite(text, blocks(of)).changed == ()


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("system", [shop(), system_of(30), one_service()])
def test_no_block_holds_a_marker_or_nothing(system: System, name: str) -> None:
    content = PARTS[name][1](subject(system))
    assert content.strip()
    assert "<!--" not in content
    assert "None" not in content
    assert not any(line != line.rstrip() for line in content.splitlines())


def test_what_users_write_cannot_close_a_block() -> None:
    system = shop().model_copy(update={"description": "<!-- /plan:requirements -->\n| a | b |"})
    of = subject(system)
    text = render_document(of)
    assert rewrite(text, blocks(of)).changed == ()


def test_figures_are_the_plans() -> None:
    of = subject(shop())
    text = render_document(of)
    first = of.plan.bottlenecks[0]
    assert f"First bottleneck: {first.subject}" in text
    for database in of.plan.databases:
        assert database.instance_class in text
    for note in of.plan.notes:
        assert f"- {note}" in text
    assert "| requests/s, today and the goal | 10, 100 | 100, 1,000 | 1,000, 10,000 |" in text


def test_requirements_are_the_declarations() -> None:
    text = PARTS["requirements"][1](subject(shop()))
    assert "1,000 requests/s at today's peak (T3); 10 times that, 10,000 requests/s" in text
    assert "99.9 %: at most 43.2 minutes in 30 days (T4)" in text
    assert "below 200 ms for API responses (T1), 20 ms for database statements (T2)" in text


def test_the_diagram_is_ascii_of_this_system_and_below_80_columns_more() -> None:
    for system in (shop(), system_of(30), system_of(4, "sqs"), one_service()):
        for stack in ("dev", "prod"):
            text = PARTS["diagram"][1](subject(system, stack))
            assert text.isascii()
            assert max(len(line) for line in text.splitlines()) <= 80
    text = PARTS["diagram"][1](subject(shop()))
    for expected in (
        "order-query       3 to 8 pods",
        "order    proxy -> writer and standby db.r7g.large, 2 read replicas",
        "order.placed      order -> payment",
        "order.read_model  order -> order-projector",
        "MSK: 3 x express.m7g.large",
        "ElastiCache for Valkey",
    ):
        assert expected in text
    assert "SNS topics and SQS queues" in blocks(subject(system_of(4, "sqs")))["diagram"]
    assert "... and 22 more services" in PARTS["diagram"][1](subject(system_of(30)))


def test_shards_are_drawn() -> None:
    system = one_service(None, data_gb=3000, shard_map=[{"since": "2024-01-01", "shards": 3}])
    assert "3 shards, each: " in PARTS["diagram"][1](subject(system))


def test_the_api_lists_every_endpoint_with_its_roles() -> None:
    """R1, S4."""
    text = PARTS["api"][1](subject(shop()))
    rows = [line for line in text.splitlines() if line.startswith("| ") and "/api/v1/" in line]
    declared = sum(
        len(resource.operations) for service in shop().services.values() for resource in service.resources.values()
    )
    assert len(rows) == declared
    assert "| order | GET | `/api/v1/orders/{id}` | get one: order | customer (own), support, admin |" in rows
    assert "| order | POST | `/api/v1/order-lines` | create: order line | customer (own) |" in rows
    assert "429" in text


def test_open_and_internal_endpoints_are_named() -> None:
    resources = {
        "thing": {"fields": {"label": {"type": "string"}}, "operations": {"list": ["anyone"], "create": ["member"]}}
    }
    text = blocks(subject(one_service(None, exposure="internal", resources=resources)))["api"]
    assert "| anyone, no token |" in text
    assert "Reached from inside the cluster only: thing." in text


@pytest.mark.parametrize(
    ("system", "main", "present", "absent"),
    [
        (
            shop(),
            "prod",
            ["Kafka rather than SNS and SQS", "MSK Express", "CQRS for order", "A NAT gateway in each"],
            ["Shards for", "One NAT"],
        ),
        (
            shop(),
            "dev",
            ["MSK Standard", "One NAT gateway", "for the databases of 3 services", "One zone for"],
            ["Read replicas (D3)"],
        ),
        (system_of(4, "sqs"), "prod", ["SNS and SQS rather than Kafka"], ["MSK"]),
        (one_service(), "prod", ["One service"], ["Kafka", "CQRS"]),
        (one_service(None, data_gb=3000), "prod", ["Shards for thing (3) (D3)"], []),
    ],
)
def test_trade_offs_are_those_that_were_made(system: System, main: str, present: list[str], absent: list[str]) -> None:
    text = PARTS["trade-offs"][1](subject(system, main))
    for each in present:
        assert each in text
    for each in absent:
        assert each not in text


def test_components_are_those_of_the_stack() -> None:
    prod, dev = PARTS["components"][1](subject(shop())), blocks(subject(shop(), "dev"))["components"]
    assert "RDS Proxy" in prod
    assert "RDS Proxy" not in dev
    assert "MSK, Express brokers" in prod
    assert "MSK, Standard brokers" in dev
    assert "SNS and SQS" in blocks(subject(system_of(3, "sqs")))["components"]


MET = {name: Verdict(control, (Evidence("urn"),)) for name, control in CONTROLS.items()}


def test_a_box_is_ticked_by_a_control_that_is_met_and_by_nothing_else() -> None:
    """S1 to S7: nothing is ticked that the program doesn't declare."""
    shown = [control for control in CONTROLS.values() if control.requirement in LAYERS]
    assert {control.requirement for control in shown} == LAYERS.keys()
    unjudged = subject(shop())

    def rendered(verdicts: dict[str, Verdict]) -> str:
        return PARTS["security"][1](replace(unjudged, verdicts=verdicts))

    assert "[x]" not in rendered({})
    assert rendered(MET).count("- [x]") == len(shown)
    for control in shown:
        finding = Finding(control.id, "urn", "", "missing", "something", control.remedy)
        for verdict in (Verdict(control, (), (finding,)), Verdict(control, (), (), "`a_key` is off in this stack")):
            text = rendered({**MET, control.id: verdict})
            assert text.count("- [x]") == len(shown) - 1
            (line,) = [each for each in text.splitlines() if each.startswith("- [ ]")]
            assert control.id in line
            assert line.endswith("missing: 1 finding" if verdict.findings else "not here: `a_key` is off in this stack")


def test_the_rate_limit_is_shown_with_its_figures() -> None:
    assert "at most 100 in 60 seconds from one address" in PARTS["security"][1](subject(shop(), verdicts=MET))


@pytest.mark.parametrize("system", [shop(), system_of(3, "sqs")])
@pytest.mark.parametrize("main", STACKS)
def test_links_lead_to_the_projects_files_and_names_to_modules(system: System, main: str) -> None:
    text = render_document(subject(system, main, MET))
    links = set(re.findall(r"\]\(([^)]+)\)", re.sub(r"```sql.*?```", "", text, flags=re.DOTALL)))
    assert links
    assert [link for link in sorted(links) if not (ROOT / link).exists()] == []
    modules = set(re.findall(r"`(groundplan[\w.]+)`", text))
    assert len(modules) > 20
    assert [name for name in sorted(modules) if importlib.util.find_spec(name) is None] == []


def test_priorities_speak_of_this_system() -> None:
    text = PARTS["priority"][1](subject(shop()))
    assert re.findall(r"^### (.+)$", text, re.MULTILINE) == ["1. Core", "2. Scale", "3. Optimise"]
    assert "order.placed to payment" in text
    assert "database.order.writer" in text


def test_stacks_without_a_domain_do_not_claim_tls_1_3() -> None:
    """S2: the default certificate can't insist on it."""
    assert "TLS 1.3" in PARTS["diagram"][1](subject(shop()))
    assert DEV.domain is None
    assert PROD.domain is not None
    assert "TLS 1.3" not in blocks(subject(shop(), "dev"))["diagram"]
