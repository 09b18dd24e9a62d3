"""Schemathesis over one process, in all its phases, by one caller."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import schemathesis
from schemathesis import HookContext
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema

from groundplan.declaration.model import Operation, Resource
from groundplan_devkit.apis import METHODS, endpoints
from groundplan_devkit.checks.campaign.found import Found
from groundplan_devkit.checks.campaign.oracle import Oracle, Person
from groundplan_devkit.deployed import DeployedService

KNOWN = 40
"""Rows of others whose ids generated requests ask for."""
SHOWN = 600
BY_FORMAT = re.compile(
    r"^Invalid component: [^\n]*Value not matching the '[a-z-]+' format$|^\"[^\n]*is not a \"[a-z-]+\"$", re.MULTILINE
)
"""Of what was taken, or given, all the same. A `format` is an annotation, which validators read in different ways (one
counts the characters before an `@`); the rule is the `pattern` beside it."""


@dataclass
class Generated:
    """Requests to one process of a service; ``kinds``: the operations that it answers."""

    service: DeployedService
    found: Found
    document: Mapping[str, Any]
    url: str
    kinds: frozenset[Operation]

    def __post_init__(self) -> None:
        self.oracle = Oracle(self.service, self.found)
        self.places: dict[str, tuple[str, Resource, Operation]] = {
            f"{METHODS[kind]} {path}": (name, resource, kind)
            for name, resource, kind, path in endpoints(self.service.installation.system, self.service.service)
            if kind in self.kinds
        }

    def run(self, person: Person, token: str | None, *, seed: int, examples: int, first: bool) -> None:
        """``first``: with the phases that generate the same each time."""
        schema = schemathesis.openapi.from_dict(
            dict(self.document), config=SchemathesisConfig.from_dict(self._config(token, seed, examples, first))
        ).include(lambda context: context.operation.label in self.places)
        known = self._of_others(person)

        @schema.hook
        def map_path_parameters(context: HookContext, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
            """Half of the ids are rows that are there, and another one's."""
            ids = known.get(context.operation.label, []) if context.operation else []
            chance = sum(map(ord, str((path_parameters or {}).get("id"))))
            if path_parameters and ids and chance % 2:
                return {**path_parameters, "id": ids[chance // 2 % len(ids)]}
            return path_parameters

        for event in from_schema(schema).execute():
            match event:
                case events.ScenarioFinished():
                    self._scenario(event, person)
                case events.NonFatalError():
                    self.found.fault(
                        f"{self.service.service} {event.label}: {type(event.value).__name__}", str(event.value)[:SHOWN]
                    )
                case events.FatalError():
                    raise event.exception

    def _scenario(self, event: events.ScenarioFinished, person: Person) -> None:
        recorder = event.recorder
        for identifier, interaction in recorder.interactions.items():
            case = recorder.cases[identifier].value
            response = interaction.response
            label = f"{case.method.upper()} {case.operation.path}"
            if response is None:
                self.found.fault(f"{self.service.service} {label}: no answer", str(interaction.request.uri)[:SHOWN])
                continue
            self.found.answered(self.service.service, label, response.status_code, response.text[:SHOWN])
            place = self.places.get(label)
            if place is not None and response.status_code < 300:
                name, resource, kind = place
                self.oracle.look(name, resource, kind, person, response.content)
                if kind == "create":
                    self.oracle.look_references(name, resource, person, response.content)
        for identifier, checks in recorder.checks.items():
            for check in checks:
                failure = check.failure_info.failure if check.failure_info else None
                if check.status is not Status.SUCCESS and not (failure and BY_FORMAT.search(failure.message)):
                    case = recorder.cases[identifier].value
                    what = f"{self.service.service} {case.method.upper()} {case.operation.path}: {check.name}"
                    said = f"{failure.title}: {failure.message}" if failure else ""
                    sample = check.failure_info.code_sample if check.failure_info else ""
                    self.found.fault(what, f"{said}\n{sample}"[: 2 * SHOWN])

    def _of_others(self, person: Person) -> dict[str, list[str]]:
        return {
            label: self.oracle.of_others(name, resource, person.subject, KNOWN)
            for label, (name, resource, kind) in self.places.items()
            if kind not in ("list", "create") and resource.owner is not None
        }

    def _config(self, token: str | None, seed: int, examples: int, first: bool) -> dict[str, Any]:
        return {
            "seed": seed,
            "base-url": self.url,
            "headers": {} if token is None else {"Authorization": f"Bearer {token}"},
            "workers": 1,
            "continue-on-failure": True,
            "generation": {"max-examples": examples, "mode": "all", "database": "none"},
            "phases": {"examples": {"enabled": first}, "coverage": {"enabled": first}},
            # JSON Schema has no words for some rules: references that dangle, decimals' bounds, pages too deep.
            "checks": {"positive_data_acceptance": {"enabled": False}},
        }
