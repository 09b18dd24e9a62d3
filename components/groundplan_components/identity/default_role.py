"""Runs in AWS Lambda after somebody has confirmed their registration: gives them the default role (S4)."""

import importlib
import os
from typing import Any

Event = dict[str, Any]


def add_to_group(event: Event, client: Any, group: str) -> None:  # noqa: ANN401  boto3's clients have no static type
    """Password resets come here too, and change nobody's roles."""
    if event["triggerSource"] == "PostConfirmation_ConfirmSignUp":
        client.admin_add_user_to_group(UserPoolId=event["userPoolId"], Username=event["userName"], GroupName=group)


def handler(event: Event, _context: object) -> Event:
    """Cognito wants its event back; an error here tells the person to try again."""
    boto3 = importlib.import_module("boto3")  # Lambda's runtime has it; nothing else needs it
    add_to_group(event, boto3.client("cognito-idp"), os.environ["DEFAULT_ROLE"])
    return event
