"""A service on deprecated names runs on this chassis, and a warning says what replaces them."""

from __future__ import annotations

import pytest

from chassis.tests.caching import old_names
from chassis.tests.caching.clients import connected
from chassis.tests.http.shop import Orders, Stage
from groundplan_chassis.deprecation import ChassisDeprecationWarning
from groundplan_chassis.http.operations import Operation
from groundplan_devkit.testing import CacheUser


def test_an_operation_takes_peek_for_lookup() -> None:
    with pytest.warns(ChassisDeprecationWarning, match=r"0\.3: use Operation\(lookup=") as caught:
        get, create = old_names.operations(Orders())
    assert get.lookup is old_names.peek
    assert create.lookup is None
    assert {warning.filename for warning in caught} == {old_names.__file__}


def test_new_names_do_not_warn(recwarn: pytest.WarningsRecorder) -> None:
    with pytest.warns(ChassisDeprecationWarning):
        get, _ = old_names.operations(Orders())
    recwarn.clear()
    operation = Operation(kind="get", resource=get.resource, handler=get.handler, access=get.access, lookup=get.lookup)
    assert operation == get
    assert list(recwarn) == []


async def test_a_cached_item_is_answered_through_peek(cache_user: CacheUser) -> None:
    orders = Orders()
    order = orders.add()
    with pytest.warns(ChassisDeprecationWarning):
        operations = old_names.operations(orders)
    async with connected(cache_user) as valkey:
        stage = Stage(orders=orders, operations=operations, cache=valkey)
        with pytest.warns(ChassisDeprecationWarning, match=r"DocumentCache\.peek.*use DocumentCache\.lookup"):
            first, second = [await stage.client.get(f"/api/v1/orders/{order.id}") for _ in range(2)]
        assert first.status_code == 200
        assert first.json()["data"] == second.json()["data"]
        assert len(orders.calls) == 1, "the second answer comes from the cache"
