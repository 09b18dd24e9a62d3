"""What services' migrations would do to a database in use, told before they run, without a server (ADR 18)."""

from __future__ import annotations

from groundplan.migrations.judging import judged

__all__ = ["judged"]
