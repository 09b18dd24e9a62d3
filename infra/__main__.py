"""The program: what a declaration and a stack's configuration deploy.

It reads as the architecture diagram does. First the ground, then the way in, from the pods' door outwards because each
part names the one behind it; then the stores, the services between the two, and what watches over all of it.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    # Pulumi runs this file with infra/ alone on the import path.
    sys.path[0] = str(ROOT)

import pulumi

from groundplan.capacity import check_shards, plan
from groundplan.stack.configuration import from_engine
from groundplan.stack.environment import Environment
from groundplan.problems import ProblemsFound
from groundplan.program.caching import declare_cache
from groundplan.program.databases import declare_databases
from groundplan.program.delivery import declare_delivery, declare_images
from groundplan.program.entrance import (
    declare_balancer,
    declare_certificates,
    declare_edge,
    declare_gateway,
    declare_identity,
)
from groundplan.program.events import declare_events
from groundplan.program.ground import declare_ground
from groundplan.program.routes import API_PREFIX
from groundplan.program.services import Neighbours, declare_services
from groundplan.program.site import Site
from groundplan.program.watch import Stores, keep, watch
from groundplan.declaration.loader import load_system
from groundplan.declaration.model import System


def declare(system: System, environment: Environment) -> None:
    """Register every resource of one stack.

    Raises ProblemsFound for a declaration or configuration that can't be deployed, pulumi.RunError for an argument
    that a component refuses.
    """
    problems = check_shards(system)
    if problems:
        raise ProblemsFound(problems)

    site = Site.of(system, environment, plan(system, environment))
    images = declare_images(site)
    delivery = declare_delivery(site, images)
    ground = declare_ground(site, delivery)

    identity = declare_identity(site)
    certificates = declare_certificates(site)
    balancer = declare_balancer(site, ground, certificates)
    gateway = declare_gateway(site, ground, certificates, balancer, identity)
    edge = declare_edge(site, certificates, gateway)

    databases = declare_databases(site, ground)
    cache = declare_cache(site, ground)
    events = declare_events(site, ground)

    declare_services(site, ground, Neighbours(identity, databases, cache, events, balancer))

    dashboard = watch(site, ground, edge, gateway, balancer, Stores(databases, cache, events))
    keep(site)

    pulumi.export("url", edge.url)
    pulumi.export("api", edge.url.apply(lambda url: f"{url}{API_PREFIX}"))
    pulumi.export("images", images.urls)
    pulumi.export("running", environment.images)
    pulumi.export("dashboard", dashboard.dashboard_name)
    pulumi.export("issuer", identity.issuer)
    pulumi.export("web_client_id", identity.client_ids["web"])
    pulumi.export("authorize_url", identity.authorize_url)
    pulumi.export("token_url", identity.token_url)
    if delivery:
        pulumi.export("delivery_role", delivery.role_arn)


def main() -> None:
    """Under the Pulumi engine: the stack that it runs for."""
    try:
        system = load_system(ROOT / "system.yaml")
        declare(system, from_engine(system))
    except ProblemsFound as found:
        raise pulumi.RunError(str(found)) from None


if __name__ == "__main__":
    main()
