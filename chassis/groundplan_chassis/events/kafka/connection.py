"""Connections to Kafka: addresses, user and security protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka.errors import KafkaError

from groundplan_chassis.events.errors import BrokerAway
from groundplan_chassis.events.kafka.iam import IamTokens
from groundplan_chassis.secrets import Secret, SecretUnavailable
from groundplan_chassis.settings import KafkaSettings, Settings
from groundplan_chassis.trust import tls_context


class SecretSource(Protocol):
    async def get(self, arn: str, *, fresh: bool = False) -> Secret: ...


@dataclass(frozen=True, slots=True)
class Connection:
    """The connection settings that all clients of a process share."""

    settings: KafkaSettings
    options: dict[str, Any]
    """Of aiokafka's clients."""

    @classmethod
    async def of(cls, settings: Settings, kafka: KafkaSettings, secrets: SecretSource) -> Connection:
        """Raises SecretUnavailable when a password is needed and can't be had."""
        options: dict[str, Any] = {
            "bootstrap_servers": [f"{address.host}:{address.port}" for address in kafka.bootstrap],
            "client_id": f"{settings.service}-{settings.role}",
            # Then brokers that were replaced are known by their new addresses.
            "metadata_max_age_ms": 60_000,
            "request_timeout_ms": 10_000,
            "retry_backoff_ms": 200,
        }
        if kafka.security == "iam":
            options |= {
                "security_protocol": "SASL_SSL",
                "sasl_mechanism": "OAUTHBEARER",
                "sasl_oauth_token_provider": IamTokens(settings.region),
                "ssl_context": tls_context(settings.trust_file),
            }
        elif kafka.security == "scram":
            assert kafka.secret_arn is not None
            secret = await secrets.get(kafka.secret_arn)
            options |= {
                "security_protocol": "SASL_SSL",
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_plain_username": secret["username"],
                "sasl_plain_password": secret["password"],
                "ssl_context": tls_context(settings.trust_file),
            }
        return cls(kafka, options)


NOT_CONNECTED = (KafkaError, OSError, TimeoutError, SecretUnavailable)
"""Errors of a client that can't connect."""


def away(error: BaseException) -> BrokerAway:
    """The error as the port's BrokerAway."""
    return BrokerAway(f"{type(error).__name__}: {error}"[:300])
