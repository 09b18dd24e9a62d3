"""What holds of every graph, for any declaration."""

from __future__ import annotations

from infra.tests.program.graphs import ALL, Graph, on, simulated
from infra.tests.program.reading import comparable

PROVIDER = "pulumi:providers:"
# Their only resources are values that Pulumi itself keeps: there is nothing to configure a provider with.
NEEDS_NO_PROVIDER = {"random"}
# Belong to the whole cluster, or to a namespace that EKS owns.
CLUSTER_WIDE = {
    "kubernetes:core/v1:Namespace",
    "kubernetes:eks.amazonaws.com/v1:NodeClass",
    "kubernetes:karpenter.sh/v1:NodePool",
}
SYSTEM_OBJECTS = {"nodes-network-policies": "kube-system"}


def package(token: str) -> str:
    return token.partition(":")[0]


@on(*ALL, "longest names")
def test_the_cloud_refuses_nothing(graph: Graph) -> None:
    assert [str(refusal) for refusal in graph.simulation.refusals] == []
    assert [each.text for each in graph.simulation.messages if each.severity in ("warning", "error")] == []


@on(*ALL)
def test_each_resource_has_a_name_of_its_own(graph: Graph) -> None:
    urns = [resource.urn for resource in graph.resources]
    assert len(urns) > 400
    assert len(set(urns)) == len(urns)


@on(*ALL)
def test_every_resource_belongs_to_a_component(graph: Graph) -> None:
    orphans = [
        resource.urn
        for resource in graph.resources
        if resource.custom
        and not resource.type.startswith(PROVIDER)
        and (resource.parent not in graph.by_urn or graph.by_urn[resource.parent].custom)
    ]
    assert orphans == []


@on(*ALL)
def test_nothing_depends_on_what_does_not_exist(graph: Graph) -> None:
    depended = {
        urn
        for resource in graph.resources
        for urn in resource.dependencies.union(*resource.property_dependencies.values())
    }
    assert len(depended) > 100
    assert depended - graph.by_urn.keys() == set()


@on(*ALL)
def test_no_resource_uses_a_default_provider(graph: Graph) -> None:
    """No environment variable decides which account, region or cluster a resource lands in."""
    for resource in graph.resources:
        if (
            resource.custom
            and not resource.type.startswith(PROVIDER)
            and package(resource.type) not in NEEDS_NO_PROVIDER
        ):
            provider = graph.by_urn.get(resource.provider)
            assert provider is not None, f"{resource.urn} has the default provider"
            assert provider.type == f"{PROVIDER}{package(resource.type)}", resource.urn


@on(*ALL)
def test_every_aws_resource_lives_in_the_stacks_region_or_cloudfronts(graph: Graph) -> None:
    regions = {resource.region for resource in graph.resources if package(resource.type) == "aws"}
    assert regions == {graph.environment.region, "us-east-1"}


@on(*ALL)
def test_names_outlive_zone_account_and_region(graph: Graph) -> None:
    """Where any of these is part of a logical name, another one is another resource."""
    for resource in graph.resources:
        assert "123456789012" not in resource.name, resource.urn
        assert graph.environment.region not in resource.name, resource.urn
        assert "us-east-1" not in resource.name, resource.urn


@on(*ALL)
def test_uploads_that_were_given_up_leave_every_bucket(graph: Graph) -> None:
    """e12: their parts are no objects, so that no expiry of objects ends them."""
    ended = {
        str(each.inputs["bucket"])
        for each in graph.of("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
        if any(rule.get("abortIncompleteMultipartUpload") for rule in each.inputs["rules"])
    }
    assert [each.name for each in graph.some("aws:s3/bucket:Bucket") if each.id not in ended] == []


@on(*ALL)
def test_objects_on_the_cluster_die_with_it(graph: Graph) -> None:
    """A cluster made elsewhere outlives the stack, so there each object is deleted."""
    clusters = {cluster.urn for cluster in graph.of("aws:eks/cluster:Cluster")}
    expected = clusters if graph.environment.existing_cluster is None else {""}
    objects = [each for each in graph.resources if each.custom and each.type.startswith("kubernetes:")]
    assert len(expected) == 1
    assert len(objects) > 5
    assert {each.deleted_with for each in objects} == expected


@on(*ALL)
def test_objects_on_the_cluster_live_in_the_stacks_own_namespace(graph: Graph) -> None:
    (namespace,) = graph.some("kubernetes:core/v1:Namespace")
    own = f"{graph.system.name}-{graph.environment.name}"
    assert namespace.inputs["metadata"]["name"] == own
    for resource in graph.resources:
        if resource.custom and resource.type.startswith("kubernetes:") and resource.type not in CLUSTER_WIDE:
            expected = SYSTEM_OBJECTS.get(resource.name, own)
            assert resource.inputs["metadata"]["namespace"] == expected, resource.urn


@on("dev")
def test_the_same_program_twice_declares_the_same(graph: Graph) -> None:
    again = simulated("dev again", graph.system, graph.environment)
    assert {each.urn: comparable(each.inputs) for each in again.resources} == {
        each.urn: comparable(each.inputs) for each in graph.resources
    }
