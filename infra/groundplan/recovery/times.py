"""How old the data are that come back, and how long it takes until users are served again: by the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from groundplan.changes.timing import MOST
from groundplan.cloud.model import Resource
from groundplan.recovery.copies import Copy

_MINUTE = 60

EDGE_AND_CERTIFICATES: Mapping[str, tuple[int, str]] = {
    "aws:cloudfront/distribution:Distribution": (35 * _MINUTE, "botocore, waiter distribution_deployed of cloudfront"),
    "aws:acm/certificateValidation:CertificateValidation": (
        75 * _MINUTE,
        "terraform-provider-aws, aws_acm_certificate_validation, Timeouts",
    ),
}
"""Seconds within which one is created, and where that is written."""

CALL_SECONDS = 2
"""assumed: one call to AWS or Kubernetes, with what the engine does around it."""

BY_HAND_SECONDS = 5 * _MINUTE
"""assumed: a command that a person runs and reads, or one CloudFormation stack of the foundation."""

IMAGES_SECONDS = 15 * _MINUTE
"""assumed: images of all services are built and pushed, on one machine."""

SMALL_MIBPS, STRIPED_MIBPS, STRIPED_FROM_GIB = 125, 500, 400
"""RDS user guide, Amazon RDS DB instance storage: gp3's throughput, below and from 400 GiB on."""

_MIB = 1024


@dataclass(frozen=True, slots=True)
class Duration:
    """Seconds, and what they are made of."""

    seconds: int
    because: str


def deployment(resources: Iterable[Resource], created: Iterable[str]) -> Duration:
    """The longest chain of creations, each as long as AWS's own waiters would wait: the engine does the rest meanwhile.

    ``resources`` in registration order; ``created`` are URNs of those that a deployment makes or changes.
    """
    wanted = set(created)
    longest: dict[str, tuple[int, tuple[str, ...]]] = {}
    for resource in resources:
        before = max(
            (longest[urn] for urn in (*resource.dependencies, resource.parent) if urn in longest),
            key=lambda each: each[0],
            default=(0, ()),
        )
        own = seconds_of(resource.type) if resource.custom and resource.urn in wanted else 0
        slow = (*before[1], resource.name) if own > CALL_SECONDS else before[1]
        longest[resource.urn] = (before[0] + own, slow)
    seconds, chain = max(longest.values(), key=lambda each: each[0], default=(0, ()))
    return Duration(seconds, " → ".join(chain) or "calls alone")


def seconds_of(token: str) -> int:
    """Within how many seconds one is created."""
    if token in MOST:
        return MOST[token][0]
    return EDGE_AND_CERTIFICATES[token][0] if token in EDGE_AND_CERTIFICATES else CALL_SECONDS


def full_speed_seconds(storage_gib: int) -> int:
    """Until a restored volume has loaded all of its data, at least: it reads them from S3 while it is used already.

    RDS user guide, Restoring to a DB instance: lazy loading. AWS names no rate; a volume writes no faster than its
    throughput.
    """
    rate = STRIPED_MIBPS if storage_gib >= STRIPED_FROM_GIB else SMALL_MIBPS
    return storage_gib * _MIB // rate


def oldest_hours(copies: Sequence[Copy]) -> float:
    """How old the newest copy may be when the next backup begins; backup and copying come on top of it."""
    return max((each.hours for each in copies), default=0)


def shown(seconds: float) -> str:
    """`2 h 05 min`, `35 min`."""
    minutes = -(-int(seconds) // 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"
