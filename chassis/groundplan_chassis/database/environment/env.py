"""Alembic's migration environment of each service that has none of its own."""

from __future__ import annotations

from groundplan_chassis.database.migrations import run

run()
