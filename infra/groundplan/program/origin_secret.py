"""The secret by which the gateway's web ACL recognises the edge, and how it changes without a refused request (S1).

A deployment that is due makes the next secret and has the web ACL admit it, beside the one that the edge sends. The
first deployment a day later has the edge send it: by then the web ACL knows it everywhere, and goes on admitting the
one before while CloudFront changes its locations. Which one is due follows from the stack's state
(`groundplan.stack.origin_secret`).
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from groundplan.program.context import StackContext
from groundplan.stack.origin_secret import FIRST
from groundplan_components.keys import generated_password

# The name of the first one in deployed stacks.
_NAME = "origin-secret"


@dataclass(frozen=True)
class OriginSecret:
    sent: pulumi.Output[str]
    """By the edge."""
    admitted: list[pulumi.Output[str]]
    """By the web ACL, the newest first."""


def declare_origin_secret(stack: StackContext) -> OriginSecret:
    generations = stack.environment.remembered.origin_secret or FIRST
    made = {
        number: generated_password(_NAME if number == 1 else f"{_NAME}-{number}", stack.keys).result
        for number in generations.admitted
    }
    return OriginSecret(made[generations.sent], list(made.values()))
