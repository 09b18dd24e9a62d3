"""How rules are written down and found.

A rule is a function of a resource and the cloud that yields what is broken; a rule of a change is one of the resource
as it is and as it shall be. Its docstring says the rule, and after ``Source:`` where AWS or Kubernetes say it; a user
who breaks the rule is told both.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from groundplan.cloud.item import Item
from groundplan.cloud.wire import until_unknown

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud


@dataclass(frozen=True, slots=True)
class Broken:
    """One broken rule: where, what was expected, what to do."""

    path: str
    expected: str
    remedy: str
    value: object = None
    """What to show instead of the input at ``path``."""
    item: Item | None = None
    """The resource that is at fault, where it is not the one looked at."""
    source: str = ""
    absent: bool = False
    """Something else is missing: no fault where only a part of a program is looked at."""

    @property
    def words(self) -> tuple[str, str, str, str, object]:
        return self.path, self.expected, self.remedy, self.source, self.value


ItemRule = Callable[[Item, "Cloud"], Iterable[Broken]]
WholeRule = Callable[["Cloud"], Iterable[Broken]]
TransitionRule = Callable[[Item, Item], Iterable[Broken]]

_ITEM_RULES: dict[str, list[tuple[ItemRule, str]]] = defaultdict(list)
_GENERAL_RULES: dict[str, list[tuple[ItemRule, str]]] = defaultdict(list)
_WHOLE_RULES: list[tuple[WholeRule, str]] = []
_TRANSITION_RULES: dict[str, list[tuple[TransitionRule, str]]] = defaultdict(list)


def rule(*tokens: str) -> Callable[[ItemRule], ItemRule]:
    """A rule for resources of these types, looked at when they are created or changed."""

    def note(function: ItemRule) -> ItemRule:
        source = _source(function)
        for token in tokens:
            _ITEM_RULES[token].append((function, source))
        return function

    return note


def general(*tokens: str) -> Callable[[ItemRule], ItemRule]:
    """A rule for resources of many types; it is silent of a property of which a rule of the type has spoken."""

    def note(function: ItemRule) -> ItemRule:
        source = _source(function)
        for token in tokens:
            _GENERAL_RULES[token].append((function, source))
        return function

    return note


def whole(function: WholeRule) -> WholeRule:
    """A rule that can only be seen once the whole program has run; it names the item in each `Broken`."""
    _WHOLE_RULES.append((function, _source(function)))
    return function


def transition(*tokens: str) -> Callable[[TransitionRule], TransitionRule]:
    """A rule for changes in place of resources of these types: it takes the old resource, with its outputs, and the new
    one."""

    def note(function: TransitionRule) -> TransitionRule:
        source = _source(function)
        for token in tokens:
            _TRANSITION_RULES[token].append((function, source))
        return function

    return note


def between(item: Item, path: str, low: float, high: float) -> Iterator[Broken]:
    """Refuse a number outside a range, both ends allowed."""
    value = item.known(path)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not low <= value <= high:
        yield Broken(path, f"{low} to {high}", "choose a value in this range")


def one_of(item: Item, path: str, *values: object) -> Iterator[Broken]:
    """Refuse a value that is not one of these."""
    value = item.known(path)
    if value is not None and value not in values:
        yield Broken(path, f"one of {', '.join(str(each) for each in values)}", "choose one of these")


def check_item(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """What is broken in one resource. A rule that comes to a value which only a deployment gives says no more: the
    deployment asks it again."""
    said = set()
    for function, source in _ITEM_RULES.get(item.type, ()):
        for broken in until_unknown(function(item, cloud)):
            if not (broken.absent and cloud.surroundings_assumed):
                said.add(broken.path)
                yield _sourced(broken, source)
    for function, source in _GENERAL_RULES.get(item.type, ()):
        for broken in function(item, cloud):
            if broken.path not in said:
                said.add(broken.path)
                yield _sourced(broken, source)


def check_whole(cloud: Cloud) -> Iterator[Broken]:
    for function, source in _WHOLE_RULES:
        for broken in function(cloud):
            if not (broken.absent and cloud.surroundings_assumed):
                yield _sourced(broken, source)


def check_transition(old: Item, new: Item) -> Iterator[Broken]:
    for function, source in _TRANSITION_RULES.get(new.type, ()):
        for broken in until_unknown(function(old, new)):
            yield _sourced(broken, source)


def known_rules() -> dict[str, str]:
    """Every rule by module and name, with its source."""
    by_type = (*_ITEM_RULES.values(), *_GENERAL_RULES.values())
    functions = [entry for entries in by_type for entry in entries] + _WHOLE_RULES
    return {_name(function): source for function, source in functions}


def known_transitions() -> dict[str, str]:
    """Every rule of a change by module and name, with its source."""
    return {_name(function): source for entries in _TRANSITION_RULES.values() for function, source in entries}


def _name(function: Callable[..., object]) -> str:
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"


def _sourced(broken: Broken, source: str) -> Broken:
    if broken.source:
        return broken
    return replace(broken, source=source)


def _source(function: Callable[..., object]) -> str:
    text = inspect.getdoc(function) or ""
    _, found, source = text.partition("Source:")
    if not found:
        raise ValueError(f"the rule {function.__name__} doesn't say its source")
    return " ".join(source.split()).rstrip(".")
