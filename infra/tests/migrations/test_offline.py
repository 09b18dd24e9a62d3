"""SQL of migrations, as it is sent: read without a server."""

from __future__ import annotations

from pathlib import Path

from groundplan.migrations._offline import captured

REVISION = r"""
from alembic import op
import sqlalchemy as sa


def upgrade() -> None:
    op.execute(r"ALTER TABLE users ADD CONSTRAINT c CHECK (email ~ '^[a-z%&]+\:x$')")
    op.execute(sa.text("UPDATE users SET email = '100%' WHERE email LIKE :which").bindparams(which="a%"))
"""


def test_signs_that_other_styles_of_parameters_escape_are_as_they_are_written(tmp_path: Path) -> None:
    """A doubled one would be another constraint than the declared one, and `make follow` would write a migration."""
    revision = tmp_path / "0001_initial.py"
    revision.write_text(REVISION)
    sent = [text for text, _ in captured(revision)]
    assert "ALTER TABLE users ADD CONSTRAINT c CHECK (email ~ '^[a-z%&]+:x$');" in sent
    assert "UPDATE users SET email = '100%' WHERE email LIKE 'a%';" in sent
