"""Runs the provider; `groundplan_devkit.servers.identity` starts it."""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn

from groundplan_chassis.connection import BoundedProtocol
from groundplan_devkit.identity.keys import KeyRing
from groundplan_devkit.identity.provider import Provider
from groundplan_devkit.identity.tokens import Issuer
from groundplan_devkit.ports import HOST


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m groundplan_devkit.identity", description=__doc__)
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
