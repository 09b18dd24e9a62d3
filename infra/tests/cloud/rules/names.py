"""Certificates and DNS (S2)."""

from __future__ import annotations

from infra.tests.cloud.world import ABSENT, Case, Inputs, World

_CERTIFICATE = "aws:acm/certificate:Certificate"
_RECORD = "aws:route53/record:Record"


def certificate(_: World) -> Inputs:
    return {
        "domainName": "shop.example.com",
        "subjectAlternativeNames": ["*.shop.example.com"],
        "validationMethod": "DNS",
    }


def validation(world: World) -> Inputs:
    made = world.make(
        _CERTIFICATE,
        "cert",
        {
            "domainName": "shop.example.com",
            "subjectAlternativeNames": ["api.shop.example.com"],
            "validationMethod": "DNS",
        },
    )
    return {
        "certificateArn": made.arn,
        "validationRecordFqdns": [each["resourceRecordName"] for each in made.outputs["domainValidationOptions"]],
    }


def zone(world: World) -> str:
    return world.make("aws:route53/zone:Zone", "zone", {"name": "example.com"}).id


def record(world: World) -> Inputs:
    zone_id = zone(world)
    world.make(
        _RECORD,
        "there",
        {"zoneId": zone_id, "name": "old.example.com", "type": "CNAME", "ttl": 60, "records": ["shop.example.com"]},
    )
    return {"zoneId": zone_id, "name": "shop.example.com", "type": "A", "ttl": 300, "records": ["192.0.2.1"]}


CASES = (
    Case(
        "certificates.names",
        _CERTIFICATE,
        certificate,
        {"domainName": "shop.*.com"},
        "domainName",
        "a wildcard only as its first label",
    ),
    Case(
        "certificates.names",
        _CERTIFICATE,
        certificate,
        {"domainName": f"{'a' * 60}.example.com"},
        "domainName",
        "at most 64",
    ),
    Case(
        "certificates.names", _CERTIFICATE, certificate, {"validationMethod": "MAIL"}, "validationMethod", "DNS, EMAIL"
    ),
    Case(
        "certificates.validation",
        "aws:acm/certificateValidation:CertificateValidation",
        validation,
        {"validationRecordFqdns": []},
        "validationRecordFqdns",
        "api.shop.example.com too",
    ),
    Case(
        "certificates.validation",
        "aws:acm/certificateValidation:CertificateValidation",
        validation,
        {"validationRecordFqdns[2]": "x.example.com"},
        "validationRecordFqdns",
        "x.example.com is none",
    ),
    Case("dns.record", _RECORD, record, {"ttl": ABSENT}, "ttl", "may keep it"),
    Case("dns.record", _RECORD, record, {"records[0]": "shop.example.org"}, "records[0]", "an IPv4 address"),
    Case("dns.record", _RECORD, record, {"records": ABSENT}, "records", "either records or aliases"),
    Case("dns.record", _RECORD, record, {"setIdentifier": "blue"}, "setIdentifier", "no routing policy"),
    Case(
        "dns.record",
        _RECORD,
        record,
        {"name": "example.com", "type": "CNAME", "records": ["a.example.com"]},
        "type",
        "zone's apex",
    ),
    Case("dns.cname_alone", _RECORD, record, {"name": "old.example.com"}, "name", "one of the two is a CNAME"),
)
