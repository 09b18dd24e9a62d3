"""A year of shop, and of twelve services on SQS: nothing that AWS refuses, no loss unasked, nothing left over.

`make prove WHAT=year` runs it and writes tables and pictures to docs/proof/year/; `make test` rehearses a part of it in
tests/cli/test_rehearse.py.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from groundplan.cloud import Simulation, identifiers_in, simulate
from groundplan.declaration.model import System
from groundplan.project import load_program
from groundplan.rehearsal.night import Night
from groundplan.rehearsal.night_told import markdown as markdown_of_night
from groundplan.rehearsal.night_told import row, row_of
from groundplan.rehearsal.picture import markdown, svg
from groundplan.rehearsal.year import Row, Year
from groundplan.stack.environment import Environment
from infra.tests.samples import ROOT, shop, stack, system_of

TODAY = datetime.date(2026, 11, 30)
RECORDS = ROOT / "docs" / "proof" / "year"
SYSTEMS: dict[str, tuple[str, Callable[[], System]]] = {
    "shop dev": ("dev", shop),
    "shop prod": ("prod", shop),
    "twelve on SQS": ("prod", lambda: system_of(12, "sqs")),
}

pytestmark = pytest.mark.skipif(not os.environ.get("PROVE_YEAR"), reason="minutes: make prove WHAT=year")


def lived(name: str, system: System) -> list[Row]:
    def simulated(system: System, environment: Environment) -> Simulation:
        return simulate(
            partial(load_program(ROOT), system, environment),
            project=system.name,
            stack=name,
            region=environment.region,
            strict=False,
        )

    return list(Year(system, stack(name), simulated).play(TODAY))


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_year_brings_no_surprise(name: str) -> None:
    stack_name, system = SYSTEMS[name]
    rows = lived(stack_name, system())
    write(name, rows)
    assert [(row.title, row.surprises) for row in rows if row.surprises] == []
    assert len(rows) >= 28
    failed = [row for row in rows if row.failures]
    calls = sum(row.failures for row in failed)
    print(f"{name}: {len(rows)} operations, {calls} calls went wrong, 0 orphans, 0 doubled")
    assert calls > 1_500
    for title in ("that service renamed", "and removed"):
        row = next(row for row in rows if row.title == title)
        assert row.lost, "what goes is named"
        assert f"would lose {row.lost[0]}" in row.said or row.lost[0] in row.said


def test_the_region_is_lost_and_the_stack_rebuilt_elsewhere() -> None:
    """Shop prod with copies in another region, by the runbook's commands; infra/tests/recovery has a smaller one."""

    def simulated(system: System, environment: Environment) -> Simulation:
        return simulate(
            partial(load_program(ROOT), system, environment),
            project=system.name,
            stack=environment.name,
            region=environment.region,
            strict=False,
            given=identifiers_in(environment.model_dump_json()),
        )

    night = Night(shop(), stack("prod").model_copy(update={"backup_copy_region": "eu-west-1"}), simulated)
    took = list(night.play())
    lost = row(night, took)
    text = [
        "# The region of shop prod is lost",
        "",
        "In-process, in one simulated account (`make prove WHAT=year`): the commands of the generated project's",
        "`docs/region-loss.md`, one by one. Times are those that AWS's own waiters wait at most, and a few assumed",
        "ones (`groundplan.recovery.times`).",
        "",
        "![](shop-prod-region-loss.svg)",
        "",
        markdown_of_night(night, took),
        "",
    ]
    RECORDS.mkdir(parents=True, exist_ok=True)
    (RECORDS / "shop-prod-region-loss.md").write_text("\n".join(text), encoding="utf-8")
    picture = svg("The region of shop prod is lost", [*(row_of(each) for each in took), lost])
    (RECORDS / "shop-prod-region-loss.svg").write_text(picture, encoding="utf-8")
    assert lost.surprises == []


def write(name: str, rows: list[Row], folder: Path = RECORDS) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stem = name.replace(" ", "-").lower()
    lines = [
        f"# A year of {name}",
        "",
        "In-process, in one simulated account (`make prove WHAT=year`). *Later*: resources of which something waits",
        "for a maintenance window or a restart. *Away*: how long at most the longest interruption may take. The last",
        "column: nothing that AWS refuses, no loss that wasn't asked for, no order broken, nothing left or doubled.",
        "",
        f"![]({stem}.svg)",
        "",
        markdown(rows).replace("| what else | |", "| what else | as it should be |"),
        "",
    ]
    (folder / f"{stem}.md").write_text("\n".join(lines), encoding="utf-8")
    (folder / f"{stem}.svg").write_text(svg(f"A year of {name}", rows), encoding="utf-8")
