"""Addresses and kubeconfig of an EKS cluster."""

import json
from ipaddress import IPv4Network

from groundplan_components.cluster._cluster_args import SERVICE_NETWORKS


def service_network(vpc_cidr: str) -> str:
    """The range of Kubernetes services: the first usual one that doesn't overlap ``vpc_cidr``. Raises ValueError when
    all usual ones do."""
    network = IPv4Network(vpc_cidr)
    for candidate in SERVICE_NETWORKS:
        if not network.overlaps(IPv4Network(candidate)):
            return candidate
    raise ValueError(f"{vpc_cidr} overlaps {', '.join(SERVICE_NETWORKS)}")


def dns_address(service_cidr: str) -> str:
    """The tenth address: EKS gives it to the cluster's DNS."""
    return str(IPv4Network(service_cidr)[10])


def kubeconfig(cluster_name: str, endpoint: str, authority: str, region: str) -> str:
    """A kubeconfig that gets a short-lived token from the AWS CLI, as JSON (which is YAML)."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": cluster_name, "cluster": {"server": endpoint, "certificate-authority-data": authority}}
            ],
            "users": [
                {
                    "name": cluster_name,
                    "user": {
                        "exec": {
                            "apiVersion": "client.authentication.k8s.io/v1beta1",
                            "command": "aws",
                            "args": [
                                "--region",
                                region,
                                "eks",
                                "get-token",
                                "--cluster-name",
                                cluster_name,
                                "--output",
                                "json",
                            ],
                            "interactiveMode": "Never",
                        }
                    },
                }
            ],
            "contexts": [{"name": cluster_name, "context": {"cluster": cluster_name, "user": cluster_name}}],
            "current-context": cluster_name,
        }
    )
