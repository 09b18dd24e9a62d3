"""U2: one program for every stack; O1: what the document claims is what the program declares."""

from __future__ import annotations

import json

from infra.tests.program.graphs import STACKS, Graph, graph_of, on, simulated

# What a stack's configuration may leave out.


@on("prod")
def test_u2_staging_is_prod_made_small(graph: Graph) -> None:
    """All that exists in one exists in the other, or is a further one of its kind."""
    prod, staging = {each.type for each in graph.resources}, {each.type for each in graph_of("staging").resources}
    assert staging - prod == set()
    assert prod - staging <= {"aws:rds/proxy:Proxy", "aws:rds/proxyTarget:ProxyTarget"} | {
        "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup",
        "groundplan:index:DatabaseProxy",
    }, "only a small load needs no pool"


@on(*STACKS)
def test_u2_every_stack_exports_the_same(graph: Graph) -> None:
    assert set(graph.simulation.outputs) == {
        "url",
        "api",
        "images",
        "running",
        "dashboard",
        "issuer",
        "web_client_id",
        "authorize_url",
        "token_url",
    }
    assert graph.simulation.outputs["url"].startswith("https://")
    assert graph.simulation.outputs["api"].endswith("/api/v1")


@on(*STACKS)
def test_u2_stacks_of_one_account_never_meet(graph: Graph) -> None:
    """Names that are unique in an account carry the stack's."""
    scope = f"{graph.system.name}-{graph.environment.name}"
    for token, attribute in (
        ("aws:kms/alias:Alias", "name"),
        ("aws:eks/cluster:Cluster", "name"),
        ("aws:cloudwatch/dashboard:Dashboard", "dashboardName"),
        ("aws:ecr/repository:Repository", "name"),
        ("aws:cognito/userPoolDomain:UserPoolDomain", "domain"),
    ):
        for resource in graph.some(token):
            assert scope in resource.inputs[attribute], resource.urn
    others = [each for each in STACKS if each != graph.name]
    assert graph.plan.network.cidr not in {graph_of(each).plan.network.cidr for each in others}


@on("existing cluster")
def test_u2_a_cluster_that_is_there_is_used_and_left_alone(graph: Graph) -> None:
    brought = graph.environment.existing_cluster
    assert brought is not None
    made = {each.type for each in graph.resources}
    assert not made & {"aws:eks/cluster:Cluster", "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:eks/addon:Addon"}
    for group in graph.some("aws:rds/subnetGroup:SubnetGroup"):
        assert group.inputs["subnetIds"] == list(brought.data_subnet_ids), group.urn
    (balancer,) = graph.some("aws:lb/loadBalancer:LoadBalancer")
    assert balancer.inputs["subnets"] == list(brought.ingress_subnets)
    for association in graph.some("aws:eks/podIdentityAssociation:PodIdentityAssociation"):
        assert association.inputs["clusterName"] == brought.cluster_name, association.urn
    bindings = [each for each in graph.resources if each.type.endswith(":TargetGroupBinding")]
    assert {each.inputs["apiVersion"] for each in bindings} == {brought.target_group_binding}
    (provider,) = graph.some("pulumi:providers:kubernetes")
    assert provider.inputs["context"] == brought.context


@on("alone in dev")
def test_u2_a_stack_that_names_its_account_takes_no_other_accounts_credentials(graph: Graph) -> None:
    """e12: stacks of several accounts are told apart by number, not by whose credentials are at hand."""
    environment = graph.environment.model_copy(update={"account": "123456789012"})
    named = simulated("named account", graph.system, environment)
    assert named.simulation.refusals == ()
    for variant, wanted in ((graph, None), (named, {"123456789012"})):
        for provider in variant.some("pulumi:providers:aws"):
            given = provider.inputs.get("allowedAccountIds")
            found = json.loads(given) if isinstance(given, str) else given
            assert (set(found) if found else None) == wanted


@on("us-east-1")
def test_u2_in_cloudfronts_own_region_keys_and_alarms_are_shared(graph: Graph) -> None:
    scope = f"{graph.system.name}-{graph.environment.name}"
    assert [each.name for each in graph.some("groundplan:index:Keys")] == [scope]
    assert [each.name for each in graph.some("groundplan:index:AlarmTopic")] == ["alarms"]


@on("fifty services")
def test_u2_fifty_services_have_all_that_one_has(graph: Graph) -> None:
    assert len(graph.system.services) == 50
    deployments = {each.inputs["metadata"]["name"] for each in graph.some("kubernetes:apps/v1:Deployment")}
    assert deployments >= {workload.name for workload in graph.plan.workloads}
    assert len(graph.some("aws:ecr/repository:Repository")) == 50
    priorities = [each.inputs["priority"] for each in graph.some("aws:lb/listenerRule:ListenerRule")]
    assert len(set(priorities)) == len(priorities) <= 100, "AWS's quota of rules for a load balancer"
