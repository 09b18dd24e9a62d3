"""U8: `groundplan alarm`, as an engineer asks it at night."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundplan.alarms import names, page
from groundplan.cli import alarm
from tests.projects import ROOT


def test_a_page_is_printed_within_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name in names():
        assert alarm.main([name]) == 0
        printed = capsys.readouterr().out
        assert printed.startswith(f"# {page(name).title}\n")
        inside = False
        for line in printed.splitlines():
            inside ^= line.strip().startswith("```")
            # Commands are copied, so they stay whole, in a block or in the text.
            assert inside or len(line) <= 80 or "`" in line, line
        assert printed.split() == page(name).markdown().split(), name


def test_commands_stay_as_they_are(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert alarm.main(["consumer-lag"]) == 0
    printed = capsys.readouterr().out
    assert "kubectl --namespace $SCOPE logs deployment/$WORKLOAD --since=15m --tail=100\n" in printed
    assert "`make up STACK=$STACK`" in printed


def test_all_pages_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert alarm.main([]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == list(names())


def test_an_alarm_of_the_project_is_found_by_its_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDPLAN_PROJECT", str(ROOT))
    assert alarm.main(["shop-dev-slo-burn-1h-burning-12ab34f"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# The error budget burns too fast\n")
    assert "ALARM='shop-dev-slo-burn-1h-burning-12ab34f'\nSTACK='dev'\nSCOPE='shop-dev'\n" in printed
    assert alarm.main(["--stack", "dev", "shop-dev-slo-burn-1h-burning-12ab34f"]) == 0
    assert capsys.readouterr().out == "shop-dev-slo-burn-1h  error-budget\n"


def test_an_unknown_name_is_refused_with_a_near_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GROUNDPLAN_PROJECT", str(tmp_path))
    assert alarm.main(["consumer-lags"]) == 1
    assert "did you mean `consumer-lag`?" in capsys.readouterr().err
    assert alarm.main(["zzz"]) == 1
    assert "`groundplan alarm` lists them" in capsys.readouterr().err
