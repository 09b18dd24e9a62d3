"""What a request passes on its way in: edge, gateway, load balancer, and who says who the caller is (A1, S1 to S7)."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.gateway_routes import LIST_PARAMETERS, GatewayRoute
from components.identity import Identity, IdentityArgs
from components.listener_rules import LoadBalancerRoute
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from components.pod_ingress import PodIngress
from infra.program.body_schemas import body_schema
from infra.program.ground import Ground
from infra.program.routes import PublicResource, public_resources
from infra.program.site import Site
from infra.system.model import FieldType

READING = ["GET", "HEAD"]


def declare_identity(site: Site) -> Identity:
    declared, environment = site.system.identity, site.environment
    account = aws.get_caller_identity_output(opts=pulumi.InvokeOptions(provider=site.region)).account_id
    home = f"https://{environment.domain}/" if environment.domain else "http://localhost:3000/"
    args: IdentityArgs = {
        "roles": list(declared.roles),
        # Prefixes are unique among all accounts of a region.
        "domain_prefix": pulumi.Output.concat(site.scope, "-", account),
        "callback_urls": [f"{home}signed-in"],
        "logout_urls": [home],
        "resource_server": site.system.name,
        "key_arn": site.key("logs"),
        "self_sign_up": declared.self_sign_up,
        "mfa_required": declared.mfa == "required",
        "access_token_minutes": declared.access_token_minutes,
        "log_days": environment.log_days,
        "protect": environment.protect,
    }
    if declared.default_role is not None:
        args["default_role"] = declared.default_role
    return Identity("identity", args, site.here())


def declare_balancer(site: Site, ground: Ground, certificate_arn: pulumi.Output[str] | None) -> LoadBalancer:
    """With a domain it speaks TLS, under the gateway's own host name: nobody else resolves that name to it."""
    args: LoadBalancerArgs = {
        "vpc_id": ground.vpc_id,
        "subnet_ids": ground.private_subnet_ids,
        "target_cidrs": list(ground.private_cidrs),
        "routes": _balancer_routes(public_resources(site.system, site.plan)),
        "cluster_name": ground.cluster_name,
        "log_days": site.environment.log_days,
        "protect": site.environment.protect,
    }
    if certificate_arn is not None:
        args["certificate_arn"] = certificate_arn
    balancer = LoadBalancer("balancer", args, site.here())
    PodIngress(
        "pods",
        {
            "security_group_id": ground.cluster.security_group_id,
            "source_security_group_id": balancer.security_group_id,
        },
        site.here(),
    )
    return balancer


def _balancer_routes(resources: list[PublicResource]) -> list[LoadBalancerRoute]:
    """By workload; with CQRS two of them share a path, and reads are told by their method (A4)."""
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


def gateway_routes(resources: list[PublicResource]) -> list[GatewayRoute]:
    """Resources with what the declaration lets be done to them, and the shape of bodies (S6)."""
    routes: list[GatewayRoute] = []
    for each in resources:
        declared = each.resource
        schema = body_schema(declared)
        routes.append(
            {
                "plural": declared.path(each.name),
                "operations": list(declared.operations),
                "open_operations": [
                    operation
                    for operation in declared.operations
                    if (access := declared.access(operation)) and access.anyone
                ],
                "query_parameters": [
                    name
                    for name, field in declared.fields.items()
                    if field.type is not FieldType.JSON and name not in LIST_PARAMETERS
                ],
                "create_schema": schema,
                "update_schema": schema,
            }
        )
    return routes
