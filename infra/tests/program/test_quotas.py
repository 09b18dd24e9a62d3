"""The table of quotas: every type that a program declares is looked at, by plan and program alike (d10)."""

from __future__ import annotations

from functools import cache

from groundplan.capacity.quotas import planned_use
from groundplan.quotas import QUOTAS
from groundplan.quotas.declared import MEASURES, declared_use
from infra.tests.program.graphs import Graph, few, on, simulated
from infra.tests.samples import stack, system_of, with_images

WITHOUT_QUOTA = {
    "acm/certificateValidation:CertificateValidation": "waits for a certificate, and is nothing in the account",
    "apigateway/basePathMapping:BasePathMapping": "one for the domain, which is counted",
    "apigateway/deployment:Deployment": "no documented quota",
    "apigateway/methodSettings:MethodSettings": "a setting of the stage",
    "athena/namedQuery:NamedQuery": "no documented quota",
    "backup/selection:Selection": "one or two of a plan, which takes 100",
    "backup/vaultLockConfiguration:VaultLockConfiguration": "a setting of the vault",
    "backup/vaultNotifications:VaultNotifications": "a setting of the vault",
    "backup/vaultPolicy:VaultPolicy": "a setting of the vault",
    "cloudwatch/eventTarget:EventTarget": "one of a rule, which takes five",
    "cloudwatch/logDelivery:LogDelivery": "one of the edge's log, for every system",
    "cloudwatch/logDeliveryDestination:LogDeliveryDestination": "as above",
    "cloudwatch/logDeliverySource:LogDeliverySource": "as above",
    "cloudwatch/logGroup:LogGroup": "a million (Amazon CloudWatch Logs User Guide, quotas)",
    "cloudwatch/logStream:LogStream": "no quota",
    "cloudwatch/metricAlarm:MetricAlarm": "no quota on their number (Amazon CloudWatch User Guide, quotas)",
    "cognito/managedLoginBranding:ManagedLoginBranding": "one of a client, which is counted",
    "cognito/userPoolDomain:UserPoolDomain": "one of a pool, which is counted",
    "ec2/flowLog:FlowLog": "one of the network, which takes two",
    "ec2/routeTableAssociation:RouteTableAssociation": "one of a subnet, which is counted",
    "ec2/tag:Tag": "50 of a resource, which has one",
    "ecr/lifecyclePolicy:LifecyclePolicy": "a setting of the repository",
    "eks/accessEntry:AccessEntry": "two, for every system",
    "eks/accessPolicyAssociation:AccessPolicyAssociation": "two, for every system",
    "eks/addon:Addon": "no documented quota",
    "glue/catalogTable:CatalogTable": "200,000 of a database (AWS Glue quotas)",
    "kms/alias:Alias": "50 of a key, which has one",
    "lambda/permission:Permission": "a statement of the function's policy",
    "msk/clusterPolicy:ClusterPolicy": "a setting of the cluster",
    "msk/topic:Topic": "its partitions are held against the brokers (capacity.events)",
    "networkfirewall/loggingConfiguration:LoggingConfiguration": "a setting of the firewall",
    "rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup": "a setting of the proxy",
    "rds/proxyTarget:ProxyTarget": "one of a proxy, which is counted",
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "a setting of the bucket",
    "s3/bucketLogging:BucketLogging": "a setting of the bucket",
    "s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": "a setting of the bucket",
    "s3/bucketObjectv2:BucketObjectv2": "no quota",
    "s3/bucketOwnershipControls:BucketOwnershipControls": "a setting of the bucket",
    "s3/bucketPolicy:BucketPolicy": "a setting of the bucket",
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "a setting of the bucket",
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": "a setting of the bucket",
    "s3/bucketVersioning:BucketVersioning": "a setting of the bucket",
    "secretsmanager/secretPolicy:SecretPolicy": "a setting of the secret",
    "secretsmanager/secretRotation:SecretRotation": "a setting of the secret",
    "secretsmanager/secretVersion:SecretVersion": "rotation leaves three of the 100 that a secret takes",
    "sns/topicPolicy:TopicPolicy": "a setting of the topic",
    "sns/topicSubscription:TopicSubscription": "12,500,000 of a topic (Amazon SNS quotas)",
    "sqs/queue:Queue": "no quota on their number (Amazon SQS Developer Guide, quotas)",
    "sqs/queuePolicy:QueuePolicy": "a setting of the queue",
    "sqs/redriveAllowPolicy:RedriveAllowPolicy": "a setting of the queue",
    "wafv2/webAclAssociation:WebAclAssociation": "one, for every system",
    "wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": "a setting of the web ACL",
}
"""Types that no row is about, and why."""
LOOKED_AT = ("dev", "prod", "queues", "network firewall", "repository", "sharded")


class _Asked:
    """A program that notes which types a measure asks for."""

    def __init__(self) -> None:
        self.types: set[str] = set()

    def of(self, *types: str) -> list[object]:
        self.types.update(types)
        return []


def _measured() -> set[str]:
    asked = _Asked()
    for measure in MEASURES.values():
        list(measure(asked))  # type: ignore[arg-type]
    return asked.types


@on(*LOOKED_AT)
def test_every_declared_type_has_a_quota_or_a_reason(graph: Graph) -> None:
    declared = {each.type.removeprefix("aws:") for each in graph.resources if each.type.startswith("aws:")}
    measured = _measured()
    assert not (declared - measured - WITHOUT_QUOTA.keys())
    assert not measured & WITHOUT_QUOTA.keys()


@on(*LOOKED_AT)
def test_a_plan_knows_what_its_program_uses(graph: Graph) -> None:
    """Where both count, they agree: a plan says before anything runs what the account must have."""
    declared = declared_use(graph.resources)
    planned = planned_use(graph.plan, graph.system, graph.environment)
    compared = [use for use in planned if use.quota.key in declared and use.quota.key not in BY_LOAD]
    assert len(compared) >= 15
    assert {use.quota.key: use.now for use in compared} == {
        use.quota.key: declared[use.quota.key].amount for use in compared
    }


BY_LOAD = {"alb_targets", "alb_targets_per_group"}


@cache
def _of(services: int) -> Graph:
    system = system_of(services, "sqs")
    return simulated(f"{services} services", system, with_images(stack("dev"), system))


MOST_SERVICES = 100


def test_what_a_plan_leaves_out_does_not_grow_with_the_system() -> None:
    """Otherwise a larger system would meet a quota in silence: below half of AWS's default a use is no news."""
    few_services, more_services = 3, 9
    small, large = (declared_use(_of(services).resources) for services in (few_services, more_services))
    whole = _of(more_services)
    planned = {use.quota.key for use in planned_use(whole.plan, whole.system, whole.environment)}
    near = {}
    for key in MEASURES.keys() - planned:
        each = (large[key].amount - small[key].amount) / (more_services - few_services)
        most = large[key].amount + each * (MOST_SERVICES - more_services)
        if each > 0 and most > QUOTAS[key].default / 2:
            near[key] = most
    assert not near


def test_an_identity_sends_the_pools_mails() -> None:
    """d10: an SES identity can be given, and reaches the user pool."""
    identity = "arn:aws:ses:eu-central-1:111122223333:identity/example.com"
    small = few("order")
    environment = stack("dev").model_copy(update={"email_identity_arn": identity, "email_from": "Shop <a@example.com>"})
    graph = simulated("mail", small, with_images(environment, small))
    (pool,) = graph.of("aws:cognito/userPool:UserPool")
    assert pool.inputs["emailConfiguration"]["sourceArn"] == identity
    assert not graph.simulation.refusals


@on(*LOOKED_AT)
def test_nothing_is_beyond_what_nobody_raises(graph: Graph) -> None:
    used = declared_use(graph.resources)
    assert not [key for key, each in used.items() if not QUOTAS[key].adjustable and each.amount > QUOTAS[key].default]
