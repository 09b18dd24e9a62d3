"""Pod specs as pure functions, so that every workload is hardened alike.

An API server with Pod Security `restricted` admits them:
https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from groundplan_components.shared.checks import require

# Above the identifiers that hosts and base images assign, so that no user has it there.
USER_ID = 10001

# Scratch space at /tmp. The kubelet evicts a pod that exceeds it, before it fills the node's disk.
SCRATCH = "256Mi"

# Longest workload name: pods and configuration maps append up to eleven characters to it, and 63 is a label's limit.
MAX_NAME = 52

# The AWS SDKs read these before they use the pod's own identity.
# https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
SHADOWING_VARIABLES = frozenset(
    {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    }
)

Document = dict[str, Any]


def labels(name: str, part_of: str, role: str) -> dict[str, str]:
    """Kubernetes' recommended labels; `selector` picks the one that never changes."""
    return {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/component": role,
        "app.kubernetes.io/part-of": part_of,
        "app.kubernetes.io/managed-by": "pulumi",
    }


def selector(name: str) -> dict[str, str]:
    """Matches the pods of one workload. A Deployment's selector can't be changed, so it holds the name alone."""
    return {"app.kubernetes.io/name": name}


def resources(cpu_millicores: int, memory_mib: int, cpu_limit_millicores: int | None = None) -> Document:
    """Requests and limits of a container.

    Memory's limit equals its request: a node can't reclaim memory, so it would kill a pod that uses more at an
    arbitrary time. CPU has no limit by default: a limit wastes idle CPU and throttles the slowest requests first (T1).
    Under contention the kernel divides CPU by the requests.
    """
    limits = {"memory": f"{memory_mib}Mi"}
    if cpu_limit_millicores is not None:
        limits["cpu"] = f"{cpu_limit_millicores}m"
    return {"requests": {"cpu": f"{cpu_millicores}m", "memory": f"{memory_mib}Mi"}, "limits": limits}


def probes(port: int, watched: bool = False) -> Document:
    """Startup, liveness and readiness over HTTP; liveness by an open port where the program is ``watched`` by itself.

    A pod has a minute to start. Liveness checks only that the process answers, so an unavailable database never
    restarts pods; a watched one's is the kernel's answer, so neither does load. Readiness checks dependencies, and
    takes the pod out of service after ten seconds.
    """

    def get(path: str) -> Document:
        return {"path": path, "port": port, "scheme": "HTTP"}

    return {
        "startup_probe": {
            "http_get": get("/health/live"),
            "period_seconds": 2,
            "timeout_seconds": 2,
            "failure_threshold": 30,
        },
        "liveness_probe": {
            **({"tcp_socket": {"port": port}} if watched else {"http_get": get("/health/live")}),
            "period_seconds": 10,
            "timeout_seconds": 3,
            "failure_threshold": 3,
        },
        "readiness_probe": {
            "http_get": get("/health/ready"),
            "period_seconds": 5,
            "timeout_seconds": 3,
            "failure_threshold": 2,
        },
    }


def spread(name: str, over_zones: bool) -> list[Document]:
    """Spread each revision evenly over zones and hosts.

    Over zones it is required, because the plan relies on losing at most one zone's share (T4). Kubernetes taints the
    nodes of a lost zone; excluding tainted nodes keeps its share of pods from waiting for it. Over hosts it is
    preferred.
    """

    def constraint(topology: str, when: str) -> Document:
        return {
            "max_skew": 1,
            "topology_key": topology,
            "when_unsatisfiable": when,
            "label_selector": {"match_labels": selector(name)},
            "match_label_keys": ["pod-template-hash"],
            "node_taints_policy": "Honor",
        }

    return [
        constraint("topology.kubernetes.io/zone", "DoNotSchedule" if over_zones else "ScheduleAnyway"),
        constraint("kubernetes.io/hostname", "ScheduleAnyway"),
    ]


def container(
    name: str,
    image: pulumi.Input[str],
    quantities: Document,
    command: Sequence[str] = (),
    mounts: Sequence[Document] = (),
    extra: Mapping[str, Any] | None = None,
) -> Document:
    """A container that can't become root, gain privileges or write outside `/tmp`.

    The image's entry point receives ``command`` as arguments and handles signals.
    """
    return {
        "name": name,
        "image": image,
        # Tags in our repositories are immutable and public images are pinned, so an image on the node is the right one.
        "image_pull_policy": "IfNotPresent",
        **({"args": list(command)} if command else {}),
        "resources": quantities,
        "security_context": {
            "allow_privilege_escalation": False,
            "privileged": False,
            # Accepted (no limit of ephemeral storage): the root is read-only, and the scratch volume has a size limit.
            "read_only_root_filesystem": True,
            "run_as_non_root": True,
            "capabilities": {"drop": ["ALL"]},
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "volume_mounts": [{"name": "scratch", "mount_path": "/tmp"}, *mounts],  # noqa: S108  the volume's own mount
        "termination_message_policy": "FallbackToLogsOnError",
        **(extra or {}),
    }


def pod(
    containers: Sequence[Document],
    service_account: pulumi.Input[str],
    volumes: Sequence[Document] = (),
    user: int = USER_ID,
    extra: Mapping[str, Any] | None = None,
) -> Document:
    """A pod's spec. No Kubernetes token is mounted; Pod Identity projects its own, readable through the group."""
    return {
        "service_account_name": service_account,
        "automount_service_account_token": False,
        "enable_service_links": False,
        "security_context": {
            "run_as_non_root": True,
            "run_as_user": user,
            "run_as_group": user,
            "fs_group": user,
            "fs_group_change_policy": "OnRootMismatch",
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "containers": list(containers),
        "volumes": [{"name": "scratch", "empty_dir": {"size_limit": SCRATCH}}, *volumes],
        **(extra or {}),
    }


def digest(content: object) -> str:
    """Ten characters that change with the content, for names that must change with it."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:10]


def check_name(component: str, name: str) -> None:
    """Refuse a component name that can't be the Kubernetes name of its objects."""
    require(
        len(name) <= MAX_NAME and re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", name) is not None,
        component,
        "name",
        name,
        f"at most {MAX_NAME} lower-case letters, digits and hyphens, a letter first",
        "rename the component",
    )


def check_image(component: str, image: pulumi.Input[str]) -> None:
    """Refuse an image reference without a fixed tag or digest: the next push could change what it means."""
    if not isinstance(image, str):
        return
    tag = image.rpartition("/")[2].partition(":")[2]
    require(
        re.search(r"@sha256:[0-9a-f]{64}$", image) is not None or (tag not in ("", "latest") and "@" not in image),
        component,
        "image",
        image,
        "an image with a digest, or with a tag other than latest",
        "push the image under a tag of its own, such as its commit",
    )


def check_quantities(component: str, cpu_millicores: int, memory_mib: int, cpu_limit_millicores: int | None) -> None:
    require(
        10 <= cpu_millicores <= 64_000,
        component,
        "cpu_millicores",
        cpu_millicores,
        "10 to 64000 thousandths of a CPU",
        "give thousandths: 500 is half a CPU",
    )
    require(
        32 <= memory_mib <= 262_144,
        component,
        "memory_mib",
        memory_mib,
        "32 to 262144 MiB",
        "give MiB: 512 is half a GiB",
    )
    require(
        cpu_limit_millicores is None or cpu_limit_millicores >= cpu_millicores,
        component,
        "cpu_limit_millicores",
        cpu_limit_millicores,
        f"nothing, or at least the request of {cpu_millicores}",
        "leave it out: requests already share the CPU fairly",
    )


def check_environment(component: str, environment: Mapping[str, pulumi.Input[str]]) -> None:
    for variable in environment:
        require(
            re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable) is not None,
            component,
            "environment",
            variable,
            "variables of letters, digits and underscores, no digit first",
            "rename the variable",
        )
        require(
            variable not in SHADOWING_VARIABLES,
            component,
            "environment",
            variable,
            "no AWS credentials: the SDK would use them instead of the pod's own identity",
            "remove it, and grant the role what the workload needs",
        )
