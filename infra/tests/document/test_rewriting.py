"""Generated blocks are replaced; every other byte stays (O1)."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundplan.document.rewriting import read_text, rewrite, write_text
from groundplan.problems import ProblemsFound

CONTENTS = {"one": "new one", "two": "new two\n\nlines"}
DOCUMENT = """# Title

mine <!-- plan:one --> quoted in a sentence
<!-- plan:one -->
old
<!-- /plan:one -->
mine too\t
<!-- plan:two -->
<!-- /plan:two -->
"""


def test_blocks_are_replaced_and_the_rest_stays() -> None:
    rewritten = rewrite(DOCUMENT, CONTENTS)
    assert rewritten.changed == ("one", "two")
    assert rewritten.text == DOCUMENT.replace("old", "new one").replace(
        "<!-- plan:two -->\n", "<!-- plan:two -->\nnew two\n\nlines\n"
    )


def test_only_what_differs_counts_as_changed() -> None:
    once = rewrite(DOCUMENT, CONTENTS)
    assert rewrite(once.text, CONTENTS).changed == ()
    assert rewrite(once.text, {**CONTENTS, "two": "newer"}).changed == ("two",)


def test_a_block_that_is_kept_is_required_and_stays() -> None:
    """What takes the program stays as it was, where only the declaration was looked at."""
    rewritten = rewrite(DOCUMENT, {"two": "new two"}, kept={"one"})
    assert rewritten.changed == ("two",)
    assert "<!-- plan:one -->\nold\n<!-- /plan:one -->" in rewritten.text
    with pytest.raises(ProblemsFound, match="plan:three"):
        rewrite(DOCUMENT, CONTENTS, kept={"three"})


def test_blocks_may_stand_in_any_order() -> None:
    text = "<!-- plan:two -->\n<!-- /plan:two -->\n<!-- plan:one -->\n<!-- /plan:one -->"
    assert rewrite(text, CONTENTS).text == (
        "<!-- plan:two -->\nnew two\n\nlines\n<!-- /plan:two -->\n<!-- plan:one -->\nnew one\n<!-- /plan:one -->"
    )


def test_windows_line_ends_stay() -> None:
    text = DOCUMENT.replace("\n", "\r\n")
    rewritten = rewrite(text, CONTENTS).text
    assert "new two\r\n\r\nlines\r\n<!-- /plan:two -->" in rewritten
    assert rewritten.count("\n") == rewritten.count("\r\n")
    assert rewrite(rewritten, CONTENTS).changed == ()


PROSE = st.text(st.characters(codec="utf-8", exclude_characters="<\r"), max_size=80)


@given(PROSE, PROSE, PROSE, PROSE, PROSE)
def test_any_prose_around_blocks_survives(before: str, old: str, between: str, older: str, after: str) -> None:
    text = (
        f"{before}\n<!-- plan:one -->\n{old}\n<!-- /plan:one -->\n{between}\n"
        f"<!-- plan:two -->\n{older}\n<!-- /plan:two -->\n{after}"
    )
    assert rewrite(text, CONTENTS).text == (
        f"{before}\n<!-- plan:one -->\nnew one\n<!-- /plan:one -->\n{between}\n"
        f"<!-- plan:two -->\nnew two\n\nlines\n<!-- /plan:two -->\n{after}"
    )


@pytest.mark.parametrize(
    ("text", "where", "path", "expected"),
    [
        ("<!-- plan:one -->\n<!-- /plan:one -->\n", "ARCHITECTURE.md", "<!-- plan:two -->", "every generated block"),
        (
            DOCUMENT + "<!-- plan:one -->\n<!-- /plan:one -->\n",
            "ARCHITECTURE.md:10",
            "<!-- plan:one -->",
            "each block once",
        ),
        (DOCUMENT.replace("<!-- /plan:two -->\n", ""), "ARCHITECTURE.md:8", "<!-- plan:two -->", "<!-- /plan:two -->"),
        (DOCUMENT.replace("<!-- /plan:one -->\n", ""), "ARCHITECTURE.md:7", "<!-- plan:two -->", "open since line 4"),
        (DOCUMENT.replace("<!-- plan:two -->\n", ""), "ARCHITECTURE.md:8", "<!-- /plan:two -->", "before it"),
        (DOCUMENT + "<!-- plan:tow -->\n", "ARCHITECTURE.md:10", "<!-- plan:tow -->", "one of one, two"),
        ("", "ARCHITECTURE.md", "<!-- plan:one -->", "every generated block"),
    ],
)
def test_broken_markers_are_named_with_their_line(text: str, where: str, path: str, expected: str) -> None:
    with pytest.raises(ProblemsFound) as found:
        rewrite(text, CONTENTS)
    first = found.value.problems[0]
    assert (first.where, first.path) == (where, path)
    assert expected in first.expected
    assert first.remedy


def test_writing_keeps_permissions_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "ARCHITECTURE.md"
    path.write_text("old")
    path.chmod(0o640)
    write_text(path, "new\r\nü")
    assert path.read_bytes() == "new\r\nü".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["ARCHITECTURE.md"]
    assert read_text(path) == "new\r\nü"


def test_a_missing_document_and_a_wrong_encoding_are_said(tmp_path: Path) -> None:
    with pytest.raises(ProblemsFound, match="bring it back from git"):
        read_text(tmp_path / "ARCHITECTURE.md")
    path = tmp_path / "ARCHITECTURE.md"
    path.write_bytes(b"caf\xe9")
    with pytest.raises(ProblemsFound, match="byte 3"):
        read_text(path)
