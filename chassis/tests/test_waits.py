"""The README's table of waits has the code's figures, and every time-out towards a database."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from groundplan_chassis.database import limits

README = Path(__file__).resolve().parents[1] / "README.md"
ROW = re.compile(r"^\| .+ \| (?P<seconds>[\d.]+) \| `(?P<module>[\w.]+)\.(?P<name>[A-Z_]+)` \|$", re.MULTILINE)
NO_WAIT_OF_A_REQUEST = {
    "IDLE_IN_TRANSACTION_SECONDS",
    "CONNECTION_LIFE_SECONDS",
    "IDLE_SECONDS",
    "REST_SECONDS",
    "LONGEST_REST_SECONDS",
}


def test_waits_are_as_long_as_they_are_said_to_be() -> None:
    said = {(row["module"], row["name"]): float(row["seconds"]) for row in ROW.finditer(README.read_text())}
    coded = {
        (module, name): float(getattr(importlib.import_module(f"groundplan_chassis.{module}"), name))
        for module, name in said
    }
    assert said == coded
    of_databases = {name for name in vars(limits) if name.endswith("_SECONDS")} - NO_WAIT_OF_A_REQUEST
    assert {name for module, name in said if module == "database.limits"} == of_databases


def test_a_frozen_server_is_known_before_its_clients_give_up() -> None:
    assert limits.SUSPICIOUS_SECONDS + limits.PROBE_SECONDS < limits.RETRY_SECONDS
    assert limits.PROBE_LOGIN_SECONDS <= limits.PROBE_SECONDS - 0.5
    assert limits.CONNECT_SECONDS < limits.ACQUIRE_SECONDS <= limits.RETRY_SECONDS
    assert limits.LOCK_SECONDS < limits.STATEMENT_SECONDS < limits.COMMAND_SECONDS
