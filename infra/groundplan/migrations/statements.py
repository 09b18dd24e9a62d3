"""SQL of a revision, statement by statement, and what squawk does not look for in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"--[^\n]*|/\*.*?\*/|[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\"[^\"]*\"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|;|.",
    re.DOTALL,
)
_CREATED = re.compile(r"create (?:unlogged )?table (?:if not exists )?(?P<table>[\w.\"]+)")
_ALTERED = re.compile(r"alter table (?:if exists )?(?:only )?(?P<table>[\w.\"]+)")
_LOCKS = re.compile(r"(?:create (?:or replace )?|drop )trigger |drop (?:table|index|view) |create (?:unique )?index ")
_CHANGED = re.compile(r"(?:update (?:only )?|delete from (?:only )?|insert into )(?P<table>[\w.\"]+)")
_BUILT = re.compile(r"create (?:unique )?index concurrently (?P<sure>if not exists )?(?P<index>[\w.\"]+) ")
_UNBUILT = re.compile(r"drop index concurrently if exists (?P<indexes>[\w.\", ]+)")
_WHOLE = re.compile(
    r"truncate |lock |cluster |vacuum \(?[a-z, ]*full|refresh materialized view (?!concurrently)"
    r"|alter table .* set (?:un)?logged|alter table .* set (?:tablespace|access method) "
)


@dataclass(frozen=True, slots=True)
class Statement:
    sql: str
    line: int
    """Of the revision's file; 0 where it is not known."""
    alone: bool = False
    """In a transaction of its own."""

    @property
    def plain(self) -> str:
        """In lower case, on one line, without comments; texts and bodies are empty."""
        parts = []
        for piece in pieces(self.sql):
            if piece.startswith(("--", "/*")):
                parts.append(" ")
            elif piece.startswith(("'", "e'", "E'", "$")):
                parts.append("''")
            else:
                parts.append(piece)
        return " ".join("".join(parts).lower().split())

    @property
    def shown(self) -> str:
        text = " ".join(self.sql.split())
        return f"`{text if len(text) <= 90 else text[:89] + '…'}`"


def statements_of(written: Sequence[tuple[str, int]]) -> list[Statement]:
    """What Alembic wrote, with the statements of one call apart, and without those that begin and end transactions."""
    found: list[Statement] = []
    inside = False
    for text, line in written:
        for sql in _split(text):
            word = sql.rstrip(";").strip().upper()
            if word in ("BEGIN", "COMMIT"):
                inside = word == "BEGIN"
            elif word:
                found.append(Statement(sql, line, alone=not inside))
    return found


def pieces(sql: str) -> Iterator[str]:
    """Comments, texts and quoted names each as one; all else by character."""
    for found in _TOKEN.finditer(sql):
        yield found[0]


def _split(text: str) -> Iterator[str]:
    parts: list[str] = []
    for piece in pieces(text):
        if piece == ";":
            yield "".join(parts).strip()
            parts = []
        else:
            parts.append(piece)
    if rest := "".join(parts).strip():
        yield rest


def findings(statements: Sequence[Statement]) -> Iterator[tuple[Statement, str]]:
    """Statements that break a rule of our own, with the rule's name."""
    made: set[str] = set()
    dropped: set[str] = set()
    locked = False
    for statement in statements:
        plain = statement.plain
        locked = locked and not statement.alone
        if found := _CREATED.match(plain):
            made.add(found["table"])
            continue
        if found := _UNBUILT.match(plain):
            dropped |= {each.strip() for each in found["indexes"].split(",")}
        if (found := _BUILT.match(plain)) and not found["sure"] and found["index"] not in dropped:
            yield statement, "not-repeatable"
        altered = _ALTERED.match(plain)
        old = altered is not None and altered["table"] not in made
        if _WHOLE.match(plain) and (altered is None or old):
            yield statement, "whole-table-lock"
        changed = _CHANGED.match(plain)
        if changed is not None and (
            changed["table"] in made or (plain.startswith("insert") and " select " not in plain)
        ):
            continue
        looks = changed is not None or plain.startswith(("do ", "select ", "with ", "call ", "merge "))
        if looks and locked:
            yield statement, "rows-under-lock"
        elif changed is not None or (plain.startswith("do ") and _changes_at_once(statement)):
            yield statement, "rows-in-one-transaction"
        locked = locked or (not statement.alone and (old or _LOCKS.match(plain) is not None))


def _changes_at_once(block: Statement) -> bool:
    """Whether a DO block changes rows, all in one transaction."""
    body = block.sql.lower()
    return re.search(r"\b(update|delete)\b", body) is not None and (block.alone is False or "commit" not in body)
