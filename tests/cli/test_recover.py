"""`groundplan recover`: copies are looked up, the new stack's file is written, the domain is released (e10)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from groundplan.cli import recover
from infra.tests.samples import ROOT
from tests.cli.stand_ins import Tools, only_these

ACCOUNT = "444455556667"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/0a1b2c3d-0000-4000-8000-000000000000"
VAULT = "shop-prod-backup-copy-0a1b2c3"


def point(source: str, job: str, created: str, kind: str = "RDS", status: str = "COMPLETED") -> dict[str, Any]:
    arn = f"arn:aws:rds:eu-west-1:{ACCOUNT}:snapshot:awsbackup:copyjob-{job}"
    if kind == "S3":
        arn = f"arn:aws:backup:eu-west-1:{ACCOUNT}:recovery-point:{job}"
    return {
        "RecoveryPointArn": arn,
        "ResourceArn": source,
        "ResourceType": kind,
        "Status": status,
        "CreationDate": created,
    }


def database(name: str) -> str:
    return f"arn:aws:rds:eu-central-1:{ACCOUNT}:db:db-{name}-0a1b2c"


POINTS = [
    point(database("order"), "older", "2026-11-28T07:05:00+00:00"),
    point(database("order"), "newest", "2026-11-29T07:05:00+00:00"),
    point(database("order"), "broken", "2026-11-30T07:05:00+00:00", status="PARTIAL"),
    point(database("user"), "user", "2026-11-29T08:05:00+01:00"),
    point(f"arn:aws:s3:::shop-prod--event-log-store-{'20261130' * 3}ab", "log", "2026-11-29T07:10:00+00:00", "S3"),
]


def answers(points: list[dict[str, Any]]) -> dict[str, tuple[int, str]]:
    vault = f"arn:aws:backup:eu-west-1:{ACCOUNT}:backup-vault:{VAULT}"
    snapshot = {"KmsKeyId": KEY, "AllocatedStorage": 250, "EngineVersion": "17.6"}
    return {
        "get-resources": (0, json.dumps({"ResourceTagMappingList": [{"ResourceARN": vault, "Tags": []}]})),
        "list-recovery-points-by-backup-vault": (0, json.dumps({"RecoveryPoints": points})),
        "describe-db-snapshots": (0, json.dumps({"DBSnapshots": [snapshot]})),
    }


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    for name in ("system.yaml", "Pulumi.yaml", "Pulumi.prod.yaml"):
        shutil.copy(ROOT / name, folder / name)
    with (folder / "Pulumi.prod.yaml").open("a") as file:
        file.write("  shop:backup_copy_region: eu-west-1\n")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("GROUNDPLAN_PROJECT", raising=False)
    return folder


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    tools = Tools(tmp_path / "tools")
    only_these(tools.directory, monkeypatch, which=shutil.which)
    return tools


def test_the_file_names_the_newest_copy_of_each_database(
    project: Path, tools: Tools, capsys: pytest.CaptureFixture[str]
) -> None:
    tools.install("aws", answers(POINTS))
    assert recover.main(["prod", "--as", "rebuilt"]) == 0
    said = capsys.readouterr().out
    assert "db-order" in said
    assert "250 GiB, PostgreSQL 17" in said
    assert "db-payment           no copy: it would begin empty" in said
    assert "event-log-store      2026-11-29 07:10 UTC" in said
    assert f"LOG_COPY=arn:aws:backup:eu-west-1:{ACCOUNT}:recovery-point:log" in said
    config = yaml.safe_load((project / "Pulumi.rebuilt.yaml").read_text())["config"]
    assert config["aws:region"] == "eu-west-1"
    assert config["shop:domain"] == "rebuilt.shop.example.com"
    assert "shop:backup_copy_region" not in config
    restored = config["shop:restored"]
    assert restored["empty"] == ["db-payment"]
    assert restored["databases"]["db-order"] == {
        "snapshot": f"arn:aws:rds:eu-west-1:{ACCOUNT}:snapshot:awsbackup:copyjob-newest",
        "kms_key_arn": KEY,
        "storage_gb": 250,
    }
    regions = {call[call.index("--region") + 1] for call in tools.asked("aws")}
    assert regions == {"eu-west-1"}, "the lost region is never asked"
    assert recover.main(["prod", "--as", "rebuilt"]) == 1
    assert "a stack that has no file yet" in capsys.readouterr().err


def test_a_dry_run_writes_nothing_and_lists_what_to_raise(
    project: Path, tools: Tools, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tools.install("aws", answers(POINTS))
    monkeypatch.setattr("groundplan.cli.quotas.to_raise", lambda _, stack: [f"nothing to raise for {stack}"])
    assert recover.main(["prod", "--as", "rebuilt", "--dry-run"]) == 0
    assert capsys.readouterr().out.endswith("nothing to raise for rebuilt\n")
    assert not (project / "Pulumi.rebuilt.yaml").exists()


@pytest.mark.parametrize(
    ("points", "name", "expected"),
    [
        ([], "rebuilt", "one of db-user, db-order, db-payment at least"),
        (POINTS, "Prod_2", "lower-case letters, digits and single hyphens"),
        (POINTS, "west/prod", "lower-case letters, digits and single hyphens"),
        (POINTS, "a-name-too-long-for-a-stack", "name"),
        (POINTS, "prod", "a stack that has no file yet"),
        (POINTS, "prod-west", "a name that doesn't begin with `prod-`"),
    ],
)
def test_mistakes_are_told_and_nothing_is_written(
    project: Path,
    tools: Tools,
    points: list[dict[str, Any]],
    name: str,
    expected: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tools.install("aws", answers(points))
    before = sorted(path.name for path in project.iterdir())
    assert recover.main(["prod", "--as", name]) == 1
    assert expected in capsys.readouterr().err
    assert sorted(path.name for path in project.iterdir()) == before


@pytest.mark.usefixtures("tools")
def test_without_the_key_there_is_nothing_to_rebuild_from(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(ROOT / "Pulumi.prod.yaml", project / "Pulumi.prod.yaml")
    assert recover.main(["prod", "--as", "rebuilt"]) == 1
    said = capsys.readouterr().err
    assert "shop:backup_copy_region" in said
    assert "pulumi config set shop:backup_copy_region" in said


def holding(stack: str) -> dict[str, tuple[int, str]]:
    alias = {"HostedZoneId": "Z2FDTNDATAQYW2", "DNSName": "d1.cloudfront.net.", "EvaluateTargetHealth": False}
    records = [
        {"Name": name, "Type": "A", "AliasTarget": alias}
        for name in ("shop.example.com.", "api.shop.example.com.", "www.example.com.")
    ]
    records.append({"Name": "_proof.shop.example.com.", "Type": "CNAME", "TTL": 60, "ResourceRecords": []})
    distribution = {
        "Id": "E1",
        "ARN": "arn:aws:cloudfront::1:distribution/E1",
        "Aliases": {"Items": ["shop.example.com"]},
    }
    tags = {"Tags": {"Items": [{"Key": "environment", "Value": stack}]}}
    return {
        "list-distributions": (0, json.dumps({"DistributionList": {"Items": [distribution]}})),
        "list-tags-for-resource": (0, json.dumps(tags)),
        "list-hosted-zones-by-name": (
            0,
            json.dumps({"HostedZones": [{"Id": "/hostedzone/Z1", "Name": "example.com."}]}),
        ),
        "list-resource-record-sets": (0, json.dumps({"ResourceRecordSets": records})),
        "get-distribution-config": (
            0,
            json.dumps({"ETag": "E9", "DistributionConfig": {"Comment": "kept", "Aliases": {"Quantity": 1}}}),
        ),
    }


@pytest.mark.usefixtures("project")
def test_the_domain_is_released_and_nothing_else(tools: Tools, capsys: pytest.CaptureFixture[str]) -> None:
    tools.install("aws", holding("prod"))
    assert recover.main(["prod", "--as", "rebuilt", "--release-domain", "--yes"]) == 0
    (changed,) = tools.asked("aws", "route53", "change-resource-record-sets")
    batch = json.loads(changed[changed.index("--change-batch") + 1])
    assert [(each["Action"], each["ResourceRecordSet"]["Name"]) for each in batch["Changes"]] == [
        ("DELETE", "shop.example.com."),
        ("DELETE", "api.shop.example.com."),
    ]
    (updated,) = tools.asked("aws", "cloudfront", "update-distribution")
    assert updated[updated.index("--if-match") + 1] == "E9"
    settings = json.loads(updated[updated.index("--distribution-config") + 1])
    assert settings == {"Comment": "kept", "Aliases": {"Quantity": 0}}
    assert "E1" in capsys.readouterr().out


@pytest.mark.usefixtures("project")
def test_a_domain_that_has_moved_already_is_left_alone(tools: Tools, capsys: pytest.CaptureFixture[str]) -> None:
    tools.install("aws", holding("rebuilt"))
    assert recover.main(["prod", "--as", "rebuilt", "--release-domain", "--yes"]) == 1
    assert "held by rebuilt" in capsys.readouterr().err
    assert not tools.asked("aws", "route53", "change-resource-record-sets")
    assert not tools.asked("aws", "cloudfront", "update-distribution")
