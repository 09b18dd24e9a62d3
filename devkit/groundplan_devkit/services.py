"""The project's services as local processes: started as their image starts them, with health checks."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from groundplan.project import PROJECT_VARIABLE, own_chassis
from groundplan_devkit.environment import process_environment
from groundplan_devkit.ports import HOST, free_port, is_free
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.processes import ServerProcess, marked
from groundplan_devkit.provision import Installation
from groundplan_devkit.state import PROJECT


def package_of(service: str) -> str:
    """The package of a service's code: `order_returns_service` of `order-returns`."""
    return f"{service.replace('-', '_')}_service"


def folder_of(service: str) -> Path:
    return PROJECT / "services" / service


@dataclass(frozen=True)
class RunningService:
    """One process of a service."""

    service: str
    role: str
    port: int
    process: ServerProcess

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def ready(self) -> bool:
        """Whether it reports that it is ready."""
        return _succeeds(f"{self.url}/health/ready")

    def wait_until_ready(self) -> None:
        """Raises Unavailable with the end of its log."""
        self.process.wait_until(self.ready)

    def kill(self) -> None:
        self.process.kill()

    def stop(self) -> None:
        """Stop it as Kubernetes stops a pod: it finishes requests in work."""
        self.process.stop()

    def start(self) -> None:
        """Start it again, at its address."""
        self.process.start()
        self.wait_until_ready()

    def relocated(self) -> RunningService:
        """As it is, or to be started at another port where something else listens at its own by now."""
        if is_free(self.port):
            return self
        port = free_port()
        environment = {**self.process.environment, "PORT": str(port)}
        return replace(self, port=port, process=msgspec.structs.replace(self.process, environment=environment))

    def logged(self) -> list[str]:
        return self.process.log.read_text(errors="replace").splitlines()


def command(service: str, *arguments: str, through: str | None = None) -> list[str]:
    """``through``: a module that runs the service's package, whose name it is given first."""
    modules = [package_of(service)] if through is None else [through, package_of(service)]
    return [sys.executable, "-m", *modules, *arguments]


def code_environment(service: str) -> dict[str, str]:
    """Where a service's process finds its code; without it the shell's own path would count."""
    path = os.pathsep.join([str(folder_of(service)), *own_chassis(PROJECT)])
    return {"PYTHONPATH": path, PROJECT_VARIABLE: str(PROJECT), "PYTHONUNBUFFERED": "1"}


def start_service(
    installation: Installation,
    service: str,
    role: str,
    directory: Path,
    environment: dict[str, str] | None = None,
    *,
    name: str | None = None,
    through: str | None = None,
) -> RunningService:
    """Start a role of a service on a free port, its log in ``directory``; ``environment`` is put over its settings.

    ``name`` is the process's, by default with its port in it, so that a role may run several times. ``through``: a
    module that runs the service's package, to measure it, say.
    """
    _require(service)
    port = free_port()
    process = ServerProcess(
        name=name or f"{service}-{role}-{port}",
        command=command(service, role, through=through),
        directory=str(directory),
        environment={
            **code_environment(service),
            **process_environment(installation, service, role, port=port),
            **marked(Path(installation.servers.directory)),
            **(environment or {}),
        },
    )
    process.start()
    return RunningService(service, role, port, process)


def run_service(
    installation: Installation,
    service: str,
    *arguments: str,
    environment: dict[str, str] | None = None,
    seconds: float | None = None,
    role: str | None = None,
) -> str:
    """Run one of a service's commands to its end (`migrate`, `seed`, `rebuild` …); returns what it printed.

    ``seconds``: how long it may take; None: as long as it takes. ``role``: whose settings it runs with; by default the
    command's own, else one that may write. Raises Unavailable with the end of what it said.
    """
    _require(service)
    roles = installation.roles(service)
    role = role or (arguments[0] if arguments[0] in (*roles, "migrate") else _main_role(roles))
    try:
        result = subprocess.run(
            command(service, *arguments),
            env={
                **os.environ,
                **code_environment(service),
                **process_environment(installation, service, role),
                **marked(Path(installation.servers.directory)),
                **(environment or {}),
            },
            cwd=folder_of(service),
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(
            f"{service} {' '.join(arguments)}",
            f"it had not ended after {seconds:.0f} s",
            "a command that ends",
            "look at what PostgreSQL or the broker waits for, or try again when the machine has less to do",
        ) from None
    if result.returncode:
        said = "\n".join((result.stdout + result.stderr).strip().splitlines()[-12:])
        raise Unavailable(
            f"{service} {' '.join(arguments)}",
            f"it ended with {result.returncode}:\n{said}",
            "a command that succeeds",
            f"mend what it says, in services/{service}",
        )
    return result.stdout


def _main_role(roles: tuple[str, ...]) -> str:
    """The role whose settings a command without a role of its own runs with: one that may write."""
    return next(role for role in ("api", "command", *roles) if role in roles)


def _require(service: str) -> None:
    if not (folder_of(service) / package_of(service)).is_dir():
        raise Unavailable(
            f"service {service}",
            f"no code in services/{service}/{package_of(service)}",
            "a package of its own for each service",
            f"`make add-service NAME={service}` writes one",
        )


def _succeeds(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310
            return True
    except (urllib.error.URLError, OSError):
        return False
