"""What the account knows of one resource type: names, identity, answers, references, replacement."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from groundplan.cloud.item import ACCOUNT, PARTITION, Item

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

SUFFIX = 8
"""Characters of Pulumi's automatic names: a hyphen and seven digits (pulumi-terraform-bridge, `AutoName`)."""


@dataclass(frozen=True, slots=True)
class Name:
    """The physical name of a type: which property holds it and what AWS lets it be."""

    property: str = "name"
    longest: int = 255
    shortest: int = 1
    pattern: str = ""
    says: str = ""
    """The pattern in words."""
    auto: bool = True
    """Pulumi makes a name when none is given."""
    lower: bool = False
    """Automatic names are made lower-case."""
    prefix: str = ""
    suffix: str = ""
    """Added by automatic naming only (`alias/`, `.fifo`)."""
    unique_in: Literal["place", "account", "world", "parent", ""] = "place"
    """Where another resource of the type may not have the same name."""
    parent: str = ""
    """The property whose value is the parent, for names that are unique in a parent."""
    source: str = ""


Answer = Any
"""An output: a template (text with braces), a plain value, or a function of the item and the cloud."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource type as the simulated account knows it.

    Texts in ``id``, ``arn`` and ``outputs`` are templates: ``{name}`` (physical), ``{id}``, ``{arn}``, ``{region}``,
    ``{account}``, ``{hexN}`` (N digits, always the same for the same resource), ``{uuid}`` and any scalar input.
    """

    type: str
    id: Answer = "{name}"
    arn: Answer = ""
    form: str = ""
    """How its ARN looks, as a template, where ``arn`` is a function or the type has no such output."""
    name: Name | None = None
    outputs: Mapping[str, Answer] = field(default_factory=dict)
    references: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    """Property to the types it may name, where the general table of names does not say or says otherwise."""
    replaces: tuple[str, ...] = ()
    """Properties whose change replaces the resource (`a.b` for nested ones)."""
    protection: str = ""
    """The property that forbids deletion while it is true (or `ACTIVE`)."""
    guarded: bool = False
    """AWS refuses to delete it while another resource uses it."""
    stateful: bool = False
    """It holds data that a replacement loses."""
    makes: Mapping[str, str] = field(default_factory=dict)
    """Type of what AWS makes along with it, to the property that names that."""
    exclusive: tuple[tuple[str, ...], ...] = ()
    """Properties whose values only one of the type may have together, besides its name."""
    singleton: bool = False
    """There is one for each id and creating another overwrites it."""
    one_in: Literal["", "place", "account"] = ""
    """The account has one of each id, in a region or altogether, for all stacks: it should belong to none."""


_FIELD = re.compile(r"\{(\w+)\}")


def render(template: str, item: Item) -> str:
    """Fill a template with an item's facts; an unknown field becomes empty."""
    return _FIELD.sub(lambda match: _fact(match[1], item), template)


def _fact(name: str, item: Item) -> str:
    if name == "id":
        return item.id
    if name == "name":
        return item.physical_name or item.name
    if name == "region":
        return item.place
    if name == "account":
        return ACCOUNT
    if name == "partition":
        return PARTITION
    if name == "arn":
        return item.arn or str(item.known("arn") or "")
    if name == "uuid":
        return item.uuid()
    if name.startswith("hex") and name[3:].isdigit():
        return item.hex(int(name[3:]))
    value = item.known(name)
    return "" if value is None else str(value)


def answer(template: Answer, item: Item, cloud: Cloud) -> Any:  # noqa: ANN401
    if isinstance(template, str):
        return render(template, item)
    if callable(template):
        return template(item, cloud)
    if isinstance(template, Mapping):
        return {key: answer(each, item, cloud) for key, each in template.items()}
    if isinstance(template, list):
        return [answer(each, item, cloud) for each in template]
    return template
