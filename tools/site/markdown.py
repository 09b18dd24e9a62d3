"""Markdown of this repository as the site's generator reads it: links, and the indentation of what is inside a list."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
_FENCE = re.compile(r"^( *)(```+)")
_INDENTED = re.compile(r"^( {2,3})(?=\S)")
_RULE = re.compile(r"\|(?: *:?-+:? *\|)+")
_EMPTY_CELL = re.compile(r"\|\s*\|")
_UNSEEN = ' <span class="unseen">column {}</span> '
_ELSEWHERE = ("http://", "https://", "mailto:", "#")
ASSETS = frozenset({".svg", ".webp", ".png", ".json"})
"""Files that are copied to the site, rather than shown as pages."""


@dataclass(frozen=True, slots=True)
class SiteLinks:
    """``places``: the page on the site of every source; ``files``: what else the repository holds, folders included."""

    places: Mapping[str, str]
    files: frozenset[str]

    def linked(self, text: str, source: str, place: str) -> tuple[str, set[str]]:
        """The text with its links as they are on the site, and the assets that it needs.

        A link to a file that is no page becomes its text: the site doesn't know the address of the repository.
        """
        assets: set[str] = set()

        def link(found: re.Match[str]) -> str:
            image, words, target = found.groups()
            if target.startswith(_ELSEWHERE):
                return found[0]
            path, _, anchor = target.partition("#")
            wanted = os.path.normpath(PurePosixPath(source).parent / path)
            if wanted in self.places:
                return f"{image}[{words}]({_relative(self.places[wanted], place)}{'#' + anchor if anchor else ''})"
            if wanted in self.files and PurePosixPath(wanted).suffix in ASSETS:
                assets.add(wanted)
                return f"{image}[{words}]({_relative(asset_place(wanted), place)})"
            # What is in no file at all stays: the generator refuses it.
            return words if wanted in self.files else found[0]

        return _outside_code(text, lambda line: _LINK.sub(link, line)), assets


def asset_place(path: str) -> str:
    return f"files/{path}"


def _relative(target: str, place: str) -> str:
    return os.path.relpath(target, PurePosixPath(place).parent)


def _outside_code(text: str, change: object) -> str:
    assert callable(change)
    lines, inside = [], False
    for line in text.splitlines():
        fence = _FENCE.match(line) is not None
        lines.append(line if inside or fence else change(line))
        inside ^= fence
    return "\n".join(lines) + "\n"


def headed(text: str) -> str:
    """Empty headings of columns say which column it is, to those who hear the page."""
    lines = text.splitlines()
    for number, line in enumerate(lines[1:]):
        if _RULE.fullmatch(line) and _EMPTY_CELL.search(lines[number]):
            cells = lines[number].strip().strip("|").split("|")
            lines[number] = "|".join(
                ["", *(each if each.strip() else _UNSEEN.format(column) for column, each in enumerate(cells, 1)), ""]
            )
    return "\n".join(lines) + "\n"


def indented(text: str) -> str:
    """What stands inside a list item by two or three blanks, by four: Python's Markdown knows no less.

    A fenced block keeps its own indentation; the whole of it moves.
    """
    lines, moved, inside = [], "", False
    for line in text.splitlines():
        fence = _FENCE.match(line)
        if fence and not inside:
            moved = " " * (4 - len(fence[1])) if 2 <= len(fence[1]) <= 3 else ""
        if inside or fence:
            lines.append(moved + line if line.strip() else line)
            inside ^= fence is not None
            continue
        lines.append(_INDENTED.sub("    ", line))
    return "\n".join(lines) + "\n"
