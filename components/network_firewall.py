"""What leaves the network is inspected, and only goes where it has a reason to (S1)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi_aws import cloudwatch, networkfirewall

from components.checks import require
from components.log_days import require_log_days

AWS_DOMAINS = (".amazonaws.com", ".api.aws", ".amazontrust.com")
REGISTRY_DOMAINS = (
    "public.ecr.aws",
    "d5l0dvt14r5h8.cloudfront.net",  # where public.ecr.aws keeps its layers
    ".docker.io",
    "production.cloudflare.docker.com",
    "ghcr.io",
    "pkg-containers.githubusercontent.com",
    "quay.io",
    ".quay.io",
    "registry.k8s.io",
    ".pkg.dev",
)
DEFAULT_DOMAINS = AWS_DOMAINS + REGISTRY_DOMAINS

# A rule group's capacity is fixed when it is made. A domain list takes one unit for each domain and protocol:
# https://docs.aws.amazon.com/network-firewall/latest/developerguide/nwfw-rule-group-capacity.html
CAPACITY = 1000
PROTOCOLS = ("TLS_SNI", "HTTP_HOST")
DOMAIN = re.compile(r"\.?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


class NetworkFirewallArgs(TypedDict):
    vpc_id: pulumi.Input[str]
    """The network."""
    subnet_ids: list[pulumi.Input[str]]
    """One in each zone, with nothing else in them."""
    allowed_domains: NotRequired[list[str]]
    """Where what is inside may go; `.example.com` also means every subdomain. Default: AWS and the usual image
    registries."""
    log_days: NotRequired[int]
    """Days that the firewall's logs are kept. Default: 90."""
    kms_key_arn: pulumi.Input[str]
    """Encrypts the rules and the logs; its policy admits CloudWatch Logs."""
    protect: NotRequired[bool]
    """Refuse to delete the firewall or move it to other subnets. Default: true."""


class NetworkFirewall(pulumi.ComponentResource):
    """A stateful firewall that lets out only what goes to known domains, and logs what it refuses."""

    endpoint_ids: list[pulumi.Output[str]]
    """The firewall's endpoint in each of ``subnet_ids``, in their order: where route tables point."""

    def __init__(self, name: str, args: NetworkFirewallArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        domains = args.get("allowed_domains", list(DEFAULT_DOMAINS))
        require_domains(f'NetworkFirewall "{name}"', domains)
        require_log_days(f'NetworkFirewall "{name}"', args.get("log_days", 90))
        super().__init__("groundplan:index:NetworkFirewall", name, {}, opts)
        protect = args.get("protect", True)
        inside = pulumi.ResourceOptions(parent=self)
        encryption = {"type": "CUSTOMER_KMS", "key_id": args["kms_key_arn"]}

        rules = networkfirewall.RuleGroup(
            f"{name}-domains",
            description="The domains that may be reached",
            type="STATEFUL",
            capacity=CAPACITY,
            encryption_configuration=encryption,
            rule_group={
                "rules_source": {
                    "rules_source_list": {
                        "generated_rules_type": "ALLOWLIST",
                        "target_types": list(PROTOCOLS),
                        "targets": sorted(set(domains)),
                    }
                },
                "stateful_rule_options": {"rule_order": "STRICT_ORDER"},
            },
            tags={"Name": f"{name}-domains"},
            opts=inside,
        )
        policy = networkfirewall.FirewallPolicy(
            name,
            encryption_configuration=encryption,
            firewall_policy={
                "stateless_default_actions": ["aws:forward_to_sfe"],
                "stateless_fragment_default_actions": ["aws:forward_to_sfe"],
                "stateful_engine_options": {"rule_order": "STRICT_ORDER", "stream_exception_policy": "DROP"},
                # Drops what no rule let pass, once the connection stands: before that there is no name to look at.
                "stateful_default_actions": ["aws:drop_established", "aws:alert_established"],
                "stateful_rule_group_references": [{"priority": 1, "resource_arn": rules.arn}],
            },
            tags={"Name": name},
            opts=inside,
        )
        firewall = networkfirewall.Firewall(
            name,
            vpc_id=args["vpc_id"],
            firewall_policy_arn=policy.arn,
            subnet_mappings=[{"subnet_id": subnet} for subnet in args["subnet_ids"]],
            encryption_configuration=encryption,
            delete_protection=protect,
            subnet_change_protection=protect,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
        )
        # Under this prefix AWS shares one resource policy, which has a size limit, among all delivered logs:
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-CWL.html
        logs = cloudwatch.LogGroup(
            f"{name}-logs",
            # The account's other firewalls have log groups too.
            name_prefix=f"/aws/vendedlogs/network-firewall/{name}-",
            retention_in_days=args.get("log_days", 90),
            kms_key_id=args["kms_key_arn"],
            tags={"Name": f"{name}-logs"},
            # Deployed stacks have a group without the suffix, which a replacement would delete with its logs
            # (docs/adr/0002-account-wide-names.md).
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["name", "namePrefix"]),
        )
        networkfirewall.LoggingConfiguration(
            name,
            firewall_arn=firewall.arn,
            logging_configuration={
                "log_destination_configs": [
                    {
                        "log_type": kind,
                        "log_destination_type": "CloudWatchLogs",
                        "log_destination": {"logGroup": logs.name},
                    }
                    for kind in ("ALERT", "FLOW")
                ]
            },
            opts=inside,
        )
        self.endpoint_ids = [
            pulumi.Output.all(firewall.firewall_statuses, subnet).apply(lambda known: endpoint_in(*known))
            for subnet in args["subnet_ids"]
        ]
        self.register_outputs({"endpoint_ids": self.endpoint_ids})


def require_domains(component: str, domains: Sequence[str]) -> None:
    """Raises pulumi.RunError for what isn't a domain, and for more than the rule group can hold."""
    most = CAPACITY // len(PROTOCOLS)
    require(
        0 < len(domains) <= most,
        component,
        "allowed_domains",
        f"a list of {len(domains)}",
        f"1 to {most} domains",
        "name a parent domain with a leading dot in place of many hosts",
    )
    for domain in domains:
        require(
            DOMAIN.fullmatch(domain) is not None,
            component,
            "allowed_domains",
            domain,
            "a host name, or one with a leading dot for all of its subdomains",
            "write it like .example.com, without scheme, port or path",
        )


def endpoint_in(statuses: Sequence[Mapping[str, Any]], subnet: str) -> str:
    """The id of the firewall's endpoint in ``subnet``; AWS lists the zones in no fixed order."""
    for status in statuses:
        for state in status.get("sync_states") or []:
            for attachment in state.get("attachments") or []:
                if attachment.get("subnet_id") == subnet:
                    return str(attachment["endpoint_id"])
    raise pulumi.RunError(
        f"the network firewall has no endpoint in subnet {subnet}\n    to do:    run the update again"
    )
