"""What the system must hold: scale, availability, latency."""

from __future__ import annotations

from groundplan.capacity import Plan
from groundplan.capacity.budget_text import availability_rows, budget_sentences, latency_rows
from groundplan.capacity.demand import service_requests
from groundplan.capacity.model import MINUTES
from groundplan.capacity.wording import number
from groundplan.capacity.written import with_written
from groundplan.declaration.model import System
from groundplan.document.markdown import bullets, cell_text, table


def requirements(system: System, plan: Plan) -> str:
    """The declared figures, each with the requirement it answers."""
    declared = system.requirements
    loads = service_requests(system)
    load = sum(loads.values())
    grown = load * declared.growth_factor
    own = [name for name, service in system.services.items() if service.load.requests_per_second is not None]
    apart = f" ({', '.join(f'{name} {number(loads[name])}' for name in own)}, by their own load)" if own else ""
    data = sum(service.data_gb for service in system.services.values())
    counted = with_written(system)
    later = sum(service.data_gb_at(declared.horizon_months) for service in counted.services.values())
    larger = any(counted.services[name] != service for name, service in system.services.items())
    lost = MINUTES * (100 - declared.availability_percent) / 100
    rows = [
        (
            "Scale",
            f"{number(load)} requests/s at today's peak (T3){apart}; "
            f"{number(declared.growth_factor)} times that, {number(grown)} requests/s, is the goal (P1): "
            "Scaling Strategy says what holds it",
        ),
        (
            "Data",
            f"{number(data)} GiB today, {number(later)} GiB in {declared.horizon_months} months at the "
            + ("growth that is declared or, where that is more, written" if larger else "declared growth"),
        ),
        (
            "Availability",
            f"{number(declared.availability_percent, 3)} %: at most {number(lost)} minutes in 30 days (T4)",
        ),
        (
            "Latency",
            f"95th percentile below {declared.latency_p95_ms} ms for API responses (T1), "
            f"{declared.query_p95_ms} ms for database statements (T2)",
        ),
    ]
    text = "\n\n".join([table(("", "Requirement"), rows), *_budgets(plan)])
    description = cell_text(system.description)
    return f"{description}\n\n{text}" if description else text


def _budgets(plan: Plan) -> list[str]:
    """What takes how much of the targets, on the stack that the document's figures are of."""
    if plan.budgets is None:
        return []
    available = plan.budgets.availability
    parts = [
        f"### Budgets of `{plan.environment}`",
        bullets(budget_sentences(plan.budgets)),
        table(("Minutes in 30 days", "", "Source"), list(availability_rows(available))),
    ]
    for slowest in plan.budgets.latency[:1]:
        heading = f"ms of {slowest.request} of {slowest.service}, the slowest"
        parts.append(table((heading, "", "Source"), list(latency_rows(slowest))))
    return parts
