"""A simulated cloud: the program runs against it with no account, and it refuses what the real one would."""

from infra.simulation.cloud import identifiers_in
from infra.simulation.model import Message, Resource, Simulation
from infra.simulation.monitor import parts_alone, simulate
from infra.simulation.refusals import CloudRefused, Refusal

__all__ = ["CloudRefused", "Message", "Refusal", "Resource", "Simulation", "identifiers_in", "parts_alone", "simulate"]
