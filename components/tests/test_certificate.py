"""Certificates (S2)."""

from __future__ import annotations

from typing import Any

import pulumi_aws as aws
import pytest

from components.tests.ingress_samples import ZONE, one, refusal, simulated
from groundplan.cloud import Simulation
from groundplan_components.edge import Certificate, CertificateArgs
from groundplan_components.edge.certificate import proof_of

RECORD = "aws:route53/record:Record"


def certificate_args(**changed: Any) -> CertificateArgs:
    args: Any = {"domain": "shop.example.com", "hosted_zone_id": ZONE, **changed}
    return args  # type: ignore[no-any-return]


def build(**changed: Any) -> Simulation:
    return simulated(lambda: Certificate("shop", certificate_args(**changed)))


def test_s2_each_name_is_proved_by_dns() -> None:
    simulation = build(alternative_names=["api.shop.example.com"])
    certificate = one(simulation, "aws:acm/certificate:Certificate")
    assert certificate.inputs["validationMethod"] == "DNS"
    assert certificate.inputs["subjectAlternativeNames"] == ["api.shop.example.com"]
    records = simulation.of_type(RECORD)
    assert len(records) == 2
    options = {each["domainName"]: each for each in certificate.outputs["domainValidationOptions"]}
    for record, domain in zip(records, ("shop.example.com", "api.shop.example.com"), strict=True):
        assert record.inputs["zoneId"] == ZONE
        assert record.inputs["records"] == [options[domain]["resourceRecordValue"]]


def test_s2_users_of_the_certificate_wait_until_it_is_valid() -> None:
    def program() -> None:
        aws.ssm.Parameter("user", type="String", value=Certificate("shop", certificate_args()).arn)

    simulation = simulated(program)
    validation = one(simulation, "aws:acm/certificateValidation:CertificateValidation")
    certificate = one(simulation, "aws:acm/certificate:Certificate")
    assert validation.inputs["certificateArn"] == certificate.outputs["arn"]
    assert validation.dependencies >= {one(simulation, RECORD).urn}
    user = one(simulation, "aws:ssm/parameter:Parameter")
    assert user.inputs["value"] == certificate.outputs["arn"]
    assert user.dependencies >= {validation.urn}


def test_a_name_and_its_wildcard_share_one_record() -> None:
    assert len(build(alternative_names=["*.shop.example.com"]).of_type(RECORD)) == 1


def test_cloudfronts_certificate_lives_in_its_region() -> None:
    simulation = build(region="us-east-1")
    for token in ("aws:acm/certificate:Certificate", "aws:acm/certificateValidation:CertificateValidation"):
        assert one(simulation, token).region == "us-east-1"


def test_a_validation_record_of_another_domain_is_an_error() -> None:
    with pytest.raises(Exception, match=r"no record to prove b\.example\.com by"):
        proof_of([{"domain_name": "a.example.com"}], "b.example.com")


@pytest.mark.parametrize(
    ("changed", "argument", "expected"),
    [
        ({"domain": "https://shop.example.com"}, "domain", "a host name"),
        ({"domain": "shop"}, "domain", "a host name"),
        ({"domain": f"{'a' * 60}.example.com"}, "domain", "at most 64 characters"),
        ({"alternative_names": ["Shop.example.com"]}, "alternative_names", "a host name in small letters"),
        ({"alternative_names": ["shop.example.com"]}, "alternative_names", "none twice"),
        ({"alternative_names": [f"n{i}.example.com" for i in range(10)]}, "alternative_names", "at most 9 names"),
    ],
)
def test_wrong_names_are_refused(changed: dict[str, Any], argument: str, expected: str) -> None:
    message = refusal(lambda: Certificate("shop", certificate_args(**changed)))
    assert f'Certificate "shop": {argument} is ' in message
    assert expected in message
