"""The environment variables of a service's local process: the cloud's settings, and a few that are local only."""

from __future__ import annotations

from groundplan.declaration.model import System
from groundplan_devkit.provision import Installation
from groundplan_devkit.servers import Servers


def settings_for(system: System, service: str, role: str, servers: Servers, *, label: str = "") -> dict[str, str]:
    """Exactly the names that `groundplan.program.settings` gives to this role; what they speak of is made if need be.

    ``role`` is `api`, `command`, `query`, `consumer`, `relay`, `projector` or `migrate`. Raises Unavailable for a role
    that the service hasn't got, or a server that doesn't run.
    """
    return Installation(system, servers, label=label).settings(service, role)


def process_environment(installation: Installation, service: str, role: str, *, port: int = 0) -> dict[str, str]:
    """The settings, and what a process needs on this machine besides: TRUST_FILE, AWS_ENDPOINT_URL, PORT …

    With ``port`` 0 the system chooses one.
    """
    return {**installation.settings(service, role), **installation.machine(), "PORT": str(port)}
