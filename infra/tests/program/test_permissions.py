"""IAM says what is needed and no more (P3, S4)."""

from __future__ import annotations

import json

from groundplan.cloud import Resource
from infra.tests.program.graphs import ALL, Graph, on
from infra.tests.program.reading import Statement, statements

ROLE_POLICIES = ("aws:iam/policy:Policy", "aws:iam/rolePolicy:RolePolicy")
ROLE = "aws:iam/role:Role"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
# The one action among ours that AWS lets nobody narrow: the token that it gives is the registry's.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
NARROWS_TO_NOTHING = {"ecr:GetAuthorizationToken"}
# AWS's own policies, each made for the one service that is given it.
MANAGED = {
    "AmazonAPIGatewayPushToCloudWatchLogs",
    "AWSBackupServiceRolePolicyForBackup",
    "AWSBackupServiceRolePolicyForS3Backup",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
    "AmazonEKSWorkerNodeMinimalPolicy",
    "AmazonRDSEnhancedMonitoringRole",
    "CloudWatchAgentServerPolicy",
}
# Of the pipeline alone, which changes whatever the program declares: `groundplan_components.delivery.pipeline` says
# how far it reaches.
OF_THE_PIPELINE = {"PowerUserAccess"}
RESOURCE_POLICIES = (
    "aws:backup/vaultPolicy:VaultPolicy",
    "aws:kms/key:Key",
    "aws:msk/clusterPolicy:ClusterPolicy",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:secretsmanager/secretPolicy:SecretPolicy",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:sqs/queuePolicy:QueuePolicy",
)


def role_statements(graph: Graph) -> list[tuple[Resource, Statement]]:
    return [
        (each, one) for token in ROLE_POLICIES for each in graph.of(token) for one in statements(each.inputs["policy"])
    ]


@on(*ALL)
def test_s4_no_role_may_do_everything(graph: Graph) -> None:
    found = role_statements(graph)
    assert len(found) > 10
    for policy, statement in found:
        assert statement["Effect"] == "Allow", policy.urn
        for action in statement["Action"]:
            service, _, name = action.partition(":")
            assert service.isidentifier() or "-" in service, f"{policy.urn} allows {action}"
            assert name.rstrip("*"), f"{policy.urn} allows {action}"
        assert "NotAction" not in statement, policy.urn
        assert "NotResource" not in statement, policy.urn


@on(*ALL)
def test_s4_every_role_names_what_it_may_touch(graph: Graph) -> None:
    for policy, statement in role_statements(graph):
        if "*" in statement["Resource"]:
            assert "Condition" in statement or set(statement["Action"]) <= NARROWS_TO_NOTHING, (
                f"{policy.urn}: {statement}"
            )


@on(*ALL)
def test_s4_roles_are_given_only_the_managed_policies_made_for_them(graph: Graph) -> None:
    pipelines = {each.urn for each in graph.of("groundplan:index:Delivery")}
    for attachment in graph.some(ATTACHMENT):
        name = attachment.inputs["policyArn"].rpartition("/")[2]
        assert name in (MANAGED | OF_THE_PIPELINE if attachment.parent in pipelines else MANAGED), attachment.urn
    assert len(pipelines) == (1 if graph.environment.repository else 0)


@on(*ALL)
def test_s4_every_role_trusts_one_named_service_or_the_pipeline(graph: Graph) -> None:
    for role in graph.some(ROLE):
        for statement in statements(role.inputs["assumeRolePolicy"]):
            (kind,) = statement["Principal"]
            assert kind in ("Service", "Federated"), role.urn
            assert "*" not in json.dumps(statement["Principal"]), role.urn
            assert kind == "Service" or "StringEquals" in statement["Condition"], role.urn


@on(*ALL)
def test_s4_nobody_outside_is_let_in_by_a_resource(graph: Graph) -> None:
    """Whoever is anybody (`*`) is only ever denied; services act for this account or for one resource of it."""
    for token in RESOURCE_POLICIES:
        for each in graph.of(token):
            for statement in statements(each.inputs["policy"]):
                if statement["Effect"] == "Allow":
                    assert statement["Principal"] != "*", each.urn
                    assert "*" not in statement["Principal"].values(), each.urn


@on("repository")
def test_s4_the_pipeline_is_trusted_for_one_repository_and_environment(graph: Graph) -> None:
    (role,) = [each for each in graph.some(ROLE) if each.inputs.get("path") == "/delivery/"]
    (statement,) = statements(role.inputs["assumeRolePolicy"])
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": "repo:example/shop:environment:dev",
        }
    }
    assert graph.simulation.outputs["delivery_role"] == role.outputs["arn"]


@on("dev", "prod", "queues")
def test_s4_pods_act_as_a_role_of_their_own(graph: Graph) -> None:
    """Each service account has one, which no other service account can assume."""
    scope = f"{graph.system.name}-{graph.environment.name}"
    accounts = {each.inputs["metadata"]["name"] for each in graph.some("kubernetes:core/v1:ServiceAccount")}
    roles = {each.outputs["arn"]: each for each in graph.some(ROLE)}
    bound = {}
    for association in graph.some("aws:eks/podIdentityAssociation:PodIdentityAssociation"):
        if association.inputs["namespace"] != scope:
            continue
        account = association.inputs["serviceAccount"]
        (statement,) = statements(roles[association.inputs["roleArn"]].inputs["assumeRolePolicy"])
        assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
        assert statement["Condition"]["StringEquals"] == {
            "aws:RequestTag/kubernetes-namespace": scope,
            "aws:RequestTag/kubernetes-service-account": account,
        }
        bound[account] = association.inputs["roleArn"]
    assert bound.keys() == accounts
    assert len(set(bound.values())) == len(bound)
    for account in graph.some("kubernetes:core/v1:ServiceAccount"):
        assert account.inputs["automountServiceAccountToken"] is False, account.urn
