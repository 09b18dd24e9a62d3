"""Listener rules: packed, ordered and stable (A1, A4)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from groundplan_components.gateway import LoadBalancerRoute
from groundplan_components.gateway._listener_rules import VALUES_PER_RULE, listener_rules


def route(workload: str, paths: list[str], methods: list[str] | None = None) -> LoadBalancerRoute:
    made: LoadBalancerRoute = {"workload": workload, "paths": paths}
    if methods:
        made["methods"] = methods
    return made


names = st.lists(st.from_regex(r"[a-z]{2,8}", fullmatch=True), min_size=1, max_size=12, unique=True)


@given(names, st.integers(1, 4))
def test_no_rule_compares_more_values_than_aws_allows(workloads: list[str], resources: int) -> None:
    routes = []
    for workload in workloads:
        paths = [f"/api/v1/{workload}-{number}" for number in range(resources)]
        routes.append(route(f"{workload}-query", paths, ["GET", "HEAD"]))
        routes.append(route(f"{workload}-command", paths))
    rules = listener_rules(routes, reserved=1)
    assert all(len(rule.patterns) + len(rule.methods) <= VALUES_PER_RULE for rule in rules)
    assert len({rule.priority for rule in rules}) == len(rules)
    assert len({rule.key for rule in rules}) == len(rules)
    assert all(1 < rule.priority <= 50_000 for rule in rules)
    by_method = [rule.priority for rule in rules if rule.methods]
    assert max(by_method) < min(rule.priority for rule in rules if not rule.methods)
    for given_route in routes:
        patterns = [p for rule in rules if rule.workload == given_route["workload"] for p in rule.patterns]
        assert patterns == [pattern for path in given_route["paths"] for pattern in (path, f"{path}/*")]


def test_a_new_service_moves_no_rule_of_another() -> None:
    old = [route("order", ["/api/v1/orders"]), route("user", ["/api/v1/users"])]
    before = {rule.key: rule for rule in listener_rules(old, reserved=1)}
    after = {rule.key: rule for rule in listener_rules([route("article", ["/api/v1/articles"]), *old], reserved=1)}
    assert {key: after[key] for key in before} == before


def test_two_paths_share_a_rule_where_no_method_is_named() -> None:
    paths = ["/api/v1/a", "/api/v1/b", "/api/v1/c"]
    assert [rule.patterns for rule in listener_rules([route("order", paths)], reserved=1)] == [
        ("/api/v1/a", "/api/v1/a/*", "/api/v1/b", "/api/v1/b/*"),
        ("/api/v1/c", "/api/v1/c/*"),
    ]
