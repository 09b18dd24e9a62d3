"""Ingress: edge, gateway, load balancer, and the identity provider (A1, S1 to S7)."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from groundplan.program.context import EDGE_REGION, StackContext
from groundplan.program.definition import gateway_routes
from groundplan.program.origin_secret import declare_origin_secret
from groundplan.program.platform import Platform
from groundplan.program.routes import PublicResource, public_resources
from groundplan.stack.regions import whole_zones
from groundplan_components.edge import Certificate, Edge, EdgeArgs, StaticSite, WebAcl, WebAclScope
from groundplan_components.gateway import (
    Gateway,
    GatewayArgs,
    LoadBalancer,
    LoadBalancerArgs,
    LoadBalancerRoute,
)
from groundplan_components.identity import Identity, IdentityArgs
from groundplan_components.workload import PodIngress

READING = ["GET", "HEAD"]


@dataclass(frozen=True)
class Certificates:
    """Certificates of the stack's host names; only with a domain."""

    hosted_zone_id: pulumi.Output[str]
    edge_arn: pulumi.Output[str]
    api_arn: pulumi.Output[str]


@dataclass(frozen=True)
class GuardedGateway:
    """The gateway, its web ACL, and the secret by which the web ACL recognises the edge."""

    component: Gateway
    web_acl: WebAcl
    origin_secret: pulumi.Output[str]


def declare_identity(stack: StackContext) -> Identity:
    declared, environment = stack.system.identity, stack.environment
    account = aws.get_caller_identity_output(opts=pulumi.InvokeOptions(provider=stack.region)).account_id
    home = f"https://{environment.domain}/" if environment.domain else "http://localhost:3000/"
    args: IdentityArgs = {
        "roles": list(declared.roles),
        # Prefixes must be unique among all accounts of a region.
        "domain_prefix": pulumi.Output.concat(stack.scope, "-", account),
        "callback_urls": [f"{home}signed-in"],
        "logout_urls": [home],
        "resource_server": stack.system.name,
        "kms_key_arn": stack.key("logs"),
        "self_sign_up": declared.self_sign_up,
        "mfa_required": declared.mfa == "required",
        "access_token_minutes": declared.access_token_minutes,
        "log_days": environment.log_days,
        "protect": environment.protect,
    }
    if environment.email_identity_arn is not None and environment.email_from is not None:
        args["email_identity_arn"] = environment.email_identity_arn
        args["email_from"] = environment.email_from
    if declared.default_role is not None:
        args["default_role"] = declared.default_role
    return stack.component(Identity)("identity", args, stack.in_region())


def declare_certificates(stack: StackContext) -> Certificates | None:
    domain, api_domain = stack.environment.domain, stack.api_domain
    if domain is None or api_domain is None:
        return None
    zone = aws.route53.get_zone_output(
        name=stack.environment.hosted_zone, private_zone=False, opts=pulumi.InvokeOptions(provider=stack.region)
    ).zone_id
    edge = stack.component(Certificate)(
        "certificate-edge", {"domain": domain, "hosted_zone_id": zone, "region": EDGE_REGION}, stack.in_region()
    )
    api = stack.component(Certificate)(
        "certificate-api", {"domain": api_domain, "hosted_zone_id": zone}, stack.in_region()
    )
    return Certificates(zone, edge.arn, api.arn)


def declare_balancer(stack: StackContext, platform: Platform, certificates: Certificates | None) -> LoadBalancer:
    """Declare the load balancer. With a domain it uses TLS, with the gateway's host name, which only the gateway
    resolves to it."""
    args: LoadBalancerArgs = {
        "vpc_id": platform.vpc_id,
        "subnet_ids": platform.ingress_subnet_ids,
        "target_cidrs": list(platform.private_cidrs),
        "routes": _balancer_routes(public_resources(stack.system, stack.plan)),
        "cluster_name": platform.cluster_name,
        "log_days": stack.environment.log_days,
        "protect": stack.environment.protect,
        "rule_quota": int(stack.environment.quota("alb_rules")),
    }
    if certificates:
        args["certificate_arn"] = certificates.api_arn
    balancer = stack.component(LoadBalancer)("balancer", args, stack.in_region())
    stack.component(PodIngress)(
        "pods",
        {
            "security_group_id": platform.cluster.security_group_id,
            "source_security_group_id": balancer.security_group_id,
        },
        stack.in_region(),
    )
    return balancer


def _balancer_routes(resources: list[PublicResource]) -> list[LoadBalancerRoute]:
    """Routes by workload. With CQRS two workloads share a path, and the method identifies reads (A4)."""
    reading: dict[str, list[str]] = {}
    everything: dict[str, list[str]] = {}
    for resource in resources:
        everything.setdefault(resource.writes, []).append(resource.path)
        if resource.reads != resource.writes:
            reading.setdefault(resource.reads, []).append(resource.path)
    routes: list[LoadBalancerRoute] = [
        {"workload": workload, "paths": paths, "methods": READING} for workload, paths in reading.items()
    ]
    return routes + [{"workload": workload, "paths": paths} for workload, paths in everything.items()]


def declare_gateway(
    stack: StackContext,
    platform: Platform,
    certificates: Certificates | None,
    balancer: LoadBalancer,
    identity: Identity,
) -> GuardedGateway:
    environment, sizes = stack.environment, stack.plan.gateway
    secret = declare_origin_secret(stack)
    web_acl = stack.component(WebAcl)(
        f"{stack.scope}-gateway",
        {
            "scope": WebAclScope.REGIONAL,
            "rate_limit": stack.system.edge.rate_limit.requests,
            "rate_window_seconds": stack.system.edge.rate_limit.per_seconds,
            "count_forwarded": True,
            "origin_secrets": list(secret.admitted),
            "log_days": environment.log_days,
            "kms_key_arn": stack.key("logs"),
        },
        stack.in_region(),
    )
    args: GatewayArgs = {
        "routes": gateway_routes(public_resources(stack.system, stack.plan)),
        "vpc_id": platform.vpc_id,
        # A VPC link needs two zones, and not every zone has any.
        "subnet_ids": platform.private_subnet_ids[: whole_zones(environment.region)]
        if environment.existing_cluster is None
        else platform.private_subnet_ids,
        "load_balancer_arn": balancer.arn,
        "load_balancer_host": stack.api_domain or balancer.dns_name,
        "load_balancer_port": balancer.listener_port,
        "load_balancer_security_group_id": balancer.security_group_id,
        "user_pool_arn": identity.user_pool_arn,
        "read_scope": identity.scopes["read"],
        "write_scope": identity.scopes["write"],
        "throttle_rps": sizes.requests_per_second,
        "burst": sizes.burst,
        "web_acl_arn": web_acl.arn,
        "kms_key_arn": stack.key("logs"),
        "log_days": environment.log_days,
        "account_role": environment.gateway_account_role,
        "resource_quota": int(environment.quota("gateway_resources")),
    }
    if sizes.cache_gb is not None:
        args["cache_gb"] = sizes.cache_gb
        args["cache_seconds"] = sizes.cache_seconds
    if certificates and stack.api_domain:
        args["domain"] = stack.api_domain
        args["certificate_arn"] = certificates.api_arn
        args["hosted_zone_id"] = certificates.hosted_zone_id
        args["cors_origin"] = f"https://{environment.domain}"
    gateway = stack.component(Gateway)(f"{stack.scope}-api", args, stack.in_region())
    # Known once the web ACL admits it, so that the edge never sends one that is refused.
    sent = pulumi.Output.all(secret.sent, web_acl.arn).apply(lambda known: str(known[0]))
    return GuardedGateway(gateway, web_acl, sent)


def declare_edge(stack: StackContext, certificates: Certificates | None, gateway: GuardedGateway) -> Edge:
    environment, declared = stack.environment, stack.system.edge
    web_acl = stack.component(WebAcl)(
        f"{stack.scope}-edge",
        {
            "scope": WebAclScope.CLOUDFRONT,
            "rate_limit": declared.rate_limit.requests,
            "rate_window_seconds": declared.rate_limit.per_seconds,
            "allowed_countries": list(declared.allowed_countries),
            "blocked_countries": list(declared.blocked_countries),
            "log_days": environment.log_days,
            "kms_key_arn": stack.edge_key("logs"),
        },
        stack.in_region(),
    )
    args: EdgeArgs = {
        "api_host": gateway.component.host,
        "origin_secret": gateway.origin_secret,
        "web_acl_arn": web_acl.arn,
        "kms_key_arn": stack.key("logs"),
        "log_days": environment.log_days,
        "protect": environment.protect,
    }
    if declared.static_site:
        pages = stack.component(StaticSite)(
            f"{stack.scope}-site",
            {"kms_key_arn": stack.key("site"), "log_days": environment.log_days, "protect": environment.protect},
            stack.in_region(),
        )
        args["site"] = {
            "bucket": pages.bucket,
            "bucket_arn": pages.bucket_arn,
            "bucket_domain": pages.bucket_domain,
            "access_control_id": pages.access_control_id,
        }
    if certificates and environment.domain:
        args["domain"] = environment.domain
        args["certificate_arn"] = certificates.edge_arn
        args["hosted_zone_id"] = certificates.hosted_zone_id
    return stack.component(Edge)(f"{stack.scope}-edge", args, stack.in_region())
