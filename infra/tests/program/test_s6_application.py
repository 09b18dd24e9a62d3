"""S6: what can't be right is turned away early, and programs run with nothing to take."""

from __future__ import annotations

from groundplan.program.routes import METHODS
from infra.tests.program.graphs import EITHER_BROKER, Graph, on
from infra.tests.program.reading import openapi, pods, rule


@on(*EITHER_BROKER)
def test_s6_the_gateway_validates_every_request(graph: Graph) -> None:
    document = openapi(graph)
    assert document["x-amazon-apigateway-request-validator"] == "all"
    assert document["x-amazon-apigateway-request-validators"] == {
        "all": {"validateRequestBody": True, "validateRequestParameters": True}
    }


@on(*EITHER_BROKER)
def test_s6_bodies_have_the_declared_fields_and_no_others(graph: Graph) -> None:
    document = openapi(graph)
    for service in graph.system.services.values():
        for name, resource in service.resources.items():
            for operation in {"create", "update"} & resource.operations.keys():
                method, one = METHODS[operation]  # type: ignore[index]
                path = f"/v1/{resource.path(name)}" + ("/{id}" if one else "")
                body = document["paths"][path][method.lower()]["requestBody"]
                assert body["required"] is True
                reference = body["content"]["application/json"]["schema"]["$ref"]
                schema = document["components"]["schemas"][reference.rpartition("/")[2]]
                assert schema["additionalProperties"] is False, path
                assert schema["properties"].keys() == resource.fields.keys(), path
                required = {key for key, field in resource.fields.items() if field.required and key != resource.owner}
                assert set(schema.get("required", [])) == required, path


@on(*EITHER_BROKER)
def test_s6_firewalls_refuse_bodies_that_they_cannot_see_whole(graph: Graph) -> None:
    for scope in ("CLOUDFRONT", "REGIONAL"):
        found = rule(graph, scope, "body-size")
        statement = found["statement"]["sizeConstraintStatement"]
        assert (statement["comparisonOperator"], statement["size"]) == ("GT", 16 * 1024)
        assert statement["fieldToMatch"] == {"body": {"oversizeHandling": "MATCH"}}
        assert found["action"]["block"]["customResponse"]["responseCode"] == 413


@on("dev", "prod", "queues", "existing cluster", "pooled")
def test_s6_the_namespace_admits_restricted_pods_only(graph: Graph) -> None:
    (namespace,) = graph.some("kubernetes:core/v1:Namespace")
    labels = namespace.inputs["metadata"]["labels"]
    for mode in ("enforce", "audit", "warn"):
        assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"


@on("dev", "prod", "queues", "existing cluster", "pooled")
def test_s6_pods_have_no_privileges(graph: Graph) -> None:
    found = list(pods(graph))
    assert found
    for resource, pod in found:
        assert pod["automountServiceAccountToken"] is False, resource.urn
        assert pod["securityContext"]["runAsNonRoot"] is True, resource.urn
        assert pod["securityContext"]["runAsUser"] > 0, resource.urn
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, resource.urn
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(), resource.urn
        assert not any("hostPath" in volume for volume in pod["volumes"]), resource.urn
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, resource.urn
            assert context["privileged"] is False, resource.urn
            assert context["readOnlyRootFilesystem"] is True, resource.urn
            assert context["capabilities"] == {"drop": ["ALL"]}, resource.urn
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), resource.urn
            assert "memory" in container["resources"]["limits"], resource.urn


@on(*EITHER_BROKER)
def test_s6_images_are_scanned_and_stay_what_they_were(graph: Graph) -> None:
    repositories = graph.some("aws:ecr/repository:Repository")
    assert {each.inputs["name"].rpartition("/")[2] for each in repositories} == graph.system.services.keys()
    for repository in repositories:
        assert repository.inputs["imageTagMutability"] == "IMMUTABLE", repository.urn
        assert repository.inputs["imageScanningConfiguration"] == {"scanOnPush": True}, repository.urn
    for resource, pod in pods(graph):
        for container in pod["containers"]:
            assert "@sha256:" in container["image"], resource.urn
