"""Buckets, image repositories and backups.

Names: S3 user guide "Bucket naming rules", API reference of ECR and AWS Backup. Replacements: CloudFormation reference.
"""

from __future__ import annotations

from infra.simulation.catalogue.kind import Kind, Name

_BUCKET = "aws:s3/bucket:Bucket"
_BUCKET_REFERENCE = {"bucket": _BUCKET}
_BUCKET_NAME = Name(
    "bucket",
    longest=63,
    shortest=3,
    pattern=r"(?!xn--|sthree-|amzn-s3-demo-)(?!.*(-s3alias|--ol-s3|\.mrap|--x-s3)$)(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]*[a-z0-9]",
    says="lower-case letters, digits, dots and hyphens, beginning and ending with a letter or digit",
    lower=True,
    unique_in="world",
    source="S3 user guide: Bucket naming rules",
)
_BACKUP_NAME = Name(
    longest=50,
    shortest=2,
    pattern=r"[a-zA-Z0-9\-_]+",
    says="letters, digits, hyphens and underscores",
    source="AWS Backup API",
)


def _part(name: str, *replaces: str) -> Kind:
    """A bucket's setting that is a resource of its own: one for each bucket."""
    token = f"aws:s3/{name[0].lower()}{name[1:]}:{name}"
    return Kind(token, id="{bucket}", references=_BUCKET_REFERENCE, replaces=("bucket", *replaces), singleton=True)


KINDS = (
    Kind(
        _BUCKET,
        arn="arn:aws:s3:::{name}",
        name=_BUCKET_NAME,
        outputs={
            "bucketDomainName": "{name}.s3.amazonaws.com",
            "bucketRegionalDomainName": "{name}.s3.{region}.amazonaws.com",
            "bucketRegion": "{region}",
            "hostedZoneId": "Z21DNDUVLTQW6Q",
            "forceDestroy": False,
            "objectLockEnabled": False,
        },
        replaces=("bucket", "bucketPrefix", "objectLockEnabled"),
        stateful=True,
    ),
    Kind(
        "aws:s3/bucketPolicy:BucketPolicy",
        id="{bucket}",
        references=_BUCKET_REFERENCE,
        replaces=("bucket",),
        singleton=True,
    ),
    *(
        _part(name, "expectedBucketOwner")
        for name in (
            "BucketVersioning",
            "BucketServerSideEncryptionConfiguration",
            "BucketLifecycleConfiguration",
            "BucketLogging",
            "BucketAcl",
            "BucketCorsConfiguration",
            "BucketObjectLockConfiguration",
            "BucketWebsiteConfiguration",
            "BucketAccelerateConfiguration",
        )
    ),
    *(
        _part(name)
        for name in (
            "BucketPublicAccessBlock",
            "BucketOwnershipControls",
            "BucketNotification",
            "BucketReplicationConfig",
        )
    ),
    *(
        Kind(
            token,
            id="{bucket}/{key}",
            references=_BUCKET_REFERENCE,
            replaces=("bucket", "key"),
            outputs={"etag": "{hex32}"},
        )
        for token in ("aws:s3/bucketObject:BucketObject", "aws:s3/bucketObjectv2:BucketObjectv2")
    ),
    Kind(
        "aws:ecr/repository:Repository",
        arn="arn:aws:ecr:{region}:{account}:repository/{name}",
        name=Name(
            longest=256,
            shortest=2,
            pattern=r"(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*",
            says="lower-case words of letters and digits, joined by ._- and /",
            lower=True,
            source="ECR API: CreateRepository",
        ),
        outputs={
            "registryId": "{account}",
            "repositoryUrl": "{account}.dkr.ecr.{region}.amazonaws.com/{name}",
            "imageTagMutability": "MUTABLE",
        },
        replaces=("name", "encryptionConfigurations"),
        stateful=True,
    ),
    *(
        Kind(
            token,
            id="{repository}",
            references={"repository": "aws:ecr/repository:Repository"},
            outputs={"registryId": "{account}"},
            replaces=("repository",),
            singleton=True,
        )
        for token in ("aws:ecr/lifecyclePolicy:LifecyclePolicy", "aws:ecr/repositoryPolicy:RepositoryPolicy")
    ),
    Kind(
        "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration",
        id="{account}",
        outputs={"registryId": "{account}"},
        singleton=True,
    ),
    Kind(
        "aws:backup/vault:Vault",
        arn="arn:aws:backup:{region}:{account}:backup-vault:{name}",
        name=_BACKUP_NAME,
        outputs={"recoveryPoints": 0},
        replaces=("name", "kmsKeyArn"),
        stateful=True,
        guarded=True,
    ),
    Kind(
        "aws:backup/vaultLockConfiguration:VaultLockConfiguration",
        id="{backupVaultName}",
        references={"backupVaultName": "aws:backup/vault:Vault"},
        replaces=("*",),
        singleton=True,
    ),
    *(
        Kind(
            token,
            id="{backupVaultName}",
            references={"backupVaultName": "aws:backup/vault:Vault"},
            replaces=("backupVaultName",),
            singleton=True,
        )
        for token in ("aws:backup/vaultNotifications:VaultNotifications", "aws:backup/vaultPolicy:VaultPolicy")
    ),
    Kind(
        "aws:backup/vaultNotifications:VaultNotifications",
        id="{backupVaultName}",
        references={"backupVaultName": "aws:backup/vault:Vault"},
        replaces=("*",),
        singleton=True,
    ),
    Kind(
        "aws:backup/vaultPolicy:VaultPolicy",
        id="{backupVaultName}",
        references={"backupVaultName": "aws:backup/vault:Vault"},
        replaces=("backupVaultName",),
        singleton=True,
    ),
    Kind(
        "aws:backup/plan:Plan",
        id="{uuid}",
        arn="arn:aws:backup:{region}:{account}:backup-plan:{id}",
        name=Name(
            longest=50, pattern=r"[a-zA-Z0-9\-_.]+", says="letters, digits and -_.", source="AWS Backup API: BackupPlan"
        ),
        outputs={"version": "{hex32}"},
        references={"targetVaultName": "aws:backup/vault:Vault", "destinationVaultArn": "aws:backup/vault:Vault"},
    ),
    Kind(
        "aws:backup/selection:Selection",
        id="{uuid}",
        name=Name(
            longest=50,
            pattern=r"[a-zA-Z0-9\-_.]+",
            says="letters, digits and -_.",
            unique_in="parent",
            parent="planId",
            source="AWS Backup API: BackupSelection",
        ),
        references={"planId": "aws:backup/plan:Plan"},
        replaces=("*",),
    ),
)
