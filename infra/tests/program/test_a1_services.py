"""A1, A4, R1: one way in, and from there each request to the service that owns it."""

from __future__ import annotations

import json

from groundplan.cloud import Resource
from groundplan.program.routes import METHODS
from infra.tests.program.graphs import Graph, on
from infra.tests.program.reading import DEPLOYMENT, JOB, openapi, operations, settings

RULE = "aws:lb/listenerRule:ListenerRule"
TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"
BINDING = "TargetGroupBinding"


def forwarding(graph: Graph) -> list[tuple[int, set[str], set[str] | None, str]]:
    """Priority, paths, methods (None: all) and target group of every rule, in the order in which they are asked."""
    found = []
    for rule in graph.some(RULE):
        (action,) = rule.inputs["actions"]
        if action["type"] != "forward":
            continue
        paths: set[str] = set()
        methods: set[str] | None = None
        for condition in rule.inputs["conditions"]:
            paths |= set(condition.get("pathPattern", {}).get("values", []))
            if "httpRequestMethod" in condition:
                methods = set(condition["httpRequestMethod"]["values"])
        found.append((rule.inputs["priority"], paths, methods, action["targetGroupArn"]))
    return sorted(found, key=lambda each: each[0])


def target(graph: Graph, method: str, path: str) -> Resource:
    """The target group that a request ends at."""
    arns = {each.outputs["arn"]: each for each in graph.some(TARGET_GROUP)}
    for _, paths, methods, arn in forwarding(graph):
        if path in paths and (methods is None or method in methods):
            return arns[arn]
    raise AssertionError(f"{method} {path} leads nowhere")


def workload_behind(graph: Graph, group: Resource) -> str:
    """The workload whose pods are bound to the target group."""
    (binding,) = [
        each
        for each in graph.resources
        if each.type.endswith(f":{BINDING}") and each.inputs["spec"]["targetGroupARN"] == group.outputs["arn"]
    ]
    name = binding.inputs["metadata"]["name"]
    assert binding.inputs["spec"]["serviceRef"] == {"name": name, "port": "http"}
    assert binding.inputs["spec"]["targetType"] == "ip"
    return str(name)


@on("dev", "prod", "queues", "internal service", "no CQRS", "one service", "response cache")
def test_r1_the_api_is_what_the_declaration_says(graph: Graph) -> None:
    expected = {}
    for service in graph.system.services.values():
        for name, resource in service.resources.items():
            if service.exposure == "public":
                for operation in resource.operations:
                    method, one = METHODS[operation]
                    expected[f"/v1/{resource.path(name)}" + ("/{id}" if one else ""), method.lower()] = operation
    found = {
        (path, method): operation["operationId"].partition("-")[0] for path, method, operation in operations(graph)
    }
    assert found == expected


@on("dev", "prod", "queues")
def test_r2_lists_take_pages_an_order_and_filters(graph: Graph) -> None:
    paths = openapi(graph)["paths"]
    for service in graph.system.services.values():
        for name, resource in service.resources.items():
            parameters = {each["name"] for each in paths[f"/v1/{resource.path(name)}"]["get"]["parameters"]}
            assert parameters >= {"page", "limit", "sort", "cursor", *resource.fields}


@on("dev", "prod", "queues", "existing cluster")
def test_a1_requests_reach_the_service_that_owns_the_resource(graph: Graph) -> None:
    """A4: with CQRS reads end at the query pods, all else at the command pods."""
    for name, service in graph.system.services.items():
        for singular, resource in service.resources.items():
            for path in (f"/api/v1/{resource.path(singular)}", f"/api/v1/{resource.path(singular)}/*"):
                for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
                    role = ("query" if method in ("GET", "HEAD") else "command") if service.cqrs else "api"
                    assert workload_behind(graph, target(graph, method, path)) == f"{name}-{role}", f"{method} {path}"


@on("dev", "prod", "queues")
def test_a1_the_gateway_reaches_services_by_the_private_load_balancer_alone(graph: Graph) -> None:
    (balancer,) = graph.some("aws:lb/loadBalancer:LoadBalancer")
    (link,) = graph.some("aws:apigatewayv2/vpcLink:VpcLink")
    for path, method, operation in operations(graph):
        integration = operation["x-amazon-apigateway-integration"]
        assert integration["connectionType"] == "VPC_LINK", f"{method} {path}"
        assert integration["connectionId"] == link.id
        assert integration["integrationTarget"] == balancer.outputs["arn"]
        assert integration["uri"].endswith(f"/api{path}")
        assert integration["timeoutInMillis"] <= 29_000


@on("dev", "prod", "queues")
def test_a1_a_new_route_makes_a_new_deployment(graph: Graph) -> None:
    """API Gateway serves a snapshot: it must be made anew whenever the document changes."""
    (deployment,) = graph.some("aws:apigateway/deployment:Deployment")
    (stage,) = graph.some("aws:apigateway/stage:Stage")
    assert len(deployment.inputs["triggers"]["routes"]) == 64
    assert stage.inputs["deployment"] == deployment.id
    assert not deployment.delete_before_replace


@on("dev", "prod", "queues", "existing cluster", "sharded")
def test_a1_every_planned_workload_is_deployed_after_its_migration(graph: Graph) -> None:
    deployments = {each.inputs["metadata"]["name"]: each for each in graph.some(DEPLOYMENT)}
    for workload in graph.plan.workloads:
        deployment = deployments.pop(workload.name)
        (container,) = deployment.inputs["spec"]["template"]["spec"]["containers"]
        assert container["image"] == graph.environment.images[workload.service]
        assert container["args"] == [workload.role]
        job = graph.one(JOB, f"{workload.service}-migration-job")
        annotations = deployment.inputs["metadata"].get("annotations", {})
        assert annotations.get("groundplan/migration") == job.inputs["metadata"]["name"]
    assert not [name for name in deployments if not name.endswith("-readers")]


@on("dev", "prod", "queues")
def test_a1_rollouts_lose_no_request(graph: Graph) -> None:
    for workload in graph.plan.workloads:
        spec = graph.one(DEPLOYMENT, f"{workload.name}-deployment").inputs["spec"]
        assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        pod = spec["template"]["spec"]
        (container,) = pod["containers"]
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()
        assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
        assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
        if workload.role in ("api", "command", "query"):
            settle = container["lifecycle"]["preStop"]["sleep"]["seconds"]
            group = next(each for each in graph.some(TARGET_GROUP) if workload_behind(graph, each) == workload.name)
            assert pod["terminationGracePeriodSeconds"] > settle + group.inputs["deregistrationDelay"]


@on("no images")
def test_a1_services_without_an_image_are_left_out_and_named(graph: Graph) -> None:
    assert graph.of(DEPLOYMENT) == ()
    assert graph.of(JOB) == ()
    assert len(graph.some("aws:ecr/repository:Repository")) == len(graph.system.services)
    (text,) = [each.text for each in graph.simulation.messages if "left out" in each.text]
    assert text.startswith("user, order, payment left out")
    assert "pulumi config set --path images.user <repository>@<digest>" in text
    assert set(graph.simulation.outputs["images"]) == graph.system.services.keys()


@on("dev", "prod", "queues")
def test_a4_commands_and_queries_are_processes_of_their_own(graph: Graph) -> None:
    for name, service in graph.system.services.items():
        roles = {workload.role for workload in graph.plan.workloads_of(name)}
        assert roles >= ({"command", "query", "projector"} if service.cqrs else {"api"})
        assert not (roles & {"api"} and service.cqrs)


@on("prod", "queues", "sharded")
def test_a4_queries_read_replicas_and_commands_write_the_primary(graph: Graph) -> None:
    assert any(service.cqrs for service in graph.system.services.values())
    for name, service in graph.system.services.items():
        if service.cqrs:
            query, command = settings(graph, f"{name}-query"), settings(graph, f"{name}-command")
            assert query["DATABASE_WRITER_CONNECTIONS"] == "0"
            assert int(query["DATABASE_READER_CONNECTIONS"]) > 0
            assert command["DATABASE_READER_CONNECTIONS"] == "0"
            assert int(command["DATABASE_WRITER_CONNECTIONS"]) > 0
            assert all(shard["readers"] for shard in json.loads(query["DATABASE_SHARDS"]))


@on("dev", "prod", "queues")
def test_a4_a_stream_of_its_own_feeds_the_read_model(graph: Graph) -> None:
    for name, service in graph.system.services.items():
        if service.cqrs:
            (topic,) = [each for each in graph.plan.events.topics if name in each.projectors]  # type: ignore[union-attr]
            assert topic.publisher == name
            assert topic.consumers == ()
            sources = json.loads(settings(graph, f"{name}-projector")["EVENT_SOURCES"])
            assert list(sources) == [topic.event]
            assert topic.event in json.loads(settings(graph, f"{name}-relay")["EVENT_TOPICS"])
