"""One database, one user and one rotated secret for each service of a PostgreSQL instance (A2, S5)."""

import re
from typing import NotRequired, TypedDict

import pulumi

from groundplan_components.database._instance_args import POSTGRES_PORT
from groundplan_components.database.rotation import (
    RotationFunction,
    RotationFunctionArgs,
    RotationStrategy,
)
from groundplan_components.keys import StoredSecret, generated_password, require_rotation_days, rotate
from groundplan_components.shared.checks import require
from groundplan_components.shared.log_days import require_log_days

SERVICE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
# PostgreSQL's identifiers have 63 bytes, and rotation makes a second user with `_clone` at its end.
SERVICE_LENGTH = 50
# Names that belong to PostgreSQL, RDS or the administrator.
RESERVED = frozenset({"postgres", "template0", "template1", "rdsadmin", "admin", "dba", "public"})


class ServiceCredentialsArgs(TypedDict):
    """Args of `ServiceCredentials`; those about the instance are outputs of `Database`."""

    services: list[str]
    """Names of all services that share the instance."""
    database_identifier: pulumi.Input[str]
    """The instance's identifier."""
    database_address: pulumi.Input[str]
    """Host of the primary, even when services connect through a proxy: rotation changes passwords there."""
    admin_secret_arn: pulumi.Input[str]
    """The administrator's secret, which creates the services' users and clones them at rotation."""
    rotation_security_group_id: pulumi.Input[str]
    """Security group of the rotation function: `Database.rotation_security_group_id`."""
    rotation_subnet_ids: list[pulumi.Input[str]]
    """Subnets of the rotation function, with access to Secrets Manager by NAT or interface endpoint."""
    kms_key_arn: pulumi.Input[str]
    """The customer key of the secrets and of rotation's log (S5)."""

    admin_kms_key_arn: NotRequired[pulumi.Input[str]]
    """The key that encrypts the administrator's secret. Default: ``kms_key_arn``."""
    proxied: NotRequired[bool]
    """Whether services connect through RDS Proxy. The proxy knows only a secret's current user and refuses the previous
    one, which defeats alternating users (aws/aws-cdk#25568); rotation then changes each user's own password. Default:
    false, two users alternate, and the previous credentials stay valid until the next rotation."""
    protect: NotRequired[bool]
    """Pulumi's protection of the secrets. Default: true."""
    rotation_days: NotRequired[int]
    """Days between rotations of a service's password. Default: 30."""
    log_days: NotRequired[int]
    """Retention of rotation's log, in days. Default: 90."""
    alarm_topic_arn: NotRequired[pulumi.Input[str]]
    """SNS topic of the alarm on failed rotations. Default: no alarm."""


class ServiceCredentials(pulumi.ComponentResource):
    """Credentials of each service for its own database only.

    A secret is JSON: ``engine``, ``host``, ``port``, ``dbname``, ``username``, ``password``, ``ssl`` and ``masterarn``,
    as AWS's rotation functions require. It holds no addresses of proxy and replicas: those change, but Pulumi must not
    overwrite a rotated secret. Services get them as configuration.

    With the administrator's secret, the service's migration job creates what doesn't exist yet: the role
    ``<database>_owner``, which can't log in; the database, which that role owns and ``PUBLIC`` may not connect to (A2);
    and the secret's user, which may connect and, by default privileges, read and write the owner's tables. Then it
    migrates as the owner. The alternating user that rotation adds is a member of the first, so it has the same rights
    and owns nothing. The administrator must create the first user: from PostgreSQL 16 on only a role's creator may
    grant it to another.

    The first rotation comes ``rotation_days`` after the deployment, when the user exists. Before that Secrets Manager
    tests the function once; the test fails without harm.
    """

    secret_arns: dict[str, pulumi.Output[str]]
    """By service."""
    database_names: dict[str, str]
    """By service."""
    user_names: dict[str, str]
    """By service: the first of the two users; the secret names the current one."""

    def __init__(self, name: str, args: ServiceCredentialsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:ServiceCredentials", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)
        days = args.get("rotation_days", 30)
        function = RotationFunction(f"{name}-rotation", _rotation(args), inside)
        self.secret_arns = {}
        self.database_names = {}
        self.user_names = {}
        for service in args["services"]:
            identifier = sql_name(service)
            secret = StoredSecret(
                f"{name}-{service}",
                {
                    "description": f"Database user of the service {service}",
                    "kms_key_arn": args["kms_key_arn"],
                    "content": {
                        "engine": "postgres",
                        "host": args["database_address"],
                        "port": str(POSTGRES_PORT),
                        "dbname": identifier,
                        "username": identifier,
                        "password": generated_password(f"{name}-{service}-password", self).result,
                        "ssl": "true",
                        "masterarn": args["admin_secret_arn"],
                    },
                    "rotated": True,
                    "protect": args.get("protect", True),
                },
                inside,
            )
            rotate(f"{name}-{service}-schedule", secret, function.rotator, days, immediately=False, parent=self)
            self.secret_arns[service] = secret.arn
            self.database_names[service] = identifier
            self.user_names[service] = identifier
        self.register_outputs(
            {
                "secret_arns": self.secret_arns,
                "database_names": self.database_names,
                "user_names": self.user_names,
            }
        )


def sql_name(service: str) -> str:
    """Name of the service's database and user: the service's name as an identifier that needs no quotes."""
    return service.replace("-", "_")


def _rotation(args: ServiceCredentialsArgs) -> RotationFunctionArgs:
    rotation: RotationFunctionArgs = {
        "strategy": RotationStrategy.SINGLE_USER,
        "function_name": pulumi.Output.concat(args["database_identifier"], "-users"),
        "subnet_ids": args["rotation_subnet_ids"],
        "security_group_id": args["rotation_security_group_id"],
        "kms_key_arn": args["kms_key_arn"],
        "log_days": args.get("log_days", 90),
    }
    if not args.get("proxied", False):
        rotation["strategy"] = RotationStrategy.ALTERNATING_USERS
        rotation["admin_secret_arn"] = args["admin_secret_arn"]
        rotation["admin_kms_key_arn"] = args.get("admin_kms_key_arn", args["kms_key_arn"])
    if "alarm_topic_arn" in args:
        rotation["alarm_topic_arn"] = args["alarm_topic_arn"]
    return rotation


def _check(name: str, args: ServiceCredentialsArgs) -> None:
    component = f'ServiceCredentials "{name}"'
    require_log_days(component, args.get("log_days", 90))
    services = args["services"]
    require(
        bool(services) and len(set(map(sql_name, services))) == len(services),
        component,
        "services",
        services,
        "one service at least, and each once",
        "name every service that has a database on this instance",
    )
    for service in services:
        require(
            SERVICE.fullmatch(service) is not None
            and len(service) <= SERVICE_LENGTH
            and sql_name(service) not in RESERVED
            and not service.startswith(("pg-", "rds-")),
            component,
            "services",
            service,
            f"lower-case letters, digits, single hyphens, at most {SERVICE_LENGTH}; no name of PostgreSQL or RDS",
            "rename the service",
        )
    require_rotation_days(component, args.get("rotation_days", 30))
