"""A database migration as a Job that ends before the new pods start."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from groundplan_components.shared import network_policy as pod_network
from groundplan_components.shared import pod
from groundplan_components.shared.checks import require
from groundplan_components.shared.cluster_access import object_options
from groundplan_components.shared.network_policy import Destination

# Long enough to read the logs. A refresh after that finds no Job, and the next update runs it again; that changes
# nothing, because a migration tool applies only missing steps.
KEEP_SECONDS = 7 * 24 * 3600

# Time to pull the image and, without free capacity, to start a node.
START_SECONDS = 300

MIGRATION_CPU_MILLICORES = 250
MIGRATION_MEMORY_MIB = 512


class MigrationArgs(TypedDict):
    """The migration's program, and its identity."""

    namespace: pulumi.Input[str]
    """Kubernetes namespace in which it runs."""
    system: str
    """The system that it belongs to (label)."""
    image: pulumi.Input[str]
    """The image whose code needs the new schema."""
    command: list[str]
    """Arguments to the image's entry point. It must be idempotent and take its own lock: after the loss of a node it
    may run twice."""
    environment: NotRequired[dict[str, pulumi.Input[str]]]
    """Plain settings and ARNs; no secrets. Default: none."""
    identity: NotRequired[pulumi.Input[str]]
    """`ServiceRole.association_id` of a separate role, which may read the database owner's credentials, unlike the
    service's role. Default: no access to AWS."""
    egress: NotRequired[list[Destination]]
    """Destinations that it may connect to: the database, and the AWS APIs for its credentials. Default: DNS and its
    identity only."""
    cpu_millicores: NotRequired[int]
    """Request, in thousandths of a CPU. Default: 250."""
    memory_mib: NotRequired[int]
    """Request and limit, in MiB. Default: 512."""
    retries: NotRequired[int]
    """Further attempts after a failure. Default: 2."""
    deadline_seconds: NotRequired[int]
    """Seconds that all attempts may take together. Default: 900."""


class Migration(pulumi.ComponentResource):
    """Runs again whenever image, command or settings change; until it succeeds, no dependent Deployment changes.

    The Job's name carries a digest of its content, because a Job can't be changed: new content creates a new Job before
    Pulumi removes the old one. A failed Job stays for its logs. A corrected image creates a new Job; `pulumi up
    --replace <its URN>` repeats the same one. The service account has the component's name.
    """

    completed: pulumi.Output[str]
    """The Job's name, known once it has succeeded."""

    def __init__(self, name: str, args: MigrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:Migration", name, {}, opts)
        inside = object_options(self, opts)
        labels = pod.labels(name, args["system"], "migration")
        metadata = {"name": name, "namespace": args["namespace"], "labels": labels}
        environment = args.get("environment", {})
        deadline = args.get("deadline_seconds", 900)

        account = kubernetes.core.v1.ServiceAccount(
            f"{name}-account", metadata=metadata, automount_service_account_token=False, opts=inside
        )
        wall = kubernetes.networking.v1.NetworkPolicy(
            f"{name}-network",
            metadata=metadata,
            spec=pod_network.policy_spec(name, [], pod_network.egress(args.get("egress", []), "identity" in args)),
            opts=inside,
        )
        named = pulumi.Output.all(
            image=args["image"], command=args["command"], environment=environment, identity=args.get("identity", "")
        ).apply(lambda known: f"{name}-{pod.digest(known)}")
        job = kubernetes.batch.v1.Job(
            f"{name}-job",
            metadata={**metadata, "name": named},
            spec={
                "backoff_limit": args.get("retries", 2),
                "active_deadline_seconds": deadline,
                "ttl_seconds_after_finished": KEEP_SECONDS,
                "template": {
                    # Consolidation of nodes must not interrupt a migration.
                    "metadata": {"labels": labels, "annotations": {"karpenter.sh/do-not-disrupt": "true"}},
                    "spec": pod.pod(
                        containers=[
                            pod.container(
                                name,
                                args["image"],
                                pod.resources(
                                    args.get("cpu_millicores", MIGRATION_CPU_MILLICORES),
                                    args.get("memory_mib", MIGRATION_MEMORY_MIB),
                                ),
                                command=args["command"],
                                extra={"env": [{"name": key, "value": value} for key, value in environment.items()]},
                            )
                        ],
                        service_account=account.metadata.apply(lambda known: known.name),
                        extra={"restart_policy": "Never"},
                    ),
                },
            },
            opts=pulumi.ResourceOptions.merge(
                object_options(self, opts, [wall]),
                # Pulumi waits for the Job to succeed.
                pulumi.ResourceOptions(
                    custom_timeouts=pulumi.CustomTimeouts(create=f"{deadline + START_SECONDS}s"),
                ),
            ),
        )
        self.completed = job.metadata.apply(lambda known: str(known.name))
        self.register_outputs({"completed": self.completed})


def _check(name: str, args: MigrationArgs) -> None:
    component = f'Migration "{name}"'
    pod.check_name(component, name)
    pod.check_image(component, args["image"])
    pod.check_quantities(
        component,
        args.get("cpu_millicores", MIGRATION_CPU_MILLICORES),
        args.get("memory_mib", MIGRATION_MEMORY_MIB),
        None,
    )
    pod.check_environment(component, args.get("environment", {}))
    pod_network.check_destinations(component, args.get("egress", []))
    require(
        bool(args["command"]),
        component,
        "command",
        args["command"],
        "the migration's arguments: without any, the image would start its server",
        'pass for example ["migrate"]',
    )
    retries = args.get("retries", 2)
    require(
        0 <= retries <= 10,
        component,
        "retries",
        retries,
        "0 to 10",
        "lower it, and fix a migration that fails repeatedly",
    )
    deadline = args.get("deadline_seconds", 900)
    require(
        30 <= deadline <= 86_400,
        component,
        "deadline_seconds",
        deadline,
        "30 seconds to a day",
        "split a longer migration",
    )
