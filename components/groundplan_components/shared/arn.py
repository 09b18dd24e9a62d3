"""Parts of an ARN: ``arn:<partition>:<service>:<region>:<account>:<resource>``."""

import pulumi


def partition_of(arn: pulumi.Input[str]) -> pulumi.Output[str]:
    """``aws``, ``aws-cn`` or ``aws-us-gov``."""
    return pulumi.Output.from_input(arn).apply(lambda known: known.split(":")[1])


def region_of(arn: pulumi.Input[str]) -> pulumi.Output[str]:
    """The region; empty for global services."""
    return pulumi.Output.from_input(arn).apply(lambda known: known.split(":")[3])


def account_of(arn: pulumi.Input[str]) -> pulumi.Output[str]:
    """The twelve digits of the account."""
    return pulumi.Output.from_input(arn).apply(lambda known: known.split(":")[4])


def managed_policy(neighbour: pulumi.Input[str], name: str) -> pulumi.Output[str]:
    """The ARN of the policy ``name`` that AWS manages, in the partition of ``neighbour`` (any ARN)."""
    return pulumi.Output.concat("arn:", partition_of(neighbour), ":iam::aws:policy/", name)


def root_of(arn: str) -> str:
    """The principal that stands for the whole account of ``arn``, whose own policies decide who of it may."""
    _, partition, _, _, account, *_ = arn.split(":")
    return f"arn:{partition}:iam::{account}:root"
