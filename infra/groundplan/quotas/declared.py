"""What a declared program uses of an account's quotas, counted from its resources."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from groundplan.cloud.item import look_up
from groundplan.cloud.model import Resource

_RULE_TYPES = {
    "vpc/securityGroupIngressRule:SecurityGroupIngressRule": "in",
    "vpc/securityGroupEgressRule:SecurityGroupEgressRule": "out",
}


@dataclass(frozen=True, slots=True)
class Count:
    """How much of a quota a program uses; ``of`` is the resource that uses most, where a quota is one resource's."""

    key: str
    amount: float
    of: str = ""


class _Program:
    """Resources by type."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._by_type: dict[str, list[Resource]] = defaultdict(list)
        for resource in resources:
            self._by_type[resource.type].append(resource)

    def of(self, *types: str) -> list[Resource]:
        return [resource for each in types for resource in self._by_type.get(f"aws:{each}", ())]


_Measure = Callable[[_Program], Iterator[tuple[str, float]]]
"""The holder of a quota (`` `` for the account) and how much of it is used."""


def _number(*types: str) -> _Measure:
    """How many there are in the account."""

    def measure(program: _Program) -> Iterator[tuple[str, float]]:
        yield "", len(program.of(*types))

    return measure


def _by(path: str, *types: str) -> _Measure:
    """How many there are of each thing that ``path`` names."""

    def measure(program: _Program) -> Iterator[tuple[str, float]]:
        yield from Counter(str(look_up(each.inputs, path)) for each in program.of(*types)).items()

    return measure


def _length(path: str, *types: str) -> _Measure:
    """Elements, or characters without blanks, of a property."""

    def measure(program: _Program) -> Iterator[tuple[str, float]]:
        for each in program.of(*types):
            value = look_up(each.inputs, path)
            yield each.name, len(_compact(value) if isinstance(value, str) else value or ())

    return measure


def _compact(text: str) -> str:
    """A policy as IAM counts it: without blanks."""
    try:
        return json.dumps(json.loads(text), separators=(",", ":"))
    except ValueError:
        return "".join(text.split())


def _with(path: str, value: object, measure: Callable[..., _Measure], *arguments: str) -> _Measure:
    """A measure of the resources whose property is ``value``."""

    def measured(program: _Program) -> Iterator[tuple[str, float]]:
        *_, token = arguments
        chosen = _Program(each for each in program.of(token) if look_up(each.inputs, path) == value)
        yield from measure(*arguments)(chosen)

    return measured


def _inline_policies(program: _Program) -> Iterator[tuple[str, float]]:
    sizes: Counter[str] = Counter()
    for each in program.of("iam/rolePolicy:RolePolicy"):
        sizes[str(each.inputs.get("role"))] += len(_compact(str(each.inputs.get("policy"))))
    yield from sizes.items()


def _security_group_rules(program: _Program) -> Iterator[tuple[str, float]]:
    yield from Counter(
        f"{each.inputs.get('securityGroupId')} {way}" for kind, way in _RULE_TYPES.items() for each in program.of(kind)
    ).items()


def _acl_rules(program: _Program) -> Iterator[tuple[str, float]]:
    yield from Counter(
        f"{each.inputs.get('networkAclId')} {'out' if each.inputs.get('egress') else 'in'}"
        for each in program.of("ec2/networkAclRule:NetworkAclRule")
    ).items()


def _nat_zones(program: _Program) -> Iterator[tuple[str, float]]:
    zones = {each.id: str(each.inputs.get("availabilityZone")) for each in program.of("ec2/subnet:Subnet")}
    gateways = program.of("ec2/natGateway:NatGateway")
    yield from Counter(zones.get(str(each.inputs.get("subnetId")), "regional") for each in gateways).items()


def _storage(program: _Program) -> Iterator[tuple[str, float]]:
    """A replica has as much as its primary."""
    instances = program.of("rds/instance:Instance")
    sizes = {name: each.inputs.get("allocatedStorage") or 0 for each in instances for name in _names(each)}
    yield "", sum(_own_storage(each, sizes) for each in instances)


def _own_storage(instance: Resource, sizes: dict[str, Any]) -> float:
    own = instance.inputs.get("allocatedStorage")
    return float(own if own is not None else sizes.get(str(instance.inputs.get("replicateSourceDb")), 0))


def _names(resource: Resource) -> Iterator[str]:
    yield resource.id
    for output in ("identifier", "arn"):
        yield str(resource.outputs.get(output))


def _cache_nodes(program: _Program) -> Iterator[tuple[str, float]]:
    for each in program.of("elasticache/replicationGroup:ReplicationGroup"):
        clusters = each.inputs.get("numCacheClusters")
        shards, replicas = each.inputs.get("numNodeGroups") or 1, each.inputs.get("replicasPerNodeGroup") or 0
        yield each.name, float(clusters if clusters is not None else shards * (1 + replicas))


def _all_cache_nodes(program: _Program) -> Iterator[tuple[str, float]]:
    yield "", sum(amount for _, amount in _cache_nodes(program))


def _brokers(program: _Program) -> Iterator[tuple[str, float]]:
    for each in program.of("msk/cluster:Cluster"):
        yield each.name, float(each.inputs.get("numberOfBrokerNodes") or 0)


def _all_brokers(program: _Program) -> Iterator[tuple[str, float]]:
    yield "", sum(amount for _, amount in _brokers(program))


def _function_interfaces(program: _Program) -> Iterator[tuple[str, float]]:
    """Functions of the same subnets and groups share their interfaces (AWS Lambda, Hyperplane ENIs)."""
    pairs = {
        (subnet, tuple(sorted(look_up(each.inputs, "vpcConfig.securityGroupIds") or ())))
        for each in program.of("lambda/function:Function")
        for subnet in look_up(each.inputs, "vpcConfig.subnetIds") or ()
    }
    yield "", len(pairs)


def _groups_per_interface(program: _Program) -> Iterator[tuple[str, float]]:
    paths = {
        "rds/instance:Instance": "vpcSecurityGroupIds",
        "rds/proxy:Proxy": "vpcSecurityGroupIds",
        "elasticache/replicationGroup:ReplicationGroup": "securityGroupIds",
        "msk/cluster:Cluster": "brokerNodeGroupInfo.securityGroups",
        "lb/loadBalancer:LoadBalancer": "securityGroups",
        "lambda/function:Function": "vpcConfig.securityGroupIds",
        "ec2/vpcEndpoint:VpcEndpoint": "securityGroupIds",
        "apigatewayv2/vpcLink:VpcLink": "securityGroupIds",
    }
    for token, path in paths.items():
        for each in program.of(token):
            yield each.name, len(look_up(each.inputs, path) or ())


def _api_resources(program: _Program) -> Iterator[tuple[str, float]]:
    """Each segment of a path is a resource, and so is the root."""
    for each in program.of("apigateway/restApi:RestApi"):
        paths = json.loads(str(each.inputs.get("body") or "{}")).get("paths", {})
        segments = {
            tuple(path.strip("/").split("/")[:depth]) for path in paths for depth in range(1, path.count("/") + 1)
        }
        yield each.name, len(segments - {("",)}) + 1


def _behaviors(program: _Program) -> Iterator[tuple[str, float]]:
    for each in program.of("cloudfront/distribution:Distribution"):
        yield each.name, len(each.inputs.get("orderedCacheBehaviors") or ()) + 1


def _composite_children(program: _Program) -> Iterator[tuple[str, float]]:
    for each in program.of("cloudwatch/compositeAlarm:CompositeAlarm"):
        rule = str(each.inputs.get("alarmRule"))
        yield each.name, sum(rule.count(f"{state}(") for state in ("ALARM", "OK", "INSUFFICIENT_DATA"))


def _widgets(program: _Program) -> Iterator[tuple[str, float]]:
    for each in program.of("cloudwatch/dashboard:Dashboard"):
        yield each.name, len(json.loads(str(each.inputs.get("dashboardBody") or "{}")).get("widgets", ()))


def _certificate_names(program: _Program) -> Iterator[tuple[str, float]]:
    for each in program.of("acm/certificate:Certificate"):
        yield each.name, 1 + len(each.inputs.get("subjectAlternativeNames") or ())


def _regional_acls(program: _Program) -> Iterator[tuple[str, float]]:
    """Those of CloudFront count where they are, in us-east-1."""
    yield from Counter(each.region for each in program.of("wafv2/webAcl:WebAcl")).items()


def _keys(program: _Program) -> Iterator[tuple[str, float]]:
    yield from Counter(each.region for each in program.of("kms/key:Key")).items()


_RULE = "lb/listenerRule:ListenerRule"
_ENDPOINT = "ec2/vpcEndpoint:VpcEndpoint"
_ROLE = "iam/role:Role"

MEASURES: dict[str, _Measure] = {
    "alb_balancers": _number("lb/loadBalancer:LoadBalancer"),
    "alb_rules": _by("listenerArn", _RULE),
    "alb_target_groups": _number("lb/targetGroup:TargetGroup"),
    "alb_groups_per_region": _number("lb/targetGroup:TargetGroup"),
    "alb_listeners": _by("loadBalancerArn", "lb/listener:Listener"),
    "gateway_resources": _api_resources,
    "gateway_definition": _length("body", "apigateway/restApi:RestApi"),
    "gateway_apis": _number("apigateway/restApi:RestApi"),
    "gateway_stages": _by("restApi", "apigateway/stage:Stage"),
    "gateway_domains": _number("apigateway/domainName:DomainName"),
    "gateway_usage_plans": _number("apigateway/usagePlan:UsagePlan"),
    "gateway_links": _number("apigatewayv2/vpcLink:VpcLink"),
    "cloudfront_distributions": _number("cloudfront/distribution:Distribution"),
    "cloudfront_behaviors": _behaviors,
    "cloudfront_functions": _number("cloudfront/function:Function"),
    "cloudfront_headers_policies": _number("cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"),
    "cloudfront_access_controls": _number("cloudfront/originAccessControl:OriginAccessControl"),
    "waf_acls": _regional_acls,
    "cognito_pools": _number("cognito/userPool:UserPool"),
    "cognito_clients": _by("userPoolId", "cognito/userPoolClient:UserPoolClient"),
    "cognito_resource_servers": _by("userPoolId", "cognito/resourceServer:ResourceServer"),
    "cognito_groups": _by("userPoolId", "cognito/userGroup:UserGroup"),
    "vpc_vpcs": _number("ec2/vpc:Vpc"),
    "vpc_subnets": _by("vpcId", "ec2/subnet:Subnet"),
    "vpc_internet_gateways": _number("ec2/internetGateway:InternetGateway"),
    "vpc_nat_gateways": _nat_zones,
    "vpc_addresses": _number("ec2/eip:Eip"),
    "vpc_route_tables": _by("vpcId", "ec2/routeTable:RouteTable"),
    "vpc_routes": _by("routeTableId", "ec2/route:Route"),
    "vpc_acls": _by("vpcId", "ec2/networkAcl:NetworkAcl"),
    "vpc_acl_rules": _acl_rules,
    "vpc_security_groups": _number("ec2/securityGroup:SecurityGroup", "ec2/defaultSecurityGroup:DefaultSecurityGroup"),
    "vpc_security_group_rules": _security_group_rules,
    "vpc_groups_per_interface": _groups_per_interface,
    "vpc_interface_endpoints": _with("vpcEndpointType", "Interface", _by, "vpcId", _ENDPOINT),
    "vpc_gateway_endpoints": _with("vpcEndpointType", "Gateway", _number, _ENDPOINT),
    "lambda_interfaces": _function_interfaces,
    "lambda_concurrency": _number("lambda/function:Function"),
    "firewalls": _number("networkfirewall/firewall:Firewall"),
    "firewall_policies": _number("networkfirewall/firewallPolicy:FirewallPolicy"),
    "firewall_rule_groups": _number("networkfirewall/ruleGroup:RuleGroup"),
    "eks_clusters": _number("eks/cluster:Cluster"),
    "eks_endpoint_ranges": _length("vpcConfig.publicAccessCidrs", "eks/cluster:Cluster"),
    "eks_pod_identities": _by("clusterName", "eks/podIdentityAssociation:PodIdentityAssociation"),
    "ecr_repositories": _number("ecr/repository:Repository"),
    "rds_instances": _number("rds/instance:Instance"),
    "rds_storage_gib": _storage,
    "rds_parameter_groups": _number("rds/parameterGroup:ParameterGroup"),
    "rds_subnet_groups": _number("rds/subnetGroup:SubnetGroup"),
    "rds_event_subscriptions": _number("rds/eventSubscription:EventSubscription"),
    "rds_replicas": lambda program: _replicas(program),
    "rds_proxies": _number("rds/proxy:Proxy"),
    "cache_nodes": _all_cache_nodes,
    "cache_nodes_per_cluster": _cache_nodes,
    "cache_parameter_groups": _number("elasticache/parameterGroup:ParameterGroup"),
    "cache_subnet_groups": _number("elasticache/subnetGroup:SubnetGroup"),
    "cache_users": _number("elasticache/user:User"),
    "cache_user_groups": _number("elasticache/userGroup:UserGroup"),
    "cache_users_per_group": _length("userIds", "elasticache/userGroup:UserGroup"),
    "msk_brokers": _all_brokers,
    "msk_brokers_per_cluster": _brokers,
    "msk_configurations": _number("msk/configuration:Configuration"),
    "sns_topics": _number("sns/topic:Topic"),
    "firehose_streams": _number("kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"),
    "eventbridge_rules": _by("eventBusName", "cloudwatch/eventRule:EventRule"),
    "iam_roles": _number(_ROLE),
    "iam_managed_policies": _number("iam/policy:Policy"),
    "iam_policies_per_role": _by("role", "iam/rolePolicyAttachment:RolePolicyAttachment"),
    "iam_trust_policy": _length("assumeRolePolicy", _ROLE),
    "iam_inline_policy": _inline_policies,
    "iam_managed_policy": _length("policy", "iam/policy:Policy"),
    "iam_oidc_providers": _number("iam/openIdConnectProvider:OpenIdConnectProvider"),
    "kms_keys": _keys,
    "kms_key_policy": _length("policy", "kms/key:Key"),
    "secrets": _number("secretsmanager/secret:Secret"),
    "acm_certificates": _number("acm/certificate:Certificate"),
    "acm_names": _certificate_names,
    "route53_records": _by("zoneId", "route53/record:Record"),
    "route53_health_checks": _number("route53/healthCheck:HealthCheck"),
    "cloudwatch_composite_children": _composite_children,
    "cloudwatch_dashboard_widgets": _widgets,
    "logs_filters": _by("logGroupName", "cloudwatch/logMetricFilter:LogMetricFilter"),
    "logs_queries": _number("cloudwatch/queryDefinition:QueryDefinition"),
    "s3_buckets": _number("s3/bucket:Bucket"),
    "backup_vaults": _number("backup/vault:Vault"),
    "backup_plans": _number("backup/plan:Plan"),
    "athena_workgroups": _number("athena/workgroup:Workgroup"),
    "glue_databases": _number("glue/catalogDatabase:CatalogDatabase"),
}
"""By quota. Those that are missing follow from load alone (`capacity.quotas`)."""


def _replicas(program: _Program) -> Iterator[tuple[str, float]]:
    sources = [each.inputs.get("replicateSourceDb") for each in program.of("rds/instance:Instance")]
    yield from Counter(str(each) for each in sources if each).items()


def declared_use(resources: Sequence[Resource]) -> dict[str, Count]:
    """By quota: what the program uses, of one resource the most."""
    program = _Program(resources)
    found = {}
    for key, measure in MEASURES.items():
        of, amount = max(measure(program), key=lambda each: each[1], default=("", 0.0))
        found[key] = Count(key, amount, of)
    return found
