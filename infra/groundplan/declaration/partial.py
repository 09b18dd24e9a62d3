"""What can still be checked of a declaration that has wrong shapes in it.

A user should see all mistakes at once. A wrong value is set aside where the rest keeps its meaning without it;
where it does not (a role's name, a service's events), checking on would report mistakes that are none.
"""

from __future__ import annotations

import copy
from typing import Any

from pydantic import ValidationError

from groundplan.declaration.model import System
from groundplan.problems import Path

_DROPPED = object()
_ANY = "*"
_SERVICE = ("services", _ANY)
_RESOURCE = (*_SERVICE, "resources", _ANY)

_SUBSTITUTES: dict[tuple[str, ...], object] = {
    ("description",): _DROPPED,
    ("requirements", _ANY): _DROPPED,
    ("edge", _ANY): _DROPPED,
    ("events", _ANY): _DROPPED,
    ("identity", "mfa"): _DROPPED,
    ("identity", "self_sign_up"): _DROPPED,
    ("identity", "access_token_minutes"): _DROPPED,
    (*_SERVICE, "description"): _DROPPED,
    (*_SERVICE, "traffic_weight"): _DROPPED,
    (*_SERVICE, "load"): _DROPPED,
    (*_SERVICE, "read_share"): _DROPPED,
    (*_SERVICE, "repeat_share"): _DROPPED,
    (*_SERVICE, "data_gb"): _DROPPED,
    (*_SERVICE, "data_growth_gb_per_month"): _DROPPED,
    (*_SERVICE, "cqrs"): _DROPPED,
    (*_SERVICE, "shard_map"): _DROPPED,
    (*_RESOURCE, "description"): _DROPPED,
    (*_RESOURCE, "cache"): {},
    (*_RESOURCE, "operations", _ANY): _DROPPED,
    # A plain text column can be named as an owner and refers to nothing.
    (*_RESOURCE, "fields", _ANY): {"type": "string", "indexed": True},
}


def without_wrong_parts(values: dict[str, object], error: ValidationError) -> System | None:
    """The declaration with its wrong parts set aside; None where that would change what the rest means."""
    # Aliases share their values; a deep copy keeps them shared, so a part may be gone already when it is reached.
    remaining = copy.deepcopy(values)
    for details in error.errors(include_url=False, include_input=False, include_context=False):
        location = details["loc"]
        if details["type"] == "extra_forbidden":
            _replace(remaining, location, _DROPPED)
            continue
        pattern = next((pattern for pattern in _SUBSTITUTES if _matches(pattern, location)), None)
        if pattern is None:
            return None
        _replace(remaining, location[: len(pattern)], _SUBSTITUTES[pattern])
    try:
        return System.model_validate(remaining)
    except ValidationError:
        return None


def _matches(pattern: tuple[str, ...], location: Path) -> bool:
    return len(location) >= len(pattern) and all(
        expected in (_ANY, part) for expected, part in zip(pattern, location, strict=False)
    )


def _replace(values: Any, path: Path, substitute: object) -> None:  # noqa: ANN401  # any YAML value
    *above, last = path
    for part in above:
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(values, dict) and last in values:
        if substitute is _DROPPED:
            del values[last]
        else:
            values[last] = copy.copy(substitute)
