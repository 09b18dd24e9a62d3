"""`make up`, `make deliver` and `make remember` carry what only grows from the state into the stack's file (U2, U6)."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from groundplan.cli import deliver, remember, up
from groundplan.declaration.loader import load_system
from groundplan.stack.configuration import read_stack_file
from groundplan.stack.origin_secret import OriginSecretGenerations
from tests.cli.stand_ins import Tools, only_these
from tests.projects import commit_all, git

URN = "urn:pulumi:dev::shop::groundplan:index:Kafka$"
# The tests of the commands run without the CLI; what it does to a file is written down here, as its documentation says:
# a path leads into mappings, and whole numbers are kept as numbers.
CLI = """#!{python}
import json, pathlib, re, sys
import yaml
arguments = sys.argv[1:]
here = pathlib.Path({directory!r})
with (here / "calls").open("a") as calls:
    calls.write(json.dumps(["pulumi", *arguments]) + "\\n")
line = " ".join(arguments)
answers = json.loads((here / "answers.json").read_text())
if line.startswith("stack export"):
    print(json.dumps({{"deployment": {{"resources": answers["resources"]}}}}))
elif line.startswith("preview"):
    print(json.dumps({{"steps": []}}))
elif line.startswith("up"):
    (here / "answers.json").write_text(json.dumps({{**answers, "resources": answers["after"]}}))
    sys.exit(answers["status"])
elif line.startswith("config"):
    file = pathlib.Path("Pulumi." + arguments[arguments.index("--stack") + 1] + ".yaml")
    content = yaml.safe_load(file.read_text())
    if arguments[1] == "rm":
        content["config"].pop(arguments[2], None)
    elif answers.get("refuses"):
        sys.exit("refused")
    else:
        for option, pair in zip(arguments, arguments[1:]):
            if option == "--plaintext":
                path, _, value = pair.partition("=")
                first, *rest = [a or b for a, b in re.findall(r'([^.\\["\\]]+)|\\["([^"]+)"\\]', path)]
                target = content["config"]
                for key in (first, *rest)[:-1]:
                    target = target.setdefault(key, {{}})
                target[(first, *rest)[-1]] = int(value) if value.isdigit() else value
    file.write_text(yaml.safe_dump(content))
"""


class Cli:
    """Pulumi as far as these commands use it, with a state that a deployment changes."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    def has(self, now: list[dict[str, Any]], after: list[dict[str, Any]] | None = None, **answers: Any) -> None:
        script = self.tools.directory / "pulumi"
        script.write_text(CLI.format(python=sys.executable, directory=str(self.tools.directory)))
        script.chmod(0o755)
        content = {"resources": now, "after": now if after is None else after, "status": 0, **answers}
        (self.tools.directory / "answers.json").write_text(json.dumps(content))


@pytest.fixture
def cli(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.chdir(project)
    tools = Tools(tmp_path / "tools")
    only_these(tools.directory, monkeypatch, "git", which=shutil.which)
    return Cli(tools)


def topic(event: str, partitions: int) -> dict[str, Any]:
    type_ = "aws:msk/topic:Topic"
    return {"urn": f"{URN}{type_}::kafka-topic-{event}", "type": type_, "inputs": {"partitionCount": partitions}}


def kafka(volume: int = 10) -> dict[str, Any]:
    group = {"instanceType": "kafka.m7g.large", "storageInfo": {"ebsStorageInfo": {"volumeSize": volume}}}
    type_ = "aws:msk/cluster:Cluster"
    inputs = {"numberOfBrokerNodes": 3, "brokerNodeGroupInfo": group}
    return {"urn": f"{URN}{type_}::kafka", "type": type_, "inputs": inputs}


def database(storage: int) -> dict[str, Any]:
    type_ = "aws:rds/instance:Instance"
    inputs = {"allocatedStorage": storage, "maxAllocatedStorage": 2 * storage}
    return {"urn": f"{URN}{type_}::db-shared-primary", "type": type_, "inputs": inputs}


def written(project: Path, name: str = "dev") -> Any:
    return yaml.safe_load((project / f"Pulumi.{name}.yaml").read_text())["config"].get("shop:remembered")


def test_up_remembers_before_it_plans_and_after_it_deployed(
    cli: Cli, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before: another clone or the pipeline has deployed more than this file knows."""
    cli.has([kafka(), topic("order.placed", 15)], [kafka(80), topic("order.placed", 27), database(400)])
    assert up.main(["dev"]) == 0
    steps = [call[1:3] for call in cli.tools.asked("pulumi") if call[1] in ("config", "up")]
    assert steps == [["config", "set-all"], ["up", "--stack"], ["config", "rm"], ["config", "set-all"]]
    assert written(project) == {
        "databases": {"shared": {"storage_gb": 400, "max_storage_gb": 800}},
        "kafka": {"kind": "standard", "brokers": 3, "storage_gb": 80, "topics": {"order.placed": 27}},
    }
    environment = read_stack_file(project / "Pulumi.dev.yaml", load_system(project / "system.yaml"))
    assert environment.remembered.kafka is not None
    assert environment.remembered.kafka.topics == {"order.placed": 27}
    assert "commit it" in capsys.readouterr().out


def test_the_pipeline_reads_what_it_has_never_committed(cli: Cli, project: Path) -> None:
    for service in ("user", "order", "payment"):
        (project / "services" / service / "Dockerfile").unlink()
    commit_all(project)
    for tool in ("aws", "docker"):
        cli.tools.install(tool)
    for partitions in (15, 27):
        git(project, "checkout", "--quiet", ".")
        assert written(project) is None, "a fresh checkout"
        cli.has([kafka(), topic("order.placed", partitions)])
        assert deliver.main(["dev", "--yes"]) == 0
        first = next(call for call in reversed(cli.tools.asked("pulumi")) if call[1] == "config")
        assert f'shop:remembered.kafka.topics["order.placed"]={partitions}' in first
    steps = [call[1] for call in cli.tools.asked("pulumi") if call[1] in ("config", "up")]
    assert steps == ["config", "up", "config", "up"]


def test_a_deployment_that_failed_has_raised_what_it_could(cli: Cli, project: Path) -> None:
    cli.has([kafka(), topic("order.placed", 15)], [kafka(), topic("order.placed", 27)], status=255)
    assert up.main(["dev"]) == 255
    assert written(project)["kafka"]["topics"] == {"order.placed": 27}


def test_nothing_deployed_writes_nothing(cli: Cli, project: Path) -> None:
    before = (project / "Pulumi.dev.yaml").read_bytes()
    cli.has([])
    assert up.main(["dev"]) == 0
    assert (project / "Pulumi.dev.yaml").read_bytes() == before


def test_nothing_new_leaves_the_file_alone(cli: Cli, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.has([kafka(), topic("order.placed", 15)])
    assert remember.main(["dev"]) == 0
    before = (project / "Pulumi.dev.yaml").read_bytes()
    assert remember.main(["dev"]) == 0
    assert (project / "Pulumi.dev.yaml").read_bytes() == before
    assert len(cli.tools.asked("pulumi", "config")) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "Pulumi.dev.yaml is up to date."


def test_an_old_secret_of_the_edge_is_due(cli: Cli, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """e12: the next deployment makes another one beside it, and which one is written down once."""
    type_ = "random:index/randomPassword:RandomPassword"
    old = (datetime.now(UTC) - timedelta(days=91)).isoformat()
    cli.has([{"urn": f"{URN}{type_}::origin-secret", "type": type_, "created": old}])
    assert remember.main(["dev"]) == 0
    assert written(project) == {"origin_secret": {"newest": 2, "sent": 1}}
    assert remember.main(["dev"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Pulumi.dev.yaml is up to date."
    environment = read_stack_file(project / "Pulumi.dev.yaml", load_system(project / "system.yaml"))
    assert environment.remembered.origin_secret == OriginSecretGenerations(newest=2, sent=1)


def test_what_was_destroyed_is_forgotten(cli: Cli, project: Path) -> None:
    """How to start anew."""
    cli.has([kafka(), topic("order.placed", 15), topic("payment.settled", 18)])
    assert remember.main(["dev"]) == 0
    cli.has([kafka(), topic("payment.settled", 18)])
    assert remember.main(["dev"]) == 0
    assert written(project)["kafka"]["topics"] == {"payment.settled": 18}
    cli.has([])
    assert remember.main(["dev"]) == 0
    assert written(project) is None


def test_what_was_written_by_hand_and_is_wrong_is_refused_and_then_mended(
    cli: Cli, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = project / "Pulumi.dev.yaml"
    file.write_text(file.read_text() + "  shop:remembered: {kafka: {kind: standard, brokers: many}}\n")
    cli.has([kafka(), topic("order.placed", 15)])
    assert up.main(["dev"]) == 1
    said = capsys.readouterr().err
    assert "shop:remembered.kafka.brokers" in said
    assert "make remember STACK=dev" in said
    assert cli.tools.asked("pulumi", "up") == []
    assert remember.main(["dev"]) == 0
    assert written(project)["kafka"]["brokers"] == 3
    assert up.main(["dev"]) == 0


def test_memory_is_not_lost_halfway(cli: Cli, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.has([kafka(), topic("order.placed", 15)])
    assert remember.main(["dev"]) == 0
    before = (project / "Pulumi.dev.yaml").read_bytes()
    cli.has([kafka(), topic("order.placed", 18)], refuses=True)
    assert remember.main(["dev"]) == 1
    assert "pulumi config set-all" in capsys.readouterr().err
    assert (project / "Pulumi.dev.yaml").read_bytes() == before


@pytest.mark.parametrize("answer", [(1, ""), (0, "no JSON"), (0, "[]")])
def test_without_the_state_nothing_is_deployed(
    cli: Cli, answer: tuple[int, str], capsys: pytest.CaptureFixture[str]
) -> None:
    cli.tools.install("pulumi", {"stack export": answer, "stack output": (0, "{}")})
    assert up.main(["dev"]) == 1
    said = capsys.readouterr().err
    assert "pulumi stack export" in said
    assert "to do:" in said
    assert cli.tools.asked("pulumi", "up") == []


def test_a_stack_that_is_not_there(cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    cli.has([])
    assert remember.main(["production"]) == 1
    assert "one of dev, staging, prod" in capsys.readouterr().err
    assert cli.tools.calls == []


def test_without_the_cli_it_is_named(cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    assert remember.main(["dev"]) == 1
    assert "the Pulumi CLI on the PATH" in capsys.readouterr().err
