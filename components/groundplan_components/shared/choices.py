"""Arguments that take a member of an enumeration."""

from enum import Enum
from typing import TypeVar

from groundplan_components.shared.checks import require

Choice = TypeVar("Choice", bound=Enum)


def choice(kind: type[Choice], value: object, component: str, argument: str) -> Choice:
    """``value`` as a member of ``kind``. Programs in other languages pass the member's word.

    A member of another enumeration counts as its word: a copied component (`groundplan eject`) has its own.

    Raises ``pulumi.RunError`` with the valid words.
    """
    if isinstance(value, kind):
        return value
    value = value.value if isinstance(value, Enum) else value
    words = [member.value for member in kind]
    require(value in words, component, argument, value, f"one of {', '.join(words)}", "choose one of them")
    return kind(value)
