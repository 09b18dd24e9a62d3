"""The cache: addresses, the service's own keys, its user."""

from __future__ import annotations

import re
from dataclasses import dataclass

from groundplan_chassis.environment import Address, Environment
from groundplan_chassis.settings._patterns import matching


@dataclass(frozen=True, slots=True)
class CacheSettings:
    address: Address
    reader: Address
    clustered: bool
    """The server speaks the cluster protocol."""
    key_prefix: str
    """The prefix of every key and channel: the user has no access to others."""
    secret_arn: str
    tls: bool
    """False only locally."""


def read_cache(environment: Environment) -> CacheSettings | None:
    names = ("CACHE_HOST", "CACHE_READER_HOST", "CACHE_PORT", "CACHE_CLUSTERED", "CACHE_KEY_PREFIX", "CACHE_SECRET_ARN")
    given = [environment.has(name) for name in names]
    tls = environment.choice("CACHE_TLS", ("on", "off"), "on") == "on"
    if not any(given):
        return None
    port = environment.whole("CACHE_PORT", 1, 65_535)
    return CacheSettings(
        address=environment.address("CACHE_HOST", port),
        reader=environment.address("CACHE_READER_HOST", port),
        clustered=environment.choice("CACHE_CLUSTERED", ("true", "false")) == "true",
        key_prefix=environment.parsed(
            "CACHE_KEY_PREFIX", matching(re.compile(r"[a-z0-9-]+:")), "", "the service's name and a colon"
        ),
        secret_arn=environment.arn("CACHE_SECRET_ARN"),
        tls=tls,
    )
