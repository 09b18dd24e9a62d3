"""What an API server admits without a word and what would not work all the same: objects that miss each other."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from groundplan.cloud import Resource
from infra.tests.program.graphs import Graph, on
from infra.tests.program.reading import DEPLOYMENT, JOB, NETWORK_POLICY

BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
SCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
SERVICE = "kubernetes:core/v1:Service"
QUOTA = "kubernetes:core/v1:ResourceQuota"
UNITS = {"m": 0.001, "": 1.0, "Mi": 2.0**20, "Gi": 2.0**30}
SHAPES = ("dev", "prod", "pooled", "internal service", "existing cluster", "fifty services")


def amount(quantity: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(m|Mi|Gi|)", quantity).groups()  # type: ignore[union-attr]
    return int(number) * UNITS[unit]


def templates(graph: Graph) -> dict[str, Any]:
    """The pods' templates by the name that their labels give them."""
    found = [each.inputs["spec"]["template"] for token in (DEPLOYMENT, JOB) for each in graph.some(token)]
    return {template["metadata"]["labels"]["app.kubernetes.io/name"]: template for template in found}


def picked(graph: Graph, labels: dict[str, str]) -> list[str]:
    """The workloads whose pods carry these labels."""
    return [name for name, each in templates(graph).items() if labels.items() <= each["metadata"]["labels"].items()]


def most_pods(graph: Graph) -> Iterator[tuple[Resource, int]]:
    """Every Deployment, and how many pods it has at its largest while it rolls out."""
    scaled = {
        each.inputs["spec"]["scaleTargetRef"]["name"]: each.inputs["spec"]["maxReplicas"] for each in graph.of(SCALER)
    }
    for deployment in graph.some(DEPLOYMENT):
        spec = deployment.inputs["spec"]
        pods = scaled.get(deployment.inputs["metadata"]["name"]) or spec["replicas"]
        surge = spec["strategy"]["rollingUpdate"]["maxSurge"]
        yield deployment, pods + (surge if isinstance(surge, int) else math.ceil(pods * int(surge.rstrip("%")) / 100))


@on(*SHAPES)
def test_the_quota_holds_every_pod_of_every_rollout_at_once_p1(graph: Graph) -> None:
    (quota,) = graph.some(QUOTA)
    needed = {"requests.cpu": 0.0, "requests.memory": 0.0, "limits.memory": 0.0, "pods": 0.0}
    for resource, pods in [*most_pods(graph), *((job, 1) for job in graph.some(JOB))]:
        needed["pods"] += pods
        for container in resource.inputs["spec"]["template"]["spec"]["containers"]:
            for key in ("requests.cpu", "requests.memory", "limits.memory"):
                part, _, name = key.partition(".")
                needed[key] += pods * amount(container["resources"][part][name])
    hard = {key: amount(quota.inputs["spec"]["hard"][key]) for key in needed}
    assert {key: (needed[key], hard[key]) for key in needed if needed[key] > hard[key]} == {}
    assert hard["pods"] <= 2.5 * needed["pods"], "a quota that stops nothing"


@on(*SHAPES)
def test_each_pod_has_one_network_policy_of_its_own_s1(graph: Graph) -> None:
    own = [
        name
        for each in graph.some(NETWORK_POLICY)
        if (labels := each.inputs["spec"]["podSelector"].get("matchLabels"))
        for name in picked(graph, labels)
    ]
    assert sorted(own) == sorted(templates(graph))


@on(*SHAPES)
def test_budgets_scalers_and_services_find_their_workload_p2(graph: Graph) -> None:
    deployments = sorted(each.inputs["metadata"]["name"] for each in graph.some(DEPLOYMENT))
    guarded = [picked(graph, each.inputs["spec"]["selector"]["matchLabels"]) for each in graph.some(BUDGET)]
    assert sorted(guarded) == [[name] for name in deployments]
    scaled = [each.inputs["spec"]["scaleTargetRef"]["name"] for each in graph.of(SCALER)]
    fixed = [each.inputs["metadata"]["name"] for each in graph.some(DEPLOYMENT) if "replicas" in each.inputs["spec"]]
    assert sorted([*scaled, *fixed]) == deployments
    for service in graph.some(SERVICE):
        (name,) = picked(graph, service.inputs["spec"]["selector"])
        ports = [port["name"] for each in templates(graph)[name]["spec"]["containers"] for port in each["ports"]]
        assert [port["targetPort"] for port in service.inputs["spec"]["ports"]] == ports
