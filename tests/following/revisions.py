"""A project's own revisions, run on a database as Alembic would."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from groundplan.following.revisions import VERSIONS, in_order
from groundplan.migrations.judging import sql_of
from groundplan.migrations.statements import statements_of
from infra.tests.following.databases import Connection


def revisions_of(project: Path, service: str) -> list[Path]:
    """In the order in which they run; those that wait are not among them."""
    folder = project / "services" / service
    return [folder / VERSIONS / each.name for each in in_order(folder)]


def run(connection: Connection, project: Path, service: str, paths: Sequence[Path]) -> None:
    sent = sql_of(project, {service: paths})
    for path in paths:
        for statement in statements_of(sent[str(path)]):
            connection.execute(statement.sql)
