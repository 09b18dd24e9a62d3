"""Routes of the gateway: resources, operations, and which of them need a token (R1, S6); pure."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict

from groundplan_components.shared.checks import require

PLURAL = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
QUERY_PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
LIST_PARAMETERS = ("cursor", "limit", "page", "sort")
"""Query parameters of every list (R2)."""
RESOURCES_PER_API = 300
"""AWS's default quota of resources; each path segment and each `{id}` is one.
https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
"""
SHARED_RESOURCES = 2
"""Resources of every API: the root and `health`; each version, such as `v1`, is one more."""
LARGEST_VERSION = 99


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    one: bool
    """On one item (`/{id}`), not on the collection."""
    reads: bool


OPERATIONS = {
    "list": Operation("get", one=False, reads=True),
    "get": Operation("get", one=True, reads=True),
    "create": Operation("post", one=False, reads=False),
    "update": Operation("put", one=True, reads=False),
    "delete": Operation("delete", one=True, reads=False),
}


class GatewayRoute(TypedDict):
    """One REST resource in one version, under `/api/v1/<plural>` (R1)."""

    plural: str
    """The path segment, for example `order-lines`."""
    version: NotRequired[int]
    """2 for `/api/v2/<plural>`. Default: 1."""
    operations: list[str]
    """Any of `list`, `get`, `create`, `update`, `delete`."""
    open_operations: NotRequired[list[str]]
    """Operations that need no token. Default: none."""
    query_parameters: NotRequired[list[str]]
    """Filters of a list, besides `page`, `limit` and `sort`. They are the cache's keys, so services must refuse other
    parameters. Default: none."""
    create_schema: NotRequired[str]
    """JSON Schema (draft 4) of what `create` accepts, as JSON. Default: the gateway accepts every body."""
    update_schema: NotRequired[str]
    """The same for `update`. Default: every body."""


def require_gateway_routes(component: str, routes: Sequence[GatewayRoute], resource_quota: int) -> None:
    """Raises pulumi.RunError for what the gateway can't route."""
    require(bool(routes), component, "routes", [], "at least one resource", "give its plural and its operations")
    names: set[tuple[int, str]] = set()
    for index, route in enumerate(routes):
        where = f"routes[{index}]"
        plural = route["plural"]
        require(
            PLURAL.fullmatch(plural) is not None,
            component,
            f"{where}.plural",
            plural,
            "lower-case letters, digits and single hyphens, beginning with a letter",
            "write it like order-lines",
        )
        version = route.get("version", 1)
        require(
            1 <= version <= LARGEST_VERSION,
            component,
            f"{where}.version",
            version,
            f"a number from 1 to {LARGEST_VERSION}",
            "write 2 for /api/v2",
        )
        require(
            (version, plural) not in names,
            component,
            f"{where}.plural",
            plural,
            "one route for each path of a version",
            "rename one of the two resources, or give it another plural",
        )
        names.add((version, plural))
        _require_operations(component, where, route)
        for parameter in route.get("query_parameters", []):
            require(
                QUERY_PARAMETER.fullmatch(parameter) is not None,
                component,
                f"{where}.query_parameters",
                parameter,
                "letters, digits and underscores",
                "name the field that the list is filtered by",
            )
        for schema in ("create_schema", "update_schema"):
            if schema in route:
                _require_schema(component, f"{where}.{schema}", str(route[schema]))
    count = SHARED_RESOURCES + len({version for version, _ in names}) + 2 * len(routes)
    require(
        count <= resource_quota,
        component,
        "routes",
        f"{count} API resources",
        f"at most {resource_quota}, the account's quota for one API",
        "have AWS raise the quota `Resources per API`, then say so in resource_quota",
    )


def _require_operations(component: str, where: str, route: GatewayRoute) -> None:
    operations = route["operations"]
    known = ", ".join(OPERATIONS)
    require(bool(operations), component, f"{where}.operations", [], f"at least one of {known}", "name what it offers")
    for operation in operations:
        require(
            operation in OPERATIONS,
            component,
            f"{where}.operations",
            operation,
            f"one of {known}",
            "correct the operation",
        )
    for operation in route.get("open_operations", []):
        require(
            operation in operations,
            component,
            f"{where}.open_operations",
            operation,
            f"one of the resource's operations: {', '.join(operations)}",
            "add it there, or remove it here",
        )


def _require_schema(component: str, argument: str, text: str) -> None:
    try:
        schema = json.loads(text)
    except ValueError:
        schema = None
    require(
        isinstance(schema, dict) and schema.get("type") == "object",
        component,
        argument,
        text if len(text) <= 80 else f"{text[:80]}…",
        "a JSON Schema of type object, as JSON text",
        "dump the schema with json.dumps",
    )
