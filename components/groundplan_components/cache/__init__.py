"""Valkey on ElastiCache."""

from groundplan_components.cache.cache import VALKEY_PORT, Cache, CacheArgs

__all__ = [
    "VALKEY_PORT",
    "Cache",
    "CacheArgs",
]
