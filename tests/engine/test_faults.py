"""Under the real engine: every call fails once, and every answer is lost once; nothing is left over or doubled.

A creation whose answer is lost is in the account alone: the next attempt would make another one, or be refused.
`groundplan up` looks for it (`groundplan.cli._unanswered`); the simulated account answers what it asks.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from groundplan.changes import changes_report, classify_preview
from groundplan.cli import _account
from groundplan.cli._unanswered import take_in
from groundplan.cloud.catalogue.imports import NOTHING
from groundplan.cloud.faults import Call, Kind
from groundplan.cloud.provider import ProviderServers
from groundplan.rehearsal import growth
from groundplan.rehearsal.engine import Stack, StepFailed
from groundplan.rehearsal.stage import Stage
from groundplan.repair import unanswered
from groundplan.stack.scope import Scope
from infra.tests.aws_cli import AwsCli
from infra.tests.samples import ROOT

PROGRAM = """
import json, pathlib
import pulumi
from pulumi_aws import ec2, rds, sns, sqs
wanted = json.loads((pathlib.Path(__file__).parent / "wanted.json").read_text())
vpc = ec2.Vpc("net", cidr_block=wanted["network"] + ".0.0/16", tags={"Name": "net"})
subnets = [
    ec2.Subnet(f"sub-{zone}", vpc_id=vpc.id, cidr_block=f"{wanted['network']}.{number}.0/24",
               availability_zone=f"eu-central-1{zone}", tags={"Name": f"sub-{zone}"})
    for number, zone in enumerate("ab")
]
topic = sns.Topic("events")
for name in wanted["queues"]:
    queue = sqs.Queue(name, visibility_timeout_seconds=wanted["seconds"])
    sns.TopicSubscription(name, topic=topic.arn, protocol="sqs", endpoint=queue.arn)
if wanted.get("class"):
    rds.Instance("db", engine="postgres", engine_version="17", username="dba", password="averylongone",
                 allocated_storage=30, instance_class=wanted["class"], skip_final_snapshot=True)
if wanted.get("family"):
    group = rds.ParameterGroup("group", name="small", family=wanted["family"])
    topic = sns.Topic("of-group", display_name="of it", opts=pulumi.ResourceOptions(depends_on=[group]))
"""
STATES: tuple[Mapping[str, Any], ...] = (
    {"network": "10.0", "queues": ["one", "two"], "seconds": 30},
    {"network": "10.0", "queues": ["one", "three"], "seconds": 60},
    {"network": "10.9", "queues": ["three"], "seconds": 60},
)
_MOST_ROUNDS = 300
_MOST_SAME = 3


class Small:
    """A small program, which wants one thing after another."""

    def __init__(self, cli: Path, folder: Path, servers: ProviderServers) -> None:
        self._write = lambda wanted: (folder / "project" / "wanted.json").write_text(json.dumps(wanted))
        project = folder / "project"
        project.mkdir()
        (folder / "home").mkdir()
        (project / "Pulumi.yaml").write_text("name: small\nruntime: python\n")
        tags = {"system": "small", "environment": "dev"}
        config = {"aws:region": "eu-central-1", "aws:defaultTags": {"tags": tags}}
        (project / "Pulumi.dev.yaml").write_text(json.dumps({"config": config}))
        (project / "__main__.py").write_text(PROGRAM)
        self.servers = servers
        self.engine = Stack(cli, project, "dev", folder / "home", servers.attachment)
        self.engine.create()

    def want(self, wanted: Mapping[str, Any]) -> None:
        self._write(wanted)


@pytest.fixture
def small(cli: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Small]:
    with ProviderServers() as servers:
        made = Small(cli, tmp_path, servers)
        asking(monkeypatch, made.engine, servers)
        yield made


def asking(monkeypatch: pytest.MonkeyPatch, engine: Stack, servers: ProviderServers) -> None:
    """Commands run the engine's CLI on its stack, and ask the simulated account."""
    monkeypatch.setattr(_account, "ask_aws", AwsCli(lambda: list(servers.cloud.items.values())))
    for key, value in engine._environment.items():
        monkeypatch.setenv(key, value)


def until_done(
    servers: ProviderServers,
    kind: Kind | Callable[[Call, str], Kind],
    engine: Stack,
    step: str,
    system: str,
    *,
    go_on: bool = True,
) -> tuple[Counter[str], Counter[str], int]:
    """Repeats a step until nothing fails: the calls that went wrong, what became of creations without an answer, and
    the rounds. As `groundplan up` does, the account is asked about these after each round.

    ``go_on``: a round goes on with what does not need what failed, so that fewer are needed. Not for what is deleted
    before it is replaced: the engine then waits for ever for the end of what failed.
    """
    servers.faults.every, servers.faults.retried = kind, False
    servers.faults.once.clear()
    found: Counter[str] = Counter()
    before: tuple[str, ...] = ()
    same = 0
    try:
        for number in range(1, _MOST_ROUNDS):
            try:
                engine.up(go_on=go_on) if step == "up" else engine.destroy(go_on=go_on)
            except StepFailed as failed:
                # A change that becomes a replacement is a call more, and fails in the same words.
                same = same + 1 if failed.errors == before else 0
                if same == _MOST_SAME:
                    raise  # not a fault that passes
                before = failed.errors
                begun = unanswered(map(json.loads, engine.events.read_text().splitlines()))
                if begun:
                    found["in all"] += len(begun)
                    taken = take_in(engine._project, engine.name, begun, Scope(system, engine.name), "eu-central-1")
                    found.update(taken)
                continue
            return Counter(call for call, _ in servers.faults.once), found, number
    finally:
        servers.faults.every = None
    raise AssertionError(f"still failing after {_MOST_ROUNDS} rounds")


def left_over(servers: ProviderServers, engine: Stack) -> tuple[list[str], list[str]]:
    """What is in the account and not in the state, and what is there several times; without what leaves nothing there,
    and so has nothing to be left over or doubled."""
    known = {(resource["urn"], resource.get("id")) for resource in engine.resources()}
    items = [item for item in servers.cloud.items.values() if not item.adopted and "::" in item.urn]
    items = [item for item in items if not item.urn.startswith("returned::") and item.type not in NOTHING]
    counted = Counter(item.urn for item in items)
    orphans = [item.urn for item in items if (item.urn, item.id) not in known]
    return orphans, [urn for urn, number in counted.items() if number > 1]


@pytest.mark.parametrize("kind", ["throttle", "lost"])
def test_every_call_of_a_small_program_goes_wrong_once(small: Small, kind: Kind) -> None:
    """Creations, changes, replacements, deletions, and the end of the stack."""
    went_wrong: Counter[str] = Counter()
    taken = 0
    for wanted in STATES:
        small.want(wanted)
        failed, found, rounds = until_done(small.servers, kind, small.engine, "up", "small")
        assert rounds > 1
        assert left_over(small.servers, small.engine) == ([], [])
        went_wrong += failed
        taken += found["import"]
    went_wrong += until_done(small.servers, kind, small.engine, "destroy", "small")[0]
    assert small.engine.resources() == []
    assert [item.urn for item in small.servers.cloud.items.values() if not item.adopted] == []
    assert went_wrong.total() > 25
    assert set(went_wrong) == {"create", "update", "delete"}
    assert taken == (went_wrong["create"] if kind == "lost" else 0)


def test_a_window_passes_on_demand(small: Small) -> None:
    """d4: the state says what is there now, as AWS tells it (terraform-provider-aws#9756)."""
    small.want({**STATES[0], "class": "db.m7g.large"})
    small.engine.up()
    small.want({**STATES[0], "class": "db.m7g.xlarge"})
    small.engine.up()

    def runs_on() -> tuple[str, str]:
        (database,) = (each for each in small.engine.resources() if each["type"] == "aws:rds/instance:Instance")
        return database["inputs"]["instanceClass"], database["outputs"]["instanceClass"]

    assert runs_on() == ("db.m7g.xlarge", "db.m7g.large")
    small.engine.refresh()
    assert runs_on()[1] == "db.m7g.large"
    small.servers.pass_windows()
    small.engine.refresh()
    assert runs_on() == ("db.m7g.xlarge", "db.m7g.xlarge")


LIVES = (("prod", 0), ("prod", 1), ("dev", 0), ("dev", 1))
"""Stacks, and which half of the calls is done and loses its answer; the other half is throttled."""
_LIVES = int(os.environ.get("FAULTS", "0"))
_SEED = os.environ.get("FAULTS_SEED", "10")


@pytest.mark.skipif(not _LIVES, reason="half an hour each: make prove WHAT=faults")
@pytest.mark.parametrize(("name", "half"), LIVES[:_LIVES])
def test_every_call_of_shop_goes_wrong_once(
    cli: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, half: int
) -> None:
    """Must show 3: created, changed by ten times the load, destroyed; 0 orphans, 0 doubled."""
    (tmp_path / "home").mkdir()
    stage = Stage(ROOT, name, tmp_path / "project")
    life = Life(name, half)
    with ProviderServers(region=stage.environment.region) as servers:
        engine = Stack(cli, stage.folder, name, tmp_path / "home", servers.attachment)
        asking(monkeypatch, engine, servers)
        engine.create()
        for key, value in stage.secrets.items():
            engine.configure(key, value, secret=True)
        for title, system in (("created", stage.system), ("ten times the load", growth.more_load(stage.system))):
            stage.declare(system)
            new = not engine.resources()
            done = until_done(servers, life.kind, engine, "up", system.name, go_on=new)
            life.add(title, done, left_over(servers, engine))
        if stage.environment.protect:
            engine.configure(f"{stage.system.name}:protect", "false")
            engine.up()
            engine.unprotect()
        done = until_done(servers, life.kind, engine, "destroy", stage.system.name)
        kept = {resource["urn"] for resource in engine.resources()}
        left = [
            item.urn
            for item in servers.cloud.items.values()
            if not item.adopted
            and item.urn not in kept
            and not item.urn.startswith("returned::")
            and item.type not in NOTHING
        ]
        life.add("destroyed", done, (left, []))


HEAD = """# Calls that went wrong once, under the Pulumi engine

`make prove WHAT=faults` adds a row for each part of a life. In brackets: of these calls, those that were done and whose
answer was lost; the others were throttled. *Taken in*: creations without an answer that were found in the account, and
came into the state. *Forgotten*: those that leave nothing in an account. *Rounds*: deployments until nothing failed.

| date | seed | stack | | create | update | delete | taken in | forgotten | rounds | orphans | doubled |
|---|---|---|---|---|---|---|---|---|---|---|---|
"""


class Life:
    """What went wrong in one life of a stack, and its record."""

    def __init__(self, stack: str, half: int) -> None:
        self.stack, self.half = stack, half
        self.lost: Counter[str] = Counter()

    def kind(self, call: Call, urn: str) -> Kind:
        digest = hashlib.sha256(f"{_SEED} {call} {urn}".encode()).digest()
        lost = digest[0] % 2 == self.half
        self.lost[call] += lost
        return "lost" if lost else "throttle"

    def add(self, title: str, done: tuple[Counter[str], Counter[str], int], left: tuple[list[str], list[str]]) -> None:
        """A row; raises AssertionError when something is left over or doubled."""
        failed, found, rounds = done
        calls = [f"{failed[call]} ({self.lost[call]})" for call in ("create", "update", "delete")]
        orphans, doubled = left
        today = datetime.datetime.now(datetime.UTC).date()
        cells = (
            today,
            _SEED,
            self.stack,
            title,
            *calls,
            found["import"],
            found["forget"],
            rounds,
            len(orphans),
            len(doubled),
        )
        self.lost.clear()
        row = f"| {' | '.join(map(str, cells))} |"
        print(row)
        record = Path(os.environ.get("FAULTS_ROWS", os.devnull))
        if not record.exists():
            record.write_text(HEAD)
        with record.open("a") as rows:
            print(row, file=rows)
        assert left == ([], [])


@pytest.mark.parametrize("kind", ["throttle", "lost"])
def test_what_is_deleted_before_it_is_replaced_is_forgotten(small: Small, kind: Kind) -> None:
    """Of two with one name the old one goes first; a creation that is taken in leaves nothing of it in the state."""
    for family in ("postgres16", "postgres17"):
        small.want({**STATES[0], "family": family})
        failed, _, _ = until_done(small.servers, kind, small.engine, "up", "small", go_on=False)
        assert failed["create"]
        assert [each["urn"] for each in small.engine.resources() if each.get("delete")] == []
        assert left_over(small.servers, small.engine) == ([], [])
    until_done(small.servers, kind, small.engine, "destroy", "small")
    assert left_over(small.servers, small.engine) == ([], [])


def test_a_preview_is_classified_as_two_programs_are(small: Small) -> None:
    """What `make up` says rests on it (d8)."""
    small.want(STATES[0])
    small.engine.up()
    small.want(STATES[2])
    done = subprocess.run(
        [small.engine._command, "--non-interactive", "preview", "--json", "--stack", "dev"],
        cwd=small.engine._project,
        env=small.engine._environment,
        check=False,
        capture_output=True,
        text=True,
    )
    found = classify_preview(json.loads(done.stdout), small.engine.resources())
    assert {each.name: each.operation for each in found.changes if each.type == "aws:sqs/queue:Queue"} == {
        "one": "delete",
        "two": "delete",
        "three": "create",
    }
    assert {each.name for each in found.of("replace")} >= {"net", "sub-a", "sub-b"}
    assert set(found.gone) == {"one", "two"}
    assert changes_report(found, "dev").startswith("dev would lose ")
