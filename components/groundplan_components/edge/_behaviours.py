"""Origins and cache behaviours of a distribution, and the CloudFront functions that they run."""

from typing import Any

import pulumi
from pulumi_aws import cloudfront

from groundplan_components.edge._distribution_args import EdgeArgs
from groundplan_components.shared.api_contract import ORIGIN_HEADER, VIEWER_HEADER
from groundplan_components.shared.names import autonamed
from groundplan_components.shared.resource_policy import document, tls_only

TLS_POLICY = "TLSv1.3_2025"
"""https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/secure-connections-supported-viewer-protocols-ciphers.html"""
# AWS's managed policies, by their fixed ids.
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
"""The longest that the gateway may take."""
# A single-page front end has addresses of its own (`/orders/17`): paths without a file extension return its page. Error
# pages of a distribution could do that too, but would also replace the API's 403 and 404.
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


def origins(args: EdgeArgs) -> list[dict[str, Any]]:
    origins: list[dict[str, Any]] = [
        {
            "origin_id": API,
            "domain_name": args["api_host"],
            "custom_headers": [{"name": ORIGIN_HEADER, "value": pulumi.Output.secret(args["origin_secret"])}],
            "custom_origin_config": {
                "http_port": 80,
                "https_port": 443,
                "origin_protocol_policy": "https-only",
                # The oldest version that CloudFront may use. The API accepts 1.3 only, which CloudFront offers by
                # default:
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


def api_behaviour(name: str, headers_policy: pulumi.Input[str], opts: pulumi.ResourceOptions) -> dict[str, Any]:
    function = cloudfront_function(f"{name}-viewer-address", "Tells the API who asks", VIEWER_ADDRESS, opts)
    return {
        "target_origin_id": API,
        # A redirect would come after the client has sent the token in plain text.
        "viewer_protocol_policy": "https-only",
        "allowed_methods": ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
        "cached_methods": ["GET", "HEAD"],
        "cache_policy_id": CACHING_DISABLED,
        # The gateway refuses any host but its own.
        "origin_request_policy_id": ALL_VIEWER_EXCEPT_HOST,
        "response_headers_policy_id": headers_policy,
        "function_associations": [{"event_type": "viewer-request", "function_arn": function.arn}],
        "compress": True,
    }


def site_behaviour(name: str, headers_policy: pulumi.Input[str], opts: pulumi.ResourceOptions) -> dict[str, Any]:
    function = cloudfront_function(f"{name}-one-page", "Every address of the front end is its one page", ONE_PAGE, opts)
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


def cloudfront_function(name: str, comment: str, code: str, opts: pulumi.ResourceOptions) -> cloudfront.Function:
    return cloudfront.Function(
        autonamed(name, FUNCTION_NAME_LIMIT),
        comment=comment,
        runtime="cloudfront-js-2.0",
        publish=True,
        code=code,
        opts=opts,
    )


def security_headers(
    name: str, content_security_policy: str, opts: pulumi.ResourceOptions
) -> cloudfront.ResponseHeadersPolicy:
    return cloudfront.ResponseHeadersPolicy(
        name,
        comment=f"Security headers of {name}",
        security_headers_config={
            "strict_transport_security": {
                "access_control_max_age_sec": TWO_YEARS_SECONDS,
                "include_subdomains": True,
                # Accepted (HSTS preload): browsers would keep the whole domain to HTTPS for years, also what others
                # serve there; its owner asks for that at hstspreload.org.
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


def viewer_certificate(args: EdgeArgs) -> dict[str, Any]:
    if "domain" not in args:
        return {"cloudfront_default_certificate": True}
    return {
        "acm_certificate_arn": args["certificate_arn"],
        "ssl_support_method": "sni-only",
        "minimum_protocol_version": TLS_POLICY,
    }


def site_policy(bucket_arn: pulumi.Input[str], distribution_arn: pulumi.Input[str]) -> pulumi.Output[str]:
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
