"""The services' migrations make the tables that the declaration says, and take them away again (D1, D2, A3, A4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundplan.cli.openapi import coded
from groundplan_devkit.checks import schemas
from groundplan_devkit.provision import Installation
from groundplan_devkit.state import PROJECT
from groundplan_devkit.testing import FreshDatabase


@pytest.mark.parametrize("service", [service for service, _ in coded(PROJECT)])
def test_migrations_make_what_is_declared_and_take_it_away(
    service: str, installation: Installation, database: FreshDatabase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    schemas.check_migrations(service, installation, database, monkeypatch, tmp_path)
