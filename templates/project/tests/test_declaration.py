"""`system.yaml` is whole, and editors know how to check it."""

from __future__ import annotations

from groundplan.capacity import check_shards
from groundplan.declaration.model import System


def test_the_declaration_has_no_mistakes(system: System) -> None:
    assert system.services


def test_services_with_much_data_declare_their_shards(system: System) -> None:
    """D3"""
    assert check_shards(system) == []
