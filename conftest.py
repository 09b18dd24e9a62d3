"""For all tests of this repository."""

from __future__ import annotations

import pytest

from groundplan.installation import contract


@pytest.fixture(autouse=True)
def _libraries_of_this_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Projects that tests make run on this checkout, which commands would name in every output."""
    monkeypatch.setattr(contract, "checkout_in_use", lambda _: None)
