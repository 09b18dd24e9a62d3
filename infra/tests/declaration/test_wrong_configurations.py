"""Wrong stack configurations: each refused with its key, what was expected and the command that mends it."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from groundplan.problems import Problem
from groundplan.stack.configuration import Secret, environment_from
from groundplan.stack.environment import Environment
from infra.tests.declaration.cases import problems_of
from infra.tests.samples import shop

WHERE = "Pulumi.prod.yaml"
SOUND = {"aws:region": "eu-central-1", "shop:domain": "shop.example.com", "shop:hosted_zone": "example.com"}
CLUSTER = {
    "context": "prod",
    "cluster_name": "shop-prod",
    "security_group_id": "sg-0123456789abcdef0",
    "vpc_id": "vpc-0123456789abcdef0",
    "vpc_cidr": "10.9.0.0/16",
    "private_subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    "data_subnet_ids": ["subnet-0123456789abcdef2", "subnet-0123456789abcdef3", "subnet-0123456789abcdef4"],
}
WITH_CLUSTER = {"shop:existing_cluster": json.dumps(CLUSTER), "shop:kubeconfig": Secret.VALUE}


@dataclass(frozen=True)
class Wrong:
    """Changes to a sound configuration (None removes a key), and the problem that must be the only one."""

    id: str
    changes: dict[str, object]
    path: str
    value: str
    expected: str
    remedy: str
    stack: str = "prod"


def read(changes: dict[str, object], name: str = "prod") -> Environment:
    values = {key: value for key, value in {**SOUND, **changes}.items() if value is not None}
    return environment_from(values, name, shop(), WHERE)


def refused(changes: dict[str, object], name: str = "prod") -> tuple[Problem, ...]:
    return problems_of(lambda: read(changes, name))


def cluster(**changes: object) -> dict[str, object]:
    return {**WITH_CLUSTER, "shop:existing_cluster": json.dumps({**CLUSTER, **changes})}


CASES = [
    Wrong("no region", {"aws:region": None}, "aws:region", "missing", "the AWS region of the stack",
          "`pulumi config set aws:region eu-central-1 --stack prod`"),
    Wrong("unknown region", {"aws:region": "eu-central-9"}, "aws:region", '"eu-central-9"',
          "a region of AWS's commercial partition", "did you mean `eu-central-"),
    Wrong("region with two zones", {"aws:region": "us-west-1"}, "aws:region", '"us-west-1"',
          "a region with three availability zones", "choose us-west-2"),
    Wrong("region of another partition", {"aws:region": "cn-north-1"}, "aws:region", '"cn-north-1"',
          "a region of AWS's commercial partition", "did you mean"),
    Wrong("encrypted region", {"aws:region": Secret.VALUE}, "aws:region", "encrypted", "a plain value: it is no secret",
          "`pulumi config set aws:region <value> --stack prod`"),
    Wrong("S2 prod without a domain", {"shop:domain": None, "shop:hosted_zone": None}, "shop:domain", "missing",
          "without one TLS 1.3 can't be insisted on (S2)",
          "`pulumi config set shop:domain shop.example.com --stack prod`"),
    Wrong("zone without a domain", {"shop:domain": None, "shop:require_domain": "false"}, "shop:hosted_zone",
          "example.com", "a zone only together with a domain",
          "`pulumi config set shop:domain example.com --stack prod`"),
    Wrong("domain without a zone", {"shop:hosted_zone": None}, "shop:hosted_zone", "missing",
          "the Route 53 zone that holds shop.example.com",
          "`pulumi config set shop:hosted_zone example.com --stack prod`"),
    Wrong("zone of another domain", {"shop:hosted_zone": "ample.com"}, "shop:hosted_zone", "ample.com",
          "a zone that holds the domain shop.example.com", "correct one of the two"),
    Wrong("domain as an address", {"shop:domain": "https://Shop.Example.com/api"}, "shop:domain",
          '"https://Shop.Example.com/api"', "a public host name", "write shop.example.com"),
    Wrong("domain with a wildcard", {"shop:domain": "*.example.com"}, "shop:domain", '"*.example.com"',
          "a public host name", "lower-case letters, digits, hyphens and dots only"),
    Wrong("domain that is no public one", {"shop:domain": "shop.internal"}, "shop:domain", '"shop.internal"',
          "no public certificate is issued under .internal", "use a domain that you have registered"),
    Wrong("domain longer than a certificate's name", {"shop:domain": f"{'a' * 50}.example.com"}, "shop:domain",
          f'"{"a" * 50}.example…', "at most 60 characters", "lower-case letters"),
    Wrong("empty domain", {"shop:domain": ""}, "shop:domain", '""', "a public host name", "lower-case letters"),
    Wrong("misspelt key", {"shop:load_shar": "0.5"}, "shop:load_shar", "",
          "one of the keys `aws:region`, `shop:account`", "did you mean `shop:load_share`?"),
    Wrong("unknown key", {"shop:zzz": "1"}, "shop:zzz", "", "one of the keys", "remove it"),
    Wrong("region in the wrong namespace", {"shop:region": "eu-west-1"}, "shop:region", "", "one of the keys",
          "did you mean `aws:region`?"),
    Wrong("stack name as a key", {"shop:name": "prod"}, "shop:name", "", "one of the keys",
          "remove it: a stack is named by its file"),
    Wrong("key without its namespace", {"nat": "single"}, "nat", "", "the project's name before the key",
          "write `shop:nat`"),
    Wrong("key in the form of old Pulumi", {"shop:config:nat": "single"}, "shop:config:nat", "",
          "the project's name before the key", "write `shop:nat`"),
    Wrong("yes for true", {"shop:multi_zone": "yes"}, "shop:multi_zone", '"yes"', "true or false",
          "write true or false"),
    Wrong("load share in percent", {"shop:load_share": "20"}, "shop:load_share", "20", "at most 1", "lower it"),
    Wrong("no load", {"shop:load_share": "0"}, "shop:load_share", "0", "more than 0", "raise it"),
    Wrong("load share that is no number", {"shop:load_share": "NaN"}, "shop:load_share", "nan", "a finite number",
          "plain digits"),
    Wrong("days that CloudWatch lacks", {"shop:log_days": "8"}, "shop:log_days", "8", "one of `1`, `3`, `5`, `7`",
          "choose one of"),
    Wrong("unknown NAT", {"shop:nat": "per_az"}, "shop:nat", '"per_az"',
          "one of `none`, `single`, `per_zone` or `regional`", "did you mean `per_zone`?"),
    Wrong("no way to Cognito's keys", {"shop:nat": "none"}, "shop:nat", "none",
          "a way to Cognito's signing keys", "`pulumi config set shop:nat single --stack prod`"),
    Wrong("S1 firewall with nothing to inspect", {"shop:nat": "none", "shop:network_firewall": "true"},
          "shop:nat", "none", "a way to Cognito's signing keys",
          "`pulumi config set shop:nat single --stack prod`"),
    Wrong("S1 firewall beside a NAT that has no subnet",
          {"shop:nat": "regional", "shop:network_firewall": "true"}, "shop:network_firewall", "true",
          "`nat` single or per_zone beside it, not regional", "shop:network_firewall false --stack prod`"),
    Wrong("a quota that is none", {"shop:quotas": '{"rds_instance": 60}'}, "shop:quotas.rds_instance", "",
          "the name of a quota", "did you mean `rds_instances`?"),
    Wrong("a quota that no one raises", {"shop:quotas": '{"iam_inline_policy": 20000}'},
          "shop:quotas.iam_inline_policy", "set", "no one raises",
          "`pulumi config rm --path 'shop:quotas.iam_inline_policy' --stack prod`"),
    Wrong("a quota of nothing", {"shop:quotas": '{"rds_instances": 0}'}, "shop:quotas.rds_instances", "0",
          "more than 0", "raise it"),
    Wrong("mail without a sender",
          {"shop:email_identity_arn": "arn:aws:ses:eu-central-1:111122223333:identity/example.com"},
          "shop:email_from", "missing", "together, or neither", "`pulumi config set shop:email_from "),
    Wrong("mail from no one",
          {"shop:email_identity_arn": "arn:aws:ses:eu-central-1:111122223333:identity/example.com",
           "shop:email_from": "Shop"}, "shop:email_from", "Shop", "a name and an address", "correct the address"),
    Wrong("public address space", {"shop:vpc_cidr": "8.8.0.0/16"}, "shop:vpc_cidr", '"8.8.0.0/16"',
          "a range inside one of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10", "write 10.0.0.0/16"),
    Wrong("address space too large", {"shop:vpc_cidr": "10.0.0.0/8"}, "shop:vpc_cidr", '"10.0.0.0/8"',
          "a range from /16 (AWS's largest) to /20", "write 10.0.0.0/16"),
    Wrong("address space too small", {"shop:vpc_cidr": "10.4.5.0/24"}, "shop:vpc_cidr", '"10.4.5.0/24"', "to /20",
          "write 10.4.0.0/16"),
    Wrong("address inside a range", {"shop:vpc_cidr": "10.0.0.5/16"}, "shop:vpc_cidr", '"10.0.0.5/16"',
          "the first address of a range", "write 10.0.0.0/16"),
    Wrong("no address", {"shop:vpc_cidr": "10.0.0.300/16"}, "shop:vpc_cidr", '"10.0.0.300/16"',
          "an address range such as 10.0.0.0/16", "four numbers up to 255"),
    Wrong("T4 protection without backups", {"shop:backup_days": "3"}, "shop:backup_days", "3",
          "at least 7 days, since `protect` is true", "`pulumi config set shop:backup_days 14 --stack prod`"),
    Wrong("backups that RDS does not keep", {"shop:backup_days": "40"}, "shop:backup_days", "40", "at most 35",
          "lower it"),
    Wrong("S1 cluster open to everybody", {"shop:cluster_endpoint_cidrs": '["0.0.0.0/0"]'},
          "shop:cluster_endpoint_cidrs[0]", "0.0.0.0/0", "not the whole internet",
          "`pulumi config set --path 'shop:cluster_endpoint_cidrs[0]' 203.0.113.0/24 --stack prod`"),
    Wrong("S1 half of the internet", {"shop:cluster_endpoint_cidrs": '["203.0.113.0/24", "128.0.0.0/1"]'},
          "shop:cluster_endpoint_cidrs[1]", "128.0.0.0/1", "a /8 or smaller", "with your own addresses"),
    Wrong("private addresses on the public side", {"shop:cluster_endpoint_cidrs": '["10.0.0.0/16"]'},
          "shop:cluster_endpoint_cidrs[0]", '"10.0.0.0/16"', "public addresses", "remove this one"),
    Wrong("network twice", {"shop:cluster_endpoint_cidrs": '["203.0.113.0/24", "203.0.113.0/24"]'},
          "shop:cluster_endpoint_cidrs", "a list of 2 items", 'each entry once; "203.0.113.0/24" is there twice',
          "remove one of the two"),
    Wrong("networks as text", {"shop:cluster_endpoint_cidrs": "203.0.113.0/24"}, "shop:cluster_endpoint_cidrs",
          '"203.0.113.0/24"', "a list", 'write it as a list: ["203.0.113.0/24"]'),
    Wrong("user for a role", {"shop:cluster_admin_role_arns": '["arn:aws:iam::111122223333:user/me"]'},
          "shop:cluster_admin_role_arns[0]", '"arn:aws:iam::111122223333:user/me"', "a role's ARN", "correct it"),
    Wrong("unknown kind of broker", {"shop:kafka": "serverless"}, "shop:kafka", '"serverless"',
          "one of `standard` or `express`", "choose one of"),
    Wrong("shortened version", {"shop:kubernetes_version": "1.3"}, "shop:kubernetes_version", '"1.3"',
          "a minor version of Kubernetes in quotes", "write it as EKS lists it"),
    Wrong("version before Auto Mode", {"shop:kubernetes_version": "1.28"}, "shop:kubernetes_version", '"1.28"',
          "1.29 or later, as EKS Auto Mode demands", "write a version that EKS supports"),
    Wrong("unsupported PostgreSQL", {"shop:postgres_version": "18"}, "shop:postgres_version", '"18"',
          "one of `15`, `16` or `17`", "choose one of"),
    Wrong("image of an unknown service", {"shop:images": '{"ordr": "registry.example.com/order:1.0"}'},
          "shop:images.ordr", "registry.example.com/order:1.0", "a service that system.yaml declares",
          "did you mean `order`?"),
    Wrong("image that moves", {"shop:images": '{"order": "registry.example.com/order:latest"}'}, "shop:images.order",
          '"registry.example.com/order:latest"', "a tag other than `latest`, or a digest",
          "write registry.example.com/order:<tag> or registry.example.com/order@sha256:<digest>"),
    Wrong("image without a tag", {"shop:images": '{"order": "registry.example.com:5000/order"}'}, "shop:images.order",
          '"registry.example.com:5000/order"', "a tag other than `latest`, or a digest",
          "write registry.example.com:5000/order:<tag>"),
    Wrong("no image reference", {"shop:images": '{"order": "Registry/Order:1 0"}'}, "shop:images.order",
          '"Registry/Order:1 0"', "an image reference", "correct the reference"),
    Wrong("images as text", {"shop:images": "order=1.0"}, "shop:images", '"order=1.0"', "a mapping", "`name: …` lines"),
    Wrong("no e-mail address", {"shop:alarm_emails": '["oncall"]'}, "shop:alarm_emails[0]", '"oncall"',
          "an e-mail address", "correct the address"),
    Wrong("budget of nothing", {"shop:budget": "0"}, "shop:budget", "0", "more than 0", "raise it"),
    Wrong("budget that is no number", {"shop:budget": "much"}, "shop:budget", '"much"', "a number",
          "write it in plain digits"),
    Wrong("tag without a value", {"shop:budget": "10", "shop:budget_tag": "environment"}, "shop:budget_tag",
          '"environment"', "a tag's key and value", "correct it"),
    Wrong("tag without a budget", {"shop:budget_tag": "environment=prod"}, "shop:budget_tag", "environment=prod",
          "a tag only together with a budget", "`pulumi config set shop:budget 10000 --stack prod`"),
    Wrong("no repository", {"shop:repository": "https://github.com/example/shop"}, "shop:repository",
          '"https://github.com/example/shop"', "a GitHub repository: owner/name", "correct it"),
    Wrong("no identity provider", {"shop:oidc_provider_arn": "github"}, "shop:oidc_provider_arn", '"github"',
          "an identity provider's ARN", "correct it"),
    Wrong("identity provider without a pipeline", {"shop:oidc_provider": "true"}, "shop:oidc_provider", "true",
          "a `repository` whose pipeline signs in by it",
          "`pulumi config set shop:repository <owner>/<name> --stack prod`"),
    Wrong("two identity providers", {"shop:oidc_provider": "true", "shop:repository": "example/shop",
          "shop:oidc_provider_arn": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},
          "shop:oidc_provider", "true", "no provider of this stack's own",
          "`pulumi config rm shop:oidc_provider --stack prod`"),
    Wrong("S5 kubeconfig in plain text", {**cluster(), "shop:kubeconfig": "apiVersion: v1"}, "shop:kubeconfig",
          "in plain text", "an encrypted value",
          "`pulumi config set --secret shop:kubeconfig --stack prod < kubeconfig.yaml`"),
    Wrong("cluster without its kubeconfig", {**cluster(), "shop:kubeconfig": None}, "shop:kubeconfig", "missing",
          "the credentials of the existing cluster, encrypted", "`pulumi config set --secret shop:kubeconfig"),
    Wrong("kubeconfig without its cluster", {"shop:kubeconfig": Secret.VALUE}, "shop:kubeconfig", "set",
          "no kubeconfig without `shop:existing_cluster`", "`pulumi config rm shop:kubeconfig --stack prod`"),
    Wrong("encrypted setting", {"shop:nat": Secret.VALUE}, "shop:nat", "encrypted", "a plain value: it is no secret",
          "`pulumi config set shop:nat <value> --stack prod`"),
    Wrong("version of a cluster that is there", {**cluster(), "shop:kubernetes_version": "1.35"},
          "shop:kubernetes_version", "set", "no such key together with `existing_cluster`",
          "`pulumi config rm shop:kubernetes_version --stack prod`"),
    Wrong("cluster without a network", cluster(vpc_id=None), "shop:existing_cluster.vpc_id", "empty", "text",
          "give it a value, or remove the line"),
    Wrong("cluster in another security group", cluster(security_group_id="default"),
          "shop:existing_cluster.security_group_id", '"default"', "a security group's id", "correct it"),
    Wrong("cluster with one subnet", cluster(data_subnet_ids=["subnet-0123456789abcdef2"]),
          "shop:existing_cluster.data_subnet_ids", "a list of 1 item", "at least 2 entries", "add what is missing"),
    Wrong("cluster with two zones for Kafka",
          cluster(data_subnet_ids=["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"]),
          "shop:existing_cluster.data_subnet_ids", "2 subnets", "3 subnets, each in another zone: Kafka keeps 3 copies",
          "choose the broker `sqs`"),
    Wrong("cluster whose load balancer has one zone",
          cluster(ingress_subnets={"subnet-0123456789abcdef5": "10.9.9.0/27"}),
          "shop:existing_cluster.ingress_subnets", "1 subnet", "2 subnets at least", "name one more"),
    Wrong("cluster whose load balancer stands among pods",
          cluster(ingress_subnets={"subnet-0123456789abcdef0": "10.9.9.0/27",
                                   "subnet-0123456789abcdef6": "10.9.9.32/27"}),
          "shop:existing_cluster.ingress_subnets.subnet-0123456789abcdef0", "subnet-0123456789abcdef0",
          "no pod may have an address in it", "make a subnet of at least a /27"),
    Wrong("cluster whose load balancer is in another network",
          cluster(ingress_subnets={"subnet-0123456789abcdef5": "10.8.9.0/27",
                                   "subnet-0123456789abcdef6": "10.9.9.32/27"}),
          "shop:existing_cluster.ingress_subnets.subnet-0123456789abcdef5", "10.8.9.0/27", "a part of 10.9.0.0/16",
          "correct it"),
    Wrong("cluster with a nameless context", cluster(context=" "), "shop:existing_cluster.context", '" "',
          "one line of text", "write it"),
    Wrong("cluster with an unknown key", cluster(vpc="x"), "shop:existing_cluster.vpc", '"x"',
          "one of the keys `context`", "did you mean `vpc_id`?"),
    Wrong("cluster with a DNS name", cluster(dns_addresses=["dns.local"]), "shop:existing_cluster.dns_addresses[0]",
          '"dns.local"', "an IPv4 address", "correct the address"),
    Wrong("memory of too small a database",
          {"shop:remembered": {"databases": {"order": {"storage_gb": 5, "max_storage_gb": 40}}}},
          "shop:remembered.databases.order.storage_gb", "5", "at least 20", "run `make remember STACK=prod`"),
    Wrong("memory of a ceiling below the storage",
          {"shop:remembered": {"databases": {"order": {"storage_gb": 400, "max_storage_gb": 40}}}},
          "shop:remembered.databases.order", "a mapping of 2 keys", "at least storage_gb, 400",
          "run `make remember STACK=prod`"),
    Wrong("memory as text", {"shop:remembered": "order.placed: 27"}, "shop:remembered", '"order.placed: 27"',
          "a mapping", "run `make remember STACK=prod`"),
    Wrong("memory of part of a partition",
          {"shop:remembered": {"kafka": {"kind": "express", "brokers": 3, "topics": {"order.placed": 1.5}}}},
          "shop:remembered.kafka.topics.order.placed", "1.5", "a whole number", "run `make remember STACK=prod`"),
    Wrong("memory of another broker", {"shop:remembered": {"kafka": {"kind": "sqs", "brokers": 3}}},
          "shop:remembered.kafka.kind", '"sqs"', "one of `standard` or `express`", "run `make remember STACK=prod`"),
    Wrong("memory of something else", {"shop:remembered": {"topic": {}}},
          "shop:remembered.topic", "an empty mapping", "one of the keys", "run `make remember STACK=prod`"),
    Wrong("encrypted memory", {"shop:remembered": Secret.VALUE}, "shop:remembered", "encrypted", "a plain value",
          "make remember STACK=prod"),
    Wrong("stack name in capitals", {}, "", '"Prod"', "lower-case letters", "`pulumi stack init <name>`", stack="Prod"),
    Wrong("stack name too long", {}, "", '"production-eu"', "at most 12 characters", "`pulumi stack init <name>`",
          stack="production-eu"),
    Wrong("stack name that Cognito refuses", {}, "", '"aws-prod"', "a name without `aws`", "`pulumi stack init <name>`",
          stack="aws-prod"),
]  # fmt: skip


@pytest.mark.parametrize("wrong", CASES, ids=lambda wrong: wrong.id)
def test_a_wrong_setting_is_the_only_problem_said(wrong: Wrong) -> None:
    problems = refused(wrong.changes, wrong.stack)
    assert len(problems) == 1, "\n".join(map(str, problems))
    problem = problems[0]
    assert (problem.where, problem.path, problem.value) == (WHERE, wrong.path, wrong.value)
    assert wrong.expected in problem.expected
    assert wrong.remedy in problem.remedy


def test_every_mistake_is_said_at_once() -> None:
    """The misspelt domain is not said to be missing too."""
    problems = refused(
        {
            "aws:region": "us-west-1",
            "shop:domian": "x",
            "shop:domain": None,
            "shop:protect": "yes",
            "shop:nat": "none",
        }
    )
    assert [problem.path for problem in problems] == ["aws:region", "shop:domian", "shop:protect", "shop:nat"]


def test_structured_values_come_as_data_or_as_json() -> None:
    """A file holds data, the engine hands over JSON."""
    as_data = read({"shop:alarm_emails": ["oncall@example.com"], "shop:cluster_endpoint_cidrs": ["203.0.113.0/24"]})
    as_json = read({"shop:alarm_emails": '["oncall@example.com"]', "shop:cluster_endpoint_cidrs": '["203.0.113.0/24"]'})
    assert as_data == as_json


def test_memory_comes_as_data_or_as_json() -> None:
    memory = {
        "databases": {"order": {"storage_gb": 400, "max_storage_gb": 510}},
        "kafka": {"kind": "express", "brokers": 3, "topics": {"order.placed": 27}},
    }
    as_data, as_json = read({"shop:remembered": memory}), read({"shop:remembered": json.dumps(memory)})
    assert as_data == as_json
    assert as_data.remembered.kafka is not None
    assert as_data.remembered.kafka.topics == {"order.placed": 27}


@pytest.mark.parametrize("value", ["[" * 100_000, "1" * 5000, "{", '"\ud800"', "[NaN]", "null", "-0", "1e999"])
def test_odd_json_is_only_a_wrong_value(value: str) -> None:
    assert refused({"shop:load_share": value})
    assert refused({"shop:images": value})


@pytest.mark.parametrize("network", ["10.100.0.0/16", "172.20.0.0/16", "192.168.0.0/16", "100.64.0.0/16"])
def test_networks_on_eks_own_defaults_are_fine(network: str) -> None:
    """The cluster's service addresses evade the network: no range has to be refused for them."""
    assert str(read({"shop:vpc_cidr": network}).vpc_cidr) == network


def test_an_unprotected_stack_may_be_open_and_without_backups() -> None:
    environment = read(
        {"shop:protect": "false", "shop:backup_days": "1", "shop:cluster_endpoint_cidrs": '["0.0.0.0/0"]'}, "dev"
    )
    assert (environment.protect, environment.backup_days) == (False, 1)


def test_the_domain_may_be_the_zone_itself() -> None:
    assert read({"shop:domain": "example.com"}).domain == "example.com"
