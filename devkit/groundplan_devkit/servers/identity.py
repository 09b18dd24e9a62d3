"""The local identity provider as one of the servers."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from groundplan.project import PROJECT_VARIABLE
from groundplan_devkit.identity import WEB_CLIENT, Issuer, KeyRing
from groundplan_devkit.ports import HOST, free_port, is_free
from groundplan_devkit.processes import ServerProcess
from groundplan_devkit.state import PROJECT

if TYPE_CHECKING:
    from groundplan.declaration.model import System

POOL = "eu-central-1_local"
"""The last part of the issuer, as a user pool's id is in the cloud."""


class Identity(msgspec.Struct, frozen=True):
    process: ServerProcess
    port: int
    keys: str
    """The directory of signing keys. A process that can read it can sign tokens; tests do."""

    @property
    def issuer(self) -> Issuer:
        return Issuer(f"http://{HOST}:{self.port}/{POOL}", KeyRing(Path(self.keys)))

    @property
    def client_ids(self) -> list[str]:
        return [WEB_CLIENT]

    def processes(self) -> list[ServerProcess]:
        return [self.process]

    def answers(self, name: str) -> bool:
        del name
        try:
            with urllib.request.urlopen(self.issuer.jwks_url, timeout=5):  # noqa: S310
                return True
        except (urllib.error.URLError, OSError):
            return False

    def port_of(self, name: str) -> int:
        del name
        return self.port


@dataclass(frozen=True)
class People:
    """The system's data for the provider."""

    system: str
    """Its name, which scopes begin with."""
    roles: tuple[str, ...]
    token_seconds: int

    @classmethod
    def of(cls, system: System) -> People:
        return cls(system.name, tuple(system.identity.roles), system.identity.access_token_minutes * 60)


def declared_people() -> People:
    """As `system.yaml` declares them; an example's where there is none."""
    from groundplan.declaration.loader import load_system

    declaration = PROJECT / "system.yaml"
    if declaration.exists():
        return People.of(load_system(declaration))
    return People("shop", ("customer", "support", "admin"), 3600)


def start(directory: Path, people: People) -> Identity:
    """Start the provider, or find the one that runs; its keys are kept. Raises Unavailable."""
    keys = directory / "identity"
    KeyRing(keys).current()
    file = directory / "identity.port"
    port = int(file.read_text()) if file.exists() else 0

    def identity(port: int) -> Identity:
        issuer = f"http://{HOST}:{port}/{POOL}"
        options = ["--keys", str(keys), "--issuer", issuer, "--port", str(port), "--system", people.system]
        options += [option for role in people.roles for option in ("--role", role)]
        process = ServerProcess(
            name="identity",
            command=[
                sys.executable,
                "-m",
                "groundplan_devkit.identity",
                *options,
                "--token-seconds",
                str(people.token_seconds),
            ],
            directory=str(directory),
            environment={PROJECT_VARIABLE: str(PROJECT)},
        )
        return Identity(process, port, str(keys))

    found = identity(port)
    if not found.process.alive():
        if not port or not is_free(port):
            port = free_port()
            file.write_text(str(port))
        found = identity(port)
        found.process.start()
    found.process.wait_until(lambda: found.answers("identity"))
    return found
