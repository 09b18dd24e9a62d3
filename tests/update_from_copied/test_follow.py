"""A project with copied libraries, 180 merges and 500 commits back: after its update it follows, and its rows move."""

from __future__ import annotations

import yaml

from groundplan.declaration.loader import load_system
from groundplan.document.data_model import ddl_of
from groundplan.following.agreement import disagreements
from groundplan.following.revisions import VERSIONS
from groundplan_devkit.servers import Postgres
from infra.tests.following.databases import catalogue, contents, emptied, fresh, insert
from tests.following.revisions import revisions_of, run
from tests.projects import commit_all, git
from tests.update_from_copied.conftest import Project

SERVICE = "order"
OURS = "\n\nOURS = 1\n"
EDITED = ("domain/order.py", "seed.py", "api/orders.py")
FILLED = '''\
"""Lines have whose they are."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("ALTER TABLE order_lines ADD COLUMN customer_id varchar(64)")
    op.execute(
        "UPDATE order_lines SET customer_id = orders.customer_id FROM orders WHERE orders.id = order_lines.order_id"
    )
    op.execute("ALTER TABLE order_lines ALTER COLUMN customer_id SET NOT NULL")


def downgrade() -> None:
    op.execute("ALTER TABLE order_lines DROP COLUMN customer_id")
'''
"""What the newer sample has in every row, and only the owner can fill."""


def declare(project: Project) -> None:
    declared = yaml.safe_load(project.read("system.yaml"))
    declared["services"][SERVICE]["resources"]["order"]["fields"]["gift_note"] = {"type": "text"}
    project.write("system.yaml", yaml.safe_dump(declared, sort_keys=False))


def test_its_rows_and_edits_come_after_a_changed_declaration(project: Project, postgres_server: Postgres) -> None:
    for path in EDITED:
        project.add(f"services/{SERVICE}/{SERVICE}_service/{path}", OURS)
    commit_all(project.folder, "Ours")
    before = load_system(project.folder / "system.yaml").services[SERVICE]
    ran = revisions_of(project.folder, SERVICE)
    with fresh(postgres_server) as connection:
        run(connection, project.folder, SERVICE, ran)
        for number in range(3):
            insert(connection, before, number)
        # The newer sample's constraint takes nothing else.
        connection.execute("UPDATE orders SET currency = 'EUR'")
        resource = before.resources["order"]
        rows = contents(connection, resource, "order", list(resource.fields))

        updated = project.make("update")
        assert updated.returncode == 0, updated.stdout + updated.stderr
        commit_all(project.folder, "Updated")
        declare(project)
        refused = project.make("follow")
        assert refused.returncode != 0
        assert "order_lines.customer_id" in refused.stderr
        project.write(f"services/{SERVICE}/{VERSIONS.as_posix()}/0002_filled.py", FILLED)
        git(project.folder, "add", "services")
        git(project.folder, "commit", "--quiet", "--message", "Filled")
        followed = project.make("follow")
        assert followed.returncode == 0, followed.stdout + followed.stderr
        for path in EDITED:
            assert project.read(f"services/{SERVICE}/{SERVICE}_service/{path}").endswith(OURS)
        assert "gift_note" in project.read(f"services/{SERVICE}/{SERVICE}_service/domain/order.py")
        system = load_system(project.folder / "system.yaml")
        assert disagreements(project.folder, system) == []

        newer = [path for path in revisions_of(project.folder, SERVICE) if path not in ran]
        run(connection, project.folder, SERVICE, newer)
        migrated = catalogue(connection)
        assert contents(connection, resource, "order", list(resource.fields)) == rows
        emptied(connection)
        connection.execute(ddl_of(SERVICE, system.services[SERVICE]))
        assert migrated == catalogue(connection)
