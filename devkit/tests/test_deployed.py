"""Which deployment the tests of a service get."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from groundplan_devkit import deployed
from groundplan_devkit.deployed import NewDeployment
from groundplan_devkit.state import PROJECT


def test_tests_of_one_service_share_one_and_the_next_service_gets_another() -> None:
    told: list[str] = []

    @contextmanager
    def made() -> Iterator[str]:
        name = f"deployment {len(told)}"
        told.append(f"{name} begins")
        yield name
        told.append(f"{name} ends")

    shared = deployed._OfOneService(cast(NewDeployment, made))
    found: list[Any] = [shared.of(service) for service in ("order", "order", "user", "order")]
    shared.end()
    assert found[0] == found[1]
    assert len(set(found)) == 3
    assert told == [
        *("deployment 0 begins", "deployment 0 ends"),
        *("deployment 2 begins", "deployment 2 ends"),
        *("deployment 4 begins", "deployment 4 ends"),
    ]


def test_the_folder_says_which_service_it_is() -> None:
    test = PROJECT / "services/my-order/my_order_service/tests/integration/test_orders.py"
    assert deployed._service_of(test) == "my-order"


def test_a_test_elsewhere_is_told_what_to_use() -> None:
    with pytest.raises(pytest.fail.Exception, match="use `new_deployment`, and deploy services by their names"):
        deployed._service_of(PROJECT / "tests/system/test_shop.py")
