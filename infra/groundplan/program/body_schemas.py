"""Schemas of request bodies, from the declaration, in the keywords that JSON Schema and OpenAPI 3.0 share (S6).

The gateway refuses invalid bodies before they reach a service; the service checks them again, and in more detail.
Clients omit a field without a value: OpenAPI 3.0 has no type for null.
https://docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings-models.html
"""

from __future__ import annotations

import json
from typing import Any

from groundplan.declaration.model import FieldType, Resource, ResourceField

Schema = dict[str, Any]

STRING_LENGTH = 255
UUID = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
TIMESTAMP = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$"
# Decimals travel as strings: a JSON number loses digits in most clients.
DECIMAL = "^-?[0-9]{1,18}(\\.[0-9]{1,10})?$"

_SHAPES: dict[FieldType, Schema] = {
    FieldType.STRING: {"type": "string", "maxLength": STRING_LENGTH},
    FieldType.TEXT: {"type": "string"},
    FieldType.INTEGER: {"type": "integer"},
    FieldType.DECIMAL: {"type": "string", "pattern": DECIMAL},
    FieldType.BOOLEAN: {"type": "boolean"},
    FieldType.DATE: {"type": "string", "pattern": DATE},
    FieldType.TIMESTAMP: {"type": "string", "pattern": TIMESTAMP},
    FieldType.UUID: {"type": "string", "pattern": UUID},
    FieldType.ENUM: {"type": "string"},
    FieldType.JSON: {"type": "object"},
    FieldType.REFERENCE: {"type": "string", "pattern": UUID},
}


def body_schema(resource: Resource) -> str:
    """The schema for create and update: an update replaces the whole item (PUT).

    The owner is optional: the service uses the caller's subject.
    """
    required = [name for name, field in resource.fields.items() if field.mandatory and name != resource.owner]
    schema: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _property(field) for name, field in resource.fields.items()},
    }
    if required:
        schema["required"] = required
    return json.dumps(schema)


def _property(field: ResourceField) -> Schema:
    schema = dict(_SHAPES[field.type])
    if field.max_length is not None:
        schema["maxLength"] = field.max_length
    if field.values is not None:
        schema["enum"] = list(field.values)
    if field.type is FieldType.INTEGER:
        schema |= {
            key: value for key, value in (("minimum", field.minimum), ("maximum", field.maximum)) if value is not None
        }
    return schema
