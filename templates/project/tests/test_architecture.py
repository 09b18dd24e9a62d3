"""`ARCHITECTURE.md` says what is planned and declared today (O1); `make plan` brings it up to date."""

from __future__ import annotations

from infra.commands.plan import plan_project
from tests.conftest import PROJECT


def test_the_document_is_up_to_date() -> None:
    assert plan_project(PROJECT, check=True, quiet=True) == 0
