"""The edge: CloudFront, WAF, certificates, DNS.

Names and identifiers: API reference of each service. Replacements: CloudFormation reference. CloudFront's hosted zone:
Route 53 API, AliasTarget.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groundplan.cloud.catalogue.kind import Kind, Name
from groundplan.cloud.item import ACCOUNT, Item

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"
_WAF_NAME = Name(
    longest=128, pattern=r"[\w\-]+", says="letters, digits, hyphens and underscores", source="WAF API: EntityName"
)
_POLICY_NAME = Name(
    longest=128,
    pattern=r"[A-Za-z0-9_-]+",
    says="letters, digits, - and _",
    unique_in="account",
    source="CloudFront API",
)
_ACL = "aws:wafv2/webAcl:WebAcl"


def _waf_arn(what: str) -> Any:  # noqa: ANN401
    def arn(item: Item, _: Cloud) -> str:
        scope = "global" if item.get("scope") == "CLOUDFRONT" else "regional"
        return f"arn:aws:wafv2:{item.place}:{ACCOUNT}:{scope}/{what}/{item.physical_name}/{item.id}"

    return arn


def _capacity(item: Item, _: Cloud) -> int:
    """Web ACL capacity units, roughly: a managed group's and a rate rule's published costs (WAF developer guide)."""
    total = 0
    for each in item.objects("rules"):
        statement = each.get("statement") or {}
        total += 200 if "managedRuleGroupStatement" in statement else 2
    return total


def _validation_options(item: Item, _: Cloud) -> list[dict[str, str]]:
    """What ACM asks to be put in DNS: one record a name; a wildcard shares its parent's."""
    names = [item.known("domainName"), *item.each("subjectAlternativeNames")]
    options = []
    for name in dict.fromkeys(each for each in names if isinstance(each, str)):
        base = name.removeprefix("*.")
        options.append(
            {
                "domainName": name,
                "resourceRecordName": f"_{item.hex(32, base)}.{base}.",
                "resourceRecordType": "CNAME",
                "resourceRecordValue": f"_{item.hex(32, base + 'value')}.acm-validations.aws.",
            }
        )
    return options


def _fqdn(item: Item, _: Cloud) -> str:
    return str(item.known("name") or "").rstrip(".")


def _record_id(item: Item, _: Cloud) -> str:
    parts = [item.known("zoneId"), _fqdn(item, _), item.known("type"), item.known("setIdentifier")]
    return "_".join(str(part) for part in parts if part)


KINDS = (
    Kind(
        "aws:cloudfront/distribution:Distribution",
        id=lambda item, _: f"E{item.hex(13).upper()}",
        arn="arn:aws:cloudfront::{account}:distribution/{id}",
        outputs={
            "domainName": "d{hex13}.cloudfront.net",
            "hostedZoneId": CLOUDFRONT_ZONE,
            "status": "Deployed",
            "etag": lambda item, _: f"E{item.hex(13, 'etag').upper()}",
            "callerReference": "{uuid}",
            "loggingV1Enabled": False,
        },
        references={
            "webAclId": _ACL,
            "originAccessControlId": "aws:cloudfront/originAccessControl:OriginAccessControl",
            "vpcOriginId": "aws:cloudfront/vpcOrigin:VpcOrigin",
        },
        replaces=("staging",),
    ),
    Kind(
        "aws:cloudfront/originAccessControl:OriginAccessControl",
        id=lambda item, _: f"E{item.hex(13).upper()}",
        arn="arn:aws:cloudfront::{account}:origin-access-control/{id}",
        name=Name(longest=64, unique_in="account", source="CloudFront API: OriginAccessControlConfig"),
        outputs={"etag": "{hex13}"},
        guarded=True,
    ),
    *(
        Kind(
            f"aws:cloudfront/{name[0].lower()}{name[1:]}:{name}",
            id="{uuid}",
            arn=f"arn:aws:cloudfront::{{account}}:{path}/{{id}}",
            name=_POLICY_NAME,
            outputs={"etag": "{hex13}"},
            replaces=("name",),
            guarded=True,
        )
        for name, path in (
            ("ResponseHeadersPolicy", "response-headers-policy"),
            ("CachePolicy", "cache-policy"),
            ("OriginRequestPolicy", "origin-request-policy"),
        )
    ),
    Kind(
        "aws:cloudfront/function:Function",
        arn="arn:aws:cloudfront::{account}:function/{name}",
        name=Name(
            longest=64,
            pattern=r"[a-zA-Z0-9-_]+",
            says="letters, digits, - and _",
            unique_in="account",
            source="CloudFront API",
        ),
        outputs={"etag": "{hex13}", "liveStageEtag": "{hex13}", "status": "DEPLOYED"},
        replaces=("name",),
        guarded=True,
    ),
    Kind(
        "aws:cloudfront/vpcOrigin:VpcOrigin",
        id="vo_{hex17}",
        arn="arn:aws:cloudfront::{account}:vpcorigin/{id}",
        outputs={"etag": "{hex13}"},
        guarded=True,
    ),
    Kind("aws:cloudfront/monitoringSubscription:MonitoringSubscription", id="{distributionId}", singleton=True),
    Kind(
        "aws:cloudfront/realtimeLogConfig:RealtimeLogConfig",
        id="{arn}",
        arn="arn:aws:cloudfront::{account}:realtime-log-config/{name}",
    ),
    Kind(
        _ACL,
        id="{uuid}",
        arn=_waf_arn("webacl"),
        form="arn:aws:wafv2:{region}:{account}:{scope}/webacl/{name}/{id}",
        name=_WAF_NAME,
        outputs={"capacity": _capacity, "lockToken": "{uuid}", "applicationIntegrationUrl": ""},
        replaces=("name", "namePrefix", "scope"),
        guarded=True,
    ),
    Kind(
        "aws:wafv2/ipSet:IpSet",
        id="{uuid}",
        arn=_waf_arn("ipset"),
        name=_WAF_NAME,
        outputs={"lockToken": "{uuid}"},
        replaces=("name", "namePrefix", "scope", "ipAddressVersion"),
        guarded=True,
    ),
    Kind(
        "aws:wafv2/regexPatternSet:RegexPatternSet",
        id="{uuid}",
        arn=_waf_arn("regexpatternset"),
        name=_WAF_NAME,
        replaces=("name", "namePrefix", "scope"),
    ),
    Kind(
        "aws:wafv2/ruleGroup:RuleGroup",
        id="{uuid}",
        arn=_waf_arn("rulegroup"),
        name=_WAF_NAME,
        outputs={"lockToken": "{uuid}"},
        replaces=("name", "namePrefix", "scope", "capacity"),
    ),
    Kind(
        "aws:wafv2/webAclAssociation:WebAclAssociation",
        id="{webAclArn},{resourceArn}",
        replaces=("*",),
        # WAF API, AssociateWebACL: one ACL for a resource; DisassociateWebACL names the resource alone.
        exclusive=(("resourceArn",),),
    ),
    Kind(
        "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
        id="{resourceArn}",
        references={"resourceArn": _ACL},
        replaces=("resourceArn",),
        singleton=True,
    ),
    Kind(
        "aws:acm/certificate:Certificate",
        id="{arn}",
        arn="arn:aws:acm:{region}:{account}:certificate/{uuid}",
        outputs={
            "domainValidationOptions": _validation_options,
            "status": "PENDING_VALIDATION",
            "type": "AMAZON_ISSUED",
            "renewalEligibility": "INELIGIBLE",
            "pendingRenewal": False,
            "validationMethod": "DNS",
            "keyAlgorithm": "RSA_2048",
        },
        replaces=("domainName", "subjectAlternativeNames", "validationMethod", "keyAlgorithm", "validationOptions"),
        guarded=True,
    ),
    Kind("aws:acm/certificateValidation:CertificateValidation", id="{certificateArn}", replaces=("*",)),
    Kind(
        "aws:route53/zone:Zone",
        id=lambda item, _: f"Z{item.hex(14).upper()}",
        arn="arn:aws:route53:::hostedzone/{id}",
        outputs={
            "zoneId": "{id}",
            "nameServers": [f"ns-{number}.awsdns-0{index}.org" for index, number in enumerate((11, 523, 1042, 1988))],
            "primaryNameServer": "ns-11.awsdns-00.org",
            "comment": "Managed by Pulumi",
        },
        replaces=("name", "delegationSetId"),
    ),
    Kind(
        "aws:route53/record:Record",
        id=_record_id,
        outputs={"fqdn": _fqdn},
        replaces=("zoneId", "name", "type", "setIdentifier"),
        singleton=True,
    ),
    Kind("aws:route53/healthCheck:HealthCheck", id="{uuid}", arn="arn:aws:route53:::healthcheck/{id}"),
)
