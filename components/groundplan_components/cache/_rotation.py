"""The function that rotates the passwords of a cache's users."""

from collections.abc import Sequence
from pathlib import Path

import pulumi

from groundplan_components.keys import Rotation, Rotator, rotation_function
from groundplan_components.shared.arn import account_of, partition_of, region_of

CODE = Path(__file__).with_name("rotation_function.py")


def rotating_function(
    name: str,
    parent: pulumi.Resource,
    *,
    id_prefix: str,
    user_ids: Sequence[pulumi.Output[str]],
    function_name: pulumi.Input[str],
    kms_key_arn: pulumi.Input[str],
    log_days: int,
    alarm_topic_arn: pulumi.Input[str] | None,
) -> Rotator:
    """It calls AWS's APIs alone, so it stands outside of the network, and needs no way out of it."""
    key_arn = pulumi.Output.from_input(kms_key_arn)
    account = pulumi.Output.concat(
        "arn:", partition_of(key_arn), ":elasticache:", region_of(key_arn), ":", account_of(key_arn), ":user:"
    )
    users = pulumi.Output.all(account, *user_ids).apply(lambda known: user_arns(known[0], id_prefix, known[1:]))
    return rotation_function(
        f"{name}-rotation",
        parent,
        Rotation(
            description="Rotates cache passwords",
            failed="A cache user's password could not be rotated: see the function's log",
            page="cache-rotation",
            function_name=pulumi.Output.concat(function_name, "-users"),
            code=CODE,
            kms_key_arn=kms_key_arn,
            log_days=log_days,
            variables={},
            changing=[
                {
                    "sid": "Users",
                    "actions": ["elasticache:ModifyUser", "elasticache:DescribeUsers"],
                    "resources": users,
                }
            ],
            alarm_topic_arn=alarm_topic_arn,
        ),
    )


def user_arns(account: str, id_prefix: str, user_ids: Sequence[str]) -> list[str]:
    """One pattern where all ids begin with what is this cache's alone: a role's policies have room for few ARNs."""
    if all(each.startswith(f"{id_prefix}-") for each in user_ids):
        return [f"{account}{id_prefix}-*"]
    return [f"{account}{each}" for each in user_ids]
