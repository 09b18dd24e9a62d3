"""The `random` provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundplan.cloud.item import Item
from groundplan.cloud.rules.registry import Broken, rule

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud


@rule("random:index/randomPassword:RandomPassword")
def minima(item: Item, _: Cloud) -> Iterator[Broken]:
    """The least numbers of each kind fit into the length, and the kinds are on.

    Source: random provider, random_password.
    """
    names = ("minLower", "minUpper", "minNumeric", "minSpecial")
    given = [item.get(name, 0) for name in names]
    length = item.known("length")
    if all(isinstance(each, int | float) for each in given) and isinstance(length, int | float) and sum(given) > length:
        yield Broken("length", f"{sum(given)} or more, the sum of the minima", "make it longer")
