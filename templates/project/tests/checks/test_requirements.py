"""What is installed is pinned with hashes, the same in images and in the project's environment."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

PIN = re.compile(r"([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?==([^\s;]+)")


def wanted(path: Path) -> dict[str, str]:
    """What a person asks for: version by name."""
    found = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            pin = PIN.match(line)
            assert pin is not None, f"{path.name}: {line} is not pinned"
            found[pin[1].lower().replace("_", "-")] = pin[2]
    return found


def locked(path: Path) -> dict[str, str]:
    """All that is installed: version by name."""
    return {pin[1].lower(): pin[2] for line in path.read_text().splitlines() if (pin := PIN.match(line))}


def test_services_get_what_the_project_tests_with() -> None:
    services, project = wanted(PROJECT / "chassis/requirements.in"), wanted(PROJECT / "requirements.in")
    assert services.items() <= project.items()
    images, environment = locked(PROJECT / "chassis/requirements.txt"), locked(PROJECT / "requirements.txt")
    assert {name: version for name, version in images.items() if environment.get(name) != version} == {}


@pytest.mark.parametrize("folder", ["", "chassis"])
def test_what_is_asked_for_is_what_is_locked(folder: str) -> None:
    asked, found = wanted(PROJECT / folder / "requirements.in"), locked(PROJECT / folder / "requirements.txt")
    assert {name: version for name, version in asked.items() if found.get(name) != version} == {}


@pytest.mark.parametrize("folder", ["", "chassis"])
def test_every_package_has_hashes_and_no_file_an_address(folder: str) -> None:
    text = (PROJECT / folder / "requirements.txt").read_text()
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", text)[1:]
    assert blocks
    for block in blocks:
        assert "--hash=sha256:" in block, block.splitlines()[0]
    assert not re.search(r"(?i)://|--index|--find-links|--trusted-host", text)


def test_images_hold_nothing_that_only_development_needs() -> None:
    images = locked(PROJECT / "chassis/requirements.txt")
    assert not images.keys() & {"pulumi", "pytest", "mypy", "moto", "copier", "pydantic", "ruff", "schemathesis"}


def test_the_chassis_imports_what_it_asks_for() -> None:
    """A package that comes only because another needs it may be gone with that one's next version."""
    import_names = {
        "aws-msk-iam-sasl-signer-python": "aws_msk_iam_sasl_signer",
        "opentelemetry-sdk": "opentelemetry",
        "opentelemetry-exporter-otlp-proto-http": "opentelemetry",
        "pyjwt": "jwt",
        "psycopg-binary": "psycopg",
    }
    asked = {import_names.get(name, name.replace("-", "_")) for name in wanted(PROJECT / "chassis/requirements.in")}
    # aiobotocore is built on botocore, pins it, and raises its errors.
    asked |= {"botocore"}
    imported = {
        found[1]
        for path in (PROJECT / "chassis").rglob("*.py")
        for found in re.finditer(r"(?m)^\s*(?:import|from)\s+([A-Za-z_][A-Za-z0-9_]*)", path.read_text())
    }
    assert imported - asked - set(sys.stdlib_module_names) - {"chassis"} == set()
