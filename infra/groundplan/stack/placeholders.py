"""Values that stand in examples and are no one's: plans may have them, a deployment may not.

Ranges of addresses and names are reserved for documentation (RFC 5737, RFC 2606, RFC 6761): traffic for them goes
nowhere and no certificate is issued. Numbers of accounts are those of AWS's own examples.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network

from groundplan.problems import Finding, Path, ProblemsFound
from groundplan.stack.contradictions import set_command
from groundplan.stack.environment import Environment

# RFC 5737 (TEST-NET-1 to -3), RFC 2544 (benchmarks), RFC 6676 (multicast).
RANGES = tuple(
    IPv4Network(each)
    for each in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "233.252.0.0/24")
)
# RFC 2606 and 6761; `.example` is refused as a domain already, and may stand in an address or a registry.
DOMAINS = re.compile(r"(?:^|[@.])(?:example\.(?:com|net|org|edu)|[a-z0-9-]+\.(?:example|invalid|test))$")
# https://docs.aws.amazon.com/IAM/latest/UserGuide/ and others use these in examples.
ACCOUNTS = frozenset(
    {
        "000000000000",
        "111111111111",
        "111122223333",
        "123456789012",
        "210987654321",
        "222222222222",
        "333333333333",
        "444455556666",
        "777788889999",
        "999999999999",
    }
)
_ACCOUNT = re.compile(r"(?:^|[:/])(\d{12})(?=[:./]|$)")
_IDENTIFIER = re.compile(r"(?:vpc|subnet|sg)-(?:0123456789abcdef\d|1234567890abcdef\d|0?(?:12345678|abcdef0?)\w*)")

_OWN = {
    "cluster_endpoint_cidrs": "the addresses of your office or VPN (https://checkip.amazonaws.com says yours), or `[]`",
    "domain": "a domain that you have registered",
    "hosted_zone": "the Route 53 zone of your domain",
    "alarm_emails": "an address that a person reads",
    "repository": "your repository",
    "images": "the image that `make deliver` pushes",
}


def placeholders(environment: Environment, system: str) -> list[Finding]:
    """What a stack says that is an example's, each with the command that sets it."""
    found = []
    for path, text in _leaves(environment.model_dump(exclude={"name", "region", "remembered"}), ()):
        expected = _reserved(text, path)
        if expected:
            key = f"{system}:{_key(path)}"
            own = _OWN.get(str(path[0]), "your own")
            found.append(Finding(path, text, expected, f"run {set_command(environment.name, key, '<value>')}: {own}"))
    return found


def refuse_placeholders(environment: Environment, system: str) -> None:
    """Raises ProblemsFound when the stack's configuration says what only an example may."""
    found = placeholders(environment, system)
    if found:
        raise ProblemsFound([finding.at(f"Pulumi.{environment.name}.yaml") for finding in found])


def _reserved(text: str, path: Path) -> str:
    """What should stand in the place of a reserved value; empty where it is none."""
    network = _network(text)
    if network is not None:
        if any(network.subnet_of(each) for each in RANGES):
            return "addresses that a person has: these are reserved for documentation (RFC 5737)"
        return ""
    account = _ACCOUNT.search(text)
    if account is not None and account[1] in ACCOUNTS:
        return "a number of your own account: this one is of AWS's examples"
    host = text.partition("/")[0].partition(":")[0] if path[0] == "images" else text
    if DOMAINS.search(host.lower()):
        return "a name that is yours: this one is reserved for documentation (RFC 2606)"
    if path[0] == "repository" and text.partition("/")[0].lower() in ("example", "owner", "acme"):
        return "a repository that is yours: this one is of the examples"
    if _IDENTIFIER.fullmatch(text):
        return "an id of your own account: this one is of AWS's examples"
    return ""


def _network(text: str) -> IPv4Network | None:
    try:
        return IPv4Network(text)
    except ValueError:
        return None


def _key(path: Path) -> str:
    first, *rest = path
    return str(first) + "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in rest)


def _leaves(value: object, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if path:
                yield (*path, str(key)), str(key)  # of a mapping by ids
            yield from _leaves(inner, (*path, str(key)))
    elif isinstance(value, (list, tuple, set, frozenset)):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index))
    elif isinstance(value, (str, IPv4Network)):
        yield path, str(value)
