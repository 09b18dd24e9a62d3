"""The services' code and `system.yaml` agree: after a change of one, a failure names what the other lacks.

What only the code has is a mistake as much: the gateway, the plan and the documents come from the declaration.
"""

from __future__ import annotations

import pytest

from groundplan.cli.openapi import coded
from groundplan.declaration.model import System
from groundplan_devkit.checks.agreement import Agreement
from groundplan_devkit.state import PROJECT


@pytest.fixture(params=[service for service, _ in coded(PROJECT)])
def service(request: pytest.FixtureRequest, system: System) -> Agreement:
    return Agreement.of(str(request.param), system)


def test_a_service_is_called_as_it_is_declared(service: Agreement) -> None:
    service.check_name_and_package()


def test_the_document_is_what_the_code_answers(service: Agreement) -> None:
    """`openapi.json`, which clients rely on."""
    service.check_document()


def test_operations_and_who_may_do_them(service: Agreement) -> None:
    """R1, S4"""
    service.check_operations()


def test_paths_and_owners(service: Agreement) -> None:
    service.check_paths_and_owners()


def test_fields(service: Agreement) -> None:
    """What a client may say, and what it is answered."""
    service.check_fields()


def test_who_may_write_which_field(service: Agreement) -> None:
    """S9"""
    service.check_authority()


def test_lists_are_filtered_and_sorted_by_what_is_declared(service: Agreement) -> None:
    """R2, D1"""
    service.check_filters_and_sorts()


def test_samples_have_every_field(service: Agreement) -> None:
    service.check_samples()


def test_events(service: Agreement) -> None:
    """A3"""
    service.check_events()


def test_read_models(service: Agreement) -> None:
    """A4"""
    service.check_read_models()


def test_caches(service: Agreement) -> None:
    """C2, C3"""
    service.check_caches()


def test_personal_data_is_known_as_such(service: Agreement) -> None:
    """S5"""
    service.check_personal_fields()
