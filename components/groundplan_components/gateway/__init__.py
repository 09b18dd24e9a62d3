"""API ingress: API Gateway, and the load balancer behind it."""

from groundplan_components.gateway._gateway_args import GatewayArgs
from groundplan_components.gateway._listener_rules import LoadBalancerRoute
from groundplan_components.gateway._load_balancer_args import LoadBalancerArgs
from groundplan_components.gateway._openapi import definition_size
from groundplan_components.gateway._routes import LIST_PARAMETERS, GatewayRoute
from groundplan_components.gateway.account import GatewayAccount, GatewayAccountArgs
from groundplan_components.gateway.gateway import Gateway
from groundplan_components.gateway.load_balancer import LoadBalancer

__all__ = [
    "LIST_PARAMETERS",
    "Gateway",
    "GatewayAccount",
    "GatewayAccountArgs",
    "GatewayArgs",
    "GatewayRoute",
    "LoadBalancer",
    "LoadBalancerArgs",
    "LoadBalancerRoute",
    "definition_size",
]
