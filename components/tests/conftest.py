"""A component is tested alone: what it is given is taken to exist in the simulated account."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from groundplan.cloud import parts_alone


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    with parts_alone():
        yield
