"""Small programs under the real engine, in the simulated cloud."""

from __future__ import annotations

from pathlib import Path

from groundplan.cloud.provider import ProviderServers
from groundplan.rehearsal.engine import Stack


class SmallStack:
    """The stack `dev` of a project that is one program."""

    def __init__(self, cli: Path, folder: Path, servers: ProviderServers, program: str) -> None:
        self.servers = servers
        self.project = folder / "project"
        self.project.mkdir()
        (folder / "home").mkdir()
        (self.project / "Pulumi.yaml").write_text("name: queues\nruntime: python\n")
        (self.project / "Pulumi.dev.yaml").write_text("config: {'aws:region': eu-central-1}\n")
        (self.project / "__main__.py").write_text(program)
        self.engine = Stack(cli, self.project, "dev", folder / "home", servers.attachment)
