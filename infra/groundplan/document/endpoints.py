"""The API as a table: endpoint, method, purpose, and who may (R1, S4)."""

from __future__ import annotations

from collections.abc import Iterator

from groundplan.declaration.model import Access, Deprecation, Operation, Resource, System
from groundplan.document.markdown import table

_METHODS: dict[Operation, tuple[str, str]] = {
    "list": ("GET", "list"),
    "get": ("GET", "get one"),
    "create": ("POST", "create"),
    "update": ("PUT", "update"),
    "delete": ("DELETE", "delete"),
}


def api_design(system: System) -> str:
    """Every endpoint of every service, and the conventions that all of them keep."""
    internal = [name for name, service in system.services.items() if service.exposure == "internal"]
    parts = [table(("Service", "Method", "Endpoint", "Purpose", "Roles"), list(_rows(system)))]
    if internal:
        parts.append(f"Reached from inside the cluster only: {', '.join(internal)}. All others go through the gateway.")
    parts.append(_CONVENTIONS)
    return "\n\n".join(parts)


def _rows(system: System) -> Iterator[tuple[str, str, str, str, str]]:
    for service_name, service in system.services.items():
        for name, resource in service.resources.items():
            for version in resource.versions():
                yield from _of_version(service_name, name, version)


def _of_version(service: str, name: str, resource: Resource) -> Iterator[tuple[str, str, str, str, str]]:
    collection = resource.collection(name)
    for operation, (method, verb) in _METHODS.items():
        access = resource.access(operation)
        if access is None:
            continue
        path = collection if operation in ("list", "create") else f"{collection}/{{id}}"
        noun = resource.path(name).replace("-", " ") if operation == "list" else name.replace("_", " ")
        yield service, method, f"`{path}`", f"{verb}: {noun}{_ending(resource.deprecated)}", roles(access)


def _ending(deprecated: Deprecation | None) -> str:
    if deprecated is None:
        return ""
    until = "" if deprecated.sunset is None else f", until {deprecated.sunset}"
    return f" (deprecated since {deprecated.since}{until})"


def roles(access: Access) -> str:
    """Who may do an operation; `own` rows are those whose owner is the caller (ABAC)."""
    if access.anyone:
        return "anyone, no token"
    return ", ".join(f"{grant.role} (own)" if grant.own else grant.role for grant in access.grants)


_CONVENTIONS = """\
Lists take `?<field>=<value>`, `sort=-created_at`, `page` and `limit`, and `cursor` for far pages (R2). Answers are
`{"data": …, "meta": {"page", "limit", "total"}, "links": {"self", "next"}}` (R3), errors
`{"error": {"code": "VALIDATION_ERROR", "message": …, "details": [{"field", "message"}]}}` (R4). A POST may carry an
`Idempotency-Key`; over the rate limit the answer is 429, "Too many requests", in the error envelope (S7)."""
