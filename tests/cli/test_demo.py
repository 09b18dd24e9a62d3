"""The demo starts afresh, unless its project was edited; its summary counts what is there (U5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundplan.capacity import plan
from groundplan.cloud import Resource, Simulation
from infra.tests.samples import shop, stack
from tests.projects import commit_all, git
from tools import demo
from tools.demo_summary import OTHER, counts, kind_of, summary


@pytest.fixture
def made(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(demo, "ROOT", template)
    project = tmp_path / "demo" / "shop"
    assert demo.make_project(project) == "Made"
    return project


def test_the_project_is_committed_so_that_changes_show(made: Path) -> None:
    assert git(made, "status", "--porcelain") == ""
    assert git(made, "log", "--format=%s").strip() == demo.MADE


def test_a_second_demo_uses_what_is_there(made: Path) -> None:
    (made / "ARCHITECTURE.md").write_text("filled in by the plan\n")
    assert demo.make_project(made) == "There, as the template gives it"
    assert (made / "ARCHITECTURE.md").read_text() == "filled in by the plan\n"


def test_another_template_starts_afresh(made: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "SOURCES", ("copier.yml",))
    (made / "ARCHITECTURE.md").write_text("filled in by the plan\n")
    assert demo.make_project(made) == "Made"
    assert "filled in by the plan" not in (made / "ARCHITECTURE.md").read_text()
    assert (template / "copier.yml").is_file()


@pytest.mark.parametrize("committed", [True, False])
def test_work_in_the_demos_project_is_kept(made: Path, committed: bool) -> None:
    system = made / "system.yaml"
    system.write_text(system.read_text().replace("1000", "2000"))
    if committed:
        commit_all(made, "Twice the load")
    assert demo.make_project(made).startswith("There, with your changes")
    assert "2000" in system.read_text()


def test_a_directory_that_the_demo_did_not_make_is_kept(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "mine").write_text("mine")
    assert demo.make_project(tmp_path / "shop").startswith("There, with your changes")
    assert (tmp_path / "shop" / "mine").read_text() == "mine"


def test_what_was_shown_is_shown_again_until_something_changes(
    made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []

    def steps(_: Path) -> tuple[int, str]:
        ran.append("all")
        return 0, "What would be deployed\n"

    monkeypatch.setattr(demo, "_steps", steps)
    assert demo.demonstrate(made.parent, again=False) == 0
    capsys.readouterr()
    assert demo.demonstrate(made.parent, again=False) == 0
    said = capsys.readouterr().out
    assert "Nothing has changed since the last demo" in said
    assert "What would be deployed" in said
    assert len(ran) == 1
    (made / "system.yaml").write_text((made / "system.yaml").read_text().replace("1000", "2000"))
    demo.demonstrate(made.parent, again=False)
    assert len(ran) == 2
    demo.demonstrate(made.parent, again=True)
    assert len(ran) == 3


def test_a_failure_is_not_remembered(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "_steps", lambda _: (1, ""))
    assert demo.demonstrate(made.parent, again=False) == 1
    assert not (made.parent / "shown.json").exists()


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("aws:ec2/subnet:Subnet", "Network"),
        ("aws:rds/instance:Instance", "Databases"),
        ("aws:apigateway/restApi:RestApi", "Gateway and load balancer"),
        ("aws:lb/listener:Listener", "Gateway and load balancer"),
        ("kubernetes:apps/v1:Deployment", "Workloads in the cluster"),
        ("random:index/randomPassword:RandomPassword", "Permissions, keys and secrets"),
        ("aws:ecr/repository:Repository", "Kubernetes cluster and images"),
        ("aws:gamelift/fleet:Fleet", OTHER),
    ],
)
def test_every_resource_counts_in_one_row(token: str, kind: str) -> None:
    assert kind_of(token) == kind


def resource(token: str, name: str, *, custom: bool = True) -> Resource:
    return Resource(urn=name, type=token, name=name, id=name, inputs={}, outputs={}, parent="", custom=custom)


def test_the_summary_counts_resources_but_not_components() -> None:
    resources = (
        resource("groundplan:index:Network", "network", custom=False),
        resource("aws:ec2/vpc:Vpc", "vpc"),
        resource("aws:ec2/subnet:Subnet", "subnet"),
        resource("aws:rds/instance:Instance", "database"),
        resource("pulumi:providers:aws", "elsewhere"),
    )
    simulation = Simulation(project="shop", stack="prod", region="eu-central-1", resources=resources, outputs={})
    assert counts(simulation) == {"Network": 2, "Databases": 1}
    planned = plan(shop(), stack("prod"))
    said = summary({"prod": planned}, {"prod": simulation})
    rows = {line.rsplit(maxsplit=1)[0].strip(): line.split()[-1] for line in said.splitlines() if line.split()}
    assert rows["All resources"] == "3"
    assert rows["Requests/s today"] == "1,000"
    assert rows["… at full growth"] == "10,000"
    assert planned.bottlenecks[0].subject in said
