"""Customer-managed KMS keys, one for each purpose, so that access to one kind of data doesn't include another (S5)."""

import re
from functools import partial
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws
from pulumi_aws import kms

from groundplan_components.keys._policy import PURPOSES, Place, key_policy
from groundplan_components.shared.checks import require

# KMS deletes a key permanently after 7 to 30 days.
LONGEST_DELETION_WINDOW_DAYS = 30
SHORTEST_DELETION_WINDOW_DAYS = 7


class KeysArgs(TypedDict):
    purposes: list[str]
    """Any of `alarms`, `backups`, `cluster`, `data`, `events`, `logs`, `secrets`, `site`. Each key also admits the log
    groups of the resources that it protects."""
    region: NotRequired[str]
    """Region of the keys; CloudFront's resources need `us-east-1`. Default: the provider's region."""
    retained: NotRequired[bool]
    """Keep the keys in the account when their stack is destroyed: others hold data that they encrypt. Default:
    false."""
    copies_account: NotRequired[str]
    """Number of another account that gets copies of backups: it may read what the keys `backups` and `data` encrypt.
    Default: none."""
    protect: NotRequired[bool]
    """Refuse to delete the keys: all data that they encrypt would be lost. Default: true."""


class Keys(pulumi.ComponentResource):
    """Symmetric keys that rotate every year, each with an alias `alias/<name>-<purpose>`."""

    arns: dict[str, pulumi.Output[str]]
    """ARN of each key, by purpose."""

    def __init__(self, name: str, args: KeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        purposes = args["purposes"]
        who = f'Keys "{name}"'
        require(bool(purposes), who, "purposes", purposes, "at least one purpose", f"choose from {', '.join(PURPOSES)}")
        for purpose in purposes:
            require(
                purpose in PURPOSES,
                who,
                "purposes",
                purpose,
                f"one of {', '.join(PURPOSES)}",
                "take the purpose that needs the same services",
            )
        require(
            len(set(purposes)) == len(purposes),
            who,
            "purposes",
            purposes,
            "each purpose once",
            "remove the second mention",
        )
        account = args.get("copies_account")
        require(
            account is None or re.fullmatch(r"\d{12}", account) is not None,
            who,
            "copies_account",
            account,
            "the twelve digits of an account",
            "write the number of the account that gets the copies",
        )
        super().__init__("groundplan:index:Keys", name, {}, opts)
        protect = args.get("protect", True)
        retained = args.get("retained", False)
        region = args.get("region")
        asked = pulumi.InvokeOptions(parent=self)
        place = pulumi.Output.all(
            partition=aws.get_partition_output(opts=asked).partition,
            region=region or aws.get_region_output(opts=asked).region,
            account=aws.get_caller_identity_output(opts=asked).account_id,
        ).apply(lambda known: Place(**known))

        self.arns = {}
        for purpose in purposes:
            key = kms.Key(
                f"{name}-{purpose}",
                description=f"{name}: {purpose}",
                policy=place.apply(partial(key_policy, purpose, copies_account=args.get("copies_account"))),
                enable_key_rotation=True,
                deletion_window_in_days=LONGEST_DELETION_WINDOW_DAYS if protect else SHORTEST_DELETION_WINDOW_DAYS,
                region=region,
                tags={"Name": f"{name}-{purpose}"},
                opts=pulumi.ResourceOptions(parent=self, protect=protect, retain_on_delete=retained or None),
            )
            kms.Alias(
                f"{name}-{purpose}",
                name=f"alias/{name}-{purpose}",
                target_key_id=key.key_id,
                region=region,
                opts=pulumi.ResourceOptions(parent=self),
            )
            self.arns[purpose] = key.arn
        self.register_outputs({"arns": self.arns})
