"""From YAML's events to nodes: values with their lines, in a shape that is safe to walk.

It accepts less than YAML allows, on purpose: what YAML 1.1 (PyYAML) and YAML 1.2 (editors, Pulumi) would read
differently is refused rather than guessed, and so is what could make a small file huge in memory.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import NoReturn, cast

import yaml

from groundplan.problems import Finding, Path, Problem, ProblemsFound, printable

# libyaml reads about ten times as fast; it is in PyYAML's wheels but not in every distribution's package.
_LOADER = cast(type[yaml.SafeLoader], getattr(yaml, "CSafeLoader", yaml.SafeLoader))

# A hundred services with twenty resources each stay below all of these.
_DEEPEST_NESTING = 32
_MOST_NODES = 500_000
_LONGEST_SCALAR = 10_000
_LONGEST_NUMBER = 40

_TAG = "tag:yaml.org,2002:"
_SCALAR_TAGS = frozenset(_TAG + name for name in ("null", "bool", "int", "float", "timestamp", "str"))


# The spellings on which YAML 1.1 and YAML 1.2 agree.
_PLAIN_SPELLING = {
    "bool": re.compile("true|True|TRUE|false|False|FALSE"),
    "int": re.compile("[-+]?(0|[1-9][0-9]*)"),
    "float": re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
}
_CONVERTED = {
    "null": "nothing, or text in quotes",
    "bool": "true or false, or text in quotes",
    "int": "a number in plain digits, or text in quotes",
    "float": "a number in plain digits, or text in quotes",
    "timestamp": "a date that exists, such as 2026-01-31, or text in quotes",
}


@dataclass(slots=True)
class Node:
    """A value of the file; ``text`` is a scalar as written, ``children`` are those of a mapping or a list."""

    line: int
    value: object = None
    text: str = ""
    children: dict[str | int, Node] = field(default_factory=dict)
    size: int = 1
    """Values in it, itself included, with every alias counted as what it stands for."""
    height: int = 1
    """Levels of nesting in it, itself included."""

    def add(self, key: str | int, child: Node) -> None:
        self.children[key] = child
        self.size += child.size
        self.height = max(self.height, child.height + 1)


def fail(where: str, line: int | None, value: str, expected: str, remedy: str) -> NoReturn:
    place = where if line is None else f"{where}:{line}"
    raise ProblemsFound([Problem(place, "", value, expected, remedy)])


class Reader:
    """Builds nodes from the parser's events, so that depth, aliases and keys are checked before values exist."""

    def __init__(self, text: str, where: str) -> None:
        self.findings: list[Finding] = []
        """What is readable and yet wrong, independent of the values: keys given twice, keys that are no names."""
        self.spellings: list[Finding] = []
        """Unquoted values that YAML 1.1 and 1.2 read differently, or that are not what they look like."""
        self._where = where
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_LOADER)
        self._scalars = yaml.SafeLoader("")
        self._anchors: dict[str, Node] = {}
        self._nodes = 0

    def top(self) -> Node:
        """The one document's mapping. Raises ``ProblemsFound``, and ``yaml.YAMLError`` for bad syntax."""
        next(self._events)  # the stream's start
        if isinstance(next(self._events), yaml.StreamEndEvent):
            self._refuse_empty()
        top = self._node(next(self._events), ())
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            line = _line(after)
            fail(self._where, line, "a second document", "one document a file", "remove this `---` and what follows")
        if top.value is None:
            self._refuse_empty()
        if not isinstance(top.value, dict):
            fail(
                self._where,
                top.line,
                printable(top.value) if top.children else "a single value",
                "a mapping at the top: `key: value` lines",
                "start with the first key at the left margin",
            )
        return top

    def _refuse_empty(self) -> NoReturn:
        fail(self._where, None, "empty", "a mapping: `key: value` lines", "fill in the file, or restore it from git")

    def _node(self, event: yaml.Event, path: Path) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        if len(path) > _DEEPEST_NESTING:
            fail(
                self._where,
                _line(event),
                "nested too deeply",
                f"at most {_DEEPEST_NESTING} levels",
                "look for an unclosed bracket",
            )
        self._count(1, event)
        match event:
            case yaml.ScalarEvent():
                node = self._scalar(event, path)
            case yaml.SequenceStartEvent():
                node = self._sequence(event, path)
            case _:
                node = self._mapping(cast(yaml.MappingStartEvent, event), path)
        if anchor := getattr(event, "anchor", None):
            self._anchors[anchor] = node
        return node

    def _count(self, nodes: int, event: yaml.Event) -> None:
        self._nodes += nodes
        if self._nodes > _MOST_NODES:
            fail(
                self._where,
                _line(event),
                f"more than {_MOST_NODES:,} values once its aliases are spelled out",
                "a file whose aliases do not multiply",
                "write out what the aliases (`*name`) stand for",
            )

    def _alias(self, event: yaml.AliasEvent, path: Path) -> Node:
        node = self._anchors.get(str(event.anchor))
        if node is None or len(path) + node.height > _DEEPEST_NESTING:
            fail(
                self._where,
                _line(event),
                f"the alias {printable(f'*{event.anchor}')}",
                "an alias of something that is complete above it and not nested too deeply",
                "write out what it stands for",
            )
        self._count(node.size, event)
        return replace(node, line=_line(event))

    def _scalar(self, event: yaml.ScalarEvent, path: Path) -> Node:
        node = Node(line=_line(event), text=event.value)
        if len(event.value) > _LONGEST_SCALAR:
            expected = f"at most {_LONGEST_SCALAR:,} characters"
            self.findings.append(Finding(path, printable(event.value), expected, "shorten it"))
            node.value = event.value[:_LONGEST_SCALAR]
            return node
        if event.tag in (None, "!"):
            tag = self._scalars.resolve(  # type: ignore[no-untyped-call]
                yaml.ScalarNode, event.value, event.implicit
            )
        else:
            tag = event.tag
            self._check_tag(tag, _SCALAR_TAGS, path)
        node.value = event.value
        if tag in _SCALAR_TAGS - {_TAG + "str"}:
            self._convert(node, tag, path)
        return node

    def _convert(self, node: Node, tag: str, path: Path) -> None:
        kind = tag.removeprefix(_TAG)
        text = node.text
        if kind in ("int", "float") and len(text) > _LONGEST_NUMBER:
            expected = f"a number of at most {_LONGEST_NUMBER} digits"
            self.spellings.append(Finding(path, printable(text), expected, "shorten it, or put text in quotes"))
            return
        try:
            value = self._scalars.construct_object(yaml.ScalarNode(tag, text))
        # What PyYAML's constructors raise for text that a tag promises to be something else.
        except (ValueError, OverflowError, KeyError, IndexError, AttributeError, yaml.YAMLError):
            remedy = "correct it, or put it in quotes if it is text"
            self.spellings.append(Finding(path, printable(text), _CONVERTED[kind], remedy))
            return
        node.value = value
        if kind in _PLAIN_SPELLING and not _PLAIN_SPELLING[kind].fullmatch(text):
            read = printable(value)
            remedy = f'YAML 1.1 reads {text} as {read}: write {read}, or "{text}" in quotes if it is text'
            self.spellings.append(Finding(path, text, _CONVERTED[kind], remedy))

    def _sequence(self, event: yaml.SequenceStartEvent, path: Path) -> Node:
        self._check_tag(event.tag, {_TAG + "seq"}, path)
        node = Node(line=_line(event))
        while not isinstance(item := next(self._events), yaml.SequenceEndEvent):
            node.add(len(node.children), self._node(item, (*path, len(node.children))))
        node.value = [child.value for child in node.children.values()]
        return node

    def _mapping(self, event: yaml.MappingStartEvent, path: Path) -> Node:
        self._check_tag(event.tag, {_TAG + "map"}, path)
        node = Node(line=_line(event))
        merged: list[Node] = []
        while not isinstance(start := next(self._events), yaml.MappingEndEvent):
            if isinstance(start, yaml.ScalarEvent) and start.value == "<<" and start.implicit[0]:
                merged.extend(self._merged(path))
                continue
            key = self._key(start, path)
            child = self._node(next(self._events), path if key is None else (*path, key))
            if key is None:
                continue
            child.line = _line(start)
            if key in node.children:
                expected = f"each key once; it stands on line {_line(start)} again"
                self.findings.append(Finding((*path, key), "given twice", expected, "keep one of the two"))
            else:
                node.add(key, child)
        for source in merged:
            for name, child in source.children.items():
                if name not in node.children:
                    node.add(name, child)
        node.value = {name: child.value for name, child in node.children.items()}
        return node

    def _key(self, event: yaml.Event, path: Path) -> str | None:
        """The key as text; None for what cannot be a key."""
        # Read as a value first, so that a collection used as a key is consumed whole; what is wrong inside it
        # does not matter.
        before = len(self.findings), len(self.spellings)
        node = self._node(event, path)
        del self.findings[before[0] :], self.spellings[before[1] :]
        if not isinstance(event, yaml.ScalarEvent):
            shown = "an alias" if isinstance(event, yaml.AliasEvent) else printable(node.value)
            self.findings.append(
                Finding(path, f"a mapping with {shown} as a key", "names as keys", "write a plain name")
            )
            return None
        key = node.text[:_LONGEST_SCALAR]
        if not isinstance(node.value, str):
            expected = f"a name; YAML reads this key as {printable(node.value)}" if key else "a name as the key"
            remedy = f'put it in quotes if it is meant: "{key}"' if key else "give the key a name"
            self.findings.append(Finding((*path, key), "", expected, remedy))
        return key

    def _merged(self, path: Path) -> list[Node]:
        node = self._node(next(self._events), (*path, "<<"))
        sources = list(node.children.values()) if isinstance(node.value, list) else [node]
        if all(isinstance(source.value, dict) for source in sources):
            return sources
        expected = "an alias of a mapping after `<<`"
        self.findings.append(Finding(path, f"merged with {printable(node.value)}", expected, "write `<<: *name`"))
        return []

    def _check_tag(self, tag: str | None, allowed: Collection[str], path: Path) -> None:
        if tag not in (None, "!") and tag not in allowed:
            shown = printable(str(tag).replace(_TAG, "!!"))
            self.findings.append(Finding(path, f"tagged {shown}", "a plain value", "remove the tag"))


def _line(event: yaml.Event) -> int:
    return int(event.start_mark.line) + 1 if event.start_mark else 1
