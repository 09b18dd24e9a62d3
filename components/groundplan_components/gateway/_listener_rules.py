"""Listener rules that route requests to workloads, as few as AWS's limits allow; pure."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict

from groundplan_components.shared.checks import require

# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
VALUES_PER_RULE = 5
RULES_PER_LISTENER = 100
TARGET_GROUPS = 100
LONGEST_PATTERN = 128
HIGHEST_PRIORITY = 50_000

BELOW = "/*"
PATH = re.compile(r"(/[a-z0-9]+(-[a-z0-9]+)*)+")
METHOD = re.compile(r"[A-Z]{3,40}")


class LoadBalancerRoute(TypedDict):
    """Requests that one workload answers."""

    workload: str
    """Name of the workload, which gets a target group."""
    paths: list[str]
    """Paths, each including all paths below it: `/api/v1/orders` includes `/api/v1/orders/17`."""
    methods: NotRequired[list[str]]
    """Methods (`GET`, `HEAD`). Default: all that no other route names for the same path."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One listener rule. ``key`` doesn't depend on other routes."""

    key: str
    workload: str
    patterns: tuple[str, ...]
    methods: tuple[str, ...]
    priority: int


def listener_rules(routes: Sequence[LoadBalancerRoute], reserved: int) -> list[Rule]:
    """Rules in the order of ``routes``. Priorities up to ``reserved`` stay free.

    A rule's priority follows from its key, not from its position: a new rule would otherwise shift every rule after it,
    and AWS refuses a priority that is still in use. Rules that name methods come before those that don't.
    """
    drafts: list[tuple[str, LoadBalancerRoute, list[str]]] = []
    for route in routes:
        methods = route.get("methods", [])
        size = max(1, (VALUES_PER_RULE - len(methods)) // 2)
        for index in range(0, len(route["paths"]), size):
            key = "-".join([route["workload"], *(["by-method"] if methods else []), str(index // size)])
            drafts.append((key, route, route["paths"][index : index + size]))
    taken: dict[int, str] = {}
    half = (HIGHEST_PRIORITY - reserved) // 2
    for key, route, _ in sorted(drafts, key=lambda draft: draft[0]):
        first = reserved + 1 if route.get("methods") else reserved + 1 + half
        place = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % half
        while first + place in taken:
            place = (place + 1) % half
        taken[first + place] = key
    priorities = {key: priority for priority, key in taken.items()}
    return [
        Rule(
            key=key,
            workload=route["workload"],
            patterns=tuple(pattern for path in paths for pattern in (path, path + BELOW)),
            methods=tuple(route.get("methods", [])),
            priority=priorities[key],
        )
        for key, route, paths in drafts
    ]


def require_routes(component: str, routes: Sequence[LoadBalancerRoute], rule_quota: int, reserved: int) -> None:
    """Raises pulumi.RunError for what the load balancer can't route."""
    require(bool(routes), component, "routes", routes, "at least one route", "name a workload and its paths")
    seen: dict[tuple[str, str], str] = {}
    keys: set[tuple[str, bool]] = set()
    for index, route in enumerate(routes):
        where = f"routes[{index}]"
        methods = route.get("methods", [])
        require(
            bool(route["paths"]), component, f"{where}.paths", [], "at least one path", "write it like /api/v1/orders"
        )
        require(
            len(methods) <= VALUES_PER_RULE - 2,
            component,
            f"{where}.methods",
            methods,
            f"at most {VALUES_PER_RULE - 2} methods: a rule compares {VALUES_PER_RULE} values, and a path takes two",
            "name the fewer methods, and leave the rest to a route without any",
        )
        for method in methods:
            require(
                METHOD.fullmatch(method) is not None,
                component,
                f"{where}.methods",
                method,
                "an HTTP method in capitals",
                "write it like GET",
            )
        key = (route["workload"], bool(methods))
        require(
            key not in keys,
            component,
            f"{where}.workload",
            route["workload"],
            "one route for all paths of a workload, and one more for those by method",
            "put the paths into the workload's first route",
        )
        keys.add(key)
        for path in route["paths"]:
            require(
                PATH.fullmatch(path) is not None and len(path + BELOW) <= LONGEST_PATTERN,
                component,
                f"{where}.paths",
                path,
                f"a path of lower-case words, at most {LONGEST_PATTERN - len(BELOW)} characters long",
                "write it like /api/v1/orders, without a trailing slash or wildcard",
            )
            for method in methods or ["all other methods"]:
                require(
                    (path, method) not in seen,
                    component,
                    f"{where}.paths",
                    path,
                    f"one workload for a path and method; {seen.get((path, method))} has {method} already",
                    "take it out of one of the two",
                )
                seen[path, method] = route["workload"]
    workloads = {route["workload"] for route in routes}
    require(
        len(workloads) <= TARGET_GROUPS,
        component,
        "routes",
        f"{len(workloads)} workloads",
        f"at most {TARGET_GROUPS}, as many as a load balancer has target groups",
        "put the services behind two load balancers",
    )
    count = len(listener_rules(routes, reserved)) + reserved
    require(
        count <= rule_quota,
        component,
        "routes",
        f"{count} rules",
        f"at most {rule_quota} rules, the account's quota for a load balancer",
        "have AWS raise the quota `Rules per Application Load Balancer`, then say so in rule_quota",
    )
