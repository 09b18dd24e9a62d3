"""A program as controls read it: every resource that it registered, and what it was told to declare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from groundplan.capacity import Plan, WorkloadPlan, plan
from groundplan.cloud.model import Resource, Simulation
from groundplan.controls.reading import Statement, Unreadable, at, by_name, items, mappings, parsed_or_empty, statements
from groundplan.declaration.model import Service, System
from groundplan.stack.environment import Environment

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
JOB = "kubernetes:batch/v1:Job"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
NETWORK_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
DATABASE = "aws:rds/instance:Instance"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
REST_API = "aws:apigateway/restApi:RestApi"
SUBNET = "aws:ec2/subnet:Subnet"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
PASSWORD = "random:index/randomPassword:RandomPassword"  # noqa: S105  a type token
SERVING = ("api", "command", "query")
"""Roles of workloads that answer requests."""


@dataclass(frozen=True)
class CapturedProgram:
    """Resources are found by type and by what they say, never by logical name: owners rename them."""

    system: System
    environment: Environment
    resources: tuple[Resource, ...]
    outputs: Mapping[str, Any]
    secret_outputs: frozenset[str] = frozenset()

    @classmethod
    def of_simulation(cls, system: System, environment: Environment, simulation: Simulation) -> CapturedProgram:
        return cls(system, environment, simulation.resources, simulation.outputs, simulation.secret_outputs)

    @cached_property
    def plan(self) -> Plan:
        return plan(self.system, self.environment)

    @property
    def scope(self) -> str:
        """The namespace, and what leads names that are unique in an account."""
        return f"{self.system.name}-{self.environment.name}"

    @property
    def stack_urn(self) -> str:
        project, stack = self.system.name, self.environment.name
        return f"urn:pulumi:{stack}::{project}::pulumi:pulumi:Stack::{project}-{stack}"

    @cached_property
    def services(self) -> dict[str, Service]:
        """Those that run: the others wait for an image."""
        return {name: each for name, each in self.system.services.items() if name in self.environment.images}

    @cached_property
    def workloads(self) -> tuple[WorkloadPlan, ...]:
        """Those of the services that run."""
        return tuple(each for each in self.plan.workloads if each.service in self.services)

    @cached_property
    def by_urn(self) -> dict[str, Resource]:
        return {resource.urn: resource for resource in self.resources}

    @cached_property
    def _by_type(self) -> dict[str, tuple[Resource, ...]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.resources:
            found.setdefault(resource.type, []).append(resource)
        return {token: tuple(resources) for token, resources in found.items()}

    def of(self, *tokens: str) -> tuple[Resource, ...]:
        return tuple(resource for token in tokens for resource in self._by_type.get(token, ()))

    def objects(self, token: str) -> dict[str, Resource]:
        """Kubernetes objects of a type by their own name."""
        return {str(at(each.inputs, "metadata.name")): each for each in self.of(token)}

    def by_output(self, token: str, output: str) -> dict[str, Resource]:
        """Resources of a type by what the cloud calls them: an ARN, a URL."""
        return {str(each.outputs.get(output)): each for each in self.of(token)}

    def by_input(self, token: str, name: str) -> dict[str, Resource]:
        """Resources of a type by what they are told that they are of: a bucket, a secret."""
        return {str(each.inputs.get(name)): each for each in self.of(token)}

    def by_id(self, token: str) -> dict[str, Resource]:
        return {each.id: each for each in self.of(token)}

    def where(self, token: str, path: str, value: object) -> list[Resource]:
        """Resources of a type whose property is ``value``."""
        return [each for each in self.of(token) if at(each.inputs, path) == value]

    def tier(self, name: str) -> dict[str, Resource]:
        """Subnets of a tier by id."""
        return {each.id: each for each in self.of(SUBNET) if at(each.inputs, "tags.tier") == name}

    @cached_property
    def deployments(self) -> dict[str, Resource]:
        return self.objects(DEPLOYMENT)

    @cached_property
    def _config_maps(self) -> dict[str, Resource]:
        return self.objects(CONFIG_MAP)

    def settings(self, workload: str) -> tuple[Resource | None, dict[str, str]]:
        """The ConfigMap that a workload's pods take their environment from, and what it says."""
        deployment = self.deployments.get(workload)
        containers = mappings(at(deployment.inputs, "spec.template.spec.containers")) if deployment else []
        for container in containers:
            for source in mappings(container.get("envFrom")):
                found = self._config_maps.get(str(at(source, "configMapRef.name")))
                if found:
                    return found, {str(key): str(value) for key, value in (found.inputs.get("data") or {}).items()}
        return None, {}

    def shards(self, workload: str) -> list[Mapping[str, Any]]:
        """The databases that a workload is told of."""
        _, told = self.settings(workload)
        text = told.get("DATABASE_SHARDS", "")
        return mappings(parsed_or_empty(f'{{"shards": {text or "[]"}}}').get("shards"))

    @cached_property
    def migrations(self) -> dict[str, Resource]:
        """The migration Job of each service that has one."""
        found = {}
        for job in self.of(JOB):
            service = dict(self.environment_of(job)).get("SERVICE_NAME")
            if service:
                found[service] = job
        return found

    def environment_of(self, pods: Resource) -> dict[str, str]:
        """The variables of a Deployment's or Job's own containers."""
        found: dict[str, str] = {}
        for container in mappings(at(pods.inputs, "spec.template.spec.containers")):
            found |= {name: str(value) for name, value in by_name(container.get("env")).items()}
        return found

    @cached_property
    def _policies_by_role(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for policy in self.of(ROLE_POLICY):
            found.setdefault(str(policy.inputs.get("role")), []).append(policy)
        return found

    @cached_property
    def _roles_by_account(self) -> dict[str, list[Resource]]:
        roles = self.by_output(ROLE, "arn")
        found: dict[str, list[Resource]] = {}
        for association in self.where(ASSOCIATION, "namespace", self.scope):
            role = roles.get(str(association.inputs.get("roleArn")))
            if role:
                found.setdefault(str(association.inputs.get("serviceAccount")), []).append(role)
        return found

    def policies_of(self, account: str) -> list[Resource]:
        """The inline policies of the roles that a service account's pods act as."""
        return [
            policy
            for role in self._roles_by_account.get(account, ())
            for handle in dict.fromkeys((role.id, str(role.outputs.get("name")), str(role.outputs.get("arn"))))
            for policy in self._policies_by_role.get(handle, ())
        ]

    def granted(self, account: str) -> list[Statement]:
        """What the pods of a service account may do in AWS. A policy that can't be read counts as everything."""
        found: list[Statement] = []
        for policy in self.policies_of(account):
            try:
                found += statements(policy.inputs.get("policy"))
            except Unreadable:
                found.append({"Effect": "Allow", "Action": ["*"], "Resource": ["*"]})
        return found

    def allowed(self, account: str, action: str) -> set[str]:
        """The resources that the pods of a service account may do this to."""
        return {
            resource
            for statement in self.granted(account)
            if action in statement["Action"]
            for resource in statement["Resource"]
        }

    def pods(self) -> Iterator[tuple[Resource, Mapping[str, Any]]]:
        """Every Deployment and Job of the stack with its pods' spec."""
        for resource in self.of(DEPLOYMENT, JOB):
            spec = at(resource.inputs, "spec.template.spec")
            yield resource, spec if isinstance(spec, Mapping) else {}

    @cached_property
    def primaries(self) -> tuple[Resource, ...]:
        return tuple(each for each in self.of(DATABASE) if not each.inputs.get("replicateSourceDb"))

    @cached_property
    def replicas(self) -> tuple[Resource, ...]:
        return tuple(each for each in self.of(DATABASE) if each.inputs.get("replicateSourceDb"))

    @cached_property
    def key_arns(self) -> frozenset[str]:
        return frozenset(str(each.outputs.get("arn")) for each in self.of("aws:kms/key:Key"))

    @cached_property
    def rest_apis(self) -> tuple[tuple[Resource, dict[str, Any]], ...]:
        """Every REST API with its OpenAPI document; one that can't be read counts as empty."""
        return tuple((each, parsed_or_empty(each.inputs.get("body"))) for each in self.of(REST_API))

    def operations(self) -> Iterator[tuple[Resource, str, str, Mapping[str, Any]]]:
        """API, path, method and operation, without preflights, which browsers send with no token."""
        for api, document in self.rest_apis:
            for path, item in (document.get("paths") or {}).items():
                for method, operation in item.items() if isinstance(item, Mapping) else ():
                    if method != "options" and isinstance(operation, Mapping):
                        yield api, path, method, operation

    def alarms(self, metric: str) -> list[Resource]:
        """Alarms that compare one metric by itself."""
        return self.where(ALARM, "metricName", metric)

    @cached_property
    def passwords(self) -> frozenset[str]:
        """Every generated password; what is told nowhere is none."""
        return frozenset(str(each.outputs["result"]) for each in self.of(PASSWORD) if each.outputs.get("result"))

    @cached_property
    def secret_contents(self) -> dict[str, dict[str, Any]]:
        """What each secret says, by its ARN."""
        arns = {each.id: str(each.outputs.get("arn")) for each in self.of("aws:secretsmanager/secret:Secret")}
        found = {}
        for version in self.of("aws:secretsmanager/secretVersion:SecretVersion"):
            handle = str(version.inputs.get("secretId"))
            found[arns.get(handle, handle)] = parsed_or_empty(version.inputs.get("secretString"))
        return found

    def rules(self, acl: Resource) -> dict[str, Mapping[str, Any]]:
        """A web ACL's rules by name."""
        return {str(each.get("name")): each for each in mappings(acl.inputs.get("rules"))}

    def web_acls(self, scope: str) -> list[Resource]:
        """Of the edge (`CLOUDFRONT`) or of the gateway (`REGIONAL`)."""
        return self.where("aws:wafv2/webAcl:WebAcl", "scope", scope)


def listed(value: Any) -> set[str]:  # noqa: ANN401
    """The texts of a list."""
    return {str(each) for each in items(value)}


def first(found: Sequence[Resource]) -> Resource | None:
    return found[0] if found else None
