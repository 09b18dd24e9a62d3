"""Arguments of `DatabaseProxy`, and what RDS Proxy accepts of them."""

from enum import Enum
from typing import NotRequired, TypedDict

import pulumi

from groundplan_components.database._checks import POSTGRES_VERSIONS
from groundplan_components.shared.checks import require
from groundplan_components.shared.choices import choice
from groundplan_components.shared.log_days import require_log_days
from groundplan_components.shared.names import require_name

PERCENT = range(1, 101)
# RDS user guide, "RDS Proxy connection considerations".
BORROW_TIMEOUT_SECONDS = range(301)


class ProxyAuthentication(Enum):
    """How services authenticate to the proxy."""

    PASSWORD = "password"  # noqa: S105
    """By the password in their secret (SCRAM)."""
    IAM = "iam"
    """By a token of their IAM role, which needs `rds-db:connect` on the proxy; only the proxy knows the password."""


class DatabaseProxyArgs(TypedDict):
    """Args of `DatabaseProxy`; those about the instance are outputs of `Database`."""

    vpc_id: pulumi.Input[str]
    """The network."""
    subnet_ids: list[pulumi.Input[str]]
    """Data subnets, in at least two zones."""
    client_security_group_ids: dict[str, pulumi.Input[str]]
    """Security groups that may connect, by a label (`pods`) that the rule's logical name carries."""
    database_identifier: pulumi.Input[str]
    """The instance's identifier."""
    database_security_group_id: pulumi.Input[str]
    """The instance's security group; gets a rule that admits the proxy."""
    secret_arns: dict[str, pulumi.Input[str]]
    """By service: secrets of the users that may connect, rotated as by `ServiceCredentials` with ``proxied``."""
    kms_key_arn: pulumi.Input[str]
    """The key that encrypts the secrets and the proxy's log."""

    # Accepted (proxy without IAM): services log in by rotated secrets, which the proxy needs anyway; a token for each
    # connection would add a call to AWS to every new one.
    authentication: NotRequired[ProxyAuthentication]
    """How clients authenticate. Default: `PASSWORD`."""
    postgres_version: NotRequired[str]
    """The instance's major version. Default: `17`."""
    max_connections_percent: NotRequired[int]
    """Percentage of the instance's `max_connections` that the pool may open. Default: 80, which leaves connections for
    migrations, rotation and administrators."""
    max_idle_connections_percent: NotRequired[int]
    """Percentage that may stay open unused. Default: half of ``max_connections_percent``."""
    borrow_timeout_seconds: NotRequired[int]
    """Longest wait for a free connection. Default: 5 s; a longer wait misses T1 by far."""
    idle_client_seconds: NotRequired[int]
    """Time after which the proxy disconnects an idle client. Default: 1,800 s."""
    log_days: NotRequired[int]
    """Retention of the proxy's log, in days. Default: 90."""
    alarm_topic_arn: NotRequired[pulumi.Input[str]]
    """SNS topic of alarms. Default: no alarms."""
    slow_statement_ms: NotRequired[int]
    """A longer wait for a connection raises an alarm, in milliseconds (T2). Default: 20."""


def authentication(component: str, args: DatabaseProxyArgs) -> ProxyAuthentication:
    return choice(
        ProxyAuthentication, args.get("authentication", ProxyAuthentication.PASSWORD), component, "authentication"
    )


def check_proxy(name: str, args: DatabaseProxyArgs) -> None:
    component = f'DatabaseProxy "{name}"'
    authentication(component, args)
    require_name(component, name)
    require_log_days(component, args.get("log_days", 90))
    require(
        len(args["subnet_ids"]) >= 2,
        component,
        "subnet_ids",
        len(args["subnet_ids"]),
        "at least two subnets, in different zones, as RDS Proxy requires",
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
