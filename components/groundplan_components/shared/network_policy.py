"""Network policy rules as pure functions (S1).

Rules add to the namespace's default, which denies everything but DNS.
"""

from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

import pulumi

from groundplan_components.shared.addresses import check_cidr
from groundplan_components.shared.checks import require
from groundplan_components.shared.pod import selector

# Pod Identity's agent on every node: https://docs.aws.amazon.com/eks/latest/userguide/pod-identities.html
IDENTITY_AGENT = "169.254.170.23/32"

Rule = dict[str, Any]


class Destination(TypedDict):
    """A destination of TCP connections: a network (`cidr`), or the `pods` of a workload in the namespace."""

    ports: list[int]
    """TCP ports."""
    cidr: NotRequired[pulumi.Input[str]]
    """A network. Either this or ``pods``. Default: none."""
    pods: NotRequired[str]
    """Name of a workload in the same namespace. Default: none."""


def egress(destinations: Sequence[Destination], identity: bool) -> list[Rule]:
    """Rules that allow the destinations and, with ``identity``, the agent that issues the pod's AWS credentials."""
    rules: list[Rule] = [
        {
            "to": [
                {"ip_block": {"cidr": destination["cidr"]}}
                if "cidr" in destination
                else {"pod_selector": {"match_labels": selector(destination["pods"])}}
            ],
            "ports": _tcp(destination["ports"]),
        }
        for destination in destinations
    ]
    if identity:
        rules.append({"to": [{"ip_block": {"cidr": IDENTITY_AGENT}}], "ports": _tcp([80])})
    return rules


def ingress(port: int, cidrs: Sequence[pulumi.Input[str]], callers: Sequence[str]) -> list[Rule]:
    """Rules that admit the networks and the named workloads of the namespace; without either, the pods admit no one.

    Network policies never block the kubelet's probes, which come from the pod's own node.
    """
    sources: list[Rule] = [{"ip_block": {"cidr": cidr}} for cidr in cidrs]
    sources += [{"pod_selector": {"match_labels": selector(caller)}} for caller in callers]
    return [{"from_": sources, "ports": _tcp([port])}] if sources else []


def policy_spec(name: str, ingress_rules: list[Rule], egress_rules: list[Rule]) -> Rule:
    return {
        "pod_selector": {"match_labels": selector(name)},
        "policy_types": ["Ingress", "Egress"],
        "ingress": ingress_rules,
        "egress": egress_rules,
    }


def check_destinations(component: str, destinations: Sequence[Destination]) -> None:
    for index, destination in enumerate(destinations):
        where = f"egress[{index}]"
        require(
            ("cidr" in destination) != ("pods" in destination),
            component,
            where,
            sorted(destination),
            "either cidr or pods",
            "split it into two destinations",
        )
        require(
            bool(destination["ports"]) and all(1 <= port <= 65_535 for port in destination["ports"]),
            component,
            f"{where}.ports",
            destination["ports"],
            "one or more TCP ports from 1 to 65535",
            "name the ports that the destination listens on",
        )
        if "cidr" in destination:
            check_cidr(component, f"{where}.cidr", destination["cidr"])


def _tcp(ports: Sequence[int]) -> list[Rule]:
    return [{"protocol": "TCP", "port": port} for port in ports]
