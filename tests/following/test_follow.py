"""`make follow` on a project whose owner has edited beside every generated line (U7)."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from groundplan.cli import contracts, plan, up
from groundplan.cli.follow import main
from groundplan.cli.refresh import write_tables
from groundplan.declaration.loader import load_system
from groundplan.following.agreement import disagreements
from groundplan.following.revisions import in_order
from groundplan.migrations import judged
from infra.tests.following.samples import changed, changes, system_of, values
from tests.following.edits import PACKAGE, check_code, declare, lost, older_tables
from tests.projects import commit_all, git

NAMES = (
    "a required enum with a default more",
    "an optional field less",
    "a unique field renamed",
    "a service more",
    "a second version of a small API, and the end of the first",
)
PUBLISHED = ("item.created", "item.updated", "item.deleted")
SEVERAL = [each for each in changes() if each["is"] in NAMES]


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_declaration_is_followed_in_two_releases(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = git(project, "status", "--porcelain")
    assert main(["--dry-run"]) == 0
    assert "Nothing to do" in capsys.readouterr().out

    declare(project, *SEVERAL)
    assert main(["--dry-run", "--json"]) == 0
    shown = document(capsys)
    assert not shown["applied"]
    assert '+        "size": FieldRule(default=ItemItemSize.SMALL),' in shown["diff"]
    assert git(project, "status", "--porcelain") == before + " M system.yaml\n"

    assert main(["--json"]) == 0
    done = document(capsys)
    assert done["applied"]
    assert {change["takes"] for change in done["changes"]} == {"one release", "two releases"}
    assert [Path(path).name for path in done["waiting"]] == ["01_supplier_city_and_more_end.py"]
    assert done["conflicted"] == []
    assert lost(project) == []
    check_code(project, "catalogue")
    assert disagreements(project, load_system(project / "system.yaml")) == []
    answered = json.loads((project / "services/catalogue/openapi.json").read_text())
    body, paths = answered["components"]["schemas"]["ItemBody"], answered["paths"]
    assert "sku" in body["properties"]
    assert "notes" not in body["properties"]
    assert "Default: `small`." in body["properties"]["size"]["description"]
    assert "size" not in body["required"]
    first, second = (paths[f"/api/{version}/suppliers"]["get"] for version in ("v1", "v2"))
    assert (first["deprecated"], first["x-sunset"], "deprecated" in second) == (True, "2027-06-01", False)
    assert "sku varchar(40)" in (project / "ARCHITECTURE.md").read_text()

    assert (project / "services/depot/migrations/versions/0001_initial.py").is_file()
    assert '"label"' in (project / "services/depot/openapi.json").read_text()

    assert main([]) == 1, "what was followed is to be committed before the next change"
    assert "not clean" in capsys.readouterr().err
    assert main(["--finish"]) == 1, "no one can run what isn't committed"
    assert "migrations that were committed" in capsys.readouterr().err
    commit_all(project, "First release")
    assert contracts.main(["--against", "HEAD~1", "--json"]) == 1
    told = document(capsys)["changes"]
    assert {"item.created", "catalogue"} == {
        each["contract"] for each in told if each["breaks"] and "code" in each["place"]
    } - {
        "item.updated",
        "item.deleted",
    }
    assert contracts.main(["--against", "HEAD"]) == 0
    capsys.readouterr()
    assert main(["--json"]) == 0
    assert document(capsys)["changes"] == []
    declare(project, next(each for each in changes() if each["is"] == "a longer string"))
    assert main([]) == 1, "one thing after the other"
    assert "--finish" in capsys.readouterr().err
    git(project, "checkout", "system.yaml")
    assert main(["--finish", "--json"]) == 0
    capsys.readouterr()
    assert not (project / "services/catalogue/migrations/waiting").exists()
    versions = sorted(path.name for path in (project / "services/catalogue/migrations/versions").glob("*.py"))
    assert versions[-1].endswith("_supplier_city_and_more_end.py")


def test_consumers_are_taught_a_version_of_events_before_it_is_sent(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Code of a consumer follows what another service declares: upcasters, and how a person's erasure reaches it."""
    consumers = project / "services/journal/journal_service/consumers"
    versions = "r/item/event_version", "r/item/earlier_events"
    second = dict(zip(versions, (2, [{"version": 1, "renamed": {"notes": "memo"}}]), strict=True))
    renamed = {"move": {"f/notes": "memo"}, "set": {"f/memo/renamed_from": "notes", **second}}
    declare(project, renamed)
    assert main([]) == 1
    said = capsys.readouterr().err
    assert "version 2 sent instead of 1, and unknown to consumers of the release before" in said
    assert "1. add `sent_event_version: 1`" in said
    assert not (consumers / "versions_of_item.py").exists()

    erased = {"r/item/erasure": "person", "catalogue/publishes": [*PUBLISHED, "item.erased"]}
    declare(project, {"set": {"r/item/sent_event_version": 1, **erased}})
    assert main(["--json"]) == 0, capsys.readouterr().err
    done = document(capsys)
    assert "events" not in {each for told in done["changes"] for each in told["breaks"]}
    assert '"notes": "memo",' in (consumers / "versions_of_item.py").read_text()
    assert "HANDLER = Handler(on_item_created, schema=PAYLOAD)" in (consumers / "on_item_created.py").read_text()
    table = (project / PACKAGE / "adapters/items.py").read_text()
    assert "            schema_version=1,\n            sent_payload=sent_payload(item),\n" in table
    assert lost(project) == []
    newest = (project / PACKAGE / "domain/item.py").read_text().partition("def event_payload")[2]
    assert "# Ours: nothing else leaves the service." in newest, "the edit stays where it was"
    check_code(project, "catalogue", "journal")
    commit_all(project, "Taught")
    assert contracts.main(["--against", "HEAD~1", "--json"]) == 1
    told = document(capsys)["changes"]
    assert {each["contract"] for each in told if each["breaks"]} == {"catalogue"}, "the API, and no event"

    assert main(["--finish"]) == 0
    commit_all(project, "The release before runs nowhere")
    capsys.readouterr()

    # The consumer's code says what the publisher declares, also where that has not changed.
    subject = {"journal/resources/entry/fields/subject": {"type": "string", "max_length": 64, "indexed": True}}
    entry = {"owner": "subject", "erasure": "delete", "operations": {"create": ["admin"], "delete": ["admin"]}}
    places = {f"journal/resources/entry/{key}": value for key, value in entry.items()}
    declare(
        project,
        {
            "set": {**subject, **places, "journal/consumes": ["item.created", "item.erased"]},
            "remove": ["r/item/sent_event_version"],
        },
    )
    assert main(["--json"]) == 0, capsys.readouterr().err
    assert not [each for each in document(capsys)["changes"] if "events" in each["breaks"]]
    assert 'HANDLER = erasure_handler(owner="holder_id")' in (consumers / "on_item_erased.py").read_text()
    table = (project / PACKAGE / "adapters/items.py").read_text()
    assert "            schema_version=2,\n" in table
    assert "sent_payload" not in (project / PACKAGE / "domain/item.py").read_text() + table
    assert lost(project) == []
    check_code(project, "catalogue", "journal")
    assert contracts.main(["--against", "HEAD", "--json"]) == 1
    assert not [each for each in document(capsys)["changes"] if each["breaks"] and each["contract"].startswith("item.")]


def test_where_edits_and_the_change_meet_both_are_kept(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`seed.py` gives `quantity` a value of the owner's, and the declaration has no such field any more."""
    declare(project, next(each for each in changes() if each["is"] == "a required field less"))
    assert main(["--json"]) == 2
    assert document(capsys)["conflicted"] == [f"{PACKAGE}/seed.py"]
    text = (project / PACKAGE / "seed.py").read_text()
    assert "<<<<<<< yours\n        quantity=number + 7,\n=======\n>>>>>>> from system.yaml\n" in text
    with pytest.raises(SyntaxError):
        ast.parse(text)


def test_what_cannot_be_followed_is_refused_with_its_steps(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("a required field without a default more", "a service renamed")
    declare(project, *[each for each in changes() if each["is"] in names])
    before = git(project, "status", "--porcelain")
    assert main([]) == 1
    said = capsys.readouterr().err
    assert "1. give it a `default`" in said
    assert "pg_dump" in said
    assert "Traceback" not in said
    assert git(project, "status", "--porcelain") == before


def test_code_that_followed_by_hand_is_adopted(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A project of before this command: its owner wrote the migration and changed the code."""
    declare(project, next(each for each in changes() if each["is"] == "a longer string"))
    versions = project / "services/catalogue/migrations/versions"
    (versions / "0002_ours.py").write_text('revision = "0002"\ndown_revision = "0001"\n')
    commit_all(project, "By hand")
    assert main([]) == 1
    assert "groundplan follow --adopt HEAD" in capsys.readouterr().err
    assert main(["--adopt", "no-such-commit"]) == 1
    assert "a commit with system.yaml" in capsys.readouterr().err
    assert main(["--adopt", "HEAD"]) == 0
    capsys.readouterr()
    commit_all(project, "Adopted")
    assert main([]) == 0
    assert "Nothing to do" in capsys.readouterr().out


# Clients are refused for another reason than what the document of the code says: a role, or how lists are asked.
ELSEWHERE = {
    "a role less for an operation",
    "a role that may do less",
    "no owner any more",
    "a field no longer unique",
    "a field that loses its index",
    "a field that becomes unique",
    "a uuid that becomes a reference in the service",
    "fewer digits after the point",
    "a public service that becomes internal",
    "a field that becomes optional",
}


@pytest.mark.parametrize("change", changes(), ids=lambda change: str(change["is"]))
def test_a_declaration_that_ran_ahead_of_the_code_is_noticed(lab: Path, change: dict[str, Any]) -> None:
    """A field taken out of system.yaml closes the gateway's schema, although the code still takes it."""
    assert disagreements(lab, system_of(values())) == []
    found = disagreements(lab, system_of(changed(values(), change)))
    if "api" in change.get("breaks", ()) and change["is"] not in ELSEWHERE:
        assert [each.problem for each in found if each.breaks], "deploying it is refused"
    if change["takes"] in ("one", "data") and not change.get("breaks"):
        assert not [each.problem for each in found if each.breaks and each.problem.where.endswith(".json")]


def test_no_sound_declaration_is_told_of(lab: Path, tmp_path: Path) -> None:
    """Fields of every type, with and without bounds: what the code's document says of each is what was declared."""
    project = Path(shutil.copytree(lab, tmp_path / "lab", symlinks=True))
    path = project / "services/catalogue/openapi.json"
    document = json.loads(path.read_text())
    document["components"]["schemas"]["ItemBody"]["properties"]["quantity"] |= {
        "minimum": -(2**63),
        "maximum": 2**63 - 1,
    }
    path.write_text(json.dumps(document))
    unbounded = changed(values(), {"remove": ["f/quantity/minimum", "f/quantity/maximum"]})
    assert disagreements(project, system_of(unbounded)) == []
    assert [each.breaks for each in disagreements(project, system_of(values()))] == [True, True]


def test_what_only_the_service_sets_is_in_no_body(lab: Path, tmp_path: Path) -> None:
    computed = system_of(changed(values(), {"set": {"f/price/computed": True, "f/price/default": 0}}))
    [found] = disagreements(lab, computed)
    assert (found.breaks, found.problem.value) == (True, "taken, declared as computed")
    project = Path(shutil.copytree(lab, tmp_path / "lab", symlinks=True))
    path = project / "services/catalogue/openapi.json"
    document = json.loads(path.read_text())
    body = document["components"]["schemas"]["ItemBody"]
    del body["properties"]["price"]
    body["required"].remove("price")
    path.write_text(json.dumps(document))
    assert disagreements(project, computed) == []


def test_tables_of_a_newer_template_get_a_migration(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Updates change no migration that may have run."""
    declared = load_system(project / "system.yaml")
    first = older_tables(project)
    found = {each.problem.value: each.breaks for each in disagreements(project, declared)}
    assert found == {
        "without the table `idempotency_keys`": True,
        **dict.fromkeys(
            (
                "without the index `outbox_unsent_idx`",
                "without the index `outbox_unsent_aggregate_idx`",
                "without the index `inbox_handled_at_idx`",
            ),
            False,
        ),
    }
    commit_all(project, "Made by an older template")
    older = first.read_text()
    assert main(["--dry-run", "--json"]) == 0
    done = document(capsys)
    (change,) = done["changes"]
    assert (change["service"], change["path"], change["takes"]) == ("catalogue", "migrations", "one release")
    assert change["what"].endswith(
        "column outbox.sent_at, index outbox_unsent_aggregate_idx, index outbox_unsent_idx, "
        "index inbox_handled_at_idx, table idempotency_keys"
    )
    versions = first.parent
    assert done["changed"] == [
        f"services/catalogue/migrations/versions/{name}" for name in ("0002_tables.py", "0003_tables_online.py")
    ]
    # As `make update` does, which leaves its own changes uncommitted.
    (project / "README.md").write_text("Newer.\n")
    write_tables(project)
    assert f"Migration: {done['changed'][1]}\n" in capsys.readouterr().out
    assert first.read_text() == older
    text = (versions / "0002_tables.py").read_text()
    assert "ALTER TABLE outbox ADD COLUMN sent_at timestamptz" in text
    assert "CREATE TABLE idempotency_keys" in text
    assert disagreements(project, declared) == []
    assert judged(project) == []
    commit_all(project, "Tables")
    declare(project, next(each for each in changes() if each["is"] == "an optional field more"))
    assert main(["--json"]) == 0
    assert [Path(path).name for path in document(capsys)["migrations"]] == ["0004_item_colour.py"]


def test_tables_come_before_what_is_declared_besides(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    older_tables(project)
    commit_all(project, "Made by an older template")
    declare(project, next(each for each in changes() if each["is"] == "a resource renamed"))
    assert main(["--json"]) == 0
    names = [Path(path).name for path in document(capsys)["migrations"]]
    assert names == ["0002_tables.py", "0003_tables_online.py", "0004_vendor.py"]
    assert [each.name for each in in_order(project / "services/catalogue")][1:] == names
    assert main(["--tables", "--dry-run"]) == 0
    assert "Nothing to do" in capsys.readouterr().out


def test_a_service_renamed_by_hand_is_noticed(lab: Path) -> None:
    declared = changed(values(), {"move": {"journal": "ledger"}, "set": {"f/entry_id/to": "ledger.entry"}})
    found = disagreements(lab, system_of(declared))
    assert [(each.problem.where, each.breaks) for each in found] == [("services/journal", True)]
    assert "call `ledger` `journal` again" in found[0].problem.remedy
    assert "renamed_from: journal" in found[0].problem.remedy


def test_what_a_stamp_says_is_compared_as_well(project: Path) -> None:
    """What no document shows: an index, a default of the database."""
    assert main(["--adopt", "HEAD"]) == 0
    name = "a field that gets an index"
    system = system_of(changed(values(), next(each for each in changes() if each["is"] == name)))
    found = disagreements(project, system)
    assert [each.problem.path for each in found] == ["services.catalogue.resources.item.fields.due_on"]
    sizes = system_of(changed(values(), next(each for each in changes() if each["is"] == "another size")))
    assert disagreements(project, sizes) == []


def test_commands_say_it_and_deployments_refuse_it(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(project, next(each for each in changes() if each["is"] == "an optional field less"))
    monkeypatch.setattr(up, "check_tools", lambda *_: None)
    monkeypatch.setattr(up, "check_images", lambda *_: None)
    monkeypatch.setattr(up, "pulumi_up", lambda *_, **__: pytest.fail("deployed"))
    assert up.main(["dev"]) == 1
    said = capsys.readouterr().err
    assert "services.catalogue.resources.item.fields.notes is taken, not declared" in said
    assert "run `make follow`" in said
    assert plan.main([]) == 0
    assert "system.yaml and the services do not agree" in capsys.readouterr().err
