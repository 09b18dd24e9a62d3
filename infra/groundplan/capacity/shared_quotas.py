"""What stacks that share an account use of its quotas together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from groundplan.capacity.quotas import Use
from groundplan.stack.environment import Environment

WHOLE_ACCOUNT = frozenset({"cloudfront", "iam", "route53", "s3"})
"""Services whose quotas are of an account rather than of a region of it (AWS General Reference, endpoints and quotas).
"""
_ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class SharedUse:
    """A quota of one account, and what its stacks use of it together."""

    stacks: tuple[str, ...]
    region: str
    """The stacks' own, or none where the quota is the whole account's and they lie in several."""
    use: Use


def shared_use(environments: Mapping[str, Environment], uses: Mapping[str, Sequence[Use]]) -> tuple[SharedUse, ...]:
    """Sums over the stacks of each account, where there are several.

    Stacks that name no `account` count as one account's: to ask for too much costs nothing. The limit is what any of
    them says that the account has, else AWS's default. Quotas of one resource, such as rules of a load balancer, are
    no sum.
    """
    groups: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for stack, environment in environments.items():
        for use in uses[stack]:
            quota = use.quota
            if quota.per == _ACCOUNT:
                region = "" if quota.service in WHOLE_ACCOUNT else environment.region
                groups[(environment.account or "", region, quota.key)].append(stack)
    by_key = {stack: {use.quota.key: use for use in found} for stack, found in uses.items()}
    return tuple(
        _sum(stacks, key, environments, [by_key[stack][key] for stack in stacks])
        for (_, _, key), stacks in groups.items()
        if len(stacks) > 1
    )


def _sum(stacks: Sequence[str], key: str, environments: Mapping[str, Environment], uses: Sequence[Use]) -> SharedUse:
    regions = {environments[stack].region for stack in stacks}
    stated = [environments[stack].quotas[key] for stack in stacks if key in environments[stack].quotas]
    quota = uses[0].quota
    limit = max(stated) if stated else min(quota.default_in(region) for region in regions)
    total = Use(quota, limit, sum(use.now for use in uses), sum(use.grown for use in uses))
    return SharedUse(tuple(stacks), regions.pop() if len(regions) == 1 else "", total)
