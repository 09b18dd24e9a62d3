"""Cognito's post-confirmation trigger: whoever registered gets the default role."""

import os
from typing import Any

import boto3

cognito = boto3.client("cognito-idp")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Add the confirmed user to the group; other confirmations, such as a forgotten password's, change nothing."""
    if event["triggerSource"] == "PostConfirmation_ConfirmSignUp":
        cognito.admin_add_user_to_group(
            UserPoolId=event["userPoolId"], Username=event["userName"], GroupName=os.environ["DEFAULT_ROLE"]
        )
    return event
