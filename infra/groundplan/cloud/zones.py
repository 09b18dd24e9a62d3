"""Zones of the simulated account: what their ids are, and which services each lacks."""

from __future__ import annotations

from groundplan.stack.regions import CODES, ZONE_LACKS, lacking_zones

_MORE = {"us-east-1": 6, "ap-northeast-1": 4, "ca-central-1": 4, "us-west-2": 4}
"""The highest number in a region's zone ids; elsewhere three are taken. An account sees three of Tokyo's four, or all:
https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html"""


def zone_ids(region: str) -> tuple[str, ...]:
    """In the order of the names: accounts differ, so what lacks most comes first, where it does most harm."""
    code = CODES.get(region, region)
    number = _MORE.get(region, 3)
    lacking = [zone for zone in lacking_zones(region) if int(zone[-1]) <= number]
    others = [f"{code}-az{each}" for each in range(1, number + 1)]
    return (*lacking, *(zone for zone in others if zone not in lacking))


def zone_id(name: str) -> str:
    """The id of a zone by its name, in this account."""
    ids = zone_ids(name[:-1])
    index = "abcdef".find(name[-1])
    return ids[index] if 0 <= index < len(ids) else ""


def lacks(name: str, service: str) -> bool:
    return any(lack.service == service and zone_id(name) in lack.zones for lack in ZONE_LACKS)
