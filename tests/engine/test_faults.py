"""Under the real engine: every call fails once, and every answer is lost once; nothing is left over or doubled."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from groundplan.changes import changes_report, classify_preview
from groundplan.cloud.faults import Kind
from groundplan.cloud.provider import ProviderServers
from groundplan.rehearsal import growth
from groundplan.rehearsal.engine import Stack, StepFailed
from groundplan.rehearsal.stage import Stage
from infra.tests.samples import ROOT

PROGRAM = """
import json, pathlib
import pulumi
from pulumi_aws import ec2, rds, sns, sqs
wanted = json.loads((pathlib.Path(__file__).parent / "wanted.json").read_text())
vpc = ec2.Vpc("net", cidr_block=wanted["network"] + ".0.0/16")
subnets = [
    ec2.Subnet(f"sub-{zone}", vpc_id=vpc.id, cidr_block=f"{wanted['network']}.{number}.0/24",
               availability_zone=f"eu-central-1{zone}")
    for number, zone in enumerate("ab")
]
topic = sns.Topic("events")
for name in wanted["queues"]:
    queue = sqs.Queue(name, visibility_timeout_seconds=wanted["seconds"])
    sns.TopicSubscription(name, topic=topic.arn, protocol="sqs", endpoint=queue.arn)
if wanted.get("class"):
    rds.Instance("db", engine="postgres", engine_version="17", username="dba", password="averylongone",
                 allocated_storage=30, instance_class=wanted["class"], skip_final_snapshot=True)
"""
STATES: tuple[Mapping[str, Any], ...] = (
    {"network": "10.0", "queues": ["one", "two"], "seconds": 30},
    {"network": "10.0", "queues": ["one", "three"], "seconds": 60},
    {"network": "10.9", "queues": ["three"], "seconds": 60},
)
_MOST_ROUNDS = 60


class Small:
    """A small program, which wants one thing after another."""

    def __init__(self, cli: Path, folder: Path, servers: ProviderServers) -> None:
        self._write = lambda wanted: (folder / "project" / "wanted.json").write_text(json.dumps(wanted))
        project = folder / "project"
        project.mkdir()
        (folder / "home").mkdir()
        (project / "Pulumi.yaml").write_text("name: small\nruntime: python\n")
        (project / "Pulumi.dev.yaml").write_text("config: {'aws:region': eu-central-1}\n")
        (project / "__main__.py").write_text(PROGRAM)
        self.servers = servers
        self.engine = Stack(cli, project, "dev", folder / "home", servers.attachment)
        self.engine.create()

    def want(self, wanted: Mapping[str, Any]) -> None:
        self._write(wanted)


@pytest.fixture
def small(cli: Path, tmp_path: Path) -> Iterator[Small]:
    with ProviderServers() as servers:
        yield Small(cli, tmp_path, servers)


def until_done(servers: ProviderServers, kind: Kind, act: Callable[[], object]) -> tuple[int, int]:
    """Repeats what fails until it doesn't; the calls that went wrong, and the rounds."""
    servers.faults.every = kind
    servers.faults.once.clear()
    before: tuple[str, ...] = ()
    try:
        for number in range(1, _MOST_ROUNDS):
            try:
                act()
            except StepFailed as failed:
                if failed.errors == before:
                    raise  # not a fault that passes
                before = failed.errors
                continue
            return len(servers.faults.once), number
    finally:
        servers.faults.every = None
    raise AssertionError(f"still failing after {_MOST_ROUNDS} rounds")


def left_over(servers: ProviderServers, engine: Stack) -> tuple[list[str], list[str]]:
    """What is in the account and not in the state, and what is there several times."""
    known = {(resource["urn"], resource.get("id")) for resource in engine.resources()}
    items = [item for item in servers.cloud.items.values() if not item.adopted and "::" in item.urn]
    items = [item for item in items if not item.urn.startswith("returned::")]
    counted = Counter(item.urn for item in items)
    orphans = [item.urn for item in items if (item.urn, item.id) not in known]
    return orphans, [urn for urn, number in counted.items() if number > 1]


@pytest.mark.parametrize("kind", ["throttle", "lost"])
def test_every_call_of_a_small_program_goes_wrong_once(small: Small, kind: Kind) -> None:
    """Creations, changes, replacements, deletions, and the end of the stack."""
    went_wrong = 0
    for wanted in STATES:
        small.want(wanted)
        failed, rounds = until_done(small.servers, kind, lambda: small.engine.up(go_on=True))
        assert rounds > 1
        assert left_over(small.servers, small.engine) == ([], [])
        went_wrong += failed
    went_wrong += until_done(small.servers, kind, lambda: small.engine.destroy(go_on=True))[0]
    assert small.engine.resources() == []
    assert [item.urn for item in small.servers.cloud.items.values() if not item.adopted] == []
    assert went_wrong > 25


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


@pytest.mark.skipif(not os.environ.get("PROVE_FAULTS"), reason="an hour: make prove WHAT=faults")
@pytest.mark.parametrize("name", ["dev", "prod"])
@pytest.mark.parametrize("kind", ["throttle", "lost"])
def test_every_call_of_shop_goes_wrong_once(cli: Path, tmp_path: Path, name: str, kind: Kind) -> None:
    """Must show 3: created, changed by ten times the load, destroyed; 0 orphans, 0 doubled."""
    (tmp_path / "home").mkdir()
    stage = Stage(ROOT, name, tmp_path / "project")
    with ProviderServers(region=stage.environment.region) as servers:
        engine = Stack(cli, stage.folder, name, tmp_path / "home", servers.attachment)
        engine.create()
        for key, value in stage.secrets.items():
            engine.configure(key, value, secret=True)
        counts = []
        for system in (stage.system, growth.more_load(stage.system)):
            stage.declare(system)
            failed, rounds = until_done(servers, kind, lambda: engine.up(go_on=True))
            counts.append((failed, rounds))
            assert left_over(servers, engine) == ([], [])
        if stage.environment.protect:
            engine.configure(f"{stage.system.name}:protect", "false")
            engine.up()
            engine.unprotect()
        counts.append(until_done(servers, kind, lambda: engine.destroy(go_on=True)))
        kept = {resource["urn"] for resource in engine.resources()}
        left = [
            item.urn
            for item in servers.cloud.items.values()
            if not item.adopted and item.urn not in kept and not item.urn.startswith("returned::")
        ]
        assert left == []
        print(f"{name}, {kind}: (calls that went wrong, rounds) {counts}; 0 orphans, 0 doubled")


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
