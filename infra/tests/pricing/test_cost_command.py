"""`groundplan cost`: what it prints, as text and as JSON, and how it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from groundplan.cli import cost as command
from groundplan.cli.stacks import read_project
from groundplan.pricing.offers import write_prices
from groundplan.pricing.report import Costing, cost_table, report, savings_table
from groundplan.pricing.table import Price, PriceTable, Rate, own_file
from infra.tests.samples import ROOT


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Shop in a folder of its own."""
    for name in ("system.yaml", "Pulumi.dev.yaml", "infra/__main__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for variable in ("STACK", "TOP", "ACTIVE_USERS"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """What the document says of the one stack."""
    assert command.main(["--json", "--no-savings", *arguments]) == 0
    return json.loads(capsys.readouterr().out)["stacks"]["dev"]


def test_the_report_is_complete_and_fits(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert project.is_dir()
    assert command.main(["--stack", "dev", "--why", "--top", "5"]) == 0
    text = capsys.readouterr().out
    assert "shop, dev: about $1,6" in text
    for part in (
        "By tier",
        "By service",
        "Largest first",
        "at 10x",
        "What would save most",
        "queues for Kafka",
        "Identity is in no total",
        "Figures that quantities rest on",
        "Not billed",
        "Rates from memory",
    ):
        assert part in text, part
    assert max(map(len, text.splitlines())) <= 100


def test_json_adds_up(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert project.is_dir()
    stack = run_json(capsys)
    lines = [line for line in stack["lines"] if line["usd"]]
    assert sum(line["usd"]["expected"] for line in lines) == pytest.approx(stack["total"]["expected"])
    assert sum(each["expected"] for each in stack["by_service"].values()) == pytest.approx(stack["total"]["expected"])
    assert stack["grown"]["10"]["total"]["expected"] > stack["total"]["expected"]
    counted = run_json(capsys, "--users", "20000")
    assert counted["total"]["expected"] - stack["total"]["expected"] == pytest.approx(300)


def test_a_region_without_prices_has_no_total_made_up(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = project / "Pulumi.dev.yaml"
    file.write_text(file.read_text().replace("eu-central-1", "eu-west-1"))
    stack = run_json(capsys)
    assert all(line["usd"] is None for line in stack["lines"] if line["type"] == "aws:rds/instance:Instance")
    assert stack["uncertain_share"] > 0.5
    price = {"eu-west-1": Price(usd=0.5, confidence="confirmed")}
    rate = Rate(key="eks.cluster", service="EKS", dimension="x", unit="hour", prices=price, sources=("x",), date="x")
    write_prices(PriceTable("2026-12-01", (rate,)), own_file(project, "eu-west-1"))
    stack = run_json(capsys)
    (cluster,) = [line for line in stack["lines"] if line["rate"] == "eks.cluster"]
    assert cluster["usd"]["expected"] == 365


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--top", "many"], "a whole number"), (["--users", "-1"], "a whole number"), (["--stack", "nowhere"], "nowhere")],
)
def test_wrong_arguments(arguments: list[str], said: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert project.is_dir()
    assert command.main(["--no-savings", *arguments]) == 1
    assert said in capsys.readouterr().err


def test_a_broken_own_table_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own_file(project, "eu-central-1").write_text("{")
    assert command.main(["--no-savings"]) == 1
    assert "prices.eu-central-1.json" in capsys.readouterr().err


def test_tables_for_a_document(project: Path) -> None:
    read = read_project(project)
    costing: Costing = command.costing_of(read, "dev", with_savings=False)
    table = cost_table({"dev": costing})
    assert table.splitlines()[0] == "| US dollars a month | dev |"
    assert "**all**" in table
    assert savings_table(costing.savings).count("\n") == 1
    assert report("shop", costing)
