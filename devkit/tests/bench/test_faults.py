"""What the fault bench calls wrong: losses, doubles, and failures that no fault excuses."""

from __future__ import annotations

from uuid import uuid4

import pytest

from groundplan_devkit.bench import __main__ as command
from groundplan_devkit.bench.faults.ledger import Failure, Ledger, counted
from groundplan_devkit.bench.faults.run import Faults, Struck
from groundplan_devkit.bench.faults.strikes import Allowed
from groundplan_devkit.bench.faults.verdict import Finding

REFUSED, BROKEN = Failure(1.0, "write", "503"), Failure(1.0, "read", "ConnectError")


def struck(allowed: Allowed, failures: list[Failure], late: list[Failure]) -> Struck:
    return Struck("it is struck", 1, 2.0, 10, failures, late, allowed)


@pytest.mark.parametrize(
    ("allowed", "failures", "late", "wrong"),
    [
        ("nothing", [], [], 0),
        ("nothing", [REFUSED, BROKEN], [REFUSED], 3),
        ("refusals until it is back", [REFUSED, BROKEN], [], 0),
        ("refusals until it is back", [REFUSED], [REFUSED, BROKEN], 2),
        ("broken connections", [BROKEN], [BROKEN], 0),
        ("broken connections", [BROKEN, REFUSED], [REFUSED], 2),
    ],
)
def test_what_a_strike_excuses(allowed: Allowed, failures: list[Failure], late: list[Failure], wrong: int) -> None:
    seen = struck(allowed, failures, late)
    assert len(seen.wrong) == wrong
    assert bool(Faults("order", [seen], 10, 5, []).wrong) == bool(wrong)


def test_a_loss_ends_the_bench_with_what_was_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    findings = [Finding("acknowledged writes with a row", 120, 119), Finding("events not sent", 0, 0)]

    async def faults(*_: object) -> list[str]:
        return Faults("order", [struck("nothing", [REFUSED], [])], 240, 120, findings).wrong

    monkeypatch.setitem(command.MEASURES, "faults", faults)
    assert command.main(["faults"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "Wrong: acknowledged writes with a row: 119, expected 120",
        "Wrong: it is struck: 1 x write 503",
    ]


def test_a_run_without_loss_ends_well(monkeypatch: pytest.MonkeyPatch) -> None:
    async def faults(*_: object) -> list[str]:
        return Faults("order", [struck("nothing", [], [])], 240, 120, [Finding("rows", 120, 120)]).wrong

    monkeypatch.setitem(command.MEASURES, "faults", faults)
    assert command.main(["faults"]) == 0


def test_failures_are_named_by_what_was_tried_and_what_came() -> None:
    ledger = Ledger()
    ledger.failures = [Failure(1.0, "write", "503"), Failure(2.0, "write", "503"), Failure(3.0, "read", "ReadError")]
    assert counted(ledger.between(0.0, 2.5)) == "2 x write 503"
    assert counted(ledger.failures) == "1 x read ReadError, 2 x write 503"
    ledger.acknowledged[uuid4()] = uuid4()
    assert len(ledger.acknowledged) == 1
