"""All settings of one process, read from its environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, cast

from groundplan_chassis.environment import Environment
from groundplan_chassis.problems import ProblemsFound
from groundplan_chassis.settings._cache import CacheSettings, read_cache
from groundplan_chassis.settings._database import DatabaseSettings, read_database
from groundplan_chassis.settings._events import KafkaSettings, QueueSettings, read_events
from groundplan_chassis.settings._patterns import matching, named
from groundplan_chassis.settings._rate_limit import RateLimitSettings, read_rate_limit
from groundplan_chassis.settings._roles import LOCAL, ROLES, Role
from groundplan_chassis.settings._tokens import TokenSettings, read_tokens

PORT: Final = 8080
"""The port of requests and health endpoints (see `groundplan_components.workload.workload`)."""
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
_LOCAL_ONLY: Final = ("PORT", "TRUST_FILE", "DATABASE_TLS", "CACHE_TLS", "KAFKA_SECURITY", "KAFKA_SECRET_ARN")
"""Variables that reduce security or move a port: for `make dev` and tests only."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a process."""

    system: str
    environment: str
    service: str
    role: Role
    region: str
    metrics_namespace: str
    port: int
    aws_endpoint_url: str | None
    """None outside local use: the SDK finds AWS by itself."""
    trust_file: Path | None
    """Certificate authorities to trust instead of the known ones; locally only."""
    database: DatabaseSettings
    cache: CacheSettings | None
    """None: no resource of the system is cached, and the rate limit counts in each process by itself."""
    rate_limit: RateLimitSettings
    tokens: TokenSettings
    events: KafkaSettings | QueueSettings | None
    """None: no service of the system publishes anything."""

    @property
    def local(self) -> bool:
        return self.environment == LOCAL

    @classmethod
    def from_environment(cls, variables: Mapping[str, str], role: str | None = None) -> Self:
        """Parses the variables of a process.

        ``role`` is the program's argument; without one, or for a command that is no role, WORKLOAD_ROLE counts. Raises
        ProblemsFound with every mistake: what, its value unless it may be secret, what was expected, what to do.
        """
        environment = Environment(variables)
        settings = cls._read(environment, role)
        if environment.problems:
            raise ProblemsFound("settings", environment.problems)
        return settings

    @classmethod
    def _read(cls, environment: Environment, role: str | None) -> Self:
        name = environment.text("ENVIRONMENT_NAME", expected="the stack's name, `prod` for example")
        local = name == LOCAL
        known_role = _role(environment, role)
        endpoint = None
        if environment.has("AWS_ENDPOINT_URL"):
            endpoint = environment.url("AWS_ENDPOINT_URL", ("http", "https") if local else ("https",))
        settings = cls(
            system=named(environment, "SYSTEM_NAME"),
            environment=name,
            service=named(environment, "SERVICE_NAME"),
            role=known_role,
            region=environment.parsed("AWS_REGION", matching(_REGION), "", "an AWS region, `eu-central-1` for example"),
            metrics_namespace=environment.text("METRICS_NAMESPACE", expected="CloudWatch's namespace of the services"),
            port=environment.whole("PORT", 0 if local else 1024, 65_535, PORT),
            aws_endpoint_url=endpoint,
            trust_file=_trust_file(environment),
            database=read_database(environment, known_role, local),
            cache=read_cache(environment),
            rate_limit=read_rate_limit(environment),
            tokens=read_tokens(environment, local),
            events=read_events(environment, known_role, local),
        )
        if not local:
            _refuse_local_only(environment)
        return settings


def _refuse_local_only(environment: Environment) -> None:
    for name in _LOCAL_ONLY:
        if environment.has(name):
            environment.refuse(
                name,
                f"nothing: it is for local use, where ENVIRONMENT_NAME is `{LOCAL}`",
                "remove it from the process's environment",
            )


def _role(environment: Environment, argument: str | None) -> Role:
    # The migration gets its role from its argument only.
    role = environment.choice("WORKLOAD_ROLE", ROLES, argument if argument in ROLES else None)
    if argument in ROLES and role != argument:
        environment.refuse(
            "WORKLOAD_ROLE",
            f"`{argument}`, as the program's argument says",
            "start the process with its own settings: each role has its own",
        )
    return cast(Role, role)


def _trust_file(environment: Environment) -> Path | None:
    if not environment.has("TRUST_FILE"):
        return None
    path = Path(environment.text("TRUST_FILE"))
    if not path.is_file():
        environment.refuse("TRUST_FILE", "a file of certificates (PEM)", "start the local servers, which write it")
    return path
