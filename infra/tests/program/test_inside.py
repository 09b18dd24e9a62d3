"""The pipeline's jobs run inside, where a private cluster can be reached (e4)."""

from __future__ import annotations

import json
from functools import cache

from groundplan.controls import assess
from infra.tests.program.graphs import Graph, few, simulated
from infra.tests.samples import stack, with_images

CONNECTION = "arn:aws:codeconnections:eu-central-1:123456789012:connection/0f5706ce-1d3a-4cc9-9d4c-4f6b1f2b9a11"
PROJECT = "aws:codebuild/project:Project"


@cache
def graph() -> Graph:
    system = few("order")
    settings = {"repository": "example/shop", "cluster_endpoint_cidrs": [], "runner_connection_arn": CONNECTION}
    return simulated("prod", system, with_images(stack("prod").model_copy(update=settings), system))


def test_runners_stand_in_the_private_subnets_and_reach_the_cluster() -> None:
    assert graph().simulation.refusals == ()
    (project,) = graph().some(PROJECT)
    tiers = {each.id: each.inputs["tags"]["tier"] for each in graph().some("aws:ec2/subnet:Subnet")}
    assert {tiers[each] for each in project.inputs["vpcConfig"]["subnets"]} == {"private"}
    (group,) = project.inputs["vpcConfig"]["securityGroupIds"]
    rules = graph().some("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    (opened,) = [each for each in rules if each.inputs.get("referencedSecurityGroupId") == group]
    (cluster,) = graph().some("aws:eks/cluster:Cluster")
    assert opened.inputs["securityGroupId"] == cluster.outputs["vpcConfig"]["clusterSecurityGroupId"]
    assert (opened.inputs["fromPort"], opened.inputs["toPort"]) == (443, 443)
    assert cluster.inputs["vpcConfig"]["endpointPublicAccess"] is False


def test_they_take_this_repositorys_jobs_and_no_pushes() -> None:
    (project,) = graph().some(PROJECT)
    assert project.inputs["name"] == "shop-prod-runner", "workflows name it"
    assert project.inputs["source"]["location"] == "https://github.com/example/shop.git"
    (hook,) = graph().some("aws:codebuild/webhook:Webhook")
    assert hook.inputs["filterGroups"] == [{"filters": [{"type": "EVENT", "pattern": "WORKFLOW_JOB_QUEUED"}]}]


def test_the_machine_itself_may_next_to_nothing() -> None:
    """A job signs in by GitHub's token; a pull request's code on this machine finds no one's rights."""
    (role,) = [each for each in graph().of("aws:iam/role:Role") if each.name.startswith("shop-prod-runner")]
    (policy,) = [each for each in graph().of("aws:iam/rolePolicy:RolePolicy") if each.inputs["role"] == role.id]
    actions = {action for each in json.loads(policy.inputs["policy"])["Statement"] for action in each["Action"]}
    assert {action.partition(":")[0] for action in actions} == {"logs", "ec2", "codeconnections"}
    assert not [
        each
        for each in graph().of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if each.inputs["role"] == role.id
    ]


def test_every_control_holds_with_them() -> None:
    found = [str(finding) for verdict in assess(graph().captured).values() for finding in verdict.findings]
    assert found == []
