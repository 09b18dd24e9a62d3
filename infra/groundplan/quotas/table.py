"""The quotas that a stack can meet: AWS's defaults, whether they can be raised, and by which code.

The plan (`capacity.quotas`) and the declared program (`quotas.declared`) are held against each of them. A stack says by
the key `quotas` what its account has instead of a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_GENERAL = "AWS General Reference"
_ELB = "Elastic Load Balancing, quotas for Application Load Balancers"
_GATEWAY = "Amazon API Gateway Developer Guide, quotas"
_CLOUDFRONT = "Amazon CloudFront Developer Guide, quotas"
_WAF = "AWS WAF Developer Guide, quotas"
_COGNITO = "Amazon Cognito Developer Guide, quotas"
_VPC = "Amazon VPC User Guide, quotas"
_RDS = "Amazon RDS User Guide, quotas"
_CACHE = "Amazon ElastiCache User Guide, quotas"
_EKS = "Amazon EKS User Guide, service quotas"
_MSK = "Amazon MSK Developer Guide, quotas"
_IAM = "IAM User Guide, IAM and STS quotas"
_SNS = f"{_GENERAL}, Amazon SNS endpoints and quotas"
_EVENTS = "Amazon EventBridge User Guide, quotas"
_WATCH = "Amazon CloudWatch User Guide, quotas"

_SMALL_GATEWAY_REGIONS = (
    "af-south-1 ap-east-2 ap-south-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 "
    "ca-west-1 eu-central-2 eu-south-1 eu-south-2 il-central-1 me-central-1 mx-central-1"
)
_LARGE_SNS_REGIONS = (
    "us-east-2 us-west-1 eu-central-1 ap-south-1 ap-northeast-1 ap-northeast-2 ap-southeast-1 ap-southeast-2"
)
_LARGE_FIREHOSE_REGIONS = "us-east-1 us-east-2 us-west-2 eu-west-1 ap-northeast-1"


def _in(regions: str, value: float) -> dict[str, float]:
    return dict.fromkeys(regions.split(), value)


@dataclass(frozen=True, slots=True)
class Quota:
    """One quota. ``per`` says of what: an account in a region unless it is one resource (`load balancer`)."""

    key: str
    """Its name in a stack's `quotas`."""
    name: str
    """As Service Quotas or the service's guide call it."""
    service: str
    """Service Quotas' code of the service."""
    code: str | None
    """Service Quotas' code; None: AWS Support raises it, or no one does."""
    default: float
    source: str
    per: str = "account"
    unit: str = ""
    adjustable: bool = True
    elsewhere: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Regions whose default is another."""
    stops: bool = True
    """A deployment beyond it fails; false: it deploys, and load or growth meet the quota later."""
    instead: str = ""
    """What else helps, or what does where no one raises it."""

    def default_in(self, region: str) -> float:
        return self.elsewhere.get(region, self.default)

    @property
    def rate(self) -> bool:
        return self.unit.endswith("/s")

    @property
    def ask(self) -> str:
        """Whom to ask for more."""
        if not self.adjustable:
            return self.instead
        asked = f"Service Quotas {self.service} {self.code}" if self.code else "AWS Support"
        return f"{asked}, or {self.instead}" if self.instead else asked


_SPLIT = "split the system"
_FEWER = "make services internal, or merge some"

_ROWS = (
    # Load balancer
    Quota("alb_balancers", "Application Load Balancers per Region", "elasticloadbalancing", "L-53DA6B97", 50, _ELB),
    Quota(
        "alb_rules",
        "Rules per Application Load Balancer",
        "elasticloadbalancing",
        "L-7EED9B64",
        100,
        _ELB,
        "load balancer",
    ),
    Quota(
        "alb_target_groups",
        "Target groups per Application Load Balancer",
        "elasticloadbalancing",
        None,
        100,
        _ELB,
        "load balancer",
        adjustable=False,
        instead=_FEWER,
    ),
    Quota(
        "alb_targets",
        "Targets per Application Load Balancer",
        "elasticloadbalancing",
        "L-7E6692B2",
        1000,
        _ELB,
        "load balancer",
        unit="pods",
        stops=False,
    ),
    Quota(
        "alb_targets_per_group",
        "Targets per Target Group per Region",
        "elasticloadbalancing",
        "L-A0D0B863",
        1000,
        _ELB,
        "target group",
        unit="pods",
        stops=False,
    ),
    Quota("alb_groups_per_region", "Target Groups per Region", "elasticloadbalancing", "L-B22855CB", 3000, _ELB),
    Quota(
        "alb_listeners",
        "Listeners per Application Load Balancer",
        "elasticloadbalancing",
        "L-B6DF7632",
        50,
        _ELB,
        "load balancer",
    ),
    # Gateway
    Quota(
        "gateway_rps",
        "Throttle rate",
        "apigateway",
        "L-8A5B8E43",
        10_000,
        _GATEWAY,
        unit="requests/s",
        elsewhere=_in(_SMALL_GATEWAY_REGIONS, 2_500),
        stops=False,
    ),
    Quota("gateway_resources", "Resources per API", "apigateway", "L-01C8A9E0", 300, _GATEWAY, "API"),
    Quota("gateway_apis", "Regional APIs", "apigateway", "L-AA0FF27B", 600, _GATEWAY),
    Quota("gateway_stages", "Stages per API", "apigateway", "L-379E48B0", 10, _GATEWAY, "API"),
    Quota("gateway_domains", "Public custom domain names", "apigateway", "L-A93447B8", 120, _GATEWAY),
    Quota("gateway_usage_plans", "Usage plans", "apigateway", "L-E8693075", 300, _GATEWAY),
    Quota("gateway_links", "VPC links (V2)", "apigateway", None, 10, _GATEWAY),
    Quota(
        "gateway_definition",
        "Size of an API definition that is imported",
        "apigateway",
        None,
        6 * 2**20,
        f"{_GATEWAY}; PutRestApi",
        "API",
        unit="bytes",
        adjustable=False,
        instead=_FEWER,
    ),
    # Edge
    Quota(
        "cloudfront_rps",
        "Requests per second per distribution",
        "cloudfront",
        None,
        250_000,
        _CLOUDFRONT,
        "distribution",
        unit="requests/s",
        stops=False,
    ),
    Quota("cloudfront_distributions", "Web distributions per account", "cloudfront", "L-24B04930", 500, _CLOUDFRONT),
    Quota(
        "cloudfront_behaviors",
        "Cache behaviors per distribution",
        "cloudfront",
        "L-08884E5C",
        75,
        _CLOUDFRONT,
        "distribution",
    ),
    Quota("cloudfront_functions", "CloudFront Functions per account", "cloudfront", None, 100, _CLOUDFRONT),
    Quota("cloudfront_headers_policies", "Custom response headers policies", "cloudfront", None, 20, _CLOUDFRONT),
    Quota("cloudfront_access_controls", "Origin access controls", "cloudfront", None, 100, _CLOUDFRONT),
    Quota(
        "waf_rps",
        "Requests per second per web ACL",
        "wafv2",
        None,
        100_000,
        _WAF,
        "regional web ACL",
        unit="requests/s",
        stops=False,
    ),
    Quota("waf_acls", "Web ACLs per account per Region", "wafv2", None, 100, _WAF),
    # Identity
    Quota("cognito_pools", "User pools per account", "cognito-idp", "L-66E6DF30", 1000, _COGNITO),
    Quota("cognito_clients", "Apps per user pool", "cognito-idp", "L-5EAB0605", 1000, _COGNITO, "user pool"),
    Quota("cognito_resource_servers", "Resource servers per user pool", "cognito-idp", None, 25, _COGNITO, "user pool"),
    Quota(
        "cognito_groups",
        "Groups per user pool",
        "cognito-idp",
        None,
        10_000,
        _COGNITO,
        "user pool",
        adjustable=False,
        instead="declare fewer roles",
    ),
    Quota(
        "cognito_sign_ins",
        "Rate of UserAuthentication requests",
        "cognito-idp",
        "L-026ADBA3",
        120,
        _COGNITO,
        unit="sign-ins/s",
        stops=False,
    ),
    Quota(
        "cognito_tokens",
        "Rate of UserToken requests",
        "cognito-idp",
        "L-F21F8BB4",
        120,
        _COGNITO,
        unit="tokens/s",
        stops=False,
        instead="raise identity.access_token_minutes",
    ),
    Quota(
        "cognito_mail",
        "Mails that Cognito sends itself a day",
        "cognito-idp",
        None,
        50,
        f"{_COGNITO}; Email settings for Amazon Cognito user pools",
        "user pool",
        unit="mails a day",
        adjustable=False,
        stops=False,
        instead="verify a domain in SES, and name it in the keys `email_identity_arn` and `email_from`",
    ),
    Quota(
        "ses_mail",
        "Sending quota",
        "ses",
        "L-804C8AE8",
        200,
        f"{_GENERAL}, Amazon SES quotas: of an account in the sandbox",
        unit="mails a day",
        stops=False,
        instead="move the account out of the SES sandbox",
    ),
    # Network
    Quota("vpc_vpcs", "VPCs per Region", "vpc", "L-F678F1CE", 5, _VPC),
    Quota("vpc_subnets", "Subnets per VPC", "vpc", "L-407747CB", 200, _VPC, "VPC"),
    Quota("vpc_internet_gateways", "Internet gateways per Region", "vpc", "L-A4707A72", 5, _VPC),
    Quota("vpc_nat_gateways", "NAT gateways per Availability Zone", "vpc", "L-FE5A380F", 5, _VPC, "zone"),
    Quota("vpc_addresses", "EC2-VPC Elastic IPs", "ec2", "L-0263D0A3", 5, f"{_GENERAL}, Amazon EC2 quotas"),
    Quota("vpc_route_tables", "Route tables per VPC", "vpc", "L-589F43AA", 200, _VPC, "VPC"),
    Quota("vpc_routes", "Routes per route table", "vpc", "L-93826ACB", 50, _VPC, "route table"),
    Quota("vpc_acls", "Network ACLs per VPC", "vpc", "L-B4A6D682", 200, _VPC, "VPC"),
    Quota("vpc_acl_rules", "Rules per network ACL", "vpc", "L-2AEEBF1A", 20, _VPC, "network ACL and direction"),
    Quota("vpc_security_groups", "VPC security groups per Region", "vpc", "L-E79EC296", 2500, _VPC),
    Quota(
        "vpc_security_group_rules",
        "Inbound or outbound rules per security group",
        "vpc",
        "L-0EA8095F",
        60,
        _VPC,
        "security group and direction",
    ),
    Quota(
        "vpc_groups_per_interface",
        "Security groups per network interface",
        "vpc",
        "L-2AFB9258",
        5,
        _VPC,
        "network interface",
    ),
    Quota("vpc_interface_endpoints", "Interface VPC endpoints per VPC", "vpc", "L-29B6F2EB", 50, _VPC, "VPC"),
    Quota("vpc_gateway_endpoints", "Gateway VPC endpoints per Region", "vpc", "L-1B52E74A", 20, _VPC),
    Quota(
        "vpc_address_units",
        "Network Address Usage",
        "vpc",
        "L-BB24F6E5",
        64_000,
        _VPC,
        "VPC",
        unit="addresses",
        stops=False,
    ),
    Quota(
        "lambda_interfaces",
        "Elastic network interfaces per VPC",
        "lambda",
        "L-9FEE3D26",
        500,
        "AWS Lambda Developer Guide, quotas",
        "VPC",
    ),
    Quota(
        "lambda_concurrency",
        "Concurrent executions",
        "lambda",
        "L-B99A9384",
        1000,
        "AWS Lambda Developer Guide, quotas",
        unit="functions at once",
        stops=False,
    ),
    Quota("firewalls", "Firewalls", "network-firewall", None, 5, "AWS Network Firewall Developer Guide, quotas"),
    Quota(
        "firewall_policies", "Firewall policies", "network-firewall", None, 20, "AWS Network Firewall Developer Guide"
    ),
    Quota(
        "firewall_rule_groups",
        "Stateful rule groups",
        "network-firewall",
        None,
        50,
        "AWS Network Firewall Developer Guide, quotas",
    ),
    # Cluster
    Quota("eks_clusters", "Clusters", "eks", "L-1194D53C", 100, _EKS),
    Quota("eks_endpoint_ranges", "Public endpoint access CIDR ranges per cluster", "eks", None, 40, _EKS, "cluster"),
    Quota("eks_pod_identities", "Pod Identity associations per cluster", "eks", None, 5000, _EKS, "cluster"),
    Quota(
        "eks_nodes",
        "Nodes that Kubernetes is tested with",
        "eks",
        None,
        5000,
        "Kubernetes documentation, large clusters",
        "cluster",
        unit="nodes",
        adjustable=False,
        stops=False,
        instead=_SPLIT,
    ),
    Quota(
        "ec2_vcpus",
        "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
        "ec2",
        "L-1216C47A",
        5,
        f"{_GENERAL}, Amazon EC2 quotas: of a new account",
        unit="vCPU",
        stops=False,
    ),
    Quota(
        "ebs_gp3_tib",
        "Storage for General Purpose SSD (gp3) volumes",
        "ebs",
        "L-7A658B76",
        50,
        f"{_GENERAL}, Amazon EBS quotas",
        unit="TiB",
        stops=False,
    ),
    Quota("ecr_repositories", "Registered repositories", "ecr", "L-CFEB8E8D", 100_000, "Amazon ECR User Guide, quotas"),
    # Databases
    Quota("rds_instances", "DB instances", "rds", "L-7B6409FD", 40, _RDS),
    Quota("rds_storage_gib", "Total storage for all DB instances", "rds", "L-7ADDB58A", 100_000, _RDS, unit="GiB"),
    Quota("rds_parameter_groups", "Parameter groups", "rds", "L-DE55804A", 50, _RDS),
    Quota("rds_subnet_groups", "DB subnet groups", "rds", "L-48C6BF61", 50, _RDS),
    Quota("rds_event_subscriptions", "Event subscriptions", "rds", "L-A59F4C87", 20, _RDS),
    Quota("rds_replicas", "Read replicas per primary", "rds", "L-5BC124EF", 15, _RDS, "primary"),
    Quota("rds_proxies", "Proxies", "rds", "L-D94C7EA3", 20, _RDS),
    # Cache
    Quota("cache_nodes", "Nodes per Region", "elasticache", "L-DFE45DF3", 300, _CACHE),
    Quota(
        "cache_nodes_per_cluster",
        "Nodes per cluster per instance type (cluster mode enabled)",
        "elasticache",
        "L-AF354865",
        90,
        _CACHE,
        "cluster",
    ),
    Quota("cache_parameter_groups", "Parameter groups per Region", "elasticache", "L-3F15A733", 300, _CACHE),
    Quota("cache_subnet_groups", "Subnet groups per Region", "elasticache", "L-3E7F7726", 300, _CACHE),
    Quota("cache_users", "Users per Region", "elasticache", "L-80E085C7", 2000, _CACHE),
    Quota("cache_user_groups", "User groups per Region", "elasticache", "L-AD484FC5", 200, _CACHE),
    Quota("cache_users_per_group", "Users per user group", "elasticache", "L-943F0F1C", 100, _CACHE, "user group"),
    # Events
    Quota("msk_brokers", "Number of brokers per account", "kafka", "L-EDD31C36", 90, _MSK),
    Quota("msk_brokers_per_cluster", "Number of brokers per KRaft cluster", "kafka", "L-03FD6822", 60, _MSK, "cluster"),
    Quota("msk_configurations", "Number of configurations per account", "kafka", "L-B2FDE22A", 100, _MSK),
    Quota(
        "sns_publish",
        "Messages Published per Second",
        "sns",
        "L-F8E2BA85",
        300,
        _SNS,
        unit="messages/s",
        elsewhere={
            "us-east-1": 30_000,
            "us-west-2": 9_000,
            "eu-west-1": 9_000,
            **_in(_LARGE_SNS_REGIONS, 3_000),
        },
        stops=False,
    ),
    Quota("sns_topics", "Topics per Account", "sns", "L-61103206", 100_000, _SNS),
    Quota(
        "firehose_streams",
        "Firehose streams",
        "firehose",
        None,
        2_000,
        "Amazon Data Firehose Developer Guide, quota",
        elsewhere=_in(_LARGE_FIREHOSE_REGIONS, 5_000),
    ),
    Quota(
        "eventbridge_rules",
        "Rules",
        "events",
        "L-244521F2",
        300,
        _EVENTS,
        "event bus",
        elsewhere=_in("af-south-1", 100),
    ),
    # Access and keys
    Quota("iam_roles", "Roles per account", "iam", "L-FE177D64", 1000, _IAM),
    Quota("iam_managed_policies", "Customer managed policies per account", "iam", "L-E95E4862", 1500, _IAM),
    Quota("iam_policies_per_role", "Managed policies attached to an IAM role", "iam", "L-0DA4ABF3", 10, _IAM, "role"),
    Quota("iam_trust_policy", "Role trust policy length", "iam", "L-C07B4B0D", 2048, _IAM, "role", unit="characters"),
    Quota(
        "iam_inline_policy",
        "Aggregate size of a role's inline policies",
        "iam",
        None,
        10_240,
        _IAM,
        "role",
        unit="characters",
        adjustable=False,
        instead="write resources with wildcards, or use managed policies",
    ),
    Quota(
        "iam_managed_policy",
        "Size of a managed policy",
        "iam",
        None,
        6_144,
        _IAM,
        "policy",
        unit="characters",
        adjustable=False,
        instead="write resources with wildcards, or split the policy",
    ),
    Quota("iam_oidc_providers", "OpenID connect providers per account", "iam", "L-858F3967", 100, _IAM),
    Quota("kms_keys", "Customer Master Keys (CMKs)", "kms", "L-C2F1777E", 100_000, "AWS KMS Developer Guide, quotas"),
    Quota(
        "kms_key_policy",
        "Key policy document size",
        "kms",
        None,
        32_768,
        "AWS KMS Developer Guide, quotas",
        "key",
        unit="bytes",
        adjustable=False,
        instead="name fewer principals",
    ),
    Quota(
        "secrets",
        "Secrets",
        "secretsmanager",
        None,
        500_000,
        "AWS Secrets Manager User Guide, quotas",
        adjustable=False,
        instead=_SPLIT,
    ),
    # Names
    Quota("acm_certificates", "ACM certificates", "acm", "L-F141DD1D", 2_500, "AWS Certificate Manager User Guide"),
    Quota(
        "acm_names",
        "Domain names per ACM certificate",
        "acm",
        "L-FB94F0B0",
        10,
        "AWS Certificate Manager User Guide",
        "certificate",
    ),
    Quota(
        "route53_records",
        "Records per hosted zone",
        "route53",
        "L-E209CC9F",
        10_000,
        "Amazon Route 53 Developer Guide, quotas",
        "hosted zone",
    ),
    Quota(
        "route53_health_checks",
        "Health checks",
        "route53",
        "L-ACB674F3",
        200,
        "Amazon Route 53 Developer Guide, quotas",
    ),
    # What observes and keeps
    Quota(
        "cloudwatch_composite_children",
        "Alarms that a composite alarm looks at",
        "monitoring",
        None,
        100,
        _WATCH,
        "composite alarm",
        adjustable=False,
        instead="part it in two",
    ),
    Quota(
        "cloudwatch_dashboard_widgets",
        "Widgets of a dashboard",
        "monitoring",
        None,
        500,
        _WATCH,
        "dashboard",
        adjustable=False,
        instead="part it in two",
    ),
    Quota(
        "logs_filters",
        "Metric filters per log group",
        "logs",
        None,
        100,
        "Amazon CloudWatch Logs User Guide, quotas",
        "log group",
        adjustable=False,
        instead="part the log group",
    ),
    Quota(
        "logs_queries",
        "Saved CloudWatch Logs Insights queries",
        "logs",
        None,
        1_000,
        "Amazon CloudWatch Logs User Guide, quotas",
        adjustable=False,
        instead="delete some",
    ),
    Quota("s3_buckets", "General purpose buckets", "s3", "L-DC2B2D3D", 10_000, "Amazon S3 User Guide, quotas"),
    Quota("backup_vaults", "Backup vaults per Region", "backup", None, 100, "AWS Backup Developer Guide, quotas"),
    Quota("backup_plans", "Backup plans per Region", "backup", None, 100, "AWS Backup Developer Guide, quotas"),
    Quota("athena_workgroups", "Workgroups", "athena", None, 1_000, "Amazon Athena User Guide, quotas"),
    Quota(
        "glue_databases", "Databases per account", "glue", None, 10_000, f"{_GENERAL}, AWS Glue endpoints and quotas"
    ),
)

QUOTAS: Mapping[str, Quota] = MappingProxyType({row.key: row for row in _ROWS})
"""By key."""
