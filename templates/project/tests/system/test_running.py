"""Processes of this project's own services on real servers: what they tell of themselves, and how they leave."""

from __future__ import annotations

import pytest

from groundplan.declaration.model import System
from groundplan_devkit.checks import processes
from groundplan_devkit.provision import Installation
from groundplan_devkit.testing import Running, Token


@pytest.mark.parametrize("service", ["first", "last"])
def test_every_role_is_ready_and_leaves_in_order(
    service: str, system: System, installation: Installation, running: Running
) -> None:
    name = list(system.services)[0 if service == "first" else -1]
    processes.check_start_and_stop(name, installation, running)


async def test_a_stop_under_load_fails_no_request(system: System, installation: Installation, running: Running) -> None:
    """T4"""
    await processes.check_stop_under_load(next(iter(system.services)), installation, running)


def test_a_token_never_reaches_the_log(
    system: System, installation: Installation, running: Running, token: Token
) -> None:
    processes.check_log_without_secrets(next(iter(system.services)), installation, running, token)
