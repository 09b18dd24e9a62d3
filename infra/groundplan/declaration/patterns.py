"""Regular expressions of declarations: a form that several engines read alike, and that none takes long for.

Python, PostgreSQL and the gateway's validator each have their own. They agree on literals, `[…]`, groups, `|` and
quantifiers over ASCII. Python's tries alternatives one after the other: where one text can be read in several ways,
that takes time that grows with a power of its length, or exponentially. So an expression must be unambiguous, which is
judged on its position automaton (Book, Even, Greibach, Ott: Ambiguity in graphs and expressions, 1971).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product

_MOST_REPEATS = 255
"""PostgreSQL's largest bound: https://www.postgresql.org/docs/17/functions-matching.html"""
_COPIED_REPEATS = 8
"""Up to so many repeats the automaton has a copy for each; more count as any number, which may only find too much."""
_MOST_POSITIONS = 200
_SPECIAL = frozenset(".^$*+?{}[]()|\\")
_ALL = frozenset(range(0x20, 0x7F))
_OTHER = -1
"""Stands for every character outside printable ASCII, which only a negated class matches."""

Symbols = frozenset[int]


class _Refused(Exception):
    def __init__(self, expected: str, remedy: str) -> None:
        self.expected = expected
        self.remedy = remedy


@dataclass(slots=True)
class _Part:
    """A sub-expression's first and last positions, and whether it matches the empty text."""

    first: frozenset[int] = frozenset()
    last: frozenset[int] = frozenset()
    empty: bool = True


@dataclass(slots=True)
class _Automaton:
    symbols: list[Symbols] = field(default_factory=list)
    follow: dict[int, set[int]] = field(default_factory=dict)
    doubled: bool = False
    """Two operators lead from one position to the same next one, or two parts match the empty text."""

    def position(self, symbols: Symbols) -> _Part:
        number = len(self.symbols)
        if number >= _MOST_POSITIONS:
            raise _Refused(f"at most {_MOST_POSITIONS} characters and classes, repeats counted", "shorten it")
        self.symbols.append(symbols)
        self.follow[number] = set()
        return _Part(frozenset({number}), frozenset({number}), empty=False)

    def sequence(self, one: _Part, other: _Part) -> _Part:
        self.connect(one.last, other.first)
        return _Part(
            one.first | other.first if one.empty else one.first,
            one.last | other.last if other.empty else other.last,
            one.empty and other.empty,
        )

    def repeated(self, part: _Part) -> _Part:
        self.connect(part.last, part.first)
        return part

    def either(self, one: _Part, other: _Part) -> _Part:
        self.doubled = self.doubled or (one.empty and other.empty)
        return _Part(one.first | other.first, one.last | other.last, one.empty or other.empty)

    def connect(self, ends: frozenset[int], starts: frozenset[int]) -> None:
        for end in ends:
            self.doubled = self.doubled or bool(self.follow[end] & starts)
            self.follow[end] |= starts


def pattern_problem(pattern: str) -> tuple[str, str] | None:
    """What was expected of the expression and what to do; None for one that all engines read alike and quickly."""
    try:
        parser = _Parser(pattern)
        _require_unambiguous(parser.automaton, parser.whole())
    except _Refused as refused:
        return refused.expected, refused.remedy
    try:
        with warnings.catch_warnings():
            # Python keeps some doubled characters in classes for later: `[a--b]`.
            warnings.simplefilter("error")
            re.compile(pattern)
    except (re.error, Warning):
        return "a class without doubled `-`, `&`, `|` or `~`", "write each character once, `-` at the end"
    return None


class _Parser:
    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._depth = 0
        self.automaton = _Automaton()

    def whole(self) -> _Part:
        if not (self._text.isascii() and self._text.isprintable()):
            raise _Refused("printable ASCII: engines differ on other characters", "write the class without them")
        found = self._alternatives()
        if self._at < len(self._text):
            raise _Refused("a `(` for each `)`", "remove the `)`, or write `\\)` for the character")
        return found

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _alternatives(self) -> _Part:
        found = self._sequence()
        while self._next() == "|":
            self._at += 1
            found = self.automaton.either(found, self._sequence())
        return found

    def _sequence(self) -> _Part:
        found = _Part()
        while self._next() not in ("", "|", ")"):
            start = self._at
            part = self._atom()
            found = self.automaton.sequence(found, self._quantified(part, start))
        return found

    def _atom(self) -> _Part:
        character = self._next()
        self._at += 1
        match character:
            case "(":
                return self._group()
            case "[":
                return self.automaton.position(self._class())
            case "\\":
                return self.automaton.position(frozenset({self._escaped()}))
            case "^" | "$":
                raise _Refused("no anchors: the whole value is matched anyway", f"remove the `{character}`")
            case ".":
                raise _Refused("a class instead of `.`, on which engines differ", "write `[ -~]`, or `\\.` for a dot")
            case _ if character in _SPECIAL:
                raise _Refused("something before each quantifier", f"write `\\{character}` for the character")
        return self.automaton.position(frozenset({ord(character)}))

    def _group(self) -> _Part:
        if self._next() == "?":
            if self._text[self._at : self._at + 2] != "?:":
                raise _Refused("plain groups `(…)`: engines differ on others", "remove what begins with `(?`")
            self._at += 2
        self._depth += 1
        if self._depth > 20:
            raise _Refused("at most 20 groups in each other", "simplify it")
        found = self._alternatives()
        if self._next() != ")":
            raise _Refused("a `)` for each `(`", "add it, or write `\\(` for the character")
        self._at += 1
        self._depth -= 1
        return found

    def _escaped(self) -> int:
        character = self._next()
        self._at += 1
        if not character or character.isalnum():
            raise _Refused(
                "`\\` only before a punctuation mark: engines differ on the rest", "write a class, such as [0-9]"
            )
        return ord(character)

    def _class(self) -> Symbols:
        negated = self._next() == "^"
        self._at += negated
        found: set[int] = set()
        while True:
            character = self._next()
            if not character:
                raise _Refused("a `]` for each `[`", "add it, or write `\\[` for the character")
            if character == "]":
                break
            low = self._member()
            high = low
            if self._next() == "-" and self._text[self._at + 1 : self._at + 2] != "]":
                self._at += 1
                high = self._member()
                if high < low:
                    raise _Refused("a range from a lower to a higher character", "swap the two")
            found |= set(range(low, high + 1))
        if not found:
            raise _Refused("characters between `[` and `]`", "write which ones")
        self._at += 1
        return frozenset((_ALL | {_OTHER}) - found) if negated else frozenset(found)

    def _member(self) -> int:
        character = self._next()
        self._at += 1
        if character == "\\":
            return self._escaped()
        if character == "[" or not character:
            raise _Refused("`\\[` for a bracket inside a class", "write `\\[`")
        return ord(character)

    def _quantified(self, part: _Part, start: int) -> _Part:
        end = self._at
        low, high = self._quantifier()
        if (low, high) == (1, 1):
            return part
        if self._next() in ("*", "+", "?", "{"):
            raise _Refused("one quantifier at a time", f"remove the `{self._next()}`")
        if high == 0:
            raise _Refused("at least one repeat", "remove the part that is repeated 0 times")
        if part.empty and high != 1:
            raise _Refused("repeats of a part that is never empty", "take the `?` or `*` out of the repeated group")
        if high is None or high > _COPIED_REPEATS:
            part = self.automaton.repeated(part)
            return _Part(part.first, part.last, part.empty or low == 0)
        first, empty = part.first, part.empty or low == 0
        atom = self._text[start:end]
        last = part.last
        for number in range(1, high):
            again = self._again(atom)
            self.automaton.connect(part.last, again.first)
            last = last | again.last if number >= low else again.last
            part = again
        return _Part(first, last, empty)

    def _again(self, atom: str) -> _Part:
        parser = _Parser(atom)
        parser.automaton = self.automaton
        return parser.whole()

    def _quantifier(self) -> tuple[int, int | None]:
        character = self._next()
        simple = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if character in simple:
            self._at += 1
            return simple[character]
        if character != "{":
            return 1, 1
        found = re.compile(r"\{([0-9]{1,3})(,([0-9]{1,3})?)?\}").match(self._text, self._at)
        if found is None:
            raise _Refused("`{2}`, `{2,}` or `{2,5}`", "write it so, or `\\{` for the character")
        self._at = found.end()
        low = int(found[1])
        high = low if found[2] is None else None if found[3] is None else int(found[3])
        if max(low, high or 0) > _MOST_REPEATS or (high is not None and high < low):
            raise _Refused(f"at most {_MOST_REPEATS} repeats, the smaller number first", "correct the numbers")
        return low, high


def _require_unambiguous(automaton: _Automaton, whole: _Part) -> None:
    """Raises _Refused where a text can be read in two ways.

    Else for each beginning of a text at most one path leads to each position, and trying them all takes time in
    proportion to the text's length.
    """
    found = automaton.doubled
    reached: set[tuple[int, int]] = set()
    waiting = list(_overlapping(automaton, whole.first, whole.first))
    while waiting and not found:
        pair = waiting.pop()
        if pair in reached:
            continue
        reached.add(pair)
        one, other = pair
        if one != other and {one, other} <= whole.last:
            found = True
        for after in _overlapping(automaton, automaton.follow[one], automaton.follow[other]):
            if one != other and after[0] == after[1]:
                found = True
            waiting.append(after)
    if found:
        raise _Refused(
            "one way to read each text: with several, a long value would take the service minutes",
            "take apart neighbouring or nested repeats of the same characters, such as `(a+)+` or `a*a*`",
        )


def _overlapping(automaton: _Automaton, ones: Iterable[int], others: Iterable[int]) -> Iterator[tuple[int, int]]:
    for one, other in product(ones, others):
        if one <= other and automaton.symbols[one] & automaton.symbols[other]:
            yield one, other
        elif automaton.symbols[one] & automaton.symbols[other]:
            yield other, one
