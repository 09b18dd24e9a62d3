"""The API gateway: tokens, rate, shape and route of each request, before any service sees it (A1, S2, S3, S6, S7)."""

import hashlib
import json
from typing import NotRequired, TypedDict

import pulumi
from pulumi_aws import apigateway, apigatewayv2, cloudwatch, ec2, route53, vpc, wafv2

from components import metrics
from components.api_contract import HEALTH_PATH, STAGE
from components.arn import region_of
from components.certificate import require_domain
from components.checks import require
from components.gateway_account import GatewayAccount
from components.gateway_openapi import Backend, Tokens, openapi
from components.gateway_routes import RESOURCES_PER_API, GatewayRoute, require_gateway_routes
from components.log_days import require_log_days

TLS_POLICY = "SecurityPolicy_TLS13_1_3_2025_09"
ACCESS_MODE = "STRICT"
"""A policy that begins with `SecurityPolicy_` wants it; it also refuses a host name that is not the endpoint's own.
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-security-policies.html
"""
HTTPS = 443
CACHE_SIZES_GB = (0.5, 1.6, 6.1, 13.5, 28.4, 58.2, 118.0, 237.0)
"""What AWS sells: https://docs.aws.amazon.com/apigateway/latest/api/API_Stage.html"""
LONGEST_CACHE_SECONDS = 3600
SHORTEST_TIMEOUT_MS = 50
LONGEST_TIMEOUT_MS = 29_000
"""Without a raised quota."""
ACCESS_LOG = {
    "requestId": "$context.requestId",
    "traceId": "$context.xrayTraceId",
    "time": "$context.requestTime",
    "ip": "$context.identity.sourceIp",
    "subject": "$context.authorizer.claims.sub",
    "httpMethod": "$context.httpMethod",
    "path": "$context.path",
    "protocol": "$context.protocol",
    metrics.ACCESS_LOG_STATUS: "$context.status",
    "latencyMs": "$context.responseLatency",
    "integrationStatus": "$context.integration.status",
    "integrationLatencyMs": "$context.integration.latency",
    "responseBytes": "$context.responseLength",
    "errorType": "$context.error.responseType",
    "wafStatus": "$context.waf.status",
}
"""No headers, no query, no bodies: they hold tokens and personal data."""


class GatewayArgs(TypedDict):
    routes: list[GatewayRoute]
    """The resources that it routes."""
    vpc_id: pulumi.Input[str]
    """The network."""
    subnet_ids: list[pulumi.Input[str]]
    """Private subnets, for the link to the load balancer."""
    load_balancer_arn: pulumi.Input[str]
    """Where requests go: an application load balancer."""
    load_balancer_host: pulumi.Input[str]
    """The name in the load balancer's certificate; without TLS its DNS name."""
    load_balancer_port: int
    """443 stands for HTTPS, any other for plain HTTP."""
    load_balancer_security_group_id: pulumi.Input[str]
    """Gets a rule that lets the gateway in."""
    user_pool_arn: NotRequired[pulumi.Input[str]]
    """Whose tokens are accepted; needed unless every operation is open. Default: none."""
    read_scope: NotRequired[pulumi.Input[str]]
    """OAuth scope of `list` and `get`, for example `shop/read`; needed with ``user_pool_arn``. Default: none."""
    write_scope: NotRequired[pulumi.Input[str]]
    """OAuth scope of the other operations; needed with ``user_pool_arn``. Default: none."""
    throttle_rps: int
    """T3: requests a second of all clients together; what is over it gets status 429."""
    burst: int
    """Requests above the rate that are let through at once."""
    cache_gb: NotRequired[float]
    """Size of the response cache in GB, as AWS sells it (0.5, 1.6, 6.1, …). Default: no cache."""
    cache_seconds: NotRequired[int]
    """Life of a cached GET response, 1 to 3,600; needed with ``cache_gb``. Default: nothing is cached."""
    api_keys: NotRequired[list[str]]
    """Clients that get a key under the usage plan; every request then needs one in `x-api-key`. Default: none, and no
    keys are asked for."""
    daily_quota: NotRequired[int]
    """Requests a day for each key of the usage plan. Default: unlimited."""
    timeout_ms: NotRequired[int]
    """Longest that a service may take, 50 to 29,000. Default: 10,000."""
    cors_origin: NotRequired[str]
    """The one origin besides the API's own that browsers may call from, for example `https://shop.example.com`.
    Default: none."""
    domain: NotRequired[str]
    """Host name, for example `api.shop.example.com`; the API's default address is then switched off. Default: the
    default address."""
    certificate_arn: NotRequired[pulumi.Input[str]]
    """Of the domain, validated, in the API's region; needed with ``domain``. Default: none."""
    hosted_zone_id: NotRequired[pulumi.Input[str]]
    """Where the domain's address is published; needed with ``domain``. Default: none."""
    web_acl_arn: NotRequired[pulumi.Input[str]]
    """A web ACL of scope REGIONAL. Default: none."""
    kms_key_arn: pulumi.Input[str]
    """Encrypts the logs; its policy admits CloudWatch Logs."""
    log_days: NotRequired[int]
    """Days that access logs are kept. Default: 90."""
    account_role: NotRequired[bool]
    """Make the account's role for logging; false where something else looks after it. Default: true."""
    resource_quota: NotRequired[int]
    """The account's quota of path segments for one API. Default: AWS's default of 300."""


class Gateway(pulumi.ComponentResource):
    """A regional REST API: HTTP APIs can neither carry a web ACL nor insist on TLS 1.3."""

    api_id: pulumi.Output[str]
    api_name: pulumi.Output[str]
    """What CloudWatch calls it."""
    stage_name: str
    stage_arn: pulumi.Output[str]
    host: pulumi.Output[str]
    """The host that answers, for a distribution in front of it."""
    url: pulumi.Output[str]
    """Base of all paths, `https://<host>/api`."""
    health_path: str
    """Answers 200 to anybody when the way to the load balancer works."""
    access_log_group_name: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    """Of the link to the load balancer."""
    api_key_values: dict[str, pulumi.Output[str]]
    """By client; secret."""

    def __init__(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:Gateway", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)
        domain = args.get("domain")

        link, group = self._link(name, args)
        body = self._document(name, args, link)
        api = apigateway.RestApi(
            name,
            description=f"Public API of {name}",
            body=body,
            endpoint_configuration={"types": "REGIONAL", "ip_address_type": "ipv4"},
            security_policy=TLS_POLICY,
            endpoint_access_mode=ACCESS_MODE,
            disable_execute_api_endpoint=domain is not None,
            tags={"Name": name},
            opts=inside,
        )
        # A deployment is a snapshot: it knows of a new route only when it is made anew.
        deployment = apigateway.Deployment(
            name,
            rest_api=api.id,
            description="A snapshot of the routes",
            triggers={"routes": body.apply(lambda known: hashlib.sha256(known.encode()).hexdigest())},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[api]),
        )
        logs = cloudwatch.LogGroup(
            f"{name}-access",
            name=f"/aws/vendedlogs/api-gateway/{name}",
            retention_in_days=args.get("log_days", 90),
            kms_key_id=args["kms_key_arn"],
            tags={"Name": f"{name}-access"},
            opts=inside,
        )
        may_log = [GatewayAccount(f"{name}-account", {}, inside)] if args.get("account_role", True) else []
        cached = "cache_gb" in args
        stage = apigateway.Stage(
            name,
            rest_api=api.id,
            deployment=deployment.id,
            stage_name=STAGE,
            description="The stage's name is the first segment of every path",
            xray_tracing_enabled=True,
            cache_cluster_enabled=cached,
            cache_cluster_size=f"{args['cache_gb']:g}" if cached else None,
            access_log_settings={"destination_arn": logs.arn, "format": json.dumps(ACCESS_LOG)},
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=may_log),
        )
        self._method_settings(name, args, api, stage)
        keys = self._usage_plan(name, args, api, stage)
        if "web_acl_arn" in args:
            wafv2.WebAclAssociation(
                name,
                resource_arn=stage.arn,
                web_acl_arn=args["web_acl_arn"],
                # WAF takes back whatever ACL the resource has: deleting the old association last would leave none.
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            )
        if domain is not None:
            self._domain(name, args, domain, api, stage)

        self.api_id = api.id
        self.api_name = api.name
        self.stage_name = STAGE
        self.stage_arn = stage.arn
        self.host = (
            pulumi.Output.from_input(domain)
            if domain is not None
            else pulumi.Output.concat(api.id, ".execute-api.", region_of(api.arn), ".amazonaws.com")
        )
        self.url = pulumi.Output.concat("https://", self.host, "/", STAGE)
        self.health_path = HEALTH_PATH
        self.access_log_group_name = logs.name
        self.security_group_id = group.id
        self.api_key_values = {client: pulumi.Output.secret(key.value) for client, key in keys.items()}
        self.register_outputs(
            {
                "api_id": self.api_id,
                "api_name": self.api_name,
                "stage_name": self.stage_name,
                "stage_arn": self.stage_arn,
                "host": self.host,
                "url": self.url,
                "health_path": self.health_path,
                "access_log_group_name": self.access_log_group_name,
                "security_group_id": self.security_group_id,
                "api_key_values": self.api_key_values,
            }
        )

    def _link(self, name: str, args: GatewayArgs) -> tuple[apigatewayv2.VpcLink, ec2.SecurityGroup]:
        """A link of version 2 leads to an application load balancer; version 1 knows network load balancers only."""
        inside = pulumi.ResourceOptions(parent=self)
        port = args["load_balancer_port"]
        group = ec2.SecurityGroup(
            f"{name}-link",
            description="API Gateway, to the internal load balancer",
            vpc_id=args["vpc_id"],
            tags={"Name": f"{name}-link"},
            opts=inside,
        )
        out = vpc.SecurityGroupEgressRule(
            f"{name}-link-out",
            security_group_id=group.id,
            description="To the load balancer",
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            referenced_security_group_id=args["load_balancer_security_group_id"],
            tags={"Name": f"{name}-link-out"},
            opts=inside,
        )
        into = vpc.SecurityGroupIngressRule(
            f"{name}-link-in",
            security_group_id=args["load_balancer_security_group_id"],
            description="From API Gateway",
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            referenced_security_group_id=group.id,
            tags={"Name": f"{name}-link-in"},
            opts=inside,
        )
        link = apigatewayv2.VpcLink(
            name,
            subnet_ids=args["subnet_ids"],
            security_group_ids=[group.id],
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[out, into]),
        )
        return link, group

    def _document(self, name: str, args: GatewayArgs, link: apigatewayv2.VpcLink) -> pulumi.Output[str]:
        protocol = "https" if args["load_balancer_port"] == HTTPS else "http"
        known = pulumi.Output.all(
            link=link.id,
            load_balancer=args["load_balancer_arn"],
            host=args["load_balancer_host"],
            user_pool=args.get("user_pool_arn"),
            read_scope=args.get("read_scope"),
            write_scope=args.get("write_scope"),
        )

        def document(values: dict[str, str]) -> str:
            return json.dumps(
                openapi(
                    name,
                    args["routes"],
                    Backend(
                        vpc_link_id=values["link"],
                        load_balancer_arn=values["load_balancer"],
                        base_url=f"{protocol}://{values['host']}",
                        timeout_ms=args.get("timeout_ms", 10_000),
                    ),
                    Tokens(values["user_pool"], values["read_scope"], values["write_scope"])
                    if "user_pool_arn" in args
                    else None,
                    cached="cache_gb" in args,
                    api_keys=bool(args.get("api_keys")),
                    origin=args.get("cors_origin"),
                ),
                sort_keys=True,
            )

        return known.apply(document)

    def _method_settings(self, name: str, args: GatewayArgs, api: apigateway.RestApi, stage: apigateway.Stage) -> None:
        cached = "cache_gb" in args
        cache: dict[str, pulumi.Input[str] | int | bool] = {}
        if cached:
            # Under `*/*` AWS caches GET alone; each GET's integration says what its answers are kept apart by.
            # https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-caching.html
            cache = {
                "cache_ttl_in_seconds": args["cache_seconds"],
                "cache_data_encrypted": True,
                "require_authorization_for_cache_control": True,
                "unauthorized_cache_control_header_strategy": "FAIL_WITH_403",
            }
        apigateway.MethodSettings(
            name,
            rest_api=api.id,
            stage_name=stage.stage_name,
            method_path="*/*",
            settings={
                "metrics_enabled": True,
                "logging_level": "ERROR",
                "data_trace_enabled": False,
                "throttling_rate_limit": args["throttle_rps"],
                "throttling_burst_limit": args["burst"],
                "caching_enabled": cached,
                **cache,
            },
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _usage_plan(
        self, name: str, args: GatewayArgs, api: apigateway.RestApi, stage: apigateway.Stage
    ) -> dict[str, apigateway.ApiKey]:
        quota = args.get("daily_quota")
        plan = apigateway.UsagePlan(
            name,
            description="What a client with a key may use",
            api_stages=[{"api_id": api.id, "stage": stage.stage_name}],
            throttle_settings={"rate_limit": args["throttle_rps"], "burst_limit": args["burst"]},
            quota_settings={"limit": quota, "period": "DAY"} if quota is not None else None,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self),
        )
        keys = {}
        for client in args.get("api_keys", []):
            key = apigateway.ApiKey(
                f"{name}-{client}",
                description=f"Key of {client}",
                tags={"Name": f"{name}-{client}"},
                opts=pulumi.ResourceOptions(parent=self, additional_secret_outputs=["value"]),
            )
            apigateway.UsagePlanKey(
                f"{name}-{client}",
                key_id=key.id,
                key_type="API_KEY",
                usage_plan_id=plan.id,
                opts=pulumi.ResourceOptions(parent=self),
            )
            keys[client] = key
        return keys

    def _domain(
        self, name: str, args: GatewayArgs, domain: str, api: apigateway.RestApi, stage: apigateway.Stage
    ) -> None:
        inside = pulumi.ResourceOptions(parent=self)
        address = apigateway.DomainName(
            name,
            domain_name=domain,
            regional_certificate_arn=args["certificate_arn"],
            endpoint_configuration={"types": "REGIONAL", "ip_address_type": "ipv4"},
            security_policy=TLS_POLICY,
            endpoint_access_mode=ACCESS_MODE,
            tags={"Name": name},
            opts=inside,
        )
        apigateway.BasePathMapping(
            name,
            domain_name=address.domain_name,
            rest_api=api.id,
            stage_name=stage.stage_name,
            base_path=STAGE,
            opts=inside,
        )
        route53.Record(
            name,
            zone_id=args["hosted_zone_id"],
            name=domain,
            type="A",
            aliases=[
                {
                    "name": address.regional_domain_name,
                    "zone_id": address.regional_zone_id,
                    "evaluate_target_health": False,
                }
            ],
            opts=inside,
        )


def _check(name: str, args: GatewayArgs) -> None:
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
        "give the user pool, or open the operation to anybody",
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
    timeout = args.get("timeout_ms", 10_000)
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
