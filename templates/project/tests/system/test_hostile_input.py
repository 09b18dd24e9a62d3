"""What attackers send is refused in the error envelope, and changes nothing (R4, S3, S4, S6)."""

from __future__ import annotations

import pytest

from groundplan.declaration.model import System
from groundplan_devkit.apis import Api, Sign
from groundplan_devkit.checks.hostile_input import BODIES, Attacker


@pytest.fixture(scope="module")
def attacker(declared: System, apis: list[Api], sign: Sign) -> Attacker:
    return Attacker(declared, apis, sign)


@pytest.mark.parametrize("kind", BODIES)
def test_bodies(attacker: Attacker, kind: str) -> None:
    attacker.bodies_are_refused(kind)


def test_injection_through_lists(attacker: Attacker) -> None:
    attacker.injections_find_nothing()


def test_injection_leaves_no_line_of_its_own_in_the_log(attacker: Attacker) -> None:
    attacker.log_lines_are_not_forged()


def test_tokens(attacker: Attacker) -> None:
    """S3"""
    attacker.tokens_are_refused()


def test_scopes_and_roles(attacker: Attacker) -> None:
    """S4: deny by default."""
    attacker.scopes_and_roles_are_needed()


def test_paths_and_methods(attacker: Attacker) -> None:
    attacker.unknown_paths_and_methods_are_refused()
