"""Keys, identities and secrets: KMS, IAM, Secrets Manager, Parameter Store.

Names: API reference of each service. Replacements: CloudFormation reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundplan.cloud.catalogue.kind import Kind, Name
from groundplan.cloud.item import ACCOUNT, Item

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

_WORD = r"[\w+=,.@-]+"
_WORD_SAYS = "letters, digits and _+=,.@-"
_ROLE = "aws:iam/role:Role"


def _six(digits: str) -> str:
    """The six characters that Secrets Manager adds to a name in the ARN."""
    return digits[:3].upper() + digits[3:]


def _target_arn(alias: Item, cloud: Cloud) -> str:
    key = cloud.referred(alias, "targetKeyId")
    return key.arn if key is not None else ""


def _role_arn(item: Item, _: Cloud) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role{item.known('path') or '/'}{item.physical_name}"


KINDS = (
    Kind(
        "aws:kms/key:Key",
        id="{uuid}",
        arn="arn:aws:kms:{region}:{account}:key/{id}",
        outputs={"keyId": "{id}", "keyUsage": "ENCRYPT_DECRYPT", "multiRegion": False, "isEnabled": True},
        replaces=("customerMasterKeySpec", "keyUsage", "multiRegion", "customKeyStoreId", "xksKeyId"),
        stateful=True,
    ),
    Kind(
        "aws:kms/alias:Alias",
        arn="arn:aws:kms:{region}:{account}:{id}",
        name=Name(
            longest=256,
            pattern=r"alias/(?!aws/)[a-zA-Z0-9/_-]+",
            says="alias/ and letters, digits, /_-; alias/aws/ is AWS's own",
            prefix="alias/",
            source="KMS API: CreateAlias",
        ),
        outputs={"targetKeyArn": _target_arn},
        references={"targetKeyId": "aws:kms/key:Key"},
        replaces=("name", "namePrefix"),
    ),
    Kind("aws:kms/keyPolicy:KeyPolicy", id="{keyId}", references={"keyId": "aws:kms/key:Key"}, singleton=True),
    Kind("aws:kms/grant:Grant", id="{keyId}:{hex32}", references={"keyId": "aws:kms/key:Key"}, replaces=("*",)),
    Kind(
        _ROLE,
        arn=_role_arn,
        name=Name(longest=64, pattern=_WORD, says=_WORD_SAYS, unique_in="account", source="IAM API: CreateRole"),
        outputs={
            "uniqueId": lambda item, _: f"AROA{item.hex(17).upper()}",
            "createDate": "2026-01-01T00:00:00Z",
            "path": lambda item, _: item.known("path") or "/",
        },
        replaces=("name", "namePrefix", "path"),
    ),
    Kind(
        "aws:iam/policy:Policy",
        id="{arn}",
        arn="arn:aws:iam::{account}:policy/{name}",
        name=Name(longest=128, pattern=_WORD, says=_WORD_SAYS, unique_in="account", source="IAM API: CreatePolicy"),
        outputs={"policyId": lambda item, _: f"ANPA{item.hex(17).upper()}", "attachmentCount": 0, "path": "/"},
        replaces=("name", "namePrefix", "path", "description"),
        guarded=True,
    ),
    Kind(
        "aws:iam/rolePolicy:RolePolicy",
        id="{role}:{name}",
        name=Name(
            longest=128,
            pattern=_WORD,
            says=_WORD_SAYS,
            unique_in="parent",
            parent="role",
            source="IAM API: PutRolePolicy",
        ),
        references={"role": _ROLE},
        replaces=("name", "namePrefix", "role"),
    ),
    Kind(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        id="{role}/{policyArn}",
        references={"role": _ROLE},
        replaces=("role", "policyArn"),
    ),
    Kind("aws:iam/rolePoliciesExclusive:RolePoliciesExclusive", id="{roleName}", references={"roleName": _ROLE}),
    Kind(
        "aws:iam/instanceProfile:InstanceProfile",
        arn="arn:aws:iam::{account}:instance-profile/{name}",
        name=Name(
            longest=128, pattern=_WORD, says=_WORD_SAYS, unique_in="account", source="IAM API: CreateInstanceProfile"
        ),
        references={"role": _ROLE},
        replaces=("name", "namePrefix", "path"),
    ),
    Kind(
        "aws:secretsmanager/secret:Secret",
        id="{arn}",
        arn=lambda item, _: (
            f"arn:aws:secretsmanager:{item.place}:{ACCOUNT}:secret:{item.physical_name}-{_six(item.hex(6))}"
        ),
        form="arn:aws:secretsmanager:{region}:{account}:secret:{name}",
        name=Name(
            longest=512,
            pattern=r"[A-Za-z0-9/_+=.@-]+",
            says="letters, digits and /_+=.@-",
            source="Secrets Manager API: CreateSecret",
        ),
        outputs={"recoveryWindowInDays": 30},
        replaces=("name", "namePrefix"),
        stateful=True,
    ),
    Kind(
        "aws:secretsmanager/secretVersion:SecretVersion",
        id=lambda item, _: f"{item.known('secretId')}|{item.uuid()}",
        arn="{secretId}",
        outputs={
            "versionId": "{uuid}",
            "secretArn": "{secretId}",
            "versionStages": ["AWSCURRENT"],
            "hasSecretStringWo": False,
        },
        replaces=("secretId", "secretBinary", "secretString"),
    ),
    Kind("aws:secretsmanager/secretRotation:SecretRotation", id="{secretId}", replaces=("secretId",), singleton=True),
    Kind("aws:secretsmanager/secretPolicy:SecretPolicy", id="{secretArn}", replaces=("secretArn",), singleton=True),
    Kind(
        "aws:ssm/parameter:Parameter",
        arn=lambda item, _: f"arn:aws:ssm:{item.place}:{ACCOUNT}:parameter/{item.physical_name.lstrip('/')}",
        name=Name(
            longest=1011,
            pattern=r"[A-Za-z0-9_.\-/]+",
            says="letters, digits and _.-/",
            source="Systems Manager API: PutParameter",
        ),
        outputs={"version": 1, "hasValueWo": False, "tier": "Standard"},
        replaces=("name",),
    ),
)
