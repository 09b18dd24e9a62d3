"""PostgreSQL on RDS: instances, proxies, poolers, credentials and their rotation."""

from groundplan_components.database._authorities import authority, authority_regions
from groundplan_components.database._instance_args import POSTGRES_PORT, DatabaseArgs, DatabaseInsights, RestoredFrom
from groundplan_components.database._pgbouncer import POOLER_PORT
from groundplan_components.database._pooler_args import PoolerArgs
from groundplan_components.database._proxy_args import DatabaseProxyArgs, ProxyAuthentication
from groundplan_components.database.credentials import ServiceCredentials, ServiceCredentialsArgs
from groundplan_components.database.instance import Database
from groundplan_components.database.pooler import Pooler
from groundplan_components.database.proxy import DatabaseProxy
from groundplan_components.database.rotation import RotationFunction, RotationFunctionArgs, RotationStrategy

__all__ = [
    "POOLER_PORT",
    "POSTGRES_PORT",
    "Database",
    "DatabaseArgs",
    "DatabaseInsights",
    "DatabaseProxy",
    "DatabaseProxyArgs",
    "Pooler",
    "PoolerArgs",
    "ProxyAuthentication",
    "RestoredFrom",
    "RotationFunction",
    "RotationFunctionArgs",
    "RotationStrategy",
    "ServiceCredentials",
    "ServiceCredentialsArgs",
    "authority",
    "authority_regions",
]
