"""Import contracts of pyproject.toml: services stand alone, and each has its layers (A1, A2)."""

from __future__ import annotations

from groundplan_devkit.checks import layers


def test_imports_keep_to_the_rules() -> None:
    layers.check_contracts()


def test_every_service_has_its_rules() -> None:
    assert layers.without_layers() == set()
