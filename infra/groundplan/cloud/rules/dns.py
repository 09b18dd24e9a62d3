"""Route 53."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundplan.cloud.item import Item
from groundplan.cloud.rules.registry import Broken, between, one_of, rule

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

RECORD = "aws:route53/record:Record"
_POLICIES = (
    "weightedRoutingPolicies",
    "failoverRoutingPolicies",
    "geolocationRoutingPolicies",
    "geoproximityRoutingPolicy",
    "latencyRoutingPolicies",
    "cidrRoutingPolicy",
    "multivalueAnswerRoutingPolicy",
)


@rule(RECORD)
def record(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A record has either an alias, or values with a time to live; an alias is of type A, AAAA or its target's;
    routing needs an identifier.

    Source: Route 53 API, ResourceRecordSet.
    """
    yield from one_of(
        item,
        "type",
        "A",
        "AAAA",
        "CAA",
        "CNAME",
        "DS",
        "HTTPS",
        "MX",
        "NAPTR",
        "NS",
        "PTR",
        "SOA",
        "SPF",
        "SRV",
        "SSHFP",
        "SVCB",
        "TLSA",
        "TXT",
    )
    alias, values = bool(item.get("aliases")), item.get("records") is not None
    if alias == values:
        yield Broken("records", "either records or aliases", "set one of the two")
    if alias and item.get("ttl") is not None:
        yield Broken("ttl", "nothing: an alias takes its target's", "remove ttl")
    if values and item.get("ttl") is None:
        yield Broken("ttl", "seconds that resolvers may keep it", "set ttl")
    yield from between(item, "ttl", 0, 2_147_483_647)
    kind = item.known("type")
    for index, value in enumerate(item.each("records")):
        if kind in ("A", "AAAA") and isinstance(value, str):
            try:
                right = ipaddress.ip_address(value).version == (4 if kind == "A" else 6)
            except ValueError:
                right = False
            if not right:
                yield Broken(
                    f"records[{index}]",
                    f"an IPv{4 if kind == 'A' else 6} address",
                    "use a CNAME or an alias for a name",
                )
    if kind == "CNAME" and len(item.each("records")) > 1:
        yield Broken("records", "one value, as the type is CNAME", "keep one")
    zone = cloud.find("aws:route53/zone:Zone", item.known("zoneId"))
    name = item.known("name")
    if (
        zone is not None
        and isinstance(name, str)
        and kind == "CNAME"
        and name.rstrip(".") == str(zone.known("name")).rstrip(".")
    ):
        yield Broken("type", "an alias at the zone's apex, where no CNAME may be", "use type A with aliases")
    routed = [policy for policy in _POLICIES if item.get(policy)]
    if routed and item.get("setIdentifier") is None:
        yield Broken("setIdentifier", f"an identifier, as {routed[0]} is set", "set set_identifier")
    if item.get("setIdentifier") is not None and not routed:
        yield Broken("setIdentifier", "nothing, as there is no routing policy", "remove it")


@rule(RECORD)
def cname_alone(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """Where a CNAME is, no other record of that name may be.

    Source: Route 53 developer guide, Supported DNS record types, CNAME.
    """
    for other in cloud.where(RECORD, "zoneId", item.known("zoneId")):
        if other.urn == item.urn or str(other.known("name")).rstrip(".") != str(item.known("name")).rstrip("."):
            continue
        if "CNAME" in (item.known("type"), other.known("type")) and item.known("type") != other.known("type"):
            yield Broken(
                "name", f"a name that {other.urn} doesn't have, as one of the two is a CNAME", "remove or rename one"
            )


@rule(RECORD)
def record_values(item: Item, _: Cloud) -> Iterator[Broken]:
    """A mail server has a preference, a certification authority's record a flag, a tag and a text in quotes.

    Source: Route 53 developer guide, Supported DNS record types.
    """
    forms = {
        "MX": (r"\d{1,5} \S+", "a preference and a host name, such as 10 mail.example.com"),
        "CAA": (r"\d{1,3} [a-z0-9]+ \".*\"", 'a flag, a tag and a text, such as 0 issue "example.com"'),
        "SRV": (r"\d+ \d+ \d+ \S+", "priority, weight, port and host name"),
    }
    form, words = forms.get(str(item.known("type")), ("", ""))
    for index, value in enumerate(item.each("records")):
        if form and isinstance(value, str) and re.fullmatch(form, value) is None:
            yield Broken(f"records[{index}]", words, "correct the value")


@rule("aws:route53/healthCheck:HealthCheck")
def checked(item: Item, _: Cloud) -> Iterator[Broken]:
    """A check for a text has one, a check of a connection has no path, and what is checked is a public address.

    Source: Route 53 API, HealthCheckConfig.
    """
    kind = str(item.known("type") or "")
    if kind.endswith("_STR_MATCH") and not item.get("searchString"):
        yield Broken("searchString", f"the text to look for, as the type is {kind}", "set search_string", "")
    if kind == "TCP" and item.get("resourcePath"):
        yield Broken("resourcePath", "nothing, as the type is TCP", "remove it")
    address = item.known("ipAddress")
    try:
        private = isinstance(address, str) and bool(address) and not ipaddress.ip_address(address).is_global
    except ValueError:
        private = False  # its form is judged elsewhere
    if private and not str(address).startswith(("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:")):
        yield Broken("ipAddress", "a public address: health checkers are on the internet", "check a public endpoint")
