"""What an account has one of, altogether or in each region: whoever makes it last wins, and whoever deletes it takes it
from everybody.

Each is said of by its API reference as a setting of the account (`PutAccountSetting`, `UpdateAccount` …); for the
identity provider and the service-linked role: IAM API, CreateOpenIDConnectProvider and CreateServiceLinkedRole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.simulation.catalogue.kind import Kind
from infra.simulation.item import ACCOUNT, Item

if TYPE_CHECKING:
    from infra.simulation.cloud import Cloud

_ALTOGETHER = (
    "aws:backup/globalSettings:GlobalSettings",
    "aws:iam/accountAlias:AccountAlias",
    "aws:iam/accountPasswordPolicy:AccountPasswordPolicy",
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
)
_IN_EACH_REGION = (
    "aws:backup/regionSettings:RegionSettings",
    "aws:cfg/deliveryChannel:DeliveryChannel",
    "aws:cfg/recorder:Recorder",
    "aws:ebs/defaultKmsKey:DefaultKmsKey",
    "aws:ebs/encryptionByDefault:EncryptionByDefault",
    "aws:ebs/snapshotBlockPublicAccess:SnapshotBlockPublicAccess",
    "aws:ec2/imageBlockPublicAccess:ImageBlockPublicAccess",
    "aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults",
    "aws:ec2/serialConsoleAccess:SerialConsoleAccess",
    "aws:ecr/registryPolicy:RegistryPolicy",
    "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration",
    "aws:ecr/replicationConfiguration:ReplicationConfiguration",
    "aws:glue/dataCatalogEncryptionSettings:DataCatalogEncryptionSettings",
    "aws:glue/resourcePolicy:ResourcePolicy",
    "aws:guardduty/detector:Detector",
    "aws:inspector2/enabler:Enabler",
    "aws:lakeformation/dataLakeSettings:DataLakeSettings",
    "aws:macie2/account:Account",
    "aws:securityhub/account:Account",
    "aws:sesv2/accountSuppressionAttributes:AccountSuppressionAttributes",
    "aws:sesv2/accountVdmAttributes:AccountVdmAttributes",
    "aws:sns/smsPreferences:SmsPreferences",
    "aws:xray/encryptionConfig:EncryptionConfig",
)


def _provider(item: Item, _: Cloud) -> str:
    return f"arn:aws:iam::{ACCOUNT}:oidc-provider/{str(item.get('url', '')).removeprefix('https://')}"


_LINKED_ROLE = "arn:aws:iam::{account}:role/aws-service-role/{awsServiceName}/{customSuffix}"

KINDS = (
    *(Kind(token, id="{account}", one_in="account") for token in _ALTOGETHER),
    *(Kind(token, id="{account}", one_in="place") for token in _IN_EACH_REGION),
    Kind("aws:ecr/accountSetting:AccountSetting", id="{name}", one_in="place"),
    Kind("aws:cloudwatch/logAccountPolicy:LogAccountPolicy", id="{policyName}:{policyType}", one_in="place"),
    Kind(
        "aws:apigateway/account:Account",
        id="api-gateway-account",
        outputs={"apiKeyVersion": "4", "features": ["UsagePlans"]},
        one_in="place",
    ),
    Kind(
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        id=_provider,
        arn=_provider,
        replaces=("url",),
        one_in="account",
    ),
    Kind(
        "aws:iam/serviceLinkedRole:ServiceLinkedRole",
        id=_LINKED_ROLE,
        arn=_LINKED_ROLE,
        one_in="account",
    ),
)
