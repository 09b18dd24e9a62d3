"""Arguments of `Backup`, and what AWS Backup accepts of them."""

import re
from typing import NotRequired, TypedDict

import pulumi

from groundplan_components.shared.checks import require
from groundplan_components.shared.names import require_name

# AWS Backup selects resources by these tags.
TAG = "backup"

# AWS Backup developer guide, "Continuous backups and point-in-time restore".
MOST_CONTINUOUS_DAYS = 35

# AWS Backup API, BackupVaultName. The account's default vault takes no copies from others: AWS Backup developer guide,
# "Creating backup copies across AWS accounts".
_VAULT_ARN = re.compile(r"arn:[a-z-]+:backup:[a-z0-9-]+:\d{12}:backup-vault:(?!Default$)[A-Za-z0-9_-]{2,50}")


class RestoreTesting(TypedDict):
    """A weekly restore of a recent database copy, deleted an hour later."""

    metadata: NotRequired[dict[str, pulumi.Input[str]]]
    """Destination of restores, as AWS Backup's restore metadata (`dbSubnetGroupName`, `vpcSecurityGroupIds`). Default:
    what AWS Backup infers from the copy."""


class BackupCopy(TypedDict):
    """A second vault in another region."""

    region: str
    """Another region, for the second copies."""
    kms_key_arn: pulumi.Input[str]
    """A customer key of that region."""


class BackupArgs(TypedDict):
    """Args of `Backup`."""

    kms_key_arn: pulumi.Input[str]
    """The customer key of the vault (S5)."""
    also_tagged: NotRequired[dict[str, str]]
    """Further tags that a resource must have, so that each environment in an account backs up only its own resources.
    Default: none."""
    daily_days: NotRequired[int]
    """Retention of daily copies, in days. Default: 35."""
    weekly_days: NotRequired[int]
    """Retention of weekly copies, in days. Default: 90."""
    monthly_days: NotRequired[int]
    """Retention of monthly copies, in days. Default: 365."""
    continuous_days: NotRequired[int]
    """Days of point-in-time recovery for resources tagged `backup=continuous`. Default: 35."""
    min_days: NotRequired[int]
    """Least retention, in days, that a protected vault enforces. Default: 7."""
    copy: NotRequired[BackupCopy]
    """A second region, and the key of the copies there. Default: no second region."""
    account_vault_arn: NotRequired[str]
    """ARN of a vault of another account in this region, which gets a copy of every backup, and may send them back. It
    must admit this account, both must be of one organization, and the keys of this account's databases and vault must
    admit the other account (`Keys`, `copies_account`). Default: no other account."""
    restore_testing: NotRequired[RestoreTesting]
    """Regular restores from the copies, to prove that they can be read. Default: no restore tests."""
    bucket_restores: NotRequired[bool]
    """Make a role by which AWS Backup may restore buckets, for those who start such a restore. Default: false."""
    compliance_after_days: NotRequired[int]
    """Days, at least 3, after which no one can lift the vaults' locks any more, AWS included: from then on no copy goes
    before its retention ends. Only with ``protect``. Default: never (governance mode, which administrators of AWS
    Backup can lift)."""
    opt_in: NotRequired[bool]
    """Opt in databases and buckets to AWS Backup in this account and region, which selections by tag obey. One stack of
    an account and region may declare it, and it stays when that stack goes. Default: false."""
    protect: NotRequired[bool]
    """Vault lock and access policy that deny deletion, and Pulumi's protection. Default: true."""
    alarm_topic_arn: NotRequired[pulumi.Input[str]]
    """SNS topic of failures; its policy must let `backup.amazonaws.com` and `events.amazonaws.com` publish. Default: no
    notifications."""


def check_backup(name: str, args: BackupArgs) -> None:
    component = f'Backup "{name}"'
    require_name(component, name)
    least = args.get("min_days", 7)
    require(least >= 1, component, "min_days", least, "at least 1 day", "7 is a good value")
    for argument, days in (
        ("daily_days", args.get("daily_days", 35)),
        ("weekly_days", args.get("weekly_days", 90)),
        ("monthly_days", args.get("monthly_days", 365)),
        ("continuous_days", args.get("continuous_days", 35)),
    ):
        require(
            days >= least,
            component,
            argument,
            days,
            f"no less than min_days ({least}): the locked vault would refuse every copy",
            "raise it, or lower min_days",
        )
    after = args.get("compliance_after_days")
    if after is not None:
        # AWS Backup API, PutBackupVaultLockConfiguration, ChangeableForDays.
        require(
            3 <= after <= 36_500,
            component,
            "compliance_after_days",
            after,
            "3 to 36500 days in which a wrong lock can still be removed",
            "3 is usual",
        )
        require(
            args.get("protect", True),
            component,
            "compliance_after_days",
            after,
            "a protected vault: without `protect` there is no lock",
            "set `protect`, or leave it out",
        )
    if "account_vault_arn" in args:
        require(
            _VAULT_ARN.fullmatch(args["account_vault_arn"]) is not None,
            component,
            "account_vault_arn",
            args["account_vault_arn"],
            "a backup vault's ARN, not that of an account's `Default` vault, which takes no copies of others",
            "make a vault there with a customer key, and give its ARN",
        )
    continuous = args.get("continuous_days", 35)
    require(
        continuous <= MOST_CONTINUOUS_DAYS,
        component,
        "continuous_days",
        continuous,
        f"at most {MOST_CONTINUOUS_DAYS} days of point-in-time recovery",
        "keep older states by daily, weekly and monthly copies",
    )
    require(
        TAG not in args.get("also_tagged", {}),
        component,
        "also_tagged",
        args.get("also_tagged", {}),
        f"tags besides `{TAG}`, which is always asked for",
        f"leave `{TAG}` out",
    )
