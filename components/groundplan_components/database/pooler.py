"""PgBouncer between many pods and the few connections that read replicas should hold (D3).

RDS Proxy serves the writer only. PgBouncer can't fetch credentials from Secrets Manager, can't make RDS's tokens, and
RDS lets nobody read password hashes, so it can't look them up either: it must be given the passwords. That makes this
the one place where a password is in a Kubernetes Secret (encrypted with the cluster's key, mounted in these pods only).

So give it users of their own that may only read, whose passwords Pulumi sets and Secrets Manager does not rotate: a
rotation would lock them out here. To change a password without a failed login, add a second user, let the services move
to it, and remove the first.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from groundplan_components.cluster.access import object_options
from groundplan_components.shared.checks import require
from groundplan_components.workload import _network_policy as pod_network
from groundplan_components.workload import _pod as pod
from groundplan_components.workload._network_policy import Destination

# Public, pinned; for production copy it to a repository of your own (a registry that is away must not stop a pod from
# starting) and pass that. Its user is 70.
IMAGE = "docker.io/edoburu/pgbouncer:v1.25.2-p0"
IMAGE_USER = 70

CLIENT_PORT = 5432
LISTEN_PORT = 6432
SERVER_PORT = 5432
FOLDER = "/etc/pgbouncer"

# How long the pods' own connections may live: their pools then find the pooler's other pods.
DRAIN_SECONDS = 45


class PoolerArgs(TypedDict):
    """The replicas of one shard, who reads from them, and how many connections there may be."""

    namespace: pulumi.Input[str]
    """Kubernetes namespace in which it runs."""
    system: str
    """The system that it belongs to (label)."""
    hosts: list[pulumi.Input[str]]
    """Host names of the read replicas. New connections take turns."""
    databases: list[str]
    """Names of the databases on them."""
    users: dict[str, pulumi.Input[str]]
    """Database user to password, see above. Treated as secret."""
    replica_cidrs: list[pulumi.Input[str]]
    """The data subnets."""
    callers: list[str]
    """Workloads of the namespace that read."""
    pods: int
    """Number of PgBouncer pods."""
    cpu_millicores: int
    """Request, in thousandths of a CPU. PgBouncer uses one CPU at most."""
    memory_mib: int
    """Request and limit, in MiB."""
    max_client_connections: int
    """Connections that one pod accepts."""
    server_connections: int
    """Connections that one pod opens, over all replicas and databases."""
    ca_bundle: NotRequired[pulumi.Input[str]]
    """AWS's certificate authorities for RDS in the region (PEM), for example the file of
    https://truststore.pki.rds.amazonaws.com/<region>/<region>-bundle.pem. Default: ``ca_file``."""
    ca_file: NotRequired[str]
    """Where the image has them, instead of ``ca_bundle``. Default: ``ca_bundle``."""
    max_prepared_statements: NotRequired[int]
    """Prepared statements that a server connection keeps; with 0 drivers must not prepare. Default: 200."""
    image: NotRequired[pulumi.Input[str]]
    """PgBouncer's image. Default: `docker.io/edoburu/pgbouncer:v1.25.2-p0`."""
    image_user: NotRequired[int]
    """User that the image runs as. Default: 70."""
    spread_zones: NotRequired[bool]
    """Pods spread evenly over zones, as a rule rather than a wish. Default: true."""


class Pooler(pulumi.ComponentResource):
    """PgBouncer pods behind one address, pooling by transaction, TLS-verified towards the replicas (D3, S2, S5).

    Between pods and pooler there is no TLS of its own: passwords travel as SCRAM proofs, a network policy admits the
    callers alone, and nodes encrypt what they send each other. The component's name is the Kubernetes name.
    """

    host: pulumi.Output[str]
    """DNS name inside the cluster."""
    port: pulumi.Output[int]

    def __init__(self, name: str, args: PoolerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
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
            # Named by Pulumi, which makes a new one when the content changes: the pods then roll, and no name gives
            # away a digest of passwords.
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
                pod_network.ingress(LISTEN_PORT, [], args["callers"]),
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


def pgbouncer_ini(
    hosts: Sequence[str],
    databases: Sequence[str],
    max_client_connections: int,
    server_connections: int,
    max_prepared_statements: int,
    ca_file: str,
) -> str:
    """PgBouncer's settings (https://www.pgbouncer.org/config.html).

    ``server_connections`` is shared out evenly over the databases. A client that gets no connection within five seconds
    is refused, before its own caller gives up; a connection lives a quarter of an hour, so that a replica that was away
    or is new soon gets its share.
    """
    each = server_connections // len(databases)
    lines = ["[databases]"]
    lines += [f"{database} = host={','.join(hosts)} port={SERVER_PORT} dbname={database}" for database in databases]
    lines += [
        "",
        "[pgbouncer]",
        "listen_addr = 0.0.0.0",
        f"listen_port = {LISTEN_PORT}",
        "unix_socket_dir =",
        "auth_type = scram-sha-256",
        f"auth_file = {FOLDER}/userlist.txt",
        "pool_mode = transaction",
        f"max_client_conn = {max_client_connections}",
        f"default_pool_size = {each}",
        f"max_db_connections = {each}",
        f"max_prepared_statements = {max_prepared_statements}",
        "server_tls_sslmode = verify-full",
        f"server_tls_ca_file = {ca_file}",
        "server_tls_protocols = tlsv1.3",
        "server_connect_timeout = 5",
        "server_lifetime = 900",
        "server_idle_timeout = 300",
        "query_wait_timeout = 5",
        "dns_max_ttl = 5",
        "ignore_startup_parameters = extra_float_digits",
        "log_connections = 0",
        "log_disconnections = 0",
        "",
    ]
    return "\n".join(lines)


def user_list(users: Mapping[str, str]) -> str:
    """PgBouncer's file of users: quoted, quotes doubled, sorted so that the same users make the same file."""

    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    return "".join(f"{quoted(user)} {quoted(users[user])}\n" for user in sorted(users))


def _pod(
    workload: str,
    args: PoolerArgs,
    account: pulumi.Output[str],
    settings: pulumi.Output[str],
    users: pulumi.Output[str],
) -> dict[str, Any]:
    open_port = {"tcp_socket": {"port": LISTEN_PORT}}
    return pod.pod(
        containers=[
            pod.container(
                "pgbouncer",
                args.get("image", IMAGE),
                pod.resources(args["cpu_millicores"], args["memory_mib"]),
                mounts=[{"name": "settings", "mount_path": FOLDER, "read_only": True}],
                extra={
                    # Past the image's entry point, which would write settings of its own.
                    "command": ["pgbouncer", f"{FOLDER}/pgbouncer.ini"],
                    "ports": [{"name": "postgres", "container_port": LISTEN_PORT, "protocol": "TCP"}],
                    "startup_probe": {**open_port, "period_seconds": 1, "failure_threshold": 30},
                    "readiness_probe": {**open_port, "period_seconds": 5, "failure_threshold": 2},
                    "liveness_probe": {**open_port, "period_seconds": 10, "failure_threshold": 3},
                    # Stays until the Service no longer sends anybody, then PgBouncer lets its clients finish.
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


def _check(name: str, args: PoolerArgs) -> None:
    component = f'Pooler "{name}"'
    pod.check_name(component, name)
    pod.check_image(component, args.get("image", IMAGE))
    pod.check_quantities(component, args["cpu_millicores"], args["memory_mib"], None)
    pod_network.check_destinations(
        component, [{"cidr": cidr, "ports": [SERVER_PORT]} for cidr in args["replica_cidrs"]]
    )
    for argument, empty, what in (
        ("hosts", not args["hosts"], "the replicas' host names"),
        ("databases", not args["databases"], "the names of the databases"),
        ("users", not args["users"], "users with their passwords"),
        ("replica_cidrs", not args["replica_cidrs"], "the data subnets"),
        ("callers", not args["callers"], "the workloads that read, for nobody else is let in"),
    ):
        require(not empty, component, argument, "empty", what, "pass at least one")
    for argument, names in (("databases", args["databases"]), ("users", sorted(args["users"]))):
        for each in names:
            require(
                re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", each) is not None,
                component,
                argument,
                each,
                "a PostgreSQL name: at most 63 lower-case letters, digits and underscores",
                "rename it",
            )
    require(
        ("ca_bundle" in args) != ("ca_file" in args),
        component,
        "ca_bundle",
        "both" if "ca_bundle" in args else "absent",
        "either ca_bundle or ca_file: without AWS's certificate authorities no replica can be verified",
        "download https://truststore.pki.rds.amazonaws.com/<region>/<region>-bundle.pem and pass its text",
    )
    require(args["pods"] >= 1, component, "pods", args["pods"], "at least 1", "pass the plan's figure")
    require(
        args["server_connections"] >= len(args["databases"]),
        component,
        "server_connections",
        args["server_connections"],
        f"at least one for each of the {len(args['databases'])} databases",
        "raise it",
    )
    require(
        args["max_client_connections"] >= args["server_connections"],
        component,
        "max_client_connections",
        args["max_client_connections"],
        f"at least server_connections, which is {args['server_connections']}",
        "raise it, or lower server_connections",
    )
    prepared = args.get("max_prepared_statements", 200)
    require(
        0 <= prepared <= 5000,
        component,
        "max_prepared_statements",
        prepared,
        "0 to 5000",
        "leave it out for 200",
    )
