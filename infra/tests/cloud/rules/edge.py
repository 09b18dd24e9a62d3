"""CloudFront and WAF (S1, S2, S7)."""

from __future__ import annotations

from infra.tests.cloud.world import ABSENT, Case, Inputs, World

_DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
_ACL = "aws:wafv2/webAcl:WebAcl"
_ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation"
_LOGGING = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
_METRICS = {"cloudwatchMetricsEnabled": True, "metricName": "edge", "sampledRequestsEnabled": True}


def certificate(world: World, place: str = "us-east-1") -> str:
    inputs = {"domainName": "shop.example.com", "validationMethod": "DNS"}
    return world.make("aws:acm/certificate:Certificate", f"cert-{place}", inputs, place=place).arn


def distribution(world: World) -> Inputs:
    acl = world.make(_ACL, "edge", web_acl(world) | {"scope": "CLOUDFRONT"}, place="us-east-1")
    return {
        "enabled": True,
        "aliases": ["shop.example.com"],
        "webAclId": acl.arn,
        "origins": [
            {
                "originId": "api",
                "domainName": "abc.execute-api.eu-central-1.amazonaws.com",
                "originPath": "/live",
                "customOriginConfig": {
                    "httpPort": 80,
                    "httpsPort": 443,
                    "originProtocolPolicy": "https-only",
                    "originSslProtocols": ["TLSv1.2"],
                },
                "customHeaders": [{"name": "x-shop-edge", "value": "s"}],
            }
        ],
        "defaultCacheBehavior": {
            "targetOriginId": "api",
            "viewerProtocolPolicy": "redirect-to-https",
            "allowedMethods": ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"],
            "cachedMethods": ["GET", "HEAD"],
            "cachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
            "originRequestPolicyId": "b689b0a8-53d0-40ab-baf2-68738e2966ac",
        },
        "restrictions": {"geoRestriction": {"restrictionType": "whitelist", "locations": ["DE"]}},
        "viewerCertificate": {
            "acmCertificateArn": certificate(world),
            "sslSupportMethod": "sni-only",
            "minimumProtocolVersion": "TLSv1.3_2025",
        },
        "priceClass": "PriceClass_100",
    }


def second(world: World) -> Inputs:
    """Beside another distribution."""
    first = distribution(world)
    world.make(_DISTRIBUTION, "first", first)
    inputs: Inputs = {"domainName": "www.shop.example.com", "validationMethod": "DNS"}
    inputs["subjectAlternativeNames"] = ["shop.example.com"]
    both = world.make("aws:acm/certificate:Certificate", "cert-both", inputs, place="us-east-1").arn
    viewer = {**first["viewerCertificate"], "acmCertificateArn": both}
    return {**first, "aliases": ["www.shop.example.com"], "viewerCertificate": viewer}


def web_acl(_: World) -> Inputs:
    rate = {"rateBasedStatement": {"limit": 100, "evaluationWindowSec": 60, "aggregateKeyType": "IP"}}
    refusal = {"block": {"customResponse": {"responseCode": 429, "customResponseBodyKey": "slow"}}}
    managed = {"managedRuleGroupStatement": {"vendorName": "AWS", "name": "AWSManagedRulesCommonRuleSet"}}
    return {
        "scope": "REGIONAL",
        "defaultAction": {"allow": {}},
        "visibilityConfig": _METRICS,
        "customResponseBodies": [{"key": "slow", "content": "{}", "contentType": "APPLICATION_JSON"}],
        "rules": [
            {"name": "rate", "priority": 0, "statement": rate, "action": refusal, "visibilityConfig": _METRICS},
            {
                "name": "common",
                "priority": 1,
                "statement": managed,
                "overrideAction": {"none": {}},
                "visibilityConfig": _METRICS,
            },
        ],
    }


def association(world: World) -> Inputs:
    acl = world.make(_ACL, "wall", web_acl(world))
    door = world.make(_BALANCER, "door", {"subnets": world.subnets(), "internal": True})
    taken = world.make(_BALANCER, "taken", {"subnets": world.subnets(), "internal": True})
    world.make(_ASSOCIATION, "there", {"webAclArn": acl.arn, "resourceArn": taken.arn})
    return {"webAclArn": acl.arn, "resourceArn": door.arn}


def logging(world: World) -> Inputs:
    acl = world.make(_ACL, "wall", web_acl(world))
    logs = world.make("aws:cloudwatch/logGroup:LogGroup", "waf", {"name": "aws-waf-logs-wall", "retentionInDays": 7})
    return {"resourceArn": acl.arn, "logDestinationConfigs": [logs.arn]}


def other_logs(world: World) -> str:
    return world.make("aws:cloudwatch/logGroup:LogGroup", "other", {"name": "wall-logs", "retentionInDays": 7}).arn


def taken_balancer(world: World) -> str:
    return world.cloud.of(_BALANCER)[1].arn


CASES = (
    Case(
        "edge.certificate",
        _DISTRIBUTION,
        distribution,
        lambda world: {"viewerCertificate.acmCertificateArn": certificate(world, "eu-central-1")},
        "viewerCertificate.acmCertificateArn",
        "a certificate of us-east-1",
    ),
    Case(
        "edge.certificate",
        _DISTRIBUTION,
        distribution,
        {"aliases[0]": "www.example.com"},
        "aliases[0]",
        "the certificate covers",
    ),
    Case(
        "edge.certificate",
        _DISTRIBUTION,
        distribution,
        {"viewerCertificate": {"cloudfrontDefaultCertificate": True}},
        "aliases",
        "a certificate for these names",
    ),
    Case(
        "edge.certificate",
        _DISTRIBUTION,
        distribution,
        {
            "aliases": ABSENT,
            "viewerCertificate": {"cloudfrontDefaultCertificate": True, "minimumProtocolVersion": "TLSv1.3_2025"},
        },
        "viewerCertificate.minimumProtocolVersion",
        "allows nothing else",
    ),
    Case(
        "edge.certificate",
        _DISTRIBUTION,
        distribution,
        {"viewerCertificate.sslSupportMethod": ABSENT},
        "viewerCertificate.sslSupportMethod",
        "sni-only",
    ),
    Case(
        "edge.behaviors",
        _DISTRIBUTION,
        distribution,
        {"defaultCacheBehavior.targetOriginId": "site"},
        "defaultCacheBehavior.targetOriginId",
        "one of the origins: api",
    ),
    Case(
        "edge.behaviors",
        _DISTRIBUTION,
        distribution,
        {"defaultCacheBehavior.allowedMethods": ["GET", "POST"]},
        "defaultCacheBehavior.allowedMethods",
        "all seven methods",
    ),
    Case(
        "edge.behaviors",
        _DISTRIBUTION,
        distribution,
        {"defaultCacheBehavior.cachePolicyId": "4135ea2d"},
        "defaultCacheBehavior.cachePolicyId",
        "a managed policy",
    ),
    Case(
        "edge.behaviors",
        _DISTRIBUTION,
        distribution,
        {"defaultCacheBehavior.minTtl": 1},
        "defaultCacheBehavior.minTtl",
        "cachePolicyId says it",
    ),
    Case(
        "edge.origins",
        _DISTRIBUTION,
        distribution,
        {"origins[0].domainName": "https://abc.example.com"},
        "origins[0].domainName",
        "without scheme",
    ),
    Case(
        "edge.origins",
        _DISTRIBUTION,
        distribution,
        {"origins[0].originPath": "live/"},
        "origins[0].originPath",
        "begins with /",
    ),
    Case(
        "edge.origins",
        _DISTRIBUTION,
        distribution,
        {"origins[0].customHeaders[0].name": "X-Amz-Key"},
        "origins[0].customHeaders[0].name",
        "lets one add",
    ),
    Case(
        "edge.settings", _DISTRIBUTION, distribution, {"priceClass": "PriceClass_300"}, "priceClass", "PriceClass_100"
    ),
    Case(
        "edge.settings",
        _DISTRIBUTION,
        distribution,
        {"restrictions.geoRestriction.locations": []},
        "restrictions.geoRestriction.locations",
        "at least one country",
    ),
    Case(
        "edge.settings",
        _DISTRIBUTION,
        distribution,
        {"restrictions.geoRestriction.locations[0]": "Germany"},
        "restrictions.geoRestriction.locations[0]",
        "alpha-2",
    ),
    Case(
        "edge.settings",
        _DISTRIBUTION,
        distribution,
        lambda world: {"webAclId": world.make(_ACL, "near", web_acl(world)).arn},
        "webAclId",
        "of scope CLOUDFRONT",
    ),
    Case("firewall.scope", _ACL, web_acl, {"scope": "CLOUDFRONT"}, "scope", "us-east-1 for scope CLOUDFRONT"),
    Case("firewall.default_action", _ACL, web_acl, {"defaultAction": {}}, "defaultAction", "allow or block"),
    Case("firewall.rules", _ACL, web_acl, {"rules[1].priority": 0}, "rules[1].priority", "no other rule has"),
    Case(
        "firewall.rules", _ACL, web_acl, {"rules[1].overrideAction": ABSENT}, "rules[1].overrideAction", "a rule group"
    ),
    Case("firewall.rules", _ACL, web_acl, {"rules[0].action": ABSENT}, "rules[0].action", "no rule group"),
    Case(
        "firewall.rules",
        _ACL,
        web_acl,
        {"rules[0].statement.rateBasedStatement.limit": 9},
        "rules[0].statement.rateBasedStatement.limit",
        "10 to 2,000,000,000",
    ),
    Case(
        "firewall.rules",
        _ACL,
        web_acl,
        {"rules[0].statement.rateBasedStatement.evaluationWindowSec": 30},
        "rules[0].statement.rateBasedStatement.evaluationWindowSec",
        "60, 120, 300 or 600",
    ),
    Case(
        "firewall.rules",
        _ACL,
        web_acl,
        {"rules[0].statement.rateBasedStatement.aggregateKeyType": "FORWARDED_IP"},
        "rules[0].statement.rateBasedStatement.forwardedIpConfig",
        "carries the address",
    ),
    Case(
        "firewall.rules",
        _ACL,
        web_acl,
        {"rules[1].statement.managedRuleGroupStatement.name": "AWSManagedRulesCommon"},
        "rules[1].statement.managedRuleGroupStatement.name",
        "that AWS manages",
    ),
    Case(
        "firewall.rules",
        _ACL,
        web_acl,
        {"customResponseBodies": ABSENT},
        "rules[0].action.block.customResponse.customResponseBodyKey",
        "a key of customResponseBodies",
    ),
    Case(
        "firewall.rules",
        _ACL,
        web_acl,
        {"rules[0].statement.geoMatchStatement": {"countryCodes": ["DE"]}},
        "rules[0].statement",
        "exactly one statement",
    ),
    Case(
        "edge.alias_once",
        _DISTRIBUTION,
        second,
        {"aliases": ["shop.example.com"]},
        "aliases[0]",
        "no other distribution",
    ),
    Case(
        "firewall.association",
        _ASSOCIATION,
        association,
        lambda world: {"resourceArn": taken_balancer(world)},
        "resourceArn",
        "gave it one",
    ),
    Case(
        "firewall.association",
        _ASSOCIATION,
        association,
        {"resourceArn": "arn:aws:s3:::bucket"},
        "resourceArn",
        "a REST API",
    ),
    Case(
        "firewall.logging",
        _LOGGING,
        logging,
        lambda world: {"logDestinationConfigs": [other_logs(world)]},
        "logDestinationConfigs[0]",
        "begins with aws-waf-logs-",
    ),
)
