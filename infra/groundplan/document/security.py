"""The security checklist: a mark only for what the program declares (S1 to S7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from groundplan.declaration.model import System
from groundplan.document.markdown import component, link


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the checklist. ``facts`` must all hold; none given: it is not the infrastructure's to declare."""

    layer: str
    text: str
    files: tuple[str, ...]
    facts: tuple[str, ...]


ITEMS: tuple[Item, ...] = (
    Item(
        "S1 network",
        "Web firewall at the edge, with managed rules",
        ("edge.web_acl",),
        ("edge firewall",),
    ),
    Item("S1 network", "Web firewall at the gateway too", ("edge.web_acl",), ("gateway firewall",)),
    Item(
        "S1 network",
        "Nothing in the default security group",
        ("network.network",),
        ("default group empty",),
    ),
    Item(
        "S1 network",
        "Pods reach only what they need",
        (
            "workload.namespace",
            "workload.workload",
        ),
        ("walls between pods",),
    ),
    Item(
        "S1 network",
        "What leaves the network is inspected",
        ("network.firewall",),
        ("network firewall",),
    ),
    Item("S1 network", "Flow logs of the network", ("network.flow_log",), ("flow logs",)),
    Item("S2 transport", "TLS 1.3 only at the edge", ("edge.distribution",), ("edge TLS",)),
    Item("S2 transport", "TLS 1.3 only at the gateway", ("gateway.gateway",), ("gateway TLS",)),
    Item(
        "S2 transport",
        "TLS 1.3 only at the load balancer",
        ("gateway.load_balancer",),
        ("balancer TLS",),
    ),
    Item(
        "S2 transport",
        "TLS required by databases, cache and brokers",
        (
            "database.instance",
            "cache.cache",
            "events.kafka",
            "events.queues",
        ),
        ("database TLS", "cache TLS", "broker TLS"),
    ),
    Item(
        "S3 authentication",
        "A token for whatever is not declared open, checked by the gateway",
        ("gateway.gateway",),
        ("tokens",),
    ),
    Item("S3 authentication", "OAuth code flow only", ("identity.user_pool",), ("code flow",)),
    Item("S3 authentication", "A second factor", ("identity.user_pool",), ("second factor",)),
    Item(
        "S4 authorization",
        "Roles as groups of the user pool (RBAC)",
        ("identity.user_pool",),
        ("roles",),
    ),
    Item("S4 authorization", "Rows of the caller only, where declared (ABAC): by the services", ("system.yaml",), ()),
    Item(
        "S4 authorization",
        "Each service its own AWS role, no policy that allows everything",
        (
            "workload.service_role",
            "shared.iam",
        ),
        ("pod identities", "least privilege"),
    ),
    Item(
        "S5 data",
        "Data stores encrypted with keys of this system",
        (
            "keys.keys",
            "database.instance",
            "cache.cache",
        ),
        ("data at rest",),
    ),
    Item(
        "S5 data",
        "Buckets encrypted and private",
        ("shared.private_bucket",),
        ("buckets at rest", "private buckets"),
    ),
    Item("S5 data", "Cluster secrets encrypted", ("cluster.cluster",), ("cluster secrets",)),
    Item("S5 data", "Keys rotate every year", ("keys.keys",), ("key rotation",)),
    Item("S5 data", "Database passwords rotate", ("database.rotation",), ("secret rotation",)),
    Item(
        "S5 data",
        "Databases can't be deleted by mistake",
        ("database.instance",),
        ("deletion protection",),
    ),
    Item("S5 data", "Backups in a vault of their own", ("backup.backup",), ("backups",)),
    Item(
        "S6 application",
        "Requests checked against a model before they arrive",
        ("gateway.gateway",),
        ("request validation",),
    ),
    Item(
        "S6 application",
        "Pods without privileges (Pod Security restricted)",
        ("workload.namespace",),
        ("restricted pods",),
    ),
    Item("S6 application", "Images scanned, tags immutable", ("delivery.images",), ("images",)),
    Item("S7 rate limit", "", ("edge.web_acl",), ("rate rule",)),
    Item(
        "S7 rate limit",
        "The gateway's stage is throttled",
        ("gateway.gateway",),
        ("stage throttle",),
    ),
)


def security(system: System, stack: str, facts: Mapping[str, bool]) -> str:
    """The checklist for one stack. A fact that isn't given counts as not declared."""
    limit = system.edge.rate_limit
    layers: dict[str, list[str]] = {}
    for item in ITEMS:
        marked = bool(item.facts) and all(facts.get(fact, False) for fact in item.facts)
        text = item.text or f"At most {limit.requests} requests in {limit.per_seconds} seconds for each client address"
        files = ", ".join(link(path) if path.endswith(".yaml") else component(path) for path in item.files)
        layers.setdefault(item.layer, []).append(f"- [{'x' if marked else ' '}] {text} ({files})")
    parts = [f"**{layer}**\n\n" + "\n".join(lines) for layer, lines in layers.items()]
    return "\n\n".join([f"Marked is what the program declares for `{stack}`; other stacks may leave some out.", *parts])
