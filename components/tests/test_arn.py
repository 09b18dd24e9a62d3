"""Parts of ARNs."""

import pulumi

from groundplan.cloud import simulate
from groundplan_components.shared.arn import account_of, managed_policy, partition_of, region_of


def test_an_arn_tells_partition_region_and_account() -> None:
    def program() -> None:
        arn = "arn:aws-us-gov:eks:us-gov-west-1:123456789012:cluster/shop"
        pulumi.export("partition", partition_of(arn))
        pulumi.export("region", region_of(arn))
        pulumi.export("account", account_of(arn))
        pulumi.export("policy", managed_policy(arn, "AmazonEKSClusterPolicy"))

    assert simulate(program).outputs == {
        "partition": "aws-us-gov",
        "region": "us-gov-west-1",
        "account": "123456789012",
        "policy": "arn:aws-us-gov:iam::aws:policy/AmazonEKSClusterPolicy",
    }
