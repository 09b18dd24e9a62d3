"""A namespace that admits only hardened pods and denies all traffic by default."""

import re
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from groundplan_components.shared.addresses import check_address
from groundplan_components.shared.checks import require
from groundplan_components.shared.choices import choice
from groundplan_components.shared.cluster_access import TargetGroupBindingApi, object_options


class NamespaceArgs(TypedDict):
    """DNS, Pod Security and quota of a namespace."""

    cpu_limit: int
    """Quota of vCPUs that all pods request, including rolling updates."""
    memory_limit_gib: int
    """Quota of GiB that all pods request, including rolling updates."""
    pod_limit: int
    """Quota of pods, including rolling updates."""
    dns_addresses: NotRequired[list[str]]
    """DNS servers that no pod selector matches: EKS Auto Mode runs DNS on the node, at the cluster's DNS address.
    Default: none."""
    binding: NotRequired[TargetGroupBindingApi]
    """The controller that registers pods in target groups. A new pod then becomes ready only when the load balancer
    finds it healthy, so that a rollout never removes the last pod with traffic (T4). Default: none."""
    pod_security_version: NotRequired[str]
    """Version of the Pod Security rules, for example `v1.35`. Default: the API server's own."""


class Namespace(pulumi.ComponentResource):
    """A namespace with Pod Security `restricted`, default-deny network policies, a quota and defaults (S1, P3).

    The namespace has the component's name.
    """

    namespace: pulumi.Output[str]
    """Known once the namespace's policies and quota exist, so that no pod starts before them."""

    def __init__(self, name: str, args: NamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:Namespace", name, {}, opts)
        inside = object_options(self, opts)

        namespace = kubernetes.core.v1.Namespace(
            f"{name}-namespace",
            metadata={"name": name, "labels": _labels(args)},
            opts=inside,
        )
        here = namespace.metadata.apply(lambda metadata: metadata.name)
        guards = [
            kubernetes.networking.v1.NetworkPolicy(
                f"{name}-deny",
                metadata={"name": "default-deny", "namespace": here},
                spec={"pod_selector": {}, "policy_types": ["Ingress", "Egress"]},
                opts=inside,
            ),
            kubernetes.networking.v1.NetworkPolicy(
                f"{name}-dns",
                metadata={"name": "allow-dns", "namespace": here},
                spec={
                    "pod_selector": {},
                    "policy_types": ["Egress"],
                    "egress": [_dns(args.get("dns_addresses", []))],
                },
                opts=inside,
            ),
            kubernetes.core.v1.LimitRange(
                f"{name}-defaults",
                metadata={"name": "defaults", "namespace": here},
                # Only memory has a default limit; a default for CPU would throttle every container that has none.
                spec={
                    "limits": [
                        {
                            "type": "Container",
                            "default": {"memory": "128Mi"},
                            "default_request": {"cpu": "50m", "memory": "128Mi"},
                        }
                    ]
                },
                opts=inside,
            ),
            kubernetes.core.v1.ResourceQuota(
                f"{name}-quota",
                metadata={"name": "quota", "namespace": here},
                spec={
                    "hard": {
                        "requests.cpu": str(args["cpu_limit"]),
                        "requests.memory": f"{args['memory_limit_gib']}Gi",
                        "limits.memory": f"{args['memory_limit_gib']}Gi",
                        "pods": str(args["pod_limit"]),
                        # Ingress comes through the gateway only.
                        "services.loadbalancers": "0",
                        "services.nodeports": "0",
                    }
                },
                opts=inside,
            ),
        ]
        self.namespace = pulumi.Output.all(here, *(guard.id for guard in guards)).apply(lambda known: str(known[0]))
        self.register_outputs({"namespace": self.namespace})


def _labels(args: NamespaceArgs) -> dict[str, str]:
    version = args.get("pod_security_version", "latest")
    found = {}
    for mode in ("enforce", "audit", "warn"):
        found[f"pod-security.kubernetes.io/{mode}"] = "restricted"
        found[f"pod-security.kubernetes.io/{mode}-version"] = version
    if "binding" in args:
        binding = choice(TargetGroupBindingApi, args["binding"], "Namespace", "binding")
        found[binding.readiness_label] = "enabled"
    return found


def _dns(addresses: list[str]) -> dict[str, Any]:
    cluster_dns = {
        "namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": "kube-system"}},
        "pod_selector": {"match_labels": {"k8s-app": "kube-dns"}},
    }
    return {
        "to": [cluster_dns, *({"ip_block": {"cidr": f"{address}/32"}} for address in addresses)],
        "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
    }


def _check(name: str, args: NamespaceArgs) -> None:
    component = f'Namespace "{name}"'
    if "binding" in args:
        choice(TargetGroupBindingApi, args["binding"], component, "binding")
    require(
        len(name) <= 63 and re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name) is not None,
        component,
        "name",
        name,
        "at most 63 lower-case letters, digits and hyphens",
        "rename the component",
    )
    require(
        not name.startswith("kube-") and name != "default",
        component,
        "name",
        name,
        "a name that Kubernetes doesn't reserve",
        "choose a name that doesn't begin with kube- and isn't default",
    )
    for argument, value in (
        ("cpu_limit", args["cpu_limit"]),
        ("memory_limit_gib", args["memory_limit_gib"]),
        ("pod_limit", args["pod_limit"]),
    ):
        require(value >= 1, component, argument, value, "at least 1", "raise it")
    version = args.get("pod_security_version", "latest")
    require(
        re.fullmatch(r"latest|v1\.[0-9]{1,2}", version) is not None,
        component,
        "pod_security_version",
        version,
        "latest, or a minor version such as v1.35",
        "write v before the minor version",
    )
    for address in args.get("dns_addresses", []):
        check_address(component, "dns_addresses", address)
