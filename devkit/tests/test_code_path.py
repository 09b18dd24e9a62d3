"""Processes of services find the project's own parts of the chassis before the library's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from groundplan_devkit import services


def test_own_parts_of_the_chassis_are_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "PROJECT", tmp_path)
    code = str(tmp_path / "services" / "user")
    assert services.code_environment("user")["PYTHONPATH"] == code
    (tmp_path / "chassis" / "groundplan_chassis").mkdir(parents=True)
    assert services.code_environment("user")["PYTHONPATH"].split(os.pathsep) == [code, str(tmp_path / "chassis")]
    (tmp_path / "chassis" / "pyproject.toml").write_text("")
    assert services.code_environment("user")["PYTHONPATH"] == code, "a checkout of the libraries"
