"""Runs in AWS Lambda, in rotation functions: the four steps in which Secrets Manager changes a secret.

Each step may come again, after a failure or twice at once, and then does what is left to do.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

from __future__ import annotations

import importlib
import json
import secrets
import string
from collections.abc import Callable
from typing import Any

Content = dict[str, str]
"""What a secret holds."""
Client = Any
"""boto3's clients have no static type."""
Step = Callable[[Client, str, str], None]
"""Takes Secrets Manager's client, the secret's ARN, and the id of the version that is to become the current one."""
PASSWORD_LENGTH = 40
LETTERS = string.ascii_letters + string.digits


def client_of(service: str) -> Client:
    return importlib.import_module("boto3").client(service)  # Lambda's runtime has it; nothing else needs it


def take_step(event: dict[str, str], client: Client, *, create: Step, set_password: Step, prove: Step) -> None:
    """One of the four steps; the last one, which makes the pending version the current one, is always the same.

    Raises ValueError for a version that isn't there, or isn't to become the current one.
    """
    arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    stages = client.describe_secret(SecretId=arn)["VersionIdsToStages"]
    if token not in stages:
        raise ValueError(f"{arn} has no version {token}")
    if "AWSCURRENT" in stages[token]:
        return
    if "AWSPENDING" not in stages[token]:
        raise ValueError(f"version {token} of {arn} is not to become the current one")
    {"createSecret": create, "setSecret": set_password, "testSecret": prove, "finishSecret": finish}[step](
        client, arn, token
    )


def write_pending(client: Client, arn: str, token: str, changed: Callable[[Content], Content]) -> None:
    """Write down what comes next, made of the current content; what a run before has written stays."""
    current = read(client, arn, "AWSCURRENT")
    try:
        read(client, arn, "AWSPENDING", token)
    except client.exceptions.ResourceNotFoundException:
        content = {**current, **changed(current), "password": new_password()}
        client.put_secret_value(
            SecretId=arn, ClientRequestToken=token, SecretString=json.dumps(content), VersionStages=["AWSPENDING"]
        )


def finish(client: Client, arn: str, token: str) -> None:
    """Make the pending version the current one."""
    stages = client.describe_secret(SecretId=arn)["VersionIdsToStages"]
    current = next(version for version, labels in stages.items() if "AWSCURRENT" in labels)
    if current != token:
        client.update_secret_version_stage(
            SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current
        )


def read(client: Client, arn: str, stage: str, token: str | None = None) -> Content:
    asked = {"VersionId": token} if token else {}
    content: Content = json.loads(client.get_secret_value(SecretId=arn, VersionStage=stage, **asked)["SecretString"])
    return content


def new_password() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(PASSWORD_LENGTH))
