"""What the devkit's tests share."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundplan.declaration.model import System
from groundplan_devkit.processes import ServerProcess

SHOP: dict[str, Any] = {
    "name": "shop",
    "identity": {"roles": ["customer", "admin"]},
    "services": {
        "order": {
            "cqrs": True,
            "read_share": 0.9,
            "resources": {
                "order": {
                    "owner": "customer_id",
                    "cache": {"invalidation": "event", "seconds": 60},
                    "fields": {
                        "customer_id": {"type": "string", "required": True, "indexed": True},
                        "status": {"type": "enum", "values": ["placed", "paid"], "required": True},
                    },
                    "operations": {"list": ["customer:own", "admin"], "get": ["admin"], "create": ["customer"]},
                }
            },
            "publishes": ["order.placed"],
            "consumes": ["payment.settled"],
        },
        "card-payment": {
            "read_share": 0.5,
            "resources": {
                "payment": {
                    "fields": {"amount": {"type": "decimal", "required": True}},
                    "operations": {"list": ["admin"], "create": ["admin"]},
                }
            },
            "publishes": ["payment.settled"],
            "consumes": ["order.placed"],
        },
    },
}
"""Both kinds of workload, a cache, events in both directions, a name with a hyphen."""


def shop(*, broker: str = "kafka", **of_order: Any) -> System:
    """The sample, with the order service changed."""
    declared = copy.deepcopy(SHOP)
    declared["events"] = {"broker": broker}
    declared["services"]["order"] |= of_order
    return System.model_validate(declared)


SLEEP = "import time; print('began', flush=True); time.sleep(600)"


class Children:
    """Processes of a test, which end with it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __call__(self, code: str = SLEEP, *, name: str = "child", **more: Any) -> ServerProcess:
        return ServerProcess(name=name, command=[sys.executable, "-c", code], directory=str(self.directory), **more)


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Children]:
    yield Children(tmp_path)
    for process in ServerProcess.all_in(tmp_path):
        process.kill()
