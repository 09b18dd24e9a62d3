"""Names that services write are those that alarms, dashboards and saved queries read."""

from __future__ import annotations

from groundplan_chassis.observe import names
from groundplan_components.observability import _log_queries as log_queries
from groundplan_components.shared import metrics


def constants(module: object) -> dict[str, str]:
    return {name: value for name, value in vars(module).items() if name.isupper() and isinstance(value, str)}


def test_names_are_those_of_the_components() -> None:
    ours, theirs = constants(names), constants(metrics)
    # The gateway's own log is none of a service's.
    theirs.pop("ACCESS_LOG_STATUS")
    ours.pop("LOG_REQUEST")
    assert ours == theirs


def test_durations_have_their_units_and_counts_none() -> None:
    for name in constants(names).values():
        expected = "Milliseconds" if name.endswith("_ms") else "Seconds" if name.endswith("_seconds") else None
        assert names.UNITS.get(name) == expected


def test_saved_queries_ask_for_values_that_services_write() -> None:
    queries = " ".join(log_queries.service_queries().values())
    for value in (names.LOG_SLOW_QUERY, names.LOG_ACCESS_DENIED, names.LOG_AUDIT):
        assert f'{names.LOG_EVENT} = "{value}"' in queries
    assert f'{names.LOG_LEVEL} = "error"' in queries
