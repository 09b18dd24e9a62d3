"""S4: roles of people (RBAC), rows of the caller (ABAC), and what each program may do."""

from __future__ import annotations

from collections.abc import Iterator

from groundplan.cloud.model import Resource
from groundplan.controls.authentication import POOL, endpoints
from groundplan.controls.captured import ASSOCIATION, ROLE, ROLE_POLICY, SERVING, CapturedProgram
from groundplan.controls.model import Check, NotApplicable, control
from groundplan.controls.reading import Statement, at, items
from groundplan.controls.workloads import require_images
from groundplan.declaration import model as declared
from groundplan.permissions.calls import calls_of, unknown_types
from groundplan.permissions.grants import grants_of, overreach
from groundplan.stack.scope import Scope

IDENTITY_POLICIES = ("aws:iam/policy:Policy", ROLE_POLICY)
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
ACCOUNT = "kubernetes:core/v1:ServiceAccount"
# Actions among ours that AWS can't narrow: a token that is the registry's, and what only describes.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
NARROWS_TO_NOTHING = {"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ecr:GetAuthorizationToken"}
# AWS's own policies, each made for the one service that is given it.
MANAGED = {
    "AmazonAPIGatewayPushToCloudWatchLogs",
    "AWSBackupServiceRolePolicyForBackup",
    "AWSBackupServiceRolePolicyForRestores",
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
# Of the pipeline alone, which changes all that the program declares: `groundplan_components.delivery.pipeline` says
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
PIPELINE_PATH = "/delivery/"


@control(
    "S4.roles",
    "Roles are groups of the user pool, the strongest first (RBAC)",
    "identity.user_pool",
    remedy="list the roles under `identity.roles` in `system.yaml`, the weakest first",
)
def roles(program: CapturedProgram, check: Check) -> None:
    pools = program.by_id(POOL)
    groups = list(check.some("aws:cognito/userGroup:UserGroup"))
    for group in groups:
        check.that(group.inputs.get("userPoolId") in pools, group, "userPoolId", "this stack's user pool")
    by_strength = sorted(groups, key=lambda each: int(each.inputs.get("precedence") or 0))
    found = [str(each.inputs.get("name")) for each in by_strength]
    wanted = list(reversed(program.system.identity.roles))
    if groups:
        check.that(found == wanted, by_strength[0], "precedence", f"in this order: {', '.join(wanted)}")


@control(
    "S4.default-role",
    "A user who registers gets the default role and nothing more",
    "identity.sign_up_role",
    remedy="set `identity.default_role` in `system.yaml`; `Identity` grants it after sign-up",
)
def default_role(program: CapturedProgram, check: Check) -> None:
    default = program.system.identity.default_role
    if default is None:
        for pool in program.of(POOL):
            trigger = at(pool.inputs, "lambdaConfig.postConfirmation")
            check.that(not trigger, pool, "lambdaConfig.postConfirmation", "nothing") if trigger else None
        raise NotApplicable("`identity.default_role` is not declared: an administrator grants roles")
    functions = program.by_output("aws:lambda/function:Function", "arn")
    policies: dict[str, list[Resource]] = {}
    for policy in program.of(ROLE_POLICY):
        policies.setdefault(str(policy.inputs.get("role")), []).append(policy)
    for pool in check.some(POOL):
        path = "lambdaConfig.postConfirmation"
        function = functions.get(str(at(pool.inputs, path)))
        if function is None:
            check.missing("the function that grants the default role", pool, path)
            continue
        check.shown(pool, path)
        check.same(function, "environment.variables.DEFAULT_ROLE", default)
        role = str(function.inputs.get("role")).rpartition("/")[2]
        allowed = [(policy, each) for policy in policies.get(role, []) for each in check.statements(policy)]
        granting = [(p, each) for p, each in allowed if any(a.startswith("cognito-idp:") for a in each["Action"])]
        for policy, statement in granting:
            narrow = statement["Action"] == ["cognito-idp:AdminAddUserToGroup"]
            check.that(narrow, policy, "policy", "cognito-idp:AdminAddUserToGroup alone")
            check.that(statement["Resource"] == [pool.outputs.get("arn")], policy, "policy", "this user pool alone")
    permissions = program.of("aws:lambda/permission:Permission")
    for permission in [each for each in permissions if each.inputs.get("principal") == "cognito-idp.amazonaws.com"]:
        pools = {str(each.outputs.get("arn")) for each in program.of(POOL)}
        check.that(permission.inputs.get("sourceArn") in pools, permission, "sourceArn", "this user pool alone")


@control(
    "S4.own-rows",
    "Rows of the caller only, where declared (ABAC)",
    "system.yaml",
    "gateway.gateway",
    remedy="declare `owner` and `role:own` in `system.yaml`, and keep the token on its way to the services",
)
def own_rows(program: CapturedProgram, check: Check) -> None:
    """The services compare the row's owner with the token's subject. So the gateway must ask for a token and keep no
    answer of one caller for another, and the services must be told whose tokens to take."""
    owned = [each for each in endpoints(program) if any(grant.own for grant in each.access.grants)]
    internal = [
        resource
        for service in program.system.services.values()
        if service.exposure == "internal"
        for resource in service.resources.values()
        if any(grant.own for name in resource.operations for grant in _grants(resource, name))
    ]
    if not owned and not internal:
        raise NotApplicable("no operation in `system.yaml` is granted for the caller's own rows (`role:own`)")
    operations = {(path, method): (api, each) for api, path, method, each in program.operations()}
    for endpoint in owned:
        name = f"{endpoint.method.upper()} {endpoint.path}"
        if (endpoint.path, endpoint.method) not in operations:
            check.missing(f"{name} in the gateway's OpenAPI document")
            continue
        api, operation = operations[endpoint.path, endpoint.method]
        check.that(operation.get("security"), api, "body", f"{name} asks for a token: its subject is the caller")
        kept = items(at(operation, "x-amazon-apigateway-integration.cacheKeyParameters"))
        alone = not kept or "method.request.header.Authorization" in kept
        check.that(alone, api, "body", f"{name} keeps the answers of each caller apart")
    serving = [w for w in program.workloads if w.role in SERVING]
    owners = {each.service for each in owned}
    for workload in [w for w in serving if w.service in owners]:
        resource, told = program.settings(workload.name)
        if resource is None:
            check.missing(f"settings of the workload {workload.name}")
            continue
        for setting in ("TOKEN_ISSUER", "TOKEN_JWKS_URL", "TOKEN_CLIENT_IDS"):
            check.that(told.get(setting), resource, f"data.{setting}", "whose tokens name the caller")


def _grants(resource: declared.Resource, operation: declared.Operation) -> tuple[declared.Grant, ...]:
    access = resource.access(operation)
    return access.grants if access else ()


@control(
    "S4.workload-permissions",
    "Each workload may do only what its role needs: relays publish, consumers read",
    "workload.service_role",
    remedy="give a `Workload` the `policy` of its own role, as `declare_services` does",
)
def workload_permissions(program: CapturedProgram, check: Check) -> None:
    require_images(program)
    brokers = {"relay": {"kafka-cluster", "sns"}, "consumer": {"kafka-cluster", "sqs"}}
    brokers["projector"] = brokers["consumer"]
    for workload in program.workloads:
        policies = program.policies_of(workload.name)
        if not policies:
            check.missing(f"a role of its own for the pods of {workload.name}")
            continue
        services = {action.partition(":")[0] for each in program.granted(workload.name) for action in each["Action"]}
        allowed = {"secretsmanager", "kms"} | brokers.get(workload.role, set())
        reached = workload.role not in brokers or services & brokers[workload.role]
        expected = f"{', '.join(sorted(allowed))} for a workload of the role {workload.role}"
        check.that(services <= allowed and reached, policies[0], "policy", expected)


@control(
    "S4.decrypt",
    "Pods decrypt by way of Secrets Manager alone",
    "workload.service_role",
    remedy="grant kms:Decrypt with the condition kms:ViaService, as `declare_services` does",
)
def decrypt(program: CapturedProgram, check: Check) -> None:
    require_images(program)
    via = f"secretsmanager.{program.environment.region}.amazonaws.com"
    keys = {str(each.inputs.get("kmsKeyId")) for each in program.of("aws:secretsmanager/secret:Secret")}
    queues = program.of("aws:sqs/queue:Queue", "aws:sns/topic:Topic")
    events = {str(each.inputs.get("kmsMasterKeyId")) for each in queues}
    for account in [*(each.name for each in program.workloads), *_migration_accounts(program)]:
        for policy in program.policies_of(account):
            for statement in check.statements(policy):
                if not any(action.startswith("kms:") for action in statement["Action"]):
                    continue
                narrow = (
                    statement["Action"] == ["kms:Decrypt"]
                    and set(statement["Resource"]) <= keys
                    and at(statement, ("Condition", "StringEquals", "kms:ViaService")) == via
                )
                message_keys = set(statement["Resource"]) <= events - keys
                expected = f"kms:Decrypt of the secrets' key, only by way of {via}; beside it the queues' key alone"
                check.that(narrow or message_keys, policy, "policy", expected)


def _migration_accounts(program: CapturedProgram) -> list[str]:
    return [str(at(job.inputs, "spec.template.spec.serviceAccountName")) for job in program.migrations.values()]


@control(
    "S4.pod-roles",
    "Each service account acts as an AWS role of its own, which no other pod can assume",
    "workload.service_role",
    remedy="declare the role with `ServiceRole`, whose trust names namespace and service account",
)
def pod_roles(program: CapturedProgram, check: Check) -> None:
    accounts = program.objects(ACCOUNT)
    if not accounts and not program.services:
        raise NotApplicable("no service has an image yet")
    arns = program.by_output(ROLE, "arn")
    bound: dict[str, str] = {}
    for association in program.where(ASSOCIATION, "namespace", program.scope):
        account = str(association.inputs.get("serviceAccount"))
        role = arns.get(str(association.inputs.get("roleArn")))
        if role is None:
            check.missing("a role of this stack", association, "roleArn")
            continue
        wanted = {
            "aws:RequestTag/kubernetes-namespace": program.scope,
            "aws:RequestTag/kubernetes-service-account": account,
        }
        for statement in check.statements(role, "assumeRolePolicy"):
            narrow = (
                statement.get("Principal") == {"Service": "pods.eks.amazonaws.com"}
                and at(statement, "Condition.StringEquals") == wanted
            )
            check.that(narrow, role, "assumeRolePolicy", f"pods of the service account {account} alone")
        alone = str(association.inputs.get("roleArn")) not in bound.values()
        check.that(alone, association, "roleArn", "a role that no other service account has")
        bound[account] = str(association.inputs.get("roleArn"))
    # A pooler has an account and needs nothing of AWS.
    needing = {each.name for each in program.workloads} | set(_migration_accounts(program))
    check.sets(needing, set(bound) & (needing | set(accounts)), "a role for the service account")
    for account_object in accounts.values():
        path = "automountServiceAccountToken"
        check.that(account_object.inputs.get(path) is False, account_object, path, "false")


def _identity_statements(program: CapturedProgram, check: Check) -> Iterator[tuple[Resource, Statement]]:
    for policy in program.of(*IDENTITY_POLICIES):
        for statement in check.statements(policy):
            if statement.get("Effect") != "Deny":
                yield policy, statement


@control(
    "S4.least-privilege",
    "No policy allows every action of a service",
    "shared.iam",
    remedy="name the actions that the program needs",
)
def least_privilege(program: CapturedProgram, check: Check) -> None:
    for policy, statement in _identity_statements(program, check):
        named = bool(statement["Action"]) and all(
            action.partition(":")[0].replace("-", "").isalnum() and action.partition(":")[2].rstrip("*")
            for action in statement["Action"]
        )
        check.that(named, policy, "policy", "actions by name (`s3:GetObject`, `kms:ReEncrypt*`)")
        inverted = "NotAction" in statement or "NotResource" in statement
        check.that(not inverted, policy, "policy", "no NotAction and no NotResource")


@control(
    "S4.named-resources",
    "Every policy names the resources that it is for",
    "shared.iam",
    remedy="name the ARNs, or add a condition where an action knows no resource",
)
def named_resources(program: CapturedProgram, check: Check) -> None:
    for policy, statement in _identity_statements(program, check):
        narrow = (
            "*" not in statement["Resource"]
            or bool(statement.get("Condition"))
            or set(statement["Action"]) <= NARROWS_TO_NOTHING
        )
        check.that(narrow, policy, "policy", "ARNs rather than `*` as resources")


@control(
    "S4.managed-policies",
    "Roles have only those of AWS's policies that were made for them",
    "shared.iam",
    remedy="write a policy of your own, with the actions and resources that are needed",
)
def managed_policies(program: CapturedProgram, check: Check) -> None:
    pipelines = {each.inputs.get("name") or each.id for each in _pipeline_roles(program)}
    pipelines |= {each.id for each in _pipeline_roles(program)}
    own = {str(each.outputs.get("arn")) for each in program.of("aws:iam/policy:Policy")}
    for attachment in check.some(ATTACHMENT):
        arn = str(attachment.inputs.get("policyArn"))
        allowed = MANAGED | OF_THE_PIPELINE if attachment.inputs.get("role") in pipelines else MANAGED
        expected = "a policy of this stack, or one that AWS made for this one service"
        check.that(arn in own or arn.rpartition("/")[2] in allowed, attachment, "policyArn", expected)


def _pipeline_roles(program: CapturedProgram) -> list[Resource]:
    return program.where(ROLE, "path", PIPELINE_PATH)


@control(
    "S4.role-trust",
    "Every role trusts one named AWS service, or the pipeline",
    "shared.iam",
    remedy="name the one service in `Principal`, and a condition for a federated one",
)
def role_trust(_: CapturedProgram, check: Check) -> None:
    for role in check.some(ROLE):
        for statement in check.statements(role, "assumeRolePolicy"):
            principal = statement.get("Principal")
            kinds = list(principal) if isinstance(principal, dict) else []
            named = len(kinds) == 1 and kinds[0] in ("Service", "Federated") and "*" not in str(principal)
            held = kinds == ["Service"] or bool(at(statement, "Condition.StringEquals"))
            check.that(named and held, role, "assumeRolePolicy", "one AWS service, or a provider with a condition")


@control(
    "S4.resource-policies",
    "No resource lets in callers from outside the account",
    "shared.iam",
    remedy="name the principal; `*` may only be denied",
)
def resource_policies(program: CapturedProgram, check: Check) -> None:
    for resource in program.of(*RESOURCE_POLICIES):
        if resource.inputs.get("policy") is None:
            continue
        for statement in check.statements(resource):
            if statement.get("Effect") == "Allow":
                principal = statement.get("Principal")
                values = list(principal.values()) if isinstance(principal, dict) else [principal]
                named = [each for value in values for each in items(value)]
                check.that(named and "*" not in named, resource, "policy", "a named principal in what it allows")


@control(
    "S4.function-callers",
    "AWS services call functions for one named resource only",
    "identity.sign_up_role",
    remedy="set `source_arn` of the Lambda permission to the resource that calls",
)
def function_callers(program: CapturedProgram, check: Check) -> None:
    """A service acts for everybody: without the resource, another account's could call (the confused deputy)."""
    permissions = program.of("aws:lambda/permission:Permission")
    for permission in permissions:
        if str(permission.inputs.get("principal")).endswith(".amazonaws.com"):
            bound = permission.inputs.get("sourceArn") or permission.inputs.get("sourceAccount")
            path = "sourceArn" if permission.inputs.get("sourceArn") else "sourceAccount"
            check.that(bound, permission, path if bound else "sourceArn", "the resource that may call")
    if not permissions:
        raise NotApplicable("no AWS service calls a function of this stack")


@control(
    "S4.pipeline-trust",
    "The pipeline is trusted for one repository and one environment",
    "delivery.pipeline",
    remedy="set `repository` of the stack; `Delivery` writes the trust",
)
def pipeline_trust(program: CapturedProgram, check: Check) -> None:
    repository = program.environment.repository
    found = _pipeline_roles(program)
    if repository is None:
        for role in found:
            check.missing("no role of a pipeline: the stack names no repository", role, "path", "a pipeline's")
        raise NotApplicable("the stack names no `repository`")
    if not program.environment.delivery_role:
        for role in found:
            check.missing("no role of a pipeline: the foundation makes it", role, "path", "a pipeline's")
        raise NotApplicable("`foundation/` makes the pipeline's role, and trusts this repository and environment")
    if not found:
        check.missing(f"a role with the path {PIPELINE_PATH}")
    wanted = {
        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub": f"repo:{repository}:environment:{program.environment.name}",
    }
    for role in found:
        for statement in check.statements(role, "assumeRolePolicy"):
            narrow = statement.get("Condition") == {"StringEquals": wanted}
            check.that(narrow, role, "assumeRolePolicy", f"{repository} in {program.environment.name} alone")


@control(
    "S4.pipeline-grants",
    "Grants of the pipeline suffice for this stack, and change nothing of another system's",
    "infra/groundplan/permissions/grants.py",
    remedy="leave paths of roles and names of buckets to the program; types without known calls aren't a pipeline's",
    not_in_policies="it is of the whole program, before anything is deployed",
)
def pipeline_grants(program: CapturedProgram, check: Check) -> None:
    environment = program.environment
    if environment.repository is None or environment.delivery_role:
        raise NotApplicable("the foundation makes no role for a pipeline of this stack")
    scope = Scope(program.system.name, environment.name)
    for role in check.some(ROLE):
        check.that(
            role.inputs.get("path") == scope.path, role, "path", f"{scope.path}, which only this stack's begin with"
        )
        boundary = str(role.inputs.get("permissionsBoundary"))
        check.that(boundary.endswith(f":policy/{scope.boundary}"), role, "permissionsBoundary", "the foundation's")
    for token in unknown_types(program.resources):
        check.missing(f"known calls of {token}", found="unknown")
    if check.findings:
        return
    calls = calls_of(program.resources)
    grants = grants_of(scope, program.resources, calls, program.system.services)
    for call in calls:
        decision = grants.decide(call)
        if not decision:
            check.missing(f"a grant of {call}", found=decision.reason)
    # A name that begins with this system's, and a stack whose name begins with this one's.
    for other in (Scope(f"{scope.system}ping", scope.stack), Scope(scope.system, f"{scope.stack}-eu")):
        for call in overreach(grants, calls, other):
            check.missing(f"no grant of {call.action} on another stack's {call.resource}", found="granted")
