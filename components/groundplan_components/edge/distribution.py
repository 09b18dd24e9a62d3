"""Where users arrive: a distribution before the site and the API (C1, S1, S2)."""

from enum import StrEnum
from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi_aws import cloudfront, route53, s3

from groundplan_components.edge.certificate import require_domain
from groundplan_components.edge.log import EdgeLog
from groundplan_components.edge.static_site import INDEX
from groundplan_components.shared.api_contract import ORIGIN_HEADER, STAGE, VIEWER_HEADER
from groundplan_components.shared.choices import choice
from groundplan_components.shared.names import autonamed
from groundplan_components.shared.resource_policy import document, tls_only

TLS_POLICY = "TLSv1.3_2025"
"""https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/secure-connections-supported-viewer-protocols-ciphers.html"""

# Policies that AWS keeps for everybody, by their fixed ids.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"

SITE = "site"
API = "api"
TWO_YEARS_SECONDS = 63_072_000
FUNCTION_NAME_LIMIT = 64
ORIGIN_READ_SECONDS = 30
"""As long as the gateway may take at most."""
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; connect-src 'self' https://*.amazoncognito.com; img-src 'self' data:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""A site that loads its own files only, and talks to its own API and to Cognito's sign-in."""

# A front end with its own addresses (`/orders/17`) is one page: what has no file ending is that page. Error pages of a
# distribution could do it too, but they would also stand in for the API's own 403 and 404.
ONE_PAGE = """function handler(event) {
  var request = event.request;
  if (request.uri.split('/').pop().indexOf('.') === -1) {
    request.uri = '/index.html';
  }
  return request;
}
"""

VIEWER_ADDRESS = f"""function handler(event) {{
  event.request.headers['{VIEWER_HEADER}'] = {{ value: event.viewer.ip }};
  return event.request;
}}
"""


class PriceClass(StrEnum):
    """How much of the world is served from nearby."""

    EUROPE_NORTH_AMERICA = "PriceClass_100"
    MOST = "PriceClass_200"
    ALL = "PriceClass_All"


class EdgeSite(TypedDict):
    """Outputs of a `StaticSite`."""

    bucket: pulumi.Input[str]
    """The bucket's name: `StaticSite.bucket`."""
    bucket_arn: pulumi.Input[str]
    """`StaticSite.bucket_arn`."""
    bucket_domain: pulumi.Input[str]
    """Host that CloudFront reads from: `StaticSite.bucket_domain`."""
    access_control_id: pulumi.Input[str]
    """Origin access control: `StaticSite.access_control_id`."""


class EdgeArgs(TypedDict):
    api_host: pulumi.Input[str]
    """Where requests under `/api/` go."""
    origin_secret: pulumi.Input[str]
    """Sent to the API in `x-origin-verify`: its web ACL refuses whatever comes without."""
    site: NotRequired[EdgeSite]
    """A static site for all other paths. Default: everything goes to the API."""
    web_acl_arn: pulumi.Input[str]
    """Of scope CLOUDFRONT."""
    domain: NotRequired[str]
    """Host name, for example `shop.example.com`. Default: CloudFront's own name and certificate, which can't insist on
    TLS 1.3."""
    certificate_arn: NotRequired[pulumi.Input[str]]
    """Of the domain, validated, in us-east-1; needed with ``domain``. Default: none."""
    hosted_zone_id: NotRequired[pulumi.Input[str]]
    """Where the domain's addresses are published; needed with ``domain``. Default: none."""
    price_class: NotRequired[PriceClass]
    """From where CloudFront answers. Default: Europe and North America."""
    content_security_policy: NotRequired[str]
    """What the site's pages may load. Default: their own files and Cognito's sign-in."""
    kms_key_arn: pulumi.Input[str]
    """Encrypts the access log; its policy lets log delivery use it."""
    log_days: NotRequired[int]
    """Days that the access log is kept. Default: 90."""
    protect: NotRequired[bool]
    """Refuse to delete the access log. Default: true."""


class Edge(pulumi.ComponentResource):
    """A CloudFront distribution with security headers, its log, and its addresses.

    It keeps copies of the site, never of the API's answers: those are kept by the gateway, which looks at the token
    first. A copy here would outlive the token that asked for it (C1).
    """

    distribution_id: pulumi.Output[str]
    distribution_arn: pulumi.Output[str]
    host: pulumi.Output[str]
    url: pulumi.Output[str]
    log_bucket: pulumi.Output[str]

    def __init__(self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:Edge", name, {}, opts)
        domain = args.get("domain")
        inside = pulumi.ResourceOptions(parent=self)
        headers = _security_headers(name, args.get("content_security_policy", CONTENT_SECURITY_POLICY), inside)
        site = args.get("site")
        to_api = _api_behaviour(name, headers.id, inside)
        distribution = cloudfront.Distribution(
            name,
            enabled=True,
            comment=name,
            http_version="http2and3",
            is_ipv6_enabled=True,
            price_class=_price_class(f'Edge "{name}"', args).value,
            web_acl_id=args["web_acl_arn"],
            aliases=[domain] if domain is not None else None,
            origins=_origins(args),
            default_root_object=INDEX if site is not None else None,
            default_cache_behavior=_site_behaviour(name, headers.id, inside) if site is not None else to_api,
            ordered_cache_behaviors=[{"path_pattern": f"/{STAGE}/*", **to_api}] if site is not None else None,
            # Countries are the web ACL's business: it answers in the error envelope.
            restrictions={"geo_restriction": {"restriction_type": "none"}},
            viewer_certificate=_certificate(args),
            tags={"Name": name},
            opts=inside,
        )
        if domain is None:
            pulumi.log.info(
                "no domain: under CloudFront's own certificate TLS 1.3 is offered, but older versions can't be refused",
                resource=self,
            )
        if site is not None:
            s3.BucketPolicy(
                f"{name}-site",
                bucket=site["bucket"],
                policy=_site_policy(site["bucket_arn"], distribution.arn),
                opts=inside,
            )
        log = EdgeLog(
            f"{name}-log",
            {
                "distribution_arn": distribution.arn,
                "kms_key_arn": args["kms_key_arn"],
                "log_days": args.get("log_days", 90),
                "protect": args.get("protect", True),
            },
            inside,
        )
        if domain is not None:
            for kind in ("A", "AAAA"):
                route53.Record(
                    f"{name}-{kind.lower()}",
                    zone_id=args["hosted_zone_id"],
                    name=domain,
                    type=kind,
                    aliases=[
                        {
                            "name": distribution.domain_name,
                            "zone_id": distribution.hosted_zone_id,
                            "evaluate_target_health": False,
                        }
                    ],
                    opts=inside,
                )
        self.distribution_id = distribution.id
        self.distribution_arn = distribution.arn
        self.host = pulumi.Output.from_input(domain) if domain is not None else distribution.domain_name
        self.url = pulumi.Output.concat("https://", self.host)
        self.log_bucket = log.bucket
        self.register_outputs(
            {
                "distribution_id": self.distribution_id,
                "distribution_arn": self.distribution_arn,
                "host": self.host,
                "url": self.url,
                "log_bucket": self.log_bucket,
            }
        )


def _origins(args: EdgeArgs) -> list[dict[str, Any]]:
    origins: list[dict[str, Any]] = [
        {
            "origin_id": API,
            "domain_name": args["api_host"],
            "custom_headers": [{"name": ORIGIN_HEADER, "value": pulumi.Output.secret(args["origin_secret"])}],
            "custom_origin_config": {
                "http_port": 80,
                "https_port": 443,
                "origin_protocol_policy": "https-only",
                # The oldest that CloudFront may use. The API accepts 1.3 alone, which CloudFront offers unasked:
                # https://aws.amazon.com/about-aws/whats-new/2025/11/amazon-cloudfront-tls13-origin/
                "origin_ssl_protocols": ["TLSv1.2"],
                "origin_read_timeout": ORIGIN_READ_SECONDS,
            },
        }
    ]
    if "site" in args:
        origins.append(
            {
                "origin_id": SITE,
                "domain_name": args["site"]["bucket_domain"],
                "origin_access_control_id": args["site"]["access_control_id"],
            }
        )
    return origins


def _api_behaviour(name: str, headers_policy: pulumi.Input[str], opts: pulumi.ResourceOptions) -> dict[str, Any]:
    function = _function(f"{name}-viewer-address", "Tells the API who asks", VIEWER_ADDRESS, opts)
    return {
        "target_origin_id": API,
        # A redirect would come after the token has travelled in plain text.
        "viewer_protocol_policy": "https-only",
        "allowed_methods": ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
        "cached_methods": ["GET", "HEAD"],
        "cache_policy_id": CACHING_DISABLED,
        # The host must be the gateway's own: it refuses any other.
        "origin_request_policy_id": ALL_VIEWER_EXCEPT_HOST,
        "response_headers_policy_id": headers_policy,
        "function_associations": [{"event_type": "viewer-request", "function_arn": function.arn}],
        "compress": True,
    }


def _site_behaviour(name: str, headers_policy: pulumi.Input[str], opts: pulumi.ResourceOptions) -> dict[str, Any]:
    function = _function(f"{name}-one-page", "Every address of the front end is its one page", ONE_PAGE, opts)
    return {
        "target_origin_id": SITE,
        "viewer_protocol_policy": "redirect-to-https",
        "allowed_methods": ["GET", "HEAD"],
        "cached_methods": ["GET", "HEAD"],
        "cache_policy_id": CACHING_OPTIMIZED,
        "response_headers_policy_id": headers_policy,
        "function_associations": [{"event_type": "viewer-request", "function_arn": function.arn}],
        "compress": True,
    }


def _function(name: str, comment: str, code: str, opts: pulumi.ResourceOptions) -> cloudfront.Function:
    return cloudfront.Function(
        autonamed(name, FUNCTION_NAME_LIMIT),
        comment=comment,
        runtime="cloudfront-js-2.0",
        publish=True,
        code=code,
        opts=opts,
    )


def _security_headers(
    name: str, content_security_policy: str, opts: pulumi.ResourceOptions
) -> cloudfront.ResponseHeadersPolicy:
    return cloudfront.ResponseHeadersPolicy(
        name,
        comment=f"Security headers of {name}",
        security_headers_config={
            "strict_transport_security": {
                "access_control_max_age_sec": TWO_YEARS_SECONDS,
                "include_subdomains": True,
                "preload": False,
                "override": True,
            },
            "content_type_options": {"override": True},
            "frame_options": {"frame_option": "DENY", "override": True},
            "referrer_policy": {"referrer_policy": "strict-origin-when-cross-origin", "override": True},
            "content_security_policy": {"content_security_policy": content_security_policy, "override": True},
        },
        opts=opts,
    )


def _certificate(args: EdgeArgs) -> dict[str, Any]:
    if "domain" not in args:
        return {"cloudfront_default_certificate": True}
    return {
        "acm_certificate_arn": args["certificate_arn"],
        "ssl_support_method": "sni-only",
        "minimum_protocol_version": TLS_POLICY,
    }


def _site_policy(bucket_arn: pulumi.Input[str], distribution_arn: pulumi.Input[str]) -> pulumi.Output[str]:
    objects = pulumi.Output.concat(bucket_arn, "/*")
    return document(
        tls_only(["s3:*"], [bucket_arn, objects]),
        {
            "Sid": "ThisDistribution",
            "Effect": "Allow",
            "Principal": {"Service": "cloudfront.amazonaws.com"},
            "Action": "s3:GetObject",
            "Resource": objects,
            "Condition": {"StringEquals": {"aws:SourceArn": distribution_arn}},
        },
    )


def _price_class(component: str, args: EdgeArgs) -> PriceClass:
    return choice(PriceClass, args.get("price_class", PriceClass.EUROPE_NORTH_AMERICA), component, "price_class")


def _check(name: str, args: EdgeArgs) -> None:
    who = f'Edge "{name}"'
    _price_class(who, args)
    require_domain(who, args)
