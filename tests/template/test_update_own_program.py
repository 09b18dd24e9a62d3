"""The owner's own bucket, arguments and component: planned, checked, rehearsed, and updated over (issue 9, P5)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from groundplan.cli import main
from groundplan.cli import update as update_command
from tests.cli.test_own_program import EFFECTS, EXAMPLES, cloud_of, with_example
from tests.projects import commit_all
from tests.template.test_update import release, replace

USED = ("bucket", "argument", "ejected")
BARE = '    aws.s3.Bucket("uploads", opts=stack.in_region())\n'
"""As plain as AWS makes it: what `groundplan check` is for."""


def of_all(program: str) -> str:
    """The page's examples in one program: a bucket, arguments that no stack key reaches, and an ejected component."""
    arguments = re.search(r"environment,\n(.*)\)\n\Z", EXAMPLES["argument"], re.DOTALL)
    assert arguments is not None
    both = EXAMPLES["ejected"].replace("ejected(own.cache))", f"ejected(own.cache),\n{arguments[1]})")
    assert both != EXAMPLES["ejected"]
    return with_example(program, f"{both}{EXAMPLES['bucket']}")


@pytest.fixture
def project(own_shop: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for path in own_shop.glob("Pulumi.*.yaml"):
        path.write_text(path.read_text().replace("network_firewall: false", "network_firewall: true"))
    monkeypatch.chdir(own_shop)
    for variable in ("STACK", "GROUNDPLAN_PROJECT"):
        monkeypatch.delenv(variable, raising=False)
    program = own_shop / "infra" / "__main__.py"
    plain = program.read_text()
    assert main(["eject", "cache"]) == 0
    replace(
        own_shop / "infra/own/cache/cache.py",
        'snapshot_retention_limit=args.get("snapshot_days", 1)',
        "snapshot_retention_limit=9",
    )
    program.write_text(of_all(plain))
    commit_all(own_shop, "Ours")
    return own_shop


def require_sound(project: Path) -> None:
    cloud = cloud_of(project)
    assert EFFECTS["bucket"](cloud)
    assert EFFECTS["argument"](cloud)
    caches = [each for each in cloud.resources if each.type == "aws:elasticache/replicationGroup:ReplicationGroup"]
    assert {each.inputs["snapshotRetentionLimit"] for each in caches} == {9}
    assert main(["plan", "--quiet"]) == 0
    assert main(["check", "--stack", "dev", "--stack", "prod"]) == 0
    assert main(["rehearse", "--in-process", "--stack", "dev"]) == 0


def test_the_owners_program_is_updated_over(project: Path, releases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require_sound(project)
    commit_all(project, "Planned")
    replace(releases / "infra" / "__main__.py", "    declare_backups(stack)\n", "    declare_backups(stack)  # newer\n")
    replace(releases / "infra" / "__main__.py", "It is yours.", "It is newer, and yours.")
    release(releases, "v0.2.0")
    assert update_command.main([]) == 0, capsys.readouterr().err
    program = (project / "infra" / "__main__.py").read_text()
    assert "It is newer, and yours." in program
    assert "    declare_backups(stack)  # newer\n" in program
    require_sound(project)


def test_a_bucket_as_aws_makes_it_is_found(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = project / "infra" / "__main__.py"
    text = program.read_text()
    mark = "    reports, _ = private_bucket("
    assert text.count(mark) == 1
    program.write_text(text.replace(mark, BARE + mark))
    assert main(["check", "--stack", "dev"]) == 1
    said = capsys.readouterr().out
    assert "uploads" in said
    assert "S5.private-buckets" in said
