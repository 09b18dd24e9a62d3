"""Countries that exist, and a rate limit that limits (S1, S7)."""

from __future__ import annotations

import math
from collections.abc import Iterator

from groundplan.declaration.countries import COUNTRIES, MISTAKEN
from groundplan.declaration.model import Service, System
from groundplan.problems import Finding

# The web ACL's own: https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statement-type-rate-based.html
_LEAST_REQUESTS = 10
_WINDOWS = (60, 120, 300, 600)

# Fixed: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
_TARGET_GROUPS = 100


def check_edge(system: System) -> list[Finding]:
    return [*_exposed(system), *_countries(system), *_rate_limit(system)]


def _exposed(system: System) -> Iterator[Finding]:
    """Something answers clients, and a load balancer has room for it."""
    public = {name: service for name, service in system.services.items() if service.exposure == "public"}
    if not public:
        first = next(iter(system.services))
        yield Finding(
            ("services", first, "exposure"),
            "internal, as of every service",
            "a public service at least: gateway and edge would have nothing to send requests to",
            f"write `exposure: public` in the service that clients call, `{first}` for example",
        )
    groups = sum(_deployments(service) for service in public.values())
    if groups > _TARGET_GROUPS:
        over, inside = groups - _TARGET_GROUPS, []
        for name, service in sorted(public.items(), key=lambda each: -_deployments(each[1])):
            if over <= 0:
                break
            inside.append(name)
            over -= _deployments(service)
        yield Finding(
            ("services",),
            f"{groups} Deployments of public services",
            f"at most {_TARGET_GROUPS}, as many as a load balancer has target groups; with CQRS a service has two",
            f"write `exposure: internal` in {len(inside)} of them: {', '.join(inside)}",
        )


def _deployments(service: Service) -> int:
    """Those that answer requests (A4)."""
    return 2 if service.cqrs else 1


def _countries(system: System) -> Iterator[Finding]:
    edge = system.edge
    for key, codes in (("allowed_countries", edge.allowed_countries), ("blocked_countries", edge.blocked_countries)):
        for position, code in enumerate(codes):
            path = ("edge", key, position)
            if code in codes[:position]:
                yield Finding(path, code, "each country once", "remove one of the two")
            elif code not in COUNTRIES:
                correct = MISTAKEN.get(code)
                remedy = f"write {correct}" if correct else "look the code up: https://www.iso.org/obp/ui/#search/code/"
                yield Finding(path, code, "a country's code in ISO 3166-1", remedy)
    if edge.allowed_countries and edge.blocked_countries:
        yield Finding(
            ("edge", "blocked_countries"),
            "given beside allowed_countries",
            "one of the two: with allowed countries all others are refused anyway",
            "remove one of the lists",
        )


def _rate_limit(system: System) -> Iterator[Finding]:
    limit, needs = system.edge.rate_limit, system.requirements
    one_client = limit.requests / limit.per_seconds
    whole_system = needs.requests_per_second * needs.growth_factor
    if one_client > whole_system:
        yield Finding(
            ("edge", "rate_limit", "requests"),
            f"{limit.requests:,} in {limit.per_seconds} s, {one_client:,.0f} a second",
            f"less for one client than the whole system holds at its growth factor, {whole_system:,.0f} a second (S7)",
            _slower(whole_system, limit.per_seconds, needs.growth_factor),
        )


def _slower(whole_system: float, window: int, growth: float) -> str:
    """What would be less than the whole system holds, in the same window where that is possible."""
    most = int(whole_system * window)
    if most >= _LEAST_REQUESTS:
        return f"lower it to {most:,} or less"
    for longer in _WINDOWS:
        if (most := int(whole_system * longer)) >= _LEAST_REQUESTS:
            return f"write `requests: {most}` and `per_seconds: {longer}`"
    least = math.ceil(1000 * _LEAST_REQUESTS / _WINDOWS[-1] / growth) / 1000
    return f"raise requirements.requests_per_second to {least:g}: no rate rule is slower"
