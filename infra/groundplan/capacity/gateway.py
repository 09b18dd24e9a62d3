"""The API gateway: stage throttle, burst and response cache, and the account's quota (A1, C1, P1, S7)."""

from __future__ import annotations

import math

from groundplan.capacity import figures
from groundplan.capacity.demand import Demand
from groundplan.capacity.model import Decision, GatewayPlan
from groundplan.capacity.wording import number
from groundplan.declaration.model import System
from groundplan.quotas import QUOTAS
from groundplan.stack.environment import Environment


def public_requests(system: System, demands: dict[str, Demand]) -> float:
    """Requests a second that come through the gateway: internal services are reached inside the cluster."""
    return sum(demands[name].requests for name, service in system.services.items() if service.exposure == "public")


def plan_gateway(
    system: System, environment: Environment, demands: dict[str, Demand]
) -> tuple[GatewayPlan, tuple[Decision, ...]]:
    """The stage's sizes. The throttle isn't cut to the account's quota: raising that is then all that is needed."""
    growth = system.requirements.growth_factor
    load = public_requests(system, demands)
    limit = environment.quota("gateway_rps")
    throttle = max(1, math.ceil(load * growth - 1e-9))
    burst = max(int(figures.SMALLEST_BURST), math.ceil(throttle * figures.GATEWAY_BURST))
    seconds = system.edge.response_cache_seconds
    copies = _copies_gb(system, demands, seconds)
    cache = next((size for size in figures.GATEWAY_CACHE_GB if copies <= size), figures.GATEWAY_CACHE_GB[-1])
    gateway = GatewayPlan(
        requests_per_second=throttle,
        burst=burst,
        cache_gb=cache if seconds else None,
        cache_seconds=seconds,
        account_limit_rps=int(limit),
    )
    return gateway, (
        Decision(
            "gateway",
            "requests_per_second",
            str(throttle),
            f"{number(load)} requests/s to public services, times {number(growth)}; one client is held to less by the "
            "rate rule",
            "P1, T3, S7",
            "declaration",
        ),
        Decision(
            "gateway",
            "burst",
            str(burst),
            "half a second's requests at once, as AWS sets it for an account; at least what one page asks for",
            "P1",
            figures.GATEWAY_BURST.source,
        ),
        Decision(
            "gateway",
            "cache_gb",
            str(gateway.cache_gb) if seconds else "off",
            f"{number(copies, 2)} GiB of answers live for {seconds} s at the same time; the smallest size that holds "
            "them"
            if seconds
            else "edge.response_cache_seconds is 0: answers are cached by the services, which know what changed",
            "C1",
            figures.GATEWAY_CACHE_SOURCE,
        ),
        Decision(
            "gateway",
            "cache_seconds",
            str(seconds),
            "declared (edge.response_cache_seconds)",
            "C1",
            "declaration",
        ),
        Decision(
            "gateway",
            "account_limit_rps",
            str(gateway.account_limit_rps),
            f"{_where(environment)}, all of its APIs together",
            "P1",
            QUOTAS["gateway_rps"].source,
        ),
    )


def _where(environment: Environment) -> str:
    if "gateway_rps" in environment.quotas:
        return "the account's, as configured"
    return f"the default of an account in {environment.region}"


def _copies_gb(system: System, demands: dict[str, Demand], seconds: int) -> float:
    public = [demands[name] for name, service in system.services.items() if service.exposure == "public"]
    return sum(demand.reads * demand.costs.object_kib for demand in public) * seconds / 2**20
