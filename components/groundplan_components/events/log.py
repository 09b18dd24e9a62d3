"""The event log: one Firehose stream delivers each event's topic to S3, without a connector to run (A3).

A stream has one topic and one partitioned prefix, so an event's history can be replayed alone. Quotas: 5,000 streams
in a region; 10 MB/s for each partition, and records of up to 10 MB, from MSK
(https://docs.aws.amazon.com/firehose/latest/dev/limits.html).
"""

from collections.abc import Sequence

import pulumi
from pulumi_aws import cloudwatch, iam, kinesis, sns, sqs

from groundplan_components.events._log_alarms import stream_alarms
from groundplan_components.events._log_args import EventLogArgs, check_event_log
from groundplan_components.events._log_documents import (
    error_prefix,
    firehose_trust,
    kafka_reader_statements,
    prefix,
    reader_statements,
)
from groundplan_components.events.log_bucket import ERRORS_PREFIX, EVENTS_PREFIX, EventLogBucket, EventLogLock
from groundplan_components.shared.alarms import Alarm, Metric, declare
from groundplan_components.shared.arn import account_of, partition_of, region_of
from groundplan_components.shared.iam import Statement, policy, trust
from groundplan_components.shared.names import autonamed
from groundplan_components.shared.resource_policy import allow_service, document, tls_only

STREAM_NAME_LIMIT = 64
ROLE_NAME_LIMIT = 64
QUEUE_NAME_LIMIT = 80
BUFFER_SECONDS = 300
BUFFER_MIB = 64
"""Firehose writes an object when either limit is reached: large enough for Athena, soon enough for audits."""
BEGINNING = "1970-01-01T00:00:00Z"
"""Read a topic from its first record; otherwise Firehose skips records from before it was ready."""
UNDELIVERED_HOURS = 336


class EventLog(pulumi.ComponentResource):
    """The log of all events: locked objects in S3, by event, day and hour."""

    bucket_arn: pulumi.Output[str]
    bucket: pulumi.Output[str]
    """The bucket's name."""
    stream_names: dict[str, pulumi.Output[str]]
    """Names of the Firehose streams, by event."""

    def __init__(self, name: str, args: EventLogArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        check_event_log(name, args)
        super().__init__("groundplan:index:EventLog", name, {}, opts)
        self._name = name
        self._args = args
        self._inside = pulumi.ResourceOptions(parent=self)
        self._store = self._bucket()
        self._logs = cloudwatch.LogGroup(
            f"{name}-delivery",
            retention_in_days=args.get("log_days", 90),
            kms_key_id=args["kms_key_arn"],
            tags={"Name": f"{name}-delivery"},
            opts=self._inside,
        )
        self._role, self._allowed = self._delivery_role()

        streams = {event: self._stream(event) for event in sorted(args["topics"])}
        if "kafka_cluster_arn" not in args:
            self._subscribe(streams)

        self.bucket_arn = self._store.arn
        self.bucket = self._store.bucket
        self.stream_names = {event: stream.name for event, stream in streams.items()}
        self.register_outputs({"bucket_arn": self.bucket_arn, "bucket": self.bucket, "stream_names": self.stream_names})

    def reader_statements(self, events: Sequence[str]) -> list[Statement]:
        """Least permissions to replay the given events from the log."""
        return reader_statements(self.bucket_arn, self._args["kms_key_arn"], events)

    def _bucket(self) -> EventLogBucket:
        args = self._args
        return EventLogBucket(
            f"{self._name}-store",
            {
                "kms_key_arn": args["kms_key_arn"],
                "retention_days": args["retention_days"],
                "lock": args.get("lock", EventLogLock.GOVERNANCE),
                "lock_days": args.get("lock_days", args["retention_days"]),
                "log_days": args.get("log_days", 90),
                "backup": args.get("backup", False),
                "protect": args.get("protect", True),
            },
            self._inside,
        )

    def _delivery_role(self) -> tuple[iam.Role, iam.RolePolicy]:
        args = self._args
        role = iam.Role(
            autonamed(f"{self._name}-delivery", ROLE_NAME_LIMIT),
            assume_role_policy=account_of(args["kms_key_arn"]).apply(firehose_trust),
            tags={"Name": f"{self._name}-delivery"},
            opts=self._inside,
        )
        statements = self._writing()
        if "kafka_cluster_arn" in args:
            statements += kafka_reader_statements(args["kafka_cluster_arn"], args["system"])
        allowed = iam.RolePolicy(
            f"{self._name}-delivery", role=role.name, policy=policy(*statements), opts=self._inside
        )
        return role, allowed

    def _writing(self) -> list[Statement]:
        # https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-s3
        arn = self._store.arn
        return [
            {
                "sid": "Bucket",
                "actions": ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
                "resources": [arn],
            },
            {
                "sid": "Objects",
                "actions": ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
                "resources": [pulumi.Output.concat(arn, f"/{each}*") for each in (EVENTS_PREFIX, ERRORS_PREFIX)],
            },
            {
                "sid": "Key",
                "actions": ["kms:Decrypt", "kms:GenerateDataKey"],
                "resources": [self._args["kms_key_arn"]],
                "conditions": {
                    # The suffix of the name differs in AWS's Chinese regions.
                    "StringLike": {
                        "kms:ViaService": pulumi.Output.concat(
                            "s3.", region_of(self._args["kms_key_arn"]), ".amazonaws.com*"
                        )
                    }
                },
            },
            {
                "sid": "Log",
                "actions": ["logs:PutLogEvents"],
                "resources": [pulumi.Output.concat(self._logs.arn, ":log-stream:*")],
            },
        ]

    def _stream(self, event: str) -> kinesis.FirehoseDeliveryStream:
        args = self._args
        name = f"{self._name}-{event}"
        log_stream = cloudwatch.LogStream(name, name=event, log_group_name=self._logs.name, opts=self._inside)
        destination = kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationArgs(
            bucket_arn=self._store.arn,
            role_arn=self._role.arn,
            prefix=prefix(event),
            error_output_prefix=error_prefix(event),
            buffering_interval=BUFFER_SECONDS,
            buffering_size=BUFFER_MIB,
            compression_format="GZIP",
            file_extension=".json.gz",
            kms_key_arn=args["kms_key_arn"],
            # Firehose joins records without a separator; readers expect one event a line.
            processing_configuration=kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationProcessingConfigurationArgs(
                enabled=True,
                processors=[
                    kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationProcessingConfigurationProcessorArgs(
                        type="AppendDelimiterToRecord"
                    )
                ],
            ),
            cloudwatch_logging_options=kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationCloudwatchLoggingOptionsArgs(
                enabled=True, log_group_name=self._logs.name, log_stream_name=log_stream.name
            ),
        )
        stream = kinesis.FirehoseDeliveryStream(
            autonamed(name, STREAM_NAME_LIMIT),
            destination="extended_s3",
            extended_s3_configuration=destination,
            msk_source_configuration=self._kafka_source(event),
            # Encrypts buffered records of PutRecord; records in Kafka are encrypted already.
            server_side_encryption=None
            if "kafka_cluster_arn" in args
            else kinesis.FirehoseDeliveryStreamServerSideEncryptionArgs(
                enabled=True, key_type="CUSTOMER_MANAGED_CMK", key_arn=args["kms_key_arn"]
            ),
            tags={"Name": name, "Event": event},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._allowed]),
        )
        if "alarm_topic_arn" in args:
            for what, alarm in stream_alarms(
                event, stream.name, args.get("max_lag_events", 10_000), kafka="kafka_cluster_arn" in args
            ).items():
                declare(f"{name}-{what}", alarm, [args["alarm_topic_arn"]], self._inside)
        return stream

    def _kafka_source(self, event: str) -> kinesis.FirehoseDeliveryStreamMskSourceConfigurationArgs | None:
        args = self._args
        if "kafka_cluster_arn" not in args:
            return None
        return kinesis.FirehoseDeliveryStreamMskSourceConfigurationArgs(
            msk_cluster_arn=args["kafka_cluster_arn"],
            topic_name=args["topics"][event],
            read_from_timestamp=BEGINNING,
            authentication_configuration=kinesis.FirehoseDeliveryStreamMskSourceConfigurationAuthenticationConfigurationArgs(
                connectivity="PRIVATE", role_arn=self._role.arn
            ),
        )

    def _subscribe(self, streams: dict[str, kinesis.FirehoseDeliveryStream]) -> None:
        args = self._args
        name = f"{self._name}-subscription"
        role = iam.Role(
            autonamed(name, ROLE_NAME_LIMIT),
            assume_role_policy=trust("sns.amazonaws.com"),
            tags={"Name": name},
            opts=self._inside,
        )
        key = args["kms_key_arn"]
        # The log's streams by their prefix: a list of a hundred ARNs would exceed the size of a role's policies (10,240
        # characters, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
        ours = pulumi.Output.concat(
            "arn:",
            partition_of(key),
            ":firehose:",
            region_of(key),
            ":",
            account_of(key),
            f":deliverystream/{self._name}-*",
        )
        # https://docs.aws.amazon.com/sns/latest/dg/prereqs-kinesis-data-firehose.html
        allowed = iam.RolePolicy(
            name,
            role=role.name,
            policy=policy(
                {
                    "sid": "Streams",
                    "actions": [
                        "firehose:DescribeDeliveryStream",
                        "firehose:ListTagsForDeliveryStream",
                        "firehose:PutRecord",
                        "firehose:PutRecordBatch",
                    ],
                    "resources": [ours],
                }
            ),
            opts=self._inside,
        )
        undelivered = self._undelivered()
        for event, stream in streams.items():
            sns.TopicSubscription(
                f"{self._name}-{event}",
                topic=args["topics"][event],
                protocol="firehose",
                endpoint=stream.arn,
                subscription_role_arn=role.arn,
                raw_message_delivery=True,
                redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": undelivered.arn}),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
            )

    def _undelivered(self) -> sqs.Queue:
        args = self._args
        name = f"{self._name}-undelivered"
        queue = sqs.Queue(
            autonamed(name, QUEUE_NAME_LIMIT),
            kms_master_key_id=args["kms_key_arn"],
            message_retention_seconds=UNDELIVERED_HOURS * 3600,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, protect=args.get("protect", True)),
        )
        sqs.QueuePolicy(
            name,
            queue_url=queue.url,
            policy=document(
                allow_service(
                    "Topics",
                    ["sns.amazonaws.com"],
                    ["sqs:SendMessage"],
                    [queue.arn],
                    {"ArnEquals": {"aws:SourceArn": [args["topics"][event] for event in sorted(args["topics"])]}},
                ),
                tls_only(["sqs:*"], [queue.arn]),
            ),
            opts=self._inside,
        )
        undelivered = Alarm(
            description="Events did not reach the event log: put them back, the log must be complete",
            page="event-log-undelivered",
            metrics={
                "waiting": Metric(
                    namespace="AWS/SQS",
                    name="ApproximateNumberOfMessagesVisible",
                    statistic="Maximum",
                    dimensions={"QueueName": queue.name},
                )
            },
            threshold=0,
            periods=1,
        )
        if "alarm_topic_arn" in args:
            declare(name, undelivered, [args["alarm_topic_arn"]], self._inside)
        return queue
