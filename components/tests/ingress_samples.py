"""Valid arguments of the components between the internet and the pods."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from groundplan.cloud import Resource, Simulation, simulate
from groundplan_components.gateway import GatewayArgs, LoadBalancerArgs
from groundplan_components.identity import IdentityArgs
from groundplan_components.network import NetworkArgs

ACCOUNT = "123456789012"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/11111111-2222-4333-8444-555555555555"
EDGE_KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/11111111-2222-4333-8444-666666666666"
CERTIFICATE = f"arn:aws:acm:eu-central-1:{ACCOUNT}:certificate/11111111-2222-4333-8444-777777777777"
EDGE_CERTIFICATE = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/11111111-2222-4333-8444-888888888888"
WEB_ACL = f"arn:aws:wafv2:eu-central-1:{ACCOUNT}:regional/webacl/api/11111111-2222-4333-8444-999999999999"
EDGE_WEB_ACL = f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/webacl/edge/11111111-2222-4333-8444-aaaaaaaaaaaa"
USER_POOL = f"arn:aws:cognito-idp:eu-central-1:{ACCOUNT}:userpool/eu-central-1_AbCdEfGhI"
BALANCER = f"arn:aws:elasticloadbalancing:eu-central-1:{ACCOUNT}:loadbalancer/app/lb/0123456789abcdef"
MAIL_IDENTITY = f"arn:aws:ses:eu-central-1:{ACCOUNT}:identity/example.com"
VPC = "vpc-0123456789abcdef0"
SUBNETS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1", "subnet-0123456789abcdef2"]
GROUP = "sg-0123456789abcdef0"
ZONE = "Z0123456789ABCDEFGHIJ"

# The simulated cloud treats resources named in a stack's configuration as existing.
EXISTING = {
    "shop:existing": " ".join(
        [
            KEY,
            EDGE_KEY,
            CERTIFICATE,
            EDGE_CERTIFICATE,
            WEB_ACL,
            EDGE_WEB_ACL,
            USER_POOL,
            BALANCER,
            MAIL_IDENTITY,
            VPC,
            *SUBNETS,
            GROUP,
            ZONE,
        ]
    )
}


def simulated(program: Callable[[], object], *, preview: bool = False) -> Simulation:
    """The program in an account in which all of the above exists."""
    return simulate(program, config=EXISTING, preview=preview)


def network_args() -> NetworkArgs:
    return {
        "vpc_cidr": "10.0.0.0/16",
        "public_cidrs": ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"],
        "private_cidrs": ["10.0.32.0/19", "10.0.64.0/19", "10.0.96.0/19"],
        "data_cidrs": ["10.0.4.0/24", "10.0.5.0/24", "10.0.6.0/24"],
        "firewall_cidrs": ["10.0.8.0/28", "10.0.8.16/28", "10.0.8.32/28"],
        "kms_key_arn": KEY,
    }


def balancer_args() -> LoadBalancerArgs:
    return {
        "vpc_id": VPC,
        "subnet_ids": list(SUBNETS),
        "target_cidrs": ["10.0.32.0/19", "10.0.64.0/19", "10.0.96.0/19"],
        "certificate_arn": CERTIFICATE,
        "cluster_name": "shop-prod",
        "routes": [
            {"workload": "order-query", "paths": ["/api/v1/orders", "/api/v1/order-lines"], "methods": ["GET", "HEAD"]},
            {"workload": "order-command", "paths": ["/api/v1/orders", "/api/v1/order-lines"]},
            {"workload": "user", "paths": ["/api/v1/users"]},
        ],
    }


def gateway_args() -> GatewayArgs:
    schema = {"type": "object", "required": ["total"], "properties": {"total": {"type": "string"}}}
    return {
        "routes": [
            {
                "plural": "orders",
                "operations": ["list", "get", "create", "update", "delete"],
                "query_parameters": ["status"],
                "create_schema": json.dumps(schema),
                "update_schema": json.dumps(schema),
            },
            {"plural": "articles", "operations": ["list", "get"], "open_operations": ["list", "get"]},
        ],
        "vpc_id": VPC,
        "subnet_ids": list(SUBNETS),
        "load_balancer_arn": BALANCER,
        "load_balancer_host": "api.shop.example.com",
        "load_balancer_port": 443,
        "load_balancer_security_group_id": GROUP,
        "user_pool_arn": USER_POOL,
        "read_scope": "shop/read",
        "write_scope": "shop/write",
        "throttle_rps": 2000,
        "burst": 1000,
        "domain": "api.shop.example.com",
        "certificate_arn": CERTIFICATE,
        "hosted_zone_id": ZONE,
        "web_acl_arn": WEB_ACL,
        "kms_key_arn": KEY,
    }


def identity_args() -> IdentityArgs:
    return {
        "roles": ["customer", "support", "admin"],
        "default_role": "customer",
        "self_sign_up": True,
        "resource_server": "shop",
        "domain_prefix": "shop-prod-123456789012",
        "callback_urls": ["https://shop.example.com/signed-in"],
        "logout_urls": ["https://shop.example.com/"],
        "kms_key_arn": KEY,
    }


def refusal(program: Callable[[], object]) -> str:
    """The message with which a component refuses an argument, before it registers any resource."""
    registered: list[Resource] = []
    with pytest.raises(pulumi.RunError) as refused:
        simulate(program, config=EXISTING, progress=registered.append)
    assert [each for each in registered if each.custom] == []
    return str(refused.value)


def one(simulation: Simulation, token: str) -> Resource:
    """The only resource of a type."""
    found = simulation.of_type(token)
    assert len(found) == 1, [each.name for each in found]
    return found[0]


def statements(policy: str) -> dict[str, Any]:
    """A policy's statements by their sid."""
    return {each["Sid"]: each for each in json.loads(policy)["Statement"]}
