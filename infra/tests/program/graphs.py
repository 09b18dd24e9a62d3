"""Whole graphs of the program, simulated once each: the root's stacks, and what differs from them in one respect."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from ipaddress import IPv4Network
from typing import Any

import pytest

from groundplan.capacity import Plan, plan
from groundplan.cloud import Resource, Simulation, identifiers_in, simulate
from groundplan.controls import CapturedProgram
from groundplan.declaration.model import System
from groundplan.project import load_program
from groundplan.stack.environment import Environment, ExistingCluster
from infra.tests.samples import (
    ROOT,
    WAITING_MS,
    changed,
    shop,
    stack,
    system_of,
    with_images,
    with_statements_of,
)

KUBECONFIG = json.dumps({"apiVersion": "v1", "kind": "Config", "clusters": [], "contexts": [], "users": []})
Declared = tuple[System, Environment]


@dataclass(frozen=True)
class Graph:
    """What one program declared, and what it was told to declare."""

    name: str
    system: System
    environment: Environment
    simulation: Simulation

    @cached_property
    def plan(self) -> Plan:
        return plan(self.system, self.environment)

    @cached_property
    def captured(self) -> CapturedProgram:
        """As controls read it."""
        return CapturedProgram.of_simulation(self.system, self.environment, self.simulation)

    @property
    def resources(self) -> tuple[Resource, ...]:
        return self.simulation.resources

    @cached_property
    def by_urn(self) -> dict[str, Resource]:
        return {resource.urn: resource for resource in self.resources}

    @cached_property
    def _by_type(self) -> dict[str, tuple[Resource, ...]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.resources:
            found.setdefault(resource.type, []).append(resource)
        return {token: tuple(resources) for token, resources in found.items()}

    def of(self, token: str) -> tuple[Resource, ...]:
        """All of one type, in the order of their registration."""
        return self._by_type.get(token, ())

    def some(self, token: str) -> tuple[Resource, ...]:
        """All of one type, of which there must be at least one: a test over none would prove nothing."""
        found = self.of(token)
        assert found, f"{self.name} declares no {token}"
        return found

    def one(self, token: str, name: str) -> Resource:
        """The resource of this type and logical name."""
        found = [resource for resource in self.of(token) if resource.name == name]
        assert len(found) == 1, f"{self.name} declares {len(found)} {token} named {name}"
        return found[0]

    def beneath(self, urn: str) -> Iterator[Resource]:
        """All descendants of a component."""
        for resource in self.resources:
            parent = resource.parent
            while parent in self.by_urn:
                if parent == urn:
                    yield resource
                    break
                parent = self.by_urn[parent].parent


def _stack(name: str, **settings: Any) -> Declared:
    """Shop on one of its stacks, with images of all services."""
    return shop(), with_images(stack(name).model_copy(update=settings), shop())


def _shop(name: str, **sections: Any) -> Declared:
    """Another shop on one of the stacks."""
    system = changed(shop(), **sections)
    return system, with_images(stack(name), system)


def with_services(**changes: dict[str, Any]) -> System:
    """Shop with single attributes of its services changed."""
    declared = shop().model_dump(mode="json", exclude_unset=True)["services"]
    return changed(shop(), services={name: {**declared[name], **change} for name, change in changes.items()})


def _on(name: str, system: System) -> Declared:
    return system, with_images(stack(name), system)


def few(*names: str, broker: str = "kafka", **of_order: Any) -> System:
    """Shop with these services alone: much of what the whole declares, in less time."""
    declared = shop().model_dump(mode="json", exclude_unset=True)
    declared["events"] |= {"broker": broker}
    declared["services"] = {name: declared["services"][name] for name in names}
    declared["services"]["order"] |= of_order
    published = {event for service in declared["services"].values() for event in service["publishes"]}
    for service in declared["services"].values():
        service["consumes"] = [event for event in service.get("consumes", []) if event in published]
    return System.model_validate(declared)


EXISTING = ExistingCluster(
    context="company",
    security_group_id="sg-0123456789abcdef0",
    vpc_id="vpc-0123456789abcdef0",
    private_subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1", "subnet-0123456789abcdef2"],
    data_subnet_ids=["subnet-0123456789abcdef3", "subnet-0123456789abcdef4", "subnet-0123456789abcdef5"],
    ingress_subnets={
        "subnet-0123456789abcdef6": IPv4Network("10.60.250.0/27"),
        "subnet-0123456789abcdef7": IPv4Network("10.60.250.32/27"),
    },
    vpc_cidr=IPv4Network("10.60.0.0/16"),
    cluster_name="company",
    target_group_binding="elbv2.k8s.aws/v1beta1",
)


def _existing() -> Declared:
    # Keys about the cluster that the program would make may not stand beside the one that is there.
    kept = {key: getattr(stack("prod"), key) for key in ("name", "region", "domain", "hosted_zone")}
    return shop(), with_images(Environment(**kept, existing_cluster=EXISTING), shop())


def _sharded() -> System:
    shards = [{"since": "2024-01-01", "shards": 2}, {"since": "2026-01-01", "shards": 4}]
    return with_services(order={"data_gb": 1500, "shard_map": shards})


def _pooled() -> Declared:
    """So many pods with such pools that connections are shared before writers and before replicas."""
    busy = changed(shop(), requirements={"requests_per_second": 50_000})
    return _on("prod", with_statements_of(busy, WAITING_MS))


def _longest() -> Declared:
    """Names of as many letters as a declaration and a configuration may have, on the stack with every part."""
    declared = few("order", "payment", broker="sqs").model_dump(mode="json", exclude_unset=True)
    declared["name"] = "s" * 20
    declared["services"] = {name.ljust(20, "x"): service for name, service in declared["services"].items()}
    system = System.model_validate(declared)
    return system, with_images(stack("prod").model_copy(update={"name": "e" * 12}), system)


def _versions() -> Declared:
    """An API in two versions, the first of which has a field of its own and is to end."""
    declared = few("order", "payment", broker="sqs").model_dump(mode="json", exclude_unset=True)
    declared["services"]["order"]["resources"]["order"] |= {
        "api_version": 2,
        "earlier_versions": [
            {
                "version": 1,
                "renamed": {"state": "status"},
                "fields": {"remark": {"type": "string", "max_length": 20}},
                "deprecated": {"since": "2026-12-01", "sunset": "2027-06-01"},
            }
        ],
    }
    return _on("dev", System.model_validate(declared))


def _own_pipeline() -> Declared:
    """A stack that still has the role of an earlier deployment."""
    system, environment = _on("dev", few("order"))
    return system, environment.model_copy(update={"repository": "example/shop", "delivery_role": True})


COPIES = "arn:aws:backup:eu-central-1:210987654321:backup-vault:shop-prod-copies"
"""A vault of another account."""


def _copied() -> Declared:
    """Backups with every copy, lock and test that a stack's file can ask for."""
    system, environment = _on("prod", few("order"))
    asked = {
        "account": "123456789012",
        "backup_copy_vault_arn": COPIES,
        "backup_copy_region": "eu-west-1",
        "backup_restore_test": True,
        "backup_compliance_after_days": 3,
        "backup_opt_in": True,
        "repository": "example/shop",
    }
    return system, environment.model_copy(update=asked)


VARIANTS: dict[str, Callable[[], Declared]] = {
    "dev": lambda: _stack("dev"),
    "staging": lambda: _stack("staging"),
    "prod": lambda: _stack("prod"),
    "queues": lambda: _shop("prod", events={"broker": "sqs"}),
    "queues in dev": lambda: _shop("dev", events={"broker": "sqs"}),
    "domain in dev": lambda: _stack("dev", domain="dev.shop.example.com", hosted_zone="shop.example.com"),
    "one service": lambda: _on("prod", system_of(1)),
    "sharded": lambda: _on("prod", _sharded()),
    "pooled": _pooled,
    "existing cluster": _existing,
    "network firewall": lambda: _stack("prod", network_firewall=True),
    "repository": lambda: _stack("dev", repository="example/shop"),
    "us-east-1": lambda: _stack("dev", region="us-east-1"),
    "no static site": lambda: _shop("dev", edge={"static_site": False}),
    "response cache": lambda: _shop("dev", edge={"response_cache_seconds": 60}),
    "internal service": lambda: _on("dev", with_services(payment={"exposure": "internal"})),
    "no CQRS": lambda: _on("dev", with_services(order={"cqrs": False})),
    "no images": lambda: (shop(), stack("dev")),
    "pair": lambda: _on("prod", few("order", "payment")),
    "pair in dev": lambda: _on("dev", few("order", "payment")),
    "pair of queues": _versions,
    "alone": lambda: _on("prod", with_statements_of(few("order"), WAITING_MS)),
    "alone in dev": lambda: _on("dev", few("order")),
    "sharded alone": lambda: _on("prod", few("order", data_gb=3000, shard_map=[{"since": "2024-01-01", "shards": 4}])),
    "own pipeline": _own_pipeline,
    "copied backups": _copied,
    "nothing pushed": lambda: (few("order"), stack("dev")),
    "longest names": _longest,
    "fifty services": lambda: _on("dev", system_of(50)),
}
FEW = (
    "pair",
    "pair in dev",
    "pair of queues",
    "alone",
    "alone in dev",
    "sharded alone",
    "own pipeline",
    "copied backups",
    "nothing pushed",
    "longest names",
)
ALL = tuple(name for name in VARIANTS if name not in FEW)
LARGE = ("fifty services",)
"""Simulated in `make prove WHAT=simulations` alone: twenty seconds of CPU."""
STACKS = ("dev", "staging", "prod")
COMPARED = (*STACKS, "pooled", "sharded")
EITHER_BROKER = ("dev", "prod", "queues")


def _brought_along(environment: Environment) -> set[str]:
    """What the configuration names and the program does not make."""
    cluster = environment.existing_cluster
    return identifiers_in(environment.model_dump_json()) | ({cluster.cluster_name} if cluster else set())


def simulated(name: str, system: System, environment: Environment) -> Graph:
    """The program under this declaration and configuration; refusals are kept, not raised."""
    simulation = simulate(
        lambda: load_program(ROOT)(system, environment),
        project=system.name,
        stack=environment.name,
        region=environment.region,
        config={f"{system.name}:kubeconfig": KUBECONFIG} if environment.existing_cluster else {},
        secret_keys=[f"{system.name}:kubeconfig"],
        strict=False,
        given=_brought_along(environment),
    )
    return Graph(name, system, environment, simulation)


@cache
def graph_of(name: str) -> Graph:
    """One of the variants, simulated once in a process."""
    return simulated(name, *VARIANTS[name]())


def group(name: str) -> str:
    """Which tests run in one process: those of one variant, and those of variants that tests compare."""
    return "compared" if name in COMPARED else name


def on(*names: str) -> pytest.MarkDecorator:
    """Run a test on each of these variants; it takes the `graph`, which tests of one variant share."""
    return pytest.mark.parametrize("graph", [in_group(name) for name in names], indirect=True)


def in_group(name: str) -> Any:  # pytest keeps the type of its parameters to itself
    """A variant as the parameter of a test that runs where that variant is simulated."""
    left_out = name in LARGE and "PROVE" not in os.environ
    moved = pytest.mark.skipif(left_out, reason="twenty seconds of CPU, in `make prove WHAT=simulations`")
    return pytest.param(name, marks=[pytest.mark.xdist_group(group(name)), moved])
