"""S6: what can't be right is refused early, and pods run with nothing to take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundplan.cloud.model import Resource
from groundplan.controls.authentication import endpoints
from groundplan.controls.captured import DEPLOYMENT, CapturedProgram
from groundplan.controls.data import REPOSITORY
from groundplan.controls.model import Check, NotApplicable, control
from groundplan.controls.network import WEB_ACL
from groundplan.controls.reading import at, items, mappings

NAMESPACE = "kubernetes:core/v1:Namespace"
SEEN_BY_FIREWALLS = 16 * 1024
"""Bytes of a body that CloudFront's and API Gateway's web ACLs look at.

https://docs.aws.amazon.com/waf/latest/developerguide/waf-oversize-request-components.html
"""


@control(
    "S6.request-validation",
    "The gateway checks every request against its model before it arrives",
    "gateway.gateway",
    remedy="leave the validator to `Gateway`",
)
def request_validation(program: CapturedProgram, check: Check) -> None:
    if not program.rest_apis:
        check.missing("a REST API")
    for api, document in program.rest_apis:
        name = str(document.get("x-amazon-apigateway-request-validator"))
        validator = at(document, ("x-amazon-apigateway-request-validators", name))
        for setting in ("validateRequestBody", "validateRequestParameters"):
            check.that(at(validator, setting) is True, api, "body", f"{setting} in the validator of all operations")


@control(
    "S6.body-fields",
    "Bodies have the declared fields and no others",
    "gateway.gateway",
    remedy="declare the field in `system.yaml`; the schema follows from it",
)
def body_fields(program: CapturedProgram, check: Check) -> None:
    operations = {(path, method): (api, each) for api, path, method, each in program.operations()}
    documents = {api.urn: document for api, document in program.rest_apis}
    for endpoint in endpoints(program):
        if endpoint.operation not in ("create", "update"):
            continue
        name = f"{endpoint.method.upper()} {endpoint.path}"
        if (endpoint.path, endpoint.method) not in operations:
            check.missing(f"{name} in the gateway's OpenAPI document")
            continue
        api, operation = operations[endpoint.path, endpoint.method]
        body = at(operation, "requestBody")
        check.that(at(body, "required") is True, api, "body", f"a required body of {name}")
        schema = at(body, ("content", "application/json", "schema"))
        reference = str(at(schema, ("$ref",)))
        if reference.startswith("#/"):
            schema = at(documents[api.urn], tuple(reference.removeprefix("#/").split("/")))
        check.that(at(schema, "additionalProperties") is False, api, "body", f"no further fields in {name}")
        fields = endpoint.resource.written()
        found = set(at(schema, "properties") or {})
        check.that(found == set(fields), api, "body", f"the fields {', '.join(fields)} in {name}")
        required = {key for key, needed in fields.items() if needed}
        expected = f"required in {name}: {', '.join(sorted(required)) or 'nothing'}"
        check.that(set(items(at(schema, "required"))) == required, api, "body", expected)
    if not (check.evidence or check.findings):
        raise NotApplicable("no public operation takes a body")


@control(
    "S6.body-size",
    "Web firewalls refuse bodies that they can't see whole",
    "edge.web_acl",
    remedy="leave the rule `body-size` to `WebAcl`",
)
def body_size(_: CapturedProgram, check: Check) -> None:
    for acl in check.some(WEB_ACL):
        for index, rule in enumerate(mappings(acl.inputs.get("rules"))):
            if rule.get("name") == "body-size":
                path = f"rules.{index}.statement.sizeConstraintStatement"
                check.same(acl, f"{path}.comparisonOperator", "GT")
                check.same(acl, f"{path}.size", SEEN_BY_FIREWALLS)
                check.same(acl, f"{path}.fieldToMatch.body.oversizeHandling", "MATCH")
                check.same(acl, f"rules.{index}.action.block.customResponse.responseCode", 413)
                break
        else:
            check.missing("a rule `body-size`", acl, "rules")


@control(
    "S6.restricted-pods",
    "Namespaces admit restricted pods only (Pod Security)",
    "workload.namespace",
    remedy="declare the namespace with `Namespace`",
)
def restricted_pods(_: CapturedProgram, check: Check) -> None:
    for namespace in check.some(NAMESPACE):
        for mode in ("enforce", "audit", "warn"):
            path = ("metadata", "labels", f"pod-security.kubernetes.io/{mode}")
            check.same(namespace, path, "restricted")


@control(
    "S6.pod-privileges",
    "Pods run without privileges, on a read-only file system, within limits",
    "workload.workload",
    remedy="declare the pod with `Workload` or `Migration`, or set the same security context",
)
def pod_privileges(program: CapturedProgram, check: Check) -> None:
    found = list(program.pods())
    if not found:
        raise NotApplicable("no service has an image yet")
    for resource, pod in found:
        path = "spec.template.spec"
        check.same(resource, f"{path}.automountServiceAccountToken", False)
        check.same(resource, f"{path}.securityContext.runAsNonRoot", True)
        user = at(pod, "securityContext.runAsUser")
        root = not isinstance(user, int) or user <= 0
        check.that(not root, resource, f"{path}.securityContext.runAsUser", "a user other than root")
        check.same(resource, f"{path}.securityContext.seccompProfile.type", "RuntimeDefault")
        for field in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.get(field):
                check.missing("not set", resource, f"{path}.{field}", "true")
        for index, volume in enumerate(mappings(pod.get("volumes"))):
            if "hostPath" in volume:
                check.missing("no directory of the node", resource, f"{path}.volumes.{index}", "a hostPath")
        for group in ("containers", "initContainers"):
            for index, container in enumerate(mappings(pod.get(group))):
                _container(check, resource, f"{path}.{group}.{index}", container)


def _container(check: Check, resource: Resource, path: str, container: Mapping[str, Any]) -> None:
    check.same(resource, f"{path}.securityContext.allowPrivilegeEscalation", False)
    check.same(resource, f"{path}.securityContext.privileged", False)
    check.same(resource, f"{path}.securityContext.readOnlyRootFilesystem", True)
    check.same(resource, f"{path}.securityContext.capabilities.drop", ["ALL"])
    nonroot = at(container, "securityContext.runAsNonRoot")
    check.that(nonroot in (None, True), resource, f"{path}.securityContext.runAsNonRoot", "true")
    added = at(container, "securityContext.capabilities.add")
    if added:
        check.missing("no capability added", resource, f"{path}.securityContext.capabilities.add", str(added))
    for part, name in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
        place = f"{path}.resources.{part}.{name}"
        check.that(at(resource.inputs, place), resource, place, "an amount")


@control(
    "S6.images",
    "Images are scanned, their tags are immutable, and services' pods name them by digest",
    "delivery.images",
    remedy="declare the repository with `Images`, and give pods `repository@sha256:…` (`images` of the stack)",
)
def images(program: CapturedProgram, check: Check) -> None:
    for repository in check.some(REPOSITORY):
        check.same(repository, "imageTagMutability", "IMMUTABLE")
        check.same(repository, "imageScanningConfiguration.scanOnPush", True)
    services = {each.name for each in program.workloads}
    for resource, pod in program.pods():
        if str(at(resource.inputs, "metadata.name")) not in services and resource.type == DEPLOYMENT:
            continue
        for index, container in enumerate(mappings(pod.get("containers"))):
            path = f"spec.template.spec.containers.{index}.image"
            check.that("@sha256:" in str(container.get("image")), resource, path, "an image by its digest")
