"""Which generation of the edge's secret is sent and admitted, read from a stack's state.

The dates are those of the state (`created` of `pulumi stack export`), so that a pipeline, which commits nothing,
decides like a person. A state without dates changes no secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from groundplan.declaration.shapes import said

CHANGED_AFTER = timedelta(days=90)
"""Age after which the next secret is made: the first deployment after that."""
SENT_AFTER = timedelta(days=1)
"""Age at which the edge sends a new one. WAF needs seconds to minutes to admit it everywhere:
https://docs.aws.amazon.com/waf/latest/developerguide/web-acl-protection-deployment.html"""

_NAME = re.compile(r"origin-secret(?:-([1-9]\d{0,4}))?")
_PASSWORD = "random:index/randomPassword:RandomPassword"  # noqa: S105  a type token


class OriginSecretGenerations(BaseModel):
    """The newest generation, and the one that the edge sends: the newest, or the one before while that is new."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)

    newest: Annotated[int, Field(ge=1, le=99_999)]
    """Number of the newest secret that the gateway's web ACL admits."""
    sent: Annotated[int, Field(ge=1, le=99_999)]
    """Number of the secret that the edge sends."""

    @model_validator(mode="after")
    def _neighbours(self) -> Self:
        if self.sent not in self.admitted:
            raise said(f"sent of {' or '.join(map(str, self.admitted))}", "run `make remember`, which writes both")
        return self

    @property
    def admitted(self) -> tuple[int, ...]:
        """What the web ACL admits, the newest first: WAF takes two in one rule."""
        return tuple(number for number in (self.newest, self.newest - 1) if number >= 1)


FIRST = OriginSecretGenerations(newest=1, sent=1)
"""Of a stack's first deployments."""


def next_generations(resources: Iterable[Mapping[str, Any]], now: datetime) -> OriginSecretGenerations | None:
    """What the next deployment declares; None of a stack that has no such secret, or still its first one."""
    made: dict[int, datetime | None] = {}
    for each in resources:
        name = _NAME.fullmatch(str(each.get("urn", "")).rpartition("::")[2])
        if each.get("type") == _PASSWORD and name and not each.get("delete"):
            made[int(name[1] or 1)] = _date(each.get("created"))
    if not made:
        return None
    newest = max(made)
    since = made[newest]
    age = now - since if since else None
    if age is not None and age >= CHANGED_AFTER:
        return OriginSecretGenerations(newest=newest + 1, sent=newest)
    fresh = newest - 1 in made and (age is None or age < SENT_AFTER)
    found = OriginSecretGenerations(newest=newest, sent=newest - 1 if fresh else newest)
    return found if newest > 1 else None


def _date(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
