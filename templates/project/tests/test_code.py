"""Checks of the code, the images and the installed packages, besides what formatter, linter and type checker find."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundplan_devkit.checks import advisories, dockerfiles, layers, pins, replays


def test_imports_keep_to_the_rules() -> None:
    """A1, A2: the import contracts of pyproject.toml."""
    layers.check_contracts()


def test_every_service_has_its_rules() -> None:
    assert layers.without_layers() == set()


def test_nothing_follows_a_create_that_may_be_a_replay() -> None:
    """R1: the answer to a repeated POST is all that there is of it."""
    assert replays.found() == []


@pytest.fixture(params=dockerfiles.DOCKERFILES)
def dockerfile(request: pytest.FixtureRequest) -> Path:
    return dockerfiles.DOCKERFILES[request.param]


def test_hadolint_finds_nothing(dockerfile: Path) -> None:
    assert dockerfiles.lint(dockerfile) == ""


def test_an_image_is_what_a_pod_expects(dockerfile: Path) -> None:
    """P3"""
    dockerfiles.check_runtime(dockerfile)


def test_an_image_installs_only_what_is_locked(dockerfile: Path) -> None:
    """P3"""
    dockerfiles.check_installation(dockerfile)


def test_an_image_holds_wheels_and_its_own_service_only(dockerfile: Path) -> None:
    dockerfiles.check_context(dockerfile)


def test_images_install_what_the_project_tests_with() -> None:
    pins.check_same_versions()


@pytest.mark.parametrize("folder", ["", "services"])
def test_what_is_asked_for_is_locked_with_hashes(folder: str) -> None:
    pins.check_lock(folder)


def test_images_hold_nothing_that_only_development_needs() -> None:
    assert pins.only_for_development() == set()


def test_what_is_imported_is_asked_for() -> None:
    """A package that comes only because another needs it may be gone with that one's next version."""
    assert pins.not_asked_for("services", "tests") == set()


# Both ask the same source.
@pytest.mark.xdist_group("advisories")
@pytest.mark.parametrize("requirements", ["services/requirements.txt", "requirements.txt"])
def test_nothing_that_is_installed_is_known_to_be_vulnerable(requirements: str) -> None:
    """Skipped, not passed, where the advisory service is unavailable."""
    advisories.check_packages(requirements)
