"""Alembic's entry point, used by `python -m <package> migrate` on every shard."""

from __future__ import annotations

from groundplan_chassis.database.migrations import run

run()
