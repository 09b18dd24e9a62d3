"""A1, A4, R1: one way in, and from there each request to the service that owns it."""

from __future__ import annotations

import json

from groundplan.capacity.quotas import planned_use
from groundplan.cloud import Resource
from groundplan.controls import assess
from infra.tests.program.graphs import Graph, on
from infra.tests.program.reading import DEPLOYMENT, JOB, openapi, settings

RULE = "aws:lb/listenerRule:ListenerRule"
TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"


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


@on("dev", "prod", "queues")
def test_r2_lists_take_pages_an_order_and_filters(graph: Graph) -> None:
    paths = openapi(graph)["paths"]
    for service in graph.system.services.values():
        for name, resource in [(name, each) for name, of in service.resources.items() for each in of.versions()]:
            path = resource.collection(name).removeprefix("/api")
            parameters = {each["name"] for each in paths[path]["get"]["parameters"]}
            assert parameters >= {"page", "limit", "sort", "cursor", *resource.fields}


@on("pair of queues")
def test_r1_each_version_of_an_api_is_routed_and_has_its_own_fields(graph: Graph) -> None:
    document = openapi(graph)
    bodies = {
        version: document["paths"][f"/{version}/orders"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        for version in ("v1", "v2")
    }
    fields = {
        version: set(document["components"]["schemas"][body["$ref"].rpartition("/")[2]]["properties"])
        for version, body in bodies.items()
    }
    assert fields["v1"] - fields["v2"] == {"state", "remark"}
    assert fields["v2"] - fields["v1"] == {"status"}
    for method in ("GET", "POST"):
        assert len({target(graph, method, f"/api/{version}/orders").urn for version in ("v1", "v2")}) == 1
    uses = {each.quota.key: each.now for each in planned_use(graph.plan, graph.system, graph.environment)}
    # The root, health, v1 and v2; three resources, one of them twice, each with `{id}`.
    assert uses["gateway_resources"] == 2 + 2 + 2 * 4
    verdicts = assess(graph.captured)
    of_routes = ("A1.routing", "S3.operation-scopes", "S6.request-validation", "S6.body-fields")
    assert {name: verdicts[name].findings for name in of_routes} == dict.fromkeys(of_routes, ())


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
