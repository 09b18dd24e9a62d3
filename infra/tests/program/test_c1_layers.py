"""C1: copies of the site at the edge, of responses at the gateway, of rows in Valkey; then the database."""

from __future__ import annotations

from infra.tests.program.graphs import Graph, on
from infra.tests.program.reading import operations, settings

CACHED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
"""CloudFront's managed policy CachingOptimized."""
NOT_CACHED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
"""CloudFront's managed policy CachingDisabled."""
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"


@on("dev", "prod", "queues")
def test_c1_the_edge_keeps_the_site_and_never_an_answer_of_the_api(graph: Graph) -> None:
    (distribution,) = graph.some(DISTRIBUTION)
    assert distribution.inputs["defaultCacheBehavior"]["targetOriginId"] == "site"
    assert distribution.inputs["defaultCacheBehavior"]["cachePolicyId"] == CACHED
    (api,) = distribution.inputs["orderedCacheBehaviors"]
    assert api["pathPattern"] == "/api/*"
    assert api["targetOriginId"] == "api"
    assert api["cachePolicyId"] == NOT_CACHED
    origins = {each["originId"]: each["domainName"] for each in distribution.inputs["origins"]}
    (site,) = [each for each in graph.some("aws:s3/bucket:Bucket") if each.name.endswith("-site")]
    assert origins["site"] == site.outputs["bucketRegionalDomainName"]
    if graph.environment.domain:
        assert origins["api"] == f"api.{graph.environment.domain}"


@on("dev", "prod")
def test_c1_nobody_but_the_distribution_reads_the_site(graph: Graph) -> None:
    (distribution,) = graph.some(DISTRIBUTION)
    (site,) = [each for each in graph.some("aws:s3/bucket:Bucket") if each.name.endswith("-site")]
    (policy,) = [each for each in graph.some("aws:s3/bucketPolicy:BucketPolicy") if each.inputs["bucket"] == site.id]
    assert f'"aws:SourceArn": "{distribution.outputs["arn"]}"' in policy.inputs["policy"]
    (control,) = graph.some("aws:cloudfront/originAccessControl:OriginAccessControl")
    assert control.inputs["signingBehavior"] == "always"


@on("no static site")
def test_c1_without_a_site_everything_leads_to_the_api(graph: Graph) -> None:
    (distribution,) = graph.some(DISTRIBUTION)
    assert distribution.inputs["defaultCacheBehavior"]["targetOriginId"] == "api"
    assert distribution.inputs["defaultCacheBehavior"]["cachePolicyId"] == NOT_CACHED
    assert not distribution.inputs.get("orderedCacheBehaviors")
    assert [each.name for each in graph.some("aws:s3/bucket:Bucket") if "site" in each.name] == []


@on("response cache")
def test_c1_the_gateway_keeps_answers_apart_by_token_and_query(graph: Graph) -> None:
    (stage,) = graph.some("aws:apigateway/stage:Stage")
    assert stage.inputs["cacheClusterEnabled"] is True
    assert stage.inputs["cacheClusterSize"] == f"{graph.plan.gateway.cache_gb:g}"
    (method_settings,) = graph.some("aws:apigateway/methodSettings:MethodSettings")
    found = method_settings.inputs["settings"]
    assert found["cachingEnabled"] is True
    assert found["cacheTtlInSeconds"] == graph.system.edge.response_cache_seconds == 60
    assert found["cacheDataEncrypted"] is True
    assert found["requireAuthorizationForCacheControl"] is True
    reads = 0
    for path, method, operation in operations(graph):
        keys = operation["x-amazon-apigateway-integration"].get("cacheKeyParameters", [])
        if method == "get":
            reads += 1
            assert "method.request.header.Authorization" in keys, "or one caller would get another's answer"
            one = "method.request.path.id" if path.endswith("{id}") else "method.request.querystring.page"
            assert one in keys
        else:
            assert keys == []
    assert reads > 3


@on("dev", "prod")
def test_c1_without_a_declared_life_the_gateway_keeps_nothing(graph: Graph) -> None:
    (stage,) = graph.some("aws:apigateway/stage:Stage")
    assert stage.inputs["cacheClusterEnabled"] is False
    (method_settings,) = graph.some("aws:apigateway/methodSettings:MethodSettings")
    assert method_settings.inputs["settings"]["cachingEnabled"] is False


@on("dev", "prod")
def test_c1_services_keep_copies_that_may_vanish(graph: Graph) -> None:
    (group,) = graph.some("aws:elasticache/parameterGroup:ParameterGroup")
    values = {each["name"]: each["value"] for each in group.inputs["parameters"]}
    assert values["maxmemory-policy"] == "allkeys-lfu"
    for workload in graph.plan.workloads:
        assert settings(graph, workload.name)["CACHE_PORT"] == "6379"
