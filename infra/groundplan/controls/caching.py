"""C1: copies of the site at the edge, of responses at the gateway, of rows in Valkey; then the database."""

from __future__ import annotations

from groundplan.controls.captured import CapturedProgram
from groundplan.controls.model import Check, NotApplicable, control
from groundplan.controls.network import DISTRIBUTION, STAGE
from groundplan.controls.reading import at, by_name, items, mappings
from groundplan.controls.transport import BUCKET, CACHE

CACHED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
"""CloudFront's managed policy CachingOptimized."""
NOT_CACHED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
"""CloudFront's managed policy CachingDisabled."""


@control(
    "C1.edge-cache",
    "The edge keeps the site and never an answer of the API",
    "edge.distribution",
    remedy="leave behaviours to `Edge`; `edge.response_cache_seconds` in `system.yaml` keeps answers safely",
)
def edge_cache(_: CapturedProgram, check: Check) -> None:
    for distribution in check.some(DISTRIBUTION):
        paths = ["defaultCacheBehavior"]
        behaviors = mappings(distribution.inputs.get("orderedCacheBehaviors"))
        paths += [f"orderedCacheBehaviors.{index}" for index, _ in enumerate(behaviors)]
        for path in paths:
            kept = CACHED if at(distribution.inputs, f"{path}.targetOriginId") == "site" else NOT_CACHED
            expected = "CachingOptimized" if kept == CACHED else "CachingDisabled"
            found = at(distribution.inputs, f"{path}.cachePolicyId")
            check.that(found == kept, distribution, f"{path}.cachePolicyId", expected)


@control(
    "C1.site-access",
    "Only the distribution reads the site's bucket",
    "edge.distribution",
    remedy="leave the bucket's policy to `Edge`",
)
def site_access(program: CapturedProgram, check: Check) -> None:
    if not program.system.edge.static_site:
        raise NotApplicable("`edge.static_site` is off in `system.yaml`")
    buckets = {str(each.outputs.get("bucketRegionalDomainName")): each for each in program.of(BUCKET)}
    policies = program.by_input("aws:s3/bucketPolicy:BucketPolicy", "bucket")
    for distribution in check.some(DISTRIBUTION):
        for index, origin in enumerate(mappings(distribution.inputs.get("origins"))):
            bucket = buckets.get(str(origin.get("domainName")))
            if bucket is None:
                continue
            control_id = origin.get("originAccessControlId")
            check.that(control_id, distribution, f"origins.{index}.originAccessControlId", "an origin access control")
            policy = policies.get(bucket.id)
            if policy is None:
                check.missing("a policy that lets the distribution in", bucket)
                continue
            reading = [
                each
                for each in check.statements(policy)
                if each.get("Effect") == "Allow" and "s3:GetObject" in each["Action"]
            ]
            arn = distribution.outputs.get("arn")
            alone = bool(reading) and all(
                at(each, ("Condition", "StringEquals", "aws:SourceArn")) == arn for each in reading
            )
            check.that(alone, policy, "policy", "s3:GetObject for this distribution alone")
    for access in check.some("aws:cloudfront/originAccessControl:OriginAccessControl"):
        check.same(access, "signingBehavior", "always")


@control(
    "C1.gateway-cache",
    "The gateway keeps answers for the declared time, those of each caller apart",
    "gateway.gateway",
    remedy="set `edge.response_cache_seconds` in `system.yaml`, and leave cache keys to `Gateway`",
)
def gateway_cache(program: CapturedProgram, check: Check) -> None:
    seconds = program.system.edge.response_cache_seconds
    for stage in check.some(STAGE):
        check.same(stage, "cacheClusterEnabled", bool(seconds))
        if seconds and program.plan.gateway.cache_gb:
            check.same(stage, "cacheClusterSize", f"{program.plan.gateway.cache_gb:g}")
    for settings in check.some("aws:apigateway/methodSettings:MethodSettings"):
        check.same(settings, "settings.cachingEnabled", bool(seconds))
        if seconds:
            check.same(settings, "settings.cacheTtlInSeconds", seconds)
            check.same(settings, "settings.cacheDataEncrypted", True)
            check.same(settings, "settings.requireAuthorizationForCacheControl", True)
    if not seconds:
        raise NotApplicable("`edge.response_cache_seconds` is 0 in `system.yaml`")
    for api, path, method, operation in program.operations():
        if method != "get" or operation.get("operationId") == "health":
            continue
        keys = items(at(operation, "x-amazon-apigateway-integration.cacheKeyParameters"))
        open_to_all = operation.get("security") == []
        apart = open_to_all or "method.request.header.Authorization" in keys
        one = "method.request.path.id" if path.endswith("{id}") else "method.request.querystring.page"
        check.that(apart and one in keys, api, "body", f"token and query among the cache keys of GET {path}")


@control(
    "C1.cache-eviction",
    "Services keep copies that may vanish: a full cache refuses no write",
    "cache.cache",
    remedy="leave `maxmemory-policy` to `Cache`",
)
def cache_eviction(program: CapturedProgram, check: Check) -> None:
    groups = program.by_output("aws:elasticache/parameterGroup:ParameterGroup", "name")
    for cache in check.some(CACHE):
        group = groups.get(str(cache.inputs.get("parameterGroupName")))
        if group is None:
            check.missing("a parameter group of this stack", cache, "parameterGroupName")
            continue
        policy = by_name(group.inputs.get("parameters")).get("maxmemory-policy")
        check.that(policy == "allkeys-lfu", group, "parameters", "maxmemory-policy = allkeys-lfu")
