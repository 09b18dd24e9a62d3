"""The network: VPC, subnets, endpoints, flow logs and firewall."""

from groundplan_components.network._network_args import NatMode, NetworkArgs
from groundplan_components.network.endpoints import Endpoints, EndpointsArgs
from groundplan_components.network.firewall import NetworkFirewall, NetworkFirewallArgs
from groundplan_components.network.flow_log import FlowLog, FlowLogArgs
from groundplan_components.network.network import Network

__all__ = [
    "Endpoints",
    "EndpointsArgs",
    "FlowLog",
    "FlowLogArgs",
    "NatMode",
    "Network",
    "NetworkArgs",
    "NetworkFirewall",
    "NetworkFirewallArgs",
]
