"""All services of the project, migrated and answering, for tests that ask them questions only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from groundplan.declaration.loader import load_system
from groundplan.declaration.model import System
from groundplan_devkit.provision import Installation
from groundplan_devkit.servers import Servers
from groundplan_devkit.servers.identity import People
from groundplan_devkit.services import run_service, start_service
from groundplan_devkit.state import PROJECT
from groundplan_devkit.testing import label
from tests.system.running import UNLIMITED, Api, serving_roles

Sign = Callable[..., str]


@pytest.fixture(scope="module")
def declared() -> System:
    return load_system(PROJECT / "system.yaml")


@pytest.fixture(scope="module")
def apis(declared: System, servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Api]]:
    """Every process that answers requests; nothing refuses for being asked too often."""
    installed = Installation(declared, servers, label=label())
    directory = tmp_path_factory.mktemp("services")
    for service in declared.services:
        run_service(installed, service, "migrate")
    wanted = [(service, role) for service in declared.services for role in serving_roles(declared, service)]
    started = [Api(*each, start_service(installed, *each, directory, UNLIMITED)) for each in wanted]
    try:
        with ThreadPoolExecutor(len(started)) as pool:
            list(pool.map(lambda api: api.process.wait_until_ready(), started))
        yield started
    finally:
        with ThreadPoolExecutor(len(started)) as pool:
            list(pool.map(lambda api: api.process.stop(), started))
        installed.remove()


@pytest.fixture(scope="module")
def sign(declared: System, servers: Servers) -> Sign:
    """`sign("admin", subject="a")`: a token that services take; further words are claims put over the others."""
    assert servers.identity is not None
    issuer, people = servers.identity.issuer, People.of(declared)

    def signed(*roles: str, subject: str = "local-user", seconds: int = 3600, **claims: object) -> str:
        scopes = [f"{people.system}/read", f"{people.system}/write"]
        return issuer.access_token(subject, roles, scopes=scopes, seconds=seconds, claims=claims)

    return signed
