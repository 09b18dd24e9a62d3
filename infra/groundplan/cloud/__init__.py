"""A simulated cloud: the program runs against it with no account, and it refuses what the real one would."""

from groundplan.cloud.cloud import Cloud, identifiers_in
from groundplan.cloud.model import Message, Resource, Simulation
from groundplan.cloud.monitor import destroy, parts_alone, simulate
from groundplan.cloud.refusals import CloudRefused, Refusal

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
