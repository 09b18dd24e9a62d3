"""Services come, go and change size by one command each; nothing the user edited is lost (U3)."""

from __future__ import annotations

import datetime
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from groundplan.cli import service
from groundplan.cli.service import added, removed, resized, with_shards
from groundplan.cli.service_request import ServiceRequest, parse_settings
from groundplan.cli.stacks import read_project
from groundplan.cli.template import Updated
from groundplan.declaration.loader import load_system
from groundplan.document import OF_THE_PROGRAM
from groundplan.document.document import EMPTY
from groundplan.problems import ProblemsFound
from groundplan.stack.environment import Environment
from tests.projects import commit_all, commit_project, git, make_project

# What the template writes for the declared services; libraries and their tests tell of a shop for any declaration.
OF_THE_SYSTEM = ("*.yaml", "*.yml", "*.toml", "Makefile", "services", ":!tests")
TODAY = datetime.date(2026, 11, 23)


def change(project: Path, action: str, name: str, settings: dict[str, Any], *, today: datetime.date) -> Updated:
    """As the command with these settings on its line."""
    return service.change(project, action, name, ServiceRequest(settings, None, frozenset(settings)), today=today)


def edit(project: Path, name: str, old: str, new: str, *, commit: bool = True) -> None:
    path = project / name
    text = path.read_text()
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {name}"
    path.write_text(text.replace(old, new))
    if commit:
        commit_all(project)


def declared(project: Path) -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((project / "system.yaml").read_text())["services"]
    return services


def answered(project: Path) -> list[Any]:
    services: list[Any] = yaml.safe_load((project / ".copier-answers.yml").read_text())["services"]
    return services


@pytest.fixture
def unchanged(project: Path) -> Iterator[Path]:
    """A project that the test must leave as it was, to the last file."""
    before = git(project, "rev-parse", "HEAD")
    ignored = project / ".venv" / "kept"
    ignored.parent.mkdir()
    ignored.write_text("not in git")
    yield project
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "rev-parse", "HEAD") == before
    assert ignored.read_text() == "not in git"


def test_the_answer_gains_loses_and_changes_one_service() -> None:
    services = ["user", {"name": "order", "data_gb": 5, "cqrs": False}]
    assert added(services, "invoice", {}) == [*services, "invoice"]
    assert added(services, "invoice", {"data_gb": 3}) == [*services, {"name": "invoice", "data_gb": 3}]
    assert removed(services, "order") == ["user"]
    assert resized(services, "user", {"data_gb": 3}) == [{"name": "user", "data_gb": 3}, services[1]]
    assert resized(services, "order", {"data_gb": 3}) == ["user", {"name": "order", "data_gb": 3, "cqrs": False}]


def test_settings_are_read_as_yaml() -> None:
    settings = parse_settings(["read_share=0.9 cqrs=true", "publishes='[a.b, c.d]'", 'description="two words"'])
    assert settings == {"read_share": 0.9, "cqrs": True, "publishes": ["a.b", "c.d"], "description": "two words"}


@pytest.mark.parametrize("word", ["data_gb", "=3", "data_gb=[1", "publishes='a"])
def test_settings_that_say_nothing_are_refused(word: str) -> None:
    with pytest.raises(ProblemsFound, match="settings such as data_gb=500"):
        parse_settings([word])


def test_add(project: Path) -> None:
    updated = change(project, "add", "invoice", {"read_share": 0.9}, today=TODAY)
    assert set(updated.changed) == {"system.yaml", ".copier-answers.yml", "pyproject.toml"} | {
        path for path in updated.changed if path.startswith("services/invoice/")
    }
    assert updated.conflicted == ()
    assert list(declared(project)) == ["user", "order", "payment", "invoice"]
    assert declared(project)["invoice"]["read_share"] == 0.9
    assert answered(project)[-1] == {"name": "invoice", "read_share": 0.9}
    load_system(project / "system.yaml")


def test_add_keeps_edits_beside_it(project: Path) -> None:
    """The end of the file is where a new service goes, and where a user is most likely to have edited."""
    edit(
        project,
        "system.yaml",
        '          get: ["customer:own", support, admin]\n    publishes: [payment',
        '          get: ["customer:own", admin]\n    publishes: [payment',
    )
    edit(project, "system.yaml", "requests_per_second: 1000", "requests_per_second: 1234 # measured in May")
    edit(project, "README.md", "## First commands", "## Ours\n\nOur words.\n\n## First commands")
    updated = change(project, "add", "invoice", {}, today=TODAY)
    assert updated.conflicted == ()
    text = (project / "system.yaml").read_text()
    assert 'get: ["customer:own", admin]\n    publishes: [payment' in text
    assert "requests_per_second: 1234 # measured in May" in text
    assert "Our words." in (project / "README.md").read_text()
    assert "invoice" in declared(project)


def test_remove_takes_its_events_from_the_samples_that_consumed_them(project: Path) -> None:
    change(project, "remove", "payment", {}, today=TODAY)
    assert list(declared(project)) == ["user", "order"]
    assert "consumes" not in declared(project)["order"]
    load_system(project / "system.yaml")


def test_remove_takes_the_services_files(project: Path) -> None:
    """Said so in the README: git has them."""
    change(project, "remove", "user", {}, today=TODAY)
    assert "user" not in declared(project)
    assert answered(project) == ["order", "payment"]


def _push(project: Path, *stacks: str) -> None:
    """As `make deliver` leaves the stack files, with a user's own comment."""
    images = "".join(f"    {name}: registry.example.com/shop/{name}:1.0.0 # ours\n" for name in declared(project))
    for stack in stacks:
        path = project / f"Pulumi.{stack}.yaml"
        lines = path.read_text().splitlines(keepends=True)
        lines = [f"  shop:images:\n{images}" if line.startswith("  # shop:images:") else line for line in lines]
        path.write_text("".join(lines))
    commit_all(project)


def test_remove_takes_the_image_out_of_every_stack(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every later plan would refuse an image of a service that isn't there."""
    _push(project, "dev", "staging")
    monkeypatch.chdir(project)
    assert service.main(["remove", "payment", "--dry-run"]) == 0
    assert (
        "Would take the image of payment out of `Pulumi.dev.yaml` and `Pulumi.staging.yaml`." in capsys.readouterr().out
    )
    assert git(project, "status", "--porcelain") == ""
    updated = change(project, "remove", "payment", {}, today=TODAY)
    assert {"Pulumi.dev.yaml", "Pulumi.staging.yaml"} < set(updated.changed)
    assert "Pulumi.prod.yaml" not in updated.changed
    for stack in ("dev", "staging"):
        difference = git(project, "diff", "HEAD", "--unified=0", f"Pulumi.{stack}.yaml").splitlines()
        (line,) = [each for each in difference if each[0] in "+-" and each[:3] not in ("+++", "---")]
        assert line == "-    payment: registry.example.com/shop/payment:1.0.0 # ours"
    commit_all(project)
    assert not read_project(project).left_out
    change(project, "remove", "user", {}, today=TODAY)
    assert set(read_project(project).environments["dev"].images) == {"order"}


def test_no_setting_of_a_stack_names_a_service_but_images() -> None:
    """Another one would have to be taken out as well when its service goes."""
    by_name = {key for key, field in Environment.model_fields.items() if "dict[" in str(field.annotation)}
    # Quotas are AWS's, and have names of their own.
    assert by_name == {"images", "quotas"}


def test_nothing_names_a_removed_service_any_more(project: Path) -> None:
    _push(project, "dev", "prod")
    change(project, "remove", "payment", {}, today=TODAY)
    files = git(project, "ls-files", "--", *OF_THE_SYSTEM).split()
    kept = {name: (project / name).read_text() for name in files if (project / name).is_file()}
    assert "system.yaml" in kept
    assert [name for name, text in kept.items() if "payment" in text.lower()] == []


def test_resize(project: Path) -> None:
    change(project, "resize", "user", {"data_gb": 50, "read_share": 0.99}, today=TODAY)
    assert declared(project)["user"]["data_gb"] == 50
    assert declared(project)["user"]["read_share"] == 0.99
    assert declared(project)["user"]["repeat_share"] == 0.6


def test_growth_past_a_shard_adds_shards_from_a_day_on(project: Path) -> None:
    """D3: the map grows at its end, from a day by which the new shards can be deployed; rows stay where they are."""
    change(project, "resize", "order", {"data_gb": 700, "data_growth_gb_per_month": 40}, today=TODAY)
    first, second = declared(project)["order"]["shard_map"]
    assert first == {"since": datetime.date(2000, 1, 1), "shards": 1}
    assert second["since"] == datetime.date(2026, 11, 30)
    assert second["shards"] > 1
    commit_all(project)
    change(project, "resize", "order", {"data_gb": 100}, today=datetime.date(2028, 1, 1))
    assert declared(project)["order"]["shard_map"] == [first, second]


def test_more_rows_than_a_shard_holds_are_refused_as_they_cannot_move(project: Path) -> None:
    """D3: no map spreads rows that one instance holds already."""
    before = (project / "system.yaml").read_text()
    with pytest.raises(ProblemsFound, match="at most 1,024 GiB in each"):
        change(project, "resize", "order", {"data_gb": 3000}, today=TODAY)
    assert (project / "system.yaml").read_text() == before


def test_a_map_written_by_hand_is_grown_not_replaced(project: Path) -> None:
    edit(
        project,
        "system.yaml",
        "    cqrs: true\n",
        "    cqrs: true\n    shard_map:\n      - {since: 2000-01-01, shards: 2}\n",
    )
    system = load_system(project / "system.yaml")
    assert with_shards(system, "order", {"data_gb": 10}, TODAY)["shard_map"] == [{"since": "2000-01-01", "shards": 2}]
    grown = with_shards(system, "order", {"data_gb": 1400, "data_growth_gb_per_month": 80}, TODAY)["shard_map"]
    assert grown[0] == {"since": "2000-01-01", "shards": 2}
    assert grown[1]["since"] == "2026-11-30"
    assert grown[1]["shards"] > 2


def test_a_size_edited_by_hand_takes_the_commands_value(project: Path) -> None:
    """The README asks owners to edit `system.yaml`, so an edit there is no obstacle; comments and all else stay."""
    edit(project, "system.yaml", "    data_gb: 20\n", "    data_gb: 25   # measured\n")
    edit(project, "system.yaml", "    read_share: 0.99\n", "")
    updated = change(project, "resize", "user", {"data_gb": 50, "read_share": 0.9}, today=TODAY)
    assert (updated.conflicted, set(updated.changed)) == ((), {"system.yaml", ".copier-answers.yml"})
    assert "    data_gb: 50   # measured\n" in (project / "system.yaml").read_text()
    assert declared(project)["user"]["read_share"] == 0.9
    commit_all(project)
    # What the answers say already is no reason to leave another value.
    edit(project, "system.yaml", "    data_gb: 50   # measured\n", "    data_gb: 40\n")
    change(project, "resize", "user", {"data_gb": 50}, today=TODAY)
    assert declared(project)["user"]["data_gb"] == 50


def test_an_edit_that_cannot_be_replaced_is_kept_and_marked(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(project, "system.yaml", "    data_gb: 20\n", "    data_gb: 25 # measured\n")
    monkeypatch.setattr(service, "with_sizes", lambda *_: None)
    monkeypatch.chdir(project)
    assert service.main(["resize", "user", "--set", "data_gb=50"]) == 2
    text = (project / "system.yaml").read_text()
    assert "data_gb: 25 # measured" in text
    assert "data_gb: 50" in text
    assert "<<<<<<< before updating" in text
    assert "system.yaml" in capsys.readouterr().err
    assert git(project, "status", "--porcelain", "system.yaml").startswith("UU")


REFUSED = {
    "a name that is there": ("add", "user", {}, "declared already"),
    "a path that another service has": (
        "add",
        "orders",
        {},
        'yml: services\n    expected: services "order" and "orders" would both answer at /api/v1/orders',
    ),
    "a name that can't be": ("add", "Invoice!", {}, "write `invoice`"),
    "a setting that isn't one": ("add", "invoice", {"size": 3}, "SET: size is 3\n    expected: one of the keys"),
    "a setting out of bounds": ("add", "invoice", {"read_share": 9}, "SET: read_share is 9\n    expected: at most 1"),
    "an event that no service publishes": (
        "add",
        "invoice",
        {"consumes": ["ghost.seen"]},
        "SET: consumes[0] is ghost.seen",
    ),
    "removing what isn't there": ("remove", "invoice", {}, "one of user, order, payment"),
    "a slip of the pen": ("remove", "oder", {}, "did you mean `order`?"),
    "resizing by nothing": ("resize", "user", {}, "at least one new size"),
    "resizing what isn't a size": ("resize", "user", {"exposure": "internal"}, "edit system.yaml for the rest"),
    "resizing out of bounds": ("resize", "user", {"data_gb": -1}, "SET: data_gb is -1\n    expected: at least 0"),
}


@pytest.mark.parametrize(("action", "name", "settings", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_and_nothing_changed(
    unchanged: Path, action: str, name: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ProblemsFound) as refusal:
        change(unchanged, action, name, settings, today=TODAY)
    assert message in str(refusal.value)


def test_a_service_that_others_need_is_not_removed(project: Path) -> None:
    edit(
        project,
        "system.yaml",
        "    publishes: [user.registered, user.closed]\n",
        ("    publishes: [user.registered, user.closed]\n    consumes: [payment.settled]\n"),
    )
    with pytest.raises(ProblemsFound) as refusal:
        change(project, "remove", "payment", {}, today=TODAY)
    assert "services.payment is still needed by `user`" in str(refusal.value)
    assert "services.user.consumes" in str(refusal.value)
    assert git(project, "status", "--porcelain") == ""


def test_the_last_service_stays(project: Path) -> None:
    for name in ("user", "payment"):
        change(project, "remove", name, {}, today=TODAY)
        commit_all(project)
    with pytest.raises(ProblemsFound, match="the only service"):
        change(project, "remove", "order", {}, today=TODAY)


def test_a_service_declared_by_hand_is_the_users(project: Path) -> None:
    text = (project / "system.yaml").read_text()
    block = "\n  audit:\n" + "".join(
        f"    {line}\n"
        for line in (
            "resources:",
            "  note:",
            "    fields:",
            "      body: {type: text}",
            "    operations:",
            "      list: [admin]",
        )
    )
    (project / "system.yaml").write_text(text + block)
    commit_all(project)
    for action, settings in (("remove", {}), ("resize", {"data_gb": 3})):
        with pytest.raises(ProblemsFound, match="declared by hand"):
            change(project, action, "audit", settings, today=TODAY)
    with pytest.raises(ProblemsFound, match="declared already"):
        change(project, "add", "audit", {}, today=TODAY)


def test_uncommitted_work_is_never_touched(project: Path) -> None:
    edit(project, "README.md", "## First commands", "## Ours", commit=False)
    (project / "notes.txt").write_text("mine")
    with pytest.raises(ProblemsFound, match=r"not clean \(README.md, notes.txt\)"):
        change(project, "add", "invoice", {}, today=TODAY)
    assert "## Ours" in (project / "README.md").read_text()
    assert (project / "notes.txt").read_text() == "mine"


def test_without_git_it_says_what_to_do(shop_without_git: Path) -> None:
    with pytest.raises(ProblemsFound, match="git init"):
        change(shop_without_git, "add", "invoice", {}, today=TODAY)


@pytest.fixture
def shop_without_git(template: Path, tmp_path: Path) -> Path:
    return make_project(template, tmp_path / "plain")


def test_outside_a_project_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert service.main(["add", "invoice"]) == 1
    assert ".copier-answers.yml: the file is missing" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["/nowhere/groundplan", "https://localhost:1/groundplan.git"])
def test_a_template_that_is_gone_is_said_and_nothing_changed(project: Path, address: str) -> None:
    answers = project / ".copier-answers.yml"
    lines = [
        f"_src_path: {address}" if line.startswith("_src_path") else line for line in answers.read_text().splitlines()
    ]
    answers.write_text("\n".join(lines) + "\n")
    commit_all(project)
    with pytest.raises(ProblemsFound, match="_src_path"):
        change(project, "add", "invoice", {}, today=TODAY)
    assert git(project, "status", "--porcelain") == ""


def test_a_failure_half_way_leaves_nothing_behind(unchanged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import copier

    real = copier.run_update

    def interrupted(*arguments: Any, **options: Any) -> None:
        real(*arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(copier, "run_update", interrupted)
    with pytest.raises(KeyboardInterrupt):
        change(unchanged, "add", "invoice", {}, today=TODAY)


def test_preview_changes_nothing(
    unchanged: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(unchanged)
    assert service.main(["add", "invoice", "--dry-run"]) == 0
    assert "+  invoice:" in capsys.readouterr().out


def test_the_document_and_the_plan_follow(
    whole_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The document follows the declaration by itself; the controls are for `make plan`, as the command says."""
    project = commit_project(make_project(whole_template, tmp_path / "shop", {"services": ["user"]}))
    monkeypatch.chdir(project)
    assert service.main(["add", "invoice"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "database.invoice" in said.out
    document = (project / "ARCHITECTURE.md").read_text()
    assert "/api/v1/invoices" in document
    assert document.count(EMPTY) == len(OF_THE_PROGRAM)
    assert "The program was not run: `make plan` does" in said.out
    assert set(git(project, "diff", "--name-only").split()) == {
        ".copier-answers.yml",
        "ARCHITECTURE.md",
        "pyproject.toml",
        # `make setup` had not run before.
        "services/user/openapi.json",
        "system.yaml",
    }


def test_the_command_that_adds_a_service_imports_no_sdk() -> None:
    """With the SDKs and the simulated cloud it took twice the time."""
    code = (
        "import sys; import groundplan.cli.service, groundplan.cli.refresh; "
        "loaded = {name.partition('.')[0] for name in sys.modules} & {'pulumi', 'groundplan_components'}; "
        "sys.exit(f'loaded {loaded}' if loaded else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_file_can_say_what_a_line_cannot(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {
        "description": 'Bills: what is "owed" # and since when',
        "resources": {
            "bill": {"fields": {"total": {"type": "decimal", "scale": 2}}, "operations": {"list": ["admin"]}}
        },
        "publishes": ["bill.sent"],
    }
    (tmp_path / "invoice.yaml").write_text(yaml.safe_dump(settings))
    monkeypatch.chdir(project)
    assert service.main(["add", "invoice", "--from", str(tmp_path / "invoice.yaml"), "--set", "data_gb=7"]) == 0
    found = declared(project)["invoice"]
    assert {key: found[key] for key in settings} == settings
    assert found["data_gb"] == 7
