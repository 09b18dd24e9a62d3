"""PgBouncer: many pods share few connections to read replicas (D3).

RDS Proxy serves the writer only. PgBouncer can't fetch credentials from Secrets Manager and can't create RDS's tokens,
and RDS doesn't expose password hashes. So its passwords are in a Kubernetes Secret (encrypted with the cluster's key,
mounted in these pods only), the only one with passwords.

Give it separate users that may only read, whose passwords Pulumi sets and Secrets Manager does not rotate: a rotation
would lock them out here. To change a password without a failed login, add a second user, let the services move to it,
and remove the first.
"""

from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from groundplan_components.database._pgbouncer import FOLDER, POOLER_PORT, pgbouncer_ini, user_list
from groundplan_components.database._pooler_args import IMAGE, SERVER_PORT, PoolerArgs, check_pooler
from groundplan_components.shared import network_policy as pod_network
from groundplan_components.shared import pod
from groundplan_components.shared.cluster_access import object_options
from groundplan_components.shared.network_policy import Destination

IMAGE_USER = 70

CLIENT_PORT = 5432

# Lifetime of the pods' connections: new ones find the pooler's other pods.
DRAIN_SECONDS = 45


class Pooler(pulumi.ComponentResource):
    """PgBouncer pods behind one address, with transaction pooling and verified TLS to the replicas (D3, S2, S5).

    Between pods and pooler there is no TLS: passwords travel as SCRAM proofs, a network policy admits the callers only,
    and nodes encrypt traffic between them. All objects have the component's name in Kubernetes.
    """

    host: pulumi.Output[str]
    """DNS name inside the cluster."""
    port: pulumi.Output[int]

    def __init__(self, name: str, args: PoolerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        check_pooler(name, args)
        super().__init__("groundplan:index:Pooler", name, {}, opts)
        inside = object_options(self, opts)
        labels = pod.labels(name, args["system"], "pooler")
        metadata = {"name": name, "namespace": args["namespace"], "labels": labels}

        files: dict[str, pulumi.Input[str]] = {"pgbouncer.ini": _settings(args)}
        if "ca_bundle" in args:
            files["ca.pem"] = args["ca_bundle"]
        settings = kubernetes.core.v1.ConfigMap(
            f"{name}-settings",
            metadata={
                **metadata,
                "name": pulumi.Output.all(**files).apply(lambda known: f"{name}-{pod.digest(known)}"),
            },
            data=files,
            immutable=True,
            opts=inside,
        )
        passwords: pulumi.Output[str] = pulumi.Output.secret(pulumi.Output.all(**args["users"]).apply(user_list))
        users = kubernetes.core.v1.Secret(
            f"{name}-users",
            # Pulumi names it and creates a new one when the content changes, so pods roll, and no name reveals a digest
            # of passwords.
            metadata={"namespace": args["namespace"], "labels": labels},
            type="Opaque",
            string_data={
                "userlist.txt": passwords,
            },
            immutable=True,
            opts=inside,
        )
        account = kubernetes.core.v1.ServiceAccount(
            f"{name}-account", metadata=metadata, automount_service_account_token=False, opts=inside
        )
        replicas: list[Destination] = [{"cidr": cidr, "ports": [SERVER_PORT]} for cidr in args["replica_cidrs"]]
        wall = kubernetes.networking.v1.NetworkPolicy(
            f"{name}-network",
            metadata=metadata,
            spec=pod_network.policy_spec(
                name,
                pod_network.ingress(POOLER_PORT, [], args["callers"]),
                pod_network.egress(replicas, identity=False),
            ),
            opts=inside,
        )
        deployment = kubernetes.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=metadata,
            spec={
                "replicas": args["pods"],
                "selector": {"match_labels": pod.selector(name)},
                "strategy": {"type": "RollingUpdate", "rolling_update": {"max_unavailable": 0, "max_surge": 1}},
                "progress_deadline_seconds": 600,
                "revision_history_limit": 5,
                "template": {
                    "metadata": {"labels": labels},
                    "spec": _pod(
                        name,
                        args,
                        account.metadata.apply(lambda known: known.name),
                        settings.metadata.apply(lambda known: known.name),
                        users.metadata.apply(lambda known: known.name),
                    ),
                },
            },
            opts=pulumi.ResourceOptions.merge(
                object_options(self, opts, [wall]),
                pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="15m", update="15m")),
            ),
        )
        kubernetes.policy.v1.PodDisruptionBudget(
            f"{name}-disruption",
            metadata=metadata,
            spec={
                "selector": {"match_labels": pod.selector(name)},
                "max_unavailable": 1,
                "unhealthy_pod_eviction_policy": "AlwaysAllow",
            },
            opts=inside,
        )
        service = kubernetes.core.v1.Service(
            f"{name}-service",
            metadata=metadata,
            spec={
                "type": "ClusterIP",
                "selector": pod.selector(name),
                "ports": [{"name": "postgres", "port": CLIENT_PORT, "target_port": "postgres", "protocol": "TCP"}],
            },
            opts=object_options(self, opts, [deployment]),
        )
        self.host = pulumi.Output.concat(
            service.metadata.apply(lambda known: known.name), ".", args["namespace"], ".svc"
        )
        self.port = pulumi.Output.from_input(CLIENT_PORT)
        self.register_outputs({"host": self.host, "port": self.port})


def _settings(args: PoolerArgs) -> pulumi.Output[str]:
    return pulumi.Output.all(*args["hosts"]).apply(
        lambda hosts: pgbouncer_ini(
            hosts,
            args["databases"],
            args["max_client_connections"],
            args["server_connections"],
            args.get("max_prepared_statements", 200),
            args.get("ca_file", f"{FOLDER}/ca.pem"),
        )
    )


def _pod(
    workload: str,
    args: PoolerArgs,
    account: pulumi.Output[str],
    settings: pulumi.Output[str],
    users: pulumi.Output[str],
) -> dict[str, Any]:
    open_port = {"tcp_socket": {"port": POOLER_PORT}}
    return pod.pod(
        containers=[
            pod.container(
                "pgbouncer",
                args.get("image", IMAGE),
                pod.resources(args["cpu_millicores"], args["memory_mib"]),
                mounts=[{"name": "settings", "mount_path": FOLDER, "read_only": True}],
                extra={
                    # Bypasses the image's entry point, which would write its own settings.
                    "command": ["pgbouncer", f"{FOLDER}/pgbouncer.ini"],
                    "ports": [{"name": "postgres", "container_port": POOLER_PORT, "protocol": "TCP"}],
                    "startup_probe": {**open_port, "period_seconds": 1, "failure_threshold": 30},
                    "readiness_probe": {**open_port, "period_seconds": 5, "failure_threshold": 2},
                    "liveness_probe": {**open_port, "period_seconds": 10, "failure_threshold": 3},
                    # Waits until the Service sends no new clients, then PgBouncer lets its clients finish.
                    "lifecycle": {"pre_stop": {"sleep": {"seconds": 5}}},
                },
            )
        ],
        service_account=account,
        volumes=[
            {
                "name": "settings",
                "projected": {
                    "default_mode": 0o440,
                    "sources": [{"config_map": {"name": settings}}, {"secret": {"name": users}}],
                },
            }
        ],
        user=args.get("image_user", IMAGE_USER),
        extra={
            "termination_grace_period_seconds": 5 + DRAIN_SECONDS,
            "topology_spread_constraints": pod.spread(workload, args.get("spread_zones", True)),
        },
    )
