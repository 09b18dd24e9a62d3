"""Requests from each service's OpenAPI document: no fault of the server, every answer as the document says (S6)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import positive_data_acceptance

from groundplan.declaration.model import System
from groundplan_devkit.apis import METHODS, Api, Sign, endpoints
from groundplan_devkit.state import PROJECT

# Both are generic over types that schemathesis keeps to itself.
Operation = APIOperation[Any, Any, Any, Any]
Case = schemathesis.Case[Any]

EXAMPLES = 10
"""Sound requests of each operation and role, and as many that break the document's rules."""


def check_answers(apis: list[Api], declared: System, sign: Sign) -> None:
    """Every operation, by every role, with requests that its document allows and with others."""
    asked: dict[str, int] = {}
    for api in apis:
        for operation in _operations(api, declared):
            for role in declared.identity.roles:
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                    called = _fuzz(api, operation, mode, f"Bearer {sign(role, subject='fuzz')}")
                    asked[f"{api.service} {operation.label}"] = (
                        asked.get(f"{api.service} {operation.label}", 0) + called
                    )
    expected = {
        f"{service} {METHODS[operation]} {path}"
        for service in declared.services
        for _, _, operation, path in endpoints(declared, service)
    }
    assert {what for what, times in asked.items() if times >= EXAMPLES} == expected


def _operations(api: Api, declared: System) -> Iterator[Operation]:
    """Those of the service's document that this process answers."""
    document = json.loads((PROJECT / "services" / api.service / "openapi.json").read_text())
    here = {
        (METHODS[operation], path)
        for _, _, operation, path in endpoints(declared, api.service)
        if api.answers(operation)
    }
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if (operation.method.upper(), operation.path) in here:
            yield operation


def _fuzz(api: Api, operation: Operation, mode: GenerationMode, authorization: str) -> int:
    """Fails with what schemathesis found and how to repeat it; returns how often the operation was called."""
    called = 0

    @settings(
        max_examples=EXAMPLES, database=None, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(mode))
    def call(case: Case) -> None:
        nonlocal called
        called += 1
        case.call_and_validate(
            base_url=api.process.url,
            headers={"Authorization": authorization},
            # JSON Schema has no words for some rules: references that dangle, decimals' bounds, pages too deep.
            excluded_checks=[positive_data_acceptance],
        )

    try:
        call()
    except Unsatisfiable:
        if mode is GenerationMode.POSITIVE:
            pytest.fail(f"{operation.label}: its document allows no request")
    return called
