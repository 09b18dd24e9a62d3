"""`capacity.yaml`: what services were measured to take, written by `make bench-services` beside `system.yaml`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from groundplan.problems import Problem, ProblemsFound

FILE = "capacity.yaml"

Quantity = Literal[
    "cached_get_ms",
    "database_get_ms",
    "list_ms",
    "create_ms",
    "mix_ms",
    "consumed_event_ms",
    "projected_event_ms",
    "relayed_event_ms",
    "statements_a_get",
    "statements_a_list",
    "statements_a_create",
    "statements_a_consumed_event",
    "statements_a_projected_event",
    "read_statement_core_ms",
    "write_statement_core_ms",
    "read_statement_ms",
    "write_statement_ms",
    "bytes_a_create",
    "bytes_an_update",
]
"""`…_ms` are milliseconds of a core, of the service's process or of PostgreSQL's; but `read_statement_ms` and
`write_statement_ms` are those that pass for the service until a statement of a get, a list or a creation is answered,
by servers on the same machine."""


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class Spread(_Written):
    """One quantity: the median of the rounds, and the least and the most of them."""

    median: Annotated[float, Field(gt=0)]
    least: Annotated[float, Field(gt=0)]
    most: Annotated[float, Field(gt=0)]
    rounds: Annotated[int, Field(ge=1)]
    of: str = ""
    """What was asked for, and how often."""


class Machine(_Written):
    cores: Annotated[int, Field(ge=1)]
    architecture: str
    python: str
    postgres: str = ""
    busy: Annotated[float, Field(ge=0)]
    """Share of its cores' time that others used just before the bench or just after it: over 0.1 it wasn't quiet."""

    @property
    def quiet(self) -> bool:
        return self.busy <= 0.1


class Measured(_Written):
    """All that one run found."""

    date: str
    commit: str
    """Of the project that was measured."""
    command: str
    machine: Machine
    services: dict[str, dict[Quantity, Spread]]

    def of(self, service: str) -> dict[Quantity, Spread]:
        return self.services.get(service, {})

    @property
    def provenance(self) -> str:
        quiet = "" if self.machine.quiet else ", on a busy machine"
        return f"measured {self.date} by `{self.command}` at {self.commit}{quiet}"


def read_measured(path: Path) -> Measured | None:
    """What a project measured of its own services; None where it has measured nothing. Raises ProblemsFound."""
    if not path.exists():
        return None
    remedy = (
        "measure again: `make bench-services WHAT=capacity`, or delete the file: the product's own figures then count"
    )
    try:
        return Measured.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        said = " ".join(str(error).split())[:120]
        raise ProblemsFound([Problem(FILE, "", said, "what `make bench-services` writes", remedy)]) from None
    except ValidationError as error:
        raise ProblemsFound(
            [
                Problem(
                    FILE,
                    ".".join(str(part) for part in each["loc"]),
                    str(each["input"])[:80],
                    each["msg"][:1].lower() + each["msg"][1:],
                    remedy,
                )
                for each in error.errors(include_url=False)
            ]
        ) from None


@cache
def ours() -> Measured:
    """What the reference system's services were measured to take, by the bench in this repository."""
    text = (files("groundplan.declaration") / FILE).read_text(encoding="utf-8")
    return Measured.model_validate(yaml.safe_load(text))
