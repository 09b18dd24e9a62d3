"""Pods, and what makes them: selectors, containers, probes, the `restricted` security level."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from groundplan.cloud.catalogue.kubernetes import kind_name, namespace_of
from groundplan.cloud.item import Item, look_up
from groundplan.cloud.rules.quantities import amount
from groundplan.cloud.rules.registry import Broken, rule

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

_CONTROLLERS = (
    "kubernetes:apps/v1:Deployment",
    "kubernetes:apps/v1:StatefulSet",
    "kubernetes:apps/v1:DaemonSet",
    "kubernetes:apps/v1:ReplicaSet",
)
_JOB, _CRON_JOB, _POD = "kubernetes:batch/v1:Job", "kubernetes:batch/v1:CronJob", "kubernetes:core/v1:Pod"
NAMESPACE = "kubernetes:core/v1:Namespace"
PODS = (*_CONTROLLERS, _JOB, _CRON_JOB, _POD)
_SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


def template_path(item: Item) -> str:
    """Where an object's pod template is; empty for a Pod itself."""
    if item.type == _POD:
        return ""
    return "spec.jobTemplate.spec.template" if item.type == _CRON_JOB else "spec.template"


def template_of(item: Item) -> tuple[str, dict[str, Any]]:
    """The path and the content of the pod's spec."""
    path = f"{template_path(item)}.spec".lstrip(".")
    spec = item.known(path)
    return path, spec if isinstance(spec, dict) else {}


def labels_of(item: Item) -> dict[str, Any]:
    found = item.known(f"{template_path(item)}.metadata.labels".lstrip("."))
    return found if isinstance(found, dict) else {}


def containers(path: str, spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in ("initContainers", "containers"):
        for index, each in enumerate(spec.get(name) or []):
            if isinstance(each, dict):
                yield f"{path}.{name}[{index}]", each


def matches(selector: object, labels: dict[str, Any]) -> bool:
    """Whether a label selector picks a pod with these labels."""
    if not isinstance(selector, dict):
        return False
    wanted = selector.get("matchLabels") or {}
    if not isinstance(wanted, dict) or any(labels.get(key) != value for key, value in wanted.items()):
        return False
    for each in selector.get("matchExpressions") or []:
        key, operator, values = each.get("key"), each.get("operator"), each.get("values") or []
        holds = {
            "In": labels.get(key) in values,
            "NotIn": labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }.get(str(operator), False)
        if not holds:
            return False
    return True


def in_namespace(cloud: Cloud, item: Item, *tokens: str) -> list[Item]:
    """Objects of these types in an object's namespace and cluster."""
    space = namespace_of(item)
    return [
        each for token in tokens for each in cloud.of(token) if each.place == item.place and namespace_of(each) == space
    ]


def find_object(cloud: Cloud, item: Item, token: str, name: object) -> Item | None:
    """An object by its name in the namespace of another."""
    for each in cloud.named(f"{namespace_of(item)}/{name}"):
        if each.type == token and each.place == item.place:
            return each
    return None


@rule(
    *PODS,
    "kubernetes:core/v1:Service",
    "kubernetes:core/v1:ServiceAccount",
    "kubernetes:core/v1:ConfigMap",
    "kubernetes:core/v1:Secret",
    "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
    "kubernetes:policy/v1:PodDisruptionBudget",
    "kubernetes:networking.k8s.io/v1:NetworkPolicy",
)
def namespace_exists(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """An object's namespace exists before it.

    Source: Kubernetes, Namespaces (the API server answers NotFound).
    """
    space = item.known("metadata.namespace")
    if not isinstance(space, str) or space in _SYSTEM_NAMESPACES:
        return
    found = [each for each in cloud.named(space) if each.type == NAMESPACE and each.place == item.place]
    if not found:
        yield Broken(
            "metadata.namespace",
            "a namespace that exists when this is created",
            "pass the Namespace's metadata.name output",
            absent=True,
        )
    elif not cloud.depends(item, found[0]):
        yield Broken("metadata.namespace", f"to wait for {found[0].urn}", "pass the Namespace's metadata.name output")


@rule(*_CONTROLLERS, _JOB, _CRON_JOB)
def selector(item: Item, _: Cloud) -> Iterator[Broken]:
    """A selector picks the template's own labels.

    Source: Kubernetes, Deployments, Selector ("selector does not match template labels").
    """
    given = item.get("spec.selector")
    if item.type not in _CONTROLLERS:
        return
    if given is None:
        yield Broken("spec.selector", "a selector", "set match_labels to the template's labels")
    elif isinstance(given, dict) and not matches(given, labels_of(item)):
        yield Broken("spec.selector", f"labels of the template: {labels_of(item)}", "make the two agree")


@rule(*PODS)
def containers_are_sound(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """Containers have unique names and ports, an image, mounts of declared volumes, and probes of ports they have.

    Source: Kubernetes API reference, PodSpec, Container, Probe (server validation).
    """
    path, spec = template_of(item)
    if not spec.get("containers") and isinstance(spec.get("containers"), list):
        yield Broken(f"{path}.containers", "at least one container", "add one")
    names: set[object] = set()
    for at, profile in (
        (path, spec.get("securityContext")),
        *((where, each.get("securityContext")) for where, each in containers(path, spec)),
    ):
        found = (profile or {}).get("seccompProfile") or {}
        if (found.get("type") == "Localhost") != bool(found.get("localhostProfile")):
            yield Broken(
                f"{at}.securityContext.seccompProfile", "localhostProfile with Localhost only", "correct it", ""
            )
    volumes = {volume.get("name") for volume in spec.get("volumes") or []}
    for where, container in containers(path, spec):
        name = container.get("name")
        if isinstance(name, str) and re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name) is None:
            yield Broken(f"{where}.name", "up to 63 lower-case letters, digits and hyphens", "rename it")
        if name in names:
            yield Broken(f"{where}.name", "a name that no other container of the pod has", "rename one")
        names.add(name)
        if container.get("image") is None and item.type != "kubernetes:core/v1:PodTemplate":
            yield Broken(f"{where}.image", "an image", "set image")
        elif (
            isinstance(container.get("image"), str)
            and re.fullmatch(
                r"[a-z0-9][\w.-]*(:\d+)?(/[a-z0-9][a-z0-9._-]*)*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?",
                str(container["image"]),
            )
            is None
        ):
            yield Broken(f"{where}.image", "an image reference", "correct the reference")
        for index, mount in enumerate(container.get("volumeMounts") or []):
            if isinstance(mount, dict) and isinstance(mount.get("name"), str) and mount["name"] not in volumes:
                yield Broken(
                    f"{where}.volumeMounts[{index}].name",
                    f"a volume of the pod: {', '.join(sorted(map(str, volumes))) or 'none'}",
                    "declare the volume",
                )
        mounted = [each.get("mountPath") for each in container.get("volumeMounts") or [] if isinstance(each, dict)]
        if len(set(mounted)) != len(mounted):
            yield Broken(f"{where}.volumeMounts", "paths that differ", "mount each at its own path", "")
        yield from _ports(where, container)
        yield from _resources(where, container)
        yield from _environment(item, cloud, where, container)


def _ports(where: str, container: dict[str, Any]) -> Iterator[Broken]:
    ports = [port for port in container.get("ports") or [] if isinstance(port, dict)]
    numbers = {port.get("containerPort") for port in ports}
    names = [port.get("name") for port in ports if port.get("name") is not None]
    for index, port in enumerate(ports):
        name, number = port.get("name"), port.get("containerPort")
        if isinstance(number, int) and not 1 <= number <= 65535:
            yield Broken(f"{where}.ports[{index}].containerPort", "1 to 65535", "correct the port")
        if isinstance(name, str) and (
            len(name) > 15 or re.fullmatch(r"(?=.*[a-z])[a-z0-9](-?[a-z0-9])*", name) is None
        ):
            yield Broken(
                f"{where}.ports[{index}].name",
                "up to 15 lower-case letters, digits and hyphens, with a letter",
                "shorten it",
            )
    if len(set(names)) != len(names):
        yield Broken(f"{where}.ports", "names that differ", "rename one")
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        content = container.get(probe)
        if not isinstance(content, dict):
            continue
        handlers = [each for each in ("httpGet", "tcpSocket", "exec", "grpc") if content.get(each) is not None]
        if len(handlers) != 1:
            yield Broken(
                f"{where}.{probe}", "one of httpGet, tcpSocket, exec and grpc", "keep one", ", ".join(handlers)
            )
        for each in handlers:
            handler = content[each]
            asked = handler.get("port") if isinstance(handler, dict) else None
            unnamed = isinstance(asked, str) and asked not in names
            if unnamed or (isinstance(asked, int) and ports and asked not in numbers):
                yield Broken(
                    f"{where}.{probe}.{each}.port",
                    f"a port of the container: {', '.join(sorted(map(str, numbers)))}",
                    "declare the port, or correct the probe",
                )
        if probe == "livenessProbe" and content.get("successThreshold") not in (None, 1):
            yield Broken(f"{where}.{probe}.successThreshold", "1 for a liveness probe", "remove it")


def _resources(where: str, container: dict[str, Any]) -> Iterator[Broken]:
    resources = container.get("resources") or {}
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    for name, given in (("requests", requests), ("limits", limits)):
        for key, text in given.items():
            if isinstance(text, str) and amount(text) is None:
                yield Broken(
                    f"{where}.resources.{name}.{key}", "a quantity such as 250m, 512Mi or 2", "correct the quantity"
                )
    for key, text in requests.items():
        asked, most = amount(text), amount(limits.get(key))
        if asked is not None and most is not None and asked > most:
            yield Broken(
                f"{where}.resources.requests.{key}",
                f"at most its limit, {limits[key]}",
                "raise the limit or lower the request",
            )


def _environment(item: Item, cloud: Cloud, where: str, container: dict[str, Any]) -> Iterator[Broken]:
    for index, variable in enumerate(container.get("env") or []):
        if not isinstance(variable, dict):
            continue
        name = variable.get("name")
        if isinstance(name, str) and re.fullmatch(r"[-._a-zA-Z][-._a-zA-Z0-9]*", name) is None:
            yield Broken(f"{where}.env[{index}].name", "letters, digits and -._, no digit first", "rename the variable")
        if variable.get("value") is not None and variable.get("valueFrom") is not None:
            yield Broken(f"{where}.env[{index}].valueFrom", "nothing, as there is a value", "keep one of the two")
        source = variable.get("valueFrom") or {}
        for kind, token in (
            ("secretKeyRef", "kubernetes:core/v1:Secret"),
            ("configMapKeyRef", "kubernetes:core/v1:ConfigMap"),
        ):
            reference = source.get(kind) if isinstance(source, dict) else None
            if isinstance(reference, dict):
                yield from _key(item, cloud, f"{where}.env[{index}].valueFrom.{kind}", token, reference)
    for index, each in enumerate(container.get("envFrom") or []):
        for kind, token in (
            ("secretRef", "kubernetes:core/v1:Secret"),
            ("configMapRef", "kubernetes:core/v1:ConfigMap"),
        ):
            reference = each.get(kind) if isinstance(each, dict) else None
            if (
                isinstance(reference, dict)
                and isinstance(reference.get("name"), str)
                and reference.get("optional") is not True
            ) and find_object(cloud, item, token, reference["name"]) is None:
                yield Broken(
                    f"{where}.envFrom[{index}].{kind}.name",
                    f"a {kind_name(token)} of the namespace",
                    "create it first, and pass its metadata.name",
                    absent=True,
                )


def _key(item: Item, cloud: Cloud, path: str, token: str, reference: dict[str, Any]) -> Iterator[Broken]:
    name, key = reference.get("name"), reference.get("key")
    if not isinstance(name, str) or reference.get("optional") is True:
        return
    found = find_object(cloud, item, token, name)
    if found is None:
        yield Broken(
            f"{path}.name",
            f"a {kind_name(token)} of the namespace",
            "create it first, and pass its metadata.name",
            absent=True,
        )
        return
    keys: set[str] = set()
    for part in ("data", "stringData", "binaryData"):
        content = found.get(part)
        if content is not None and not isinstance(content, dict):
            return
        keys |= set(content or {})
    if isinstance(key, str) and key not in keys:
        yield Broken(f"{path}.key", f"a key of {found.name}: {', '.join(sorted(keys)) or 'none'}", "correct the key")


@rule(*PODS)
def service_account(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A pod's service account exists in its namespace.

    Source: Kubernetes, Configure Service Accounts for Pods (pods are refused: "serviceaccount not found").
    """
    path, spec = template_of(item)
    name = spec.get("serviceAccountName")
    if (
        isinstance(name, str)
        and name != "default"
        and find_object(cloud, item, "kubernetes:core/v1:ServiceAccount", name) is None
    ):
        yield Broken(
            f"{path}.serviceAccountName",
            "a service account of the namespace",
            "pass the ServiceAccount's metadata.name",
            absent=True,
        )


def level_of(item: Item, cloud: Cloud) -> str:
    """The security level that an object's namespace enforces; `privileged` when it says none."""
    space = namespace_of(item)
    for each in cloud.named(space):
        if each.type == NAMESPACE and each.place == item.place:
            labels = each.known("metadata.labels")
            return (
                str(labels.get("pod-security.kubernetes.io/enforce", "privileged"))
                if isinstance(labels, dict)
                else "privileged"
            )
    return "privileged"


@rule(*PODS)
def pod_security(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """In a namespace that enforces it, pods keep to the `baseline` or the `restricted` level.

    Source: Kubernetes, Pod Security Standards.
    """
    level = level_of(item, cloud)
    path, spec = template_of(item)
    if level in ("baseline", "restricted"):
        yield from _baseline(path, spec)
    if level == "restricted":
        yield from _restricted(path, spec)


_BASELINE_CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)
_SAFE_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
    }
)


def _baseline(path: str, spec: dict[str, Any]) -> Iterator[Broken]:
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name) is True:
            yield Broken(f"{path}.{name}", "false at the baseline level", f"remove {name}")
    for index, volume in enumerate(spec.get("volumes") or []):
        if isinstance(volume, dict) and volume.get("hostPath") is not None:
            yield Broken(
                f"{path}.volumes[{index}].hostPath", "no host path at the baseline level", "use an emptyDir or a claim"
            )
    for index, sysctl in enumerate((spec.get("securityContext") or {}).get("sysctls") or []):
        if isinstance(sysctl, dict) and isinstance(sysctl.get("name"), str) and sysctl["name"] not in _SAFE_SYSCTLS:
            yield Broken(
                f"{path}.securityContext.sysctls[{index}].name", "a safe sysctl at the baseline level", "remove it"
            )
    for where, container in containers(path, spec):
        context = container.get("securityContext") or {}
        if context.get("privileged") is True:
            yield Broken(f"{where}.securityContext.privileged", "false at the baseline level", "remove it")
        for added in (context.get("capabilities") or {}).get("add") or []:
            if isinstance(added, str) and added not in _BASELINE_CAPABILITIES:
                yield Broken(
                    f"{where}.securityContext.capabilities.add",
                    "capabilities of the baseline level",
                    "remove it",
                    added,
                )
        if context.get("procMount") not in (None, "Default") and isinstance(context.get("procMount"), str):
            yield Broken(f"{where}.securityContext.procMount", "Default at the baseline level", "remove it")
        for index, port in enumerate(container.get("ports") or []):
            if isinstance(port, dict) and port.get("hostPort") not in (None, 0):
                yield Broken(f"{where}.ports[{index}].hostPort", "no host port at the baseline level", "remove it")


def _restricted(path: str, spec: dict[str, Any]) -> Iterator[Broken]:
    pod = spec.get("securityContext") or {}
    allowed = {
        "name",
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
    for index, volume in enumerate(spec.get("volumes") or []):
        for kind in (
            key
            for key, value in (volume if isinstance(volume, dict) else {}).items()
            if value is not None and key not in allowed
        ):
            yield Broken(
                f"{path}.volumes[{index}].{kind}",
                "a kind of volume of the restricted level",
                "use an emptyDir, a claim, a secret or a config map",
            )
    for where, container in containers(path, spec):
        context = container.get("securityContext") or {}
        if context.get("allowPrivilegeEscalation") in (None, True):
            yield Broken(
                f"{where}.securityContext.allowPrivilegeEscalation",
                "false at the restricted level",
                "set allow_privilege_escalation to False",
            )
        if "ALL" not in ((context.get("capabilities") or {}).get("drop") or []):
            yield Broken(f"{where}.securityContext.capabilities.drop", "ALL at the restricted level", "drop ALL")
        for added in (context.get("capabilities") or {}).get("add") or []:
            if added != "NET_BIND_SERVICE":
                yield Broken(
                    f"{where}.securityContext.capabilities.add",
                    "NET_BIND_SERVICE at most, at the restricted level",
                    "remove it",
                    added,
                )
        non_root = context.get("runAsNonRoot", pod.get("runAsNonRoot"))
        if non_root in (None, False):
            yield Broken(
                f"{where}.securityContext.runAsNonRoot",
                "true, here or on the pod, at the restricted level",
                "set run_as_non_root",
            )
        if context.get("runAsUser", pod.get("runAsUser")) == 0:
            yield Broken(
                f"{where}.securityContext.runAsUser",
                "a user other than 0 at the restricted level",
                "run as another user",
            )
        profile = (context.get("seccompProfile") or pod.get("seccompProfile") or {}).get("type")
        if profile not in ("RuntimeDefault", "Localhost"):
            yield Broken(
                f"{where}.securityContext.seccompProfile",
                "RuntimeDefault, here or on the pod, at the restricted level",
                "set seccomp_profile",
            )


@rule("kubernetes:apps/v1:Deployment")
def rollout(item: Item, _: Cloud) -> Iterator[Broken]:
    """A rolling update can make progress: surge and unavailable are not both 0; only a rolling update has their
    settings.

    Source: Kubernetes API reference, RollingUpdateDeployment (server validation).
    """
    strategy = item.get("spec.strategy.type", "RollingUpdate")
    if strategy not in ("RollingUpdate", "Recreate"):
        yield Broken("spec.strategy.type", "RollingUpdate or Recreate", "correct it")
    if strategy == "Recreate" and item.get("spec.strategy.rollingUpdate") is not None:
        yield Broken("spec.strategy.rollingUpdate", "nothing, as the strategy is Recreate", "remove it")
    surge, unavailable = (
        item.get("spec.strategy.rollingUpdate.maxSurge", "25%"),
        item.get("spec.strategy.rollingUpdate.maxUnavailable", "25%"),
    )
    if surge in (0, "0", "0%") and unavailable in (0, "0", "0%"):
        yield Broken(
            "spec.strategy.rollingUpdate.maxSurge", "more than 0, as maxUnavailable is 0", "set max_surge to 1"
        )
    progress, ready = item.get("spec.progressDeadlineSeconds", 600), item.get("spec.minReadySeconds", 0)
    if isinstance(progress, int) and isinstance(ready, int) and progress <= ready:
        yield Broken("spec.progressDeadlineSeconds", f"more than minReadySeconds, {ready}", "raise it")


@rule(*_CONTROLLERS)
def spread(item: Item, _: Cloud) -> Iterator[Broken]:
    """Topology spread constraints name a topology, a skew of at least 1, and pick the pods themselves.

    Source: Kubernetes, Pod Topology Spread Constraints.
    """
    path, spec = template_of(item)
    for index, each in enumerate(spec.get("topologySpreadConstraints") or []):
        if not isinstance(each, dict):
            continue
        where = f"{path}.topologySpreadConstraints[{index}]"
        if isinstance(each.get("maxSkew"), int) and each["maxSkew"] < 1:
            yield Broken(f"{where}.maxSkew", "at least 1", "raise it")
        if isinstance(each.get("whenUnsatisfiable"), str) and each["whenUnsatisfiable"] not in (
            "DoNotSchedule",
            "ScheduleAnyway",
        ):
            yield Broken(f"{where}.whenUnsatisfiable", "DoNotSchedule or ScheduleAnyway", "correct it")
        picked = each.get("labelSelector")
        if isinstance(picked, dict) and not matches(picked, labels_of(item)):
            yield Broken(
                f"{where}.labelSelector",
                f"the pods' own labels: {labels_of(item)}",
                "make the two agree",
                look_up(picked, "matchLabels"),
            )


@rule("kubernetes:apps/v1:Deployment")
def rollout_numbers(item: Item, _: Cloud) -> Iterator[Broken]:
    """Surge and unavailability are numbers or percentages, and no more than all are unavailable.

    Source: Kubernetes API reference, RollingUpdateDeployment.
    """
    for name, form in (("maxSurge", r"\d+%"), ("maxUnavailable", r"(100|\d{1,2})%")):
        value = item.known(f"spec.strategy.rollingUpdate.{name}")
        if (isinstance(value, str) and re.fullmatch(form, value) is None) or (isinstance(value, int) and value < 0):
            yield Broken(f"spec.strategy.rollingUpdate.{name}", "a number or a percentage", "correct it")


@rule(_JOB, _CRON_JOB)
def job(item: Item, _: Cloud) -> Iterator[Broken]:
    """A job's pods are restarted on failure or never.

    Source: Kubernetes, Jobs, Pod template.
    """
    path, spec = template_of(item)
    if spec and spec.get("restartPolicy") not in ("OnFailure", "Never"):
        yield Broken(f"{path}.restartPolicy", "OnFailure or Never", "set restart_policy")
    schedule = item.known("spec.schedule")
    if (
        item.type == _CRON_JOB
        and isinstance(schedule, str)
        and re.fullmatch(r"@(hourly|daily|weekly|monthly|yearly|annually|midnight)|\S+( \S+){4}", schedule) is None
    ):
        yield Broken("spec.schedule", "five fields of cron", "correct the schedule")
