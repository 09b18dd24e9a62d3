"""What a pull request changes, told before it is merged, without an account (U8)."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundplan.changes import ChangeSet, Part, ResourceChange
from groundplan.cli._markdown import LONGEST, StackDifference, cell, markdown
from groundplan.cli.diff import difference
from groundplan.problems import Problem, ProblemsFound
from tests.projects import git

QUEUE = "aws:sqs/queue:Queue"


def change(name: str, operation: str = "update", **more: object) -> ResourceChange:
    return ResourceChange(f"urn:pulumi:dev::shop::{QUEUE}::{name}", QUEUE, name, operation, **more)  # type: ignore[arg-type]


def test_a_changed_declaration_is_told_with_sizes_cost_and_time(project: Path) -> None:
    declaration, stack = project / "system.yaml", project / "Pulumi.dev.yaml"
    declaration.write_text(declaration.read_text().replace("requests_per_second: 1000", "requests_per_second: 40000"))
    stack.write_text(stack.read_text().replace("shop:log_days: 7", "shop:log_days: 30"))
    text = difference(project, "HEAD", ["dev"])
    assert text.startswith("## shop: what this changes")
    assert "### dev" in text
    assert "Compared with `HEAD`" in text
    assert "retentionInDays: 7 → 30" in text
    assert "**Cost:** $" in text
    assert "| takes effect later | property | when | source |" in text
    assert "<details><summary>Sizes (" in text
    assert git(project, "status", "--porcelain").count("\n") == 2, "nothing of the project was touched"


def test_nothing_changed_is_said(project: Path) -> None:
    assert "Nothing changes." in difference(project, "HEAD", ["dev"])


def test_a_base_that_is_not_there_or_no_commit(project: Path) -> None:
    for base in ("origin/nowhere", "--output=x", "HEAD^{tree}"):
        with pytest.raises(ProblemsFound, match="a commit of this repository"):
            difference(project, base, ["dev"])
    assert not (project / "x").exists()


def test_what_loses_data_stands_first_and_what_cannot_be_declared_is_shown() -> None:
    lost = ChangeSet((change("orders", "delete", data="lost", holds="all messages"),), 3)
    quiet = ChangeSet((), 4)
    problem = Problem("Pulumi.staging.yaml", "domain", "", "a domain", "set one")
    text = markdown(
        "shop",
        "main",
        [StackDifference("dev", quiet), StackDifference("staging", problems=(problem,)), StackDifference("prod", lost)],
    )
    assert text.index("### prod") < text.index("### dev")
    assert "| **lost** | orders | all messages |" in text
    assert "It can't be declared" in text


def test_a_long_difference_is_cut_where_github_would_refuse_it() -> None:
    parts = tuple(Part(f"p{index}", "a" * 60, "b" * 60) for index in range(6))
    many = ChangeSet(tuple(change(f"queue-{index}", parts=parts) for index in range(3000)), 0)
    text = markdown("shop", "main", [StackDifference("dev", many)])
    assert len(text) < 65_536
    assert len(text) <= LONGEST + 200
    assert text.count("<details>") == text.count("</details>")


@pytest.mark.parametrize("text", ["a|b", "<script>", "@team", "two\nlines", "`code`", "back\\slash|"])
def test_values_are_text_in_a_table(text: str) -> None:
    shown = cell(text)
    assert "\n" not in shown
    assert "<" not in shown
    assert "@team" not in shown
    assert "`" not in shown
    assert shown.replace("\\\\", "").replace("\\|", "").count("|") == 0
