"""S2: TLS 1.3 wherever AWS can insist on it, TLS everywhere."""

from __future__ import annotations

from groundplan.cloud.model import Resource
from groundplan.controls.captured import CONFIG_MAP, DATABASE, REST_API, CapturedProgram, listed
from groundplan.controls.model import Check, NotApplicable, control
from groundplan.controls.network import DISTRIBUTION, requires_own_network
from groundplan.controls.reading import at, by_name, mappings

QUEUE = "aws:sqs/queue:Queue"
TOPIC = "aws:sns/topic:Topic"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
KAFKA = "aws:msk/cluster:Cluster"
PROXY = "aws:rds/proxy:Proxy"
BUCKET = "aws:s3/bucket:Bucket"
SENDING = "sns:Publish"
"""What reaches a topic's subscribers; AWS's own policy for TLS denies it alone.

https://docs.aws.amazon.com/sns/latest/dg/sns-security-best-practices.html
"""
PLAIN_REFUSED = {"Bool": {"aws:SecureTransport": "false"}}
NO_DOMAIN = "the stack has no `domain`: without a certificate AWS offers no such setting"


def requires_broker(program: CapturedProgram, broker: str) -> None:
    chosen = str(program.system.events.broker)
    if chosen != broker:
        raise NotApplicable(f"`events.broker` is {chosen}")


@control(
    "S2.edge-tls",
    "TLS 1.3 only at the edge",
    "edge.distribution",
    remedy="set `domain` and `hosted_zone` of the stack, and leave the TLS policy to `Edge`",
)
def edge_tls(program: CapturedProgram, check: Check) -> None:
    if program.environment.domain is None:
        raise NotApplicable(NO_DOMAIN)
    validated = {
        str(each.inputs.get("certificateArn"))
        for each in program.of("aws:acm/certificateValidation:CertificateValidation")
        if each.region == "us-east-1"
    }
    for distribution in check.some(DISTRIBUTION):
        path = "viewerCertificate.minimumProtocolVersion"
        check.that(str(at(distribution.inputs, path)).startswith("TLSv1.3"), distribution, path, "a TLSv1.3 policy")
        check.same(distribution, "viewerCertificate.sslSupportMethod", "sni-only")
        path = "viewerCertificate.acmCertificateArn"
        certificate = at(distribution.inputs, path)
        check.that(certificate in validated, distribution, path, "a validated certificate in us-east-1")
        aliases = distribution.inputs.get("aliases")
        check.that(listed(aliases) == {program.environment.domain}, distribution, "aliases", "the stack's domain")


@control(
    "S2.edge-https",
    "The edge takes and forwards HTTPS only",
    "edge.distribution",
    remedy="leave behaviours and origins to `Edge`",
)
def edge_https(_: CapturedProgram, check: Check) -> None:
    for distribution in check.some(DISTRIBUTION):
        safe = ("redirect-to-https", "https-only")
        path = "defaultCacheBehavior.viewerProtocolPolicy"
        check.that(at(distribution.inputs, path) in safe, distribution, path, " or ".join(safe))
        for index, behavior in enumerate(mappings(distribution.inputs.get("orderedCacheBehaviors"))):
            path = f"orderedCacheBehaviors.{index}.viewerProtocolPolicy"
            # A redirected request has already sent its token in plain text.
            wanted = ("https-only",) if behavior.get("targetOriginId") == "api" else safe
            check.that(at(distribution.inputs, path) in wanted, distribution, path, " or ".join(wanted))
        for index, origin in enumerate(mappings(distribution.inputs.get("origins"))):
            if "customOriginConfig" in origin:
                path = f"origins.{index}.customOriginConfig"
                check.same(distribution, f"{path}.originProtocolPolicy", "https-only")
                check.same(distribution, f"{path}.originSslProtocols", ["TLSv1.2"])
    for headers in check.some("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"):
        path = "securityHeadersConfig.strictTransportSecurity.accessControlMaxAgeSec"
        seconds = at(headers.inputs, path)
        check.that(isinstance(seconds, int) and seconds >= 31_536_000, headers, path, "a year or more (HSTS)")


@control(
    "S2.gateway-tls",
    "TLS 1.3 only at the gateway",
    "gateway.gateway",
    remedy="leave the TLS policy to `Gateway`",
)
def gateway_tls(program: CapturedProgram, check: Check) -> None:
    domain = program.environment.domain
    names = program.of("aws:apigateway/domainName:DomainName")
    for guarded in (*check.some(REST_API), *names):
        policy = str(guarded.inputs.get("securityPolicy"))
        check.that(
            policy.startswith("SecurityPolicy_TLS13"), guarded, "securityPolicy", "a SecurityPolicy_TLS13 policy"
        )
        check.same(guarded, "endpointAccessMode", "STRICT")
    if domain and not names:
        check.missing("a domain name of the gateway, for the edge to connect to")
    for api in program.of(REST_API) if domain else ():
        check.same(api, "disableExecuteApiEndpoint", True, "true: the domain is the only way in")


@control(
    "S2.balancer-tls",
    "TLS 1.3 between the gateway and the load balancer",
    "gateway.load_balancer",
    remedy="set `domain` and `hosted_zone` of the stack, and give `LoadBalancer` the certificate",
)
def balancer_tls(program: CapturedProgram, check: Check) -> None:
    domain = program.environment.domain
    if domain is None:
        raise NotApplicable(NO_DOMAIN)
    for listener in check.some("aws:lb/listener:Listener"):
        check.same(listener, "protocol", "HTTPS")
        policy = str(listener.inputs.get("sslPolicy"))
        expected = "an ELBSecurityPolicy-TLS13-1-3 policy"
        check.that(policy.startswith("ELBSecurityPolicy-TLS13-1-3"), listener, "sslPolicy", expected)
    for api, path, method, operation in program.operations():
        uri = str(at(operation, "x-amazon-apigateway-integration.uri"))
        check.that(uri.startswith(f"https://api.{domain}/"), api, "body", f"an https address behind {method} {path}")


@control(
    "S2.database-tls",
    "Databases refuse plain text",
    "database.instance",
    remedy="leave `rds.force_ssl` to `Database`",
)
def database_tls(program: CapturedProgram, check: Check) -> None:
    groups = program.by_output("aws:rds/parameterGroup:ParameterGroup", "name")
    wanted = {
        "rds.force_ssl": "1",
        "ssl_min_protocol_version": "TLSv1.2",
        "password_encryption": "scram-sha-256",
    }
    for database in check.some(DATABASE):
        group = groups.get(str(database.inputs.get("parameterGroupName")))
        if group is None:
            check.missing("a parameter group of this stack", database, "parameterGroupName")
            continue
        found = by_name(group.inputs.get("parameters"))
        for name, value in wanted.items():
            check.that(str(found.get(name)) == value, group, "parameters", f"{name} = {value}")


@control("S2.proxy-tls", "Database proxies refuse plain text", "database.proxy", remedy="leave TLS to `DatabaseProxy`")
def proxy_tls(program: CapturedProgram, check: Check) -> None:
    proxies = program.of(PROXY)
    if not proxies:
        raise NotApplicable("no database of this stack has a proxy")
    for proxy in proxies:
        check.same(proxy, "requireTls", True)


@control(
    "S2.pooler-tls",
    "Poolers verify the replicas that they connect to",
    "database.pooler",
    remedy="leave PgBouncer's settings to `Pooler`",
)
def pooler_tls(program: CapturedProgram, check: Check) -> None:
    poolers = [each for each in program.of(CONFIG_MAP) if "pgbouncer.ini" in (each.inputs.get("data") or {})]
    if not poolers:
        raise NotApplicable("no replicas of this stack have a pooler")
    for each in poolers:
        path = ("data", "pgbouncer.ini")
        lines = str(at(each.inputs, path)).splitlines()
        for line in ("server_tls_sslmode = verify-full", "server_tls_protocols = tlsv1.3"):
            check.that(line in lines, each, path, line)
        path = ("data", "ca.pem")
        check.that("-----BEGIN CERTIFICATE-----" in str(at(each.inputs, path)), each, path, "RDS's authorities")


@control("S2.cache-tls", "The cache refuses plain text", "cache.cache", remedy="leave TLS to `Cache`")
def cache_tls(_: CapturedProgram, check: Check) -> None:
    for cache in check.some(CACHE):
        check.same(cache, "transitEncryptionEnabled", True)
        check.same(cache, "transitEncryptionMode", "required")


@control(
    "S2.kafka-tls",
    "Kafka takes TLS with IAM and nothing else",
    "events.kafka",
    remedy="leave encryption and authentication to `Kafka`",
)
def kafka_tls(program: CapturedProgram, check: Check) -> None:
    requires_broker(program, "kafka")
    for cluster in check.some(KAFKA):
        check.same(cluster, "encryptionInfo.encryptionInTransit.clientBroker", "TLS")
        check.same(cluster, "encryptionInfo.encryptionInTransit.inCluster", True)
        check.same(cluster, "clientAuthentication.sasl.iam", True)
        check.same(cluster, "clientAuthentication.unauthenticated", False)
        scram = at(cluster.inputs, "clientAuthentication.sasl.scram")
        check.that(not scram, cluster, "clientAuthentication.sasl.scram", "no passwords beside IAM") if scram else None


@control(
    "S2.queue-tls",
    "Topics and queues refuse plain text",
    "events.queues",
    remedy="declare them with `Queues`, whose policies deny requests without TLS",
)
def queue_tls(program: CapturedProgram, check: Check) -> None:
    requires_broker(program, "sqs")
    urls = program.by_output(QUEUE, "url")
    policies = {}
    for policy in program.of("aws:sqs/queuePolicy:QueuePolicy"):
        queue = urls.get(str(policy.inputs.get("queueUrl")))
        if queue:
            policies[str(queue.outputs.get("arn"))] = policy
    policies |= program.by_input("aws:sns/topicPolicy:TopicPolicy", "arn")
    for resource in (*check.some(QUEUE), *check.some(TOPIC)):
        arn = str(resource.outputs.get("arn"))
        found = policies.get(arn)
        if found is None:
            check.missing("a policy that denies requests without TLS", resource)
            continue
        every = SENDING if resource.type == TOPIC else "sqs:*"
        denies = _denies_plain_text(check, found, every, {arn})
        check.that(denies, found, "policy", f"a statement that denies {every} without TLS")


@control(
    "S2.bucket-tls",
    "Buckets refuse plain text",
    "shared.private_bucket",
    remedy="declare the bucket with `private_bucket` of groundplan_components, or deny `aws:SecureTransport` = false",
)
def bucket_tls(program: CapturedProgram, check: Check) -> None:
    policies = program.by_input("aws:s3/bucketPolicy:BucketPolicy", "bucket")
    for bucket in check.some(BUCKET):
        arn = str(bucket.outputs.get("arn"))
        policy = policies.get(bucket.id)
        if policy is None:
            check.missing("a bucket policy that denies requests without TLS", bucket)
            continue
        denies = _denies_plain_text(check, policy, "s3:*", {arn, f"{arn}/*"})
        check.that(denies, policy, "policy", "a statement that denies s3:* without TLS")


def _denies_plain_text(check: Check, policy: Resource, action: str, resources: set[str]) -> bool:
    """Whether a statement denies ``action`` on all of ``resources`` to everyone who comes without TLS."""
    return any(
        statement.get("Effect") == "Deny"
        and statement.get("Principal") == "*"
        and statement.get("Condition") == PLAIN_REFUSED
        and not {action, "*"}.isdisjoint(statement["Action"])
        and resources <= set(statement["Resource"])
        for statement in check.statements(policy)
    )


@control(
    "S2.node-encryption",
    "Traffic between nodes is encrypted",
    "cluster.node_pool",
    remedy="leave the requirements of instances to `NodePool`",
)
def node_encryption(program: CapturedProgram, check: Check) -> None:
    requires_own_network(program)
    for pool in check.some("kubernetes:karpenter.sh/v1:NodePool"):
        path = "spec.template.spec.requirements"
        wanted = {str(each.get("key")): each.get("values") for each in mappings(at(pool.inputs, path))}
        encrypting = wanted.get("eks.amazonaws.com/instance-encryption-in-transit-supported") == ["true"]
        check.that(encrypting, pool, path, "eks.amazonaws.com/instance-encryption-in-transit-supported: true")
