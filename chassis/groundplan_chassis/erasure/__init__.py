"""Erasure of a person's data (S8, ADR 17): requests, the work that they ask for, and who asks.

The person, the *data subject*, is the subject of a token; rows are theirs by the resource's owner. A request is a row
of `erasures`, written in the transaction that asks for it: of a DELETE, of an event of another service, or of the
command `erase`. Processes that take writes do the work in the background, repeat it until it succeeds, and note its
end.
"""

from groundplan_chassis.erasure.erasable import Erasable
from groundplan_chassis.erasure.handler import erasure_handler
from groundplan_chassis.erasure.requests import request_erasure

__all__ = ["Erasable", "erasure_handler", "request_erasure"]
