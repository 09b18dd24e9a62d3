"""Components are tested alone: the simulated account contains the resources that their arguments name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from groundplan.cloud import parts_alone


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    with parts_alone():
        yield
