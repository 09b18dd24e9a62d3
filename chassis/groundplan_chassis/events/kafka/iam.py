"""Tokens that sign in to MSK with the pod's own IAM role (SASL/OAUTHBEARER over TLS).

https://docs.aws.amazon.com/msk/latest/developerguide/configure-clients-for-iam-access-control.html
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from aiokafka.abc import AbstractTokenProvider
from aws_msk_iam_sasl_signer import MSKAuthTokenProvider

RENEWED_SECONDS: Final = 120.0
"""A token is not used when it has less than this to live. They live for 15 minutes."""


class IamTokens(AbstractTokenProvider):  # type: ignore[misc]
    """One token for all connections until it is about to expire."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._token = ""
        self._expires_at = 0.0
        self._lock = asyncio.Lock()

    async def token(self) -> str:
        """Raises what botocore raises when the pod has no identity."""
        async with self._lock:
            if time.time() > self._expires_at - RENEWED_SECONDS:
                # The signer asks for credentials over HTTP, and blocks while it does.
                token, expires_ms = await asyncio.to_thread(MSKAuthTokenProvider.generate_auth_token, self._region)
                self._token, self._expires_at = token, expires_ms / 1000
            return self._token
