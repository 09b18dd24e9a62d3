"""A process's settings, read from its environment: typed, checked, and refused when they are insecure.

Names and shapes are those that `groundplan.program.settings` gives to a service's pods; a test compares both.
Passwords are in Secrets Manager, never in the environment; `groundplan_chassis.secrets` fetches them.
"""

from groundplan_chassis.settings._cache import CacheSettings
from groundplan_chassis.settings._database import (
    MOST_CONNECTIONS,
    MOST_SHARDS,
    POSTGRES_PORT,
    DatabaseAdmin,
    DatabaseSettings,
    Shard,
    ShardGeneration,
)
from groundplan_chassis.settings._events import KafkaSettings, QueueSettings
from groundplan_chassis.settings._rate_limit import RateLimitSettings
from groundplan_chassis.settings._roles import LOCAL, READING, ROLES, SERVING, Role
from groundplan_chassis.settings._settings import PORT, Settings
from groundplan_chassis.settings._tokens import TokenSettings

__all__ = [
    "LOCAL",
    "MOST_CONNECTIONS",
    "MOST_SHARDS",
    "PORT",
    "POSTGRES_PORT",
    "READING",
    "ROLES",
    "SERVING",
    "CacheSettings",
    "DatabaseAdmin",
    "DatabaseSettings",
    "KafkaSettings",
    "QueueSettings",
    "RateLimitSettings",
    "Role",
    "Settings",
    "Shard",
    "ShardGeneration",
    "TokenSettings",
]
