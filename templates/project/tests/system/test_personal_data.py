"""Personal data is where it is declared to be and nowhere else (S5).

Declared places: the resource's own table, its read model and its copies in the cache; for a day the answer that an
idempotency key stands for; and answers to callers who may read the row. Once the person is erased, there is no place.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from groundplan_devkit.checks import personal_data
from groundplan_devkit.checks.personal_data import Stage
from groundplan_devkit.deployed import NewDeployment


@pytest.fixture(scope="module")
def stage(new_deployment: NewDeployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The services after clients have used them, with everything logged that can be."""
    with personal_data.stage(new_deployment, tmp_path_factory.mktemp("event-log")) as ready:
        yield ready


def test_personal_data_is_found_where_it_is_declared_and_nowhere_else(stage: Stage) -> None:
    personal_data.check_places(stage)


def test_a_leak_is_found_on_every_path(stage: Stage) -> None:
    personal_data.check_search(stage)


def test_nothing_is_left_of_an_erased_person(stage: Stage) -> None:
    personal_data.check_erasure(stage)
