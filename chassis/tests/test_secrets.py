"""Secrets are asked for once, shared, asked for again after a rotation, and never shown."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from chassis.tests.environments import SECRET
from chassis.tests.test_health import Stopwatch
from groundplan_chassis.secrets import REFRESH_SECONDS, Secrets, SecretUnavailable
from groundplan_devkit.servers import Aws


class Manager:
    """Secrets Manager's one operation that services use, as aiobotocore's client has it."""

    def __init__(self) -> None:
        self.content: Any = json.dumps({"username": "order", "password": "first", "port": 5432, "ssl": True})
        self.error: Exception | None = None
        self.calls = 0

    async def get_secret_value(self, SecretId: str) -> dict[str, Any]:
        assert SecretId == SECRET
        self.calls += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return {"SecretString": self.content}


@pytest.fixture
def manager() -> Manager:
    return Manager()


@pytest.fixture
def clock() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def secrets(manager: Manager, clock: Stopwatch) -> Secrets:
    subject = Secrets("eu-central-1", None, clock)
    subject._client = manager
    return subject


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "for arn with secret text"}}, "GetSecretValue")


async def test_it_is_remembered(secrets: Secrets, manager: Manager) -> None:
    first = await secrets.get(SECRET)
    assert first == {"username": "order", "password": "first", "port": "5432", "ssl": "true"}
    assert await secrets.get(SECRET) is first
    assert manager.calls == 1


async def test_many_at_once_ask_once(secrets: Secrets, manager: Manager) -> None:
    found = await asyncio.gather(*(secrets.get(SECRET, fresh=True) for _ in range(20)))
    assert len({id(each) for each in found}) == 1
    assert manager.calls == 1


async def test_after_a_rotation_it_is_fetched_again_but_not_by_every_connection(
    secrets: Secrets, manager: Manager, clock: Stopwatch
) -> None:
    await secrets.get(SECRET)
    manager.content = json.dumps({"password": "second"})
    clock.time += REFRESH_SECONDS + 1
    assert (await secrets.get(SECRET))["password"] == "first"
    assert (await secrets.get(SECRET, fresh=True))["password"] == "second"
    for _ in range(10):
        await secrets.get(SECRET, fresh=True)
    assert manager.calls == 2


async def test_what_is_remembered_serves_while_secrets_manager_is_away(
    secrets: Secrets, manager: Manager, clock: Stopwatch
) -> None:
    await secrets.get(SECRET)
    manager.error = EndpointConnectionError(endpoint_url="https://secretsmanager")
    clock.time += REFRESH_SECONDS + 1
    assert (await secrets.get(SECRET, fresh=True))["password"] == "first"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (refusal("AccessDeniedException"), "AccessDeniedException"),
        (refusal("ResourceNotFoundException"), "ResourceNotFoundException"),
        (EndpointConnectionError(endpoint_url="https://secretsmanager"), "EndpointConnectionError"),
        (TimeoutError(), "TimeoutError"),
    ],
)
async def test_a_secret_that_is_not_to_be_had_says_which_and_why(
    secrets: Secrets, manager: Manager, error: Exception, said: str
) -> None:
    manager.error = error
    with pytest.raises(SecretUnavailable, match=said) as caught:
        await secrets.get(SECRET)
    assert SECRET in str(caught.value)
    assert "secret text" not in str(caught.value)
    manager.error = None
    assert (await secrets.get(SECRET))["password"] == "first"


@pytest.mark.parametrize("content", ["hunter2", '["hunter2"]', '{"password": {"is": "hunter2"}}', ""])
async def test_a_secret_of_another_shape_is_refused_without_showing_it(
    secrets: Secrets, manager: Manager, content: Any
) -> None:
    manager.content = content
    with pytest.raises(SecretUnavailable) as caught:
        await secrets.get(SECRET)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_one_who_gives_up_takes_nothing_from_the_others(secrets: Secrets) -> None:
    impatient, patient = asyncio.create_task(secrets.get(SECRET)), asyncio.create_task(secrets.get(SECRET))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient)["password"] == "first"


async def test_from_a_secrets_manager(aws_server: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in aws_server.environment("eu-central-1").items():
        monkeypatch.setenv(name, value)
    client = aws_server.client("secretsmanager", "eu-central-1")
    name = f"chassis-{uuid.uuid4()}"
    arn = client.create_secret(Name=name, SecretString=json.dumps({"password": "first"}))["ARN"]
    clock = Stopwatch()
    async with Secrets("eu-central-1", aws_server.endpoint, clock) as secrets:
        assert (await secrets.get(arn))["password"] == "first"
        client.put_secret_value(SecretId=arn, SecretString=json.dumps({"password": "second"}))
        clock.time += REFRESH_SECONDS + 1
        assert (await secrets.get(arn, fresh=True))["password"] == "second"
        with pytest.raises(SecretUnavailable, match="ResourceNotFoundException"):
            await secrets.get(arn.replace(name, "another"))
