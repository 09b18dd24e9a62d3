"""A deployment that is killed, and `groundplan repair` after it, under the real engine (e8)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundplan.cli import repair as repairing
from groundplan.cli.up import refuse_pending
from groundplan.cloud import simulate
from groundplan.cloud.item import Item
from groundplan.cloud.provider import ProviderServers
from groundplan.problems import ProblemsFound
from groundplan.repair import Found
from tests.engine.programs import SmallStack

PROGRAM = """
import json, pathlib
import pulumi
from pulumi_aws import ec2, iam, sns, sqs


def document(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


TRUST = document(Action="sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})
MAY = document(Action="sqs:SendMessage", Resource="*")


def declare(count, delay):
    vpc = ec2.Vpc("network", cidr_block="10.0.0.0/16", tags={"Name": "network"})
    for index in range(count):
        tags = {"Name": f"part-{index}"}
        queue = sqs.Queue(f"queue-{index}", delay_seconds=delay, tags=tags)
        topic = sns.Topic(f"topic-{index}", display_name=str(delay), tags=tags)
        role = iam.Role(
            f"role-{index}", assume_role_policy=TRUST, description=str(delay), path="/queues/dev/", tags=tags
        )
        iam.RolePolicy(f"may-{index}", name=f"may-{index}", role=role.name, policy=MAY)
        group = ec2.SecurityGroup(f"group-{index}", vpc_id=vpc.id, description="one", tags=tags)
        sns.TopicSubscription(f"subscription-{index}", topic=topic.arn, protocol="sqs", endpoint=queue.arn)


if __name__ == "__main__":
    declare(*json.loads((pathlib.Path(__file__).parent / "wanted.json").read_text()))
"""
COUNT = 4
CREATES = 1 + 6 * COUNT


class Killed(SmallStack):
    """A stack whose engine is killed at the nth call that changes the account, after or before the change is made."""

    def __init__(self, cli: Path, folder: Path, servers: ProviderServers) -> None:
        super().__init__(cli, folder, servers, PROGRAM)
        # What is killed has to leave a state.
        for setting in ("PULUMI_SKIP_CHECKPOINTS", "PULUMI_EXPERIMENTAL"):
            self.engine._environment.pop(setting)
        self.cli, self.home = cli, folder / "home"
        self._said = (folder / "said").open("w")
        self.engine.create()

    def want(self, count: int, delay: int = 1) -> None:
        (self.project / "wanted.json").write_text(json.dumps([count, delay]))

    def run(self, *arguments: str, kill_at: int = 0) -> int:
        """Runs the CLI; with ``kill_at`` it gets SIGKILL once the account was changed that often."""
        process = subprocess.Popen(
            [self.cli, *arguments, "--yes", "--skip-preview", "--stack", "dev", "--non-interactive"],
            cwd=self.project,
            env=self.engine._environment,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        if kill_at:
            cloud, lock, seen = self.servers.cloud, threading.Lock(), [0]
            add, remove = cloud.add, cloud.remove

            def counted(change: Any) -> Any:
                def changed(item: Item) -> None:
                    change(item)
                    with lock:
                        seen[0] += 1
                        if seen[0] == kill_at:
                            os.killpg(process.pid, signal.SIGKILL)

                return changed

            cloud.add, cloud.remove = counted(add), counted(remove)  # type: ignore[method-assign]
            try:
                return process.wait()
            finally:
                cloud.add, cloud.remove = add, remove  # type: ignore[method-assign]
                self._whole()
        return process.wait()

    def _whole(self) -> None:
        """The state in a folder isn't written in one piece, as it is in S3: half of one is the version before it."""
        for file in self.home.rglob("stacks/**/dev.json"):
            try:
                json.loads(file.read_text())
            except ValueError:
                file.write_text(file.with_name("dev.json.bak").read_text())

    def state(self) -> dict[str, Any]:
        return repairing.state_of(self.project, "dev")

    def account(self) -> list[Found]:
        """What the AWS CLI tells: by tags, and roles by path."""
        found = []
        for each in self.servers.cloud.items.values():
            if each.inputs.get("tags"):
                found.append(Found(each.type, each.id, each.arn, each.inputs["tags"]))
            elif each.type == "aws:sns/topicSubscription:TopicSubscription":
                told = {key: each.inputs[key] for key in ("topic", "endpoint")}
                found.append(Found(each.type, each.id, each.id, {}, told))
        return found

    def repair(self) -> None:
        count, delay = json.loads((self.project / "wanted.json").read_text())
        names: dict[str, Any] = {"__name__": "program"}
        exec(PROGRAM, names)  # noqa: S102  the program above
        program = simulate(
            lambda: names["declare"](count, delay), project="queues", stack="dev", strict=False
        ).resources

        def delete(token: str, identifier: str) -> None:
            for item in list(self.servers.cloud.items.values()):
                if item.type == token and item.id == identifier:
                    self.servers.cloud.remove(item)

        repairing.mend(self.project, "dev", self.account(), program, delete, yes=True)

    def together(self) -> None:
        """The state is what the account has, and nothing is there twice."""
        held = {
            (each["type"], each["id"]) for each in self.state()["deployment"].get("resources", []) if each.get("id")
        }
        held = {each for each in held if not each[0].startswith("pulumi:")}
        there = Counter((item.type, item.id) for item in self.servers.cloud.items.values() if not item.adopted)
        assert held == set(there)
        names = Counter((item.type, item.name) for item in self.servers.cloud.items.values() if not item.adopted)
        assert [name for name, times in names.items() if times > 1] == []
        assert not self.state()["deployment"].get("pending_operations")


@pytest.fixture
def killed(cli: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Killed]:
    with ProviderServers() as servers:
        made = Killed(cli, tmp_path, servers)
        for key, value in made.engine._environment.items():
            monkeypatch.setenv(key, value)
        yield made
        made._said.close()


@pytest.mark.parametrize("point", [7, CREATES - 1])
def test_killed_while_it_creates(killed: Killed, point: int) -> None:
    killed.want(COUNT)
    assert killed.run("up", kill_at=point) == -signal.SIGKILL
    with pytest.raises(ProblemsFound, match="make repair STACK=dev"):
        refuse_pending("dev", killed.state())
    killed.repair()
    killed.together()
    assert killed.run("up") == 0
    assert len([each for each in killed.servers.cloud.items.values() if not each.adopted]) == CREATES
    assert killed.engine.preview().done.nothing
    killed.together()


@pytest.mark.parametrize("point", [9])
def test_killed_while_it_changes(killed: Killed, point: int) -> None:
    killed.want(COUNT)
    assert killed.run("up") == 0
    killed.want(COUNT, delay=30)
    assert killed.run("up", kill_at=point) == -signal.SIGKILL
    killed.repair()
    killed.together()
    assert killed.run("up") == 0
    assert killed.engine.preview().done.nothing


@pytest.mark.parametrize("point", [14])
def test_killed_while_it_destroys(killed: Killed, point: int) -> None:
    killed.want(COUNT)
    assert killed.run("up") == 0
    killed.run("destroy", kill_at=point)
    killed.repair()
    killed.together()
    assert killed.run("destroy") == 0
    assert [each for each in killed.servers.cloud.items.values() if not each.adopted] == []


def test_a_lost_version_of_the_state(killed: Killed) -> None:
    """An older one stands in the bucket: what was made since is taken in, and what no program declares goes."""
    killed.want(1)
    assert killed.run("up") == 0
    older = killed.state()
    killed.want(2)
    assert killed.run("up") == 0
    file = killed.project / "older.json"
    file.write_text(json.dumps(older))
    killed.engine._run("stack", "import", "--file", str(file), "--stack", "dev")
    killed.repair()
    tagged = [each for each in killed.servers.cloud.items.values() if each.inputs.get("tags")]
    held = {each.get("id") for each in killed.state()["deployment"]["resources"]}
    assert {each.id for each in tagged} <= held


def test_nothing_is_made_twice_without_a_repair_because_up_stops(killed: Killed) -> None:
    """What e8 found: `pulumi cancel`, `up`, rc 0 and things that exist twice."""
    killed.want(COUNT)
    killed.run("up", kill_at=9)
    before = len(killed.servers.cloud.items)
    with pytest.raises(ProblemsFound):
        refuse_pending("dev", killed.state())
    assert len(killed.servers.cloud.items) == before
