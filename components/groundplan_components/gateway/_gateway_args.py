"""Arguments of `Gateway`, and what API Gateway accepts of them."""

from typing import NotRequired, TypedDict

import pulumi

from groundplan_components.gateway._routes import RESOURCES_PER_API, GatewayRoute, require_gateway_routes
from groundplan_components.shared.checks import require
from groundplan_components.shared.domains import require_domain
from groundplan_components.shared.log_days import require_log_days

CACHE_SIZES_GB = (0.5, 1.6, 6.1, 13.5, 28.4, 58.2, 118.0, 237.0)
"""Sizes that AWS offers: https://docs.aws.amazon.com/apigateway/latest/api/API_Stage.html"""
LONGEST_CACHE_SECONDS = 3600
SHORTEST_TIMEOUT_MS = 50
LONGEST_TIMEOUT_MS = 29_000
"""AWS's default quota."""
TIMEOUT_MS = 10_000
"""Unless said otherwise."""


class GatewayArgs(TypedDict):
    routes: list[GatewayRoute]
    """Resources of the API and their operations."""
    vpc_id: pulumi.Input[str]
    """The network."""
    subnet_ids: list[pulumi.Input[str]]
    """Private subnets, for the link to the load balancer."""
    load_balancer_arn: pulumi.Input[str]
    """The application load balancer that receives requests."""
    load_balancer_host: pulumi.Input[str]
    """The name in the load balancer's certificate; without TLS its DNS name."""
    load_balancer_port: int
    """Port of the listener: 443 for HTTPS, any other for plain HTTP."""
    load_balancer_security_group_id: pulumi.Input[str]
    """The load balancer's security group; gets a rule that admits the gateway."""
    user_pool_arn: NotRequired[pulumi.Input[str]]
    """User pool whose tokens the API accepts; needed unless every operation is open. Default: none."""
    read_scope: NotRequired[pulumi.Input[str]]
    """OAuth scope of `list` and `get`, for example `shop/read`; needed with ``user_pool_arn``. Default: none."""
    write_scope: NotRequired[pulumi.Input[str]]
    """OAuth scope of the other operations; needed with ``user_pool_arn``. Default: none."""
    throttle_rps: int
    """T3: requests a second of all clients together. The gateway refuses more with status 429."""
    burst: int
    """Burst: requests above the rate that the gateway accepts at once."""
    cache_gb: NotRequired[float]
    """Size of the response cache in GB, as AWS sells it (0.5, 1.6, 6.1, …). Default: no cache."""
    cache_seconds: NotRequired[int]
    """Life of a cached GET response, 1 to 3,600; needed with ``cache_gb``. Default: nothing is cached."""
    api_keys: NotRequired[list[str]]
    """Clients that get an API key under the usage plan; every request then needs one in `x-api-key`. Default: none,
    requests need no key."""
    daily_quota: NotRequired[int]
    """Requests a day for each key of the usage plan. Default: unlimited."""
    timeout_ms: NotRequired[int]
    """Longest that a service may take, 50 to 29,000. Default: 10,000."""
    cors_origin: NotRequired[str]
    """The one origin besides the API's own that browsers may call from, for example `https://shop.example.com`.
    Default: none."""
    domain: NotRequired[str]
    """Host name, for example `api.shop.example.com`; disables the API's default address. Default: the default
    address."""
    certificate_arn: NotRequired[pulumi.Input[str]]
    """Validated certificate of the domain, in the API's region; needed with ``domain``. Default: none."""
    hosted_zone_id: NotRequired[pulumi.Input[str]]
    """Hosted zone of the domain's record; needed with ``domain``. Default: none."""
    web_acl_arn: NotRequired[pulumi.Input[str]]
    """A web ACL of scope REGIONAL. Default: none."""
    kms_key_arn: pulumi.Input[str]
    """Encrypts the logs; its policy admits CloudWatch Logs."""
    log_days: NotRequired[int]
    """Retention of access logs, in days. Default: 90."""
    account_role: NotRequired[bool]
    """Declare the account's role for logging; false if another stack declares it. Default: true."""
    resource_quota: NotRequired[int]
    """The account's quota of path segments for one API. Default: AWS's default of 300."""


def check_gateway(name: str, args: GatewayArgs) -> None:
    who = f'Gateway "{name}"'
    require_log_days(who, args.get("log_days", 90))
    require_gateway_routes(who, args["routes"], args.get("resource_quota", RESOURCES_PER_API))
    closed = [
        f"{operation} {route['plural']}"
        for route in args["routes"]
        for operation in route["operations"]
        if operation not in route.get("open_operations", [])
    ]
    require(
        "user_pool_arn" in args or not closed,
        who,
        "user_pool_arn",
        None,
        f"a user pool, whose tokens {closed[0] if closed else ''} asks for",
        "give the user pool, or add the operation to open_operations",
    )
    require(
        "user_pool_arn" not in args or ("read_scope" in args and "write_scope" in args),
        who,
        "read_scope",
        args.get("read_scope") if isinstance(args.get("read_scope"), str) else None,
        "read_scope and write_scope beside user_pool_arn: without a scope API Gateway takes identity tokens",
        "give both scopes",
    )
    require(
        ("cache_gb" in args) == ("cache_seconds" in args),
        who,
        "cache_seconds",
        args.get("cache_seconds"),
        "cache_gb and cache_seconds, or neither",
        "give both or remove the one",
    )
    if "cache_gb" in args:
        require(
            args["cache_gb"] in CACHE_SIZES_GB,
            who,
            "cache_gb",
            args["cache_gb"],
            f"one of {', '.join(f'{size:g}' for size in CACHE_SIZES_GB)}",
            "take the next larger size",
        )
        require(
            1 <= args["cache_seconds"] <= LONGEST_CACHE_SECONDS,
            who,
            "cache_seconds",
            args["cache_seconds"],
            f"1 to {LONGEST_CACHE_SECONDS} seconds",
            "choose how stale an answer may be",
        )
    timeout = args.get("timeout_ms", TIMEOUT_MS)
    require(
        SHORTEST_TIMEOUT_MS <= timeout <= LONGEST_TIMEOUT_MS,
        who,
        "timeout_ms",
        timeout,
        f"{SHORTEST_TIMEOUT_MS} to {LONGEST_TIMEOUT_MS} milliseconds",
        "answer sooner, and finish long work by an event",
    )
    require(
        args["throttle_rps"] > 0 and args["burst"] > 0,
        who,
        "throttle_rps",
        args["throttle_rps"] if args["throttle_rps"] <= 0 else args["burst"],
        "a rate and a burst above zero",
        "plan for at least one request a second",
    )
    require_domain(who, args)
    origin = args.get("cors_origin")
    require(
        origin is None or (origin.startswith("https://") and "*" not in origin and origin.count("/") == 2),
        who,
        "cors_origin",
        origin,
        "one origin: https and a host, without a path or wildcard",
        "write it like https://shop.example.com",
    )
