"""Arguments of `Edge`, and what CloudFront accepts of them."""

from enum import StrEnum
from typing import NotRequired, TypedDict

import pulumi

from groundplan_components.shared.choices import choice
from groundplan_components.shared.domains import require_domain


class PriceClass(StrEnum):
    """Locations that CloudFront answers from."""

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
    """Host of the API, for requests under `/api/`."""
    origin_secret: pulumi.Input[str]
    """Sent to the API in `x-origin-verify`. Its web ACL refuses requests without it."""
    site: NotRequired[EdgeSite]
    """A static site for all other paths. Default: everything goes to the API."""
    web_acl_arn: pulumi.Input[str]
    """A web ACL of scope CLOUDFRONT."""
    domain: NotRequired[str]
    """Host name, for example `shop.example.com`. Default: CloudFront's own name and certificate, which can't require
    TLS 1.3."""
    certificate_arn: NotRequired[pulumi.Input[str]]
    """Validated certificate of the domain, in us-east-1; needed with ``domain``. Default: none."""
    hosted_zone_id: NotRequired[pulumi.Input[str]]
    """Hosted zone of the domain's records; needed with ``domain``. Default: none."""
    price_class: NotRequired[PriceClass]
    """Locations that CloudFront answers from. Default: Europe and North America."""
    content_security_policy: NotRequired[str]
    """Content security policy of the site's pages. Default: their own files and Cognito's sign-in."""
    kms_key_arn: pulumi.Input[str]
    """Encrypts the access log; its policy lets log delivery use it."""
    log_days: NotRequired[int]
    """Retention of the access log, in days. Default: 90."""
    protect: NotRequired[bool]
    """Refuse to delete the access log. Default: true."""


def price_class(component: str, args: EdgeArgs) -> PriceClass:
    return choice(PriceClass, args.get("price_class", PriceClass.EUROPE_NORTH_AMERICA), component, "price_class")


def check_edge(name: str, args: EdgeArgs) -> None:
    who = f'Edge "{name}"'
    price_class(who, args)
    require_domain(who, args)
