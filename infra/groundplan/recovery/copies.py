"""What of a program AWS Backup copies to another region: found from its selections, plans and vaults."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundplan.cloud.model import Resource

DATABASE = "aws:rds/instance:Instance"
BUCKET = "aws:s3/bucket:Bucket"
_SELECTION = "aws:backup/selection:Selection"
_PLAN = "aws:backup/plan:Plan"
_VAULT = "aws:backup/vault:Vault"
_CONDITION = "aws:ResourceTag/"

_HOURS_A_DAY = 24
_DAYS_A_WEEK = 7
_DAYS_A_MONTH = 31
_START_MINUTES = 480
"""AWS Backup API, BackupRule, StartWindowMinutes: the default."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One resource, and the vault in another region that gets copies of it."""

    urn: str
    type: str
    name: str
    """The resource's `Name` tag, as people know it: `db-order`."""
    region: str
    """Of the copies."""
    vault: str
    kms_key_arn: str
    """The key that the copies are encrypted with."""
    hours: float
    """Between the beginnings of two backups at most: the schedule's period, and the window to start in."""


def copies_of(resources: Sequence[Resource]) -> tuple[Copy, ...]:
    """Everything that is copied to another region, in the program's order."""
    plans = {each.id: each for each in resources if each.type == _PLAN}
    vaults = {str(each.outputs.get("arn")): each for each in resources if each.type == _VAULT}
    selections = [each for each in resources if each.type == _SELECTION]
    found = []
    for resource in resources:
        if resource.type not in (DATABASE, BUCKET):
            continue
        tags = _tags(resource)
        rules = [
            rule
            for selection in selections
            if _selected(selection, tags) and (plan := plans.get(str(selection.inputs.get("planId")))) is not None
            for rule in _mappings(plan.inputs.get("rules"))
        ]
        copied = [
            (_hours(rule), vault)
            for rule in rules
            for action in _mappings(rule.get("copyActions"))
            if (vault := vaults.get(str(action.get("destinationVaultArn")))) is not None
            and vault.region != resource.region
        ]
        if copied:
            hours, vault = min(copied, key=lambda each: each[0])
            name, key = tags.get("Name", resource.name), str(vault.inputs.get("kmsKeyArn"))
            vault_name = str(vault.outputs.get("name"))
            found.append(Copy(resource.urn, resource.type, name, vault.region, vault_name, key, hours))
    return tuple(found)


def _selected(selection: Resource, tags: Mapping[str, str]) -> bool:
    """All conditions by tags; a selection without any selects nothing here."""
    wanted = [
        (str(each.get("key")).removeprefix(_CONDITION), each.get("value"))
        for condition in _mappings(selection.inputs.get("conditions"))
        for each in _mappings(condition.get("stringEquals"))
    ]
    return bool(wanted) and all(tags.get(key) == value for key, value in wanted)


def _hours(rule: Mapping[str, Any]) -> float:
    window = rule.get("startWindow")
    return period_hours(str(rule.get("schedule") or "")) + (window or _START_MINUTES) / 60


def period_hours(schedule: str) -> float:
    """The longest time between two runs of `cron(minutes hours day-of-month month day-of-week year)`: a day where both
    days are open, else a week or a month."""
    match = re.fullmatch(r"cron\(\S+ \S+ (\S+) \S+ (\S+) \S+\)", schedule)
    of_month, of_week = match.groups() if match else ("*", "*")
    if of_month not in ("*", "?"):
        return _DAYS_A_MONTH * _HOURS_A_DAY
    return _DAYS_A_WEEK * _HOURS_A_DAY if of_week not in ("*", "?") else _HOURS_A_DAY


def _tags(resource: Resource) -> dict[str, str]:
    tags = resource.outputs.get("tagsAll")
    return {str(key): str(value) for key, value in tags.items()} if isinstance(tags, Mapping) else {}


def _mappings(value: object) -> Iterator[Mapping[str, Any]]:
    items: Iterable[object] = value if isinstance(value, list | tuple) else ()
    return (each for each in items if isinstance(each, Mapping))
