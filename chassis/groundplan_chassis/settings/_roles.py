"""The roles in which a service's program runs."""

from __future__ import annotations

from typing import Final, Literal

LOCAL: Final = "local"
"""The environment of `make dev` and tests: the only one that accepts insecure settings."""

Role = Literal["api", "command", "query", "consumer", "relay", "projector", "migrate"]
ROLES: Final[tuple[Role, ...]] = ("api", "command", "query", "consumer", "relay", "projector", "migrate")
SERVING: Final[frozenset[str]] = frozenset({"api", "command", "query"})
READING: Final[frozenset[str]] = frozenset({"consumer", "projector"})
"""Roles that consume events."""
