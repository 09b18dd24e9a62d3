"""The API calls that deploying, changing and destroying a program takes, each on the ARN that IAM would see.

Which calls a type takes is compiled (`tools/compile_calls.py`). What is told here is which ARNs they work on, and what
IAM knows of a call: tags, the role that is passed and to whom, the boundary of the role that is made.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from groundplan.cloud import compiled
from groundplan.cloud.item import ACCOUNT, leaves
from groundplan.cloud.model import Resource
from groundplan.permissions.evaluation import Request
from groundplan.repair.listings import LISTINGS, STACK_CALLS

Operation = Literal["create", "read", "update", "delete", "repair"]
OPERATIONS: tuple[Operation, ...] = ("create", "read", "update", "delete", "repair")

ROLE = "aws:iam/role:Role"
GLOBAL_REGION = "us-east-1"

SERVICE_LINKED = {
    "apigateway": "ops.apigateway.amazonaws.com",
    "backup": "backup.amazonaws.com",
    "cognito-idp": "email.cognito-idp.amazonaws.com",
    "eks": "eks.amazonaws.com",
    "elasticache": "elasticache.amazonaws.com",
    "elasticloadbalancing": "elasticloadbalancing.amazonaws.com",
    "kafka": "kafka.amazonaws.com",
    "network-firewall": "network-firewall.amazonaws.com",
    "rds": "rds.amazonaws.com",
    "wafv2": "wafv2.amazonaws.com",
}
"""Whose service-linked role a service makes at its first use: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html"""

OWN_ARNS: Mapping[str, str] = {
    "aws:athena/namedQuery:NamedQuery": "arn:aws:athena:{region}:{account}:workgroup/{workgroup}",
    "aws:budgets/budget:Budget": "arn:aws:budgets::{account}:budget/{name}",
    "aws:cloudwatch/dashboard:Dashboard": "arn:aws:cloudwatch::{account}:dashboard/{dashboardName}",
    "aws:cloudwatch/eventTarget:EventTarget": "arn:aws:events:{region}:{account}:rule/{rule}",
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": "arn:aws:logs:{region}:{account}:log-group:{logGroupName}",
    "aws:cloudwatch/logStream:LogStream": "arn:aws:logs:{region}:{account}:log-group:{logGroupName}:log-stream:{id}",
    "aws:ec2/natGateway:NatGateway": "arn:aws:ec2:{region}:{account}:natgateway/{id}",
    "aws:ec2/tag:Tag": "arn:aws:ec2:{region}:{account}:security-group/{resourceId}",
    "aws:eks/accessEntry:AccessEntry": "arn:aws:eks:{region}:{account}:access-entry/{clusterName}/role/{account}/x/x",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": (
        "arn:aws:eks:{region}:{account}:access-entry/{clusterName}/role/{account}/x/x"
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": (
        "arn:aws:eks:{region}:{account}:podidentityassociation/{clusterName}/{id}"
    ),
    "aws:lambda/permission:Permission": "arn:aws:lambda:{region}:{account}:function:{function}",
    "aws:route53/record:Record": "arn:aws:route53:::hostedzone/{zoneId}",
    "aws:s3/bucketObjectv2:BucketObjectv2": "arn:aws:s3:::{bucket}/{key}",
    "aws:wafv2/webAclAssociation:WebAclAssociation": "{webAclArn}",
    "aws:serverlessrepository/cloudFormationStack:CloudFormationStack": "{id}",
}
"""The ARN that IAM sees where the provider gives none. An access entry's ends in an id that EKS makes."""

_GATEWAY_PATHS = {
    "aws:apigateway/basePathMapping:BasePathMapping": "/domainnames/{domainName}/basepathmappings",
    "aws:apigateway/deployment:Deployment": "/restapis/{restApi}/deployments",
    "aws:apigateway/domainName:DomainName": "/domainnames",
    "aws:apigateway/restApi:RestApi": "/restapis",
    "aws:apigateway/stage:Stage": "/restapis/{restApi}/stages",
    "aws:apigateway/usagePlan:UsagePlan": "/usageplans",
    "aws:apigatewayv2/vpcLink:VpcLink": "/vpclinks",
}
"""The collection that a resource of API Gateway is made in and listed from; the method is the action."""
_GATEWAY_OWN = {
    "aws:apigateway/account:Account": "/account",
    "aws:apigateway/basePathMapping:BasePathMapping": "/domainnames/{domainName}/basepathmappings/{basePath}",
    "aws:apigateway/deployment:Deployment": "/restapis/{restApi}/deployments/{id}",
    "aws:apigateway/methodSettings:MethodSettings": "/restapis/{restApi}/stages/{stageName}",
    "aws:apigateway/domainName:DomainName": "/domainnames/{domainName}",
    "aws:apigateway/restApi:RestApi": "/restapis/{id}",
    "aws:apigateway/stage:Stage": "/restapis/{restApi}/stages/{stageName}",
    "aws:apigateway/usagePlan:UsagePlan": "/usageplans/{id}",
    "aws:apigatewayv2/vpcLink:VpcLink": "/vpclinks/{id}",
}

ASKED = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": ("ec2:DescribeAvailabilityZones",),
    "aws:iam/getSessionContext:getSessionContext": (),
    "aws:route53/getZone:getZone": ("route53:ListHostedZones", "route53:GetHostedZone", "route53:ListTagsForResource"),
    "aws:ec2/getManagedPrefixList:getManagedPrefixList": (
        "ec2:DescribeManagedPrefixLists",
        "ec2:GetManagedPrefixListEntries",
    ),
    "aws:ec2/getPrefixList:getPrefixList": ("ec2:DescribePrefixLists",),
}
"""What a program asks AWS for before it declares; sts:GetCallerIdentity needs no permission."""

_NEW = re.compile(
    r":(Create|Allocate|Request|Put(MetricAlarm|CompositeAlarm|Dashboard|Rule|DeliverySource|DeliveryDestination)\b|Run|Import)"
)
_TAGGING = re.compile(r":(Tag|AddTags|CreateTags|ChangeTags|PutBucketTagging|TagDeliveryStream)")
_UPSERT = re.compile(r":Put(MetricAlarm|CompositeAlarm|Dashboard|Rule|DeliverySource|DeliveryDestination)$")


@dataclass(frozen=True, slots=True)
class Call:
    """One call for one resource: ``type``, ``name`` and ``operation`` say what it is for."""

    action: str
    resource: str
    type: str
    name: str
    operation: Operation
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    exact: bool = False
    """Of what another stack has left: this one thing is granted, and nothing like it."""

    @property
    def request(self) -> Request:
        return Request(self.action, self.resource, self.context)

    def __str__(self) -> str:
        return f"{self.action} on {self.resource} ({self.operation} {self.name}, {self.type})"


class UnknownType(LookupError):
    """No one says which calls a type takes."""


def calls_of(resources: Sequence[Resource], invoked: Iterable[str] = tuple(ASKED)) -> list[Call]:
    """Every call of an `up` from nothing, a change of everything, a refresh, a `destroy` and a `groundplan repair`.

    ``invoked`` are the functions that the program asks AWS by; all that are known, unless said otherwise. Raises
    UnknownType for a type that no calls are known of.
    """
    program = _Program(resources)
    found = [Call(action, "*", token, "", "read") for token in sorted(invoked) for action in ASKED.get(token, ())]
    own = [each for each in resources if each.custom and each.type.startswith("aws:")]
    if own:
        found.extend(Call(action, "*", "", "the stack", "repair") for action in STACK_CALLS)
    for resource in own:
        found.extend(program.calls(resource))
    return list({(each.action, each.resource, each.type, each.name, each.operation): each for each in found}.values())


def unknown_types(resources: Iterable[Resource]) -> list[str]:
    """Types that no calls are known of: the owner's own resources may be of any."""
    return sorted(
        {each.type for each in resources if each.custom and each.type.startswith("aws:")} - compiled.calls().keys()
    )


class _Program:
    def __init__(self, resources: Iterable[Resource]) -> None:
        self.by_handle: dict[str, list[Resource]] = defaultdict(list)
        self.by_arn: dict[str, Resource] = {}
        for each in resources:
            if not each.custom or not each.type.startswith("aws:"):
                continue
            handles = {each.id, _arn_of(each), each.outputs.get("arn"), each.outputs.get("name")}
            for handle in handles:
                if isinstance(handle, str) and handle:
                    self.by_handle[handle].append(each)
            arn = _arn_of(each)
            if arn not in self.by_arn or (_tags(each) and not _tags(self.by_arn[arn])):
                self.by_arn[arn] = each  # a policy or a schedule has the ARN of what it is for

    def calls(self, resource: Resource) -> Iterator[Call]:
        known = compiled.calls().get(resource.type)
        if known is None:
            raise UnknownType(resource.type)
        for operation in OPERATIONS:
            for action in known.get(operation, ()):
                if operation == "repair" and _among_all(resource):
                    yield Call(action, "*", resource.type, "", operation)
                else:
                    yield from self._call(resource, operation, action)
        yield from self._gateway_tags(resource)
        yield from self._restored(resource)

    def _call(self, resource: Resource, operation: Operation, action: str) -> Iterator[Call]:
        if action == "iam:CreateServiceLinkedRole":
            yield from self._service_linked(resource, operation, action)
            return
        if action == "iam:PassRole":
            yield from self._passed(resource, operation)
            return
        for arn in self._arns(resource, operation, action):
            yield Call(
                action, arn, resource.type, resource.name, operation, self._context(resource, operation, action, arn)
            )
            if _UPSERT.search(action) and operation == "create":
                # The same call changes what is there.
                context = {**_tag_context(resource, "aws:ResourceTag"), "aws:RequestedRegion": _region(resource)}
                yield Call(action, arn, resource.type, resource.name, "update", context)

    def _service_linked(self, resource: Resource, operation: Operation, action: str) -> Iterator[Call]:
        linked = SERVICE_LINKED.get(_service(resource))
        if linked is not None:
            arn = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{linked}/AWSServiceRole"
            yield Call(action, arn, resource.type, resource.name, operation, {"iam:AWSServiceName": linked})

    def _passed(self, resource: Resource, operation: Operation) -> Iterator[Call]:
        for _, value in leaves(resource.inputs, ""):
            if not re.fullmatch(rf"arn:aws:iam::{ACCOUNT}:role/.+", value):
                continue
            role = self.by_arn.get(value)
            trust = role.inputs.get("assumeRolePolicy") if role else None
            for service in trusted_services(trust):
                yield Call(
                    "iam:PassRole",
                    value,
                    resource.type,
                    resource.name,
                    operation,
                    {"iam:PassedToService": service},
                )

    def _restored(self, resource: Resource) -> Iterator[Call]:
        """A database that is made from a snapshot, which another stack has left, with the key of that one.

        https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_RestoreFromSnapshot.html
        """
        snapshot, key = resource.inputs.get("snapshotIdentifier"), resource.inputs.get("kmsKeyId")
        if not isinstance(snapshot, str):
            return
        place = f"arn:aws:rds:{_region(resource)}:{ACCOUNT}"
        context = {"aws:RequestedRegion": _region(resource)}
        whose = resource.type, resource.name, OPERATIONS[0]
        restore = "rds:RestoreDBInstanceFromDBSnapshot"
        names = {"subgrp": resource.inputs.get("dbSubnetGroupName"), "pg": resource.inputs.get("parameterGroupName")}
        own = [f"{place}:{kind}:{name}" for kind, name in names.items() if isinstance(name, str)]
        for arn in (_arn_of(resource), *own):
            # IAM knows the same of them as where an instance begins empty.
            yield Call(restore, arn, *whose, self._context(resource, OPERATIONS[0], "rds:CreateDBInstance", arn))
        yield Call(restore, f"{place}:snapshot:{snapshot}", *whose, context, exact=True)
        if isinstance(key, str):
            for action in ("kms:CreateGrant", "kms:DescribeKey"):
                yield Call(action, key, *whose, context, exact=True)

    def _gateway_tags(self, resource: Resource) -> Iterator[Call]:
        """API Gateway tags by a path of its own: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-tagging-iam-policy.html"""
        if not resource.type.startswith("aws:apigateway") or not _tags(resource):
            return
        arn = f"arn:aws:apigateway:{_region(resource)}::/tags/{_arn_of(resource)}"
        methods: tuple[tuple[Operation, str], ...] = (
            ("create", "apigateway:POST"),
            ("create", "apigateway:PUT"),
            ("update", "apigateway:PUT"),
            ("update", "apigateway:DELETE"),
            ("read", "apigateway:GET"),
        )
        for operation, action in methods:
            yield Call(action, arn, resource.type, resource.name, operation, {"aws:RequestedRegion": _region(resource)})

    def _arns(self, resource: Resource, operation: Operation, action: str) -> list[str]:
        if action.startswith("apigateway:") and action.partition(":")[2].isupper() and resource.type in _GATEWAY_OWN:
            collection = (action == "apigateway:POST" or operation == "repair") and resource.type in _GATEWAY_PATHS
            path = (_GATEWAY_PATHS if collection else _GATEWAY_OWN)[resource.type]
            return [f"arn:aws:apigateway:{_region(resource)}::{_render(path, resource)}"]
        forms = compiled.call_facts()[action]["on"]
        if not forms or _unnarrowed(action):
            return ["*"]
        patterns = [form_of(form) for form in forms]
        own = _arn_of(resource)
        candidates = [own] if own else []
        referred = [
            _arn_of(each)
            for _, value in leaves(resource.inputs, "")
            for each in self.by_handle.get(value, ())
            if each is not resource
        ]
        foreign = action.partition(":")[0] != _service(resource)
        joins = action.endswith("Alias") or (
            operation == "create" and re.search(r":(Create|Attach|Associate|Register)", action) is not None
        )
        if foreign or joins or action.startswith("s3:") or not any(pattern.fullmatch(own) for pattern in patterns):
            candidates = [*candidates, *referred]
        found = list(dict.fromkeys(each for each in candidates if any(p.fullmatch(each) for p in patterns)))
        if action.startswith("s3:"):
            found = _s3(action, found)
        if found or foreign:
            return found  # a call to another service is made for what it is asked to use there
        return [_part(action, next(iter(forms)), resource) or own or _unknown(next(iter(forms)), resource)]

    def _context(
        self, resource: Resource, operation: Operation, action: str, arn: str
    ) -> dict[str, str | tuple[str, ...]]:
        context: dict[str, str | tuple[str, ...]] = {"aws:RequestedRegion": _region(resource)}
        target = self.by_arn.get(arn)
        if target is None or not _tags(target):
            target = self._holder(arn) or target
        if action == "apigateway:POST" and arn.endswith(_GATEWAY_PATHS.get(resource.type, " ")) and _tags(resource):
            context |= _tag_context(resource, "aws:RequestTag")
        if target is None and f":cluster:{resource.id}-" in arn:
            target = resource  # ElastiCache gives nodes the tags of their group
        if resource.type == "aws:ec2/tag:Tag" and str(resource.inputs.get("key", "")).startswith("eks:"):
            # EKS's own tag on the security group of its cluster, which this stack doesn't make.
            context["aws:ResourceTag/aws:eks:cluster-name"] = str(resource.inputs.get("value"))
        made = target is resource and operation == "create" and (_NEW.search(action) or _TAGGING.search(action))
        if target is not None and not made:
            context |= _tag_context(target, "aws:ResourceTag")
        says_tags = compiled.call_facts()[action]["tags"] and (
            (operation == "create" and _NEW.search(action)) or _TAGGING.search(action)
        )
        if says_tags and _tags(resource):
            context |= _tag_context(resource, "aws:RequestTag")
            context["aws:TagKeys"] = tuple(sorted(_tags(resource)))
            adopts = resource.type == "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
            if action == "ec2:CreateTags" and operation == "create" and not adopts:
                context["ec2:CreateAction"] = f"Create{resource.type.rpartition(':')[2]}"
        if action.startswith("iam:"):
            context |= self._of_role(resource, action)
        if action == "route53:ChangeResourceRecordSets":
            name = str(resource.inputs.get("name", "")).rstrip(".").lower()
            context["route53:ChangeResourceRecordSetsNormalizedRecordNames"] = (name,)
        return context

    def _holder(self, arn: str) -> Resource | None:
        """The log group of a stream, the topic of a subscription: what answers for the tags of a part."""
        if arn.split(":", 3)[2:3] == ["apigateway"]:
            return None
        ends = [index for index, character in enumerate(arn) if character in ":/"]
        return next((found for end in reversed(ends) if (found := self.by_arn.get(arn[:end]))), None)

    def _of_role(self, resource: Resource, action: str) -> dict[str, str | tuple[str, ...]]:
        role = resource
        if resource.type != ROLE:
            named = self.by_handle.get(str(resource.inputs.get("role", "")), [])
            role = next((each for each in named if each.type == ROLE), resource)
        context: dict[str, str | tuple[str, ...]] = {}
        boundary = role.inputs.get("permissionsBoundary")
        if isinstance(boundary, str) and action.partition(":")[2] in BOUND:
            context["iam:PermissionsBoundary"] = boundary
        attached = resource.inputs.get("policyArn")
        if isinstance(attached, str) and action in ("iam:AttachRolePolicy", "iam:DetachRolePolicy"):
            context["iam:PolicyARN"] = attached
        return context


BOUND = frozenset(
    {
        "AttachRolePolicy",
        "CreateRole",
        "DeleteRolePolicy",
        "DetachRolePolicy",
        "PutRolePermissionsBoundary",
        "PutRolePolicy",
    }
)
"""Actions that know the boundary of the role: Service Authorization Reference, IAM, `iam:PermissionsBoundary`."""


def trusted_services(trust: object) -> list[str]:
    """The services that a trust policy lets take on the role."""
    document = json.loads(trust) if isinstance(trust, str) else trust
    found: list[str] = []
    statements = document.get("Statement", []) if isinstance(document, Mapping) else []
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal")
        services = principal.get("Service", []) if isinstance(principal, Mapping) else []
        found.extend([services] if isinstance(services, str) else services)
    return sorted(set(found))


def _service(resource: Resource) -> str:
    """IAM's name of the service that a type belongs to."""
    return compiled.services()[resource.type]


def _among_all(resource: Resource) -> bool:
    """Whether repair looks for one among all of the account: one that is refused would end the listing."""
    listing = LISTINGS.get(resource.type)
    return listing is not None and not listing.parents


def _unnarrowed(action: str) -> bool:
    """Vended logs are delivered by calls on no one group: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-CloudWatchLogs.html"""
    return action in ("logs:DescribeLogGroups", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies")


def _s3(action: str, arns: list[str]) -> list[str]:
    """Of buckets and objects, which share a form, what the action works on."""
    objects = "Object" in action and "ObjectLockConfiguration" not in action
    buckets = [each for each in arns if "/" not in each]
    if not objects:
        return buckets
    return [each for each in arns if "/" in each] or [f"{each}/x" for each in buckets]


@cache
def form_of(form: str) -> re.Pattern[str]:
    """The ARNs of one form of the Service Authorization Reference."""
    text = form.replace("${Partition}", "aws").replace("${Account}", rf"({ACCOUNT}|aws)?")
    text = re.sub(r"\$\{[^}]+\}", "[^:]*", text)
    return re.compile(text)


def _part(action: str, form: str, resource: Resource) -> str:
    """The ARN of what a service makes along with a resource."""
    place = f"{_region(resource)}:{ACCOUNT}"
    if "podidentityassociation" in form and resource.inputs.get("clusterName"):
        return f"arn:aws:eks:{place}:podidentityassociation/{resource.inputs['clusterName']}/x"
    if resource.type == "aws:elasticache/replicationGroup:ReplicationGroup" and "CacheCluster" in action:
        return f"arn:aws:elasticache:{place}:cluster:{resource.id}-001"
    return ""


def _unknown(form: str, resource: Resource) -> str:
    """An ARN of which only the form is known."""
    text = form.replace("${Partition}", "aws").replace("${Region}", _region(resource)).replace("${Account}", ACCOUNT)
    return re.sub(r"\$\{[^}]+\}", "x", text).replace(".*", "x").replace("[^:]*", "x")


def _arn_of(resource: Resource) -> str:
    template = OWN_ARNS.get(resource.type)
    if template is not None:
        return _render(template, resource)
    if resource.type in _GATEWAY_OWN:
        return f"arn:aws:apigateway:{_region(resource)}::{_render(_GATEWAY_OWN[resource.type], resource)}"
    arn = resource.outputs.get("arn")
    if isinstance(arn, str) and arn:
        return arn
    return resource.id if resource.id.startswith("arn:") else ""


def _render(template: str, resource: Resource) -> str:
    def fact(match: re.Match[str]) -> str:
        name = match[1]
        if name in ("region", "account"):
            return _region(resource) if name == "region" else ACCOUNT
        if name == "id":
            return resource.id.rpartition(":")[2] if not resource.id.startswith("arn:") else resource.id
        value = resource.inputs.get(name, resource.outputs.get(name))
        text = str(value or "x")
        return text.rpartition(":")[2] if text.startswith("arn:") and name == "function" else text

    return re.sub(r"\{(\w+)\}", fact, template)


def _region(resource: Resource) -> str:
    return resource.region or GLOBAL_REGION


def _tags(resource: Resource) -> dict[str, str]:
    tags = resource.outputs.get("tagsAll")
    return {key: value for key, value in tags.items() if isinstance(value, str)} if isinstance(tags, Mapping) else {}


def _tag_context(resource: Resource, key: str) -> dict[str, str | tuple[str, ...]]:
    return {f"{key}/{name}": value for name, value in _tags(resource).items()}
