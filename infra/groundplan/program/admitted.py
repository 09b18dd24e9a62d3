"""The address ranges that pods admit requests from: the load balancer's, and no other pod's (S1).

A network policy sees addresses. The load balancer's are those of its subnets, so they are its own. A stack whose load
balancer stood among the pods moves it in one deployment, for the length of which both are admitted: a policy that
changed first would cut off every user until the move is done. The next deployment finds it moved.
"""

from __future__ import annotations

from groundplan.capacity import Plan
from groundplan.stack.environment import Environment


def admitted(plan: Plan, environment: Environment) -> tuple[str, ...]:
    """Ranges, the load balancer's own first."""
    brought, stands = environment.existing_cluster, environment.remembered.load_balancer
    if brought is not None:
        own = [str(cidr) for cidr in brought.ingress_subnets.values()]
        whole = str(brought.vpc_cidr)
        return (*own, whole) if not own or set(stands) - brought.ingress_subnets.keys() else tuple(own)
    private = [str(cidr) for cidr in plan.network.private]
    return (*(str(cidr) for cidr in plan.network.ingress), *(cidr for cidr in private if cidr in stands))
