"""Schemathesis over the whole API: no answer of 500 or more, and every answer as the OpenAPI document has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

from chassis.tests.http.served import served
from chassis.tests.http.shop import Stage
from groundplan_chassis.http.openapi import openapi_document

stage = Stage()
schema = schemathesis.openapi.from_dict(
    openapi_document(stage.service()), config=SchemathesisConfig.from_dict({"seed": 20260131})
)


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    for number in range(30):
        stage.orders.add(customer_id="ada", quantity=number + 1)
    with served(stage) as port:
        yield f"http://127.0.0.1:{port}"


@schema.parametrize()
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_the_service_is_what_its_document_says(case: schemathesis.Case[Any], base_url: str) -> None:
    case.call_and_validate(
        base_url=base_url,
        headers={"Authorization": "Bearer ada"},
        # What JSON Schema can't express: forged cursors, pages that are too deep, NUL, the bounds of decimals.
        excluded_checks=[positive_data_acceptance],
    )
