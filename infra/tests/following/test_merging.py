"""Merges that keep edits: where they touch what changes, and where they can't be both (U7)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundplan.following.merging import merge, merged

BASE = "class Item:\n    name: str\n    code: str\n    notes: str\n\n\ndef last() -> None:\n    pass\n"


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        # Both at the same place: the owner's line, then the declaration's.
        (
            BASE.replace("    notes: str\n", "    notes: str\n    # Ours.\n"),
            BASE.replace("    notes: str\n", "    notes: str\n    colour: str\n"),
            BASE.replace("    notes: str\n", "    notes: str\n    # Ours.\n    colour: str\n"),
        ),
        # The line above an added one was edited.
        (
            BASE.replace("    notes: str\n", "    notes: str  # ours\n"),
            BASE.replace("    notes: str\n", "    notes: str\n    colour: str\n"),
            BASE.replace("    notes: str\n", "    notes: str  # ours\n    colour: str\n"),
        ),
        # The line below a removed one was edited.
        (
            BASE.replace("    notes: str\n", "    notes: str  # ours\n"),
            BASE.replace("    code: str\n", ""),
            BASE.replace("    code: str\n", "").replace("    notes: str\n", "    notes: str  # ours\n"),
        ),
        # The same edit on both sides.
        (BASE.replace("code", "sku"), BASE.replace("code", "sku"), BASE.replace("code", "sku")),
    ],
)
def test_edits_that_touch_each_other_are_both_kept(mine: str, theirs: str, expected: str) -> None:
    assert merge(BASE, theirs, mine, python=True) == (expected, True)


def test_one_line_changed_in_two_ways_is_a_conflict() -> None:
    mine, theirs = BASE.replace("code: str", "code: Ours"), BASE.replace("code: str", "code: Theirs")
    text, clean = merge(BASE, theirs, mine, python=True)
    assert not clean
    assert "<<<<<<< yours\n    code: Ours\n=======\n    code: Theirs\n>>>>>>> from system.yaml\n" in text
    assert "||||||| base" not in text


def test_what_would_be_no_python_is_left_to_its_owner() -> None:
    """Each edit is right, and both are not: the arguments are closed on one side and continued on the other."""
    base = "call(\n    one,\n)\n"
    mine, theirs = "call(one)\n", "call(\n    one,\n    two,\n)\n"
    text, clean = merge(base, theirs, mine, python=True)
    assert not clean
    assert "call(one)" in text


LINES = st.lists(st.sampled_from([f"{letter}\n" for letter in "abcdefgh"]), max_size=12)


@settings(max_examples=40, deadline=None)
@given(LINES, LINES, LINES)
def test_no_line_of_the_owner_gets_lost(base: list[str], mine: list[str], theirs: list[str]) -> None:
    """What the owner added is there afterwards, with every change of the declaration; else nothing changes."""
    own = [f"ours {number}\n" for number, _ in enumerate(mine)]
    edited = [line for pair in zip(base, own, strict=False) for line in pair] + base[len(own) :] + own[len(base) :]
    text, _ = merge("".join(base), "".join(theirs), "".join(edited))
    for line in own:
        assert line in text
    assert merge("".join(base), "".join(base), "".join(edited)) == ("".join(edited), True)
    assert merge("".join(base), "".join(theirs), "".join(base)) == ("".join(theirs), True)


def test_what_becomes_of_files() -> None:
    base = {"kept.py": "a\n", "gone.py": "a\n", "edited.py": "a\n", "old.py": "a\nb\nc\n", "deleted.py": "a\n"}
    theirs = {"kept.py": "a\n", "new.py": "n\n", "old_too.py": "a\nb\nC\n", "deleted.py": "b\n", "theirs.py": "t\n"}
    mine = {"kept.py": "mine\n", "gone.py": "a\n", "edited.py": "mine\n", "old.py": "A\nb\nc\n", "theirs.py": "m\n"}
    found = merged(base, theirs, mine, {"old.py": "old_too.py"})
    assert found.files == {
        "gone.py": None,
        "new.py": "n\n",
        "old.py": None,
        "old_too.py": "A\nb\nC\n",
        "theirs.py": "<<<<<<< yours\nm\n=======\nt\n>>>>>>> from system.yaml\n",
    }
    assert found.conflicted == ("edited.py", "theirs.py")
    assert found.kept_away == ("deleted.py",)
