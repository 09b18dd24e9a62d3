"""The parts of a stack that a project's `infra/__main__.py` declares, one module for each part of the architecture
diagram."""

from groundplan.program.collecting import uncollected
from groundplan.program.on_first_use import load_services_on_first_use

load_services_on_first_use()
with uncollected():
    from groundplan.program.backups import declare_backups
    from groundplan.program.caching import declare_cache
    from groundplan.program.context import StackContext
    from groundplan.program.databases import declare_databases
    from groundplan.program.delivery import declare_delivery, declare_images
    from groundplan.program.events import declare_events
    from groundplan.program.ingress import (
        declare_balancer,
        declare_certificates,
        declare_edge,
        declare_gateway,
        declare_identity,
    )
    from groundplan.program.observability import DataStores, declare_observability
    from groundplan.program.own import Change, change, ejected
    from groundplan.program.platform import Platform, declare_platform
    from groundplan.program.run import run
    from groundplan.program.services import Dependencies, declare_services

__all__ = [
    "Change",
    "DataStores",
    "Dependencies",
    "Platform",
    "StackContext",
    "change",
    "declare_backups",
    "declare_balancer",
    "declare_cache",
    "declare_certificates",
    "declare_databases",
    "declare_delivery",
    "declare_edge",
    "declare_events",
    "declare_gateway",
    "declare_identity",
    "declare_images",
    "declare_observability",
    "declare_platform",
    "declare_services",
    "ejected",
    "run",
]
