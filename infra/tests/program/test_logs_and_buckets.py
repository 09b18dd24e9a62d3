"""Log groups, buckets and security groups, whoever declares them."""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Network

from infra.tests.program.graphs import ALL, Graph, on
from infra.tests.program.reading import ALARM, statements

BUCKET = "aws:s3/bucket:Bucket"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
# AWS writes access logs to no bucket that a customer key encrypts: S3's own encryption it is.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
ACCESS_LOGS = "-logs"
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
TOPIC = "aws:sns/topic:Topic"


@on(*ALL)
def test_s5_every_log_is_encrypted_and_ends_some_day(graph: Graph) -> None:
    keys = {each.outputs["arn"]: each.region for each in graph.some("aws:kms/key:Key")}
    groups = graph.some("aws:cloudwatch/logGroup:LogGroup")
    assert len(groups) > 8
    for group in groups:
        assert group.inputs.get("retentionInDays") == graph.environment.log_days, group.urn
        assert keys.get(group.inputs.get("kmsKeyId")) == group.region, group.urn


@on(*ALL)
def test_s5_no_bucket_is_public_or_plain(graph: Graph) -> None:
    keys = {each.outputs["arn"] for each in graph.some("aws:kms/key:Key")}
    buckets = {each.id: each for each in graph.some(BUCKET)}
    blocks = graph.some("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
    owners = graph.some("aws:s3/bucketOwnershipControls:BucketOwnershipControls")
    encryptions = graph.some(ENCRYPTION)
    for settings in (blocks, owners, encryptions):
        assert Counter(each.inputs["bucket"] for each in settings) == Counter(buckets.keys())
    for block in blocks:
        assert {block.inputs[each] for each in ("blockPublicAcls", "blockPublicPolicy")} == {True}, block.urn
        assert {block.inputs[each] for each in ("ignorePublicAcls", "restrictPublicBuckets")} == {True}, block.urn
    for owner in owners:
        assert owner.inputs["rule"]["objectOwnership"] == "BucketOwnerEnforced", owner.urn
    for encryption in encryptions:
        (rule,) = encryption.inputs["rules"]
        default = rule["applyServerSideEncryptionByDefault"]
        if buckets[encryption.inputs["bucket"]].name.endswith(ACCESS_LOGS):
            assert default["sseAlgorithm"] == "AES256", encryption.urn
        else:
            assert default["sseAlgorithm"] == "aws:kms", encryption.urn
            assert default["kmsMasterKeyId"] in keys, encryption.urn


@on(*ALL)
def test_s2_every_bucket_refuses_plain_text(graph: Graph) -> None:
    policies = {
        each.inputs["bucket"]: statements(each.inputs["policy"])
        for each in graph.some("aws:s3/bucketPolicy:BucketPolicy")
    }
    for bucket in graph.some(BUCKET):
        arn = bucket.outputs["arn"]
        assert any(
            statement["Effect"] == "Deny"
            and statement["Principal"] == "*"
            and statement["Action"] == ["s3:*"]
            and set(statement["Resource"]) == {arn, f"{arn}/*"}
            and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
            for statement in policies[bucket.id]
        ), bucket.urn


@on(*ALL)
def test_s1_nothing_in_the_network_is_open_to_everybody(graph: Graph) -> None:
    cluster = graph.environment.existing_cluster
    network = cluster.vpc_cidr if cluster else graph.plan.network.cidr
    rules = graph.some("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    assert len(rules) >= 5
    for rule in rules:
        assert "cidrIpv6" not in rule.inputs, rule.urn
        if "referencedSecurityGroupId" not in rule.inputs:
            assert IPv4Network(rule.inputs["cidrIpv4"]).subnet_of(IPv4Network(str(network))), rule.urn
        assert rule.inputs["ipProtocol"] == "tcp", rule.urn
    for group in graph.some("aws:ec2/securityGroup:SecurityGroup"):
        assert "ingress" not in group.inputs, group.urn


@on(*ALL)
def test_s1_only_password_rotation_leaves_the_network_and_by_https(graph: Graph) -> None:
    """It calls Secrets Manager, for which AWS publishes no list of addresses."""
    for rule in graph.some("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"):
        if rule.inputs.get("cidrIpv4") == "0.0.0.0/0":
            assert rule.name.endswith("-rotation-to-secrets"), rule.urn
            assert (rule.inputs["fromPort"], rule.inputs["toPort"]) == (443, 443), rule.urn


@on(*ALL)
def test_t4_every_alarm_tells_somebody(graph: Graph) -> None:
    """Only the windows of a burn rate are silent: what both say together is told."""
    topics = {each.outputs["arn"]: each.region for each in graph.some(TOPIC)}
    rules = " ".join(each.inputs["alarmRule"] for each in graph.some(COMPOSITE))
    told = [*graph.some(ALARM), *graph.some(COMPOSITE)]
    assert len(told) > 60
    for alarm in told:
        actions = alarm.inputs.get("alarmActions")
        if not actions:
            assert f'ALARM("{alarm.outputs["name"]}")' in rules, alarm.urn
            continue
        assert actions == alarm.inputs["okActions"], alarm.urn
        assert {topics[action] for action in actions} == {alarm.region}, alarm.urn
        assert alarm.inputs["alarmDescription"], alarm.urn
