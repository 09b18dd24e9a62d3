from __future__ import annotations

from infra.tests.program.conftest import graph

__all__ = ["graph"]
