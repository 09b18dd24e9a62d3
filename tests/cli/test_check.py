"""`groundplan check` runs the owner's own program under every control, and says what is missing in which stack."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from groundplan.cli import check
from groundplan.controls import CONTROLS
from groundplan.following.agreement import Disagreement
from groundplan.problems import Problem
from tests.projects import ROOT

OWN_BUCKET = """
    from pulumi_aws import s3

    s3.Bucket("uploads", opts=stack.in_region())
"""
LOCKING = """from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("CREATE INDEX orders_total_idx ON orders (total)")
"""
MARK = "    dashboard = declare_observability("


@pytest.fixture
def shop_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The reference system in a folder of its own, with the smallest stack and one that can't be deployed yet."""
    for name in ("system.yaml", "Pulumi.yaml", "Pulumi.dev.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "infra").mkdir()
    shutil.copy(ROOT / "infra" / "__main__.py", tmp_path / "infra")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STACK", raising=False)
    monkeypatch.delenv("GROUNDPLAN_PROJECT", raising=False)
    return tmp_path


def edit(project: Path, before: str, after: str) -> None:
    path = project / "infra" / "__main__.py"
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, after))


def test_a_program_that_meets_everything(shop_alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prod = (shop_alone / "Pulumi.dev.yaml").read_text().replace("require_domain: false", "require_domain: true")
    (shop_alone / "Pulumi.prod.yaml").write_text(prod)
    assert check.main(["--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert list(said["stacks"]) == ["dev"]
    assert said["left_out"][0]["where"].startswith("Pulumi.prod.yaml")
    dev = {each["id"]: each for each in said["stacks"]["dev"]["controls"]}
    assert dev.keys() == CONTROLS.keys()
    assert dev["S2.edge-tls"]["status"] == "not applicable"
    assert "domain" in dev["S2.edge-tls"]["reason"]
    assert dev["S2.cache-tls"]["status"] == "met"
    assert dev["S2.cache-tls"]["evidence"][0]["path"] == "transitEncryptionEnabled"


def test_an_own_bucket_is_found_with_its_remedy(shop_alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(shop_alone, MARK, f"{OWN_BUCKET}{MARK}")
    assert check.main(["--stack", "dev"]) == 1
    said = capsys.readouterr()
    assert said.err == ""
    assert "dev: " in said.out
    assert "S5.private-buckets: aws:s3/bucket:Bucket uploads" in said.out
    assert "private_bucket" in said.out
    assert "S2.cache-tls" not in said.out


def test_what_the_cloud_would_refuse_is_told_too(shop_alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(shop_alone, MARK, OWN_BUCKET.replace('"uploads"', '"uploads", bucket="Not_A_Name"') + MARK)
    assert check.main([]) == 1
    assert "The cloud would refuse:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (MARK, f'    raise KeyError("mine")\n{MARK}', "infra/__main__.py:"),
        ("def declare(", "def declares(", "a function declare(system, environment)"),
    ],
)
def test_a_program_that_does_not_run(
    shop_alone: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, said: str
) -> None:
    edit(shop_alone, before, after)
    assert check.main([]) == 1
    heard = capsys.readouterr()
    assert said in heard.err
    assert "Traceback" not in heard.err


def test_a_migration_that_stops_writers_is_refused_with_its_remedy(
    shop_alone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """h19; what the stacks' programs declare is no part of it."""
    monkeypatch.setattr(check, "check_stack", lambda *_: check.Checked((), {}))
    monkeypatch.setattr(check, "tell_disagreements", lambda *_: [])
    folder = shop_alone / "services" / "order"
    for name, text in {"order_service/__main__.py": "", "migrations/versions/0002_faster_lists.py": LOCKING}.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(text)
    assert check.main([]) == 1
    said = capsys.readouterr().err
    assert "services/order/migrations/versions/0002_faster_lists.py:8: require-concurrent-index-creation" in said
    assert "the table takes no writes until the index is built" in said
    assert "CREATE INDEX CONCURRENTLY" in said
    assert check.main(["--json"]) == 1
    (refused,) = json.loads(capsys.readouterr().out)["migrations"]
    assert refused["path"] == "require-concurrent-index-creation"


def test_what_declaration_and_code_disagree_on_is_in_the_document(
    shop_alone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """U7: a reader of the document finds there what made the status 1."""
    problem = Problem("services/order/openapi.json", "/orders", "missing", "as system.yaml", "run `make follow`")
    monkeypatch.setattr(check, "check_stack", lambda *_: check.Checked((), {}))
    monkeypatch.setattr(check, "tell_disagreements", lambda *_: [Disagreement(problem, breaks=True)])
    assert shop_alone.is_dir()
    assert check.main(["--json"]) == 1
    assert json.loads(capsys.readouterr().out)["disagreements"] == [dataclasses.asdict(problem)]


def test_a_stack_that_is_not_there(shop_alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main(["--stack", "prd"]) == 1
    assert "STACK is prd\n    expected: one of dev\n" in capsys.readouterr().err


def test_the_policy_packs_folder_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main(["--policy-pack"]) == 0
    folder = Path(capsys.readouterr().out.strip())
    assert (folder / "PulumiPolicy.yaml").is_file()
    assert (folder / "__main__.py").is_file()
