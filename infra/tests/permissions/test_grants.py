"""The pipeline's role: it deploys, changes and destroys its stack, and touches nothing else (e2)."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from groundplan.cli import foundation as command
from groundplan.cli.foundation import reading_for, with_growth
from groundplan.cli.stacks import Project
from groundplan.cloud import Resource, compiled
from groundplan.permissions import Call, Grants, Request, calls_of, decide, foundation, grants_of
from groundplan.permissions.calls import OPERATIONS, trusted_services, unknown_types
from groundplan.permissions.grants import ATTACHED_LIMIT, MANAGED_LIMIT, overreach
from groundplan.problems import Problem, ProblemsFound
from groundplan.rehearsal import growth
from groundplan.stack.scope import Scope
from infra.tests.program.graphs import Graph, simulated
from infra.tests.samples import shop, stack, with_images

ACCOUNT = "123456789012"
REPOSITORY = "example/shop"


@cache
def graph(name: str) -> Graph:
    environment = stack(name).model_copy(update={"repository": REPOSITORY})
    return simulated(name, shop(), with_images(environment, shop()))


@cache
def declared(name: str) -> tuple[Resource, ...]:
    """With what ten times the load brings of other types."""
    environment = graph(name).environment
    loaded = growth.more_load(shop())
    grown = simulated(name, loaded, with_images(environment, loaded))
    return tuple(with_growth(graph(name).resources, grown.resources))


@cache
def calls(name: str) -> tuple[Call, ...]:
    return tuple(calls_of(declared(name), graph(name).simulation.invoked))


@cache
def grants(name: str) -> Grants:
    return grants_of(Scope("shop", name), declared(name), calls(name), shop().services)


@cache
def reading(name: str) -> Grants:
    return reading_for(grants(name), calls(name))


STACKS = ("dev", "prod")


@pytest.mark.parametrize("name", STACKS)
def test_every_call_of_deploying_changing_and_destroying_is_granted(name: str) -> None:
    assert graph(name).simulation.refusals == ()
    refused = [f"{call}: {decision.reason}" for call in calls(name) if not (decision := grants(name).decide(call))]
    assert refused == []
    assert {call.operation for call in calls(name)} == set(OPERATIONS)
    assert len(calls(name)) > 5000


@pytest.mark.parametrize("name", STACKS)
def test_nothing_is_granted_that_no_call_needs(name: str) -> None:
    unused = grants(name).unused(calls(name))
    print(f"{name}: {len(grants(name).actions)} actions granted, unused: {unused or 'none'}")
    assert unused == []
    assert not [action for action in grants(name).actions if "*" in action]


@pytest.mark.parametrize("name", STACKS)
def test_a_role_can_hold_the_grants(name: str) -> None:
    """IAM: ten managed policies of 6,144 characters."""
    sizes = [len(json.dumps(each, separators=(",", ":"))) for each in (*grants(name).policies, grants(name).boundary)]
    assert max(sizes) <= MANAGED_LIMIT
    assert len(grants(name).policies) <= ATTACHED_LIMIT - 2, "room for what a system grows by"


def test_todays_grants_suffice_for_a_grown_system() -> None:
    """Ten times the load, a service more: no administrator has to come for that."""
    environment = graph("prod").environment
    loaded = growth.with_service(growth.more_load(shop()))
    grown = simulated("prod", loaded, with_images(environment, loaded))
    refused = {
        (call.action, call.type)
        for call in calls_of(grown.resources, grown.simulation.invoked)
        if not grants("prod").decide(call)
    }
    assert refused == set()


def test_growth_that_is_refused_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(*_: object) -> None:
        raise ProblemsFound([Problem("system.yaml:3", "requirements", "2e6", "less", "ask for less")])

    monkeypatch.setattr(command, "simulated", refused)
    assert command._grown(Project(Path(), shop(), {"prod": stack("prod")}), "prod") == ()
    said = capsys.readouterr().err
    assert "prod: grants hold what today's load takes" in said
    assert "ask for less" in said


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("other", ["shopping", "stall", "eu"], ids=str)
def test_no_call_reaches_what_another_stack_has_made(name: str, other: str) -> None:
    """Every call, as if another stack's resources were meant: `shop` is not `shopping`, `dev` not `dev-eu`."""
    stranger = Scope("shop", f"{name}-eu") if other == "eu" else Scope(other, name)
    assert [str(call) for call in overreach(grants(name), calls(name), stranger)] == []


def test_what_neither_name_nor_tag_keeps_apart_is_listed() -> None:
    """Each for want of anything narrower in IAM, and none of it holds data or opens the account."""
    for action, resource in grants("prod").account_wide:
        service, _, verb = action.partition(":")
        assert service in WITHOUT_TAGS, f"{action} on {resource}"
        assert service not in ("iam", "s3", "kms", "secretsmanager", "ec2")
        assert verb
    print(f"account-wide: {len(grants('prod').account_wide)}")


WITHOUT_TAGS = {
    "apigateway": "deployments, base paths and tags have paths of their own, without tags",
    "backup-storage": "the action has no resource",
    "cloudformation": "Cloud Control's calls name no resource; what they delete takes the role's own grant as well",
    "cloudfront": "policies, origin access controls and what is being made have no tags",
    "elasticloadbalancing": "SetWebACL has no resource",
    "kafka": "configurations have no tags",
    "logs": "queries and vended deliveries have no tags",
    "rds": "the default target group of a proxy has no tags",
    "route53": "health checks answer to no tags in policies",
    "serverlessrepo": "an application of AWS's",
    "wafv2": "a stage of API Gateway",
}

ROLE = f"arn:aws:iam::{ACCOUNT}:role"
REGION = f"eu-central-1:{ACCOUNT}"
FOREIGN_TAGS = {"aws:ResourceTag/system": "shopping", "aws:ResourceTag/environment": "prod"}
BOUND = {"iam:PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/delivery/shop-prod-boundary"}
FORBIDDEN: tuple[Request, ...] = (
    Request("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/mallory"),
    Request("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/admin"),
    Request("iam:CreateRole", f"{ROLE}/shop/prod/new"),
    Request(
        "iam:CreateRole", f"{ROLE}/shop/prod/new", {"iam:PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/own"}
    ),
    Request("iam:CreateRole", f"{ROLE}/shopping/prod/new", BOUND),
    Request("iam:CreateRole", f"{ROLE}/new", BOUND),
    Request("iam:DeleteRolePermissionsBoundary", f"{ROLE}/shop/prod/cluster-role-0123456"),
    Request("iam:PutRolePolicy", f"{ROLE}/delivery/shop-prod-pipeline", BOUND),
    Request("iam:AttachRolePolicy", f"{ROLE}/delivery/shop-prod-pipeline"),
    Request("iam:UpdateAssumeRolePolicy", f"{ROLE}/delivery/shop-prod-administrators"),
    Request("iam:CreatePolicyVersion", f"arn:aws:iam::{ACCOUNT}:policy/delivery/shop-prod-boundary"),
    Request("iam:PassRole", f"{ROLE}/shop/prod/cluster-role-0123456", {"iam:PassedToService": "lambda.amazonaws.com"}),
    Request("iam:PassRole", f"{ROLE}/delivery/shop-prod-pipeline", {"iam:PassedToService": "lambda.amazonaws.com"}),
    Request("iam:PassRole", f"{ROLE}/shopping/prod/cluster-role-0123456", {"iam:PassedToService": "eks.amazonaws.com"}),
    Request(
        "iam:CreateServiceLinkedRole", f"{ROLE}/aws-service-role/x/y", {"iam:AWSServiceName": "spot.amazonaws.com"}
    ),
    Request("sts:AssumeRole", f"{ROLE}/delivery/shop-prod-administrators"),
    Request("s3:DeleteBucket", "arn:aws:s3:::shopping-prod--event-log"),
    Request("s3:GetObject", "arn:aws:s3:::payroll/2026"),
    Request("s3:DeleteObject", "arn:aws:s3:::shop-prod-eu--site-0/index.html"),
    Request("kms:ScheduleKeyDeletion", f"arn:aws:kms:{REGION}:key/1", FOREIGN_TAGS),
    Request("kms:Decrypt", f"arn:aws:kms:{REGION}:key/1"),
    Request("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:secret:payroll-ab12cd", FOREIGN_TAGS),
    Request("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:secret:untagged-ab12cd"),
    Request("rds:DeleteDBInstance", f"arn:aws:rds:{REGION}:db:db-order-1", FOREIGN_TAGS),
    Request("rds:ModifyDBInstance", f"arn:aws:rds:{REGION}:db:untagged"),
    Request(
        "rds:AddTagsToResource",
        f"arn:aws:rds:{REGION}:db:db-order-1",
        {**FOREIGN_TAGS, "aws:RequestTag/system": "shop", "aws:RequestTag/environment": "prod"},
    ),
    Request("ec2:TerminateInstances", f"arn:aws:ec2:{REGION}:instance/i-1"),
    Request("ec2:AuthorizeSecurityGroupIngress", f"arn:aws:ec2:{REGION}:security-group/sg-1", FOREIGN_TAGS),
    Request("ec2:RunInstances", f"arn:aws:ec2:{REGION}:instance/*"),
    Request(
        "ec2:CreateTags",
        f"arn:aws:ec2:{REGION}:vpc/vpc-1",
        {"aws:RequestTag/system": "shop", "aws:RequestTag/environment": "prod"},
    ),
    Request("eks:DeleteCluster", f"arn:aws:eks:{REGION}:cluster/shopping-prod", FOREIGN_TAGS),
    Request("eks:CreateAccessEntry", f"arn:aws:eks:{REGION}:cluster/shopping-prod", FOREIGN_TAGS),
    Request(
        "route53:ChangeResourceRecordSets",
        "arn:aws:route53:::hostedzone/Z1",
        {"route53:ChangeResourceRecordSetsNormalizedRecordNames": ("example.com",)},
    ),
    Request("route53:DeleteHostedZone", "arn:aws:route53:::hostedzone/Z1"),
    Request("organizations:LeaveOrganization"),
    Request("cloudtrail:StopLogging", f"arn:aws:cloudtrail:{REGION}:trail/all"),
    Request("logs:DeleteLogGroup", f"arn:aws:logs:{REGION}:log-group:/aws/eks/shopping-prod/cluster", FOREIGN_TAGS),
    Request(
        "cloudwatch:PutMetricAlarm",
        f"arn:aws:cloudwatch:{REGION}:alarm:theirs",
        {**FOREIGN_TAGS, "aws:RequestTag/system": "shop", "aws:RequestTag/environment": "prod"},
    ),
)


@pytest.mark.parametrize("request_", FORBIDDEN, ids=lambda each: f"{each.action} {each.resource.rpartition(':')[2]}")
def test_what_the_pipeline_must_not_do_is_refused(request_: Request) -> None:
    assert not decide(request_, grants("prod").policies)


def test_the_neighbour_of_what_is_refused_is_granted() -> None:
    """Or the refusals above would prove nothing."""
    own = {"aws:ResourceTag/system": "shop", "aws:ResourceTag/environment": "prod"}
    for request in (
        Request("iam:CreateRole", f"{ROLE}/shop/prod/new", BOUND),
        Request("s3:DeleteBucket", "arn:aws:s3:::shop-prod--event-log-0"),
        Request("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:secret:db-ab12cd", own),
        Request("rds:DeleteDBInstance", f"arn:aws:rds:{REGION}:db:db-order-1", own),
        Request("iam:PassRole", f"{ROLE}/shop/prod/cluster-role-0123456", {"iam:PassedToService": "eks.amazonaws.com"}),
    ):
        assert decide(request, grants("prod").policies), request


@pytest.mark.parametrize("name", STACKS)
def test_roles_of_the_stack_stay_within_its_boundary(name: str) -> None:
    """All that they may do today, and none of what would make them more than that."""
    boundary = grants(name).boundary
    for resource in graph(name).simulation.of_type("aws:iam/rolePolicy:RolePolicy"):
        document = json.loads(resource.inputs["policy"])
        for statement in document["Statement"]:
            actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
            for action in actions:
                plain = action.replace("*", "Any")
                assert decide(
                    Request(plain, "*"),
                    [{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}],
                    boundary,
                ), action
    everything = [{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}]
    for action in (
        "iam:CreateUser",
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "organizations:LeaveOrganization",
        "account:CloseAccount",
    ):
        assert not decide(Request(action, "*"), everything, boundary), action
    assert not decide(Request("sts:AssumeRole", f"{ROLE}/delivery/shop-{name}-pipeline"), everything, boundary)


@pytest.mark.parametrize("name", STACKS)
def test_each_role_says_whose_it_is_and_is_bound(name: str) -> None:
    """11 of 26 were named in a way that no pattern held apart."""
    roles = graph(name).simulation.of_type("aws:iam/role:Role")
    assert len(roles) > 20
    assert {role.inputs.get("path") for role in roles} == {f"/shop/{name}/"}
    assert all(str(role.inputs["permissionsBoundary"]).endswith(f"/delivery/shop-{name}-boundary") for role in roles)
    for bucket in graph(name).simulation.of_type("aws:s3/bucket:Bucket"):
        assert bucket.id.startswith(f"shop-{name}--"), bucket.id
        assert len(bucket.id) <= 63


def test_deployed_roles_and_buckets_keep_their_names() -> None:
    """A path or another name would replace them, and with a role the cluster."""
    for token, kept in (("aws:iam/role:Role", {"path"}), ("aws:s3/bucket:Bucket", {"bucket", "bucketPrefix"})):
        for resource in graph("prod").simulation.of_type(token):
            assert kept <= set(resource.ignore_changes)


def test_passed_roles_go_to_the_services_that_their_trust_names() -> None:
    passed = {
        (call.resource, call.context["iam:PassedToService"]) for call in calls("prod") if call.action == "iam:PassRole"
    }
    roles = {str(each.outputs["arn"]): each for each in declared("prod") if each.type == "aws:iam/role:Role"}
    assert len(passed) > 10
    for arn, service in passed:
        assert service in trusted_services(roles[arn].inputs["assumeRolePolicy"])


def test_every_declared_type_has_known_calls() -> None:
    """And every call is one that IAM has."""
    for name in STACKS:
        assert unknown_types(graph(name).resources) == []
    known = compiled.actions()
    for action in compiled.call_facts():
        service, _, verb = action.partition(":")
        assert not known[service] or verb.lower() in known[service], action


def test_the_calls_that_aws_lists_for_each_type_are_there() -> None:
    """By the handlers of CloudFormation: what makes and what deletes a thing must be among its calls."""
    for token, by_operation in compiled.calls().items():
        written = [action for operation in ("create", "update", "delete") for action in by_operation.get(operation, ())]
        assert written or token in ("aws:acm/certificateValidation:CertificateValidation",), token
        assert by_operation.get("create"), token


def test_the_foundation_says_it_all_and_no_account(tmp_path: Path) -> None:
    assert foundation.write(tmp_path, grants("prod"), reading("prod"), "eu-central-1", REPOSITORY, None)
    assert not foundation.write(tmp_path, grants("prod"), reading("prod"), "eu-central-1", REPOSITORY, None), (
        "nothing changed"
    )
    text = (tmp_path / "foundation" / "pipeline.prod.json").read_text()
    assert ACCOUNT not in text
    assert max(map(len, text.splitlines())) < 9000
    policies, boundary = foundation.deployed(text)
    assert [call for call in calls("prod") if not decide(call.request, policies)] == []
    assert boundary == grants("prod").boundary
    resources = json.loads(text)["Resources"]
    trust = resources["Pipeline"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
    claim = "token.actions.githubusercontent.com:sub"
    assert trust["Condition"]["StringEquals"][claim] == f"repo:{REPOSITORY}:environment:prod"
    for name in ("Pipeline", "Administrators"):
        assert resources[name]["Properties"]["Path"] == "/delivery/"


@pytest.mark.parametrize("name", STACKS)
def test_who_looks_for_drift_only_reads(name: str) -> None:
    """Every morning, without a reviewer."""
    writes = [call for call in calls(name) if call.operation != "read" and call.action not in reading(name).actions]
    assert [call for call in calls(name) if call.operation == "read" and not reading(name).decide(call)] == []
    assert writes
    assert not [call for call in writes if reading(name).decide(call)]
    changing = re.compile(
        r":(Create|Delete|Put|Update|Modify|Attach|Detach|Tag|Untag|Run|Terminate|PassRole|POST|PATCH)"
    )
    assert not [action for action in reading(name).actions if changing.search(action)]


def test_cluster_entries_are_of_their_own_whoever_deploys() -> None:
    """e3: the pipeline, administrators and people; never the one who happened to deploy."""
    viewer = f"arn:aws:iam::{ACCOUNT}:role/support"
    environment = graph("dev").environment.model_copy(update={"cluster_viewer_role_arns": [viewer]})
    found = simulated("dev", shop(), environment)
    entries = {each.name: each.inputs["principalArn"] for each in found.of("aws:eks/accessEntry:AccessEntry")}
    node = entries.pop("cluster-node")
    assert "/shop/dev/cluster-node-role" in node
    assert entries == {
        "cluster-admin-administrators": f"{ROLE}/delivery/shop-dev-administrators",
        "cluster-admin-pipeline": f"{ROLE}/delivery/shop-dev-pipeline",
        "cluster-viewer-drift": f"{ROLE}/delivery/shop-dev-reader",
        "cluster-viewer-support": viewer,
    }
    policies = {
        each.name: each.inputs["policyArn"].rpartition("/")[2]
        for each in found.of("aws:eks/accessPolicyAssociation:AccessPolicyAssociation")
    }
    assert policies["cluster-viewer-support"] == "AmazonEKSAdminViewPolicy"
    assert policies["cluster-admin-pipeline"] == "AmazonEKSClusterAdminPolicy"


def test_the_entry_of_an_earlier_deployer_is_taken_over() -> None:
    """EKS allows one entry for a principal: a second one beside it would be refused."""
    entry = next(
        each
        for each in graph("dev").of("aws:eks/accessEntry:AccessEntry")
        if each.name == "cluster-admin-administrators"
    )
    assert any("cluster-admin-deployer" in alias for alias in entry.aliases)
