"""Known vulnerabilities of the installed packages. Skipped, not passed, where the advisory service is unavailable."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from groundplan_devkit.state import PROJECT


def audited(requirements: str) -> list[dict[str, Any]]:
    """pip-audit's word on each locked package; skips the test when its source of advisories can't be reached, and with
    QUICK, which asks no service."""
    if os.environ.get("QUICK"):
        pytest.skip("NOT AUDITED: QUICK asks no service for advisories")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip_audit", "--requirement", str(PROJECT / requirements)),
            *("--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off", "--timeout", "15"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError):
        reason = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        pytest.skip(f"NOT AUDITED: the source of advisories can't be reached ({reason:.200})")
    assert found
    return found


def check_packages(requirements: str) -> None:
    """Fails with the vulnerable packages of a locked requirements file, and the versions that mend them."""
    packages = audited(requirements)
    vulnerable = {
        f"{package['name']} {package['version']}": [
            f"{each['id']}, mended in {', '.join(each['fix_versions']) or 'no version'}" for each in package["vulns"]
        ]
        for package in packages
        if package.get("vulns")
    }
    assert vulnerable == {}, "raise the pin in requirements.in (and services/requirements.in), then `make requirements`"
    unknown = {package["name"]: str(package["skip_reason"]) for package in packages if "skip_reason" in package}
    if unknown:
        first = next(iter(unknown.values()))
        pytest.skip(
            f"NOT AUDITED: {len(unknown)} of {len(packages)} packages, no answer from the service ({first:.120})"
        )
