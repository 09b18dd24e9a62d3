"""A simulated cloud: the program runs against it with no account, and it refuses what the real one would."""

from infra.simulation.cloud import Cloud, identifiers_in
from infra.simulation.model import Message, Resource, Simulation
from infra.simulation.monitor import destroy, parts_alone, simulate
from infra.simulation.refusals import CloudRefused, Refusal

__all__ = [
    "Cloud",
    "CloudRefused",
    "Message",
    "Refusal",
    "Resource",
    "Simulation",
    "destroy",
    "identifiers_in",
    "parts_alone",
    "simulate",
]
