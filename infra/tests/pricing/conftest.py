"""Simulated programs by name, as the tests of the program have them."""

from infra.tests.program.conftest import graph

__all__ = ["graph"]
