"""The field's words: none of what they replaced comes back as a name, and prose says who does what (issue 9)."""

from __future__ import annotations

import re
import subprocess

from tests.projects import ROOT

REPLACED = (
    *("Ground", "declare_ground", "Site", "here", "Neighbours", "Stores", "entrance", "watch", "keep"),
    *("asked", "Asked", "told", "mistakes", "may_become", "peek", "bury", "settle", "judgement", "Judgement"),
)
ALIASES = {"chassis/groundplan_chassis/caching/documents.py: peek"}
"""Deprecated names that services of earlier versions use."""
VAGUE = "whoever|somebody|nobody|whatever|anybody"
MOST_VAGUE = 20


def found(*arguments: str) -> list[str]:
    done = subprocess.run(["git", "grep", "-I", *arguments], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.splitlines()


def test_no_class_or_function_has_a_replaced_name() -> None:
    libraries = (
        "infra/groundplan",
        "components",
        "chassis/groundplan_chassis",
        "devkit/groundplan_devkit",
        "templates",
    )
    lines = found("-E", rf"(class|def) _?({'|'.join(REPLACED)})[(:\[]", "--", *libraries, "tools", "bench")
    names = {
        f"{line.partition(':')[0]}: {name[1]}" for line in lines if (name := re.search(r"(?:class|def) (\w+)", line))
    }
    assert names - ALIASES == set(), "say it in the field's words"
    assert names >= ALIASES, "an alias that is gone needs no exception"


def test_vague_words_are_few() -> None:
    lines = found("-niwE", VAGUE, "--", ".", ":!tests/test_words.py")
    assert len(lines) <= MOST_VAGUE, "\n".join(lines)
    assert found("-niwE", "groundplan", "--", "README.md"), "git finds something"


def test_components_lie_in_folders() -> None:
    flat = sorted(path.name for path in (ROOT / "components" / "groundplan_components").glob("*.py"))
    assert len(flat) <= 4, flat
