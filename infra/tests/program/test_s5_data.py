"""S5: everything at rest is encrypted by a key of ours, and passwords change."""

from __future__ import annotations

from infra.tests.program.graphs import EITHER_BROKER, Graph, on
from infra.tests.program.reading import key, primaries, replicas


@on(*EITHER_BROKER)
def test_s5_databases_are_encrypted(graph: Graph) -> None:
    for database in primaries(graph):
        assert database.inputs["storageEncrypted"] is True, database.urn
        assert database.inputs["kmsKeyId"] == key(graph, "data"), database.urn
        assert database.inputs["performanceInsightsKmsKeyId"] == key(graph, "data"), database.urn
    for replica in replicas(graph):
        assert replica.inputs["storageEncrypted"] is True, replica.urn
        assert "kmsKeyId" not in replica.inputs, "a replica takes its primary's key"


@on(*EITHER_BROKER)
def test_s5_the_cache_is_encrypted(graph: Graph) -> None:
    (cache,) = graph.some("aws:elasticache/replicationGroup:ReplicationGroup")
    assert cache.inputs["atRestEncryptionEnabled"] is True
    assert cache.inputs["kmsKeyId"] == key(graph, "data")


@on("dev", "prod")
def test_s5_kafka_is_encrypted(graph: Graph) -> None:
    (cluster,) = graph.some("aws:msk/cluster:Cluster")
    assert cluster.inputs["encryptionInfo"]["encryptionAtRestKmsKeyArn"] == key(graph, "events")


@on("queues", "queues in dev")
def test_s5_topics_and_queues_are_encrypted(graph: Graph) -> None:
    events = [each for each in graph.some("aws:sns/topic:Topic") if "Event" in each.inputs["tags"]]
    found = [*events, *graph.some("aws:sqs/queue:Queue")]
    assert {each.inputs["kmsMasterKeyId"] for each in found} == {key(graph, "events")}


@on(*EITHER_BROKER)
def test_s5_the_clusters_secrets_and_disks_are_encrypted(graph: Graph) -> None:
    (cluster,) = graph.some("aws:eks/cluster:Cluster")
    assert cluster.inputs["encryptionConfig"] == {
        "provider": {"keyArn": key(graph, "cluster")},
        "resources": ["secrets"],
    }
    (nodes,) = graph.some("kubernetes:eks.amazonaws.com/v1:NodeClass")
    assert nodes.inputs["spec"]["ephemeralStorage"]["kmsKeyID"] == key(graph, "cluster")


@on(*EITHER_BROKER)
def test_s5_images_are_encrypted(graph: Graph) -> None:
    for repository in graph.some("aws:ecr/repository:Repository"):
        (encryption,) = repository.inputs["encryptionConfigurations"]
        assert encryption == {"encryptionType": "KMS", "kmsKey": key(graph, "data")}, repository.urn


@on(*EITHER_BROKER)
def test_s5_keys_rotate_and_each_purpose_has_its_own(graph: Graph) -> None:
    keys = graph.some("aws:kms/key:Key")
    assert {each.inputs["enableKeyRotation"] for each in keys} == {True}
    own = {each.name for each in keys if "-edge-" not in each.name}
    scope = f"{graph.system.name}-{graph.environment.name}"
    purposes = ("alarms", "backups", "cluster", "data", "events", "logs", "secrets", "site")
    assert own == {f"{scope}-{purpose}" for purpose in purposes}


@on("dev", "prod", "pooled")
def test_s5_passwords_of_databases_change_every_month(graph: Graph) -> None:
    """Those of administrators at once, so that Pulumi's state opens nothing; poolers' users can't be rotated."""
    rotations = {
        each.inputs["secretId"]: each.inputs for each in graph.some("aws:secretsmanager/secretRotation:SecretRotation")
    }
    secrets = [
        each
        for each in graph.some("aws:secretsmanager/secret:Secret")
        if each.name.startswith("db-") and not each.name.endswith("-reader-secret")
    ]
    assert {each.outputs["arn"] for each in secrets} == rotations.keys()
    for secret in secrets:
        rotation = rotations[secret.outputs["arn"]]
        assert rotation["rotationRules"] == {"automaticallyAfterDays": 30}, secret.urn
        assert rotation["rotateImmediately"] is secret.name.endswith("-admin-secret"), secret.urn
