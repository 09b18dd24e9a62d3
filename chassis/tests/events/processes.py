"""Processes of the service's roles, and the metrics that they record, for tests that kill them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chassis.tests.events import shop
from groundplan_devkit.provision.installation import REGION
from groundplan_devkit.servers import Servers
from groundplan_devkit.state import PROJECT


@dataclass
class Stage:
    """A database, a broker, and the processes between them."""

    servers: Servers
    database: str
    credentials: shop.Credentials
    folder: Path
    """Of the processes' output."""
    events: Mapping[str, Mapping[str, str]]
    """What the broker asks for, by role."""
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    secret: str = ""

    def start(self, name: str, program: str = "chassis.tests.events.program") -> None:
        """``name``: a role, and what tells its processes apart: `relay-2`; ``program``: the service's module."""
        role = name.partition("-")[0]
        with (self.folder / f"{name}.log").open("ab") as output:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", program, role],
                env=self.environment(role),
                cwd=PROJECT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def kill(self, name: str) -> None:
        """SIGKILL, in the middle of its work."""
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def stop(self, name: str) -> int:
        """In an orderly manner; returns the exit status."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait()

    def check(self) -> None:
        """No process has ended by itself."""
        for name, process in self.running.items():
            assert process.poll() is None, f"{name} ended: {self.said(name)[-3000:]}"

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def metric(self, name: str, metric: str) -> list[Any]:
        """Values of a metric that a process has recorded."""
        lines = [json.loads(line) for line in self.said(name).splitlines() if line.startswith("{")]
        return [line[metric] for line in lines if metric in line]

    def environment(self, role: str) -> dict[str, str]:
        assert self.servers.postgres is not None
        assert self.servers.aws is not None
        shard = {
            "writer": f"127.0.0.1:{self.servers.postgres.shards[0].primary.port}",
            "secret_arn": self._secret(),
            "readers": [],
            "reader_port": 5432,
            "reader_secret_arn": self._secret(),
        }
        return {
            **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "PYTHONPATH", "LANG")},
            **self.servers.aws.environment(REGION),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "SYSTEM_NAME": "shop",
            "ENVIRONMENT_NAME": "local",
            "SERVICE_NAME": "order",
            "WORKLOAD_ROLE": role,
            "METRICS_NAMESPACE": "shop-tests/services",
            "SLOW_QUERY_MS": "1000",
            "RATE_LIMIT_REQUESTS": "100",
            "RATE_LIMIT_SECONDS": "60",
            "TOKEN_ISSUER": "http://127.0.0.1:1",
            "TOKEN_JWKS_URL": "http://127.0.0.1:1/jwks",
            "TOKEN_CLIENT_IDS": '["client"]',
            "DATABASE_SHARDS": json.dumps([shard]),
            "DATABASE_SHARD_MAP": '[{"since": "2026-01-01", "shards": 1}]',
            "DATABASE_NAME": self.database,
            "DATABASE_WRITER_CONNECTIONS": "4",
            "DATABASE_READER_CONNECTIONS": "0",
            "TRUST_FILE": self.servers.authority,
            "PORT": "0",
            **self.events[role],
        }

    def _secret(self) -> str:
        assert self.servers.aws is not None
        if not self.secret:
            client = self.servers.aws.client("secretsmanager", REGION)
            value = {"username": self.credentials.user, "password": self.credentials.password}
            self.secret = client.create_secret(Name=f"{self.database}-database", SecretString=json.dumps(value))["ARN"]
        return self.secret


@contextmanager
def ended(stage: Stage) -> Iterator[Stage]:
    """Ends the processes that still run at the end."""
    try:
        yield stage
    finally:
        for name in list(stage.running):
            stage.kill(name)
