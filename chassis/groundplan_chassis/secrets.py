"""Secrets from Secrets Manager: fetched with the pod's identity, remembered, and fetched again after a rotation.

AWS's client is imported where one is made: it is three fifths of what a service's code takes to import, and most of
those who import that (unit tests, descriptions of the API, migrations) ask for no secret.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from groundplan_chassis.clock import Clock, SystemClock

REFRESH_SECONDS: Final = 5.0
"""Shortest pause between fetches of a secret: after a rotation every connection asks for the new password."""
_OPTIONS: Final[Mapping[str, Any]] = {
    "connect_timeout": 3,
    "read_timeout": 5,
    "retries": {"mode": "standard", "total_max_attempts": 4},
    "max_pool_connections": 4,
}

Secret = Mapping[str, str]
"""A secret's JSON object; values are text, as Secrets Manager's own rotation keeps them."""


class SecretUnavailable(Exception):
    """A secret is unavailable. The text names the secret and the reason, never its content."""

    def __init__(self, arn: str, reason: str, remedy: str) -> None:
        self.arn = arn
        super().__init__(f"the secret {arn} can't be read: {reason}; {remedy}")


class Secrets:
    """Secrets by their ARNs. Open it with ``async with`` in the event loop that uses it."""

    def __init__(self, region: str, endpoint_url: str | None = None, clock: Clock | None = None) -> None:
        self._region = region
        self._endpoint_url = endpoint_url
        self._clock = clock or SystemClock()
        self._known: dict[str, tuple[float, Secret]] = {}
        self._fetching: dict[str, asyncio.Task[Secret]] = {}
        self._client: Any = None
        self._entered: Any = None

    async def __aenter__(self) -> Self:
        from aiobotocore.config import AioConfig
        from aiobotocore.session import get_session

        self._entered = get_session().create_client(
            "secretsmanager",
            region_name=self._region,
            endpoint_url=self._endpoint_url,
            config=AioConfig(**_OPTIONS),
        )
        self._client = await self._entered.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._fetching.values():
            task.cancel()
        self._known.clear()
        await self._entered.__aexit__(kind, error, trace)

    async def get(self, arn: str, *, fresh: bool = False) -> Secret:
        """The secret's fields.

        ``fresh`` asks Secrets Manager again, because what was remembered has been refused; what is younger than
        REFRESH_SECONDS is taken as fresh. Many callers at once share one request. When Secrets Manager is away, what
        is remembered is returned all the same: it may still be good. Raises SecretUnavailable where nothing is.
        """
        known = self._known.get(arn)
        if known is not None and (not fresh or self._clock.seconds() - known[0] < REFRESH_SECONDS):
            return known[1]
        task = self._fetching.get(arn)
        if task is None:
            task = self._fetching[arn] = asyncio.create_task(self._fetch(arn))
            task.add_done_callback(lambda done: self._fetched(arn, done))
        try:
            # One caller that gives up must not take the answer from the others.
            return await asyncio.shield(task)
        except SecretUnavailable:
            if known is None:
                raise
            return known[1]

    def _fetched(self, arn: str, done: asyncio.Task[Secret]) -> None:
        self._fetching.pop(arn, None)
        # All callers may have given up: then no other code retrieves the error.
        if not done.cancelled():
            done.exception()

    async def _fetch(self, arn: str) -> Secret:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = await self._client.get_secret_value(SecretId=arn)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            raise SecretUnavailable(
                arn, f"Secrets Manager answered {code}", "see that it exists and that this pod's role may read it"
            ) from None
        except (BotoCoreError, OSError, TimeoutError) as error:
            raise SecretUnavailable(
                arn, type(error).__name__, "see that Secrets Manager can be reached and the pod has its identity"
            ) from None
        try:
            fields = msgspec.json.decode(answer["SecretString"], type=dict[str, str | int | bool | None])
        except (KeyError, msgspec.DecodeError):
            raise SecretUnavailable(
                arn, "it is no JSON object of plain values", "store it as the program does"
            ) from None
        secret = {
            key: value if isinstance(value, str) else msgspec.json.encode(value).decode()
            for key, value in fields.items()
        }
        self._known[arn] = (self._clock.seconds(), secret)
        return secret
