"""S5: data is encrypted by keys of this stack, kept, and brought back; secrets are readable nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from groundplan.cloud.model import Resource
from groundplan.controls.captured import CONFIG_MAP, CapturedProgram
from groundplan.controls.model import Check, NotApplicable, control
from groundplan.controls.network import CLUSTER, STAGE, requires_own_network
from groundplan.controls.reading import at, leaves, mappings
from groundplan.controls.transport import BUCKET, CACHE, KAFKA, QUEUE, TOPIC

KEY = "aws:kms/key:Key"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
SECRET = "aws:secretsmanager/secret:Secret"  # noqa: S105  a type token
VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
REPOSITORY = "aws:ecr/repository:Repository"
STREAM = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
NODE_CLASS = "kubernetes:eks.amazonaws.com/v1:NodeClass"
VAULT = "aws:backup/vault:Vault"
DATA_KEY = "give the component `kms_key_arn` of the stack's keys (`stack.key(…)`)"
_OWN_KEY = "a key of this stack"


@control(
    "S5.database-encryption",
    "Databases are encrypted with a key of this stack",
    "database.instance",
    remedy=DATA_KEY,
)
def database_encryption(program: CapturedProgram, check: Check) -> None:
    if not program.primaries:
        check.missing("a database")
    for database in program.primaries:
        check.same(database, "storageEncrypted", True)
        for path in ("kmsKeyId", "performanceInsightsKmsKeyId"):
            check.that(database.inputs.get(path) in program.key_arns, database, path, _OWN_KEY)
    for replica in program.replicas:
        check.same(replica, "storageEncrypted", True)


@control("S5.cache-encryption", "The cache is encrypted with a key of this stack", "cache.cache", remedy=DATA_KEY)
def cache_encryption(program: CapturedProgram, check: Check) -> None:
    for cache in check.some(CACHE):
        encrypted = str(cache.inputs.get("atRestEncryptionEnabled")).lower() == "true"
        check.that(encrypted, cache, "atRestEncryptionEnabled", "true")
        check.that(cache.inputs.get("kmsKeyId") in program.key_arns, cache, "kmsKeyId", _OWN_KEY)


@control(
    "S5.event-encryption",
    "Brokers, topics, queues and the event log are encrypted with a key of this stack",
    "events.kafka",
    "events.queues",
    "events.log",
    remedy=DATA_KEY,
)
def event_encryption(program: CapturedProgram, check: Check) -> None:
    for token, path in (
        (KAFKA, "encryptionInfo.encryptionAtRestKmsKeyArn"),
        (TOPIC, "kmsMasterKeyId"),
        (QUEUE, "kmsMasterKeyId"),
        (STREAM, "extendedS3Configuration.kmsKeyArn"),
    ):
        for resource in program.of(token):
            check.that(at(resource.inputs, path) in program.key_arns, resource, path, _OWN_KEY)


@control(
    "S5.cluster-encryption",
    "The cluster's secrets and disks are encrypted with a key of this stack",
    "cluster.cluster",
    "cluster.node_pool",
    remedy=DATA_KEY,
)
def cluster_encryption(program: CapturedProgram, check: Check) -> None:
    requires_own_network(program)
    for cluster in check.some(CLUSTER):
        path = "encryptionConfig.provider.keyArn"
        check.that(at(cluster.inputs, path) in program.key_arns, cluster, path, _OWN_KEY)
        check.same(cluster, "encryptionConfig.resources", ["secrets"])
    for nodes in check.some(NODE_CLASS):
        path = "spec.ephemeralStorage.kmsKeyID"
        check.that(at(nodes.inputs, path) in program.key_arns, nodes, path, _OWN_KEY)


@control("S5.image-encryption", "Images are encrypted with a key of this stack", "delivery.images", remedy=DATA_KEY)
def image_encryption(program: CapturedProgram, check: Check) -> None:
    for repository in check.some(REPOSITORY):
        path = "encryptionConfigurations.0"
        check.same(repository, f"{path}.encryptionType", "KMS")
        key = at(repository.inputs, f"{path}.kmsKey")
        check.that(key in program.key_arns, repository, f"{path}.kmsKey", _OWN_KEY)


@control(
    "S5.key-rotation",
    "Keys rotate every year",
    "keys.keys",
    remedy="set `enable_key_rotation` of the key to True, as `Keys` does",
)
def key_rotation(_: CapturedProgram, check: Check) -> None:
    for key in check.some(KEY):
        if key.inputs.get("keyUsage") in ("SIGN_VERIFY", "GENERATE_VERIFY_MAC"):
            check.shown(key, "keyUsage")
        else:
            check.same(key, "enableKeyRotation", True)


_PURPOSES: dict[str, tuple[tuple[str, str], ...]] = {
    "data": (
        ("aws:rds/instance:Instance", "kmsKeyId"),
        (CACHE, "kmsKeyId"),
        (REPOSITORY, "encryptionConfigurations.0.kmsKey"),
    ),
    "events": (
        (KAFKA, "encryptionInfo.encryptionAtRestKmsKeyArn"),
        (QUEUE, "kmsMasterKeyId"),
        (STREAM, "extendedS3Configuration.kmsKeyArn"),
    ),
    "cluster": ((CLUSTER, "encryptionConfig.provider.keyArn"), (NODE_CLASS, "spec.ephemeralStorage.kmsKeyID")),
    "secrets": ((SECRET, "kmsKeyId"),),
    "backups": ((VAULT, "kmsKeyArn"),),
}
"""What each key is for, beside the logs of the network and the gateway: a caller who may use one opens nothing else."""
_WRITING_LOGS = (("aws:ec2/flowLog:FlowLog", "logDestination"), (STAGE, "accessLogSettings.destinationArn"))


@control(
    "S5.keys-by-purpose",
    "Each purpose has a key of its own",
    "keys.keys",
    remedy="give the component the key of its purpose: `stack.key(…)` of data, events, cluster, logs, secrets, backups",
)
def keys_by_purpose(program: CapturedProgram, check: Check) -> None:
    used: dict[str, set[str]] = {}
    groups = program.by_output(LOG_GROUP, "arn")
    for token, path in _WRITING_LOGS:
        for each in program.of(token):
            group = groups.get(str(at(each.inputs, path)).removesuffix(":*"))
            if group is not None:
                used.setdefault(str(group.inputs.get("kmsKeyId")), set()).add("logs")
    for purpose, places in _PURPOSES.items():
        for token, path in places:
            for resource in program.of(token):
                key = at(resource.inputs, path)
                if key:
                    used.setdefault(str(key), set()).add(purpose)
    for purpose, places in _PURPOSES.items():
        for token, path in places:
            for resource in program.of(token):
                others = used.get(str(at(resource.inputs, path)), {purpose}) - {purpose}
                expected = f"a key that serves {purpose} alone, not {' and '.join(sorted(others))}"
                check.that(not others, resource, path, expected)


def _log_destinations(program: CapturedProgram) -> set[str]:
    """Buckets that AWS writes access logs to. It does so to no bucket that a customer key encrypts.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
    """
    found = {str(each.inputs.get("targetBucket")) for each in program.of("aws:s3/bucketLogging:BucketLogging")}
    return found | {
        str(at(each.inputs, "accessLogs.bucket")) for each in program.of("aws:lb/loadBalancer:LoadBalancer")
    }


_ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
_BUCKETS = "declare the bucket with `private_bucket` of groundplan_components, with `kms_key_arn`"


@control(
    "S5.bucket-encryption",
    "Buckets are encrypted with a key of this stack; access logs with S3's own",
    "shared.private_bucket",
    remedy=_BUCKETS,
)
def bucket_encryption(program: CapturedProgram, check: Check) -> None:
    settings = program.by_input(_ENCRYPTION, "bucket")
    logs = _log_destinations(program)
    for bucket in check.some(BUCKET):
        setting = settings.get(bucket.id)
        if setting is None:
            check.missing("an encryption with a key of this stack", bucket)
            continue
        path = "rules.0.applyServerSideEncryptionByDefault"
        if bucket.id in logs:
            check.same(setting, f"{path}.sseAlgorithm", "AES256")
        else:
            check.same(setting, f"{path}.sseAlgorithm", "aws:kms")
            key = at(setting.inputs, f"{path}.kmsMasterKeyId")
            check.that(key in program.key_arns, setting, f"{path}.kmsMasterKeyId", _OWN_KEY)


@control("S5.private-buckets", "No bucket can be made public", "shared.private_bucket", remedy=_BUCKETS)
def private_buckets(program: CapturedProgram, check: Check) -> None:
    blocks = program.by_input("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "bucket")
    owners = program.by_input("aws:s3/bucketOwnershipControls:BucketOwnershipControls", "bucket")
    for bucket in check.some(BUCKET):
        block, owner = blocks.get(bucket.id), owners.get(bucket.id)
        if block is None:
            check.missing("a block of public access", bucket)
        else:
            for path in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"):
                check.same(block, path, True)
        if owner is None:
            check.missing("ownership controls that switch access lists off", bucket)
        else:
            check.same(owner, "rule.objectOwnership", "BucketOwnerEnforced")


@control(
    "S5.log-encryption",
    "Every log is encrypted, and ends after the stack's `log_days`",
    "network.flow_log",
    remedy="set `retention_in_days` and `kms_key_id` of the log group (`log_days` of the stack, the key of logs)",
)
def log_encryption(program: CapturedProgram, check: Check) -> None:
    regions = {str(each.outputs.get("arn")): each.region for each in program.of(KEY)}
    for group in check.some(LOG_GROUP):
        check.same(group, "retentionInDays", program.environment.log_days)
        region = regions.get(str(group.inputs.get("kmsKeyId")))
        check.that(region == group.region, group, "kmsKeyId", "a key of this stack, in the log's region")


@control(
    "S5.password-rotation",
    "Passwords of databases and caches change every month, those of administrators at once",
    "database.rotation",
    "cache.cache",
    remedy="leave rotation to `Database`, `ServiceCredentials` and `Cache` (`rotation_days`)",
)
def password_rotation(program: CapturedProgram, check: Check) -> None:
    """At once, so that Pulumi's state opens nothing. Users of poolers can't be rotated: PgBouncer reads a list."""
    rotations = program.by_input("aws:secretsmanager/secretRotation:SecretRotation", "secretId")
    administrators = {str(each.inputs.get("username")) for each in program.primaries}
    pooled = {
        str(shard.get("reader_secret_arn"))
        for workload in program.workloads
        for shard in program.shards(workload.name)
        if shard.get("reader_secret_arn") != shard.get("secret_arn")
    }
    hosts = tuple(str(each.outputs.get("address")) for each in program.primaries)
    cached = {told for each in program.workloads if (told := program.settings(each.name)[1].get("CACHE_SECRET_ARN"))}
    secrets = program.by_output(SECRET, "arn")
    judged = 0
    for arn, said in program.secret_contents.items():
        of_database = said.get("engine") == "postgres" and said.get("host") in hosts and arn not in pooled
        if not of_database and arn not in cached:
            continue
        judged += 1
        rotation = rotations.get(arn)
        if rotation is None:
            check.missing("a rotation every 30 days", secrets.get(arn))
            continue
        check.same(rotation, "rotationRules.automaticallyAfterDays", 30)
        if of_database and said.get("username") in administrators:
            check.same(rotation, "rotateImmediately", True, "true: the password in Pulumi's state opens nothing")
    if not judged:
        check.missing("secrets with the databases' passwords")


@control(
    "S5.secret-store",
    "Secrets Manager keeps every secret under a key of this stack",
    "keys.stored_secret",
    remedy="declare the secret with `StoredSecret`, with the `kms_key_arn` of secrets",
)
def secret_store(program: CapturedProgram, check: Check) -> None:
    for secret in check.some(SECRET):
        check.that(secret.inputs.get("kmsKeyId") in program.key_arns, secret, "kmsKeyId", _OWN_KEY)


@control(
    "S5.secrets-marked",
    "Every password travels as a secret, and no output tells one",
    "keys.stored_secret",
    remedy="wrap the value in `pulumi.Output.secret`, and export no password",
    not_in_policies="Pulumi hands policies plain values: which of them are secret is not told",
)
def secrets_marked(program: CapturedProgram, check: Check) -> None:
    passwords = program.passwords
    for resource in program.resources:
        for path, leaf in leaves(resource.inputs):
            if isinstance(leaf, str) and len(leaf) >= 16 and any(each in leaf for each in passwords):
                if resource.is_secret(path):
                    check.shown(resource, path)
                else:
                    check.missing("a secret (`pulumi.Output.secret`)", resource, path, "a password in plain text")
    for path, leaf in leaves(dict(program.outputs)):
        if isinstance(leaf, str) and any(each in leaf for each in passwords):
            check.missing("no password among the stack's outputs", None, path, "a password")


@control(
    "S5.pod-secrets",
    "Pods are told where secrets are, never what they say",
    "workload.workload",
    remedy="give the pod the secret's ARN, and let the program read it from Secrets Manager",
)
def pod_secrets(program: CapturedProgram, check: Check) -> None:
    passwords = program.passwords
    if not program.services and not program.of(CONFIG_MAP):
        raise NotApplicable("no service has an image yet")
    arns = set(program.by_output(SECRET, "arn"))
    for config in program.of(CONFIG_MAP):
        for name, text in (config.inputs.get("data") or {}).items():
            told = any(each in str(text) for each in passwords)
            check.that(not told, config, ("data", str(name)), "no password")
    for resource, pod in program.pods():
        for index, container in enumerate(mappings(pod.get("containers"))):
            for number, variable in enumerate(mappings(container.get("env"))):
                path = f"spec.template.spec.containers.{index}.env.{number}"
                told = any(each in str(variable.get("value")) for each in passwords)
                # Kubernetes alone knows a pod's own address; secrets are not for here.
                read = variable.get("valueFrom")
                plain = read is None or set(read) == {"fieldRef"}
                check.that(not told and plain, resource, path, "a plain setting, no password")
    for workload in program.workloads:
        config_map, settings = program.settings(workload.name)
        if config_map is not None and "CACHE_SECRET_ARN" in settings:
            check.that(settings["CACHE_SECRET_ARN"] in arns, config_map, "data.CACHE_SECRET_ARN", "a secret's address")


@control(
    "S5.backups",
    "Everything that is tagged for it is backed up, in a vault of this stack; databases are",
    "backup.backup",
    remedy='tag the resource `backup: "true"`, and select by that tag, `system` and `environment`, as `Backup` does',
)
def backups(program: CapturedProgram, check: Check) -> None:
    """A resource is backed up if it has all of the selection's tags: its own and those that the provider adds."""
    vaults = {str(each.outputs.get("name")) for each in check.some(VAULT)}
    plans = program.by_id("aws:backup/plan:Plan")
    scope = {"system": program.system.name, "environment": program.environment.name}
    selections = []
    for selection in check.some("aws:backup/selection:Selection"):
        path = "conditions.0.stringEquals"
        wanted = {str(each.get("key")): str(each.get("value")) for each in mappings(at(selection.inputs, path))}
        tags = {key.removeprefix("aws:ResourceTag/"): value for key, value in wanted.items()}
        own = scope.items() <= tags.items() and "backup" in tags
        check.that(own, selection, path, "the tags backup, system and environment, so that it is of this stack alone")
        plan = plans.get(str(selection.inputs.get("planId")))
        if plan is None:
            check.missing("a plan of this stack", selection, "planId")
            continue
        targets = {str(each.get("targetVaultName")) for each in mappings(plan.inputs.get("rules"))}
        check.that(targets and targets <= vaults, plan, "rules", "the vault of this stack")
        selections.append(tags)
    for database in program.primaries:
        tags = database.outputs.get("tagsAll") or {**scope, **(database.inputs.get("tags") or {})}
        selected = any(wanted.items() <= tags.items() for wanted in selections)
        check.that(selected, database, "tags", 'the tag backup: "true"')


@control(
    "S5.backup-vault",
    "Copies in a protected vault can't be deleted",
    "backup.backup",
    remedy="leave lock and policy of the vault to `Backup` (`protect` of the stack)",
)
def backup_vault(program: CapturedProgram, check: Check) -> None:
    locks = program.by_input("aws:backup/vaultLockConfiguration:VaultLockConfiguration", "backupVaultName")
    policies = program.by_input("aws:backup/vaultPolicy:VaultPolicy", "backupVaultName")
    for vault in check.some(VAULT):
        check.that(vault.inputs.get("kmsKeyArn") in program.key_arns, vault, "kmsKeyArn", _OWN_KEY)
        name = str(vault.outputs.get("name"))
        lock, policy = locks.get(name), policies.get(name)
        if not program.environment.protect:
            if lock is not None:
                check.missing("no lock: the stack is not protected", lock, "", "a lock")
            continue
        if lock is None:
            check.missing("a lock that keeps copies", vault)
        else:
            days = lock.inputs.get("minRetentionDays")
            check.that(isinstance(days, int) and days >= 7, lock, "minRetentionDays", "7 days or more")
        if policy is None:
            check.missing("a policy that denies deletion", vault)
            continue
        denied = {
            action
            for statement in check.statements(policy)
            if statement.get("Effect") == "Deny" and statement.get("Principal") == "*"
            for action in statement["Action"]
        }
        check.that("backup:DeleteRecoveryPoint" in denied, policy, "policy", "backup:DeleteRecoveryPoint denied")
    if not program.environment.protect:
        check.not_applicable("`protect` is off in this stack")


@control(
    "S5.backup-copies",
    "Backups have the copies elsewhere that the stack's file asks for",
    "backup.backup",
    remedy="leave plans, the vault's policy and the keys' to `Backup` and `Keys` (`backup_copy_region`, "
    "`backup_copy_vault_arn`)",
)
def backup_copies(program: CapturedProgram, check: Check) -> None:
    region, elsewhere = program.environment.backup_copy_region, program.environment.backup_copy_vault_arn
    if region is None and elsewhere is None:
        raise NotApplicable("the stack's file asks for no copies elsewhere")
    in_region = {str(each.outputs.get("arn")) for each in program.of(VAULT) if each.region == region}
    for plan in check.some("aws:backup/plan:Plan"):
        for rule in mappings(plan.inputs.get("rules")):
            targets = {str(each.get("destinationVaultArn")) for each in mappings(rule.get("copyActions"))}
            check.that(region is None or targets & in_region, plan, "rules", f"a copy in {region} by each rule")
            check.that(elsewhere is None or elsewhere in targets, plan, "rules", f"a copy in {elsewhere} by each rule")
    if elsewhere is None:
        return
    admitted = f"arn:aws:iam::{program.environment.backup_copy_account}:root"
    used = {each.inputs.get("kmsKeyId") for each in program.primaries}
    for key in program.of(KEY):
        if key.outputs.get("arn") in used:
            principals = [statement.get("Principal") for statement in check.statements(key)]
            check.that({"AWS": admitted} in principals, key, "policy", f"{admitted}, which encrypts its copies anew")


_PROTECTED = (
    BUCKET,
    VAULT,
    "aws:cognito/userPool:UserPool",
    "aws:ec2/vpc:Vpc",
    REPOSITORY,
    CLUSTER,
    CACHE,
    KEY,
    KAFKA,
    "aws:msk/topic:Topic",
    "aws:networkfirewall/firewall:Firewall",
    SECRET,
    QUEUE,
)


def _query_results(program: CapturedProgram) -> set[str]:
    """Buckets of answers to questions that can be asked again."""
    path = "configuration.resultConfiguration.outputLocation"
    found = (str(at(each.inputs, path)) for each in program.of("aws:athena/workgroup:Workgroup"))
    return {location.removeprefix("s3://").partition("/")[0] for location in found}


def holding_data(program: CapturedProgram) -> Iterator[Resource]:
    """What can't be made anew with what was in it. A replica holds nothing that its writer doesn't."""
    fleeting = _query_results(program)
    yield from program.primaries
    yield from (each for each in program.of(*_PROTECTED) if each.id not in fleeting or each.type != BUCKET)
    yield from (each for each in program.of(TOPIC) if "Event" in (each.inputs.get("tags") or {}))


@control(
    "S5.protected",
    "Pulumi deletes nothing that holds data, exactly where the stack says so",
    "database.instance",
    remedy="pass `protect` of the stack to the component, or `pulumi.ResourceOptions(protect=environment.protect)`",
)
def protected(program: CapturedProgram, check: Check) -> None:
    wanted = program.environment.protect
    keeping = list(holding_data(program))
    if not keeping:
        check.missing("a resource that holds data")
    for resource in keeping:
        if resource.protect is wanted:
            check.shown(resource)
        else:
            expected = "protected" if wanted else "not protected, as `protect` is off in this stack"
            check.missing(expected, resource, "", "protected" if resource.protect else "not protected")
    if not wanted:
        urns = {each.urn for each in keeping}
        for resource in program.resources:
            if resource.protect and resource.urn not in urns:
                check.missing("not protected, as `protect` is off in this stack", resource, "", "protected")
        check.not_applicable("`protect` is off in this stack")


@control(
    "S5.database-protection",
    "Databases can't be deleted by mistake, and leave a snapshot",
    "database.instance",
    remedy="pass `protect` and `backup_days` of the stack to `Database`",
)
def database_protection(program: CapturedProgram, check: Check) -> None:
    protect = program.environment.protect
    if not program.primaries:
        check.missing("a database")
    for database in program.primaries:
        check.same(database, "deletionProtection", protect)
        check.same(database, "skipFinalSnapshot", not protect)
        check.same(database, "deleteAutomatedBackups", not protect)
        check.same(database, "applyImmediately", not protect)
        check.same(database, "backupRetentionPeriod", program.environment.backup_days)
    if not protect:
        check.not_applicable("`protect` is off in this stack")


_KEPT: tuple[tuple[str, str, object, object], ...] = (
    ("aws:cognito/userPool:UserPool", "deletionProtection", "ACTIVE", "INACTIVE"),
    (CLUSTER, "deletionProtection", True, False),
    ("aws:lb/loadBalancer:LoadBalancer", "enableDeletionProtection", True, False),
    (REPOSITORY, "forceDelete", False, True),
    ("aws:networkfirewall/firewall:Firewall", "deleteProtection", True, False),
    (VAULT, "forceDestroy", False, True),
    (KEY, "deletionWindowInDays", 30, 7),
    (SECRET, "recoveryWindowInDays", 30, 7),
)


@control(
    "S5.kept",
    "AWS deletes nothing that holds data, exactly where the stack says so",
    "database.instance",
    remedy="pass `protect` of the stack to the component",
)
def kept(program: CapturedProgram, check: Check) -> None:
    protect = program.environment.protect
    for token, path, safe, otherwise in _KEPT:
        for resource in program.of(token):
            check.same(resource, path, safe if protect else otherwise)
    results = _query_results(program)
    for bucket in check.some(BUCKET):
        emptied = bucket.id in results or not protect
        check.same(bucket, "forceDestroy", emptied)
    if not protect:
        check.not_applicable("`protect` is off in this stack")
