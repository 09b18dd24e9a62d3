"""MSK and Firehose (A3)."""

from __future__ import annotations

from infra.tests.cloud.world import ABSENT, Case, Inputs, World

_CLUSTER = "aws:msk/cluster:Cluster"
_CONFIGURATION = "aws:msk/configuration:Configuration"
_TOPIC = "aws:msk/topic:Topic"
_STREAM = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"


def configuration(_: World) -> Inputs:
    return {
        "kafkaVersions": ["3.9.x.kraft"],
        "serverProperties": "auto.create.topics.enable=false\n# kept\nmin.insync.replicas = 2\n",
    }


def cluster(world: World) -> Inputs:
    settings = world.make(_CONFIGURATION, "settings", configuration(world))
    return {
        "kafkaVersion": "3.9.x.kraft",
        "numberOfBrokerNodes": 3,
        "brokerNodeGroupInfo": {
            "instanceType": "kafka.m7g.large",
            "clientSubnets": world.subnets(),
            "securityGroups": [world.group().id],
            "storageInfo": {"ebsStorageInfo": {"volumeSize": 100}},
            "connectivityInfo": {"vpcConnectivity": {"clientAuthentication": {"sasl": {"iam": True}}}},
        },
        "clientAuthentication": {"sasl": {"iam": True}},
        "encryptionInfo": {"encryptionInTransit": {"clientBroker": "TLS", "inCluster": True}},
        "configurationInfo": {"arn": settings.arn, "revision": 1},
        "enhancedMonitoring": "PER_BROKER",
    }


def express(world: World) -> Inputs:
    inputs = cluster(world)
    del inputs["configurationInfo"], inputs["brokerNodeGroupInfo"]["storageInfo"]
    inputs["brokerNodeGroupInfo"]["instanceType"] = "express.m7g.large"
    world.make(_CONFIGURATION, "fixed", {**configuration(world), "serverProperties": "min.insync.replicas=2"})
    return inputs


def topic(world: World) -> Inputs:
    made = world.make(_CLUSTER, "events", cluster(world))
    return {"clusterArn": made.arn, "name": "order.placed", "partitionCount": 12, "replicationFactor": 3}


def express_topic(world: World) -> Inputs:
    made = world.make(_CLUSTER, "events", express(world))
    return {"clusterArn": made.arn, "name": "order.placed", "partitionCount": 12, "replicationFactor": 3}


def stream(world: World) -> Inputs:
    role = world.role("firehose.amazonaws.com")
    made = world.make(_CLUSTER, "events", cluster(world))
    return {
        "destination": "extended_s3",
        "extendedS3Configuration": {
            "bucketArn": world.bucket().arn,
            "roleArn": role.arn,
            "bufferingSize": 64,
            "bufferingInterval": 300,
            "compressionFormat": "GZIP",
            "prefix": "events/!{timestamp:yyyy}/",
            "errorOutputPrefix": "errors/",
        },
        "mskSourceConfiguration": {
            "mskClusterArn": made.arn,
            "topicName": "order.placed",
            "authenticationConfiguration": {"connectivity": "PRIVATE", "roleArn": role.arn},
        },
    }


def configuration_of(world: World, name: str) -> str:
    return next(item.arn for item in world.cloud.of(_CONFIGURATION) if item.name == name)


def other_configuration(world: World) -> str:
    return world.make(_CONFIGURATION, "newer", {**configuration(world), "kafkaVersions": ["4.1.x.kraft"]}).arn


CASES = (
    Case(
        "kafka.brokers",
        _CLUSTER,
        cluster,
        {"numberOfBrokerNodes": 4},
        "numberOfBrokerNodes",
        "a multiple of the 3 subnets",
    ),
    Case(
        "kafka.brokers",
        _CLUSTER,
        cluster,
        {"brokerNodeGroupInfo.instanceType": "kafka.m4.large"},
        "brokerNodeGroupInfo.instanceType",
        "kafka.m7g.large",
    ),
    Case(
        "kafka.brokers",
        _CLUSTER,
        express,
        lambda world: {"brokerNodeGroupInfo.clientSubnets": world.subnets()[:2]},
        "brokerNodeGroupInfo.clientSubnets",
        "three subnets",
    ),
    Case(
        "kafka.brokers",
        _CLUSTER,
        cluster,
        lambda world: {"brokerNodeGroupInfo.clientSubnets[2]": world.subnet(3, "a").id},
        "brokerNodeGroupInfo.clientSubnets",
        "one subnet a zone",
    ),
    Case("kafka.version", _CLUSTER, cluster, {"kafkaVersion": "2.8.1"}, "kafkaVersion", "3.9.x.kraft or 4.1.x.kraft"),
    Case(
        "kafka.version",
        _CLUSTER,
        cluster,
        lambda world: {"configurationInfo.arn": other_configuration(world)},
        "configurationInfo.arn",
        "for 4.1.x.kraft",
    ),
    Case(
        "kafka.storage",
        _CLUSTER,
        express,
        {"brokerNodeGroupInfo.storageInfo": {"ebsStorageInfo": {"volumeSize": 10}}},
        "brokerNodeGroupInfo.storageInfo",
        "grow by themselves",
    ),
    Case(
        "kafka.storage",
        _CLUSTER,
        cluster,
        {"brokerNodeGroupInfo.storageInfo": ABSENT},
        "brokerNodeGroupInfo.storageInfo.ebsStorageInfo.volumeSize",
        "each standard broker",
    ),
    Case(
        "kafka.storage",
        _CLUSTER,
        cluster,
        {
            "brokerNodeGroupInfo.storageInfo.ebsStorageInfo.provisionedThroughput": {
                "enabled": True,
                "volumeThroughput": 250,
            }
        },
        "brokerNodeGroupInfo.storageInfo.ebsStorageInfo.provisionedThroughput.enabled",
        "m7g.2xlarge",
    ),
    Case(
        "kafka.access",
        _CLUSTER,
        cluster,
        {"encryptionInfo.encryptionInTransit.clientBroker": "PLAINTEXT"},
        "encryptionInfo.encryptionInTransit.clientBroker",
        "sign in by sasl.iam",
    ),
    Case(
        "kafka.access",
        _CLUSTER,
        cluster,
        {"loggingInfo": {"brokerLogs": {"cloudwatchLogs": {"enabled": True}}}},
        "loggingInfo.brokerLogs.cloudwatchLogs.logGroup",
        "where the logs go",
    ),
    Case(
        "kafka.express_configuration",
        _CLUSTER,
        express,
        lambda world: {"configurationInfo": {"arn": configuration_of(world, "fixed"), "revision": 1}},
        "configurationInfo.arn",
        "min.insync.replicas, which is fixed",
    ),
    Case(
        "kafka.configuration",
        _CONFIGURATION,
        configuration,
        {"serverProperties": "auto.create.topics.enable false"},
        "serverProperties",
        "name=value on line 1",
    ),
    Case(
        "kafka.configuration",
        _CONFIGURATION,
        configuration,
        {"serverProperties": "min.insync.replicas=4"},
        "serverProperties",
        "default.replication.factor, 3",
    ),
    Case("kafka.topic", _TOPIC, topic, {"replicationFactor": 4}, "replicationFactor", "at most the 3 brokers"),
    Case("kafka.topic", _TOPIC, express_topic, {"replicationFactor": 2}, "replicationFactor", "3 on Express"),
    Case("kafka.partitions", _TOPIC, topic, {"partitionCount": 1501}, "partitionCount", "at most 4500 partitions"),
    Case(
        "streams.destination",
        _STREAM,
        stream,
        {"extendedS3Configuration.errorOutputPrefix": ABSENT},
        "extendedS3Configuration.errorOutputPrefix",
        "has expressions",
    ),
    Case(
        "streams.destination",
        _STREAM,
        stream,
        {"extendedS3Configuration.bufferingSize": 129},
        "extendedS3Configuration.bufferingSize",
        "1 to 128",
    ),
    Case(
        "streams.destination",
        _STREAM,
        stream,
        {"extendedS3Configuration": ABSENT},
        "extendedS3Configuration",
        "how to write to it",
    ),
    Case(
        "streams.source",
        _STREAM,
        stream,
        {"serverSideEncryption": {"enabled": True}},
        "serverSideEncryption.enabled",
        "the source encrypts",
    ),
    Case(
        "streams.source",
        _STREAM,
        stream,
        lambda world: {"mskSourceConfiguration.mskClusterArn": closed_cluster(world)},
        "mskSourceConfiguration.authenticationConfiguration.connectivity",
        "multi-VPC",
    ),
    Case(
        "streams.role",
        _STREAM,
        stream,
        lambda world: {"extendedS3Configuration.roleArn": world.role("ec2.amazonaws.com").arn},
        "extendedS3Configuration.roleArn",
        "firehose.amazonaws.com may take",
    ),
)


def closed_cluster(world: World) -> str:
    inputs = {**world.cloud.of(_CLUSTER)[0].inputs}
    inputs["brokerNodeGroupInfo"] = {
        key: value for key, value in inputs["brokerNodeGroupInfo"].items() if key != "connectivityInfo"
    }
    return world.make(_CLUSTER, "closed", inputs).arn
