"""What the deploying role may do: the calls that a program makes, what IAM says to them, and grants that suffice."""

from groundplan.permissions.calls import Call, calls_of
from groundplan.permissions.evaluation import Decision, Request, decide
from groundplan.permissions.grants import Grants, grants_of

__all__ = ["Call", "Decision", "Grants", "Request", "calls_of", "decide", "grants_of"]
