"""A TLS certificate that AWS issues and renews, validated by DNS (S2)."""

import re
from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi_aws import acm, route53

from groundplan_components.shared.checks import require

VALIDATION_SECONDS = 60
"""TTL of a validation record."""
HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
MOST_NAMES = 10
"""Names on one certificate, by AWS's default quota: https://docs.aws.amazon.com/acm/latest/userguide/acm-limits.html"""
LONGEST_FIRST_NAME = 64


class CertificateArgs(TypedDict):
    domain: str
    """First name, for example `shop.example.com`."""
    alternative_names: NotRequired[list[str]]
    """Further names; `*.example.com` stands for every name one level below. Default: none."""
    hosted_zone_id: pulumi.Input[str]
    """Public zone that holds all the names."""
    region: NotRequired[str]
    """Region of the certificate; CloudFront requires `us-east-1`. Default: the provider's region."""


class Certificate(pulumi.ComponentResource):
    """A certificate, and its validation by DNS records."""

    arn: pulumi.Output[str]
    """Known once AWS has validated the certificate, so dependent resources wait for that."""

    def __init__(self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        names = [args["domain"], *args.get("alternative_names", [])]
        _check(name, names)
        super().__init__("groundplan:index:Certificate", name, {}, opts)
        region = args.get("region")
        inside = pulumi.ResourceOptions(parent=self)
        certificate = acm.Certificate(
            name,
            domain_name=args["domain"],
            subject_alternative_names=sorted(names[1:]),
            validation_method="DNS",
            region=region,
            tags={"Name": name},
            opts=inside,
        )
        records = []
        # A name and its wildcard have the same validation record.
        for domain in dict.fromkeys(each.removeprefix("*.") for each in names):
            option = certificate.domain_validation_options.apply(lambda known, domain=domain: proof_of(known, domain))
            records.append(
                route53.Record(
                    f"{name}-{domain}",
                    zone_id=args["hosted_zone_id"],
                    name=option["name"],
                    type=option["type"],
                    records=[option["value"]],
                    ttl=VALIDATION_SECONDS,
                    # The record depends on account and name only: another certificate may have created it already.
                    allow_overwrite=True,
                    opts=inside,
                )
            )
        validation = acm.CertificateValidation(
            name,
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn for record in records],
            region=region,
            opts=inside,
        )
        self.arn = validation.certificate_arn
        self.register_outputs({"arn": self.arn})


def proof_of(options: Sequence[Any], domain: str) -> dict[str, str]:
    """The validation record of ``domain``; AWS lists records in no fixed order."""
    for option in options:
        if option["domain_name"].removeprefix("*.") == domain:
            return {
                "name": option["resource_record_name"],
                "type": option["resource_record_type"],
                "value": option["resource_record_value"],
            }
    raise pulumi.RunError(f"the certificate authority names no record to prove {domain} by")


def _check(name: str, names: list[str]) -> None:
    who = f'Certificate "{name}"'
    require(
        len(set(names)) == len(names) <= MOST_NAMES,
        who,
        "alternative_names",
        names[1:],
        f"at most {MOST_NAMES - 1} names, none twice",
        "remove the second mention, or use a wildcard",
    )
    for each in names:
        require(
            HOST.fullmatch(each) is not None,
            who,
            "domain" if each == names[0] else "alternative_names",
            each,
            "a host name in small letters",
            "write it like shop.example.com, without scheme, port or path",
        )
    require(
        len(names[0]) <= LONGEST_FIRST_NAME,
        who,
        "domain",
        names[0],
        f"at most {LONGEST_FIRST_NAME} characters in the first name",
        "put a shorter name first",
    )
