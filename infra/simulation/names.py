"""Physical names: what Pulumi makes of a logical name, and what AWS and Kubernetes let a name be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from infra.simulation.catalogue.kind import SUFFIX, Kind, Name
from infra.simulation.catalogue.kubernetes import kind_name
from infra.simulation.item import Item
from infra.simulation.wire import UNKNOWN

if TYPE_CHECKING:
    from infra.simulation.cloud import Cloud

_OBJECT_NAMES = "Kubernetes: Object Names and IDs"
_LABELS = "Kubernetes: Labels and Selectors"
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SERVICE = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_CAPITALS = frozenset({"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"})
_LONGEST = {"Namespace": 63, "Service": 63, "CronJob": 52, "Job": 63, "StatefulSet": 52}
"""Characters that leave room for what a controller adds (validation in k8s.io/kubernetes/pkg/apis)."""


class Fault(NamedTuple):
    path: str
    expected: str
    remedy: str
    source: str = ""
    value: object = None


def physical_name(item: Item, kind: Kind) -> str:
    """The name that the resource gets, given or made; empty where the type has none or it is not known yet."""
    if item.type.startswith("kubernetes:"):
        given = item.get("metadata.name")
        if given is None:
            prefix = item.known("metadata.generateName") or f"{item.name}-"
            return f"{prefix}{item.hex(8, 'name')}"
        return given if isinstance(given, str) else ""
    rule = kind.name
    if rule is None:
        given = item.get("name")
        return given if isinstance(given, str) else item.name
    given = item.get(rule.property)
    if isinstance(given, str):
        return given
    if given is UNKNOWN:
        return ""
    return made_name(item, rule) if rule.auto else item.name


def made_name(item: Item, rule: Name) -> str:
    """Pulumi's automatic name: the logical name, a hyphen and seven digits; or the given prefix and digits."""
    prefix = item.known(f"{rule.property}Prefix")
    if isinstance(prefix, str):
        return f"{prefix}{item.hex(26, 'name')}"[: max(rule.longest, len(prefix) + 1)]
    stem = item.name.lower() if rule.lower else item.name
    fifo = ".fifo" if item.known("fifoQueue") is True or item.known("fifoTopic") is True else ""
    return f"{rule.prefix}{stem}-{item.hex(SUFFIX - 1, 'name')}{fifo}"


def faults(item: Item, kind: Kind, cloud: Cloud) -> Iterator[Fault]:
    """What is wrong with a resource's name, and with its labels."""
    if item.type.startswith("kubernetes:"):
        yield from _object_faults(item)
    elif kind.name is not None and item.physical_name:
        yield from _faults(item, kind.name)
        yield from _taken(item, kind.name, cloud)


def _faults(item: Item, rule: Name) -> Iterator[Fault]:
    name = item.physical_name
    made = not isinstance(item.get(rule.property), str)
    how = f"the logical name {item.name} and Pulumi's suffix of {SUFFIX} characters" if made else "the name"
    if len(name) > rule.longest:
        yield Fault(
            rule.property,
            f"at most {rule.longest} characters; {how} make {len(name)}",
            f"shorten it by {len(name) - rule.longest}",
            rule.source,
            name,
        )
    elif len(name) < rule.shortest:
        yield Fault(rule.property, f"at least {rule.shortest} characters", "lengthen it", rule.source, name)
    if rule.pattern and re.fullmatch(rule.pattern, name) is None:
        yield Fault(rule.property, rule.says, f"change {how}", rule.source, name)


def _taken(item: Item, rule: Name, cloud: Cloud) -> Iterator[Fault]:
    if not rule.unique_in:
        return
    for other in cloud.named(item.physical_name):
        if other is item or other.type != item.type or other.physical_name != item.physical_name or other.adopted:
            continue
        if rule.unique_in == "place" and other.place != item.place:
            continue
        if rule.unique_in == "parent" and other.get(rule.parent) != item.get(rule.parent):
            continue
        if other.urn == item.urn:
            yield Fault(
                rule.property,
                "the one that it replaces to be gone first, as both would have this name",
                "set delete_before_replace, or leave the name to Pulumi where it can make one",
                rule.source,
                item.physical_name,
            )
            return
        where = {"place": f"in {item.place}", "parent": f"in the same {rule.parent}"}.get(
            rule.unique_in, "in the account"
        )
        yield Fault(
            rule.property,
            f"a name that no other has {where}; {other.urn} has this one",
            "give one of the two another name, or leave the name to Pulumi",
            rule.source,
            item.physical_name,
        )
        return


def _object_faults(item: Item) -> Iterator[Fault]:
    kind = kind_name(item.type)
    name = item.physical_name
    if name:
        longest = _LONGEST.get(kind, 253)
        pattern, says = _object_pattern(kind)
        if len(name) > longest:
            yield Fault(
                "metadata.name", f"at most {longest} characters for a {kind}", "shorten it", _OBJECT_NAMES, name
            )
        if pattern is not None and pattern.fullmatch(name) is None:
            yield Fault("metadata.name", says, "rename it", _OBJECT_NAMES, name)
    for path in ("metadata", "spec.template.metadata"):
        yield from _labels(item, f"{path}.labels", values=True)
        yield from _labels(item, f"{path}.annotations", values=False)
    for path in ("spec.selector.matchLabels", *(("spec.selector",) if kind == "Service" else ())):
        yield from _labels(item, path, values=True)


def _object_pattern(kind: str) -> tuple[re.Pattern[str] | None, str]:
    if kind in _CAPITALS:
        return None, ""
    if kind == "Namespace":
        return _LABEL, "lower-case letters, digits and hyphens, a letter or digit at both ends (RFC 1123 label)"
    if kind == "Service":
        return _SERVICE, "lower-case letters, digits and hyphens, a letter first (RFC 1035 label)"
    return (
        _SUBDOMAIN,
        "lower-case letters, digits, hyphens and dots, a letter or digit at both ends (RFC 1123 subdomain)",
    )


def _labels(item: Item, path: str, *, values: bool) -> Iterator[Fault]:
    labels = item.known(path)
    if not isinstance(labels, dict):
        return
    for key, value in labels.items():
        where = f"{path}.{key}"
        prefix, _, name = key.rpartition("/")
        if (
            len(name) > 63
            or _QUALIFIED.fullmatch(name) is None
            or (prefix and (len(prefix) > 253 or not _SUBDOMAIN.fullmatch(prefix)))
        ):
            yield Fault(
                where,
                "a key of at most 63 letters, digits and -_. with an optional DNS prefix and /",
                "rename the key",
                _LABELS,
                key,
            )
        if values and isinstance(value, str) and value and (len(value) > 63 or _QUALIFIED.fullmatch(value) is None):
            yield Fault(
                where, "a value of at most 63 letters, digits and -_.", "shorten or change the value", _LABELS, value
            )
