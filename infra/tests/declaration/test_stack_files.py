"""`Pulumi.<stack>.yaml` read without an engine: the root's own stacks, and files that are wrong."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest
import yaml

from groundplan.declaration.model import System
from groundplan.stack.configuration import read_stack_file
from groundplan.stack.environment import Environment
from infra.tests.declaration.cases import problems_of
from infra.tests.samples import ROOT, STACKS, shop, stack

SECRET = "v1:Zm9vYmFy:c2VjcmV0LWNpcGhlcg=="

CLUSTER = """\
  shop:existing_cluster:
    context: prod
    cluster_name: shop-prod
    security_group_id: sg-0123456789abcdef0
    vpc_id: vpc-0123456789abcdef0
    vpc_cidr: 10.9.0.0/16
    private_subnet_ids: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
    data_subnet_ids: [subnet-0123456789abcdef2, subnet-0123456789abcdef3, subnet-0123456789abcdef4]
"""


def write(folder: Path, text: str, name: str = "Pulumi.prod.yaml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


@pytest.mark.parametrize("name", STACKS)
def test_the_stacks_of_the_root_are_sound(name: str) -> None:
    assert stack(name).name == name


def test_production_spells_out_the_safe_defaults() -> None:
    prod = stack("prod")
    defaults = Environment(name="prod", region=prod.region)
    differing = {key for key in Environment.model_fields if getattr(prod, key) != getattr(defaults, key)}
    assert differing == {"domain", "hosted_zone", "cluster_endpoint_cidrs"}


def test_development_is_cheap_and_may_be_destroyed() -> None:
    dev = stack("dev")
    assert (dev.load_share, dev.multi_zone, dev.read_replicas, dev.protect) == (0.05, False, False, False)
    assert (dev.shared_database, dev.database_proxy, dev.nat, dev.kafka) == (True, False, "single", "standard")
    assert (dev.backup_days, dev.log_days, dev.require_domain, dev.interface_endpoints) == (1, 7, False, False)
    assert dev.cluster_endpoint_cidrs == [IPv4Network("203.0.113.0/24")], "an example's: no deployment takes it"


def test_networks_of_the_stacks_can_be_peered() -> None:
    networks = [stack(name).vpc_cidr for name in STACKS]
    assert not any(a.overlaps(b) for a in networks for b in networks if a is not b)


def test_stack_files_explain_every_key_in_the_same_order() -> None:
    keys = []
    for name in STACKS:
        lines = (ROOT / f"Pulumi.{name}.yaml").read_text().splitlines()
        body = lines[lines.index("config:") + 1 :]
        assert all(line.startswith("  # ") for line in body[::2])
        keys.append([line.strip().removeprefix("# ").partition(": ")[0] for line in body[1::2]])
    assert keys[0] == keys[1] == keys[2]
    # A cluster that a user brings along, raised quotas, copies of backups, a runner in the network, and what stacks of
    # one account share, are for the few who need them; what is remembered or restored is written by
    # a command.
    rare = {
        "backup_compliance_after_days",
        "backup_copy_region",
        "backup_copy_vault_arn",
        "backup_opt_in",
        "backup_restore_test",
        "budget_tag",
        "cluster_viewer_role_arns",
        "delivery_role",
        "email_from",
        "email_identity_arn",
        "existing_cluster",
        "gateway_account_role",
        "oidc_provider",
        "oidc_provider_arn",
        "quotas",
        "remembered",
        "restored",
        "runner_connection_arn",
        "trace_share",
        "zones",
    }
    assert {key.rpartition(":")[2] for key in keys[0]} == set(Environment.model_fields) - {"name"} - rare


@pytest.mark.parametrize("name", STACKS)
def test_what_is_commented_out_is_right_as_well(name: str, tmp_path: Path) -> None:
    lines = (ROOT / f"Pulumi.{name}.yaml").read_text().splitlines()
    text = "\n".join(line.replace("  # shop:", "  shop:", 1) for line in lines)
    environment = read_stack_file(write(tmp_path, text, f"Pulumi.{name}.yaml"), shop())
    assert environment.images == {"order": "registry.example.com/shop/order:1.0.0"}
    assert environment.alarm_emails == ["oncall@example.com"]
    assert environment.domain is not None


def test_plain_and_quoted_values_are_the_same(tmp_path: Path) -> None:
    """`pulumi config set` writes everything as text; people write numbers and booleans."""
    text = "config:\n  aws:region: eu-west-1\n  shop:require_domain: {}\n  shop:load_share: {}\n  shop:log_days: {}\n"
    plain = read_stack_file(write(tmp_path, text.format("false", "0.5", "30")), shop())
    quoted = read_stack_file(write(tmp_path, text.format('"false"', '"0.5"', '"30"')), shop())
    assert plain == quoted
    assert (plain.require_domain, plain.load_share, plain.log_days) == (False, 0.5, 30)


def test_an_unquoted_version_is_refused_where_pulumi_would_shorten_it(tmp_path: Path) -> None:
    """Seen with the real engine: 1.30 without quotes reaches the program as 1.3."""
    text = "config:\n  aws:region: eu-west-1\n  shop:require_domain: false\n  shop:kubernetes_version: {}\n"
    (problem,) = problems_of(lambda: read_stack_file(write(tmp_path, text.format("1.30")), shop()))
    assert (problem.where, problem.value) == ("Pulumi.prod.yaml:4", '"1.3"')
    assert problem.expected == 'a minor version of Kubernetes in quotes such as "1.35"'
    assert read_stack_file(write(tmp_path, text.format("1.35")), shop()).kubernetes_version == "1.35"


@pytest.mark.parametrize(("written", "remedy"), [("yes", "write true"), ("1_000", "write 1000"), ("017", "write 15")])
def test_what_two_readers_of_yaml_take_differently_is_refused(written: str, remedy: str, tmp_path: Path) -> None:
    text = f"config:\n  aws:region: eu-west-1\n  shop:require_domain: false\n  shop:protect: {written}\n"
    (problem,) = problems_of(lambda: read_stack_file(write(tmp_path, text), shop()))
    assert (problem.where, problem.path, problem.value) == ("Pulumi.prod.yaml:4", "shop:protect", written)
    assert remedy in problem.remedy


def test_an_existing_cluster_with_its_secret(tmp_path: Path) -> None:
    text = (
        "config:\n  aws:region: eu-central-1\n  shop:require_domain: false\n"
        f"{CLUSTER}  shop:kubeconfig:\n    secure: {SECRET}\n"
    )
    cluster = read_stack_file(write(tmp_path, text), shop()).existing_cluster
    assert cluster is not None
    assert (cluster.context, str(cluster.vpc_cidr)) == ("prod", "10.9.0.0/16")


def test_other_namespaces_are_left_alone(tmp_path: Path) -> None:
    text = (
        "encryptionsalt: v1:x\nconfig:\n  aws:region: eu-central-1\n  aws:profile: me\n  other:domain: 5\n"
        "  shop:require_domain: false\n"
    )
    assert read_stack_file(write(tmp_path, text), shop()).region == "eu-central-1"


def test_problems_name_the_line(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "config:\n  aws:region: eu-centrall-1\n  shop:domain: shop.example.com\n  shop:hosted_zone: example.org\n"
        "  shop:images:\n    order: registry.example.com/order:latest\n    ordr: registry.example.com/order:1.0\n",
    )
    problems = problems_of(lambda: read_stack_file(file, shop()))
    assert [(problem.where, problem.path) for problem in problems] == [
        ("Pulumi.prod.yaml:2", "aws:region"),
        ("Pulumi.prod.yaml:4", "shop:hosted_zone"),
        ("Pulumi.prod.yaml:6", "shop:images.order"),
    ]
    assert problems[0].remedy == "did you mean `eu-central-1`?"


def test_a_missing_stack_file(tmp_path: Path) -> None:
    (problem,) = problems_of(lambda: read_stack_file(tmp_path / "Pulumi.qa.yaml", shop()))
    assert (problem.where, problem.value) == ("Pulumi.qa.yaml", "missing")


def test_a_stack_file_of_another_name(tmp_path: Path) -> None:
    (problem,) = problems_of(lambda: read_stack_file(tmp_path / "prod.yaml", shop()))
    assert (problem.where, problem.expected) == ("prod.yaml", "a file called Pulumi.<stack>.yaml")


def test_a_stack_file_without_configuration_says_what_is_needed(tmp_path: Path) -> None:
    problems = problems_of(lambda: read_stack_file(write(tmp_path, "config:\n"), shop()))
    assert [(problem.where, problem.path, problem.value) for problem in problems] == [
        ("Pulumi.prod.yaml:1", "aws:region", "missing"),
        ("Pulumi.prod.yaml:1", "shop:domain", "missing"),
    ]


def test_configuration_that_is_a_list(tmp_path: Path) -> None:
    (problem,) = problems_of(lambda: read_stack_file(write(tmp_path, "config: [a]\n"), shop()))
    assert (problem.path, problem.value, problem.expected) == ("config", "a list of 1 item", "a mapping")


def test_a_key_given_twice(tmp_path: Path) -> None:
    text = "config:\n  aws:region: eu-central-1\n  shop:require_domain: false\n  shop:nat: single\n  shop:nat: none\n"
    (problem,) = problems_of(lambda: read_stack_file(write(tmp_path, text), shop()))
    assert (problem.path, problem.expected) == ("shop:nat", "each key once; it stands on line 5 again")


def test_a_project_of_another_name(tmp_path: Path) -> None:
    """Under another name every key would belong to a stranger and silently be ignored."""
    write(tmp_path, "name: store\nruntime: python\n", "Pulumi.yaml")
    (problem,) = problems_of(lambda: read_stack_file(write(tmp_path, "config:\n"), shop()))
    assert (problem.where, problem.path, problem.value) == ("Pulumi.yaml:1", "name", '"store"')
    assert problem.remedy == "write `name: shop`, or rename the system"


@pytest.mark.parametrize(
    "text",
    [
        "config:\n  shop:kubeconfig: |\n    users: [{user: {token: hunter2-token}}]\n",
        "config:\n  shop:kubeconfig: {users: [{token: hunter2-token}], port: 010}\n",
        "config:\n  shop:kubeconfig: hunter2-token\n  shop:kubeconfig: hunter2-token\n",
        'config:\n  shop:kubeconfig: "hunter2-token\n',
        "config:\n  shop:kubeconfig: hunter2-token: x\n",
        "config:\n  shop:kubeconfig: [hunter2-token\n",
        "config:\n  shop:domain:\n    secure: hunter2-token\n",
        "config:\n  shop:existing_cluster:\n    context:\n      secure: hunter2-token\n",
        "config:\n  shop:images: {order: {secure: hunter2-token}}\n",
        "hunter2-token\n",
        "config: hunter2-token\n",
    ],
)
def test_a_secret_never_appears_in_a_message(text: str, tmp_path: Path) -> None:
    """S5: neither a kubeconfig that was pasted in plain text, nor cipher text."""
    problems = problems_of(lambda: read_stack_file(write(tmp_path, text), shop()))
    assert problems
    assert "hunter2" not in "\n".join(map(str, problems))


def test_a_system_may_have_another_name(tmp_path: Path) -> None:
    other: System = shop().model_copy(update={"name": "store"})
    text = yaml.safe_dump({"config": {"aws:region": "us-east-1", "store:require_domain": False, "shop:nat": "wrong"}})
    assert read_stack_file(write(tmp_path, text), other).region == "us-east-1"
