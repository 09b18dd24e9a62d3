"""The services' code and the program that deploys it mean the same things by the same names."""

from __future__ import annotations

import pytest

from groundplan.declaration.model import System
from groundplan_chassis.http import headers
from groundplan_components.shared import VIEWER_HEADER
from groundplan_devkit.checks import pods
from tests.conftest import deployed


def test_roles_that_operations_ask_for_are_groups_of_the_user_pool(system: System, stack: str) -> None:
    """S4"""
    pods.check_groups(system, deployed(stack))


def test_topics_that_pods_are_told_are_those_of_the_code(system: System, stack: str) -> None:
    """A3"""
    pods.check_topics(system, deployed(stack))


@pytest.mark.parametrize("probe", pods.PROBES)
def test_probes_ask_where_the_chassis_answers(system: System, stack: str, probe: str) -> None:
    pods.check_probe(system, deployed(stack), probe)


def test_what_pods_are_given_is_what_the_chassis_reads(system: System, stack: str) -> None:
    pods.check_settings(system, deployed(stack), stack)


def test_a_variable_that_is_no_longer_given_is_missed(stack: str) -> None:
    pods.check_missing_settings(deployed(stack))


def test_the_client_is_known_by_the_header_that_the_edge_writes() -> None:
    """S7"""
    assert headers.VIEWER.decode() == VIEWER_HEADER
