"""RDS for PostgreSQL (and its kin), parameter groups, RDS Proxy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundplan.cloud.item import Item
from groundplan.cloud.rules.addresses import zones
from groundplan.cloud.rules.registry import Broken, between, one_of, rule, transition

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

INSTANCE = "aws:rds/instance:Instance"
_PARAMETER_GROUP = "aws:rds/parameterGroup:ParameterGroup"
_SUBNET_GROUP = "aws:rds/subnetGroup:SubnetGroup"
_PROXY = "aws:rds/proxy:Proxy"
SNAPSHOT = "aws:rds/snapshot:Snapshot"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""As windows name them."""
_VERSIONS = {
    "postgres": r"1[1-8](\.\d{1,2}(-rds\.\d+|-R\d+)?)?",
    "mysql": r"(5\.7|8\.[04])(\.\d{1,2})?(-rds\.\d+)?",
    "mariadb": r"1[01]\.\d{1,2}(\.\d{1,2})?",
}
_LOGS = {
    "postgres": ("postgresql", "upgrade", "iam-db-auth-error"),
    "mysql": ("audit", "error", "general", "slowquery", "iam-db-auth-error"),
    "mariadb": ("audit", "error", "general", "slowquery", "iam-db-auth-error"),
}
_FROM_ELSEWHERE = ("replicateSourceDb", "snapshotIdentifier", "restoreToPointInTime", "s3Import")
# RDS user guide, "Amazon RDS DB instance storage": gp3 for PostgreSQL, MySQL and MariaDB.
_GP3_STRIPED_FROM = 400
_GP3_BASE = (3_000, 125)
_GP3_STRIPED_BASE = (12_000, 500)


def source_of(instance: Item, cloud: Cloud) -> Item | None:
    return cloud.find(INSTANCE, instance.known("replicateSourceDb"))


def engine_of(instance: Item, cloud: Cloud) -> str:
    source = source_of(instance, cloud)
    return str(instance.known("engine") or (source.known("engine") if source is not None else "") or "")


@rule(INSTANCE)
def new_instance(instance: Item, _: Cloud) -> Iterator[Broken]:
    """A new instance needs an engine, storage, a user and a password; a replica takes them from its source.

    Source: RDS API, CreateDBInstance and CreateDBInstanceReadReplica.
    """
    made_from = [name for name in _FROM_ELSEWHERE if instance.get(name) is not None]
    passwords = [name for name in ("password", "passwordWo") if instance.get(name) is not None]
    managed = instance.known("manageMasterUserPassword") is True
    if not made_from:
        for name in ("engine", "allocatedStorage", "username"):
            if instance.get(name) is None:
                yield Broken(name, "a value, as the instance is new", f"set {name}")
        if not passwords and not managed:
            yield Broken("password", "a password, or RDS to manage one", "set password or manage_master_user_password")
    if len(passwords) + managed > 1:
        yield Broken(passwords[0], "one of password, passwordWo and manageMasterUserPassword", "choose one")
    if "replicateSourceDb" in made_from:
        for name in ("username", "password", "dbName", "engine"):
            if instance.get(name) is not None:
                yield Broken(name, "nothing: a replica takes it from its source", f"remove {name}")


@rule(INSTANCE)
def made_from_a_snapshot(instance: Item, cloud: Cloud) -> Iterator[Broken]:
    """A snapshot is restored where it is, with its key, with no less storage and in its own major version.

    Source: RDS API, RestoreDBInstanceFromDBSnapshot, which takes no key; RDS user guide, Restoring to a DB instance;
    terraform-provider-aws, aws_db_instance: what it can't hand over, such as another `kms_key_id`, replaces the
    instance at the next deployment.
    """
    name = instance.known("snapshotIdentifier")
    if instance.id or not isinstance(name, str):
        return  # what exists has been restored
    snapshot = next(
        (each for each in cloud.named(name) if each.type == SNAPSHOT and each.place == instance.place), None
    )
    if snapshot is None:
        ending = f":snapshot:{name}"
        given = (each.id.split(":") for each in cloud.of("given") if each.id.endswith(ending))
        if not any(arn[3] == instance.place for arn in given):
            yield Broken(
                "snapshotIdentifier",
                f"a snapshot in {instance.place}",
                "name one of that region and account, without the ARN before it",
                absent=True,
            )
        return
    if instance.get("kmsKeyId") is not None and instance.known("kmsKeyId") != snapshot.known("kmsKeyId"):
        yield Broken("kmsKeyId", f"the snapshot's key, {snapshot.known('kmsKeyId')}", "give the snapshot's key")
    storage, least = instance.known("allocatedStorage"), snapshot.known("allocatedStorage")
    if isinstance(storage, int) and isinstance(least, int) and storage < least:
        yield Broken("allocatedStorage", f"at least the snapshot's {least} GiB", "raise it: storage never shrinks")
    version, was = (str(each.known("engineVersion") or "").partition(".")[0] for each in (instance, snapshot))
    if version and was and version != was:
        yield Broken("engineVersion", f"the snapshot's major version, {was}", f"restore as {was}, then upgrade")


@rule(INSTANCE)
def managed_password_and_replicas(replica: Item, cloud: Cloud) -> Iterator[Broken]:
    """A source whose master password RDS manages can't have PostgreSQL read replicas.

    Source: RDS user guide, Password management with Amazon RDS and AWS Secrets Manager, Limitations.
    """
    source = source_of(replica, cloud)
    if (
        source is not None
        and source.known("manageMasterUserPassword") is True
        and engine_of(source, cloud) == "postgres"
    ):
        yield Broken(
            "replicateSourceDb",
            f"a source whose password RDS doesn't manage; {source.name} has manage_master_user_password",
            "keep the password in a secret of your own, with rotation",
        )
    if replica.known("manageMasterUserPassword") is True and replica.get("replicateSourceDb") is not None:
        yield Broken("manageMasterUserPassword", "nothing: a replica has its source's password", "remove it")


@rule(INSTANCE)
def replica_source(replica: Item, cloud: Cloud) -> Iterator[Broken]:
    """A replica's source keeps backups, is not too small for it in version or encryption, and has at most 15.

    Source: RDS user guide, Working with DB instance read replicas.
    """
    source = source_of(replica, cloud)
    if source is None:
        return
    if source.get("backupRetentionPeriod", 0) == 0:
        yield Broken(
            "replicateSourceDb",
            f"a source that keeps backups; {source.name} keeps none",
            "set backup_retention_period on the source",
        )
    if source.get("storageEncrypted", False) is not replica.get(
        "storageEncrypted", source.get("storageEncrypted", False)
    ):
        yield Broken("storageEncrypted", "as its source", "leave storage_encrypted to the source")
    others = [
        each
        for each in cloud.where(INSTANCE, "replicateSourceDb", replica.known("replicateSourceDb"))
        if each.urn != replica.urn
    ]
    if len(others) >= 15:
        yield Broken(
            "replicateSourceDb",
            "a source with fewer than 15 replicas",
            "add a level of replicas, or shard",
            source.physical_name,
        )
    own, theirs = replica.known("allocatedStorage"), source.known("allocatedStorage")
    if isinstance(own, int) and isinstance(theirs, int) and own < theirs:
        yield Broken("allocatedStorage", f"at least its source's {theirs} GiB", "leave allocated_storage to the source")


@rule(INSTANCE)
def storage(instance: Item, cloud: Cloud) -> Iterator[Broken]:
    """Storage: 20 GiB to 64 TiB; autoscaling to at least 10 % more; gp3 takes IOPS and throughput only from 400 GiB.

    Source: RDS user guide, Amazon RDS DB instance storage; Managing capacity automatically with storage autoscaling.
    """
    kind = instance.get("storageType", "io1" if instance.get("iops") is not None else "gp3")
    size, most = instance.known("allocatedStorage"), instance.known("maxAllocatedStorage")
    yield from one_of(instance, "storageType", "gp2", "gp3", "io1", "io2", "standard")
    yield from between(instance, "allocatedStorage", 100 if kind in ("io1", "io2") else 20, 65_536)
    if isinstance(most, int) and most != 0:
        yield from between(instance, "maxAllocatedStorage", 20, 65_536)
        if isinstance(size, int) and most < size * 1.1:
            yield Broken(
                "maxAllocatedStorage",
                f"at least 10 % above allocatedStorage, {-(-size * 11 // 10)} GiB",
                "raise it, or leave autoscaling off",
            )
    iops, throughput = instance.known("iops"), instance.known("storageThroughput")
    if throughput is not None and kind != "gp3":
        yield Broken(
            "storageThroughput", "nothing: only gp3 takes a throughput", "set storage_type to gp3, or remove it"
        )
    if kind == "gp3" and isinstance(size, int) and engine_of(instance, cloud) in ("postgres", "mysql", "mariadb"):
        striped = size >= _GP3_STRIPED_FROM
        base_iops, base_throughput = _GP3_STRIPED_BASE if striped else _GP3_BASE
        for name, value, base, top in (
            ("iops", iops, base_iops, 64_000),
            ("storageThroughput", throughput, base_throughput, 4_000),
        ):
            if not isinstance(value, int):
                continue
            if not striped:
                yield Broken(
                    name,
                    f"nothing below {_GP3_STRIPED_FROM} GiB: gp3 has {base} there",
                    f"remove {name}, or allocate {_GP3_STRIPED_FROM} GiB",
                )
            elif not base <= value <= top:
                yield Broken(
                    name, f"{base} to {top} on gp3 from {_GP3_STRIPED_FROM} GiB", "choose a value in this range"
                )
        if striped and isinstance(iops, int) and iops > size * 500:
            yield Broken("iops", f"at most 500 a GiB, {size * 500}", "allocate more, or ask for fewer")
        if striped and isinstance(iops, int) and isinstance(throughput, int) and throughput > iops / 4:
            yield Broken(
                "storageThroughput",
                f"at most a quarter of the IOPS, {iops // 4} MiB/s",
                "ask for more IOPS or less throughput",
            )
    if kind in ("io1", "io2") and iops is None:
        yield Broken("iops", f"a number, as the storage is {kind}", "set iops")
    if kind == "gp2" and iops is not None:
        yield Broken("iops", "nothing: gp2 takes no IOPS", "set storage_type to gp3, or remove iops")


@transition(INSTANCE)
def growth_across_the_stripe(old: Item, new: Item) -> Iterator[Broken]:
    """gp3 that grows to 400 GiB or more is given its IOPS and throughput with its new size; otherwise the provider
    sends those of the old size, which RDS refuses.

    Source: RDS API, ModifyDBInstance, AllocatedStorage; terraform-provider-aws#28382.
    """
    before, after = old.known("allocatedStorage"), new.known("allocatedStorage")
    engine = new.known("engine") or old.outputs.get("engine")
    if new.get("storageType", "gp3") != "gp3" or engine not in ("postgres", "mysql", "mariadb"):
        return
    if isinstance(before, int) and isinstance(after, int) and before < _GP3_STRIPED_FROM <= after:
        for path, was, least in zip(("iops", "storageThroughput"), _GP3_BASE, _GP3_STRIPED_BASE, strict=True):
            if new.get(path) is None:
                yield Broken(
                    path,
                    f"{least} or more, as allocatedStorage grows from {before} to {after} GiB; else {was} is sent",
                    f"set it to {least} together with the new size",
                )


@transition(INSTANCE)
def storage_only_grows(old: Item, new: Item) -> Iterator[Broken]:
    """Allocated storage never shrinks; what autoscaling added beyond the declared size is left alone.

    Source: RDS API, ModifyDBInstance, AllocatedStorage; pulumi-aws, rds.Instance allocatedStorage.
    """
    before, after = old.known("allocatedStorage"), new.known("allocatedStorage")
    if not isinstance(before, int) or not isinstance(after, int) or after >= before:
        return
    most = new.known("maxAllocatedStorage")
    if not isinstance(most, int) or most < before:
        yield Broken("allocatedStorage", f"{before} GiB or more: it never shrinks", f"keep {before}, or restore a dump")


@transition(INSTANCE)
def major_upgrade(old: Item, new: Item) -> Iterator[Broken]:
    """A new major version has to be allowed; an older one is never gone back to.

    Source: RDS API, ModifyDBInstance, AllowMajorVersionUpgrade; RDS user guide, Upgrading a DB instance engine version.
    """
    before, after = (_major(each) for each in (old, new))
    if before is None or after is None or before == after:
        return
    if after < before:
        yield Broken("engineVersion", f"{before} or newer: RDS doesn't downgrade", "restore a dump into a new instance")
    elif new.known("allowMajorVersionUpgrade") is not True:
        yield Broken(
            "allowMajorVersionUpgrade",
            f"true, as engineVersion goes from {before} to {after}",
            "set allow_major_version_upgrade for this deployment",
        )


def _major(instance: Item) -> int | None:
    version = re.match(r"\d+", str(instance.known("engineVersion") or ""))
    return int(version[0]) if version is not None and instance.known("engine") == "postgres" else None


@rule(INSTANCE)
def version(instance: Item, cloud: Cloud) -> Iterator[Broken]:
    """An engine version is written as the engine does, and the parameter group is of its family. A replica whose
    primary is being upgraded may have one of the version before.

    Source: RDS user guide, PostgreSQL versions; Parameter groups for Amazon RDS; Upgrading the PostgreSQL DB engine.
    """
    engine = engine_of(instance, cloud)
    source = source_of(instance, cloud)
    text = instance.known("engineVersion") or (source.known("engineVersion") if source is not None else None)
    if (
        engine
        and engine not in _VERSIONS
        and not engine.startswith(("oracle-", "sqlserver-", "db2-", "aurora", "custom-"))
    ):
        yield Broken("engine", "an engine that RDS has, such as postgres", "correct the engine")
    if not isinstance(text, str) or engine not in _VERSIONS:
        return
    if instance.known("engineVersion") and re.fullmatch(_VERSIONS[engine], text) is None:
        yield Broken(
            "engineVersion",
            f"a version of {engine}",
            "for example 17 or 17.4" if engine == "postgres" else "correct it",
        )
        return
    group = cloud.find(_PARAMETER_GROUP, instance.known("parameterGroupName"))
    if group is not None:
        family = group.known("family")
        major = text.split(".")[0] if engine == "postgres" else ".".join(text.split(".")[:2])
        upgrading = source is not None and source.known("allowMajorVersionUpgrade") is True
        former = f"{engine}{int(major) - 1}" if upgrading and engine == "postgres" else ""
        if isinstance(family, str) and family not in (f"{engine}{major}", former):
            yield Broken(
                "parameterGroupName",
                f"a parameter group of family {engine}{major}; {group.name} is of {family}",
                "create one of that family",
            )
    allowed = _LOGS[engine]
    for index, log in enumerate(instance.each("enabledCloudwatchLogsExports")):
        if log not in allowed:
            yield Broken(
                f"enabledCloudwatchLogsExports[{index}]", f"one of {', '.join(allowed)}", "correct the log's name"
            )


@rule(INSTANCE)
def final_snapshot(instance: Item, _: Cloud) -> Iterator[Broken]:
    """Unless the final snapshot is skipped, deletion needs its name, of letters, digits and single hyphens.

    Source: RDS API, DeleteDBInstance; pulumi-aws, rds.Instance skipFinalSnapshot.
    """
    name = instance.known("finalSnapshotIdentifier")
    if (
        instance.get("skipFinalSnapshot", False) is False
        and instance.get("finalSnapshotIdentifier") is None
        and instance.get("replicateSourceDb") is None
    ):
        yield Broken(
            "finalSnapshotIdentifier",
            "a name, as skipFinalSnapshot is false",
            "set final_snapshot_identifier, or skip_final_snapshot where data may go",
        )
    if isinstance(name, str) and re.fullmatch(r"[A-Za-z](?!.*--)[A-Za-z0-9-]{0,254}(?<!-)", name) is None:
        yield Broken(
            "finalSnapshotIdentifier", "letters, digits and single hyphens, a letter first, no hyphen last", "rename it"
        )


@rule(INSTANCE)
def insights(instance: Item, _: Cloud) -> Iterator[Broken]:
    """Database Insights' advanced mode needs Performance Insights with 465 days or more; retentions are 7, 731 or
    months of 31 days.

    Source: RDS user guide, Turning on the Advanced mode of Database Insights; RDS API,
    PerformanceInsightsRetentionPeriod.
    """
    enabled = instance.get("performanceInsightsEnabled", False)
    days = instance.known("performanceInsightsRetentionPeriod")
    yield from one_of(instance, "databaseInsightsMode", "standard", "advanced")
    if instance.known("databaseInsightsMode") == "advanced":
        if enabled is False:
            yield Broken(
                "performanceInsightsEnabled",
                "true, as databaseInsightsMode is advanced",
                "set performance_insights_enabled",
            )
        elif not isinstance(days, int) or days < 465:
            yield Broken(
                "performanceInsightsRetentionPeriod",
                "465 days or more, as databaseInsightsMode is advanced",
                "set it to 465",
            )
    if isinstance(days, int) and days not in (7, 731) and not (31 <= days <= 713 and days % 31 == 0):
        yield Broken(
            "performanceInsightsRetentionPeriod", "7, 731 or a multiple of 31 up to 713", "choose one of these"
        )
    if enabled is False and days is not None:
        yield Broken(
            "performanceInsightsRetentionPeriod",
            "nothing, as Performance Insights is off",
            "set performance_insights_enabled",
        )


@rule(INSTANCE)
def monitoring(instance: Item, _: Cloud) -> Iterator[Broken]:
    """Enhanced monitoring every 0, 1, 5, 10, 15, 30 or 60 s, by a role.

    Source: RDS API, CreateDBInstance, MonitoringInterval.
    """
    yield from one_of(instance, "monitoringInterval", 0, 1, 5, 10, 15, 30, 60)
    if instance.known("monitoringInterval") not in (None, 0) and instance.get("monitoringRoleArn") is None:
        yield Broken("monitoringRoleArn", "the role that sends the metrics", "set monitoring_role_arn")


@rule(INSTANCE)
def windows(instance: Item, _: Cloud) -> Iterator[Broken]:
    """Backups are kept 0 to 35 days; windows are `hh:mm-hh:mm` and `ddd:hh:mm-ddd:hh:mm` of at least 30 minutes, apart.

    Source: RDS API, CreateDBInstance, BackupRetentionPeriod, PreferredBackupWindow, PreferredMaintenanceWindow.
    """
    yield from between(instance, "backupRetentionPeriod", 0, 35)
    backup, upkeep = instance.known("backupWindow"), instance.known("maintenanceWindow")
    clock = r"([01]\d|2[0-3]):[0-5]\d"
    if isinstance(backup, str) and re.fullmatch(f"{clock}-{clock}", backup) is None:
        yield Broken("backupWindow", "hh:mm-hh:mm in UTC", "for example 02:00-03:00")
    day = r"(?i:mon|tue|wed|thu|fri|sat|sun)"
    if isinstance(upkeep, str) and re.fullmatch(f"{day}:{clock}-{day}:{clock}", upkeep) is None:
        yield Broken("maintenanceWindow", "ddd:hh:mm-ddd:hh:mm in UTC", "for example sun:03:30-sun:04:30")
    elif isinstance(backup, str) and isinstance(upkeep, str) and "-" in backup:
        first, last = backup.split("-")
        begin, end = (part[4:] for part in upkeep.split("-"))
        if first < end and begin < last and first <= last and begin <= end:
            yield Broken("maintenanceWindow", f"a window apart from the backup's, {backup}", "move one of the two")


@rule(INSTANCE)
def placement(instance: Item, cloud: Cloud) -> Iterator[Broken]:
    """Multi-AZ leaves the zone to RDS and needs subnets in two; classes begin with `db.`; private instances name a
    subnet group.

    Source: RDS API, CreateDBInstance, AvailabilityZone, DBSubnetGroupName, DBInstanceClass.
    """
    if instance.known("multiAz") is True and instance.get("availabilityZone") is not None:
        yield Broken("availabilityZone", "nothing, as multiAz is true", "remove availability_zone")
    kind = instance.known("instanceClass")
    if (
        isinstance(kind, str)
        and re.fullmatch(r"db\.[a-z0-9]+(-[a-z0-9]+)?\.(\d*x?large|micro|small|medium|metal)(\.\w+)*", kind) is None
    ):
        yield Broken("instanceClass", "an instance class such as db.m7g.large", "correct the class")
    group = cloud.find(_SUBNET_GROUP, instance.known("dbSubnetGroupName"))
    if group is not None and instance.known("multiAz") is True:
        where = zones(group, cloud, "subnetIds")
        if where is not None and len(where) < 2:
            yield Broken(
                "dbSubnetGroupName", "a subnet group with two zones, as multiAz is true", "add a subnet of another zone"
            )


@rule(INSTANCE)
def passwords(instance: Item, cloud: Cloud) -> Iterator[Broken]:
    """A PostgreSQL password has 8 to 128 printable characters, without / " @ and spaces; some user names are reserved.

    Source: RDS API, CreateDBInstance, MasterUserPassword and MasterUsername.
    """
    password = instance.known("password")
    if isinstance(password, str):
        longest = 41 if engine_of(instance, cloud) in ("mysql", "mariadb") else 128
        if not 8 <= len(password) <= longest:
            yield Broken("password", f"8 to {longest} characters", "change its length", "[secret]")
        if re.search(r'[/"@ ]', password) or not password.isascii() or not password.isprintable():
            yield Broken(
                "password",
                'printable ASCII characters without /, ", @ and spaces',
                "set override_special on the RandomPassword",
                "[secret]",
            )
    user = instance.known("username")
    if isinstance(user, str):
        if re.fullmatch(r"[A-Za-z]\w{0,62}", user) is None:
            yield Broken("username", "1 to 63 letters, digits and underscores, a letter first", "rename it")
        if user.lower() in ("admin", "rdsadmin", "rdsrepladmin", "user") and engine_of(instance, cloud) == "postgres":
            yield Broken("username", "a name that PostgreSQL or RDS doesn't reserve", "choose another name")


@rule(INSTANCE)
def instance_settings(instance: Item, cloud: Cloud) -> Iterator[Broken]:
    """A monitoring role goes with an interval; a key with encryption; a volume for the log with provisioned storage;
    time zones and licences are those of the engine; upkeep takes less than a day.

    Source: RDS API, CreateDBInstance.
    """
    if instance.known("monitoringInterval") == 0 and instance.get("monitoringRoleArn"):
        yield Broken("monitoringInterval", "more than 0, as there is a monitoring role", "raise it, or remove the role")
    if instance.known("storageEncrypted") is False and instance.get("kmsKeyId"):
        yield Broken("storageEncrypted", "true, as there is a key", "encrypt it, or remove kms_key_id")
    if instance.known("dedicatedLogVolume") is True and instance.known("storageType") in ("gp2", "gp3", "standard"):
        yield Broken("dedicatedLogVolume", "false: it goes with storage io1 or io2", "change the storage")
    ends = re.findall(r"(\w{3}):(\d\d):(\d\d)", str(instance.known("maintenanceWindow") or "").lower())
    minutes = [DAYS.index(day) * 1_440 + int(hour) * 60 + int(minute) for day, hour, minute in ends if day in DAYS]
    if len(minutes) == 2 and (minutes[1] - minutes[0]) % (7 * 1_440) >= 1_440:
        yield Broken("maintenanceWindow", "a window of less than a day", "let it end earlier")
    engine = engine_of(instance, cloud)
    name = instance.known("dbName")
    if engine == "postgres" and isinstance(name, str) and re.fullmatch(r"[A-Za-z_]\w{0,62}", name, re.ASCII) is None:
        yield Broken("dbName", "up to 63 letters, digits and underscores, a letter first", "rename the database")
    if engine in ("postgres", "mysql", "mariadb"):
        for name in ("timezone", "characterSetName", "ncharCharacterSetName"):
            if instance.get(name):
                yield Broken(name, f"nothing for {engine}", f"remove {name}")
        licence = {"postgres": "postgresql-license"}.get(engine, "general-public-license")
        if instance.known("licenseModel") not in (None, "", licence):
            yield Broken("licenseModel", f"{licence}, as the engine is {engine}", "correct it")


@rule(_SUBNET_GROUP)
def subnet_group(group: Item, cloud: Cloud) -> Iterator[Broken]:
    """A subnet group covers at least two zones of one VPC.

    Source: RDS API, CreateDBSubnetGroup.
    """
    where = zones(group, cloud, "subnetIds")
    if where is not None and len(where) < 2:
        yield Broken("subnetIds", "subnets in at least two zones", "add a subnet of another zone")


@rule(_PARAMETER_GROUP)
def parameter_group(group: Item, _: Cloud) -> Iterator[Broken]:
    """A family is an engine and its major version; static parameters wait for a reboot; each is set once.

    Source: RDS user guide, Parameter groups for Amazon RDS.
    """
    family = group.known("family")
    if (
        isinstance(family, str)
        and re.fullmatch(
            r"(aurora-)?(postgresql|postgres|mysql|mariadb|oracle|sqlserver|db2|custom)[a-z0-9.-]*\d+(\.\d+)*", family
        )
        is None
    ):
        yield Broken("family", "an engine and its major version, such as postgres17", "correct the family")
    seen: set[object] = set()
    for index, parameter in enumerate(group.objects("parameters")):
        path = f"parameters[{index}]"
        name, method = parameter.get("name"), parameter.get("applyMethod") or "immediate"
        if name in seen:
            yield Broken(f"{path}.name", "a parameter that is set once", "remove one of the two")
        seen.add(name)
        if method not in ("immediate", "pending-reboot"):
            yield Broken(f"{path}.applyMethod", "immediate or pending-reboot", "correct it")
        if name in _STATIC and method == "immediate":
            yield Broken(
                f"{path}.applyMethod", f"pending-reboot: {name} is static", "set apply_method to pending-reboot", method
            )


# PostgreSQL parameters with the context "postmaster" (PostgreSQL manual, pg_settings) that RDS lets one set.
_STATIC = frozenset(
    {
        "max_connections",
        "shared_buffers",
        "shared_preload_libraries",
        "max_worker_processes",
        "max_wal_senders",
        "max_replication_slots",
        "rds.logical_replication",
        "wal_buffers",
        "max_prepared_transactions",
        "max_locks_per_transaction",
        "huge_pages",
        "autovacuum_max_workers",
        "track_activity_query_size",
        "pg_stat_statements.max",
    }
)


@rule(_PROXY)
def proxy(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A proxy reads credentials from secrets, or signs in by IAM throughout; it has subnets in two zones.

    Source: RDS API, CreateDBProxy; RDS user guide, Creating an RDS Proxy.
    """
    yield from one_of(item, "engineFamily", "MYSQL", "POSTGRESQL", "SQLSERVER")
    scheme = item.get("defaultAuthScheme", "NONE")
    entries = item.objects("auths")
    if scheme != "IAM_AUTH" and not entries:
        yield Broken(
            "auths",
            "at least one secret with the credentials of a database user",
            "set auths, or default_auth_scheme to IAM_AUTH",
        )
    for index, entry in enumerate(entries):
        if (entry.get("authScheme") or "SECRETS") == "SECRETS" and entry.get("secretArn") is None:
            yield Broken(f"auths[{index}].secretArn", "the secret with the credentials", "set secret_arn")
        if entry.get("iamAuth") not in (None, "DISABLED", "REQUIRED", "ENABLED"):
            yield Broken(f"auths[{index}].iamAuth", "DISABLED or REQUIRED", "correct it")
        allowed = {
            "POSTGRESQL": ("POSTGRES_SCRAM_SHA_256", "POSTGRES_MD5"),
            "MYSQL": ("MYSQL_NATIVE_PASSWORD", "MYSQL_CACHING_SHA2_PASSWORD"),
            "SQLSERVER": ("SQL_SERVER_AUTHENTICATION",),
        }
        kinds = allowed.get(str(item.known("engineFamily")), ())
        if kinds and entry.get("clientPasswordAuthType") not in (None, *kinds):
            yield Broken(f"auths[{index}].clientPasswordAuthType", f"one of {', '.join(kinds)}", "correct it")
    where = zones(item, cloud, "vpcSubnetIds")
    if where is not None and len(where) < 2:
        yield Broken("vpcSubnetIds", "subnets in at least two zones", "add a subnet of another zone")
    yield from between(item, "idleClientTimeout", 1, 28_800)


@rule("aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup")
def proxy_pool(item: Item, _: Cloud) -> Iterator[Broken]:
    """A pool holds 1 to 100 % of the database's connections, at most half of them idle by default, and waits up to
    300 s.

    Source: RDS API, ConnectionPoolConfiguration.
    """
    yield from between(item, "connectionPoolConfig.maxConnectionsPercent", 1, 100)
    yield from between(item, "connectionPoolConfig.connectionBorrowTimeout", 0, 300)
    most, idle = (
        item.known("connectionPoolConfig.maxConnectionsPercent") or 100,
        item.known("connectionPoolConfig.maxIdleConnectionsPercent"),
    )
    if isinstance(idle, int) and isinstance(most, int) and not 0 <= idle <= most:
        yield Broken(
            "connectionPoolConfig.maxIdleConnectionsPercent", f"0 to maxConnectionsPercent, {most}", "lower it"
        )


@rule("aws:rds/proxyTarget:ProxyTarget")
def proxy_target(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A proxy's target is one writer: a cluster or an instance that is no read replica.

    Source: RDS user guide, Quotas and limitations for RDS Proxy.
    """
    given = [name for name in ("dbClusterIdentifier", "dbInstanceIdentifier") if item.get(name) is not None]
    if len(given) != 1:
        yield Broken("dbInstanceIdentifier", "exactly one of dbClusterIdentifier and dbInstanceIdentifier", "name one")
    instance = cloud.referred(item, "dbInstanceIdentifier")
    if instance is not None and instance.get("replicateSourceDb") is not None:
        yield Broken(
            "dbInstanceIdentifier",
            f"a writer; {instance.name} is a read replica",
            "connect to replicas directly, or through a pooler",
        )


@rule("aws:rds/eventSubscription:EventSubscription")
def watched_instances(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """What a subscription is for exists.

    Source: RDS API, CreateEventSubscription (SourceNotFound).
    """
    if item.known("sourceType") != "db-instance":
        return
    for index, each in enumerate(item.each("sourceIds")):
        if isinstance(each, str) and not cloud.named(each):
            expected = "the identifier of an instance that exists"
            yield Broken(f"sourceIds[{index}]", expected, "pass the instance's identifier", absent=True)
