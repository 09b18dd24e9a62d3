"""Certificate authorities for TLS clients: the public ones, which AWS's endpoints use, and those of RDS (S2)."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

import certifi

RDS_AUTHORITIES: Final = Path(__file__).with_name("rds_authorities.pem")
"""RDS's root certificates, which operating systems don't have: the file `database/_authorities.pem` of
`groundplan_components`."""


def tls_context(trust_file: Path | None = None) -> ssl.SSLContext:
    """A client's context that checks certificate and host name.

    ``trust_file`` (PEM) replaces all known authorities; it is `Settings.trust_file`, which only local use may set.
    """
    if trust_file is not None:
        context = ssl.create_default_context(cafile=str(trust_file))
    else:
        context = ssl.create_default_context(cafile=certifi.where())
        context.load_verify_locations(cafile=str(RDS_AUTHORITIES))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
