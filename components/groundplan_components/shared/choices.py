"""Arguments that are one of a few words."""

from enum import Enum
from typing import TypeVar

from groundplan_components.shared.checks import require

Choice = TypeVar("Choice", bound=Enum)


def choice(kind: type[Choice], value: object, component: str, argument: str) -> Choice:
    """``value`` as a member of ``kind``, whether it came as one or, from another language, as its word.

    A member of another enumeration counts as its word: a copied component (`groundplan eject`) has its own.

    Raises ``pulumi.RunError`` with the words that there are.
    """
    if isinstance(value, kind):
        return value
    value = value.value if isinstance(value, Enum) else value
    words = [member.value for member in kind]
    require(value in words, component, argument, value, f"one of {', '.join(words)}", "choose one of them")
    return kind(value)
