"""Names that only one thing can have at a time: what a replacement of a resource would share with the old one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from infra.simulation import names
from infra.simulation.catalogue import answer, kind_of
from infra.simulation.catalogue.kind import Kind
from infra.simulation.item import Item
from infra.simulation.wire import UNKNOWN

if TYPE_CHECKING:
    from infra.simulation.cloud import Cloud


_NOTHING = frozenset({"aws:acm/certificateValidation:CertificateValidation"})
"""What only waits for something else, and is nothing in the account."""


@dataclass(frozen=True, slots=True)
class Holding:
    """One name that is taken: of which type, where, and what it is."""

    type: str
    where: str
    by: str
    """`name`, `id`, or the properties whose values only one may have together."""
    value: str
    source: str = field(default="", compare=False)


def holdings(item: Item, cloud: Cloud) -> dict[Holding, str]:
    """Every name that the item takes for itself, with the property that gives it; names that nobody knows yet are left
    out, and so are those of values that exist in Pulumi's state alone."""
    if item.type.startswith("random:") or item.type in _NOTHING:
        return {}
    kind = kind_of(item.type)
    found = own_holdings(item)
    rule = kind.name
    name = names.physical_name(item, kind)
    if rule is not None and rule.unique_in and name:
        where = {"place": item.place, "parent": str(item.get(rule.parent))}.get(rule.unique_in, "")
        found[Holding(item.type, where, "name", name, rule.source)] = rule.property
    if rule is None or rule.unique_in != "parent":  # such an id may be the name alone
        identity = _identity(item, kind, cloud)
        if identity:
            path = "metadata.name" if item.type.startswith("kubernetes:") else rule.property if rule else "id"
            found[Holding(item.type, item.place, "id", identity)] = path
    return found


def own_holdings(item: Item) -> dict[Holding, str]:
    """Of these the names of what AWS makes along with the item, and what may exist once for each set of values."""
    found: dict[Holding, str] = {}
    if item.adopted:
        return found
    kind = kind_of(item.type)
    for token, path in kind.makes.items():
        name = item.known(path)
        if isinstance(name, str):
            source = f"AWS: the names of {token.rpartition(':')[2]}s are unique in an account and region"
            found[Holding(token, item.place, "name", name, source)] = path
    for paths in kind.exclusive:
        values = [item.get(path, "") for path in paths]
        if UNKNOWN not in values and any(values):
            found[Holding(item.type, item.place, ", ".join(paths), ", ".join(map(str, values)))] = paths[0]
    return found


def _identity(item: Item, kind: Kind, cloud: Cloud) -> str:
    """The id of an item, when it follows from its inputs alone, so that the next one of the same URN has it too."""
    first, second = (
        _id(replace(item, generation=number), kind, cloud) for number in (item.generation, item.generation + 1)
    )
    return first if first == second else ""


def _id(item: Item, kind: Kind, cloud: Cloud) -> str:
    item.id, item.outputs = "", {}
    item.physical_name = names.physical_name(item, kind)
    if UNKNOWN in item.inputs.values():
        return ""
    if kind.arn and "{id}" not in str(kind.arn):
        item.outputs = {"arn": answer(kind.arn, item, cloud)}
    return str(answer(kind.id, item, cloud))


def held_already(holding: Holding, holder: str, urn: str) -> tuple[str, str, str, object]:
    """What to say of a name that another resource has: what was expected, what to do, where it says so, the name."""
    if holder == urn:
        expected = "the one that it replaces to be gone first, as both would have this name"
        remedy = "set delete_before_replace, or leave the name to Pulumi where it can make one"
    else:
        expected = f"a name that no other has; {holder} has this one"
        remedy = "give one of the two another name, or an alias to the one that takes the place of the other"
    return expected, remedy, holding.source, holding.value
