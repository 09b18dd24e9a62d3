"""SQL queries of the event log by Athena, without a crawler (A3, D2)."""

from collections.abc import Callable
from typing import NotRequired, TypedDict

import pulumi
from pulumi_aws import athena, glue, s3

from groundplan_components.events._log_table import TABLE, projection, saved_queries, storage
from groundplan_components.shared.arn import account_of, partition_of, region_of
from groundplan_components.shared.checks import require
from groundplan_components.shared.iam import Statement
from groundplan_components.shared.private_bucket import private_bucket

SCAN_LIMIT_BYTES = 1024**4
"""Athena cancels a query that reads more than a tebibyte: it probably lacks a filter by event or day."""
RESULT_DAYS = 7
SMALLEST_SCAN_LIMIT_BYTES = 10_485_760
"""The smallest limit that Athena accepts, in bytes."""


class EventQueryArgs(TypedDict):
    bucket: pulumi.Input[str]
    """The event log's bucket, by name."""
    events: list[str]
    """Names of the events in the log."""
    retention_days: int
    """Retention of the log, in days."""
    kms_key_arn: pulumi.Input[str]
    """The key of the log, which encrypts results as well."""
    scan_limit_bytes: NotRequired[int]
    """Bytes that one query may read. Default: a tebibyte."""


class EventQuery(pulumi.ComponentResource):
    """A Glue table over the event log, and an Athena workgroup with encrypted results and a limit of scanned bytes."""

    database: pulumi.Output[str]
    workgroup: pulumi.Output[str]

    def __init__(self, name: str, args: EventQueryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:EventQuery", name, {}, opts)
        self._args = args
        inside = pulumi.ResourceOptions(parent=self)

        # Athena allows no hyphen in a database's name, so the name follows from the bucket's, which is unique.
        database = glue.CatalogDatabase(
            name,
            name=pulumi.Output.from_input(args["bucket"]).apply(
                lambda bucket: bucket.replace("-", "_").replace(".", "_")
            ),
            description="The event log",
            opts=inside,
        )
        table = glue.CatalogTable(
            name,
            name=TABLE,
            database_name=database.name,
            description="Every event, by type, day and hour of delivery",
            table_type="EXTERNAL_TABLE",
            parameters=pulumi.Output.from_input(args["bucket"]).apply(
                lambda bucket: projection(bucket, args["events"], args["retention_days"])
            ),
            partition_keys=[
                glue.CatalogTablePartitionKeyArgs(name="event", type="string"),
                glue.CatalogTablePartitionKeyArgs(name="day", type="string"),
                glue.CatalogTablePartitionKeyArgs(name="hour", type="string"),
            ],
            storage_descriptor=storage(args["bucket"]),
            opts=inside,
        )
        self._results = self._result_bucket(name, args["kms_key_arn"])
        workgroup = athena.Workgroup(
            name,
            description="Questions to the event log",
            configuration=athena.WorkgroupConfigurationArgs(
                enforce_workgroup_configuration=True,
                publish_cloudwatch_metrics_enabled=True,
                bytes_scanned_cutoff_per_query=args.get("scan_limit_bytes", SCAN_LIMIT_BYTES),
                result_configuration=athena.WorkgroupConfigurationResultConfigurationArgs(
                    output_location=pulumi.Output.concat("s3://", self._results.id, "/"),
                    encryption_configuration=athena.WorkgroupConfigurationResultConfigurationEncryptionConfigurationArgs(
                        encryption_option="SSE_KMS", kms_key_arn=args["kms_key_arn"]
                    ),
                ),
            ),
            # Saved queries belong to the workgroup; without this flag AWS refuses to delete a workgroup that has any.
            force_destroy=True,
            tags={"Name": name},
            opts=inside,
        )
        for title, (description, _) in saved_queries("").items():
            athena.NamedQuery(
                f"{name}-{title}",
                name=title,
                description=description,
                workgroup=workgroup.name,
                database=database.name,
                query=database.name.apply(_saved_query(title)),
                opts=inside,
            )

        self._table = table
        self.database = database.name
        self.workgroup = workgroup.name
        self.register_outputs({"database": self.database, "workgroup": self.workgroup})

    def analyst_statements(self) -> list[Statement]:
        """Permissions of a role that runs queries, besides `EventLog.reader_statements` for the events it may see."""
        key = self._args["kms_key_arn"]
        place = pulumi.Output.concat(partition_of(key), ":{}:", region_of(key), ":", account_of(key), ":")

        def arn(service: str, resource: pulumi.Input[str]) -> pulumi.Output[str]:
            return pulumi.Output.concat("arn:", place.apply(lambda known: known.format(service)), resource)

        return [
            {
                "sid": "EventQueryRun",
                "actions": [
                    "athena:GetNamedQuery",
                    "athena:GetQueryExecution",
                    "athena:GetQueryResults",
                    "athena:GetWorkGroup",
                    "athena:ListNamedQueries",
                    "athena:StartQueryExecution",
                    "athena:StopQueryExecution",
                ],
                "resources": [arn("athena", pulumi.Output.concat("workgroup/", self.workgroup))],
            },
            {
                "sid": "EventQueryTable",
                "actions": ["glue:GetDatabase", "glue:GetPartition", "glue:GetPartitions", "glue:GetTable"],
                "resources": [
                    arn("glue", "catalog"),
                    arn("glue", pulumi.Output.concat("database/", self.database)),
                    arn("glue", pulumi.Output.concat("table/", self.database, "/", TABLE)),
                ],
            },
            {
                "sid": "EventQueryResults",
                "actions": ["s3:AbortMultipartUpload", "s3:GetBucketLocation", "s3:GetObject", "s3:PutObject"],
                "resources": [self._results.arn, pulumi.Output.concat(self._results.arn, "/*")],
            },
            {
                "sid": "EventQueryKey",
                "actions": ["kms:Decrypt", "kms:GenerateDataKey"],
                "resources": [key],
            },
        ]

    def _result_bucket(self, name: str, kms_key_arn: pulumi.Input[str]) -> s3.Bucket:
        bucket, _ = private_bucket(f"{name}-results", parent=self, kms_key_arn=kms_key_arn, protect=False)
        s3.BucketLifecycleConfiguration(
            f"{name}-results",
            bucket=bucket.id,
            rules=[
                s3.BucketLifecycleConfigurationRuleArgs(
                    id="expire",
                    status="Enabled",
                    filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                    expiration=s3.BucketLifecycleConfigurationRuleExpirationArgs(days=RESULT_DAYS),
                    abort_incomplete_multipart_upload=s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                        days_after_initiation=1
                    ),
                )
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        return bucket


def _saved_query(title: str) -> Callable[[str], str]:
    return lambda database: saved_queries(database)[title][1]


def _check(name: str, args: EventQueryArgs) -> None:
    where = f'EventQuery "{name}"'
    require(bool(args["events"]), where, "events", args["events"], "at least one event", "leave the component out")
    for event in args["events"]:
        require(
            "," not in event, where, "events", event, "a name without commas, which separate partitions", "rename it"
        )
    require(args["retention_days"] >= 1, where, "retention_days", args["retention_days"], "at least 1 day", "raise it")
    limit = args.get("scan_limit_bytes", SCAN_LIMIT_BYTES)
    require(
        limit >= SMALLEST_SCAN_LIMIT_BYTES,
        where,
        "scan_limit_bytes",
        limit,
        f"{SMALLEST_SCAN_LIMIT_BYTES} or more, Athena's smallest",
        "raise it",
    )
