"""Which of AWS's services and zones a region lacks, of those that a stack may need (e6, e7).

Regions, by CloudFormation's regional schemas as cfn-lint has them and by botocore's endpoints; a test compares this
table with both. Zones by their ids, which name the same place in every account: names are shuffled for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

AS_OF = "2026-11-30"


@dataclass(frozen=True, slots=True)
class Lack:
    """A service that regions lack."""

    service: str
    regions: frozenset[str]
    types: tuple[str, ...]
    """CloudFormation's types that stand for it; none where no schema tells."""
    source: str


PROXY = Lack(
    "RDS Proxy",
    frozenset({"ap-east-2"}),
    ("AWS::RDS::DBProxy",),
    f"CloudFormation's regional schemas, {AS_OF}",
)
MAIL = Lack(
    "Amazon SES",
    frozenset(
        {"ap-east-1", "ap-east-2", "ap-southeast-4", "ap-southeast-6", "ap-southeast-7", "eu-south-2", "mx-central-1"}
    ),
    ("AWS::SES::EmailIdentity",),
    f"CloudFormation's regional schemas, {AS_OF}",
)
LACKS = (PROXY, MAIL)


@dataclass(frozen=True, slots=True)
class ZoneLack:
    """A service that single zones lack, by their ids."""

    service: str
    zones: frozenset[str]
    source: str


LINKS = ZoneLack(
    "API Gateway VPC links",
    frozenset({"use1-az3", "usw1-az2", "cac1-az3", "euw3-az2", "apne1-az3", "ape1-az1"}),
    f"API Gateway Developer Guide, VPC links (V2), Availability Zones, {AS_OF}",
)
CONTROL_PLANES = ZoneLack(
    "EKS control planes",
    frozenset({"use1-az3", "usw1-az2", "cac1-az3"}),
    f"Amazon EKS User Guide, subnet requirements for clusters, {AS_OF}",
)
ZONE_LACKS = (LINKS, CONTROL_PLANES)

CODES: Mapping[str, str] = MappingProxyType(
    {
        "af-south-1": "afs1",
        "ap-east-1": "ape1",
        "ap-east-2": "ape2",
        "ap-northeast-1": "apne1",
        "ap-northeast-2": "apne2",
        "ap-northeast-3": "apne3",
        "ap-south-1": "aps1",
        "ap-south-2": "aps2",
        "ap-southeast-1": "apse1",
        "ap-southeast-2": "apse2",
        "ap-southeast-3": "apse3",
        "ap-southeast-4": "apse4",
        "ap-southeast-5": "apse5",
        "ap-southeast-6": "apse6",
        "ap-southeast-7": "apse7",
        "ca-central-1": "cac1",
        "ca-west-1": "caw1",
        "eu-central-1": "euc1",
        "eu-central-2": "euc2",
        "eu-north-1": "eun1",
        "eu-south-1": "eus1",
        "eu-south-2": "eus2",
        "eu-west-1": "euw1",
        "eu-west-2": "euw2",
        "eu-west-3": "euw3",
        "il-central-1": "ilc1",
        "me-central-1": "mec1",
        "me-south-1": "mes1",
        "mx-central-1": "mxc1",
        "sa-east-1": "sae1",
        "us-east-1": "use1",
        "us-east-2": "use2",
        "us-west-2": "usw2",
    }
)
"""What zone ids of a region begin with."""


_FEW_ZONES = frozenset({"ap-east-1", "eu-west-3"})
"""Three zones, one of which lacks a service: the network needs it none the less, and what can't be there has two."""


def whole_zones(region: str) -> int:
    """How many of a network's three zones have every service; the others come last."""
    return 2 if region in _FEW_ZONES else 3


def lacking_zones(region: str) -> tuple[str, ...]:
    """Ids of the region's zones that a stack can't use."""
    code = f"{CODES.get(region, region)}-"
    return tuple(sorted({zone for lack in ZONE_LACKS for zone in lack.zones if zone.startswith(code)}))
