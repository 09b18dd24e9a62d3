"""The OpenAPI document says what the service does, and the service does what it says."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import msgspec
from openapi_spec_validator import validate

from chassis.tests.http.shop import ORDERS, Order, OrderBody, Stage
from groundplan.program import body_schemas, routes
from groundplan_chassis import fields
from groundplan_chassis.http.openapi import openapi_document, openapi_text
from groundplan_chassis.http.operations import METHODS, ON_ONE_ITEM
from groundplan_chassis.http.schemas import parameter_schema, struct_example, value_schema
from groundplan_chassis.http.values import value_type


def document() -> dict[str, Any]:
    return openapi_document(Stage().service())


def test_the_document_is_valid_openapi() -> None:
    validate(document())


def test_the_same_operations_give_the_same_text() -> None:
    first, second = openapi_text(Stage().service()), openapi_text(Stage().service())
    assert first == second
    assert json.loads(first) == document()
    assert first.endswith("}\n")


def test_every_operation_is_in_it_once() -> None:
    found = {
        (method.upper(), path): operation["operationId"]
        for path, item in document()["paths"].items()
        for method, operation in item.items()
    }
    assert found == {
        ("GET", "/api/v1/orders"): "list-orders",
        ("POST", "/api/v1/orders"): "create-orders",
        ("GET", "/api/v1/orders/{id}"): "get-orders",
        ("PUT", "/api/v1/orders/{id}"): "update-orders",
        ("DELETE", "/api/v1/orders/{id}"): "delete-orders",
        ("GET", "/api/v1/offers"): "list-offers",
    }


def test_operations_say_who_may() -> None:
    paths = document()["paths"]
    assert paths["/api/v1/orders"]["get"]["security"] == [{"bearer": []}]
    assert "customer (own), admin" in paths["/api/v1/orders"]["get"]["description"]
    assert paths["/api/v1/offers"]["get"]["security"] == []
    assert "403" not in paths["/api/v1/offers"]["get"]["responses"]


def test_descriptions_of_fields_come_along() -> None:
    assert document()["components"]["schemas"]["OrderBody"]["properties"]["status"] == {
        "type": "string",
        "enum": ["placed", "paid"],
        "description": "How far the order is",
    }


def test_every_reference_leads_somewhere_and_nothing_is_left_over() -> None:
    found = document()
    text = json.dumps(found)
    for section, entries in found["components"].items():
        for name in entries:
            if section == "securitySchemes":
                continue
            assert f'"#/components/{section}/{name}"' in text, f"{section}/{name}"


def test_examples_are_valid() -> None:
    schemas = document()["components"]["schemas"]
    for struct, name in ((OrderBody, "OrderBody"), (Order, "Order")):
        example = struct_example(struct)
        assert example.keys() == schemas[name]["properties"].keys()
        jsonschema.Draft202012Validator(
            schemas[name], format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
        ).validate(example)


def test_filters_have_no_null_and_bodies_may() -> None:
    note = value_type(next(each.type for each in _fields() if each.name == "note"))
    assert value_schema(note) == {"type": ["string", "null"], "maxLength": 255}
    assert parameter_schema(note) == {"type": "string", "maxLength": 255}
    channel = value_type(next(each.type for each in _fields() if each.name == "channel"))
    assert value_schema(channel)["enum"] == ["shop", "web", None]


def _fields() -> Any:
    return msgspec.structs.fields(OrderBody)


def test_bodies_have_the_shapes_that_the_gateway_lets_through() -> None:
    assert fields.UUID_PATTERN == body_schemas.UUID
    assert fields.DATE_PATTERN == body_schemas.DATE
    assert fields.TIMESTAMP_PATTERN == body_schemas.TIMESTAMP
    assert fields.DECIMAL_PATTERN == body_schemas.DECIMAL == fields.decimal_pattern(None, negative=True)


def test_methods_and_paths_are_those_that_the_gateway_routes() -> None:
    assert {kind: (method, kind in ON_ONE_ITEM) for kind, method in METHODS.items()} == routes.METHODS
    assert ORDERS.path.startswith(f"{routes.API_PREFIX}/")
