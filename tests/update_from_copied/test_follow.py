"""A project with copied libraries, 180 merges and 500 commits back: after its update it follows, and its rows move."""

from __future__ import annotations

import yaml

from groundplan.declaration.loader import load_system
from groundplan.document.data_model import ddl_of
from groundplan.following.agreement import disagreements
from groundplan_devkit.servers import Postgres
from infra.tests.following.databases import catalogue, contents, emptied, fresh, insert
from tests.following.revisions import revisions_of, run
from tests.projects import commit_all
from tests.update_from_copied.conftest import Project

SERVICE = "order"
OURS = "\n\nOURS = 1\n"
EDITED = ("domain/order.py", "seed.py", "api/orders.py")


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
        resource = before.resources["order"]
        rows = contents(connection, resource, "order", list(resource.fields))

        updated = project.make("update")
        assert updated.returncode == 0, updated.stdout + updated.stderr
        commit_all(project.folder, "Updated")
        declared = yaml.safe_load(project.read("system.yaml"))
        declared["services"][SERVICE]["resources"]["order"]["fields"]["gift_note"] = {"type": "text"}
        project.write("system.yaml", yaml.safe_dump(declared, sort_keys=False))
        followed = project.make("follow")
        assert followed.returncode == 0, followed.stdout + followed.stderr
        for path in EDITED:
            assert project.read(f"services/{SERVICE}/{SERVICE}_service/{path}").endswith(OURS)
        assert "gift_note" in project.read(f"services/{SERVICE}/{SERVICE}_service/domain/order.py")
        system = load_system(project.folder / "system.yaml")
        assert disagreements(project.folder, system) == []

        run(
            connection,
            project.folder,
            SERVICE,
            [path for path in revisions_of(project.folder, SERVICE) if path not in ran],
        )
        migrated = catalogue(connection)
        assert contents(connection, resource, "order", list(resource.fields)) == rows
        emptied(connection)
        connection.execute(ddl_of(SERVICE, system.services[SERVICE]))
        assert migrated == catalogue(connection)
