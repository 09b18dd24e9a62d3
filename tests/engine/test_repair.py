"""A deployment that is killed, and `groundplan repair` after it, under the real engine (e8)."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from groundplan.cli import _account
from groundplan.cli import repair as repairing
from groundplan.cli.up import refuse_pending
from groundplan.cloud import Resource, simulate
from groundplan.cloud.catalogue.imports import NOTHING
from groundplan.cloud.item import Item
from groundplan.cloud.provider import ProviderServers
from groundplan.problems import ProblemsFound
from groundplan.stack.scope import Scope
from infra.tests.aws_cli import AwsCli
from tests.engine.programs import SmallStack

# Something of each way in which a repair finds what was made: by tags, by a name or path, by its own inputs, by asking
# the account for its siblings; and what a cluster has.
PROGRAM = """
import json, pathlib
import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_aws import cloudwatch, ec2, iam, sns, sqs
from pulumi_aws import vpc as vpc_rules


def document(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


TRUST = document(Action="sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})
MAY = document(Action="sqs:SendMessage", Resource="*")


def declare(count, delay):
    vpc = ec2.Vpc("network", cidr_block="10.0.0.0/16", tags={"Name": "network"})
    gateway = ec2.InternetGateway("gateway", vpc_id=vpc.id, tags={"Name": "gateway"})
    rule = cloudwatch.EventRule("daily", schedule_expression="rate(1 day)")
    for index in range(count):
        tags = {"Name": f"part-{index}"}
        queue = sqs.Queue(f"queue-{index}", delay_seconds=delay, tags=tags)
        topic = sns.Topic(f"topic-{index}", display_name=str(delay), tags=tags)
        role = iam.Role(
            f"role-{index}", assume_role_policy=TRUST, description=str(delay), path="/queues/dev/", tags=tags
        )
        iam.RolePolicy(f"may-{index}", name=f"may-{index}", role=role.name, policy=MAY)
        group = ec2.SecurityGroup(f"group-{index}", vpc_id=vpc.id, description="one", tags=tags)
        vpc_rules.SecurityGroupIngressRule(
            f"from-{index}", security_group_id=group.id, cidr_ipv4="10.0.0.0/16", ip_protocol="tcp", from_port=443,
            to_port=443,
        )
        sns.TopicSubscription(f"subscription-{index}", topic=topic.arn, protocol="sqs", endpoint=queue.arn)
        table = ec2.RouteTable(f"table-{index}", vpc_id=vpc.id, tags=tags)
        ec2.Route(f"out-{index}", route_table_id=table.id, destination_cidr_block="0.0.0.0/0", gateway_id=gateway.id)
        log = cloudwatch.LogGroup(f"log-{index}", name=f"/queues/{index}", retention_in_days=30 + 30 * (delay % 2))
        cloudwatch.LogMetricFilter(
            f"errors-{index}",
            log_group_name=log.name,
            pattern="ERROR",
            metric_transformation={"name": "errors", "namespace": "queues", "value": "1"},
        )
        cloudwatch.QueryDefinition(f"query-{index}", name=f"queues/{index}", query_string="fields @message")
        cloudwatch.EventTarget(f"target-{index}", rule=rule.name, arn=queue.arn)
        kubernetes.core.v1.ConfigMap(
            f"told-{index}", metadata={"namespace": "default"}, data={"queue": queue.url, "delay": str(delay)}
        )


if __name__ == "__main__":
    declare(*json.loads((pathlib.Path(__file__).parent / "wanted.json").read_text()))
"""
COUNT = 3
CREATES = 3 + 14 * COUNT
AT_ONCE = "4"
"""As many calls may be under way when the engine is killed."""
POINTS = int(os.environ.get("KILLS", "2"))
SEED = int(os.environ.get("KILLS_SEED", "11"))


@cache
def declared(count: int, delay: int) -> tuple[Resource, ...]:
    names: dict[str, Any] = {"__name__": "program"}
    exec(PROGRAM, names)  # noqa: S102  the program above
    return simulate(lambda: names["declare"](count, delay), project="queues", stack="dev", strict=False).resources


TAGS = {"system": "queues", "environment": "dev"}


class Killed(SmallStack):
    """A stack whose engine is killed at the nth call that changes the account, after or before the change is made."""

    def __init__(self, cli: Path, folder: Path, servers: ProviderServers) -> None:
        super().__init__(cli, folder, servers, PROGRAM)
        # What is killed has to leave a state.
        for setting in ("PULUMI_SKIP_CHECKPOINTS", "PULUMI_EXPERIMENTAL"):
            self.engine._environment.pop(setting)
        self.cli, self.home = cli, folder / "home"
        self._said = (folder / "said").open("w")
        tagged = {"config": {"aws:region": "eu-central-1", "aws:defaultTags": {"tags": TAGS}}}
        (self.project / "Pulumi.dev.yaml").write_text(json.dumps(tagged))
        self.engine.create()

    def want(self, count: int, delay: int = 1) -> None:
        (self.project / "wanted.json").write_text(json.dumps([count, delay]))

    def run(self, *arguments: str, kill_at: int = 0) -> int:
        """Runs the CLI; with ``kill_at`` it gets SIGKILL once the account was changed that often."""
        process = subprocess.Popen(
            [
                self.cli,
                *arguments,
                "--yes",
                "--skip-preview",
                "--stack",
                "dev",
                "--non-interactive",
                "--parallel",
                AT_ONCE,
            ],
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

    def things(self) -> list[Item]:
        return [item for item in list(self.servers.cloud.items.values()) if not item.adopted]

    def repair(self) -> None:
        program = declared(*json.loads((self.project / "wanted.json").read_text()))

        def delete(token: str, identifier: str, region: str) -> None:
            for item in self.things():
                if item.type == token and item.id == identifier and region in ("", item.place):
                    self.servers.cloud.remove(item)

        found = _account.account_of(self.project, Scope("queues", "dev"), "eu-central-1")

        def siblings(resource: Mapping[str, Any]) -> Iterator[_account.Found]:
            return _account.siblings_of(self.project, resource, "eu-central-1")

        repairing.mend(self.project, "dev", found, program, delete, siblings, yes=True)

    def together(self) -> None:
        """The state is what the account has, and nothing is there twice."""
        held = {
            (each["type"], each["id"]) for each in self.state()["deployment"].get("resources", []) if each.get("id")
        }
        held = {each for each in held if not each[0].startswith("pulumi:") and each[0] not in NOTHING}
        there = [item for item in self.things() if item.type not in NOTHING]
        assert held == {(item.type, item.id) for item in there}
        names = Counter((item.type, item.name) for item in there)
        assert [name for name, times in names.items() if times > 1] == []
        assert not self.state()["deployment"].get("pending_operations")


@pytest.fixture
def killed(cli: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Killed]:
    with ProviderServers() as servers:
        made = Killed(cli, tmp_path, servers)
        monkeypatch.setattr(_account, "ask_aws", AwsCli(made.things))
        for key, value in made.engine._environment.items():
            monkeypatch.setenv(key, value)
        yield made
        made._said.close()


class Points:
    """Where the engine is killed: seeded, spread over what a phase has to do."""

    def __init__(self, killed: Killed, monkeypatch: pytest.MonkeyPatch) -> None:
        self.killed, self.monkeypatch = killed, monkeypatch
        self.chance = random.Random(SEED)  # noqa: S311  the campaign records its seed
        self.kills: Counter[str] = Counter()
        self.pending: Counter[str] = Counter()

    def strike(self, phase: str, wanted: int, command: str, to_do: int) -> bool:
        """Kills ``command`` up to ``wanted`` times, each followed by a repair; whether it came to its end instead."""
        for number in range(wanted):
            point = self.chance.randint(1, max(1, to_do // (wanted - number + 1)))
            if self.killed.run(command, kill_at=point) == 0:
                return True
            self.kills[phase] += 1
            state = self.killed.state()
            operations = state["deployment"].get("pending_operations") or []
            self.pending.update(each["type"] for each in operations)
            if operations:
                with pytest.raises(ProblemsFound, match="make repair STACK=dev"):
                    refuse_pending("dev", state)
            self.killed.repair()
            self.killed.together()
            # The preview that a repair ends with takes as long as all the rest of it, and the next `up` shows as much.
            self.monkeypatch.setattr(repairing, "_preview", lambda *_: 0)
            to_do -= point
        return False


def test_killed_wherever_it_is(killed: Killed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Must show 4: state is account and nothing is there twice, after each of the points of `make prove WHAT=kills`."""
    points = Points(killed, monkeypatch)
    up, change = -(-POINTS // 3), POINTS // 3
    killed.want(COUNT)
    points.strike("up", up, "up", CREATES)
    assert killed.run("up") == 0
    assert len(killed.things()) == CREATES
    delay = 1
    while points.kills["change"] < change:
        delay += 1
        killed.want(COUNT, delay)
        points.strike("change", change - points.kills["change"], "up", 5 * COUNT)
        assert killed.run("up") == 0
        assert killed.engine.preview().done.nothing
    killed.together()
    points.strike("destroy", POINTS - points.kills.total(), "destroy", CREATES)
    assert killed.run("destroy") == 0
    assert killed.things() == []
    print(f"killed: {dict(points.kills)}, pending: {dict(points.pending)}; 0 doubled, 0 left over")
    assert points.kills.total() == POINTS


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
