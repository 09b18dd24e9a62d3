"""A simulated cloud: the program runs against it with no account, and it refuses what the real one would."""

from infra.simulation.model import Message, Resource, Simulation
from infra.simulation.monitor import simulate
from infra.simulation.refusals import CloudRefused, Refusal

__all__ = ["CloudRefused", "Message", "Refusal", "Resource", "Simulation", "simulate"]
