"""Generated passwords, and secrets in Secrets Manager."""

from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_random as random
from pulumi_aws import secretsmanager

from groundplan_components.shared.arn import account_of
from groundplan_components.shared.checks import require
from groundplan_components.shared.resource_policy import document

# Letters and digits alone need no quoting in a connection URL, in SQL, in a Valkey access string or in JSON, and are
# accepted by RDS (8 to 128 characters without `/`, `"`, `@` and space) and by ElastiCache (16 to 128): 40 of them are
# 238 bits.
PASSWORD_LENGTH = 40

# Secrets Manager keeps a deleted secret for 7 to 30 days.
RECOVERY_DAYS = 30
SHORTEST_RECOVERY_DAYS = 7


def generated_password(name: str, parent: pulumi.Resource) -> random.RandomPassword:
    """A password of letters and digits; its ``result`` is secret."""
    return random.RandomPassword(
        name,
        length=PASSWORD_LENGTH,
        special=False,
        min_lower=1,
        min_upper=1,
        min_numeric=1,
        opts=pulumi.ResourceOptions(parent=parent),
    )


class StoredSecretArgs(TypedDict):
    """Args of `StoredSecret`."""

    description: str
    """Purpose of the secret, shown in the console."""
    kms_key_arn: pulumi.Input[str]
    """The customer key that encrypts the secret (S5)."""
    content: dict[str, pulumi.Input[str]]
    """Members of the JSON object. Pulumi treats the whole as secret."""
    rotated: NotRequired[bool]
    """Secrets Manager rotates the content; Pulumi then writes the first version only. Default: false."""
    tags: NotRequired[dict[str, pulumi.Input[str]]]
    """Tags besides the name. Default: none."""
    protect: NotRequired[bool]
    """Pulumi's protection, and the longest recovery window after a deletion. Default: true."""


class StoredSecret(pulumi.ComponentResource):
    """A JSON secret, encrypted by a customer key, that no principal of another account can use."""

    arn: pulumi.Output[str]
    name: pulumi.Output[str]
    version: secretsmanager.SecretVersion
    """The first version; the rotation depends on it."""

    def __init__(self, name: str, args: StoredSecretArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        require(
            bool(args["content"]), f'StoredSecret "{name}"', "content", {}, "at least one member", "name what is stored"
        )
        super().__init__("groundplan:index:StoredSecret", name, {}, opts)
        protect = args.get("protect", True)
        content: pulumi.Output[str] = pulumi.Output.secret(pulumi.Output.json_dumps(args["content"]))
        secret = secretsmanager.Secret(
            f"{name}-secret",
            description=args["description"],
            kms_key_id=args["kms_key_arn"],
            recovery_window_in_days=RECOVERY_DAYS if protect else SHORTEST_RECOVERY_DAYS,
            tags={"Name": name, **args.get("tags", {})},
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
        )
        secretsmanager.SecretPolicy(
            f"{name}-policy",
            secret_arn=secret.arn,
            policy=document(_only_this_account(secret.arn)),
            block_public_policy=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.version = secretsmanager.SecretVersion(
            f"{name}-version",
            secret_id=secret.id,
            secret_string=content,
            opts=pulumi.ResourceOptions(
                parent=self,
                # Pulumi must not reset a rotated password, nor the labels that rotation moves. So the content of a
                # rotated secret must not contain values that change later, such as replica addresses.
                ignore_changes=["secretString", "versionStages"] if args.get("rotated", False) else None,
            ),
        )
        self.arn = secret.arn
        self.name = secret.name
        self.register_outputs({"arn": self.arn, "name": self.name})


def _only_this_account(secret_arn: pulumi.Output[str]) -> dict[str, Any]:
    """Identity policies grant access inside the account. This statement denies access to every other account."""
    return {
        "Sid": "OnlyThisAccount",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "secretsmanager:*",
        # In a secret's own policy `*` means that secret.
        "Resource": "*",
        "Condition": {
            "StringNotEquals": {"aws:PrincipalAccount": account_of(secret_arn)},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        },
    }
