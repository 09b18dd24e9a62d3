"""RDS Proxy: many pods share few connections to a database's writer (D3, high concurrency)."""

from collections.abc import Mapping
from enum import Enum
from typing import NotRequired, TypedDict

import pulumi
from pulumi_aws import cloudwatch, ec2, iam, rds, vpc

from groundplan_components.database._checks import POSTGRES_VERSIONS, require_name
from groundplan_components.database.instance import POSTGRES_PORT
from groundplan_components.shared.alarms import Alarm, Metric, declare
from groundplan_components.shared.arn import region_of
from groundplan_components.shared.checks import require
from groundplan_components.shared.choices import choice
from groundplan_components.shared.client_access import client_security_group
from groundplan_components.shared.iam import policy, trust
from groundplan_components.shared.log_days import require_log_days

PERCENT = range(1, 101)
# RDS user guide, "RDS Proxy connection considerations".
BORROW_TIMEOUT_SECONDS = range(301)
MICROSECONDS_PER_MS = 1000
PINNED_PERCENT = 50.0


class ProxyAuthentication(Enum):
    """How services prove to the proxy who they are."""

    PASSWORD = "password"  # noqa: S105
    """By the password in their secret (SCRAM)."""
    IAM = "iam"
    """By a token of their IAM role, which `rds-db:connect` on the proxy allows; the password stays with the proxy."""


class DatabaseProxyArgs(TypedDict):
    """Args of `DatabaseProxy`; those about the instance are outputs of `Database`."""

    vpc_id: pulumi.Input[str]
    """The network."""
    subnet_ids: list[pulumi.Input[str]]
    """Data subnets, in at least two zones."""
    client_security_group_ids: dict[str, pulumi.Input[str]]
    """Who may connect: a word for each security group (`pods`), which its rule's logical name carries."""
    database_identifier: pulumi.Input[str]
    """The instance's identifier."""
    database_security_group_id: pulumi.Input[str]
    """Is opened to the proxy."""
    secret_arns: dict[str, pulumi.Input[str]]
    """By service: the secrets of the users who may connect, rotated as `ServiceCredentials` does when ``proxied``."""
    kms_key_arn: pulumi.Input[str]
    """The key that encrypts the secrets and the proxy's log."""

    authentication: NotRequired[ProxyAuthentication]
    """How clients say who they are. Default: `PASSWORD`."""
    postgres_version: NotRequired[str]
    """The instance's major version. Default: `17`."""
    max_connections_percent: NotRequired[int]
    """Part of the instance's `max_connections` that the pool may open. Default: 80, which leaves room for migrations,
    rotation and people."""
    max_idle_connections_percent: NotRequired[int]
    """Part that may stay open unused. Default: half of ``max_connections_percent``."""
    borrow_timeout_seconds: NotRequired[int]
    """Longest wait for a free connection. Default: 5 s; who waits longer has missed T1 by far."""
    idle_client_seconds: NotRequired[int]
    """Time after which an idle client is disconnected. Default: 1,800 s."""
    log_days: NotRequired[int]
    """Days that the proxy's log is kept. Default: 90."""
    alarm_topic_arn: NotRequired[pulumi.Input[str]]
    """SNS topic of alarms. Default: no alarms."""
    slow_statement_ms: NotRequired[int]
    """Waiting for a connection longer than a statement may take (T2) alarms, in milliseconds. Default: 20."""


class DatabaseProxy(pulumi.ComponentResource):
    """A pool in front of one writer, which TLS alone can reach.

    A proxy serves an instance, never its replicas: those are pooled by the services or by PgBouncer. What pins a
    session to one connection (`SET`, named prepared statements, session locks) takes that connection out of the pool;
    the filter that RDS has against it is for MySQL only.
    """

    endpoint: pulumi.Output[str]
    """Host name; the port is PostgreSQL's."""
    port: pulumi.Output[int]
    arn: pulumi.Output[str]
    security_group_id: pulumi.Output[str]

    def __init__(self, name: str, args: DatabaseProxyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:DatabaseProxy", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)
        group = self._security_group(name, args)
        role = self._role(name, args)

        # The log group bears the proxy's name and must be there first: RDS's own is unencrypted and kept for ever.
        proxy_name = pulumi.Output.concat(args["database_identifier"], "-proxy")
        log = cloudwatch.LogGroup(
            f"{name}-log",
            name=pulumi.Output.concat("/aws/rds/proxy/", proxy_name),
            kms_key_id=args["kms_key_arn"],
            retention_in_days=args.get("log_days", 90),
            tags={"Name": name},
            opts=inside,
        )
        by_token = _authentication(f'DatabaseProxy "{name}"', args) is ProxyAuthentication.IAM
        proxy = rds.Proxy(
            f"{name}-proxy",
            name=proxy_name,
            engine_family="POSTGRESQL",
            require_tls=True,
            role_arn=role.arn,
            vpc_subnet_ids=args["subnet_ids"],
            vpc_security_group_ids=[group.id],
            auths=[
                rds.ProxyAuthArgs(
                    auth_scheme="SECRETS",
                    secret_arn=secret_arn,
                    description=f"User of the service {service}",
                    iam_auth="REQUIRED" if by_token else "DISABLED",
                    client_password_auth_type=None if by_token else "POSTGRES_SCRAM_SHA_256",
                )
                for service, secret_arn in sorted(args["secret_arns"].items())
            ],
            idle_client_timeout=args.get("idle_client_seconds", 1800),
            # It would log statements, and with them personal data.
            debug_logging=False,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[log],
                # The name is given, so the old proxy has to go before its like can be made.
                delete_before_replace=True,
            ),
        )
        most_connections = args.get("max_connections_percent", 80)
        pool = rds.ProxyDefaultTargetGroup(
            f"{name}-pool",
            db_proxy_name=proxy.name,
            connection_pool_config=rds.ProxyDefaultTargetGroupConnectionPoolConfigArgs(
                max_connections_percent=most_connections,
                max_idle_connections_percent=args.get("max_idle_connections_percent", most_connections // 2),
                connection_borrow_timeout=args.get("borrow_timeout_seconds", 5),
            ),
            opts=inside,
        )
        rds.ProxyTarget(
            f"{name}-target",
            db_proxy_name=proxy.name,
            target_group_name=pool.name,
            db_instance_identifier=args["database_identifier"],
            opts=inside,
        )
        if "alarm_topic_arn" in args:
            for what, alarm in _alarms(proxy.name, args.get("slow_statement_ms", 20)).items():
                declare(f"{name}-{what}", alarm, [args["alarm_topic_arn"]], inside)

        self.endpoint = proxy.endpoint
        self.port = pulumi.Output.from_input(POSTGRES_PORT)
        self.arn = proxy.arn
        self.security_group_id = group.id
        self.register_outputs(
            {
                "endpoint": self.endpoint,
                "port": self.port,
                "arn": self.arn,
                "security_group_id": self.security_group_id,
            }
        )

    def _security_group(self, name: str, args: DatabaseProxyArgs) -> ec2.SecurityGroup:
        """Lets the clients in, and out to the database only (S1)."""
        inside = pulumi.ResourceOptions(parent=self)
        group = client_security_group(
            name,
            parent=self,
            description=f"Database proxy {name}",
            vpc_id=args["vpc_id"],
            clients=args["client_security_group_ids"],
            protocol="PostgreSQL",
            port=POSTGRES_PORT,
        )
        vpc.SecurityGroupEgressRule(
            f"{name}-to-database",
            security_group_id=group.id,
            referenced_security_group_id=args["database_security_group_id"],
            ip_protocol="tcp",
            from_port=POSTGRES_PORT,
            to_port=POSTGRES_PORT,
            description="PostgreSQL",
            opts=inside,
        )
        vpc.SecurityGroupIngressRule(
            f"{name}-into-database",
            security_group_id=args["database_security_group_id"],
            referenced_security_group_id=group.id,
            ip_protocol="tcp",
            from_port=POSTGRES_PORT,
            to_port=POSTGRES_PORT,
            description=f"PostgreSQL from the proxy {name}",
            opts=inside,
        )
        return group

    def _role(self, name: str, args: DatabaseProxyArgs) -> iam.Role:
        """May read the users' secrets, and decrypt nothing but them."""
        role = iam.Role(
            f"{name}-proxy",
            assume_role_policy=trust("rds.amazonaws.com"),
            description=f"Lets the proxy {name} read the users' secrets",
            tags={"Name": f"{name}-proxy"},
            opts=pulumi.ResourceOptions(parent=self),
        )
        secrets = [secret_arn for _, secret_arn in sorted(args["secret_arns"].items())]
        iam.RolePolicy(
            f"{name}-secrets",
            role=role.id,
            policy=policy(
                {"sid": "Secrets", "actions": ["secretsmanager:GetSecretValue"], "resources": secrets},
                {
                    "sid": "Key",
                    "actions": ["kms:Decrypt"],
                    "resources": [args["kms_key_arn"]],
                    "conditions": {
                        "StringEquals": {
                            "kms:ViaService": pulumi.Output.concat(
                                "secretsmanager.", region_of(args["kms_key_arn"]), ".amazonaws.com"
                            )
                        }
                    },
                },
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return role


def _alarms(proxy: pulumi.Input[str], slow_statement_ms: int) -> Mapping[str, Alarm]:
    """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.monitoring.html"""

    def metric(name: str, statistic: str) -> Metric:
        return Metric(namespace="AWS/RDS", name=name, statistic=statistic, dimensions={"ProxyName": proxy})

    return {
        "borrow-latency": Alarm(
            description=f"A connection is waited for longer than {slow_statement_ms} ms (T2): a larger pool",
            metrics={"wait": metric("DatabaseConnectionsBorrowLatency", "Average")},
            threshold=slow_statement_ms * MICROSECONDS_PER_MS,
            periods=5,
        ),
        "pinned": Alarm(
            description=f"More than {PINNED_PERCENT:g} % of the pool is pinned to single sessions: see the proxy's log",
            metrics={
                "pinned": metric("DatabaseConnectionsCurrentlySessionPinned", "Average"),
                "open": metric("DatabaseConnections", "Average"),
            },
            expression="IF(open > 0, 100 * pinned / open, 0)",
            threshold=PINNED_PERCENT,
            period=300,
            periods=3,
        ),
    }


def _authentication(component: str, args: DatabaseProxyArgs) -> ProxyAuthentication:
    return choice(
        ProxyAuthentication, args.get("authentication", ProxyAuthentication.PASSWORD), component, "authentication"
    )


def _check(name: str, args: DatabaseProxyArgs) -> None:
    component = f'DatabaseProxy "{name}"'
    _authentication(component, args)
    require_name(component, name)
    require_log_days(component, args.get("log_days", 90))
    require(
        len(args["subnet_ids"]) >= 2,
        component,
        "subnet_ids",
        len(args["subnet_ids"]),
        "at least two subnets, in different zones, as RDS Proxy insists",
        "pass the network's data subnets",
    )
    require(
        bool(args["secret_arns"]),
        component,
        "secret_arns",
        args["secret_arns"],
        "the secret of one user at least",
        "pass the secrets of the services that connect",
    )
    require(
        args.get("postgres_version", "17") in POSTGRES_VERSIONS,
        component,
        "postgres_version",
        args.get("postgres_version"),
        f"a version that RDS Proxy is known to serve: {', '.join(POSTGRES_VERSIONS)}",
        "leave the proxy out, and pool connections in the services",
    )
    most = args.get("max_connections_percent", 80)
    idle = args.get("max_idle_connections_percent", most // 2)
    for argument, value, bounds, unit in (
        ("max_connections_percent", most, PERCENT, "%"),
        ("max_idle_connections_percent", idle, range(most + 1), "%, no more than max_connections_percent"),
        ("borrow_timeout_seconds", args.get("borrow_timeout_seconds", 5), BORROW_TIMEOUT_SECONDS, "s"),
        ("idle_client_seconds", args.get("idle_client_seconds", 1800), range(1, 28_801), "s"),
    ):
        require(
            value in bounds,
            component,
            argument,
            value,
            f"{bounds.start} to {bounds.stop - 1} {unit}",
            "leave it out to have the default",
        )
