"""Kubernetes (P3, T4, S1)."""

from __future__ import annotations

from typing import Any

from groundplan.cloud.item import Item
from infra.tests.cloud.world import ABSENT, Case, Inputs, World

_DEPLOYMENT = "kubernetes:apps/v1:Deployment"
_JOB = "kubernetes:batch/v1:Job"
_SERVICE = "kubernetes:core/v1:Service"
_BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
_SCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
_BINDING = "kubernetes:eks.amazonaws.com/v1:TargetGroupBinding"
_CLASS = "kubernetes:eks.amazonaws.com/v1:NodeClass"
_POOL = "kubernetes:karpenter.sh/v1:NodePool"
_ROLE = "kubernetes:rbac.authorization.k8s.io/v1:Role"
_ROLE_BINDING = "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding"
_CONTAINER = "spec.template.spec.containers[0]"
_PLACE = "https://cluster"
_LABELS = {"app.kubernetes.io/name": "order"}


def made(world: World, token: str, name: str, inputs: dict[str, Any]) -> Item:
    for item in world.cloud.of(token):
        if item.name == name:
            return item
    metadata = {"name": name, **inputs.pop("metadata", {})}
    return world.make(token, name, {"metadata": metadata, **inputs}, place=_PLACE)


def namespace(world: World) -> Inputs:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    made(world, "kubernetes:core/v1:Namespace", "shop", {"metadata": {"labels": labels}})
    return {"namespace": "shop"}


def labels(_: World) -> Inputs:
    return {"metadata": {"name": "people", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}


def pod(world: World) -> Inputs:
    namespace(world)
    made(world, "kubernetes:core/v1:ServiceAccount", "order", {"metadata": {"namespace": "shop"}})
    made(world, "kubernetes:core/v1:ConfigMap", "order", {"metadata": {"namespace": "shop"}, "data": {"LEVEL": "info"}})
    return {
        "metadata": {"labels": _LABELS},
        "spec": {
            "serviceAccountName": "order",
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "order",
                    "image": "registry.example.com/shop/order:1",
                    "ports": [{"name": "http", "containerPort": 8080}],
                    "env": [{"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "order", "key": "LEVEL"}}}],
                    "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                    "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}},
                }
            ],
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "topology.kubernetes.io/zone",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": _LABELS},
                }
            ],
        },
    }


def deployment(world: World) -> Inputs:
    return {
        "metadata": {"namespace": "shop", "name": "order"},
        "spec": {
            "selector": {"matchLabels": _LABELS},
            "template": pod(world),
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        },
    }


def job(world: World) -> Inputs:
    template = pod(world)
    template["spec"]["restartPolicy"] = "Never"
    return {"metadata": {"namespace": "shop"}, "spec": {"template": template}}


def running(world: World, **spec: Any) -> Item:
    inputs = deployment(world)
    inputs["spec"].update(spec)
    return made(world, _DEPLOYMENT, "order", inputs)


def scaler(world: World) -> Inputs:
    running(world)
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "order"}
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}},
    }
    return {
        "metadata": {"namespace": "shop"},
        "spec": {"scaleTargetRef": target, "minReplicas": 3, "maxReplicas": 30, "metrics": [metric]},
    }


def fixed_size(world: World) -> Inputs:
    """An autoscaler whose Deployment is there under another name too, of a fixed size."""
    inputs = scaler(world)
    other = deployment(world)
    other["metadata"]["name"] = "fixed"
    other["spec"]["replicas"] = 2
    world.make(_DEPLOYMENT, "fixed", other, place=_PLACE)
    return inputs


def budget(world: World) -> Inputs:
    running(world, replicas=3)
    return {"metadata": {"namespace": "shop"}, "spec": {"selector": {"matchLabels": _LABELS}, "minAvailable": 2}}


def service(world: World) -> Inputs:
    running(world)
    return {
        "metadata": {"namespace": "shop"},
        "spec": {"selector": _LABELS, "ports": [{"port": 80, "targetPort": "http"}]},
    }


def walled_service(world: World) -> Inputs:
    inputs = service(world)
    made(world, _POLICY, "order", policy(world))
    return inputs


def closed(world: World) -> str:
    """Another Deployment, which a policy lets no pod reach."""
    lonely = {"app.kubernetes.io/name": "lonely"}
    inputs = deployment(world)
    inputs["metadata"]["name"] = "lonely"
    inputs["spec"]["selector"] = {"matchLabels": lonely}
    inputs["spec"]["template"]["metadata"]["labels"] = lonely
    inputs["spec"]["template"]["spec"]["topologySpreadConstraints"] = []
    world.make(_DEPLOYMENT, "lonely", inputs, place=_PLACE)
    denial = {
        "metadata": {"namespace": "shop", "name": "lonely"},
        "spec": {"podSelector": {"matchLabels": lonely}, "policyTypes": ["Ingress"]},
    }
    world.make(_POLICY, "lonely", denial, place=_PLACE)
    return "lonely"


def policy(world: World) -> Inputs:
    namespace(world)
    peer = {"ipBlock": {"cidr": "10.0.0.0/16", "except": ["10.0.1.0/24"]}}
    return {
        "metadata": {"namespace": "shop"},
        "spec": {
            "podSelector": {"matchLabels": _LABELS},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [peer], "ports": [{"protocol": "TCP", "port": 8080}]}],
        },
    }


def config(world: World) -> Inputs:
    return {"metadata": {"namespace": namespace(world)["namespace"]}, "data": {"LEVEL": "info"}}


def role(world: World) -> Inputs:
    return {
        "metadata": {"namespace": namespace(world)["namespace"]},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
    }


def role_binding(world: World) -> Inputs:
    made(world, _ROLE, "reader", role(world))
    return {
        "metadata": {"namespace": "shop"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "Group", "name": "operators"}],
    }


def binding(world: World) -> Inputs:
    made(world, _SERVICE, "order", service(world))
    tagged = {"eks:eks-cluster-name": "shop"}
    inputs = {"targetType": "ip", "port": 8080, "protocol": "HTTP", "vpcId": world.vpc().id}
    group = world.make("aws:lb/targetGroup:TargetGroup", "order", {**inputs, "tags": tagged})
    world.make("aws:lb/targetGroup:TargetGroup", "untagged", inputs)
    return {
        "apiVersion": "eks.amazonaws.com/v1",
        "kind": "TargetGroupBinding",
        "metadata": {"namespace": "shop"},
        "spec": {"targetType": "ip", "targetGroupARN": group.arn, "serviceRef": {"name": "order", "port": 80}},
    }


def untagged(world: World) -> str:
    return next(item.arn for item in world.cloud.of("aws:lb/targetGroup:TargetGroup") if item.name == "untagged")


def node_class(world: World) -> Inputs:
    return {
        "apiVersion": "eks.amazonaws.com/v1",
        "kind": "NodeClass",
        "metadata": {"name": "services"},
        "spec": {
            "role": world.role().physical_name,
            "subnetSelectorTerms": [{"tags": {"tier": "private"}}],
            "securityGroupSelectorTerms": [{"id": world.group().id}],
            "networkPolicy": "DefaultDeny",
            "ephemeralStorage": {"size": "80Gi"},
        },
    }


def node_pool(world: World) -> Inputs:
    made(world, _CLASS, "services", node_class(world))
    requirement = {"key": "eks.amazonaws.com/instance-cpu", "operator": "In", "values": ["4", "8"]}
    reference = {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": "services"}
    return {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": "services"},
        "spec": {
            "template": {"spec": {"nodeClassRef": reference, "requirements": [requirement]}},
            "limits": {"cpu": "100", "memory": "400Gi"},
            "disruption": {"consolidationPolicy": "WhenEmptyOrUnderutilized", "consolidateAfter": "30s"},
        },
    }


def _case(rule: str, token: str, given: Any, changes: Any, path: str, says: str) -> Case:
    return Case(rule, token, given, changes, path, says, place=_PLACE)


CASES = (
    _case(
        "workloads.namespace_exists",
        _DEPLOYMENT,
        deployment,
        {"metadata.namespace": "gone"},
        "metadata.namespace",
        "a namespace that exists",
    ),
    _case(
        "workloads.selector",
        _DEPLOYMENT,
        deployment,
        {"spec.selector": {"matchLabels": {"app": "other"}}},
        "spec.selector",
        "labels of the template",
    ),
    _case(
        "workloads.containers_are_sound",
        _DEPLOYMENT,
        deployment,
        {f"{_CONTAINER}.readinessProbe.httpGet.port": 9090},
        f"{_CONTAINER}.readinessProbe.httpGet.port",
        "a port of the container: 8080",
    ),
    _case(
        "workloads.containers_are_sound",
        _DEPLOYMENT,
        deployment,
        {f"{_CONTAINER}.resources.requests.memory": "1Gi"},
        f"{_CONTAINER}.resources.requests.memory",
        "at most its limit, 512Mi",
    ),
    _case(
        "workloads.containers_are_sound",
        _DEPLOYMENT,
        deployment,
        {f"{_CONTAINER}.resources.requests.cpu": "a lot"},
        f"{_CONTAINER}.resources.requests.cpu",
        "a quantity",
    ),
    _case(
        "workloads.containers_are_sound",
        _DEPLOYMENT,
        deployment,
        {f"{_CONTAINER}.image": "Shop Order"},
        f"{_CONTAINER}.image",
        "an image reference",
    ),
    _case(
        "workloads.containers_are_sound",
        _DEPLOYMENT,
        deployment,
        {f"{_CONTAINER}.volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]},
        f"{_CONTAINER}.volumeMounts[0].name",
        "a volume of the pod",
    ),
    _case(
        "workloads.containers_are_sound",
        _DEPLOYMENT,
        deployment,
        {f"{_CONTAINER}.env[0].valueFrom.configMapKeyRef.key": "DEPTH"},
        f"{_CONTAINER}.env[0].valueFrom.configMapKeyRef.key",
        "a key of order: LEVEL",
    ),
    _case(
        "workloads.containers_are_sound",
        _DEPLOYMENT,
        deployment,
        {f"{_CONTAINER}.env[0].valueFrom.configMapKeyRef.name": "gone"},
        f"{_CONTAINER}.env[0].valueFrom.configMapKeyRef.name",
        "a ConfigMap of the namespace",
    ),
    _case(
        "workloads.containers_are_sound",
        _DEPLOYMENT,
        deployment,
        {f"{_CONTAINER}.ports[0].name": "a-name-that-is-long"},
        f"{_CONTAINER}.ports[0].name",
        "up to 15",
    ),
    _case(
        "workloads.service_account",
        _DEPLOYMENT,
        deployment,
        {"spec.template.spec.serviceAccountName": "gone"},
        "spec.template.spec.serviceAccountName",
        "of the namespace",
    ),
    _case(
        "workloads.pod_security",
        _DEPLOYMENT,
        deployment,
        {f"{_CONTAINER}.securityContext": ABSENT},
        f"{_CONTAINER}.securityContext.allowPrivilegeEscalation",
        "false at the restricted",
    ),
    _case(
        "workloads.pod_security",
        _DEPLOYMENT,
        deployment,
        {f"{_CONTAINER}.securityContext.capabilities": {}},
        f"{_CONTAINER}.securityContext.capabilities.drop",
        "ALL at the restricted",
    ),
    _case(
        "workloads.pod_security",
        _DEPLOYMENT,
        deployment,
        {"spec.template.spec.securityContext": ABSENT},
        f"{_CONTAINER}.securityContext.runAsNonRoot",
        "true, here or on the pod",
    ),
    _case(
        "workloads.pod_security",
        _DEPLOYMENT,
        deployment,
        {"spec.template.spec.securityContext.seccompProfile": ABSENT},
        f"{_CONTAINER}.securityContext.seccompProfile",
        "RuntimeDefault",
    ),
    _case(
        "workloads.pod_security",
        _DEPLOYMENT,
        deployment,
        {"spec.template.spec.hostNetwork": True},
        "spec.template.spec.hostNetwork",
        "baseline",
    ),
    _case(
        "workloads.pod_security",
        _DEPLOYMENT,
        deployment,
        {"spec.template.spec.volumes": [{"name": "host", "hostPath": {"path": "/"}}]},
        "spec.template.spec.volumes[0].hostPath",
        "no host path",
    ),
    _case(
        "workloads.rollout",
        _DEPLOYMENT,
        deployment,
        {"spec.strategy.rollingUpdate.maxSurge": 0},
        "spec.strategy.rollingUpdate.maxSurge",
        "maxUnavailable is 0",
    ),
    _case(
        "workloads.rollout",
        _DEPLOYMENT,
        deployment,
        {"spec.strategy.type": "Recreate"},
        "spec.strategy.rollingUpdate",
        "the strategy is Recreate",
    ),
    _case(
        "workloads.spread",
        _DEPLOYMENT,
        deployment,
        {"spec.template.spec.topologySpreadConstraints[0].maxSkew": 0},
        "spec.template.spec.topologySpreadConstraints[0].maxSkew",
        "at least 1",
    ),
    _case(
        "workloads.spread",
        _DEPLOYMENT,
        deployment,
        {"spec.template.spec.topologySpreadConstraints[0].labelSelector": {"matchLabels": {"app": "x"}}},
        "spec.template.spec.topologySpreadConstraints[0].labelSelector",
        "the pods' own labels",
    ),
    _case(
        "workloads.job",
        _JOB,
        job,
        {"spec.template.spec.restartPolicy": "Always"},
        "spec.template.spec.restartPolicy",
        "OnFailure or Never",
    ),
    _case(
        "objects.autoscaler", _SCALER, scaler, {"spec.maxReplicas": 2}, "spec.maxReplicas", "at least minReplicas, 3"
    ),
    _case(
        "objects.autoscaler",
        _SCALER,
        scaler,
        {"spec.scaleTargetRef.name": "gone"},
        "spec.scaleTargetRef.name",
        "a Deployment of the namespace",
    ),
    _case(
        "objects.autoscaler",
        _SCALER,
        scaler,
        {"spec.metrics[0].resource.name": "ephemeral-storage"},
        "spec.metrics[0].resource.name",
        "a request of ephemeral-storage",
    ),
    _case(
        "objects.replicas_are_the_autoscalers",
        _SCALER,
        fixed_size,
        {"spec.scaleTargetRef.name": "fixed"},
        "spec.replicas",
        "nothing, as it scales it",
    ),
    _case(
        "objects.budget",
        _BUDGET,
        budget,
        {"spec.maxUnavailable": 1},
        "spec.minAvailable",
        "one of minAvailable and maxUnavailable",
    ),
    _case("objects.budget", _BUDGET, budget, {"spec.minAvailable": "101%"}, "spec.minAvailable", "a percentage"),
    _case(
        "objects.budgets_can_be_met",
        _BUDGET,
        budget,
        {"spec.minAvailable": 3},
        "spec.minAvailable",
        "fewer than the 3 pods",
    ),
    _case(
        "objects.budgets_can_be_met",
        _BUDGET,
        budget,
        {"spec.selector": {"matchLabels": {"app": "x"}}},
        "spec.selector",
        "labels of pods",
    ),
    _case("objects.service", _SERVICE, service, {"spec.ports[0].port": 70000}, "spec.ports[0].port", "1 to 65535"),
    _case("objects.service", _SERVICE, service, {"spec.ports[1]": {"port": 81}}, "spec.ports[0].name", "several ports"),
    _case(
        "objects.services_have_pods",
        _SERVICE,
        service,
        {"spec.ports[0].targetPort": "grpc"},
        "spec.ports[0].targetPort",
        "a port of order",
    ),
    _case(
        "objects.services_have_pods",
        _SERVICE,
        service,
        {"spec.selector": {"app": "x"}},
        "spec.selector",
        "labels of pods",
    ),
    _case(
        "objects.network_policy",
        _POLICY,
        policy,
        {"spec.ingress[0].from[0].ipBlock.except[0]": "10.1.0.0/24"},
        "spec.ingress[0].from[0].ipBlock.except[0]",
        "a part of 10.0.0.0/16",
    ),
    _case(
        "objects.network_policy",
        _POLICY,
        policy,
        {"spec.ingress[0].from[0]": {}},
        "spec.ingress[0].from[0]",
        "a podSelector",
    ),
    _case(
        "objects.network_policy",
        _POLICY,
        policy,
        {"spec.policyTypes": ["Egress"]},
        "spec.ingress",
        "Ingress among policyTypes",
    ),
    _case(
        "objects.network_policy",
        _POLICY,
        policy,
        {"spec.ingress[0].ports[0].protocol": "HTTP"},
        "spec.ingress[0].ports[0].protocol",
        "TCP, UDP or SCTP",
    ),
    _case(
        "objects.policies_open_what_services_need",
        _SERVICE,
        walled_service,
        lambda world: {"spec.selector": {"app.kubernetes.io/name": closed(world)}},
        "spec.selector",
        "lets some pod reach lonely",
    ),
    _case(
        "objects.binding",
        _ROLE_BINDING,
        role_binding,
        {"roleRef.name": "gone"},
        "roleRef.name",
        "a Role of the namespace",
    ),
    _case(
        "objects.role",
        _ROLE,
        role,
        {"rules[0]": {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}},
        "rules[0]",
        "named verbs and resources",
    ),
    _case(
        "objects.security_labels",
        "kubernetes:core/v1:Namespace",
        labels,
        {"metadata.labels": {"pod-security.kubernetes.io/enforce": "strict"}},
        "metadata.labels.pod-security.kubernetes.io/enforce",
        "privileged, baseline or restricted",
    ),
    _case(
        "objects.data",
        "kubernetes:core/v1:ConfigMap",
        config,
        {"data": {"a key": "x"}},
        "data.a key",
        "letters, digits and -._",
    ),
    _case(
        "custom.target_group_binding",
        _BINDING,
        binding,
        {"spec.targetType": "instance"},
        "spec.targetType",
        "ip: Auto Mode",
    ),
    _case(
        "custom.target_group_binding",
        _BINDING,
        binding,
        {"spec.serviceRef.port": 81},
        "spec.serviceRef.port",
        "a port of order: 80",
    ),
    _case(
        "custom.target_group_binding",
        _BINDING,
        binding,
        lambda world: {"spec.targetGroupARN": untagged(world)},
        "spec.targetGroupARN",
        "the tag eks:eks-cluster-name",
    ),
    _case("custom.node_class", _CLASS, node_class, {"spec.networkPolicy": "Deny"}, "spec.networkPolicy", "DefaultDeny"),
    _case("custom.node_class", _CLASS, node_class, {"spec.role": "gone"}, "spec.role", "a role that exists"),
    _case("custom.node_class", _CLASS, node_class, {"spec.amiFamily": "AL2023"}, "spec.amiFamily", "one of"),
    _case(
        "custom.node_pool",
        _POOL,
        node_pool,
        {"spec.template.spec.nodeClassRef.name": "gone"},
        "spec.template.spec.nodeClassRef.name",
        "a node class that exists",
    ),
    _case(
        "custom.node_pool",
        _POOL,
        node_pool,
        {"spec.template.spec.requirements[0].values": [4, 8]},
        "spec.template.spec.requirements[0].values",
        "Karpenter takes no numbers",
    ),
    _case("custom.node_pool", _POOL, node_pool, {"spec.limits.cpu": "many"}, "spec.limits.cpu", "a quantity"),
)
