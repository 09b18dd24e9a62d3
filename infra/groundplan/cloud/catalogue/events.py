"""Events: MSK, SQS, SNS, Firehose, EventBridge.

Names: API reference of each service. Replacements: CloudFormation reference. Bootstrap addresses: MSK developer guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundplan.cloud.catalogue.kind import Kind, Name
from groundplan.cloud.item import ACCOUNT, Item, look_up

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

CLUSTER = "aws:msk/cluster:Cluster"
_QUEUE = "aws:sqs/queue:Queue"
_TOPIC = "aws:sns/topic:Topic"
_QUEUE_NAME = r"[A-Za-z0-9_-]+(\.fifo)?"


def _brokers(port: int, *needs: str) -> object:
    """Bootstrap addresses for one way of signing in; empty when the cluster doesn't offer it."""

    def addresses(item: Item, _: Cloud) -> str:
        if needs and not any(look_up(item.inputs, path) not in (None, False, "PLAINTEXT") for path in needs):
            return ""
        count = item.known("numberOfBrokerNodes")
        code = f"{item.physical_name}.{item.hex(6)}.c{1 + int(item.hex(1), 16) % 8}.kafka.{item.place}.amazonaws.com"
        return ",".join(f"b-{number}.{code}:{port}" for number in range(1, min(int(count or 3), 3) + 1))

    return addresses


def _topic_arn(item: Item, _: Cloud) -> str:
    cluster = str(item.known("clusterArn") or "")
    return f"{cluster.replace(':cluster/', ':topic/')}/{item.physical_name}"


def _queue_url(item: Item, _: Cloud) -> str:
    return f"https://sqs.{item.place}.amazonaws.com/{ACCOUNT}/{item.physical_name}"


KINDS = (
    Kind(
        CLUSTER,
        id="{arn}",
        arn="arn:aws:kafka:{region}:{account}:cluster/{name}/{uuid}-2",
        name=Name(
            "clusterName",
            longest=64,
            pattern=r"[0-9A-Za-z][0-9A-Za-z-]*",
            says="letters, digits and hyphens",
            source="MSK API: CreateCluster",
        ),
        outputs={
            "clusterUuid": "{uuid}-2",
            "currentVersion": lambda item, _: f"K{item.hex(12).upper()}",
            "bootstrapBrokers": _brokers(9092, "encryptionInfo.encryptionInTransit.clientBroker"),
            "bootstrapBrokersTls": _brokers(9094),
            "bootstrapBrokersSaslIam": _brokers(9098, "clientAuthentication.sasl.iam"),
            "bootstrapBrokersSaslScram": _brokers(9096, "clientAuthentication.sasl.scram"),
            "zookeeperConnectString": "",
            "zookeeperConnectStringTls": "",
            "enhancedMonitoring": "DEFAULT",
            "storageMode": "LOCAL",
        },
        references={
            "configurationInfo.arn": "aws:msk/configuration:Configuration",
            "clientSubnets": "aws:ec2/subnet:Subnet",
        },
        replaces=(
            "clusterName",
            "brokerNodeGroupInfo.azDistribution",
            "brokerNodeGroupInfo.clientSubnets",
            "brokerNodeGroupInfo.securityGroups",
            "encryptionInfo.encryptionAtRestKmsKeyArn",
            "encryptionInfo.encryptionInTransit.inCluster",
        ),
        stateful=True,
        guarded=True,
    ),
    Kind(
        "aws:msk/configuration:Configuration",
        id="{arn}",
        arn="arn:aws:kafka:{region}:{account}:configuration/{name}/{uuid}-2",
        name=Name(
            longest=64,
            pattern=r"[0-9A-Za-z][0-9A-Za-z-]*",
            says="letters, digits and hyphens",
            source="MSK API: CreateConfiguration",
        ),
        outputs={"latestRevision": 1},
        replaces=("name", "kafkaVersions"),
        guarded=True,
    ),
    Kind(
        "aws:msk/topic:Topic",
        id="{clusterArn},{name}",
        arn=_topic_arn,
        name=Name(
            longest=249,
            pattern=r"(?!\.{1,2}$)[a-zA-Z0-9._-]+",
            says="letters, digits and ._-",
            unique_in="parent",
            parent="clusterArn",
            source="Apache Kafka: Topic.LEGAL_CHARS, MAX_NAME_LENGTH",
        ),
        outputs={"configsActual": ""},
        replaces=("clusterArn", "name", "replicationFactor"),
        stateful=True,
    ),
    Kind(
        "aws:msk/clusterPolicy:ClusterPolicy",
        id="{clusterArn}",
        outputs={"currentVersion": "K1"},
        replaces=("clusterArn",),
        singleton=True,
    ),
    Kind(
        "aws:msk/scramSecretAssociation:ScramSecretAssociation",
        id="{clusterArn}",
        references={"secretArnLists": "aws:secretsmanager/secret:Secret"},
        replaces=("clusterArn",),
        singleton=True,
    ),
    Kind(
        _QUEUE,
        id=_queue_url,
        arn="arn:aws:sqs:{region}:{account}:{name}",
        name=Name(
            longest=80,
            pattern=_QUEUE_NAME,
            says="letters, digits, - and _, .fifo last on a FIFO queue",
            source="SQS API: CreateQueue",
        ),
        outputs={"url": "{id}"},
        replaces=("name", "namePrefix", "fifoQueue"),
        stateful=True,
    ),
    *(
        Kind(f"aws:sqs/{name[0].lower()}{name[1:]}:{name}", id="{queueUrl}", replaces=("queueUrl",), singleton=True)
        for name in ("QueuePolicy", "RedrivePolicy", "RedriveAllowPolicy")
    ),
    Kind(
        _TOPIC,
        id="{arn}",
        arn="arn:aws:sns:{region}:{account}:{name}",
        name=Name(
            longest=256,
            pattern=_QUEUE_NAME,
            says="letters, digits, - and _, .fifo last on a FIFO topic",
            source="SNS API: CreateTopic",
        ),
        outputs={"owner": "{account}", "policy": "", "beginningArchiveTime": ""},
        replaces=("name", "namePrefix", "fifoTopic"),
    ),
    Kind(
        "aws:sns/topicPolicy:TopicPolicy",
        id="{arn}",
        outputs={"owner": "{account}"},
        replaces=("arn",),
        references={"arn": _TOPIC},
        singleton=True,
    ),
    Kind(
        "aws:sns/topicSubscription:TopicSubscription",
        id="{arn}",
        arn=lambda item, _: f"{item.known('topic')}:{item.uuid()}",
        outputs={
            "ownerId": "{account}",
            "pendingConfirmation": lambda item, _: item.known("protocol") in ("email", "email-json"),
            "confirmationWasAuthenticated": True,
        },
        references={"topic": _TOPIC, "subscriptionRoleArn": "aws:iam/role:Role"},
        replaces=("topic", "protocol", "endpoint"),
    ),
    Kind(
        "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
        id="{arn}",
        arn="arn:aws:firehose:{region}:{account}:deliverystream/{name}",
        name=Name(
            longest=64,
            pattern=r"[a-zA-Z0-9_.-]+",
            says="letters, digits and _.-",
            source="Firehose API: CreateDeliveryStream",
        ),
        outputs={"destinationId": "destinationId-000000000001", "versionId": "1"},
        references={"bucketArn": "aws:s3/bucket:Bucket", "mskClusterArn": CLUSTER},
        replaces=("name", "destination", "mskSourceConfiguration", "kinesisSourceConfiguration"),
    ),
    Kind(
        "aws:cloudwatch/eventRule:EventRule",
        arn="arn:aws:events:{region}:{account}:rule/{name}",
        name=Name(
            longest=64, pattern=r"[.\-_A-Za-z0-9]+", says="letters, digits and .-_", source="EventBridge API: PutRule"
        ),
        replaces=("name", "namePrefix", "eventBusName"),
        guarded=True,
    ),
    Kind(
        "aws:cloudwatch/eventTarget:EventTarget",
        id=lambda item, _: f"{item.known('rule')}-{item.known('targetId') or item.hex(26)}",
        references={"rule": "aws:cloudwatch/eventRule:EventRule"},
        outputs={"targetId": "{hex26}"},
        replaces=("rule", "targetId", "eventBusName"),
    ),
)
