"""The copy that is rehearsed: nothing of the user's is touched, and nothing in it leads back."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from groundplan.declaration.loader import load_system
from groundplan.problems import ProblemsFound
from groundplan.rehearsal.stage import Stage
from groundplan.stack.configuration import read_stack_file
from infra.tests.samples import ROOT, WAITING_MS, as_yaml, shop, with_statements_of

CLUSTER = """
  shop:existing_cluster:
    context: mine
    security_group_id: sg-0123456789abcdef0
    vpc_id: vpc-0123456789abcdef0
    private_subnet_ids: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
    data_subnet_ids: [subnet-0123456789abcdef2, subnet-0123456789abcdef3, subnet-0123456789abcdef4]
    vpc_cidr: 10.9.0.0/16
    cluster_name: mine
  shop:kubeconfig: {secure: AAABAExample}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "infra").mkdir(parents=True)
    (folder / "infra" / "__main__.py").write_text("print('mine')\n")
    (folder / ".venv").mkdir()
    (folder / "tools").mkdir()
    (folder / "tools" / "pyvenv.cfg").write_text("home = /\n")
    (folder / "services" / "order").mkdir(parents=True)
    (folder / "system.yaml").write_text(as_yaml(shop()))
    (folder / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text() + "backend: {url: 's3://mine'}\n")
    (folder / "Pulumi.dev.yaml").write_text(
        (ROOT / "Pulumi.dev.yaml").read_text() + "encryptionsalt: v1:mine\nsecretsprovider: awskms://mine\n"
    )
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_project_stays_as_it_is(project: Path, tmp_path: Path) -> None:
    before = contents(project)
    stage = Stage(project, "dev", tmp_path / "copy")
    stage.declare(stage.system)
    assert contents(project) == before


def test_the_copy_declares_what_was_measured_too(project: Path, tmp_path: Path) -> None:
    stage = Stage(project, "dev", tmp_path / "copy")
    stage.declare(with_statements_of(stage.system, WAITING_MS))
    measured = load_system(stage.folder / "system.yaml").measured_of("order")
    assert measured["read_statement_ms"].median == WAITING_MS


def test_the_copy_remembers_what_it_has_deployed(project: Path, tmp_path: Path) -> None:
    stage = Stage(project, "dev", tmp_path / "copy")
    primary = {
        "urn": "urn:pulumi:dev::shop::aws:rds/instance:Instance::db-shared-primary",
        "type": "aws:rds/instance:Instance",
        "inputs": {"allocatedStorage": 400, "maxAllocatedStorage": 510},
    }
    stage.remember([primary])
    remembered = read_stack_file(stage.folder / "Pulumi.dev.yaml", stage.system).remembered
    assert remembered.databases["shared"].storage_gb == 400
    stage.remember([])
    assert not read_stack_file(stage.folder / "Pulumi.dev.yaml", stage.system).remembered


def test_the_copy_has_what_the_program_reads(project: Path, tmp_path: Path) -> None:
    copy = Stage(project, "dev", tmp_path / "copy").folder
    assert sorted(path.name for path in copy.iterdir()) == ["Pulumi.dev.yaml", "Pulumi.yaml", "infra", "system.yaml"]


def test_the_copy_leads_nowhere(project: Path, tmp_path: Path) -> None:
    copy = Stage(project, "dev", tmp_path / "copy").folder
    settings = yaml.safe_load((copy / "Pulumi.yaml").read_text())
    assert settings == {
        "name": "shop",
        "description": "An online shop, the reference system",
        "runtime": "python",
        "main": "infra/",
    }
    assert list(yaml.safe_load((copy / "Pulumi.dev.yaml").read_text())) == ["config"]


def test_every_service_has_an_image(project: Path, tmp_path: Path) -> None:
    copy = Stage(project, "dev", tmp_path / "copy").folder
    images = yaml.safe_load((copy / "Pulumi.dev.yaml").read_text())["config"]["shop:images"]
    assert set(images) == set(shop().services)


def test_secrets_are_stood_in_for(project: Path, tmp_path: Path) -> None:
    stack = project / "Pulumi.dev.yaml"
    lines = stack.read_text().replace("encryptionsalt", CLUSTER.strip("\n") + "\nencryptionsalt").splitlines()
    # An existing cluster brings its own network and version, so the stack must not say them.
    foreign = (
        "shop:vpc_cidr",
        "shop:nat",
        "shop:interface",
        "shop:network",
        "shop:kubernetes",
        "shop:cluster_endpoint",
    )
    stack.write_text("\n".join(line for line in lines if not line.strip().startswith(foreign)))
    stage = Stage(project, "dev", tmp_path / "copy")
    assert list(stage.secrets) == ["shop:kubeconfig"]
    assert yaml.safe_load(stage.secrets["shop:kubeconfig"])["contexts"][0]["name"] == "mine"
    assert "secure" not in (stage.folder / "Pulumi.dev.yaml").read_text()
    assert "vpc-0123456789abcdef0" in stage.configuration


def test_a_declaration_is_read_as_it_was_written(project: Path, tmp_path: Path) -> None:
    stage = Stage(project, "dev", tmp_path / "copy")
    stage.declare(shop())
    assert load_system(stage.folder / "system.yaml") == shop()


def test_a_wrong_declaration_is_refused_before_anything_is_copied(project: Path, tmp_path: Path) -> None:
    (project / "system.yaml").write_text("name: shop\nservices: {}\n")
    with pytest.raises(ProblemsFound):
        Stage(project, "dev", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
