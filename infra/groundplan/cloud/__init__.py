"""A simulated cloud: the program runs against it with no account, and it refuses what the real one would."""

from groundplan.cloud.cloud import identifiers_in
from groundplan.cloud.model import Message, Resource, Simulation
from groundplan.cloud.monitor import parts_alone, simulate
from groundplan.cloud.refusals import CloudRefused, Refusal

__all__ = ["CloudRefused", "Message", "Refusal", "Resource", "Simulation", "identifiers_in", "parts_alone", "simulate"]
