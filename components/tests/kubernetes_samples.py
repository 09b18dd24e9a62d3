"""An existing cluster for tests of workloads, and the rules that its API server would apply."""

from collections.abc import Callable, Iterator
from typing import Any

from groundplan.cloud import Resource, Simulation, simulate
from groundplan_components.cluster import ClusterAccess, ExistingCluster, TargetGroupBindingApi

KUBECONFIG = "apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n"
DIGEST = "sha256:" + "0123456789abcdef" * 4
IMAGE = f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/order@{DIGEST}"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/12345678-1234-1234-1234-123456789012"
SECURITY_GROUP = "sg-0123456789abcdef0"
OTHER_SECURITY_GROUP = "sg-0123456789abcdef1"
SUBNETS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1", "subnet-0123456789abcdef2"]
ADMINISTRATOR = "arn:aws:iam::123456789012:role/admin"
DEPLOYER = "arn:aws:iam::123456789012:role/deployer"
SINGLE_SIGN_ON = (
    "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/eu-central-1/"
    "AWSReservedSSO_AdministratorAccess_0123456789abcdef"
)
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
IMAGE_REPOSITORY = "arn:aws:ecr:eu-central-1:123456789012:repository/shop/order"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:order-abcdef"
TARGET_GROUP = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/order/0123456789abcdef"
GITHUB = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
FOREIGN_NODES = "arn:aws:iam::210987654321:role/nodes"

# The simulated cloud treats resources named in a stack's configuration as existing.
EXISTING = {
    "shop:existing": " ".join(
        [
            KEY,
            SECURITY_GROUP,
            OTHER_SECURITY_GROUP,
            *SUBNETS,
            ADMINISTRATOR,
            DEPLOYER,
            SINGLE_SIGN_ON,
            BOUNDARY,
            IMAGE_REPOSITORY,
            SECRET,
            TARGET_GROUP,
            GITHUB,
            FOREIGN_NODES,
        ]
    )
}


def simulated(program: Callable[[], object], *, preview: bool = False) -> Simulation:
    """The program in an account in which all of the above exists."""
    return simulate(program, config=EXISTING, preview=preview)


def access() -> ClusterAccess:
    return ExistingCluster(
        "cluster",
        {
            "kubeconfig": KUBECONFIG,
            "context": "production",
            "security_group_id": SECURITY_GROUP,
            "binding": TargetGroupBindingApi.LOAD_BALANCER_CONTROLLER,
            "dns_addresses": ["169.254.20.10"],
        },
    ).access


def pod_specs(simulation: Simulation) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every pod spec of the graph, with the logical name of its resource."""
    for resource in simulation.resources:
        if resource.type in ("kubernetes:apps/v1:Deployment", "kubernetes:batch/v1:Job"):
            yield resource.name, resource.inputs["spec"]["template"]["spec"]


def container_of(resource: Resource) -> dict[str, Any]:
    containers: list[dict[str, Any]] = resource.inputs["spec"]["template"]["spec"]["containers"]
    assert len(containers) == 1
    return containers[0]


def restricted_violations(spec: dict[str, Any]) -> list[str]:
    """Violations of Pod Security `restricted`: https://kubernetes.io/docs/concepts/security/pod-security-standards/

    Written from the standard, independent of the tested code.
    """
    found = [f"{field}" for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field)]
    allowed = {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
    for volume in spec.get("volumes", []):
        found += [f"volume {kind}" for kind in volume if kind != "name" and kind not in allowed]
    whole = spec.get("securityContext", {})
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        own = container.get("securityContext", {})
        capabilities = own.get("capabilities", {})
        if own.get("privileged"):
            found.append("privileged")
        if own.get("allowPrivilegeEscalation") is not False:
            found.append("allowPrivilegeEscalation")
        if own.get("runAsNonRoot", whole.get("runAsNonRoot")) is not True:
            found.append("runAsNonRoot")
        if own.get("runAsUser", whole.get("runAsUser")) == 0:
            found.append("runAsUser")
        if own.get("seccompProfile", whole.get("seccompProfile", {})).get("type") not in (
            "RuntimeDefault",
            "Localhost",
        ):
            found.append("seccompProfile")
        if "ALL" not in capabilities.get("drop", []) or set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
            found.append("capabilities")
        found += [f"hostPort {port['hostPort']}" for port in container.get("ports", []) if port.get("hostPort")]
    return found
