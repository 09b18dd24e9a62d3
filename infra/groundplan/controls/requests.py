"""A1, R1: one way in, and from there each request to the service that owns it."""

from __future__ import annotations

from groundplan.cloud.model import Resource
from groundplan.controls.authentication import endpoints
from groundplan.controls.captured import JOB, SERVING, CapturedProgram
from groundplan.controls.model import Check, NotApplicable, control
from groundplan.controls.network import STAGE
from groundplan.controls.reading import at, items, mappings
from groundplan.controls.workloads import deployed

RULE = "aws:lb/listenerRule:ListenerRule"
TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"
BINDING = ":TargetGroupBinding"
LONGEST_MS = 29_000
"""API Gateway's default limit of an integration."""
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")


@control(
    "R1.routes",
    "The API has the declared operations and no others",
    "gateway.gateway",
    remedy="declare the operation under `operations` in `system.yaml`",
)
def routes(program: CapturedProgram, check: Check) -> None:
    wanted = {(each.path, each.method) for each in endpoints(program)}
    found = {}
    for api, path, method, operation in program.operations():
        if operation.get("operationId") != "health":
            found[path, method] = api
            if (path, method) in wanted:
                check.shown(api, "body")
    check.sets({f"{m.upper()} {p}" for p, m in wanted}, {f"{m.upper()} {p}" for p, m in found}, "the operation")
    if not wanted and not check.findings:
        raise NotApplicable("no service is public")


def _forwarding(program: CapturedProgram) -> list[tuple[int, set[str], set[str] | None, str]]:
    """Priority, paths, methods (None: all) and target group of every rule, in the order in which they are asked."""
    found = []
    for rule in program.of(RULE):
        for action in mappings(rule.inputs.get("actions")):
            if action.get("type") != "forward":
                continue
            paths: set[str] = set()
            methods: set[str] | None = None
            for condition in mappings(rule.inputs.get("conditions")):
                paths |= {str(each) for each in items(at(condition, "pathPattern.values"))}
                if "httpRequestMethod" in condition:
                    methods = {str(each) for each in items(at(condition, "httpRequestMethod.values"))}
            found.append((int(rule.inputs.get("priority") or 0), paths, methods, str(action.get("targetGroupArn"))))
    return sorted(found, key=lambda each: each[0])


def _bound(program: CapturedProgram) -> dict[str, Resource]:
    """The binding of each target group, by its ARN."""
    return {
        str(at(each.inputs, "spec.targetGroupARN")): each for each in program.resources if each.type.endswith(BINDING)
    }


@control(
    "A1.routing",
    "Each request reaches the service that owns the resource; with CQRS, reads and writes apart (A4)",
    "gateway.load_balancer",
    "workload.workload",
    remedy="leave routes to `declare_balancer` and `declare_services`",
)
def routing(program: CapturedProgram, check: Check) -> None:
    rules = _forwarding(program)
    bound = _bound(program)
    declared = [(name, each) for name, each in program.services.items() if each.exposure == "public"]
    if not declared:
        raise NotApplicable("no public service has an image yet")
    for name, service in declared:
        for singular, resource in service.resources.items():
            collections = [version.collection(singular) for version in resource.versions()]
            for path in (f"{collection}{below}" for collection in collections for below in ("", "/*")):
                for method in METHODS:
                    role = ("query" if method in ("GET", "HEAD") else "command") if service.cqrs else "api"
                    arn = next((a for _, paths, m, a in rules if path in paths and (m is None or method in m)), "")
                    binding = bound.get(arn)
                    if binding is None:
                        check.missing(f"a rule that leads {method} {path} to {name}-{role}")
                        continue
                    expected = f"{name}-{role} for {method} {path}"
                    check.that(
                        at(binding.inputs, "spec.serviceRef.name") == f"{name}-{role}",
                        binding,
                        "spec.serviceRef.name",
                        expected,
                    )
                    check.same(binding, "spec.targetType", "ip")


@control(
    "A1.private-route",
    "The gateway reaches services by the private load balancer alone",
    "gateway.gateway",
    remedy="leave integrations to `Gateway`",
)
def private_route(program: CapturedProgram, check: Check) -> None:
    balancers = {str(each.outputs.get("arn")) for each in check.some("aws:lb/loadBalancer:LoadBalancer")}
    links = {each.id for each in check.some("aws:apigatewayv2/vpcLink:VpcLink")}
    for api, path, method, operation in program.operations():
        if operation.get("operationId") == "health":
            continue
        integration = at(operation, ("x-amazon-apigateway-integration",))
        right = (
            at(integration, "connectionType") == "VPC_LINK"
            and at(integration, "connectionId") in links
            and at(integration, "integrationTarget") in balancers
            and str(at(integration, "uri")).endswith(f"/api{path}")
        )
        check.that(right, api, "body", f"{method.upper()} {path} by the VPC link to the load balancer")
        timeout = at(integration, "timeoutInMillis")
        limited = isinstance(timeout, int) and timeout <= LONGEST_MS
        check.that(limited, api, "body", f"at most {LONGEST_MS} ms for {method.upper()} {path}")


@control(
    "A1.deployments",
    "A new route makes a new deployment of the API",
    "gateway.gateway",
    remedy="leave triggers of the deployment to `Gateway`",
)
def deployments(program: CapturedProgram, check: Check) -> None:
    """API Gateway serves a snapshot: it must be made anew whenever the document changes."""
    found = program.by_id("aws:apigateway/deployment:Deployment")
    for stage in check.some(STAGE):
        deployment = found.get(str(stage.inputs.get("deployment")))
        if deployment is None:
            check.missing("a deployment of this stack", stage, "deployment")
            continue
        digest = str(at(deployment.inputs, "triggers.routes"))
        check.that(len(digest) == 64, deployment, "triggers.routes", "the document's SHA-256")
        if deployment.delete_before_replace:
            check.missing("the old one is kept until the new one serves", deployment, "", "deleted first")


@control(
    "A1.migrations",
    "Every planned workload is deployed, after its service's migration",
    "workload.workload",
    "workload.migration",
    remedy="pass `migration` to `Workload`, as `declare_services` does",
)
def migrations(program: CapturedProgram, check: Check) -> None:
    jobs = program.objects(JOB)
    for workload, deployment in deployed(program, check):
        check.same(deployment, "spec.template.spec.containers.0.args", [workload.role])
        image = program.environment.images[workload.service]
        check.same(deployment, "spec.template.spec.containers.0.image", image)
        path = ("metadata", "annotations", "groundplan/migration")
        job = jobs.get(str(at(deployment.inputs, path)))
        own = job is not None and program.environment_of(job).get("SERVICE_NAME") == workload.service
        check.that(own, deployment, path, f"the migration of {workload.service}")


@control(
    "A1.rollouts",
    "Rollouts lose no request",
    "workload.workload",
    remedy="declare pods with `Workload`, which starts new pods before it ends old ones",
)
def rollouts(program: CapturedProgram, check: Check) -> None:
    groups = program.by_output(TARGET_GROUP, "arn")
    delays = {
        str(at(binding.inputs, "spec.serviceRef.name")): groups[arn].inputs.get("deregistrationDelay")
        for arn, binding in _bound(program).items()
        if arn in groups
    }
    for workload, deployment in deployed(program, check):
        check.same(deployment, "spec.strategy.rollingUpdate.maxUnavailable", 0)
        container = "spec.template.spec.containers.0"
        check.that(
            at(deployment.inputs, f"{container}.startupProbe"), deployment, f"{container}.startupProbe", "a probe"
        )
        check.same(deployment, f"{container}.readinessProbe.httpGet.path", "/health/ready")
        probe = f"{container}.livenessProbe"
        if at(deployment.inputs, f"{probe}.tcpSocket"):
            check.same(deployment, f"{probe}.tcpSocket.port", 8080)
        else:
            check.same(deployment, f"{probe}.httpGet.path", "/health/live")
        if workload.role in SERVING and workload.name in delays:
            settle = at(deployment.inputs, f"{container}.lifecycle.preStop.sleep.seconds")
            path = "spec.template.spec.terminationGracePeriodSeconds"
            grace = at(deployment.inputs, path)
            needed = int(settle or 0) + int(delays[workload.name] or 0)
            longer = isinstance(grace, int) and bool(settle) and grace > needed
            check.that(longer, deployment, path, f"more than {needed} seconds: waiting, then draining")
