"""Systems and environments that tests and benchmarks share."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from groundplan.declaration.loader import load_system
from groundplan.declaration.measured import Measured
from groundplan.declaration.model import Load, System
from groundplan.stack.configuration import read_stack_file
from groundplan.stack.environment import Environment

ROOT = Path(__file__).resolve().parents[2]
STACKS = ("dev", "staging", "prod")


@cache
def shop() -> System:
    """The reference system, as the root declares it."""
    return load_system(ROOT / "system.yaml")


ROUND = {
    "cached_get_ms": 0.5,
    "database_get_ms": 1000 / 860,
    "list_ms": 1000 / 860,
    "create_ms": 1000 / 430,
    "consumed_event_ms": 1000 / 430,
    "projected_event_ms": 1000 / 430,
    "relayed_event_ms": 0.5,
    "statements_a_get": 2,
    "statements_a_list": 2,
    "statements_a_create": 4,
    "read_statement_core_ms": 0.3,
    "write_statement_core_ms": 0.6,
    "read_statement_ms": 2,
    "write_statement_ms": 3,
}
"""Figures that values in tests are worked out from by hand; what was measured changes with each measurement."""


def with_round_figures(system: System) -> System:
    """The system, as if these had been measured of each of its services."""
    return _measured(system, ROUND)


def with_statements_of(system: System, milliseconds: float) -> System:
    """The system, as if statements had been timed to take so long, beside what was measured of it."""
    return _measured(system, {"read_statement_ms": milliseconds, "write_statement_ms": milliseconds})


WAITING_MS = 20 / 3 - 2
"""What T2 allows a statement on average, less its way: then pools are large, and shop's writer has a proxy."""


def _measured(system: System, figures: Mapping[str, float]) -> System:
    spreads = {key: {"median": value, "least": value, "most": value, "rounds": 1} for key, value in figures.items()}
    machine = {"cores": 2, "architecture": "x86_64", "python": "3.11", "busy": 0}
    found = {"date": "2026-11-01", "commit": "by hand", "command": "none", "machine": machine}
    held = system.measured.model_dump(mode="json")["services"] if system.measured else {}
    services = {name: {**held.get(name, {}), **spreads} for name in system.services}
    return system.with_measured(Measured.model_validate({**found, "services": services}))


@cache
def busy_shop() -> System:
    """The reference system with more writes, in a peak that is forty times the mean, so that its data grow no faster;
    and with round figures."""
    loads = {"user": (3, 0.95, 1.2), "order": (5, 0.85, 20), "payment": (2, 0.5, 10)}
    services = {
        name: shop()
        .services[name]
        .model_copy(
            update={
                "traffic_weight": weight,
                "read_share": reads,
                "data_growth_gb_per_month": growth,
                "load": Load(peak_to_mean=40),
            }
        )
        for name, (weight, reads, growth) in loads.items()
    }
    return with_round_figures(shop().model_copy(update={"services": services}))


@cache
def stack(name: str) -> Environment:
    """One of the root's own stacks, as configured: no images yet."""
    return read_stack_file(ROOT / f"Pulumi.{name}.yaml", shop())


def with_images(environment: Environment, system: System) -> Environment:
    """The environment once the pipeline has pushed an image of every service."""
    registry = f"123456789012.dkr.ecr.{environment.region}.amazonaws.com/{system.name}"
    images = {name: f"{registry}/{name}@sha256:{'0' * 64}" for name in system.services}
    return environment.model_copy(update={"images": images})


def changed(system: System, **sections: Any) -> System:
    """The system with top-level parts replaced or, where both are mappings, merged."""
    declared = system.model_dump(mode="json", exclude_unset=True)
    for key, value in sections.items():
        declared[key] = {**declared[key], **value} if isinstance(value, dict) and key in declared else value
    return System.model_validate(declared)


MOST_PUBLIC = 70
"""With CQRS in every third, these are 93 Deployments behind the load balancer, which takes 100."""


def system_of(services: int, broker: str = "kafka") -> System:
    """A system of that many services in one chain of events, every third with CQRS, each third read-heavy."""
    return System.model_validate(
        {
            "name": "many",
            "requirements": {"requests_per_second": 300 * services},
            "identity": {"roles": ["member", "admin"]},
            "events": {"broker": broker},
            "services": {f"part-{number}": _service(number, services) for number in range(1, services + 1)},
        }
    )


def _service(number: int, services: int) -> dict[str, Any]:
    resource = f"part_{number}"
    upstream = number - 1 or services
    return {
        "read_share": (0.95, 0.8, 0.5)[number % 3],
        "repeat_share": (0.6, 0.3, 0.0)[number % 3],
        "cqrs": number % 3 == 0,
        "resources": {
            resource: {
                "plural": f"parts-{number}",
                "cache": {"invalidation": "event"},
                "fields": {
                    "label": {"type": "string", "max_length": 100, "required": True, "indexed": True},
                    "amount": {"type": "integer", "minimum": 0},
                },
                "operations": {
                    "list": ["member", "admin"],
                    "get": ["member", "admin"],
                    "create": ["member"],
                    "update": ["member"],
                    "delete": ["admin"],
                },
            }
        },
        "publishes": [f"{resource}.changed"],
        "consumes": [f"part_{upstream}.changed"] if services > 1 else [],
        "exposure": "public" if number <= MOST_PUBLIC else "internal",
    }


def as_yaml(system: System) -> str:
    return yaml.safe_dump(system.model_dump(mode="json", exclude_unset=True), sort_keys=False)


SMALLEST = """
name: tiny
identity: {roles: [member]}
services:
  note:
    resources:
      note:
        fields: {text: {type: text}}
        operations: {get: [anyone]}
"""
"""The least that a declaration may say."""
