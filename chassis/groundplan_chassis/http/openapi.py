"""The OpenAPI document of a service, made from the operations that also validate requests.

The same operations give the same text, to the byte: it is checked in, and a test tells when it is no longer true.
https://spec.openapis.org/oas/v3.1.1.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from groundplan_chassis.http import errors
from groundplan_chassis.http.lifetimes import Deprecation
from groundplan_chassis.http.openapi_parts import ENDING, ERROR_SCHEMA, HEADERS, META_SCHEMA, PARAMETERS
from groundplan_chassis.http.operations import ID, READING, Operation, OperationKind, ResourceApi, operation_kinds
from groundplan_chassis.http.queries import LARGEST_LIMIT, MOST_SORTS
from groundplan_chassis.http.schemas import parameter_schema, struct_example, struct_schema

if TYPE_CHECKING:
    from groundplan_chassis.access import Access
    from groundplan_chassis.service import Service

Document = dict[str, Any]

_VERBS: Final[dict[OperationKind, str]] = {
    "list": "List",
    "get": "Get",
    "create": "Create",
    "update": "Replace",
    "delete": "Delete",
}
_EVERYWHERE: Final[tuple[type[errors.ApiError], ...]] = (
    errors.BadRequest,
    errors.Unauthorized,
    errors.RateLimited,
    errors.ApiError,
    errors.Unavailable,
)
_WITH_BODY: Final[tuple[type[errors.ApiError], ...]] = (
    errors.RequestTimeout,
    errors.Conflict,
    errors.PayloadTooLarge,
    errors.UnsupportedMediaType,
    errors.ValidationFailed,
)
_OF_KIND: Final[dict[OperationKind, tuple[type[errors.ApiError], ...]]] = {
    "list": (errors.UriTooLong,),
    "get": (errors.NotFound,),
    "create": _WITH_BODY,
    "update": (errors.NotFound, errors.PreconditionFailed, *_WITH_BODY),
    "delete": (errors.NotFound, errors.PreconditionFailed, errors.Conflict),
}
_ERRORS: Final[dict[str, type[errors.ApiError]]] = {
    error.__name__: error
    for error in (*_EVERYWHERE, errors.Forbidden, *(each for kind in operation_kinds() for each in _OF_KIND[kind]))
}
_RATE_HEADERS: Final = ("RateLimit-Policy", "RateLimit")
_NOTICES: Final = {b"deprecation": "Deprecation", b"sunset": "Sunset", b"link": "Link"}
"""Headers of what is deprecated, as they are sent and as documents call them."""


def openapi_document(service: Service) -> Document:
    """OpenAPI 3.1 of all the service's operations, of every role."""
    operations = sorted(service.operations, key=lambda each: operation_kinds().index(each.kind))
    resources: dict[str, ResourceApi] = {each.resource.path: each.resource for each in service.operations}
    paths: Document = {}
    for path in resources:
        for operation in operations:
            if operation.resource.path == path:
                paths.setdefault(operation.route, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": service.title, "version": service.version, "description": _about(service.description)},
        "servers": [{"url": "/"}],
        "tags": [{"name": _tag(each), "description": each.description} for each in resources.values()],
        "paths": paths,
        "components": {
            "schemas": _schemas(resources.values(), operations),
            "parameters": PARAMETERS,
            "headers": HEADERS | (ENDING if any(each.deprecated for each in resources.values()) else {}),
            "responses": {name: _refusal(error) for name, error in sorted(_ERRORS.items())},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "An access token of the system's identity provider (OAuth 2.0). Its scopes are"
                    " `<system>/read` for GET and `<system>/write` for everything else; its groups are the roles.",
                }
            },
        },
    }


def openapi_text(service: Service) -> str:
    """The document as text, as it is committed."""
    return json.dumps(openapi_document(service), indent=2, ensure_ascii=False) + "\n"


def _about(description: str) -> str:
    conventions = (
        "Answers are `{data, meta, links}`, refusals `{error: {code, message, details}}`. Every answer carries"
        " `X-Request-Id`; quote it when asking for help."
    )
    return f"{description}\n\n{conventions}" if description else conventions


def _operation(operation: Operation) -> Document:
    resource = operation.resource
    kind = operation.kind
    noun = resource.name.replace("_", " ")
    path = resource.path.rsplit("/", 1)[-1]
    summary = f"{_VERBS[kind]} {path.replace('-', ' ') if kind == 'list' else noun}"
    deprecated = resource.deprecated
    said = _who(operation.access, kind)
    document: Document = {
        "operationId": f"{kind}-{path}{_later(resource, '-v')}",
        "tags": [_tag(resource)],
        "summary": summary,
        "description": said if deprecated is None else f"{said}\n\n{deprecated.in_words()}",
        **({} if deprecated is None else _ending(deprecated)),
        "parameters": _parameters(operation),
        "responses": _responses(operation),
        "security": [] if operation.access.anyone else [{"bearer": []}],
    }
    if kind in ("create", "update"):
        document["requestBody"] = {
            "required": True,
            "content": {
                "application/json": {
                    "schema": _ref("schemas", f"{_camel(resource)}Body"),
                    "example": struct_example(resource.body),
                }
            },
        }
    return document


def _ending(deprecated: Deprecation) -> Document:
    """`x-sunset` is what tools that compare documents read (oasdiff)."""
    until = {} if deprecated.sunset is None else {"x-sunset": deprecated.sunset.isoformat()}
    return {"deprecated": True, **until}


def _later(resource: ResourceApi, before: str) -> str:
    """Names of the first version's parts stay as they were when there was no other."""
    return "" if resource.version == 1 else f"{before}{resource.version}"


def _tag(resource: ResourceApi) -> str:
    return f"{resource.name}{_later(resource, ' v')}"


def _who(access: Access, kind: OperationKind) -> str:
    if access.anyone:
        return "Anyone, without a token."
    roles = ", ".join(f"{grant.role} (own)" if grant.own else grant.role for grant in access.grants)
    return f"Roles: {roles}. Scope: `<system>/{'read' if kind in READING else 'write'}`."


def _parameters(operation: Operation) -> list[Document]:
    found = [_ref("parameters", "RequestId")]
    match operation.kind:
        case "get":
            found += [
                _ref("parameters", "Id"),
                _ref("parameters", "IfNoneMatch"),
                _ref("parameters", "ConsistencyToken"),
            ]
        case "update" | "delete":
            found += [_ref("parameters", "Id"), _ref("parameters", "IfMatch")]
        case "create":
            found.append(_ref("parameters", "IdempotencyKey"))
        case "list":
            found += [_ref("parameters", name) for name in ("Page", "Limit", "Cursor")]
            found.append(_sort(operation.resource))
            found += [
                {
                    "name": name,
                    "in": "query",
                    "description": f"Only items with this `{name}`.",
                    "schema": parameter_schema(kind),
                }
                for name, kind in operation.resource.filter_types().items()
            ]
    return found


def _sort(resource: ResourceApi) -> Document:
    names = [name for name in resource.sort_types() if name != ID]
    return {
        "name": "sort",
        "in": "query",
        "description": "Fields by weight, each once, separated by commas; `-` before one reverses it.",
        "style": "form",
        "explode": False,
        "schema": {
            "type": "array",
            "items": {"type": "string", "enum": [f"{sign}{name}" for name in [*names, ID] for sign in ("", "-")]},
            "minItems": 1,
            "maxItems": MOST_SORTS,
            "uniqueItems": True,
        },
        "example": ["-created_at"],
    }


def _responses(operation: Operation) -> Document:
    name = _camel(operation.resource)
    deprecated = operation.resource.deprecated
    notices = [] if deprecated is None else [_NOTICES[each] for each, _ in deprecated.headers()]
    found: Document = {}
    match operation.kind:
        case "list":
            found["200"] = _success("A page", f"{name}List", [], notices)
        case "get":
            found["200"] = _success("The item", f"{name}Envelope", ["ETag"], notices)
            found["304"] = {
                "description": "The client has this version already",
                "headers": _headers("ETag", *notices, *_RATE_HEADERS),
            }
        case "create":
            found["201"] = _success(
                "The new item", f"{name}Envelope", ["ETag", "Location", "Consistency-Token"], notices
            )
        case "update":
            found["200"] = _success("The item as it is now", f"{name}Envelope", ["ETag", "Consistency-Token"], notices)
        case "delete":
            found["204"] = {
                "description": "It is gone",
                "headers": _headers("Consistency-Token", *notices, *_RATE_HEADERS),
            }
    refusals = [*_EVERYWHERE, *_OF_KIND[operation.kind]]
    if not operation.access.anyone:
        refusals.append(errors.Forbidden)
    for error in refusals:
        found[str(error.status)] = _ref("responses", error.__name__)
    return dict(sorted(found.items()))


def _success(description: str, schema: str, headers: Sequence[str], notices: Sequence[str]) -> Document:
    return {
        "description": description,
        "headers": _headers(*headers, *notices, *_RATE_HEADERS),
        "content": {"application/json": {"schema": _ref("schemas", schema)}},
    }


def _refusal(error: type[errors.ApiError]) -> Document:
    headers = {
        errors.Unauthorized: ["WWW-Authenticate"],
        # Of a create whose key another request is using.
        errors.Conflict: ["Retry-After"],
        errors.RateLimited: ["Retry-After"],
        errors.Unavailable: ["Retry-After"],
    }.get(error, [])
    details: list[Document] = []
    if error in (errors.BadRequest, errors.ValidationFailed):
        details = [{"field": "page" if error is errors.BadRequest else "status", "message": "What was expected"}]
    codes = sorted({each.code for each in _ERRORS.values() if each.status == error.status})
    if error is errors.BadRequest:
        codes.append(errors.MalformedBody.code)
    return {
        "description": f"{error.message} ({', '.join(f'`{code}`' for code in sorted(set(codes)))})",
        "headers": _headers(*headers),
        "content": {
            "application/json": {
                "schema": _ref("schemas", "Error"),
                "example": {"error": {"code": error.code, "message": error.message, "details": details}},
            }
        },
    }


def _schemas(resources: Iterable[ResourceApi], operations: Sequence[Operation]) -> Document:
    found: Document = {"Error": ERROR_SCHEMA}
    for resource in resources:
        name = _camel(resource)
        kinds = {each.kind for each in operations if each.resource.path == resource.path}
        if kinds & {"list", "get", "create", "update"}:
            found[name] = {
                **_with_authority(struct_schema(resource.item), resource, of_body=False),
                **({"description": resource.description} if resource.description else {}),
                "example": struct_example(resource.item),
            }
        if kinds & {"create", "update"}:
            found[f"{name}Body"] = _with_authority(struct_schema(resource.body), resource, of_body=True)
        if kinds & {"get", "create", "update"}:
            found[f"{name}Envelope"] = _envelope(
                _ref("schemas", name), {"type": "object", "maxProperties": 0}, ["self"]
            )
        if "list" in kinds:
            items = {"type": "array", "items": _ref("schemas", name), "maxItems": LARGEST_LIMIT}
            found[f"{name}List"] = _envelope(items, _ref("schemas", "Meta"), ["self", "next"])
            found["Meta"] = META_SCHEMA
    return dict(sorted(found.items()))


def _with_authority(schema: Document, resource: ResourceApi, *, of_body: bool) -> Document:
    """Says beside each field who writes it (S9)."""
    properties = dict(schema["properties"])
    for name, rule in resource.rules.items():
        if name in properties:
            said = f"{properties[name].get('description', '')}\n\n{rule.in_words() if of_body else ''}".strip()
            properties[name] |= {"description": said} if said else {}
            properties[name] |= {"readOnly": True} if rule.computed else {}
    return {**schema, "properties": properties}


def _envelope(data: Document, meta: Document, links: Sequence[str]) -> Document:
    """R3."""
    return {
        "type": "object",
        "properties": {
            "data": data,
            "meta": meta,
            "links": {
                "type": "object",
                "properties": {name: {"type": "string", "format": "uri-reference"} for name in links},
                "required": ["self"],
                "additionalProperties": False,
            },
        },
        "required": ["data", "meta", "links"],
        "additionalProperties": False,
    }


def _camel(resource: ResourceApi) -> str:
    return "".join(part.capitalize() for part in resource.name.split("_")) + _later(resource, "_v")


def _ref(section: str, name: str) -> Document:
    return {"$ref": f"#/components/{section}/{name}"}


def _headers(*names: str) -> Document:
    return {name: _ref("headers", name) for name in (*names, "X-Request-Id")}
