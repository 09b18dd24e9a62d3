"""Secrets in moto's Secrets Manager, with the same fields as in the cloud."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from groundplan_devkit.servers.aws import Aws


class StoredSecrets:
    """Secrets below one prefix; made when they are first asked for, also when several processes ask at once."""

    def __init__(self, aws: Aws, region: str, prefix: str) -> None:
        self._client = aws.client("secretsmanager", region)
        self._prefix = prefix
        self._arns: dict[str, str] = {}

    def arn(self, name: str, content: Mapping[str, str]) -> str:
        """The ARN of a secret, with this content if it is new; one that is there keeps what it holds."""
        if name not in self._arns:
            self._arns[name] = self._find(name) or self._make(name, content)
        return self._arns[name]

    def read(self, arn: str) -> dict[str, str]:
        content: dict[str, str] = json.loads(self._client.get_secret_value(SecretId=arn)["SecretString"])
        return content

    def change(self, arn: str, **members: str) -> None:
        """As a rotation does: some members get other values."""
        self._client.put_secret_value(SecretId=arn, SecretString=json.dumps(self.read(arn) | members))

    def remove(self) -> None:
        for arn in self._arns.values():
            self._client.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
        self._arns.clear()

    def _find(self, name: str) -> str | None:
        try:
            found: dict[str, Any] = self._client.describe_secret(SecretId=self._name(name))
        except self._client.exceptions.ResourceNotFoundException:
            return None
        return str(found["ARN"])

    def _make(self, name: str, content: Mapping[str, str]) -> str:
        try:
            made = self._client.create_secret(Name=self._name(name), SecretString=json.dumps(content))
        except self._client.exceptions.ResourceExistsException:
            return self._find(name) or self._make(name, content)
        return str(made["ARN"])

    def _name(self, name: str) -> str:
        return f"{self._prefix}/{name}"
