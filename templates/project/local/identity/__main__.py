"""Runs the provider; `local/servers/identity.py` starts it."""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn

from chassis.connection import BoundedProtocol
from local.identity.keys import KeyRing
from local.identity.provider import Provider
from local.identity.tokens import Issuer
from local.ports import HOST


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.identity", description=__doc__)
    parser.add_argument("--keys", type=Path, required=True)
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--system", required=True)
    parser.add_argument("--role", action="append", default=[])
    parser.add_argument("--token-seconds", type=int, required=True)
    given = parser.parse_args()
    provider = Provider(Issuer(given.issuer, KeyRing(given.keys)), given.system, given.role, given.token_seconds)
    uvicorn.run(
        provider.app(),
        host=HOST,
        port=given.port,
        http=BoundedProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
    )


if __name__ == "__main__":
    main()
