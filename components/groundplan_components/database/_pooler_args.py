"""Arguments of `Pooler`, and what PgBouncer accepts of them."""

import re
from typing import NotRequired, TypedDict

import pulumi

from groundplan_components.shared import network_policy as pod_network
from groundplan_components.shared import pod
from groundplan_components.shared.checks import require

# Public and pinned. For production, copy it to your own repository and pass that: an unavailable registry must not
# prevent a pod's start. Its user is 70.
IMAGE = "docker.io/edoburu/pgbouncer:v1.25.2-p0"
SERVER_PORT = 5432


class PoolerArgs(TypedDict):
    """Replicas of one shard, their callers, and limits of connections."""

    namespace: pulumi.Input[str]
    """Kubernetes namespace in which it runs."""
    system: str
    """The system that it belongs to (label)."""
    hosts: list[pulumi.Input[str]]
    """Host names of the read replicas. PgBouncer distributes new connections over them."""
    databases: list[str]
    """Names of the databases on them."""
    users: dict[str, pulumi.Input[str]]
    """Passwords by database user, see the module. Pulumi treats them as secret."""
    replica_cidrs: list[pulumi.Input[str]]
    """The data subnets."""
    callers: list[str]
    """Workloads of the namespace that may connect."""
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
    """Path of the authorities in the image, instead of ``ca_bundle``. Default: ``ca_bundle``."""
    max_prepared_statements: NotRequired[int]
    """Prepared statements that a server connection keeps; with 0, drivers must not prepare. Default: 200."""
    image: NotRequired[pulumi.Input[str]]
    """PgBouncer's image. Default: `docker.io/edoburu/pgbouncer:v1.25.2-p0`."""
    image_user: NotRequired[int]
    """User that the image runs as. Default: 70."""
    spread_zones: NotRequired[bool]
    """Whether pods must spread evenly over zones. Default: true."""


def check_pooler(name: str, args: PoolerArgs) -> None:
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
        ("callers", not args["callers"], "the workloads that read: the network policy admits no others"),
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
    require(args["pods"] >= 1, component, "pods", args["pods"], "at least 1", "raise it")
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
