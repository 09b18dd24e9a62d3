"""The program: what this system's declaration and a stack's configuration deploy.

It is yours. It reads as the architecture diagram does: the platform, the ingress from the pods outwards, the data
stores, the services between the two, and what observes all of it. Your own resources go in here, too.
"""

from __future__ import annotations

import pulumi

from groundplan.declaration.model import System
from groundplan.program import (
    DataStores,
    Dependencies,
    StackContext,
    declare_backups,
    declare_balancer,
    declare_cache,
    declare_certificates,
    declare_databases,
    declare_delivery,
    declare_edge,
    declare_events,
    declare_gateway,
    declare_identity,
    declare_images,
    declare_observability,
    declare_platform,
    declare_services,
    run,
)
from groundplan.stack.environment import Environment


def declare(system: System, environment: Environment) -> None:
    """Registers every resource of one stack.

    Raises ProblemsFound for a declaration or configuration that can't be deployed, pulumi.RunError for an argument
    that a component refuses.
    """
    stack = StackContext.of(system, environment)
    images = declare_images(stack)
    delivery = declare_delivery(stack, images)
    platform = declare_platform(stack, delivery)

    identity = declare_identity(stack)
    certificates = declare_certificates(stack)
    balancer = declare_balancer(stack, platform, certificates)
    gateway = declare_gateway(stack, platform, certificates, balancer, identity)
    edge = declare_edge(stack, certificates, gateway)

    databases = declare_databases(stack, platform)
    cache = declare_cache(stack, platform)
    events = declare_events(stack, platform)

    declare_services(stack, platform, Dependencies(identity, databases, cache, events, balancer))

    dashboard = declare_observability(stack, platform, edge, gateway, balancer, DataStores(databases, cache, events))
    declare_backups(stack)

    pulumi.export("url", edge.url)
    pulumi.export("api", edge.url.apply(lambda url: f"{url}/api/v1"))
    pulumi.export("images", images.urls)
    pulumi.export("running", environment.images)
    pulumi.export("dashboard", dashboard.dashboard_name)
    pulumi.export("issuer", identity.issuer)
    pulumi.export("web_client_id", identity.client_ids["web"])
    pulumi.export("authorize_url", identity.authorize_url)
    pulumi.export("token_url", identity.token_url)
    if delivery:
        pulumi.export("delivery_role", delivery.role_arn)


if __name__ == "__main__":
    run(declare)
