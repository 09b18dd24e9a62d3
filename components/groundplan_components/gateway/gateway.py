"""API Gateway: authentication, throttling, validation and routing of requests (A1, S2, S3, S6, S7)."""

import hashlib
import json

import pulumi
from pulumi_aws import apigateway, apigatewayv2, cloudwatch, ec2, route53, vpc, wafv2

from groundplan_components.gateway._gateway_args import TIMEOUT_MS, GatewayArgs, check_gateway
from groundplan_components.gateway._openapi import Backend, Tokens, openapi
from groundplan_components.gateway.account import GatewayAccount
from groundplan_components.shared import metrics
from groundplan_components.shared.api_contract import HEALTH_PATH, STAGE
from groundplan_components.shared.arn import region_of

TLS_POLICY = "SecurityPolicy_TLS13_1_3_2025_09"
ACCESS_MODE = "STRICT"
"""Required by policies that begin with `SecurityPolicy_`. It also refuses host names other than the endpoint's.
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-security-policies.html
"""
HTTPS = 443
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


class Gateway(pulumi.ComponentResource):
    """A regional REST API: HTTP APIs can neither have a web ACL nor require TLS 1.3."""

    api_id: pulumi.Output[str]
    api_name: pulumi.Output[str]
    """Its name in CloudWatch's metrics."""
    stage_name: str
    stage_arn: pulumi.Output[str]
    host: pulumi.Output[str]
    """Host name of the API, the origin of a distribution."""
    url: pulumi.Output[str]
    """Base of all paths, `https://<host>/api`."""
    health_path: str
    """Health endpoint without a token: answers 200 if the load balancer is reachable."""
    access_log_group_name: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    """Security group of the link to the load balancer."""
    api_key_values: dict[str, pulumi.Output[str]]
    """API keys by client; secret."""

    def __init__(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        check_gateway(name, args)
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
        # A deployment is a snapshot: a new route needs a new deployment.
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
        # Accepted (APIGateway.2): a client certificate proves the gateway to a public backend. This one is reached by a
        # VPC link only, and its security group admits nothing else.
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
                # Deleting an association removes the resource's current ACL: deleting the old one last would leave no
                # ACL.
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
        """Version 2 links support application load balancers; version 1 supports network load balancers only."""
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
                        timeout_ms=args.get("timeout_ms", TIMEOUT_MS),
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
            # Under `*/*` AWS caches GET only; each GET's integration names its cache keys.
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
