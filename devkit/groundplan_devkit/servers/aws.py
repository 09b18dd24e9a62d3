"""Secrets Manager, SNS, SQS and S3 by moto: the services use the same code as in the cloud."""

from __future__ import annotations

import importlib.util
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import msgspec

from groundplan_devkit.ports import HOST, free_port, is_free
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.processes import ServerProcess

ACCESS_KEY, SECRET_KEY = "local", "local"
"""moto looks at neither."""
ACCOUNT = "123456789012"


class Aws(msgspec.Struct, frozen=True):
    """One endpoint for all AWS services. Its data is in memory and lost when it ends: use `pause` for a fault."""

    process: ServerProcess
    port: int

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    def processes(self) -> list[ServerProcess]:
        return [self.process]

    def answers(self, name: str) -> bool:
        del name
        return _answers(self)

    def port_of(self, name: str) -> int:
        del name
        return self.port

    def environment(self, region: str) -> dict[str, str]:
        """Environment variables that direct an AWS SDK to this endpoint."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        }

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 (boto3 makes its clients' classes as it runs)
        """A boto3 client, for what infra does in the cloud."""
        import boto3  # type: ignore[import-untyped]

        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )


def start(directory: Path) -> Aws:
    """Start it, or find the one that runs. Raises Unavailable."""
    if importlib.util.find_spec("moto") is None:
        raise Unavailable(
            "moto", "no such Python package", "moto[server] in this Python environment", "run `make setup`"
        )
    file = directory / "aws.port"
    port = int(file.read_text()) if file.exists() else 0
    aws = Aws(_process(directory, port), port)
    if not aws.process.alive():
        if not port or not is_free(port):
            port = free_port()
            file.write_text(str(port))
        aws = Aws(_process(directory, port), port)
        aws.process.start()
    aws.process.wait_until(lambda: _answers(aws))
    return aws


def _process(directory: Path, port: int) -> ServerProcess:
    return ServerProcess(
        name="aws",
        command=[sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)],
        directory=str(directory),
        # Its own log has a line for every request, bodies excepted.
        environment={"PYTHONDONTWRITEBYTECODE": ""},
    )


def _answers(aws: Aws) -> bool:
    try:
        with urllib.request.urlopen(f"{aws.endpoint}/moto-api/", timeout=5):  # noqa: S310
            return True
    except (urllib.error.URLError, OSError):
        return False
