"""ACM."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundplan.cloud.item import Item
from groundplan.cloud.rules.registry import Broken, one_of, rule

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

CERTIFICATE = "aws:acm/certificate:Certificate"
_DOMAIN = r"(\*\.)?(?=.{1,253}$)([a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])"


@rule(CERTIFICATE)
def names(item: Item, _: Cloud) -> Iterator[Broken]:
    """Names are domain names, a wildcard only as the first label; the first name has at most 64 characters; ten in
    all by default.

    Source: ACM API, RequestCertificate; ACM quotas.
    """
    first = item.known("domainName")
    if isinstance(first, str) and len(first) > 64:
        yield Broken("domainName", "at most 64 characters", "put the long name among subject_alternative_names")
    paths = [("domainName", first)]
    paths += [
        (f"subjectAlternativeNames[{index}]", each) for index, each in enumerate(item.each("subjectAlternativeNames"))
    ]
    for path, name in paths:
        if isinstance(name, str) and re.fullmatch(_DOMAIN, name, re.IGNORECASE) is None:
            yield Broken(path, "a domain name, with a wildcard only as its first label", "for example *.example.com")
    if len({name for _, name in paths}) > 10:
        yield Broken(
            "subjectAlternativeNames", "at most ten names (a quota that can be raised)", "request another certificate"
        )
    if item.get("certificateBody") is None:
        if item.get("domainName") is None:
            yield Broken("domainName", "the name that the certificate is for", "set domain_name")
        yield from one_of(item, "validationMethod", "DNS", "EMAIL", "HTTP", "NONE")


@rule("aws:acm/certificateValidation:CertificateValidation")
def validation(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A validation waits for the records that the certificate asks for, each of which exists.

    Source: pulumi-aws, acm.CertificateValidation validationRecordFqdns; ACM user guide, DNS validation.
    """
    certificate = cloud.find(CERTIFICATE, item.known("certificateArn"))
    if certificate is None or item.get("validationRecordFqdns") is None:
        return
    given = item.get("validationRecordFqdns")
    if not isinstance(given, list) or len(item.each("validationRecordFqdns")) != len(given):
        return
    options = certificate.outputs.get("domainValidationOptions")
    wanted = {option["resourceRecordName"].rstrip(".") for option in options} if isinstance(options, list) else set()
    have = {str(each).rstrip(".") for each in given}
    for name in sorted(wanted - have):
        yield Broken(
            "validationRecordFqdns",
            f"the record {name} too",
            "create a record for each of domain_validation_options",
            sorted(have),
        )
    for name in sorted(have - wanted):
        yield Broken(
            "validationRecordFqdns",
            f"only records that the certificate asks for; {name} is none",
            "take the names from domain_validation_options",
            name,
        )
