from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from chassis.tests.http.shop import Stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    found = Stage()
    async with found.client:
        yield found
