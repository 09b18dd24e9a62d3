"""What a service's code was rendered from, in a file beside it: the base of the next merge (ADR 14)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from groundplan.declaration.model import Service
from groundplan.problems import Problem, ProblemsFound

STAMP = "followed.yaml"
_HEAD = """\
# What this folder's code was last brought after. Written by `make follow`, which reads it as what to start from;
# the declaration itself is ../../system.yaml.
"""


def stamp_of(project: Path, service: str) -> Path:
    return project / "services" / service / STAMP


def stamped(project: Path, service: str) -> Service | None:
    """What the service's code follows; None where nothing was noted yet. Raises ProblemsFound for what is damaged."""
    path = stamp_of(project, service)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Service.model_validate(values)
    except FileNotFoundError:
        return None
    except (yaml.YAMLError, UnicodeDecodeError, ValidationError) as error:
        said = str(error).strip().splitlines()[0]
        remedy = "restore it: git checkout -- " + str(path.relative_to(project))
        raise ProblemsFound(
            [Problem(str(path.relative_to(project)), "", said, "what `make follow` wrote there", remedy)]
        ) from None


def stamp_text(service: Service) -> str:
    return _HEAD + yaml.safe_dump(short(service), sort_keys=False, allow_unicode=True, width=120)


def short(service: Service) -> dict[str, Any]:
    """The service as one would declare it: without what it says of itself."""
    values: dict[str, Any] = service.model_dump(mode="json", exclude_defaults=True)
    return values


def answered(name: str, service: Service) -> dict[str, Any]:
    """The service as the template's `declared_services` holds it."""
    values: dict[str, Any] = service.model_dump(mode="json", exclude={"resources", "renamed_from"})
    resources = {
        each: resource.model_dump(mode="json", exclude_defaults=True) for each, resource in service.resources.items()
    }
    return {"name": name, **values, "resources": resources}
