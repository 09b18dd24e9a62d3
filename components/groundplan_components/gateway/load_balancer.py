"""The internal load balancer between the gateway and the pods (A1, S1, S2)."""

import pulumi
import pulumi_aws as aws
from pulumi_aws import ec2, lb, s3, vpc

from groundplan_components.gateway._listener_rules import Rule, listener_rules
from groundplan_components.gateway._load_balancer_args import HEALTH_PRIORITY, LoadBalancerArgs, check_load_balancer
from groundplan_components.shared.api_contract import HEALTH_PATH
from groundplan_components.shared.error_envelope import error_body
from groundplan_components.shared.expiry import expire
from groundplan_components.shared.names import autonamed
from groundplan_components.shared.private_bucket import private_bucket

# TLS 1.3 only. Always set: a listener's default is the policy of 2016.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-3-2021-06"
TLS_1_2_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
HTTPS = 443
HTTP = 80


NAME_LIMIT = 32
# Longer than the gateway waits, so that the gateway times out first.
IDLE_SECONDS = 60
HEALTH_INTERVAL_SECONDS = 10
HEALTH_TIMEOUT_SECONDS = 5


class LoadBalancer(pulumi.ComponentResource):
    """An internal application load balancer with a target group for each workload, and its access logs."""

    arn: pulumi.Output[str]
    arn_suffix: pulumi.Output[str]
    """Its name in CloudWatch's metrics."""
    dns_name: pulumi.Output[str]
    listener_arn: pulumi.Output[str]
    listener_port: int
    security_group_id: pulumi.Output[str]
    target_group_arns: dict[str, pulumi.Output[str]]
    """By workload. Known once a rule uses the group, because pods never become ready in an unused group."""
    target_group_arn_suffixes: dict[str, pulumi.Output[str]]
    """By workload: the groups' names in CloudWatch's metrics."""

    def __init__(self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        check_load_balancer(name, args)
        super().__init__("groundplan:index:LoadBalancer", name, {}, opts)
        protect = args.get("protect", True)
        secure = "certificate_arn" in args
        self.listener_port = HTTPS if secure else HTTP
        inside = pulumi.ResourceOptions(parent=self)

        group = self._security_group(name, args)
        logs, logs_policy = self._access_logs(name, args.get("log_days", 90), protect)
        balancer = lb.LoadBalancer(
            autonamed(name, NAME_LIMIT),
            internal=True,
            load_balancer_type="application",
            subnets=args["subnet_ids"],
            security_groups=[group.id],
            drop_invalid_header_fields=True,
            enable_deletion_protection=protect,
            idle_timeout=IDLE_SECONDS,
            access_logs={"bucket": logs.bucket, "enabled": True},
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[logs_policy]),
        )
        if not secure:
            pulumi.log.info(
                "no certificate: requests travel from the gateway to the load balancer in plain HTTP, inside the VPC",
                resource=self,
            )
        listener = lb.Listener(
            name,
            load_balancer_arn=balancer.arn,
            port=self.listener_port,
            protocol="HTTPS" if secure else "HTTP",
            ssl_policy=_tls_policy(args),
            certificate_arn=args.get("certificate_arn"),
            default_actions=[_answer("404", error_body("NOT_FOUND", "Not found"))],
            tags={"Name": name},
            opts=inside,
        )
        lb.ListenerRule(
            f"{name}-health",
            listener_arn=listener.arn,
            priority=HEALTH_PRIORITY,
            conditions=[{"path_pattern": {"values": [HEALTH_PATH]}}],
            actions=[_answer("200", '{"status":"ok"}')],
            tags={"Name": f"{name}-health"},
            opts=inside,
        )
        groups = {
            workload: self._target_group(name, workload, args)
            for workload in dict.fromkeys(route["workload"] for route in args["routes"])
        }
        rules: dict[str, list[pulumi.Output[str]]] = {workload: [] for workload in groups}
        for rule in listener_rules(args["routes"], HEALTH_PRIORITY):
            declared = lb.ListenerRule(
                f"{name}-{rule.key}",
                listener_arn=listener.arn,
                priority=rule.priority,
                conditions=_conditions(rule),
                actions=[{"type": "forward", "target_group_arn": groups[rule.workload].arn}],
                tags={"Name": f"{name}-{rule.key}"},
                opts=inside,
            )
            rules[rule.workload].append(declared.arn)

        self.arn = balancer.arn
        self.arn_suffix = balancer.arn_suffix
        self.dns_name = balancer.dns_name
        self.listener_arn = listener.arn
        self.security_group_id = group.id
        self.target_group_arns = {
            workload: pulumi.Output.all(each.arn, *rules[workload]).apply(lambda known: str(known[0]))
            for workload, each in groups.items()
        }
        self.target_group_arn_suffixes = {workload: each.arn_suffix for workload, each in groups.items()}
        self.register_outputs(
            {
                "arn": self.arn,
                "arn_suffix": self.arn_suffix,
                "dns_name": self.dns_name,
                "listener_arn": self.listener_arn,
                "listener_port": self.listener_port,
                "security_group_id": self.security_group_id,
                "target_group_arns": self.target_group_arns,
                "target_group_arn_suffixes": self.target_group_arn_suffixes,
            }
        )

    def _security_group(self, name: str, args: LoadBalancerArgs) -> ec2.SecurityGroup:
        inside = pulumi.ResourceOptions(parent=self)
        port = args.get("port", 8080)
        group = ec2.SecurityGroup(
            name,
            description="Internal load balancer: from the gateway to the pods",
            vpc_id=args["vpc_id"],
            tags={"Name": name},
            opts=inside,
        )
        for index, cidr in enumerate(args["target_cidrs"]):
            vpc.SecurityGroupEgressRule(
                f"{name}-to-pods-{index}",
                security_group_id=group.id,
                description="To the pods",
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                cidr_ipv4=cidr,
                tags={"Name": f"{name}-to-pods-{index}"},
                opts=inside,
            )
        for index, cidr in enumerate(args.get("allowed_cidrs", [])):
            vpc.SecurityGroupIngressRule(
                f"{name}-allowed-{index}",
                security_group_id=group.id,
                description="Allowed network",
                ip_protocol="tcp",
                from_port=self.listener_port,
                to_port=self.listener_port,
                cidr_ipv4=cidr,
                tags={"Name": f"{name}-allowed-{index}"},
                opts=inside,
            )
        return group

    def _access_logs(self, name: str, days: int, protect: bool) -> tuple[s3.Bucket, s3.BucketPolicy]:
        """Load balancers can't write to a bucket with a customer key, so the bucket uses S3's own encryption.

        https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
        """
        account = aws.get_caller_identity_output(opts=pulumi.InvokeOptions(parent=self)).account_id
        bucket, policy = private_bucket(
            f"{name}-logs",
            parent=self,
            kms_key_arn=None,
            protect=protect,
            statements=lambda arn: [
                {
                    "Sid": "LoadBalancerLogs",
                    "Effect": "Allow",
                    "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
                    "Action": "s3:PutObject",
                    "Resource": pulumi.Output.concat(arn, "/AWSLogs/", account, "/*"),
                }
            ],
        )
        expire(f"{name}-logs", bucket, days, self)
        return bucket, policy

    def _target_group(self, name: str, workload: str, args: LoadBalancerArgs) -> lb.TargetGroup:
        tags = {"Name": f"{name}-{workload}"}
        return lb.TargetGroup(
            autonamed(f"{name}-{workload}", NAME_LIMIT),
            vpc_id=args["vpc_id"],
            target_type="ip",
            # Accepted (ALB to pod over HTTP): the way lies inside the VPC, between two security groups that admit each
            # other alone; AWS encrypts it between Nitro instances.
            protocol="HTTP",
            protocol_version="HTTP1",
            port=args.get("port", 8080),
            deregistration_delay=args.get("drain_seconds", 30),
            # Only round robin can start slowly: the provider's docs of load_balancing_algorithm_type and slow_start.
            load_balancing_algorithm_type="round_robin",
            slow_start=args.get("slow_start_seconds", 30),
            health_check={
                "path": args.get("health_path", "/health/ready"),
                "protocol": "HTTP",
                "matcher": "200",
                "interval": HEALTH_INTERVAL_SECONDS,
                "timeout": HEALTH_TIMEOUT_SECONDS,
                "healthy_threshold": 2,
                "unhealthy_threshold": 3,
            },
            tags={**tags, "eks:eks-cluster-name": args["cluster_name"]} if "cluster_name" in args else tags,
            opts=pulumi.ResourceOptions(parent=self),
        )


def _tls_policy(args: LoadBalancerArgs) -> str | None:
    if "certificate_arn" not in args:
        return None
    return TLS_1_2_POLICY if args.get("accept_tls_1_2", False) else TLS_POLICY


def _answer(status: str, body: str) -> dict[str, object]:
    return {
        "type": "fixed-response",
        "fixed_response": {"content_type": "application/json", "status_code": status, "message_body": body},
    }


def _conditions(rule: Rule) -> list[dict[str, object]]:
    conditions: list[dict[str, object]] = [{"path_pattern": {"values": list(rule.patterns)}}]
    if rule.methods:
        conditions.append({"http_request_method": {"values": list(rule.methods)}})
    return conditions
