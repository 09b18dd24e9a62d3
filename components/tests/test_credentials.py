"""A database user for each service."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.tests.data_samples import leaks, secret_texts, urns, with_credentials
from groundplan.cloud import Simulation
from groundplan_components.database import ServiceCredentialsArgs

FUNCTION = "aws:lambda/function:Function"
PASSWORD_TYPE = "random:index/randomPassword:RandomPassword"
ROTATION = "aws:secretsmanager/secretRotation:SecretRotation"


def given(**values: Any) -> Callable[[ServiceCredentialsArgs], None]:
    return lambda args: args.update(values)  # type: ignore[typeddict-item]


def content(simulation: Simulation, service: str) -> dict[str, str]:
    loaded: dict[str, str] = json.loads(simulation.named(f"shop-users-{service}-version").inputs["secretString"])
    return loaded


def test_a2_each_service_has_a_user_a_database_and_a_password_of_its_own() -> None:
    simulation = with_credentials()
    user, order = content(simulation, "user"), content(simulation, "order-history")
    assert (user["username"], user["dbname"]) == ("user", "user")
    assert (order["username"], order["dbname"]) == ("order_history", "order_history")
    assert user["password"] != order["password"]
    assert len(simulation.outputs["secret_arns"]) == 2
    assert len(set(simulation.outputs["secret_arns"].values())) == 2
    assert simulation.outputs["database_names"] == {"user": "user", "order-history": "order_history"}


def test_the_secret_is_what_awss_function_expects() -> None:
    simulation = with_credentials()
    secret = content(simulation, "user")
    assert set(secret) == {"engine", "host", "port", "dbname", "username", "password", "ssl", "masterarn"}
    assert secret["engine"] == "postgres"
    assert secret["host"] == simulation.named("shop-primary").outputs["address"]
    assert secret["masterarn"] == simulation.named("shop-admin-secret").outputs["arn"]
    assert len(secret["password"]) == 40
    assert secret["password"].isalnum()


def test_two_users_alternate_so_that_a_rotation_refuses_no_login() -> None:
    simulation = with_credentials()
    admin = simulation.named("shop-admin-secret").outputs["arn"]
    variables = simulation.named("shop-users-rotation-function").inputs["environment"]["variables"]
    assert (variables["STRATEGY"], variables["ADMIN_SECRET_ARN"]) == ("alternating-users", admin)
    granted = statements(simulation)
    assert granted["AdminSecret"] == [admin]
    assert granted["AdminKey"] == [simulation.named("data").outputs["arn"]]


def statements(simulation: Simulation) -> dict[str, list[str]]:
    policy = json.loads(simulation.named("shop-users-rotation-rotate").inputs["policy"])
    return {each["Sid"]: each["Resource"] for each in policy["Statement"]}


def test_s5_the_administrators_secret_may_have_a_key_of_its_own() -> None:
    def apart(args: ServiceCredentialsArgs) -> None:
        args["admin_kms_key_arn"] = aws.kms.Key("admin", description="Administrators", enable_key_rotation=True).arn

    simulation = with_credentials(apart)
    key = simulation.named("admin").outputs["arn"]
    granted = statements(simulation)
    assert granted["AdminKey"] == [key]
    assert granted["SecretsKey"] == [simulation.named("data").outputs["arn"]]


def test_behind_a_proxy_one_users_password_changes() -> None:
    """RDS Proxy knows a secret's current user only (aws/aws-cdk#25568)."""
    simulation = with_credentials(given(proxied=True))
    variables = simulation.named("shop-users-rotation-function").inputs["environment"]["variables"]
    assert variables["STRATEGY"] == "single-user"
    assert "ADMIN_SECRET_ARN" not in variables
    assert "AdminSecret" not in statements(simulation)


def test_rotation_waits_until_the_migration_job_has_made_the_user() -> None:
    simulation = with_credentials(given(rotation_days=7))
    for service in ("user", "order-history"):
        rotation = simulation.named(f"shop-users-{service}-schedule")
        assert rotation.inputs["rotateImmediately"] is False
        assert rotation.inputs["rotationRules"] == {"automaticallyAfterDays": 7}
        assert simulation.named(f"shop-users-{service}-version").urn in rotation.dependencies


def test_a_failed_rotation_raises_an_alarm() -> None:
    simulation = with_credentials()
    alarm = simulation.named("shop-users-rotation-failed").inputs
    function_name = simulation.named("shop-users-rotation-function").outputs["name"]
    assert (alarm["namespace"], alarm["metricName"]) == ("AWS/Lambda", "Errors")
    assert alarm["dimensions"] == {"FunctionName": function_name}
    assert function_name != simulation.named("shop-admin-rotation-function").outputs["name"]
    assert len(function_name) <= 64


def test_no_secret_is_in_plain_text_and_no_rotated_one_is_set_back() -> None:
    simulation = with_credentials()
    assert leaks(simulation) == []
    assert len(secret_texts(simulation)) == 4
    for version in simulation.of_type("aws:secretsmanager/secretVersion:SecretVersion"):
        assert "secretString" in version.ignore_changes


def test_s5_secrets_are_encrypted_by_the_customers_key_and_protected() -> None:
    simulation = with_credentials()
    for service in ("user", "order-history"):
        secret = simulation.named(f"shop-users-{service}-secret")
        assert secret.inputs["kmsKeyId"] == simulation.named("data").outputs["arn"]
        assert secret.protect is True
    assert with_credentials(given(protect=False)).named("shop-users-user-secret").protect is False


def test_u3_a_further_service_changes_no_other_name() -> None:
    before = urns(with_credentials(given(services=["user"])))
    after = urns(with_credentials(given(services=["payment", "user"])))
    assert before < after
    assert all("payment" in each.rsplit("::", 1)[1] for each in after - before)


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"services": []}, "services"),
        ({"services": ["user", "user"]}, "services"),
        ({"services": ["User"]}, "services"),
        ({"services": ["postgres"]}, "services"),
        ({"services": ["dba"]}, "services"),
        ({"services": ["pg-things"]}, "services"),
        ({"services": ["s" * 51]}, "services"),
        ({"rotation_days": 1001}, "rotation_days"),
    ],
)
def test_wrong_args_are_refused_by_name(change: dict[str, Any], argument: str) -> None:
    with pytest.raises(pulumi.RunError, match=f'^ServiceCredentials "shop-users": {argument} is '):
        with_credentials(given(**change))
