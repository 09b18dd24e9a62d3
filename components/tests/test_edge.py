"""The distribution, its site and its log (C1, S1, S2, S5)."""

from __future__ import annotations

from typing import Any

import pytest

from components.tests.ingress_samples import (
    EDGE_CERTIFICATE,
    EDGE_WEB_ACL,
    KEY,
    ZONE,
    one,
    refusal,
    simulated,
    statements,
)
from groundplan.cloud import Resource, Simulation
from groundplan_components.edge import Edge, EdgeArgs, PriceClass, StaticSite, StaticSiteArgs
from groundplan_components.edge._behaviours import ONE_PAGE

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
BUCKET = "aws:s3/bucket:Bucket"
POLICY = "aws:s3/bucketPolicy:BucketPolicy"


def edge_args() -> EdgeArgs:
    return {
        "api_host": "api.shop.example.com",
        "origin_secret": "0123456789abcdef",
        "web_acl_arn": EDGE_WEB_ACL,
        "domain": "shop.example.com",
        "certificate_arn": EDGE_CERTIFICATE,
        "hosted_zone_id": ZONE,
        "kms_key_arn": KEY,
    }


def build(*without: str, site: bool = True, protect: bool = True, **changed: Any) -> Simulation:
    def program() -> None:
        args: Any = {**edge_args(), "protect": protect, **changed}
        for key in without:
            del args[key]
        if site:
            site_args: StaticSiteArgs = {"kms_key_arn": KEY, "protect": protect}
            pages = StaticSite("pages", site_args)
            args["site"] = {
                "bucket": pages.bucket,
                "bucket_arn": pages.bucket_arn,
                "bucket_domain": pages.bucket_domain,
                "access_control_id": pages.access_control_id,
            }
        Edge("edge", args)

    return simulated(program)


def named(simulation: Simulation, token: str, name: str) -> Resource:
    return next(each for each in simulation.of_type(token) if each.name == name)


def test_s2_a_domain_insists_on_tls_1_3() -> None:
    distribution = one(build(), DISTRIBUTION)
    assert distribution.inputs["aliases"] == ["shop.example.com"]
    assert distribution.inputs["viewerCertificate"] == {
        "acmCertificateArn": EDGE_CERTIFICATE,
        "sslSupportMethod": "sni-only",
        "minimumProtocolVersion": "TLSv1.3_2025",
    }
    assert distribution.inputs["httpVersion"] == "http2and3"
    assert distribution.inputs["isIpv6Enabled"] is True


def test_s2_without_a_domain_it_says_what_it_can_not_do() -> None:
    simulation = build("domain", "certificate_arn", "hosted_zone_id")
    distribution = one(simulation, DISTRIBUTION)
    assert distribution.inputs["viewerCertificate"] == {"cloudfrontDefaultCertificate": True}
    assert "aliases" not in distribution.inputs
    assert ["TLS 1.3" in message.text for message in simulation.messages] == [True]
    assert simulation.of_type("aws:route53/record:Record") == ()


def test_c1_the_site_is_cached_and_the_api_never() -> None:
    distribution = one(build(), DISTRIBUTION).inputs
    site = distribution["defaultCacheBehavior"]
    (api,) = distribution["orderedCacheBehaviors"]
    assert (site["targetOriginId"], site["cachePolicyId"]) == ("site", "658327ea-f89d-4fab-a63d-7e88639e58f6")
    assert (api["targetOriginId"], api["cachePolicyId"]) == ("api", "4135ea2d-6df8-44a3-9df3-4b5a84be39ad")
    assert api["pathPattern"] == "/api/*"
    assert api["originRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    assert {"GET", "POST", "PUT", "DELETE", "OPTIONS"} <= set(api["allowedMethods"])
    assert distribution["defaultRootObject"] == "index.html"
    # Error pages would replace the API's own 403 and 404.
    assert "customErrorResponses" not in distribution


def test_c1_without_a_site_everything_goes_to_the_api() -> None:
    distribution = one(build(site=False), DISTRIBUTION).inputs
    assert distribution["defaultCacheBehavior"]["targetOriginId"] == "api"
    assert [origin["originId"] for origin in distribution["origins"]] == ["api"]
    assert "orderedCacheBehaviors" not in distribution
    assert "defaultRootObject" not in distribution


def test_s2_nothing_is_sent_or_taken_in_plain_text() -> None:
    distribution = one(build(), DISTRIBUTION).inputs
    assert distribution["defaultCacheBehavior"]["viewerProtocolPolicy"] == "redirect-to-https"
    assert distribution["orderedCacheBehaviors"][0]["viewerProtocolPolicy"] == "https-only"
    origin = next(each for each in distribution["origins"] if each["originId"] == "api")
    assert origin["domainName"] == "api.shop.example.com"
    assert origin["customOriginConfig"]["originProtocolPolicy"] == "https-only"


def test_s1_the_api_knows_the_edge_by_a_secret() -> None:
    distribution = one(build(), DISTRIBUTION)
    origin = next(each for each in distribution.inputs["origins"] if each["originId"] == "api")
    assert origin["customHeaders"] == [{"name": "x-origin-verify", "value": "0123456789abcdef"}]
    assert any(path.startswith("origins") for path in distribution.secret_paths)


def test_s7_the_edge_sends_the_clients_address_to_the_api() -> None:
    simulation = build()
    function = named(simulation, "aws:cloudfront/function:Function", "edge-viewer-address")
    assert "event.request.headers['x-viewer-ip'] = { value: event.viewer.ip };" in function.inputs["code"]
    (api,) = one(simulation, DISTRIBUTION).inputs["orderedCacheBehaviors"]
    assert api["functionAssociations"] == [{"eventType": "viewer-request", "functionArn": function.outputs["arn"]}]


def test_the_front_ends_own_addresses_are_its_one_page() -> None:
    simulation = build()
    function = named(simulation, "aws:cloudfront/function:Function", "edge-one-page")
    assert function.inputs["code"] == ONE_PAGE
    site = one(simulation, DISTRIBUTION).inputs["defaultCacheBehavior"]
    assert site["functionAssociations"][0]["functionArn"] == function.outputs["arn"]


def test_s1_the_web_acl_stands_before_it() -> None:
    assert one(build(), DISTRIBUTION).inputs["webAclId"] == EDGE_WEB_ACL


def test_s6_browsers_are_told_what_they_may_do() -> None:
    simulation = build()
    policy = one(simulation, "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy")
    headers = policy.inputs["securityHeadersConfig"]
    assert headers["strictTransportSecurity"]["accessControlMaxAgeSec"] == 63_072_000
    assert headers["contentTypeOptions"] == {"override": True}
    assert headers["frameOptions"]["frameOption"] == "DENY"
    assert "default-src 'self'" in headers["contentSecurityPolicy"]["contentSecurityPolicy"]
    distribution = one(simulation, DISTRIBUTION).inputs
    for behaviour in (distribution["defaultCacheBehavior"], *distribution["orderedCacheBehaviors"]):
        assert behaviour["responseHeadersPolicyId"] == policy.id


def test_the_domain_has_addresses_of_both_kinds() -> None:
    simulation = build()
    records = simulation.of_type("aws:route53/record:Record")
    assert {each.inputs["type"] for each in records} == {"A", "AAAA"}
    assert {each.inputs["name"] for each in records} == {"shop.example.com"}
    domain = one(simulation, DISTRIBUTION).outputs["domainName"]
    assert {each.inputs["aliases"][0]["name"] for each in records} == {domain}


def test_s1_only_this_distribution_reads_the_site() -> None:
    simulation = build()
    policy = named(simulation, POLICY, "edge-site")
    pages = named(simulation, BUCKET, "pages")
    assert policy.inputs["bucket"] == pages.id
    found = statements(policy.inputs["policy"])
    assert set(found) == {"TlsOnly", "ThisDistribution"}
    reader = found["ThisDistribution"]
    assert reader["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert reader["Action"] == "s3:GetObject"
    assert reader["Resource"] == f"{pages.outputs['arn']}/*"
    distribution = one(simulation, DISTRIBUTION)
    assert reader["Condition"] == {"StringEquals": {"aws:SourceArn": distribution.outputs["arn"]}}
    control = one(simulation, "aws:cloudfront/originAccessControl:OriginAccessControl")
    assert (control.inputs["signingBehavior"], control.inputs["signingProtocol"]) == ("always", "sigv4")
    origin = next(each for each in distribution.inputs["origins"] if each["originId"] == "site")
    assert origin["originAccessControlId"] == control.id


def test_s5_the_log_is_encrypted_and_delivered_from_cloudfronts_region() -> None:
    simulation = build(log_days=30)
    source = one(simulation, "aws:cloudwatch/logDeliverySource:LogDeliverySource")
    assert source.inputs["logType"] == "ACCESS_LOGS"
    assert source.inputs["resourceArn"] == one(simulation, DISTRIBUTION).outputs["arn"]
    for token in ("logDeliverySource:LogDeliverySource", "logDelivery:LogDelivery"):
        assert one(simulation, f"aws:cloudwatch/{token}").region == "us-east-1"
    bucket = named(simulation, BUCKET, "edge-log")
    assert bucket.region == "eu-central-1"
    destination = one(simulation, "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination")
    assert destination.inputs["outputFormat"] == "json"
    assert destination.inputs["deliveryDestinationConfiguration"] == {"destinationResourceArn": bucket.outputs["arn"]}
    fields = one(simulation, "aws:cloudwatch/logDelivery:LogDelivery").inputs["recordFields"]
    assert {"c-ip", "cs-method", "sc-status"} <= set(fields)
    assert not {"cs(Cookie)", "cs-uri-query", "cs(Referer)"} & set(fields)
    delivery = statements(named(simulation, POLICY, "edge-log").inputs["policy"])["LogDelivery"]
    assert delivery["Condition"]["StringEquals"]["aws:SourceAccount"] == "123456789012"
    assert delivery["Condition"]["ArnLike"]["aws:SourceArn"] == "arn:aws:logs:us-east-1:123456789012:delivery-source:*"
    encryption = next(
        each
        for each in simulation.of_type(
            "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
        )
        if each.name == "edge-log"
    )
    assert encryption.inputs["rules"][0]["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"] == KEY


def test_price_class_is_an_argument() -> None:
    assert one(build(), DISTRIBUTION).inputs["priceClass"] == "PriceClass_100"
    assert one(build(price_class=PriceClass.ALL), DISTRIBUTION).inputs["priceClass"] == "PriceClass_All"


@pytest.mark.parametrize("missing", ["certificate_arn", "hosted_zone_id"])
def test_a_domain_needs_its_certificate_and_its_zone(missing: str) -> None:
    args: Any = edge_args()
    del args[missing]
    message = refusal(lambda: Edge("edge", args))
    assert f'Edge "edge": {missing} is None' in message
    assert "beside domain" in message


def test_a_certificate_without_a_domain_is_refused() -> None:
    args: Any = edge_args()
    del args["domain"]
    assert "the host name that certificate_arn is for" in refusal(lambda: Edge("edge", args))


def test_s5_a_site_alone_is_private_versioned_and_encrypted() -> None:
    simulation = simulated(lambda: StaticSite("pages", {"kms_key_arn": KEY}))
    assert {
        each.inputs["blockPublicPolicy"]
        for each in simulation.of_type("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
    } == {True}
    assert one(simulation, "aws:s3/bucketVersioning:BucketVersioning").inputs["versioningConfiguration"] == {
        "status": "Enabled"
    }
    encryption = {
        each.name: each.inputs["rules"][0]["applyServerSideEncryptionByDefault"]
        for each in simulation.of_type(
            "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
        )
    }
    assert encryption["pages"] == {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY}
    # S3 can't write access logs to a bucket with a customer key.
    assert encryption["pages-logs"] == {"sseAlgorithm": "AES256"}
    logging = one(simulation, "aws:s3/bucketLogging:BucketLogging")
    assert logging.inputs["targetBucket"] == named(simulation, BUCKET, "pages-logs").id
    assert named(simulation, POLICY, "pages-logs").urn in logging.dependencies


def test_the_first_page_is_the_front_ends_once_it_is_deployed() -> None:
    page = one(simulated(lambda: StaticSite("pages", {"kms_key_arn": KEY})), "aws:s3/bucketObjectv2:BucketObjectv2")
    assert page.inputs["key"] == "index.html"
    assert page.inputs["contentType"].startswith("text/html")
    assert "content" in page.ignore_changes


@pytest.mark.parametrize("protect", [True, False])
def test_protection_follows_the_argument(protect: bool) -> None:
    buckets = build(protect=protect).of_type(BUCKET)
    assert {each.name for each in buckets} == {"pages", "pages-logs", "edge-log"}
    assert {each.protect for each in buckets} == {protect}
