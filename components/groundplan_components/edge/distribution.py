"""CloudFront distribution: static site and API origin (C1, S1, S2)."""

import pulumi
from pulumi_aws import cloudfront, route53, s3

from groundplan_components.edge._behaviours import (
    api_behaviour,
    origins,
    security_headers,
    site_behaviour,
    site_policy,
    viewer_certificate,
)
from groundplan_components.edge._distribution_args import EdgeArgs, check_edge, price_class
from groundplan_components.edge.log import EdgeLog
from groundplan_components.edge.static_site import INDEX
from groundplan_components.shared.api_contract import STAGE

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; connect-src 'self' https://*.amazoncognito.com; img-src 'self' data:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""Pages load the site's own files only, and connect to its API and to Cognito's sign-in."""


class Edge(pulumi.ComponentResource):
    """A CloudFront distribution with security headers, access log and DNS records.

    It caches the site, never the API's responses. The gateway caches those, after it has checked the token; a cached
    response here would outlive the token that requested it (C1).
    """

    distribution_id: pulumi.Output[str]
    distribution_arn: pulumi.Output[str]
    host: pulumi.Output[str]
    url: pulumi.Output[str]
    log_bucket: pulumi.Output[str]

    def __init__(self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        check_edge(name, args)
        super().__init__("groundplan:index:Edge", name, {}, opts)
        domain = args.get("domain")
        inside = pulumi.ResourceOptions(parent=self)
        headers = security_headers(name, args.get("content_security_policy", CONTENT_SECURITY_POLICY), inside)
        site = args.get("site")
        to_api = api_behaviour(name, headers.id, inside)
        distribution = cloudfront.Distribution(
            name,
            enabled=True,
            comment=name,
            http_version="http2and3",
            is_ipv6_enabled=True,
            price_class=price_class(f'Edge "{name}"', args).value,
            web_acl_id=args["web_acl_arn"],
            aliases=[domain] if domain is not None else None,
            origins=origins(args),
            default_root_object=INDEX if site is not None else None,
            default_cache_behavior=site_behaviour(name, headers.id, inside) if site is not None else to_api,
            ordered_cache_behaviors=[{"path_pattern": f"/{STAGE}/*", **to_api}] if site is not None else None,
            # The web ACL restricts countries, because it answers with the error envelope.
            restrictions={"geo_restriction": {"restriction_type": "none"}},
            viewer_certificate=viewer_certificate(args),
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
                policy=site_policy(site["bucket_arn"], distribution.arn),
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
