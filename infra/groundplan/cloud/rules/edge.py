"""CloudFront."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from groundplan.cloud.item import Item, look_up
from groundplan.cloud.rules.registry import Broken, one_of, rule

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
# CloudFront API reference, ViewerCertificate, MinimumProtocolVersion.
_PROTOCOLS = (
    "SSLv3",
    "TLSv1",
    "TLSv1_2016",
    "TLSv1.1_2016",
    "TLSv1.2_2018",
    "TLSv1.2_2019",
    "TLSv1.2_2021",
    "TLSv1.2_2025",
    "TLSv1.3_2025",
)
_METHODS = ({"GET", "HEAD"}, {"GET", "HEAD", "OPTIONS"}, {"GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"})
# CloudFront developer guide, "Use managed cache policies", "… origin request policies", "… response headers policies".
MANAGED = {
    "cachePolicyId": {
        "658327ea-f89d-4fab-a63d-7e88639e58f6",
        "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
        "b2884449-e4de-46a7-ac36-70bc7f1ddd6d",
        "08627262-05a9-4f76-9ded-b50ca2e3a84f",
        "2e54312d-136d-493c-8eb9-b001f22f67d2",
        "83da9c7e-98b4-4e11-a168-04f0df8e2c65",
        "4cc15a8a-d715-48a4-82b8-cc0b614638fe",
    },
    "originRequestPolicyId": {
        "216adef6-5c7f-47e4-b989-5492eafa07d3",
        "b689b0a8-53d0-40ab-baf2-68738e2966ac",
        "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf",
        "33f36d7e-f396-46d9-90e0-52428a34d9dc",
        "59781a5b-3903-41f3-afcb-af62929ccde1",
        "acba4595-bd28-49b8-b9fe-13317c0390fa",
        "775133bc-15f2-49f9-abea-afb2e0bf67d2",
        "bf0718e1-ba1e-49d1-88b1-f726733018ae",
    },
    "responseHeadersPolicyId": {
        "67f7725c-6f97-4210-82d7-5512b31e9d03",
        "60669652-455b-4ae9-85a4-c4c02393f86c",
        "5cc3b908-e619-4b99-88e5-2cf7f45965bd",
        "eaab4381-ed33-4a86-88ca-d9558dc6cd63",
        "e61eb60c-9c35-4d20-a928-2b84e02af89c",
    },
}
_OWN = {
    "cachePolicyId": "aws:cloudfront/cachePolicy:CachePolicy",
    "originRequestPolicyId": "aws:cloudfront/originRequestPolicy:OriginRequestPolicy",
    "responseHeadersPolicyId": "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
}


@rule(DISTRIBUTION)
def certificate(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """Own names need a certificate from us-east-1 that covers them; the default certificate can't insist on TLS 1.2
    or later.

    Source: CloudFront developer guide, Requirements for using SSL/TLS certificates; CloudFront API, ViewerCertificate.
    """
    arn = item.known("viewerCertificate.acmCertificateArn")
    default = item.known("viewerCertificate.cloudfrontDefaultCertificate") is True
    protocol = item.known("viewerCertificate.minimumProtocolVersion")
    aliases = item.each("aliases")
    own = (
        item.get("viewerCertificate.acmCertificateArn") is not None
        or item.get("viewerCertificate.iamCertificateId") is not None
    )
    if aliases and not own:
        yield Broken("aliases", "a certificate for these names", "set viewer_certificate.acm_certificate_arn", aliases)
    if default and own:
        yield Broken("viewerCertificate.cloudfrontDefaultCertificate", "false, as there is a certificate", "remove it")
    if not default and not own:
        yield Broken("viewerCertificate", "a certificate, or cloudfrontDefaultCertificate", "set one of them", "")
    if own and item.get("viewerCertificate.sslSupportMethod") is None:
        yield Broken(
            "viewerCertificate.sslSupportMethod", "sni-only, as there is a certificate", "set ssl_support_method"
        )
    yield from one_of(item, "viewerCertificate.minimumProtocolVersion", *_PROTOCOLS)
    if default and protocol not in (None, "TLSv1"):
        yield Broken(
            "viewerCertificate.minimumProtocolVersion",
            "TLSv1: CloudFront's own certificate allows nothing else",
            "use a domain and a certificate of your own",
        )
    found = cloud.find("aws:acm/certificate:Certificate", arn)
    if found is not None:
        if found.place != "us-east-1":
            yield Broken(
                "viewerCertificate.acmCertificateArn",
                f"a certificate of us-east-1; this one is of {found.place}",
                "create it with a provider for us-east-1",
            )
        names = [found.known("domainName"), *found.each("subjectAlternativeNames")]
        for index, alias in enumerate(aliases):
            if isinstance(alias, str) and not any(_covers(name, alias) for name in names):
                yield Broken(
                    f"aliases[{index}]",
                    f"a name that the certificate covers: {', '.join(map(str, names))}",
                    "add it to the certificate",
                )


def _covers(name: object, host: str) -> bool:
    if not isinstance(name, str):
        return False
    return name == host or (name.startswith("*.") and host.partition(".")[2] == name[2:])


@rule(DISTRIBUTION)
def behaviors(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """Behaviours name an origin, one of three sets of methods, a viewer policy, and policies or forwarded values, not
    both.

    Source: CloudFront API, CacheBehavior and DefaultCacheBehavior.
    """
    origins = {origin.get("originId") for origin in item.objects("origins")} | {
        group.get("originId") for group in item.objects("originGroups")
    }
    default = item.known("defaultCacheBehavior")
    every = [("defaultCacheBehavior", default)] if isinstance(default, dict) else []
    every += [
        (f"orderedCacheBehaviors[{index}]", each) for index, each in enumerate(item.objects("orderedCacheBehaviors"))
    ]
    paths: set[object] = set()
    for path, behavior in every:
        yield from _behavior(path, behavior, origins, cloud)
        pattern = behavior.get("pathPattern")
        if pattern is not None and pattern in paths:
            yield Broken(f"{path}.pathPattern", "a pattern that no other behaviour has", "remove one of the two")
        paths.add(pattern)


def _behavior(path: str, behavior: dict[str, Any], origins: set[Any], cloud: Cloud) -> Iterator[Broken]:
    target = behavior.get("targetOriginId")
    if isinstance(target, str) and origins and target not in origins:
        yield Broken(
            f"{path}.targetOriginId", f"one of the origins: {', '.join(sorted(map(str, origins)))}", "correct the id"
        )
    methods = behavior.get("allowedMethods")
    if isinstance(methods, list) and all(isinstance(each, str) for each in methods) and set(methods) not in _METHODS:
        yield Broken(
            f"{path}.allowedMethods",
            "GET and HEAD; these and OPTIONS; or all seven methods",
            "choose one of the three sets",
        )
    cached = behavior.get("cachedMethods")
    if isinstance(cached, list) and all(isinstance(each, str) for each in cached) and set(cached) not in _METHODS[:2]:
        yield Broken(f"{path}.cachedMethods", "GET and HEAD, or these and OPTIONS", "choose one of the two sets")
    if behavior.get("viewerProtocolPolicy") not in (
        None,
        "allow-all",
        "https-only",
        "redirect-to-https",
    ) and isinstance(behavior.get("viewerProtocolPolicy"), str):
        yield Broken(
            f"{path}.viewerProtocolPolicy", "allow-all, https-only or redirect-to-https", "choose one of these"
        )
    if behavior.get("cachePolicyId") is not None:
        for name in ("forwardedValues", "minTtl", "maxTtl", "defaultTtl"):
            if behavior.get(name) is not None:
                yield Broken(f"{path}.{name}", "nothing, as cachePolicyId says it", f"remove {name}")
    elif behavior.get("forwardedValues") is None:
        yield Broken(f"{path}.cachePolicyId", "a cache policy", "set cache_policy_id", "")
    if behavior.get("originRequestPolicyId") is not None and behavior.get("cachePolicyId") is None:
        yield Broken(f"{path}.originRequestPolicyId", "a cache policy beside it", "set cache_policy_id")
    for name, managed in MANAGED.items():
        value = behavior.get(name)
        if isinstance(value, str) and value not in managed and not cloud.find(_OWN[name], value):
            yield Broken(
                f"{path}.{name}",
                "the id of a managed policy or of one that exists",
                "look the id up in the CloudFront developer guide",
                absent=True,
            )
    for index, function in enumerate(behavior.get("functionAssociations") or []):
        if (
            isinstance(function, dict)
            and function.get("eventType") not in ("viewer-request", "viewer-response")
            and isinstance(function.get("eventType"), str)
        ):
            yield Broken(
                f"{path}.functionAssociations[{index}].eventType",
                "viewer-request or viewer-response",
                "choose one of these",
            )


@rule(DISTRIBUTION)
def origins(item: Item, _: Cloud) -> Iterator[Broken]:
    """An origin is a host name with an S3, custom or VPC configuration; ids are unique; header names are not
    CloudFront's own.

    Source: CloudFront API, Origin; CloudFront developer guide, Custom headers that CloudFront can't add to origin
    requests.
    """
    seen: set[object] = set()
    for index, origin in enumerate(item.objects("origins")):
        path = f"origins[{index}]"
        if origin.get("originId") in seen:
            yield Broken(f"{path}.originId", "an id that no other origin has", "rename one")
        seen.add(origin.get("originId"))
        host = origin.get("domainName")
        if (
            isinstance(host, str)
            and re.fullmatch(
                r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+", host
            )
            is None
        ):
            yield Broken(f"{path}.domainName", "a host name, without scheme or path", "put the path in origin_path")
        configured = [
            name for name in ("customOriginConfig", "s3OriginConfig", "vpcOriginConfig") if origin.get(name) is not None
        ]
        if len(configured) > 1:
            yield Broken(f"{path}.{configured[1]}", "one configuration for an origin", "keep one")
        if not configured and isinstance(host, str) and ".s3." not in host and not host.endswith(".s3.amazonaws.com"):
            yield Broken(
                f"{path}.customOriginConfig",
                "the configuration of an origin that is no bucket",
                "set custom_origin_config",
                "",
            )
        where = origin.get("originPath")
        if isinstance(where, str) and where and (not where.startswith("/") or where.endswith("/")):
            yield Broken(f"{path}.originPath", "a path that begins with / and doesn't end with it", "correct the path")
        for number, header in enumerate(origin.get("customHeaders") or []):
            name = header.get("name") if isinstance(header, dict) else None
            if isinstance(name, str) and re.match(
                r"(?i)(x-amz-|x-edge-)|(host|via|connection|upgrade|x-real-ip|x-cache)$", name
            ):
                yield Broken(
                    f"{path}.customHeaders[{number}].name", "a header that CloudFront lets one add", "rename the header"
                )


@rule(DISTRIBUTION)
def settings(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """Price class, HTTP version, geographic restriction and web ACL take their listed values; the ACL is one of
    CloudFront's scope.

    Source: CloudFront API, DistributionConfig; WAF developer guide, scope CLOUDFRONT.
    """
    yield from one_of(item, "priceClass", "PriceClass_100", "PriceClass_200", "PriceClass_All")
    yield from one_of(item, "httpVersion", "http1.1", "http2", "http2and3", "http3")
    yield from one_of(item, "restrictions.geoRestriction.restrictionType", "none", "whitelist", "blacklist")
    if item.known("restrictions.geoRestriction.restrictionType") in ("whitelist", "blacklist") and not item.each(
        "restrictions.geoRestriction.locations"
    ):
        yield Broken("restrictions.geoRestriction.locations", "at least one country", "set locations")
    for index, country in enumerate(item.each("restrictions.geoRestriction.locations")):
        if isinstance(country, str) and re.fullmatch("[A-Z]{2}", country) is None:
            yield Broken(
                f"restrictions.geoRestriction.locations[{index}]", "an ISO 3166-1 alpha-2 code", "for example DE"
            )
    acl = cloud.find("aws:wafv2/webAcl:WebAcl", item.known("webAclId"))
    if acl is not None and acl.known("scope") != "CLOUDFRONT":
        yield Broken("webAclId", "a web ACL of scope CLOUDFRONT", "create it with scope CLOUDFRONT in us-east-1")
    bucket = item.known("loggingConfig.bucket")
    if isinstance(bucket, str) and not bucket.endswith(".amazonaws.com"):
        yield Broken("loggingConfig.bucket", "the bucket's domain name", "pass bucket_domain_name")


@rule(DISTRIBUTION)
def alias_once(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A host name is an alias of one distribution at a time, in all of AWS.

    Source: CloudFront API, CreateDistribution, CNAMEAlreadyExists.
    """
    others = [each for each in cloud.of(DISTRIBUTION) if each.urn != item.urn]
    for index, alias in enumerate(item.each("aliases")):
        holder = next((each for each in others if alias in each.each("aliases")), None)
        if holder is not None:
            yield Broken(
                f"aliases[{index}]",
                f"a name that no other distribution has; {holder.urn} has this one",
                "take it from the other one first",
            )


@rule(DISTRIBUTION)
def distribution_settings(item: Item, _: Cloud) -> Iterator[Broken]:
    """Origins listen on 80, 443 or from 1024 on; another status for an error goes with a page, and a page with it.

    Source: CloudFront API, CustomOriginConfig, CustomErrorResponse.
    """
    for index, origin in enumerate(item.objects("origins")):
        for name in ("httpPort", "httpsPort"):
            port = look_up(origin, f"customOriginConfig.{name}")
            if isinstance(port, int | float) and port not in (80, 443) and not 1_024 <= port <= 65_535:
                yield Broken(
                    f"origins[{index}].customOriginConfig.{name}", "80, 443 or 1024 to 65535", "change the port"
                )
    for index, each in enumerate(item.objects("customErrorResponses")):
        if (each.get("responseCode") is None) != (not each.get("responsePagePath")):
            yield Broken(
                f"customErrorResponses[{index}]", "responseCode and responsePagePath together", "set both", each
            )


@rule("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy")
def script_protection(item: Item, _: Cloud) -> Iterator[Broken]:
    """Scripts are blocked or reported, not both.

    Source: CloudFront API, ResponseHeadersPolicyXSSProtection.
    """
    path = "securityHeadersConfig.xssProtection"
    if item.known(f"{path}.modeBlock") is True and item.known(f"{path}.reportUri"):
        yield Broken(f"{path}.reportUri", "nothing, as modeBlock is true", "choose one of the two")
