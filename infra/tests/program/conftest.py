"""Graphs by name, for tests that are decorated by `infra.tests.program.graphs.on`."""

from __future__ import annotations

import pytest

from infra.tests.program.graphs import Graph, graph_of


@pytest.fixture
def graph(request: pytest.FixtureRequest) -> Graph:
    return graph_of(str(request.param))
