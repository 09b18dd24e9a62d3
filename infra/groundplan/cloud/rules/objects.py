"""Kubernetes objects around pods: services, autoscalers, budgets, network policies, roles, quotas, ranges of limits."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from groundplan.cloud.item import Item, look_up
from groundplan.cloud.rules.quantities import amount
from groundplan.cloud.rules.registry import Broken, one_of, rule, transition, whole
from groundplan.cloud.rules.workloads import (
    NAMESPACE,
    containers,
    find_object,
    in_namespace,
    labels_of,
    matches,
    template_of,
)

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

_DEPLOYMENT = "kubernetes:apps/v1:Deployment"
_STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"
_AUTOSCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
_BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
_SERVICE = "kubernetes:core/v1:Service"
_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
_SCALED = {"Deployment": _DEPLOYMENT, "StatefulSet": _STATEFUL_SET}


@rule(_AUTOSCALER)
def autoscaler(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """An autoscaler's target exists, its bounds are in order, and utilisation counts against a request that the
    containers have.

    Source: Kubernetes, Horizontal Pod Autoscaling.
    """
    low, high = item.get("spec.minReplicas", 1), item.known("spec.maxReplicas")
    if isinstance(low, int) and low < 1:
        yield Broken("spec.minReplicas", "at least 1", "raise it")
    if isinstance(low, int) and isinstance(high, int) and high < low:
        yield Broken("spec.maxReplicas", f"at least minReplicas, {low}", "raise it")
    kind, name = item.known("spec.scaleTargetRef.kind"), item.known("spec.scaleTargetRef.name")
    token = _SCALED.get(str(kind))
    if token is None or not isinstance(name, str):
        return
    target = find_object(cloud, item, token, name)
    if target is None:
        yield Broken(
            "spec.scaleTargetRef.name", f"a {kind} of the namespace", f"pass the {kind}'s metadata.name", absent=True
        )
        return
    path, spec = template_of(target)
    for index, metric in enumerate(item.objects("spec.metrics")):
        resource = metric.get("resource") or {}
        wanted = resource.get("name")
        if metric.get("type") == "Resource" and (resource.get("target") or {}).get("type") == "Utilization":
            for where, container in containers(path, spec):
                requests = (container.get("resources") or {}).get("requests") or {}
                if ".containers[" in where and isinstance(wanted, str) and wanted not in requests:
                    yield Broken(
                        f"spec.metrics[{index}].resource.name",
                        f"a request of {wanted} on every container of {name}",
                        "set the request",
                        wanted,
                    )


@rule(_AUTOSCALER)
def scaling_targets(item: Item, _: Cloud) -> Iterator[Broken]:
    """A target has the figure of its type, above 0.

    Source: Kubernetes API reference, MetricTarget (server validation).
    """
    figures = {"Utilization": "averageUtilization", "AverageValue": "averageValue", "Value": "value"}
    for index, metric in enumerate(item.objects("spec.metrics")):
        for kind in ("resource", "containerResource", "pods", "object", "external"):
            target = look_up(metric, f"{kind}.target")
            figure = figures.get(str(look_up(target, "type")))
            if figure is None:
                continue
            value = target.get(figure)
            low = amount(value)
            if value is None or (low is not None and low <= 0):
                path = f"spec.metrics[{index}].{kind}.target.{figure}"
                yield Broken(path, "more than 0", f"set {figure}", value if value is not None else "")


@whole
def replicas_are_the_autoscalers(cloud: Cloud) -> Iterator[Broken]:
    """What an autoscaler scales doesn't say its replicas itself, or each deployment undoes the scaling.

    Source: Kubernetes, Horizontal Pod Autoscaling, Migrating Deployments; pulumi-kubernetes#2491.
    """
    for scaler in cloud.of(_AUTOSCALER):
        token = _SCALED.get(str(scaler.known("spec.scaleTargetRef.kind")))
        target = (
            find_object(cloud, scaler, token, scaler.known("spec.scaleTargetRef.name")) if token is not None else None
        )
        if target is not None and target.get("spec.replicas") is not None:
            yield Broken("spec.replicas", f"nothing, as {scaler.name} scales it", "remove replicas", item=target)


@rule(_BUDGET)
def budget(item: Item, _: Cloud) -> Iterator[Broken]:
    """A budget says what must stay or what may go, one of the two.

    Source: Kubernetes API reference, PodDisruptionBudgetSpec.
    """
    given = [name for name in ("minAvailable", "maxUnavailable") if item.get(f"spec.{name}") is not None]
    if len(given) != 1:
        yield Broken("spec.minAvailable", "one of minAvailable and maxUnavailable", "set one")
    for name in given:
        value = item.known(f"spec.{name}")
        negative = isinstance(value, int | float) and value < 0
        if negative or (isinstance(value, str) and re.fullmatch(r"(100|\d{1,2})%", value) is None):
            yield Broken(f"spec.{name}", "a number or a percentage", "correct it")


@whole
def budgets_can_be_met(cloud: Cloud) -> Iterator[Broken]:
    """A budget picks pods, and leaves one of them free to go.

    Source: Kubernetes, Specifying a Disruption Budget ("voluntary evictions would never be allowed").
    """
    for item in cloud.of(_BUDGET):
        picked = [
            each
            for each in in_namespace(cloud, item, _DEPLOYMENT, _STATEFUL_SET)
            if matches(item.known("spec.selector"), labels_of(each))
        ]
        if not picked:
            yield _selects_nothing(item)
            continue
        least = item.known("spec.minAvailable")
        if not isinstance(least, int):
            continue
        running = 0
        for workload in picked:
            scaler = next(
                (
                    each
                    for each in in_namespace(cloud, item, _AUTOSCALER)
                    if each.known("spec.scaleTargetRef.name") == workload.physical_name
                ),
                None,
            )
            count = scaler.get("spec.minReplicas", 1) if scaler is not None else workload.get("spec.replicas", 1)
            running += count if isinstance(count, int) else least + 1
        if least >= running:
            yield Broken(
                "spec.minAvailable",
                f"fewer than the {running} pods that there are at least",
                "use maxUnavailable: 1, or run more pods",
                item=item,
            )


@transition("kubernetes:core/v1:ConfigMap", "kubernetes:core/v1:Secret")
def immutable_stays(old: Item, new: Item) -> Iterator[Broken]:
    """What was made immutable stays so.

    Source: Kubernetes, ConfigMaps, Immutable ConfigMaps: it isn't possible to revert the change.
    """
    if old.known("immutable") is True and new.get("immutable", False) is False:
        yield Broken("immutable", "true, as it is", "make another one, of another name")


@transition(_SERVICE)
def first_family_stays(old: Item, new: Item) -> Iterator[Broken]:
    """A service's first family of addresses stays; a second one comes and goes.

    Source: Kubernetes, IPv4/IPv6 dual-stack; API reference, ServiceSpec, ipFamilies.
    """
    before, after = old.each("spec.ipFamilies"), new.each("spec.ipFamilies")
    if before and after and before[0] != after[0]:
        yield Broken("spec.ipFamilies", f"{before[0]} first, as it is", "keep it, or make another service")


@rule(_SERVICE)
def service(item: Item, _: Cloud) -> Iterator[Broken]:
    """A service has ports from 1 to 65535, named when there are several.

    Source: Kubernetes API reference, ServiceSpec.
    """
    yield from one_of(item, "spec.type", "ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
    ports = item.objects("spec.ports")
    if (
        not ports
        and item.get("spec.type") != "ExternalName"
        and item.get("spec.clusterIP") != "None"
        and item.get("spec") is not None
    ):
        yield Broken("spec.ports", "at least one port", "set ports")
    for index, port in enumerate(ports):
        number = port.get("port")
        if isinstance(number, int) and not 1 <= number <= 65535:
            yield Broken(f"spec.ports[{index}].port", "1 to 65535", "correct the port")
        if len(ports) > 1 and port.get("name") is None:
            yield Broken(f"spec.ports[{index}].name", "a name, as there are several ports", "set name")
    names = [port.get("name") for port in ports if port.get("name") is not None]
    if len(set(names)) != len(names):
        yield Broken("spec.ports", "names that differ", "rename one", names)


@rule(_SERVICE)
def service_of_its_type(item: Item, _: Cloud) -> Iterator[Broken]:
    """Inside the cluster alone, a service has no port of nodes and no traffic from outside; ports are well formed.

    Source: Kubernetes API reference, ServiceSpec (server validation).
    """
    inside = item.get("spec.type", "ClusterIP") == "ClusterIP"
    if inside and item.get("spec.externalTrafficPolicy") and not item.get("spec.externalIPs"):
        yield Broken("spec.externalTrafficPolicy", "nothing for a service of type ClusterIP", "remove it")
    for index, port in enumerate(item.objects("spec.ports")):
        if inside and port.get("nodePort"):
            yield Broken(f"spec.ports[{index}].nodePort", "nothing for a service of type ClusterIP", "remove it")
        target = port.get("targetPort")
        named = isinstance(target, str) and re.fullmatch(r"(?=.{1,15}$)(?=.*[a-z])[a-z0-9](-?[a-z0-9])*|\d+", target)
        numbered = isinstance(target, int | float) and 1 <= target <= 65_535
        if isinstance(target, str | int | float) and not named and not numbered:
            yield Broken(f"spec.ports[{index}].targetPort", "1 to 65535, or the name of a port", "correct the port")
    address = item.known("spec.clusterIP")
    if isinstance(address, str) and address not in ("", "None"):
        try:
            ipaddress.ip_address(address)
        except ValueError:
            yield Broken("spec.clusterIP", "an address, or None", "correct it")


@whole
def services_have_pods(cloud: Cloud) -> Iterator[Broken]:
    """A service picks pods, and its target ports are ports of theirs.

    Source: Kubernetes, Service (a service without endpoints refuses every connection).
    """
    for item in cloud.of(_SERVICE):
        chosen = item.known("spec.selector")
        if not isinstance(chosen, dict) or not chosen:
            continue
        picked = [
            each
            for each in in_namespace(cloud, item, _DEPLOYMENT, _STATEFUL_SET, "kubernetes:apps/v1:DaemonSet")
            if matches({"matchLabels": chosen}, labels_of(each))
        ]
        if not picked:
            yield _selects_nothing(item)
        for workload in picked:
            ports = [
                port for _, container in containers(*template_of(workload)) for port in container.get("ports") or []
            ]
            names, numbers = {port.get("name") for port in ports}, {port.get("containerPort") for port in ports}
            for index, port in enumerate(item.objects("spec.ports")):
                target = port.get("targetPort", port.get("port"))
                if (isinstance(target, str) and not target.isdigit() and target not in names) or (
                    isinstance(target, int) and numbers and target not in numbers
                ):
                    yield Broken(
                        f"spec.ports[{index}].targetPort",
                        f"a port of {workload.name}: {', '.join(sorted(map(str, numbers | (names - {None}))))}",
                        "correct the port",
                        item=item,
                    )


@rule(_POLICY)
def network_policy(item: Item, _: Cloud) -> Iterator[Broken]:
    """A policy's types, peers, ranges, protocols and ports are well formed; what it excepts lies inside what it allows.

    Source: Kubernetes, Network Policies; API reference, NetworkPolicySpec.
    """
    for index, kind in enumerate(item.each("spec.policyTypes")):
        if kind not in ("Ingress", "Egress"):
            yield Broken(f"spec.policyTypes[{index}]", "Ingress or Egress", "correct it")
    for side, peers in (("ingress", "from"), ("egress", "to")):
        if (
            item.get(f"spec.{side}") is not None
            and isinstance(item.get("spec.policyTypes"), list)
            and side.capitalize() not in item.each("spec.policyTypes")
        ):
            yield Broken(f"spec.{side}", f"{side.capitalize()} among policyTypes", "add it", "")
        for index, each in enumerate(item.objects(f"spec.{side}")):
            where = f"spec.{side}[{index}]"
            for number, peer in enumerate(each.get(peers) or []):
                yield from _peer(f"{where}.{peers}[{number}]", peer)
            for number, port in enumerate(each.get("ports") or []):
                yield from _port(f"{where}.ports[{number}]", port)


def _peer(path: str, peer: object) -> Iterator[Broken]:
    if not isinstance(peer, dict):
        return
    block = peer.get("ipBlock")
    if block is None:
        if peer.get("podSelector") is None and peer.get("namespaceSelector") is None:
            yield Broken(path, "a podSelector, a namespaceSelector or an ipBlock", "say who the peer is", "")
        return
    if peer.get("podSelector") is not None or peer.get("namespaceSelector") is not None:
        yield Broken(f"{path}.ipBlock", "alone: a range has no selectors", "write two peers")
    whole_ = _range(block.get("cidr"))
    if isinstance(block.get("cidr"), str) and whole_ is None:
        yield Broken(f"{path}.ipBlock.cidr", "a network in CIDR notation with no host bits set", "correct the range")
    for index, each in enumerate(block.get("except") or []):
        part = _range(each)
        inside = isinstance(each, str) and whole_ is not None and _inside(part, whole_)
        if isinstance(each, str) and whole_ is not None and not inside:
            yield Broken(f"{path}.ipBlock.except[{index}]", f"a part of {whole_}", "correct the range")


def _inside(part: ipaddress.IPv4Network | ipaddress.IPv6Network | None, whole_: object) -> bool:
    if isinstance(part, ipaddress.IPv4Network) and isinstance(whole_, ipaddress.IPv4Network):
        return part != whole_ and part.subnet_of(whole_)
    if isinstance(part, ipaddress.IPv6Network) and isinstance(whole_, ipaddress.IPv6Network):
        return part != whole_ and part.subnet_of(whole_)
    return False


def _range(text: object) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _port(path: str, port: object) -> Iterator[Broken]:
    if not isinstance(port, dict):
        return
    if isinstance(port.get("protocol"), str) and port["protocol"] not in ("TCP", "UDP", "SCTP"):
        yield Broken(f"{path}.protocol", "TCP, UDP or SCTP", "correct it")
    number, last = port.get("port"), port.get("endPort")
    if isinstance(number, int) and not 1 <= number <= 65535:
        yield Broken(f"{path}.port", "1 to 65535", "correct the port")
    if isinstance(last, int) and (not isinstance(number, int) or last < number):
        yield Broken(f"{path}.endPort", "a number not below port, which is then a number too", "correct it")


@whole
def policies_open_what_services_need(cloud: Cloud) -> Iterator[Broken]:
    """Where a namespace denies by default, each service's pods are let in on their port.

    Source: Kubernetes, Network Policies, Default deny all ingress traffic.
    """
    for item in cloud.of(_SERVICE):
        policies = in_namespace(cloud, item, _POLICY)
        chosen = item.known("spec.selector")
        if not policies or not isinstance(chosen, dict) or not chosen:
            continue
        for workload in in_namespace(cloud, item, _DEPLOYMENT, _STATEFUL_SET):
            labels = labels_of(workload)
            if not matches({"matchLabels": chosen}, labels):
                continue
            applying = [
                each
                for each in policies
                if _selects(each, labels) and "Ingress" in (each.each("spec.policyTypes") or ["Ingress"])
            ]
            if applying and not any(each.objects("spec.ingress") for each in applying):
                yield Broken(
                    "spec.selector",
                    f"a network policy that lets some pod reach {workload.name}",
                    "add an ingress rule for its callers",
                    item=item,
                )


def _selects(policy: Item, labels: dict[str, Any]) -> bool:
    chosen = policy.get("spec.podSelector", {})
    return isinstance(chosen, dict) and matches(chosen, labels)


@rule(
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding"
)
def binding(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A binding's role exists, and its subjects are users, groups or service accounts.

    Source: Kubernetes, Using RBAC Authorization.
    """
    kind, name = item.known("roleRef.kind"), item.known("roleRef.name")
    token = f"kubernetes:rbac.authorization.k8s.io/v1:{kind}"
    if kind == "Role" and isinstance(name, str) and find_object(cloud, item, token, name) is None:
        yield Broken(
            "roleRef.name", "a Role of the namespace", "create it first, and pass its metadata.name", absent=True
        )
    built_in = ("cluster-admin", "admin", "edit", "view")
    own = isinstance(name, str) and name not in built_in and not name.startswith("system:")
    found = any(each.type == token and each.place == item.place for each in cloud.named(name))
    if kind == "ClusterRole" and own and not found:
        yield Broken(
            "roleRef.name", "a ClusterRole that exists", "create it first, and pass its metadata.name", absent=True
        )
    for index, subject in enumerate(item.objects("subjects")):
        if subject.get("kind") not in ("User", "Group", "ServiceAccount") and isinstance(subject.get("kind"), str):
            yield Broken(f"subjects[{index}].kind", "User, Group or ServiceAccount", "correct it")


@rule("kubernetes:rbac.authorization.k8s.io/v1:Role", "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole")
def role(item: Item, _: Cloud) -> Iterator[Broken]:
    """A role grants named verbs on named resources; `*` on everything is the administrator's.

    Source: Kubernetes, Role Based Access Control Good Practices.
    """
    for index, each in enumerate(item.objects("rules")):
        if "*" in (each.get("verbs") or []) and "*" in (each.get("resources") or []):
            yield Broken(f"rules[{index}]", "named verbs and resources", "grant only what is needed", "*")
        if not each.get("verbs") and isinstance(each.get("verbs"), list):
            yield Broken(f"rules[{index}].verbs", "at least one verb", "set verbs")


@rule(NAMESPACE)
def security_labels(item: Item, _: Cloud) -> Iterator[Broken]:
    """A namespace's security level is privileged, baseline or restricted.

    Source: Kubernetes, Pod Security Admission, labels.
    """
    labels = item.known("metadata.labels")
    for mode in ("enforce", "audit", "warn"):
        level = labels.get(f"pod-security.kubernetes.io/{mode}") if isinstance(labels, dict) else None
        if isinstance(level, str) and level not in ("privileged", "baseline", "restricted"):
            yield Broken(
                f"metadata.labels.pod-security.kubernetes.io/{mode}",
                "privileged, baseline or restricted",
                "correct it",
                level,
            )
        version = labels.get(f"pod-security.kubernetes.io/{mode}-version") if isinstance(labels, dict) else None
        if isinstance(version, str) and re.fullmatch(r"latest|v1\.\d+", version) is None:
            yield Broken(
                f"metadata.labels.pod-security.kubernetes.io/{mode}-version",
                "latest, or a version such as v1.34",
                "correct it",
                version,
            )


@rule("kubernetes:core/v1:Secret", "kubernetes:core/v1:ConfigMap")
def data(item: Item, _: Cloud) -> Iterator[Broken]:
    """Keys have letters, digits and -._, and don't lead out of a folder; all values together stay below 1 MiB.

    Source: Kubernetes, Secrets; ConfigMaps (server validation: IsConfigMapKey).
    """
    size = 0
    for part in ("data", "stringData", "binaryData"):
        content = item.known(part)
        for key, value in content.items() if isinstance(content, dict) else ():
            if re.fullmatch(r"(?!\.$|\.\.)[-._a-zA-Z0-9]{1,253}", key) is None:
                yield Broken(
                    f"{part}.{key}", "letters, digits and -._, not . alone, and no .. first", "rename the key", key
                )
            size += len(value) if isinstance(value, str) else 0
    if size > 1024 * 1024:
        yield Broken("data", "less than 1 MiB in all", "split it", size)


@rule("kubernetes:core/v1:LimitRange")
def limits_in_order(item: Item, _: Cloud) -> Iterator[Broken]:
    """The least, what is asked for, the default and the most are in order.

    Source: Kubernetes API reference, LimitRangeItem (server validation).
    """
    pairs = (
        *(("min", "max"), ("min", "default"), ("min", "defaultRequest"), ("defaultRequest", "default")),
        *(("default", "max"), ("defaultRequest", "max")),
    )
    for index, each in enumerate(item.objects("spec.limits")):
        for less, more in pairs:
            for name in {*(each.get(less) or {})} & {*(each.get(more) or {})}:
                low, high = amount(each[less][name]), amount(each[more][name])
                if low is not None and high is not None and low > high:
                    yield Broken(
                        f"spec.limits[{index}].{less}.{name}", f"at most {more}, {each[more][name]}", "lower it"
                    )


_COUNTED = frozenset(
    [
        "pods",
        "services",
        "replicationcontrollers",
        "resourcequotas",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    ]
)
_MEASURED = re.compile(
    r"(requests\.|limits\.)?(cpu|memory|ephemeral-storage|storage)|(requests\.|limits\.)?hugepages-\w+|requests\.[\w.-]+/.+"
)


@rule("kubernetes:core/v1:ResourceQuota")
def quota(item: Item, _: Cloud) -> Iterator[Broken]:
    """A quota is of things that Kubernetes counts, in whole numbers; no scope excludes another.

    Source: Kubernetes, Resource Quotas (server validation).
    """
    hard = item.known("spec.hard")
    for name, value in (hard if isinstance(hard, dict) else {}).items():
        counted = name in _COUNTED or name.startswith("count/")
        if not counted and "/" not in name and _MEASURED.fullmatch(name) is None:
            yield Broken(f"spec.hard.{name}", "a resource that quotas count", "correct its name", name)
        found = amount(value)
        if counted and found is not None and found != found.to_integral_value():
            yield Broken(f"spec.hard.{name}", "a whole number", "round it")
    scopes = item.each("spec.scopes")
    for one, other in (("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating")):
        if one in scopes and other in scopes:
            yield Broken("spec.scopes", f"one of {one} and {other}", "keep one", scopes)


_SELECTORS = {
    "kubernetes:apps/v1:Deployment": ("spec.selector",),
    "kubernetes:policy/v1:PodDisruptionBudget": ("spec.selector",),
    "kubernetes:networking.k8s.io/v1:NetworkPolicy": ("spec.podSelector",),
    "kubernetes:batch/v1:Job": ("spec.selector",),
}
_LABEL_KEY = re.compile(r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?")


@rule(*_SELECTORS)
def label_selectors(item: Item, _: Cloud) -> Iterator[Broken]:
    """A selector's labels are labels, and its operators have values where they want some.

    Source: Kubernetes API reference, LabelSelector (server validation).
    """
    for path in _SELECTORS[item.type]:
        selector = item.known(path)
        labels = look_up(selector, "matchLabels")
        for key, value in (labels if isinstance(labels, dict) else {}).items():
            if _LABEL_KEY.fullmatch(key) is None or (isinstance(value, str) and _LABEL_VALUE.fullmatch(value) is None):
                yield Broken(
                    f"{path}.matchLabels", "labels that Kubernetes takes", "correct the label", f"{key}: {value}"
                )
        for index, each in enumerate(look_up(selector, "matchExpressions") or []):
            operator, values = look_up(each, "operator"), look_up(each, "values")
            where = f"{path}.matchExpressions[{index}]"
            if isinstance(operator, str) and operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
                yield Broken(f"{where}.operator", "In, NotIn, Exists or DoesNotExist", "correct it")
            elif (operator in ("In", "NotIn") and not values) or (operator in ("Exists", "DoesNotExist") and values):
                yield Broken(f"{where}.values", "values with In and NotIn, and with no others", "correct them", "")


def _selects_nothing(item: Item) -> Broken:
    remedy = "use the labels of the Deployment's template"
    return Broken("spec.selector", "labels of pods of the namespace", remedy, item=item, absent=True)
