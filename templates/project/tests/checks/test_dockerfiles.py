"""Services' Dockerfiles, by hadolint and by what this project asks of its images (P3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundplan_devkit.checks import dockerfiles


@pytest.fixture(params=dockerfiles.DOCKERFILES)
def dockerfile(request: pytest.FixtureRequest) -> Path:
    return dockerfiles.DOCKERFILES[request.param]


def test_hadolint_finds_nothing(dockerfile: Path) -> None:
    assert dockerfiles.lint(dockerfile) == ""


def test_an_image_is_what_a_pod_expects(dockerfile: Path) -> None:
    dockerfiles.check_runtime(dockerfile)


def test_an_image_installs_only_what_is_locked(dockerfile: Path) -> None:
    dockerfiles.check_installation(dockerfile)


def test_an_image_holds_wheels_and_its_own_service_only(dockerfile: Path) -> None:
    dockerfiles.check_context(dockerfile)
