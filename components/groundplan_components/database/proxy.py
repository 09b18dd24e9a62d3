"""RDS Proxy: many pods share few connections to a database's writer (D3, high concurrency)."""

import pulumi
from pulumi_aws import cloudwatch, ec2, iam, rds, vpc

from groundplan_components.database._instance_args import POSTGRES_PORT
from groundplan_components.database._proxy_alarms import proxy_alarms
from groundplan_components.database._proxy_args import (
    DatabaseProxyArgs,
    ProxyAuthentication,
    authentication,
    check_proxy,
)
from groundplan_components.shared.alarms import declare
from groundplan_components.shared.arn import region_of
from groundplan_components.shared.client_access import client_security_group
from groundplan_components.shared.iam import policy, trust


class DatabaseProxy(pulumi.ComponentResource):
    """A connection pool in front of one writer; requires TLS.

    A proxy serves an instance, never its replicas, whose connections the services or PgBouncer pool. Statements that
    pin a session to one connection (`SET`, named prepared statements, session locks) take that connection out of the
    pool; RDS's filter against it supports MySQL only.
    """

    endpoint: pulumi.Output[str]
    """Host name; the port is PostgreSQL's."""
    port: pulumi.Output[int]
    arn: pulumi.Output[str]
    security_group_id: pulumi.Output[str]

    def __init__(self, name: str, args: DatabaseProxyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        check_proxy(name, args)
        super().__init__("groundplan:index:DatabaseProxy", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)
        group = self._security_group(name, args)
        role = self._role(name, args)

        # The log group carries the proxy's name and must exist first: RDS would create it without key and retention.
        proxy_name = pulumi.Output.concat(args["database_identifier"], "-proxy")
        log = cloudwatch.LogGroup(
            f"{name}-log",
            name=pulumi.Output.concat("/aws/rds/proxy/", proxy_name),
            kms_key_id=args["kms_key_arn"],
            retention_in_days=args.get("log_days", 90),
            tags={"Name": name},
            opts=inside,
        )
        by_token = authentication(f'DatabaseProxy "{name}"', args) is ProxyAuthentication.IAM
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
            # Debug logging includes statements, and with them personal data.
            debug_logging=False,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[log],
                # The name is fixed, so the old proxy must be deleted before its replacement.
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
            for what, alarm in proxy_alarms(proxy.name, args.get("slow_statement_ms", 20)).items():
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
        """Admits the clients, and allows egress to the database only (S1)."""
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
        """A role that may read and decrypt the users' secrets only."""
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
