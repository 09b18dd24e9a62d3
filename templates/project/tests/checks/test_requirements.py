"""What is installed is pinned with hashes, the same in images and in the project's environment."""

from __future__ import annotations

import pytest

from groundplan_devkit.checks import pins


def test_services_get_what_the_project_tests_with() -> None:
    pins.check_same_versions()


@pytest.mark.parametrize("folder", ["", "services"])
def test_what_is_asked_for_is_locked_with_hashes(folder: str) -> None:
    pins.check_lock(folder)


def test_images_hold_nothing_that_only_development_needs() -> None:
    assert pins.only_for_development() == set()


def test_what_is_imported_is_asked_for() -> None:
    """A package that comes only because another needs it may be gone with that one's next version."""
    assert pins.not_asked_for("services", "tests") == set()
