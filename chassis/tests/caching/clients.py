"""Clients of the cache for tests."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator

from groundplan_chassis.caching import Valkey
from groundplan_chassis.caching.connection import ANSWER_SECONDS
from groundplan_chassis.caching.login import Login
from groundplan_chassis.environment import Address
from groundplan_chassis.settings import CacheSettings
from groundplan_devkit.testing import CacheUser

PATIENT_SECONDS = 5.0
"""For an answer, in tests that look at something else: the machine may be busy."""


class KnownLogin:
    """A secret that a test can change; ``calls`` has an entry for each request, True for a fresh one."""

    def __init__(self, user: str, password: str) -> None:
        self.old = Login(user, password)
        self.new = self.old
        self.calls: list[bool] = []

    async def current(self, *, fresh: bool) -> Login:
        self.calls.append(fresh)
        if fresh:
            self.old = self.new
        return self.old


def settings_of(user: CacheUser, *, host: str | None = None, clustered: bool | None = None) -> CacheSettings:
    address = Address(host or user.host, user.port)
    return CacheSettings(
        address=address,
        reader=address,
        clustered=user.valkey.clustered if clustered is None else clustered,
        key_prefix=user.prefix,
        secret_arn="arn:aws:secretsmanager:eu-central-1:123456789012:secret:cache",
        tls=user.valkey.tls,
    )


def client_of(
    user: CacheUser,
    *,
    logins: KnownLogin | None = None,
    tls: ssl.SSLContext | None = None,
    answer_seconds: float = PATIENT_SECONDS,
    host: str | None = None,
) -> Valkey:
    return Valkey(
        settings_of(user, host=host),
        logins or KnownLogin(user.username, user.password),
        tls or user.tls,
        answer_seconds=answer_seconds,
    )


@contextlib.asynccontextmanager
async def connected(
    user: CacheUser, *, logins: KnownLogin | None = None, answer_seconds: float = PATIENT_SECONDS
) -> AsyncIterator[Valkey]:
    valkey = client_of(user, logins=logins, answer_seconds=answer_seconds)
    await valkey.start()
    try:
        yield valkey
    finally:
        await valkey.close()


QUICK = ANSWER_SECONDS
