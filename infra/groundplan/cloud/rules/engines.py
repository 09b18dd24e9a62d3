"""Versions, classes and windows of databases and caches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundplan.cloud.compiled import engine_facts
from groundplan.cloud.item import Item
from groundplan.cloud.rules.databases import DAYS
from groundplan.cloud.rules.registry import Broken, rule

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

_DATABASE, _CACHE = "aws:rds/instance:Instance", "aws:elasticache/replicationGroup:ReplicationGroup"
_PARAMETERS = "aws:rds/parameterGroup:ParameterGroup"
_WINDOWS = {
    _DATABASE: (("maintenanceWindow", 30), ("backupWindow", 30)),
    _CACHE: (("maintenanceWindow", 60), ("snapshotWindow", 60)),
}


@rule(_DATABASE)
def database_versions(instance: Item, _: Cloud) -> Iterator[Broken]:
    """A version and a class are ones that RDS has of the engine.

    Source: cfn-lint, extensions of AWS::RDS::DBInstance.
    """
    engine = str(instance.known("engine") or "postgres")
    yield from _version(instance, engine)
    classes, name = engine_facts("classes", engine), instance.known("instanceClass")
    if classes and isinstance(name, str) and name not in classes:
        yield Broken("instanceClass", f"an instance class of {engine}, such as db.m7g.large", "choose another class")


@rule(_CACHE)
def cache_versions(group: Item, _: Cloud) -> Iterator[Broken]:
    """A version and a node type are ones that ElastiCache has.

    Source: cfn-lint, extensions of AWS::ElastiCache::CacheCluster.
    """
    yield from _version(group, str(group.known("engine") or "redis"))
    name = group.known("nodeType")
    if isinstance(name, str) and name not in engine_facts("nodes", "cache"):
        yield Broken("nodeType", "a node type of ElastiCache, such as cache.m7g.large", "choose another type")


def _version(item: Item, engine: str) -> Iterator[Broken]:
    """The whole version is known, or the first parts of one that is."""
    versions, text = engine_facts("versions", engine), item.known("engineVersion")
    if not versions or not isinstance(text, str):
        return
    if not any(each == text or each.startswith(f"{text}.") for each in versions):
        newest = max(versions, key=lambda each: [int(part) for part in re.findall(r"\d+", each)])
        yield Broken("engineVersion", f"a version of {engine}, such as {newest}", "choose another version")


@rule(*_WINDOWS)
def long_enough_windows(item: Item, _: Cloud) -> Iterator[Broken]:
    """A window is open long enough: half an hour in RDS, an hour in ElastiCache; it may go past midnight.

    Source: RDS API, PreferredMaintenanceWindow, PreferredBackupWindow; ElastiCache API, SnapshotWindow.
    """
    for path, least in _WINDOWS[item.type]:
        ends = str(item.known(path) or "").split("-")
        if len(ends) != 2:
            continue
        minutes = [_minutes(each) for each in ends]
        span = 7 * 24 * 60 if ends[0].count(":") == 2 else 24 * 60
        if None not in minutes and (minutes[1] - minutes[0]) % span < least:  # type: ignore[operator]
            yield Broken(path, f"a window of at least {least} minutes", "let it end later")


def _minutes(text: str) -> int | None:
    match = re.fullmatch(r"(?:(\w{3}):)?(\d\d):(\d\d)", text)
    if match is None or (match[1] and match[1] not in DAYS):
        return None
    return (DAYS.index(match[1]) if match[1] else 0) * 24 * 60 + int(match[2]) * 60 + int(match[3])


_NUMBERS = {
    "max_connections": (6, 262_143),
    "idle_in_transaction_session_timeout": (0, 2_147_483_647),
    "statement_timeout": (0, 2_147_483_647),
    "lock_timeout": (0, 2_147_483_647),
    "log_min_duration_statement": (-1, 2_147_483_647),
    "max_worker_processes": (0, 262_143),
    "max_wal_senders": (5, 100),
    "max_replication_slots": (5, 1_000),
    "autovacuum_max_workers": (1, 262_143),
    "autovacuum_naptime": (1, 2_147_483),
    "checkpoint_timeout": (30, 86_400),
    "deadlock_timeout": (1, 2_147_483_647),
    "default_statistics_target": (1, 10_000),
    "maintenance_work_mem": (64, 2_147_483_647),
    "max_locks_per_transaction": (10, 2_147_483_647),
    "shared_buffers": (16, 1_073_741_823),
    "work_mem": (64, 2_147_483_647),
}
_SWITCHES = ("rds.force_ssl", "hot_standby_feedback", "rds.logical_replication", "log_connections", "autovacuum")
_CHOICES = {
    "log_statement": ("none", "ddl", "mod", "all"),
    "log_error_verbosity": ("terse", "default", "verbose"),
    "password_encryption": ("md5", "scram-sha-256"),
    "track_functions": ("none", "pl", "all"),
    "default_transaction_isolation": ("serializable", "repeatable read", "read committed", "read uncommitted"),
    "auto_explain.log_format": ("text", "xml", "json", "yaml"),
}
_NOT_MODIFIABLE = frozenset(
    {"config_file", "data_directory", "external_pid_file", "hba_file", "ident_file", "listen_addresses"}
)
_KNOWN_PARAMETERS = frozenset(
    {
        *_NUMBERS,
        *_SWITCHES,
        *("shared_preload_libraries", "shared_buffers", "work_mem", "maintenance_work_mem", "effective_cache_size"),
        *("random_page_cost", "log_statement", "log_lock_waits", "log_disconnections", "password_encryption"),
        *("track_io_timing", "wal_buffers", "checkpoint_timeout", "max_wal_size", "deadlock_timeout"),
    }
)


@rule(_PARAMETERS)
def parameter_values(group: Item, _: Cloud) -> Iterator[Broken]:
    """PostgreSQL's parameters have their names and lie in their ranges; switches are 0, 1, on or off.

    Source: RDS user guide, PostgreSQL parameters; PostgreSQL documentation, Server Configuration.
    """
    if not str(group.known("family") or "").startswith("postgres"):
        return
    for index, parameter in enumerate(group.objects("parameters")):
        name, value = parameter.get("name"), parameter.get("value")
        if not isinstance(name, str) or not isinstance(value, str):
            continue
        at = f"parameters[{index}]"
        if name in _NUMBERS and re.fullmatch(r"-?\d+", value):
            low, high = _NUMBERS[name]
            if not low <= int(value) <= high:
                yield Broken(f"{at}.value", f"{low} to {high} for {name}", "choose a value in this range")
        elif name in _CHOICES and value not in _CHOICES[name]:
            yield Broken(f"{at}.value", f"one of {', '.join(_CHOICES[name])} for {name}", "choose one of these")
        elif name in _NOT_MODIFIABLE:
            yield Broken(f"{at}.name", "a parameter that RDS lets be changed", "remove it")
        elif name in _SWITCHES and value not in ("0", "1", "on", "off"):
            yield Broken(f"{at}.value", f"0 or 1 for {name}", "switch it on or off")
        elif name not in _KNOWN_PARAMETERS and any(_one_off(name, each) for each in _KNOWN_PARAMETERS):
            yield Broken(f"{at}.name", "a parameter of PostgreSQL", "correct its name")


def _one_off(name: str, known: str) -> bool:
    """Whether one letter was added, left out or changed."""
    if abs(len(name) - len(known)) > 1:
        return False
    for index in range(max(len(name), len(known))):
        shorter, longer = sorted((name, known), key=len)
        if longer[:index] + longer[index + 1 :] in (shorter, shorter[:index] + shorter[index + 1 :]):
            return True
    return False
