"""S2: TLS 1.3 wherever AWS can insist on it, TLS everywhere."""

from __future__ import annotations

from infra.tests.program.graphs import EITHER_BROKER, Graph, on
from infra.tests.program.reading import openapi, statements

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
GATEWAY_POLICY = "SecurityPolicy_TLS13_1_3_2025_09"


@on("prod", "queues", "domain in dev")
def test_s2_the_edge_insists_on_tls_1_3(graph: Graph) -> None:
    (distribution,) = graph.some(DISTRIBUTION)
    certificate = distribution.inputs["viewerCertificate"]
    assert certificate["minimumProtocolVersion"] == "TLSv1.3_2025"
    assert certificate["sslSupportMethod"] == "sni-only"
    validations = graph.some("aws:acm/certificateValidation:CertificateValidation")
    assert certificate["acmCertificateArn"] in {
        each.inputs["certificateArn"] for each in validations if each.region == "us-east-1"
    }
    assert distribution.inputs["aliases"] == [graph.environment.domain]


@on("dev")
def test_s2_without_a_domain_the_user_is_told_what_is_missing(graph: Graph) -> None:
    (distribution,) = graph.some(DISTRIBUTION)
    assert distribution.inputs["viewerCertificate"] == {"cloudfrontDefaultCertificate": True}
    told = [message.text for message in graph.simulation.messages]
    assert any("no domain" in text and "TLS 1.3" in text for text in told)
    assert any("no certificate" in text and "plain HTTP" in text for text in told)


@on(*EITHER_BROKER)
def test_s2_no_plain_request_reaches_the_edges_origins(graph: Graph) -> None:
    (distribution,) = graph.some(DISTRIBUTION)
    inputs = distribution.inputs
    assert inputs["defaultCacheBehavior"]["viewerProtocolPolicy"] == "redirect-to-https"
    (api,) = inputs["orderedCacheBehaviors"]
    assert api["viewerProtocolPolicy"] == "https-only"
    (origin,) = [each for each in inputs["origins"] if each["originId"] == "api"]
    assert origin["customOriginConfig"]["originProtocolPolicy"] == "https-only"
    assert origin["customOriginConfig"]["originSslProtocols"] == ["TLSv1.2"]
    headers = graph.some("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy")[0].inputs[
        "securityHeadersConfig"
    ]
    assert headers["strictTransportSecurity"]["accessControlMaxAgeSec"] >= 31_536_000


@on(*EITHER_BROKER)
def test_s2_the_gateway_insists_on_tls_1_3(graph: Graph) -> None:
    guarded = [*graph.some("aws:apigateway/restApi:RestApi"), *graph.of("aws:apigateway/domainName:DomainName")]
    assert len(guarded) == (2 if graph.environment.domain else 1)
    for each in guarded:
        assert each.inputs["securityPolicy"] == GATEWAY_POLICY, each.urn
        assert each.inputs["endpointAccessMode"] == "STRICT", each.urn
    api = guarded[0].inputs
    assert api["disableExecuteApiEndpoint"] is bool(graph.environment.domain)


@on("prod", "queues", "domain in dev")
def test_s2_from_the_gateway_to_the_load_balancer_requests_are_encrypted(graph: Graph) -> None:
    (listener,) = graph.some("aws:lb/listener:Listener")
    assert listener.inputs["protocol"] == "HTTPS"
    assert listener.inputs["port"] == 443
    assert listener.inputs["sslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-")
    uris = [
        operation["x-amazon-apigateway-integration"]["uri"]
        for item in openapi(graph)["paths"].values()
        for method, operation in item.items()
        if method != "options"
    ]
    assert len(uris) > 10
    assert all(uri.startswith(f"https://api.{graph.environment.domain}/api/") for uri in uris)


@on(*EITHER_BROKER)
def test_s2_databases_refuse_plain_text(graph: Graph) -> None:
    groups = {each.outputs["name"]: each for each in graph.some("aws:rds/parameterGroup:ParameterGroup")}
    for database in graph.some("aws:rds/instance:Instance"):
        group = groups[database.inputs["parameterGroupName"]]
        values = {each["name"]: each["value"] for each in group.inputs["parameters"]}
        assert values["rds.force_ssl"] == "1", group.urn
        assert values["ssl_min_protocol_version"] == "TLSv1.2", group.urn
        assert values["password_encryption"] == "scram-sha-256", group.urn


@on("prod", "queues", "pooled")
def test_s2_proxies_refuse_plain_text(graph: Graph) -> None:
    assert {each.inputs["requireTls"] for each in graph.some("aws:rds/proxy:Proxy")} == {True}


@on("pooled")
def test_s2_poolers_verify_the_replicas(graph: Graph) -> None:
    for settings in [
        each for each in graph.some("kubernetes:core/v1:ConfigMap") if each.name.endswith("-readers-settings")
    ]:
        lines = settings.inputs["data"]["pgbouncer.ini"].splitlines()
        assert "server_tls_sslmode = verify-full" in lines
        assert "server_tls_protocols = tlsv1.3" in lines
        assert "-----BEGIN CERTIFICATE-----" in settings.inputs["data"]["ca.pem"]


@on(*EITHER_BROKER)
def test_s2_the_cache_refuses_plain_text(graph: Graph) -> None:
    (cache,) = graph.some("aws:elasticache/replicationGroup:ReplicationGroup")
    assert cache.inputs["transitEncryptionEnabled"] is True
    assert cache.inputs["transitEncryptionMode"] == "required"


@on("dev", "prod")
def test_s2_kafka_speaks_tls_with_iam_and_nothing_else(graph: Graph) -> None:
    (cluster,) = graph.some("aws:msk/cluster:Cluster")
    assert cluster.inputs["encryptionInfo"]["encryptionInTransit"] == {"clientBroker": "TLS", "inCluster": True}
    assert cluster.inputs["clientAuthentication"] == {"sasl": {"iam": True}, "unauthenticated": False}


@on("queues", "queues in dev")
def test_s2_topics_and_queues_refuse_plain_text(graph: Graph) -> None:
    queues = {each.outputs["url"]: each.outputs["arn"] for each in graph.some("aws:sqs/queue:Queue")}
    policies = {
        queues[each.inputs["queueUrl"]]: statements(each.inputs["policy"])
        for each in graph.some("aws:sqs/queuePolicy:QueuePolicy")
    }
    policies |= {
        each.inputs["arn"]: statements(each.inputs["policy"]) for each in graph.some("aws:sns/topicPolicy:TopicPolicy")
    }
    topics = {each.outputs["arn"] for each in graph.some("aws:sns/topic:Topic")}
    assert policies.keys() == {*queues.values(), *topics}
    for arn, found in policies.items():
        denied = [each for each in found if each["Effect"] == "Deny"]
        assert [each["Condition"] for each in denied] == [{"Bool": {"aws:SecureTransport": "false"}}], arn
        assert all(arn in each["Resource"] and each["Principal"] == "*" for each in denied), arn


@on("dev", "prod")
def test_s2_traffic_between_nodes_is_encrypted(graph: Graph) -> None:
    (pool,) = graph.some("kubernetes:karpenter.sh/v1:NodePool")
    wanted = {each["key"]: each["values"] for each in pool.inputs["spec"]["template"]["spec"]["requirements"]}
    assert wanted.get("eks.amazonaws.com/instance-encryption-in-transit-supported") == ["true"]
