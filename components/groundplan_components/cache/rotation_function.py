"""Lambda function: changes the password of a cache user that a secret holds, as Secrets Manager asks step by step.

ElastiCache lets a user have two passwords: the next one is added beside the one in use, which stays good until the next
rotation. So no pod is cut off, whenever it reads its secret.

https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyUser.html
"""

from __future__ import annotations

import time

from groundplan_components.keys.rotation_steps import Client, client_of, read, take_step, write_pending

USER_TAG = "cache-user"
"""Tag of the secret: the id of ElastiCache's user."""
WAIT_SECONDS = 20.0
"""For ElastiCache to have brought a password to all nodes; after that Secrets Manager asks for the step again."""
PAUSE_SECONDS = 1.0
ACTIVE = "active"
PASSWORDS = 2


class NotYet(Exception):
    """ElastiCache is still changing the user: the step comes again."""


def handler(event: dict[str, str], _context: object, client: Client = None, cache: Client = None) -> None:
    """One of the four steps of a rotation."""
    cache = cache or client_of("elasticache")
    take_step(
        event,
        client or client_of("secretsmanager"),
        create=lambda secrets, arn, token: write_pending(secrets, arn, token, lambda _: {}),
        set_password=lambda secrets, arn, token: set_password(secrets, cache, arn, token),
        prove=lambda secrets, arn, token: prove(secrets, cache, arn, token),
    )


def set_password(client: Client, cache: Client, arn: str, token: str) -> None:
    """Give the user the pending password beside its current one, and wait until all nodes know both."""
    pending, current = read(client, arn, "AWSPENDING", token), read(client, arn, "AWSCURRENT")
    if pending["username"] != current["username"]:
        raise ValueError(f"the pending version of {arn} is of another user")
    user = _user_of(client, arn)
    # A change that is under way refuses another one.
    _settled(cache, user)
    passwords = [pending["password"], current["password"]]
    cache.modify_user(UserId=user, AuthenticationMode={"Type": "password", "Passwords": passwords})
    _settled(cache, user)


def prove(client: Client, cache: Client, arn: str, token: str) -> None:
    """Nothing outside of the network logs in; ElastiCache says that the user is active with both passwords."""
    user = _settled(cache, _user_of(client, arn))
    if user["Authentication"].get("PasswordCount") != PASSWORDS:
        raise NotYet(f"the user of {arn} has not got both passwords")
    read(client, arn, "AWSPENDING", token)


def _user_of(client: Client, arn: str) -> str:
    tags = {each["Key"]: each["Value"] for each in client.describe_secret(SecretId=arn).get("Tags", ())}
    if USER_TAG not in tags:
        raise ValueError(f"{arn} has no tag {USER_TAG}, which says whose password it is")
    return str(tags[USER_TAG])


def _settled(cache: Client, user_id: str) -> dict[str, dict[str, int]]:
    """The user once nothing changes it. Raises NotYet when that takes too long."""
    ends = time.monotonic() + WAIT_SECONDS
    while True:
        (user,) = cache.describe_users(UserId=user_id)["Users"]
        if user["Status"] == ACTIVE:
            found: dict[str, dict[str, int]] = user
            return found
        if time.monotonic() > ends:
            raise NotYet(f"ElastiCache says that {user_id} is {user['Status']}")
        time.sleep(PAUSE_SECONDS)
