"""Known vulnerabilities of the installed packages. Skipped, not passed, where the advisory service is unavailable."""

from __future__ import annotations

import pytest

from groundplan_devkit.checks import advisories


# Both ask the same source.
@pytest.mark.xdist_group("advisories")
@pytest.mark.parametrize("requirements", ["services/requirements.txt", "requirements.txt"])
def test_nothing_that_is_installed_is_known_to_be_vulnerable(requirements: str) -> None:
    advisories.check_packages(requirements)
