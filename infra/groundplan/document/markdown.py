"""Markdown that reads well as plain text too."""

from __future__ import annotations

from collections.abc import Sequence


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table. Pipes and line breaks in cells are made harmless: what users write ends up here."""
    lines = [_row(headings), "|" + "---|" * len(headings), *(_row(row) for row in rows)]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell_text(cell) for cell in cells) + " |"


def cell_text(text: str) -> str:
    """Text that stays in its cell and can't begin or end a generated block."""
    return " ".join(text.split()).replace("|", "\\|").replace("<!--", "&lt;!--")


def link(path: str, text: str = "") -> str:
    """A link to a file of the project, shown as code."""
    return f"[`{text or path}`]({path})"


def module(name: str) -> str:
    """A module of the libraries, shown as code; its file is not the project's."""
    return f"`{name}`"


def component(name: str) -> str:
    """A module of the component library: `edge.web_acl`."""
    return module(f"groundplan_components.{name}")


def bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
