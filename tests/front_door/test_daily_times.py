"""What the README says of the daily loop is what `python -m bench.daily --write` kept, and nothing before that."""

from __future__ import annotations

import json

from bench.copying import Taken
from bench.daily import BEFORE, BEGINS, ENDS, NOW, README, RECORD, ROWS, record, table, written


def test_the_readme_has_what_was_measured() -> None:
    text = README.read_text(encoding="utf-8")
    assert (text.count(BEGINS), text.count(ENDS)) == (1, 1)
    block = text.partition(BEGINS)[2].partition(ENDS)[0].strip()
    assert block == (table(json.loads(RECORD.read_text(encoding="utf-8"))) if RECORD.exists() else "")


def test_medians_become_a_table_and_the_table_a_block() -> None:
    times = {NOW: [Taken(1.0, 2.0), Taken(3.0, 2.5), Taken(2.0, 9.0)], BEFORE: [Taken(10.0, 0.0)]}
    said = table(record(dict.fromkeys(ROWS, times), 3))
    rows = [line for line in said.splitlines() if line.startswith("| ")][1:]
    assert [row.split(" | ", 1)[1] for row in rows] == ["2.0 | 10.0 | 2.5 |  |"] * len(ROWS)
    assert all(title in said for title in ROWS.values())
    text = f"before\n{BEGINS}\n{ENDS}\nafter\n"
    once = written(text, said)
    assert once == f"before\n{BEGINS}\n{said}\n{ENDS}\nafter\n"
    assert written(once, said) == once
