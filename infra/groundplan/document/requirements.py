"""What the system must hold: scale, availability, latency."""

from __future__ import annotations

from groundplan.capacity.demand import service_requests
from groundplan.capacity.wording import number
from groundplan.declaration.model import System
from groundplan.document.markdown import cell_text, table

_MINUTES = 30 * 24 * 60
"""In the 30 days over which availability is counted."""


def requirements(system: System) -> str:
    """The declared figures, each with the requirement it answers."""
    declared = system.requirements
    loads = service_requests(system)
    load = sum(loads.values())
    grown = load * declared.growth_factor
    own = [name for name, service in system.services.items() if service.load.requests_per_second is not None]
    apart = f" ({', '.join(f'{name} {number(loads[name])}' for name in own)}, by their own load)" if own else ""
    data = sum(service.data_gb for service in system.services.values())
    later = sum(service.data_gb_at(declared.horizon_months) for service in system.services.values())
    lost = _MINUTES * (100 - declared.availability_percent) / 100
    rows = [
        (
            "Scale",
            f"{number(load)} requests/s at today's peak (T3){apart}; "
            f"{number(declared.growth_factor)} times that, {number(grown)} requests/s, is the goal (P1): "
            "Scaling Strategy says what holds it",
        ),
        (
            "Data",
            f"{number(data)} GiB today, {number(later)} GiB in {declared.horizon_months} months at the declared growth",
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
    text = table(("", "Requirement"), rows)
    description = cell_text(system.description)
    return f"{description}\n\n{text}" if description else text
