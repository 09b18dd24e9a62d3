"""The API's definition: routes with their body schemas, and whether API Gateway imports as much (R1, S6)."""

from __future__ import annotations

from groundplan.capacity import Plan
from groundplan.declaration.model import FieldType, System
from groundplan.problems import Problem
from groundplan.program.body_schemas import body_schema
from groundplan.program.routes import PublicResource, public_resources
from groundplan.quotas import QUOTAS
from groundplan_components.gateway import LIST_PARAMETERS, GatewayRoute, definition_size

_MIB = 2**20


def gateway_routes(resources: list[PublicResource]) -> list[GatewayRoute]:
    """Resources with their declared operations and body schemas (S6)."""
    routes: list[GatewayRoute] = []
    for each in resources:
        declared = each.resource
        schema = body_schema(declared)
        route: GatewayRoute = {
            "plural": declared.path(each.name),
            "operations": list(declared.operations),
            "open_operations": [
                operation
                for operation in declared.operations
                if (access := declared.access(operation)) and access.anyone
            ],
            "query_parameters": [
                name
                for name, field in declared.fields.items()
                if field.type is not FieldType.JSON and name not in LIST_PARAMETERS
            ],
            "create_schema": schema,
            "update_schema": schema,
        }
        if declared.api_version != 1:
            route["version"] = declared.api_version
        routes.append(route)
    return routes


def check_definition(system: System, plan: Plan) -> list[Problem]:
    """The definition is too large when all of its routes together are, at the longest names that AWS can give."""
    limit = QUOTAS["gateway_definition"].default
    resources = public_resources(system, plan)
    cached = system.edge.response_cache_seconds > 0

    def size(of: list[PublicResource]) -> int:
        return definition_size(gateway_routes(of), cached=cached)

    whole = size(resources)
    if whole <= limit:
        return []
    frame = size([])
    sizes = {name: size([each for each in resources if each.service == name]) - frame for name in system.services}
    inside: list[str] = []
    left = whole
    for name in sorted(sizes, key=lambda each: sizes[each], reverse=True):
        if left <= limit:
            break
        inside.append(name)
        left -= sizes[name]
    # A single service with twenty resources of a hundred fields is a twentieth of the limit: some always stay public.
    return [
        Problem(
            "system.yaml",
            "services",
            f"an API definition of {whole / _MIB:.1f} MiB",
            f"at most {limit / _MIB:.0f} MiB, which no one raises ({QUOTAS['gateway_definition'].source})",
            f"write `exposure: internal` in {len(inside)} of them: {', '.join(inside)}",
        )
    ]
