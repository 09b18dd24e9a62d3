"""The process's cache user and password, which may change while it runs."""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

from groundplan_chassis.secrets import Secrets, SecretUnavailable

EXPECTED: Final = "JSON with `username` and `password`, as `groundplan_components.cache.cache` writes it"


class Login(msgspec.Struct, frozen=True):
    user: str
    password: str


class Logins(Protocol):
    async def current(self, *, fresh: bool) -> Login:
        """``fresh``: the previous password was refused. Raises SecretUnavailable."""


class SecretLogins:
    """From the cache user's secret, which is read again after a rotation."""

    def __init__(self, secrets: Secrets, arn: str) -> None:
        self._secrets = secrets
        self._arn = arn

    async def current(self, *, fresh: bool) -> Login:
        secret = await self._secrets.get(self._arn, fresh=fresh)
        try:
            return Login(secret["username"], secret["password"])
        except KeyError as error:
            raise SecretUnavailable(self._arn, f"it has no {error.args[0]}", f"expected {EXPECTED}") from None
