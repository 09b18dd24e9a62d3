from __future__ import annotations

from tests.program.conftest import graph

__all__ = ["graph"]
