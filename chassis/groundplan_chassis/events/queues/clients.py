"""Clients of SNS and SQS, in the event loop that uses them."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any, Final

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError

from groundplan_chassis.events.errors import BrokerAway
from groundplan_chassis.settings import Settings

CONNECTIONS: Final = 32
"""Concurrent requests to one AWS service."""
POLL_SECONDS: Final = 5
"""A wait for messages (long polling). It isn't cut short when the process is to end, as what it might have brought
would stay hidden; so it's shorter than the queue's own 20 s."""
CONFIG: Final = AioConfig(
    connect_timeout=2,
    read_timeout=POLL_SECONDS + 5,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=CONNECTIONS,
)
PUBLISH_CONFIG: Final = AioConfig(
    connect_timeout=2,
    read_timeout=4,
    # Two tries end before LONGEST_SEND_SECONDS do.
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=CONNECTIONS,
)
NOT_REACHED: Final = (BotoCoreError, OSError, TimeoutError)
"""Errors without an answer, or without credentials."""
FAILED: Final = (ClientError, *NOT_REACHED)

_NO_ACCESS: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "KMS.AccessDeniedException"}
)


class Clients:
    """One client for each service, made when it is first needed."""

    def __init__(self, settings: Settings) -> None:
        self._region = settings.region
        self._endpoint_url = settings.aws_endpoint_url
        self._stack = AsyncExitStack()
        self._made: dict[str, Any] = {}

    async def get(self, service: str) -> Any:  # noqa: ANN401 - botocore makes its clients' classes as it runs
        """``sns``, ``sqs`` or ``s3``."""
        if service not in self._made:
            config = PUBLISH_CONFIG if service == "sns" else CONFIG
            client = get_session().create_client(
                service, region_name=self._region, endpoint_url=self._endpoint_url, config=config
            )
            self._made[service] = await self._stack.enter_async_context(client)
        return self._made[service]

    async def close(self) -> None:
        self._made.clear()
        await self._stack.aclose()


def code_of(error: BaseException) -> str:
    """AWS's error code; else the kind of error."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "unknown"))
    return type(error).__name__


def refused_access(error: BaseException) -> bool:
    """The pod's role may not do it."""
    return isinstance(error, ClientError) and code_of(error) in {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "KMSAccessDenied",
    }


def away(error: BaseException) -> BrokerAway:
    return BrokerAway(code_of(error))
