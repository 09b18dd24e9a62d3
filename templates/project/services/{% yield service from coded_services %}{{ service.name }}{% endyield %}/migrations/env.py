"""Alembic's way in; `python -m <package> migrate` comes through here on every shard."""

from __future__ import annotations

from groundplan_chassis.database.migrations import run

run()
