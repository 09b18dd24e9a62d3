"""The security checklist: a mark only for what the program declares (S1 to S7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from groundplan.declaration.model import System
from groundplan.document.markdown import link


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the checklist. ``facts`` must all hold; none given: it is not the infrastructure's to declare."""

    layer: str
    text: str
    files: tuple[str, ...]
    facts: tuple[str, ...]


def _component(*names: str) -> tuple[str, ...]:
    return tuple(f"components/{name}.py" for name in names)


ITEMS: tuple[Item, ...] = (
    Item(
        "S1 network",
        "Web firewall at the edge, with managed rules",
        _component("web_acl", "web_acl_rules"),
        ("edge firewall",),
    ),
    Item("S1 network", "Web firewall at the gateway too", _component("web_acl"), ("gateway firewall",)),
    Item("S1 network", "Nothing in the default security group", _component("network"), ("default group empty",)),
    Item(
        "S1 network", "Pods reach only what they need", _component("namespace", "pod_network"), ("walls between pods",)
    ),
    Item("S1 network", "What leaves the network is inspected", _component("network_firewall"), ("network firewall",)),
    Item("S1 network", "Flow logs of the network", _component("flow_log"), ("flow logs",)),
    Item("S2 transport", "TLS 1.3 only at the edge", _component("edge"), ("edge TLS",)),
    Item("S2 transport", "TLS 1.3 only at the gateway", _component("gateway"), ("gateway TLS",)),
    Item("S2 transport", "TLS 1.3 only at the load balancer", _component("load_balancer"), ("balancer TLS",)),
    Item(
        "S2 transport",
        "TLS required by databases, cache and brokers",
        _component("database_parameters", "cache", "kafka", "queues"),
        ("database TLS", "cache TLS", "broker TLS"),
    ),
    Item(
        "S3 authentication",
        "A token for whatever is not declared open, checked by the gateway",
        _component("gateway"),
        ("tokens",),
    ),
    Item("S3 authentication", "OAuth code flow only", _component("identity"), ("code flow",)),
    Item("S3 authentication", "A second factor", _component("identity"), ("second factor",)),
    Item("S4 authorization", "Roles as groups of the user pool (RBAC)", _component("identity"), ("roles",)),
    Item("S4 authorization", "Rows of the caller only, where declared (ABAC): by the services", ("system.yaml",), ()),
    Item(
        "S4 authorization",
        "Each service its own AWS role, no policy that allows everything",
        _component("service_role", "iam"),
        ("pod identities", "least privilege"),
    ),
    Item(
        "S5 data",
        "Data stores encrypted with keys of this system",
        _component("keys", "database", "cache"),
        ("data at rest",),
    ),
    Item(
        "S5 data",
        "Buckets encrypted and private",
        _component("private_bucket"),
        ("buckets at rest", "private buckets"),
    ),
    Item("S5 data", "Cluster secrets encrypted", _component("cluster"), ("cluster secrets",)),
    Item("S5 data", "Keys rotate every year", _component("keys"), ("key rotation",)),
    Item("S5 data", "Database passwords rotate", _component("rotation"), ("secret rotation",)),
    Item("S5 data", "Databases can't be deleted by mistake", _component("database"), ("deletion protection",)),
    Item("S5 data", "Backups in a vault of their own", _component("backup"), ("backups",)),
    Item(
        "S6 application",
        "Requests checked against a model before they arrive",
        _component("gateway_openapi"),
        ("request validation",),
    ),
    Item(
        "S6 application",
        "Pods without privileges (Pod Security restricted)",
        _component("namespace"),
        ("restricted pods",),
    ),
    Item("S6 application", "Images scanned, tags immutable", _component("images"), ("images",)),
    Item("S7 rate limit", "", _component("web_acl", "web_acl_rules"), ("rate rule",)),
    Item("S7 rate limit", "The gateway's stage is throttled", _component("gateway"), ("stage throttle",)),
)


def security(system: System, stack: str, facts: Mapping[str, bool]) -> str:
    """The checklist for one stack. A fact that isn't given counts as not declared."""
    limit = system.edge.rate_limit
    layers: dict[str, list[str]] = {}
    for item in ITEMS:
        marked = bool(item.facts) and all(facts.get(fact, False) for fact in item.facts)
        text = item.text or f"At most {limit.requests} requests in {limit.per_seconds} seconds for each client address"
        files = ", ".join(link(path) for path in item.files)
        layers.setdefault(item.layer, []).append(f"- [{'x' if marked else ' '}] {text} ({files})")
    parts = [f"**{layer}**\n\n" + "\n".join(lines) for layer, lines in layers.items()]
    return "\n\n".join([f"Marked is what the program declares for `{stack}`; other stacks may leave some out.", *parts])
