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


CODE = "\n\nITEM = Item(event_payload)\n"


def imported(*names: str, module: str = "shop.domain", note: str = "") -> str:
    return f"from {module} import {', '.join(names)}{note}\n{CODE}"


@pytest.mark.parametrize(
    ("base", "mine", "theirs", "expected"),
    [
        (("Item", "published"), ("Item", "published", "worth"), ("Item", "ItemStatus", "published"), (
            "Item", "ItemStatus", "published", "worth"
        )),
        (("Item", "published"), ("Item", "worth"), ("Item", "published", "sent_payload"), (
            "Item", "sent_payload", "worth"
        )),
        (("Item", "a9", "b"), ("Item", "b", "ours", "a9"), ("LIMIT", "Item", "a10", "a9"), (
            "LIMIT", "Item", "a10", "ours", "a9"
        )),
        (("Item", "b"), ("Item as Thing", "b"), ("Item", "b", "c"), ("Item as Thing", "b", "c")),
        (("Item", "b"), ("Item", "b", "c"), ("Item", "b", "c", "d"), ("Item", "b", "c", "d")),
    ],
)  # fmt: skip
def test_names_that_both_import_from_a_module_are_one_statement(
    base: tuple[str, ...], mine: tuple[str, ...], theirs: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """Also where neither's line is right: both add or remove names, and keep what the other added or removed."""
    merged_text = merge(imported(*base), imported(*theirs), imported(*mine), python=True)
    assert merged_text == (imported(*expected), True)


def test_a_long_import_has_a_line_for_each_name() -> None:
    long = [f"a_rather_long_name_{number}" for number in range(5)]
    text, clean = merge(imported(*long[:4]), imported(*long), imported(*long[:4], "ours"), python=True)
    assert clean
    assert text == f"from shop.domain import (\n{''.join(f'    {name},{chr(10)}' for name in [*long, 'ours'])})\n{CODE}"
    # And it stays so for the next change.
    once_more, clean = merge(imported(*long), imported(*long, "z"), text, python=True)
    assert (clean, once_more) == (True, text.replace("    ours,\n", "    ours,\n    z,\n"))


@pytest.mark.parametrize(
    ("base", "mine", "theirs"),
    [
        (imported("a"), imported("a", "b", note="  # ours"), imported("a", "c")),
        (imported("a"), imported("*"), imported("a", "c")),
        (imported("a"), imported("a", "b", module="ours"), imported("a", "c")),
        (imported("a"), "try:\n    from shop.domain import a, b\nexcept ImportError:\n    pass\n", imported("a", "c")),
    ],
    ids=["a comment", "a star", "another module", "inside a block"],
)
def test_an_import_that_is_more_than_names_is_its_owners(base: str, mine: str, theirs: str) -> None:
    text, clean = merge(base, theirs, mine, python=True)
    assert not clean
    assert "<<<<<<< yours\n" in text


def test_an_import_is_joined_beside_a_conflict_elsewhere() -> None:
    mine, theirs = imported("a", "b").replace("Item(", "Ours("), imported("a", "c").replace("Item(", "Theirs(")
    text, clean = merge(imported("a"), theirs, mine, python=True)
    assert not clean
    assert text.startswith("from shop.domain import a, b, c\n")
    assert text.count("<<<<<<< yours\n") == 1


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
