"""What is wrong with something a user wrote, said so that it can be mended at once."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""Keys and list positions from the top of a file down to a value."""

_LONGEST_VALUE = 60
_LONGEST_KEY = 40


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in one place.

    ``where`` is a file with an optional line (``system.yaml:12``) or a configuration key's home
    (``Pulumi.prod.yaml``); ``path`` is the dotted path inside it; ``value`` is what was found there,
    already printable and never a secret; ``expected`` and ``remedy`` are sentences without a full stop.
    """

    where: str
    path: str
    value: str
    expected: str
    remedy: str

    def __str__(self) -> str:
        subject = " is ".join(part for part in (self.path, self.value) if part)
        heading = f"{self.where}: {subject}" if subject else self.where
        return f"{heading}\n    expected: {self.expected}\n    to do:    {self.remedy}"


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake before it is known in which file and line it stands; otherwise as in `Problem`."""

    path: Path
    value: str
    expected: str
    remedy: str

    def at(self, where: str) -> Problem:
        return Problem(where, dotted(self.path), self.value, self.expected, self.remedy)


class ProblemsFound(Exception):
    """Every mistake of a declaration or a configuration, found in one reading."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(str(self))

    def __str__(self) -> str:
        count = len(self.problems)
        heading = "1 problem" if count == 1 else f"{count} problems"
        return "\n".join([heading, *(str(problem) for problem in self.problems)])


def printable(value: object) -> str:
    """One short line that shows ``value`` as its author would write it; a collection is only counted."""
    match value:
        case None:
            return "empty"
        case bool():
            return "true" if value else "false"
        case str():
            return _shortened(json.dumps(value, ensure_ascii=not value.isprintable()), _LONGEST_VALUE)
        case int() if value.bit_length() > 256:
            return "a number of more than 75 digits"
        case dict():
            return f"a mapping of {_counted(len(value), 'key')}" if value else "an empty mapping"
        case list() | tuple():
            return f"a list of {_counted(len(value), 'item')}" if value else "an empty list"
    return _shortened(str(value), _LONGEST_VALUE)


def dotted(path: Path) -> str:
    """``services.order.consumes[0]`` for ``("services", "order", "consumes", 0)``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if part.isprintable() and part else json.dumps(part)
            text += ("." if text else "") + _shortened(key, _LONGEST_KEY)
    return text


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that ``word`` was probably meant to be."""
    # difflib is quadratic: beyond this length no known word is close anyway.
    matches = difflib.get_close_matches(word[:100].lower(), sorted(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """``did you mean `order`?``, or ``otherwise`` where no known word is close."""
    match = closest(word, known)
    return f"did you mean `{match}`?" if match else otherwise


def listed(words: Iterable[str], last: str = "or") -> str:
    """``a, b or c``, each in backquotes; a long list is cut."""
    quoted = [f"`{word}`" for word in words]
    if len(quoted) > 20:
        return f"{', '.join(quoted[:20])} {last} {len(quoted) - 20} more"
    return f" {last} ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
