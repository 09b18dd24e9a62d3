"""The services' committed OpenAPI documents, for the explorer."""

from __future__ import annotations

import json
from typing import Any

from groundplan.declaration.model import System
from groundplan_devkit.services import folder_of


def documents(system: System) -> list[dict[str, Any]]:
    """One for each public service; ``problem`` in the place of a document that can't be shown."""
    return [_document(name) for name, service in system.services.items() if service.exposure == "public"]


def _document(service: str) -> dict[str, Any]:
    path = folder_of(service) / "openapi.json"
    where = f"services/{service}/openapi.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"service": service, "problem": f"There is no {where}: `make openapi` writes it."}
    except (OSError, ValueError) as error:
        return {"service": service, "problem": f"{where} can't be read ({error}): `make openapi` writes it anew."}
    if not isinstance(document, dict) or not document.get("paths"):
        return {"service": service, "problem": f"{where} has no operations yet: `make openapi` writes it."}
    return {"service": service, "document": document}
