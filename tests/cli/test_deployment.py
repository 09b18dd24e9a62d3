"""`make up` and `make deliver` say what is missing before anything is deployed, and never take away what runs (U2)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from groundplan.cli import _unanswered, deliver, up
from tests.cli.stand_ins import Tools, only_these
from tests.projects import ROOT, commit_all, git

REGISTRY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
DIGEST = "sha256:" + "a" * 64


def repositories(*services: str) -> str:
    return json.dumps({"images": {service: f"{REGISTRY}/shop-dev/{service}" for service in services}})


@pytest.fixture
def tools(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    """In a committed project, with git and nothing else that the commands use."""
    monkeypatch.chdir(project)
    tools = Tools(tmp_path / "tools")
    # tests/installation gathers real ones.
    monkeypatch.setattr(deliver, "prepare", lambda *_: "d" * 64)
    only_these(tools.directory, monkeypatch, "git", which=shutil.which)
    return tools


@pytest.fixture
def order_with_code(project: Path) -> str:
    """One service with a Dockerfile, committed; the commit."""
    without_code(project, "user", "payment")
    return git(project, "rev-parse", "HEAD").strip()


def without_code(project: Path, *services: str) -> None:
    """Takes away what makes a service one that can be built."""
    for service in services:
        (project / "services" / service / "Dockerfile").unlink()
    commit_all(project)


def test_without_the_cli_the_installer_is_named(tools: Tools, capsys: pytest.CaptureFixture[str]) -> None:
    assert up.main(["dev"]) == 1
    said = capsys.readouterr().err
    assert "the Pulumi CLI on the PATH" in said
    assert "https://www.pulumi.com/docs/iac/download-install/" in said
    assert tools.calls == []


def test_a_stack_that_is_not_there(tools: Tools, capsys: pytest.CaptureFixture[str]) -> None:
    tools.install("pulumi")
    assert up.main(["production"]) == 1
    assert "one of dev, staging, prod" in capsys.readouterr().err


def test_without_a_login_the_way_to_the_state_is_named(tools: Tools, capsys: pytest.CaptureFixture[str]) -> None:
    tools.install("pulumi", {"whoami": (1, "")})
    assert up.main(["dev"]) == 1
    assert "pulumi login" in capsys.readouterr().err
    assert tools.asked("pulumi", "up") == []


def test_a_stack_without_state_is_made_with_a_key_of_its_own(tools: Tools, capsys: pytest.CaptureFixture[str]) -> None:
    tools.install("pulumi", {"stack select": (1, "")})
    assert up.main(["dev"]) == 1
    assert "pulumi stack init dev --secrets-provider=" in capsys.readouterr().err


def test_a_stack_with_a_wrong_configuration_is_not_deployed(
    tools: Tools, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tools.install("pulumi")
    path = project / "Pulumi.prod.yaml"
    path.write_text(path.read_text().replace("  shop:domain: shop.example.com\n", ""))
    assert up.main(["prod"]) == 1
    assert "Pulumi.prod.yaml" in capsys.readouterr().err
    assert tools.calls == []


def test_what_runs_is_not_taken_away_for_want_of_an_image(tools: Tools, capsys: pytest.CaptureFixture[str]) -> None:
    running = json.dumps({"running": {"order": f"{REGISTRY}/shop-dev/order@{DIGEST}"}})
    tools.install("pulumi", {"stack output": (0, running)})
    assert up.main(["dev"]) == 1
    said = capsys.readouterr().err
    assert "without order" in said
    assert "make deliver STACK=dev" in said
    assert tools.asked("pulumi", "up") == []


def test_a_service_that_was_removed_may_go(tools: Tools) -> None:
    """Its image is in no stack file any more, and what the stack put out still names it."""
    running = json.dumps({"running": {"refund": f"{REGISTRY}/shop-dev/refund@{DIGEST}"}})
    tools.install("pulumi", {"stack output": (0, running)})
    assert up.main(["dev"]) == 0


def with_identity_provider(tools: Tools, *, retained: bool) -> None:
    """A stack that made it before `foundation/account.yaml` did."""
    resource = {"type": up.IDENTITY_PROVIDER, **({"retainOnDelete": True} if retained else {})}
    state = json.dumps({"deployment": {"resources": [{"urn": "urn:pulumi:dev::shop::x::y", **resource}]}})
    tools.install("pulumi", {"stack export": (0, state), "preview": (0, json.dumps({"steps": []}))})


@pytest.mark.parametrize("main", [up.main, deliver.main], ids=["up", "deliver"])
def test_the_accounts_identity_provider_is_not_deleted_by_a_deployment(
    tools: Tools, capsys: pytest.CaptureFixture[str], main: Callable[[list[str]], int]
) -> None:
    """Every pipeline of the account signs in by it."""
    with_identity_provider(tools, retained=False)
    assert main(["dev", "--yes"]) == 1
    assert "pulumi config set shop:oidc_provider true --stack dev" in capsys.readouterr().err
    assert not tools.asked("pulumi", "up")


def test_a_retained_identity_provider_may_leave_the_stack(tools: Tools) -> None:
    with_identity_provider(tools, retained=True)
    assert up.main(["dev", "--yes"]) == 0
    assert tools.asked("pulumi", "up")


def test_up_hands_over_to_the_cli(tools: Tools) -> None:
    tools.install("pulumi", {"stack output": (0, "{}"), "up --stack": (3, "")})
    assert up.main(["dev"]) == 3, "the CLI's own status"
    up.main(["dev", "--yes"])
    first, second = tools.asked("pulumi", "up")
    assert first[:-1] == ["pulumi", "up", "--stack", "dev", "--event-log"]
    assert second[:5] == first[:5]
    assert second[6:] == ["--yes", "--non-interactive"]


def test_what_was_made_without_an_answer_comes_into_the_state(
    project: Path, tools: Tools, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The connection broke after SNS had made the topic; the queue was never made."""
    stem = "urn:pulumi:dev::shop::aws"
    made = {"urn": f"{stem}:sns/topic:Topic::alarms", "type": "aws:sns/topic:Topic", "custom": True}
    asked = {**made, "id": "", "inputs": {"name": "alarms-1a2b3c4"}}
    missing = {**asked, "urn": f"{stem}:sqs/queue:Queue::jobs", "type": "aws:sqs/queue:Queue", "inputs": {}}
    log = tmp_path / "events.json"
    events: list[object] = []
    for new in (asked, missing):
        said = "https response error StatusCode: 0, request send failed, read: connection reset by peer"
        events.append({"diagnosticEvent": {"urn": new["urn"], "message": said, "severity": "error"}})
        metadata = {"op": "create", "urn": new["urn"], "type": new["type"], "new": new}
        events.append({"resOpFailedEvent": {"metadata": metadata, "status": 2, "steps": 1}})
    log.write_text("".join(f"{json.dumps(event)}\n" for event in events))
    tagged = {"ResourceARN": "arn:aws:sns:eu-central-1:123456789012:alarms-1a2b3c4", "Tags": []}
    tools.install("aws", {"get-resources": (0, json.dumps({"ResourceTagMappingList": [tagged]})), "": (0, "{}")})
    tools.install("pulumi", {"stack export": (0, json.dumps({"version": 3, "deployment": {"resources": []}}))})
    _unanswered.take_in_unanswered(project, "dev", log)
    shown = capsys.readouterr().out
    assert shown.startswith("Without an answer, though AWS may have made it: alarms, jobs.")
    assert "import  aws:sns/topic:Topic  alarms" in shown
    assert "forget  aws:sqs/queue:Queue  jobs" in shown
    assert [call[1] for call in tools.asked("pulumi")] == ["stack", "stack", "refresh"]
    assert made["urn"] in tools.asked("pulumi", "refresh")[0]


def test_nothing_is_asked_when_all_was_answered(project: Path, tools: Tools, tmp_path: Path) -> None:
    log = tmp_path / "events.json"
    for text in ("", '{"summaryEvent": {"isPreview": false}}\n'):
        log.write_text(text)
        _unanswered.take_in_unanswered(project, "dev", log)
    _unanswered.take_in_unanswered(project, "dev", tmp_path / "none.json")
    assert tools.calls == []


def test_a_new_service_gets_its_repository_then_its_image_then_runs(tools: Tools, order_with_code: str) -> None:
    tools.install("aws", {"describe-images": (254, ""), "get-login-password": (0, "secret")})
    tools.install("docker", {"buildx build": (0, json.dumps({"containerimage.digest": DIGEST}))})
    tools.install("pulumi", {"stack output": (0, "{}")})
    real_up = up.pulumi_up

    def first_up_makes_repositories(project: Path, stack: str, *, yes: bool, lose: Sequence[str]) -> int:
        tools.install("pulumi", {"stack output": (0, repositories("user", "order", "payment"))})
        return real_up(project, stack, yes=yes, lose=lose)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deliver, "pulumi_up", first_up_makes_repositories)
        assert deliver.main(["dev", "--yes"]) == 0
    steps = [
        call[:2] for call in tools.calls if call[:2] in (["pulumi", "up"], ["docker", "buildx"], ["pulumi", "config"])
    ]
    assert steps == [["pulumi", "up"], ["docker", "buildx"], ["pulumi", "config"], ["pulumi", "up"]]
    (build,) = tools.asked("docker", "buildx")
    assert f"{REGISTRY}/shop-dev/order:{order_with_code}" in build
    assert build[build.index("--platform") + 1] == "linux/amd64"
    (configured,) = tools.asked("pulumi", "config")
    assert configured[-2:] == ['shop:images["order"]', f"{REGISTRY}/shop-dev/order@{DIGEST}"]


def test_a_service_that_runs_gets_its_image_before_the_only_deployment(tools: Tools, order_with_code: str) -> None:
    tools.install("aws", {"describe-images": (0, DIGEST)})
    tools.install("docker")
    tools.install("pulumi", {"stack output": (0, repositories("order"))})
    assert deliver.main(["dev"]) == 0
    assert [call[1] for call in tools.asked("pulumi") if call[1] in ("config", "up")] == ["config", "up"]
    assert tools.asked("docker") == [], "this commit's image is there already"
    (described,) = tools.asked("aws", "ecr", "describe-images")
    assert f"imageTag={order_with_code}" in described


def test_an_image_with_a_patched_chassis_is_named_after_it(
    tools: Tools, order_with_code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the commit's image, which is there already, would be deployed without the patch."""
    monkeypatch.setenv("GROUNDPLAN_LIBRARIES", str(ROOT))
    tools.install("aws", {"describe-images": (0, DIGEST)})
    tools.install("docker")
    tools.install("pulumi", {"stack output": (0, repositories("order"))})
    assert deliver.main(["dev"]) == 0
    (described,) = tools.asked("aws", "ecr", "describe-images")
    assert f"imageTag={order_with_code}-dddddddddddd" in described


@pytest.mark.parametrize("file", ["pyproject.toml", ".copier-answers.yml", "services/requirements.txt"])
def test_what_names_the_chassis_is_committed_too(
    tools: Tools, project: Path, order_with_code: str, capsys: pytest.CaptureFixture[str], file: str
) -> None:
    for name in ("aws", "docker", "pulumi"):
        tools.install(name)
    with (project / file).open("a") as opened:
        opened.write("# changed\n")
    assert deliver.main(["dev"]) == 1
    assert "never overwritten" in capsys.readouterr().err


def test_without_code_a_delivery_is_a_deployment(tools: Tools, project: Path) -> None:
    without_code(project, "user", "order", "payment")
    for name in ("aws", "docker", "pulumi"):
        tools.install(name)
    assert deliver.main(["dev"]) == 0
    assert len(tools.asked("pulumi", "up")) == 1
    assert tools.asked("docker") == []


@pytest.mark.parametrize(
    ("tool", "answers", "message"),
    [
        ("docker", {"buildx build": (1, "")}, "docker buildx build of order"),
        ("docker", {"login": (1, "")}, "docker login"),
        ("aws", {"describe-images": (1, ""), "get-login-password": (255, "")}, "credentials of the right account"),
    ],
)
def test_nothing_is_deployed_when_an_image_fails(
    tools: Tools,
    order_with_code: str,
    capsys: pytest.CaptureFixture[str],
    tool: str,
    answers: dict[str, tuple[int, str]],
    message: str,
) -> None:
    tools.install("aws", {"describe-images": (1, ""), "get-login-password": (0, "secret")})
    tools.install("docker")
    tools.install("pulumi", {"stack output": (0, repositories("order"))})
    tools.install(tool, answers)
    assert deliver.main(["dev"]) == 1
    assert message in capsys.readouterr().err
    assert tools.asked("pulumi", "up") == []


def test_an_image_is_never_named_after_a_commit_that_it_differs_from(
    tools: Tools,
    project: Path,
    order_with_code: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("aws", "docker", "pulumi"):
        tools.install(name)
    (project / "services" / "order" / "Dockerfile").write_text("FROM other\n")
    assert deliver.main(["dev"]) == 1
    assert "never overwritten" in capsys.readouterr().err
    assert tools.asked("pulumi", "up") == []


@pytest.mark.parametrize("missing", ["aws", "docker"])
def test_a_missing_tool_is_named(tools: Tools, capsys: pytest.CaptureFixture[str], missing: str) -> None:
    for name in {"aws", "docker", "pulumi"} - {missing}:
        tools.install(name)
    assert deliver.main(["dev"]) == 1
    assert f"install {missing}" in capsys.readouterr().err


def state_with(*resources: dict[str, object], pending: tuple[str, ...] = ()) -> tuple[int, str]:
    """What `pulumi stack export` answers."""
    operations = [{"type": "creating", "resource": {"urn": f"urn:pulumi:dev::shop::t::{name}"}} for name in pending]
    return 0, json.dumps({"deployment": {"resources": list(resources), "pending_operations": operations}})


@pytest.mark.parametrize("main", [up.main, deliver.main], ids=["up", "deliver"])
def test_a_deployment_stops_before_operations_without_an_end(
    tools: Tools, capsys: pytest.CaptureFixture[str], main: Callable[[list[str]], int]
) -> None:
    """e8: `pulumi cancel` and `up` made six things twice."""
    tools.install("pulumi", {"stack export": state_with(pending=("queue", "topic"))})
    assert main(["dev", "--yes"]) == 1
    said = capsys.readouterr().err
    assert "creating queue, creating topic" in said
    assert "make repair STACK=dev" in said
    assert not tools.asked("pulumi", "up")


def test_examples_values_are_not_deployed(tools: Tools, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """e4: every gate accepted 203.0.113.0/24."""
    tools.install("pulumi")
    path = project / "Pulumi.dev.yaml"
    path.write_text(path.read_text().replace("[8.8.8.0/24]", "[203.0.113.0/24]"))
    assert up.main(["dev", "--yes"]) == 1
    said = capsys.readouterr().err
    assert "pulumi config set --path 'shop:cluster_endpoint_cidrs[0]' <value> --stack dev" in said
    assert tools.calls == []


def test_the_role_that_the_pipeline_takes_on_is_not_deleted_under_it(
    tools: Tools, capsys: pytest.CaptureFixture[str]
) -> None:
    """e2: the foundation's takes its place first."""
    role = {"type": up.ROLE, "urn": "urn:pulumi:dev::shop::a", "inputs": {"path": "/delivery/"}}
    tools.install("pulumi", {"stack export": state_with(role)})
    assert up.main(["dev", "--yes"]) == 1
    assert "pulumi config set shop:delivery_role true --stack dev" in capsys.readouterr().err


def test_whoever_deployed_the_cluster_is_named_before_the_entry_changes(
    tools: Tools, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """e3: a second deployer rewrote the only entry."""
    principal = "arn:aws:iam::314159265358:role/Ann"
    urn = "urn:pulumi:dev::shop::groundplan:index:Cluster$aws:eks/accessEntry:AccessEntry::cluster-admin-deployer"
    entry = {"type": up.ACCESS_ENTRY, "urn": urn, "inputs": {"principalArn": principal}}
    tools.install("pulumi", {"stack export": state_with(entry)})
    assert up.main(["dev", "--yes"]) == 1
    assert f"'shop:cluster_admin_role_arns[0]' {principal} --stack dev" in capsys.readouterr().err
    path = project / "Pulumi.dev.yaml"
    path.write_text(f"{path.read_text()}  shop:cluster_admin_role_arns: [{principal}]\n")
    up.check_tools(project, "dev")


def test_from_outside_the_kubernetes_half_is_left_out(tools: Tools) -> None:
    """e4"""
    tools.install("pulumi", {"stack output": (0, "{}")})
    assert up.main(["dev", "--yes", "--outside"]) == 0
    (asked,) = tools.asked("pulumi", "up")
    assert asked[asked.index("--exclude") + 1] == up.KUBERNETES
    assert "--exclude-dependents" in asked
