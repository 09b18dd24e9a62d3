"""S2: clients can verify a database's certificate in each region that stacks may name."""

import ssl

import pulumi
import pytest

from groundplan_components.database import authority


@pytest.mark.parametrize("region", ["eu-central-1", "us-east-1", "ap-southeast-2"])
def test_s2_a_region_has_its_own_root_certificate(region: str) -> None:
    (root,) = ssl.create_default_context(cadata=authority(region)).get_ca_certs()
    assert (("commonName", f"Amazon RDS {region} Root CA RSA2048 G1"),) in root["subject"]
    assert str(root["notAfter"]).split()[3] in {"2061", "2062"}


def test_a_region_without_certificate_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match="region is 'cn-north-1'"):
        authority("cn-north-1")
