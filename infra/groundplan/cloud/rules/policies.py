"""IAM: the form of every policy document, its size, and what it may say."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from groundplan.cloud import references
from groundplan.cloud.compiled import actions as known_actions
from groundplan.cloud.item import Item
from groundplan.cloud.rules.registry import Broken, between, rule

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

_ROLE = "aws:iam/role:Role"
_ELEMENTS = frozenset(
    {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition"}
)
_IDENTITY = {
    "aws:iam/policy:Policy": ("policy", 6144),
    "aws:iam/rolePolicy:RolePolicy": ("policy", 10_240),
}
_RESOURCE = {
    "aws:s3/bucketPolicy:BucketPolicy": ("policy", 20_480),
    "aws:kms/key:Key": ("policy", 32_768),
    "aws:kms/keyPolicy:KeyPolicy": ("policy", 32_768),
    "aws:sqs/queuePolicy:QueuePolicy": ("policy", 262_144),
    "aws:sns/topicPolicy:TopicPolicy": ("policy", 30_720),
    "aws:secretsmanager/secretPolicy:SecretPolicy": ("policy", 20_480),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": ("policy", 10_240),
    "aws:backup/vaultPolicy:VaultPolicy": ("policy", 32_768),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": ("policyDocument", 5120),
    "aws:msk/clusterPolicy:ClusterPolicy": ("policy", 20_480),
    "aws:apigateway/restApiPolicy:RestApiPolicy": ("policy", 8192),
}
_WITHOUT_RESOURCE = frozenset({"aws:ecr/repositoryPolicy:RepositoryPolicy"})
"""Policies that speak of their own resource without naming it (ECR user guide, Private repository policies)."""
_EXISTING = ("kms", "sqs", "sns", "secretsmanager", "dynamodb", "elasticloadbalancing", "lambda", "firehose", "ecr")
"""Services whose ARNs without wildcards always name something that must be there."""


def as_document(value: object) -> dict[str, Any] | None:
    """A policy as an object: the SDK takes text or the object itself; None when it is neither."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return value if isinstance(value, dict) else None


def statements_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    found = document.get("Statement")
    every = found if isinstance(found, list) else [found]
    return [each for each in every if isinstance(each, dict)]


def listed(value: object) -> list[str]:
    """One text or several, as IAM lets both be written."""
    every = value if isinstance(value, list) else [value]
    return [each for each in every if isinstance(each, str)]


def principals_of(statement: dict[str, Any]) -> list[str]:
    principal = statement.get("Principal")
    if isinstance(principal, dict):
        return [each for value in principal.values() for each in listed(value)]
    return listed(principal)


@rule(*_IDENTITY)
def identity_policy(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """An identity policy: valid, within its size without spaces (managed 6,144, inline 10,240), no principals.

    Source: IAM user guide, IAM JSON policy reference; IAM quotas.
    """
    path, longest = _IDENTITY[item.type]
    yield from _document(item, cloud, path, longest, trust=False, resource_based=False)


@rule(*_RESOURCE)
def resource_policy(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A policy on a resource: valid, within its size, and naming principals.

    Source: IAM user guide, IAM JSON policy reference; quotas of the service.
    """
    path, longest = _RESOURCE[item.type]
    yield from _document(item, cloud, path, longest, trust=False, resource_based=True)


@rule(_ROLE)
def trust_policy(role: Item, cloud: Cloud) -> Iterator[Broken]:
    """A trust policy: valid, at most 2,048 characters without spaces, naming principals and no resource, allowing sts
    actions.

    Source: IAM user guide, IAM JSON policy elements: Principal; IAM quotas.
    """
    yield from _document(role, cloud, "assumeRolePolicy", 2048, trust=True, resource_based=True)
    yield from between(role, "maxSessionDuration", 3600, 43_200)
    path = role.known("path")
    if isinstance(path, str) and re.fullmatch(r"/|/[\x21-\x7e]{1,510}/", path) is None:
        yield Broken("path", "a path that begins and ends with /", "for example /service/")


@rule(*_IDENTITY, *_RESOURCE)
def actions_exist(item: Item, _: Cloud) -> Iterator[Broken]:
    """The actions of a policy are ones that a service has: IAM takes others, and they allow nothing.

    Source: Service Authorization Reference, as cfn-lint carries it; services refuse them in policies of resources.
    """
    path = {**_IDENTITY, **_RESOURCE}[item.type][0]
    for statement in statements_of(as_document(item.known(path)) or {}):
        for element in ("Action", "NotAction"):
            for action in listed(statement.get(element)):
                if not _exists(action.lower()):
                    close = difflib.get_close_matches(
                        action.lower(), (f"{action.lower().partition(':')[0]}:{each}" for each in _of(action)), n=1
                    )
                    remedy = f"did you mean {close[0]}?" if close else "correct the action's name"
                    yield Broken(path, f"actions that exist; {action} is none", remedy, value=action)


def _of(action: str) -> frozenset[str]:
    return known_actions().get(action.lower().partition(":")[0], frozenset())


def _exists(action: str) -> bool:
    service, _, name = action.partition(":")
    if action == "*" or "*" in service:
        return True
    known = known_actions().get(service)
    if known is None or not known or name in known:
        return known is not None
    wanted = re.compile(re.escape(name).replace(r"\*", ".*").replace(r"\?", "."))
    return any(wanted.fullmatch(each) for each in known)


_SERVICE_OF = {
    "aws:s3/bucketPolicy:BucketPolicy": ("s3", "s3-object-lambda"),
    "aws:kms/key:Key": ("kms",),
    "aws:kms/keyPolicy:KeyPolicy": ("kms",),
    "aws:sqs/queuePolicy:QueuePolicy": ("sqs",),
    "aws:sns/topicPolicy:TopicPolicy": ("sns",),
    "aws:secretsmanager/secretPolicy:SecretPolicy": ("secretsmanager",),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": ("ecr",),
    "aws:backup/vaultPolicy:VaultPolicy": ("backup",),
}
_OF_A_TOPIC = frozenset(
    {
        *("addpermission", "removepermission", "gettopicattributes", "settopicattributes", "deletetopic"),
        *("subscribe", "listsubscriptionsbytopic", "publish", "receive", "getdataprotectionpolicy"),
        *("putdataprotectionpolicy", "tagresource", "untagresource", "listtagsforresource"),
    }
)


@rule(*_SERVICE_OF)
def actions_in_scope(item: Item, _: Cloud) -> Iterator[Broken]:
    """A resource's policy speaks of its own service's actions: of a topic's, those on one topic.

    Source: SQS and SNS, "Policy statement action out of service scope!" (terraform#12740); S3, "Policy has invalid
    action".
    """
    services = _SERVICE_OF[item.type]
    for statement in statements_of(as_document(item.known("policy")) or {}):
        for action in listed(statement.get("Action")):
            service, _colon, name = action.lower().partition(":")
            if action != "*" and service not in services and "*" not in service:
                yield Broken("policy", f"actions of {services[0]}; {action} is none", "correct the action", action)
            elif service == "sns" and "*" not in name and name in _of("sns:") and name not in _OF_A_TOPIC:
                yield Broken("policy", f"actions on one topic; {action} is none", "remove the action", action)
        resources = listed(statement.get("Resource"))
        if services[0] == "s3" and resources and all(arn.partition("/")[1] for arn in resources):
            actions = [each.lower() for each in listed(statement.get("Action"))]
            on_bucket = [each for each in actions if each in ("s3:listbucket", "s3:listbucketversions")]
            if actions and len(on_bucket) == len(actions):
                expected = "a resource that the actions are for: Action does not apply to any resource"
                yield Broken("policy", expected, "name the bucket itself", on_bucket[0])


@rule("aws:ec2/vpcEndpoint:VpcEndpoint")
def endpoint_policy(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """What may go through an endpoint is said by a policy with principals, and with actions that exist.

    Source: AWS PrivateLink guide, Control access to VPC endpoints using endpoint policies.
    """
    yield from _document(item, cloud, "policy", 20_480, trust=False, resource_based=True)
    for statement in statements_of(as_document(item.known("policy")) or {}):
        for action in listed(statement.get("Action")):
            if not _exists(action.lower()):
                yield Broken("policy", f"actions that exist; {action} is none", "correct the action's name", action)


@rule("aws:secretsmanager/secretPolicy:SecretPolicy")
def secrets_are_not_public(item: Item, _: Cloud) -> Iterator[Broken]:
    """With public policies blocked, a secret can't be made readable for all the world.

    Source: Secrets Manager API, PutResourcePolicy, BlockPublicPolicy (PublicPolicyException).
    """
    if item.known("blockPublicPolicy") is not True:
        return
    for statement in statements_of(as_document(item.known("policy")) or {}):
        if statement.get("Effect") == "Allow" and "*" in principals_of(statement) and not statement.get("Condition"):
            yield Broken("policy", "no public statement, as blockPublicPolicy is true", "name the principals", "*")


@rule("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
def attachments(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A role has up to 20 managed policies (10 unless the quota is raised), each attached once.

    Source: IAM user guide, IAM quotas; IAM API, AttachRolePolicy.
    """
    same = [each for each in cloud.where(item.type, "role", item.known("role")) if each.urn != item.urn]
    if any(each.known("policyArn") == item.known("policyArn") is not None for each in same):
        yield Broken("policyArn", "a policy that the role doesn't have yet", "remove one of the two attachments")
    if len(same) >= 20:
        yield Broken(
            "role", "at most 20 managed policies on a role (10 unless the quota is raised)", "combine policies"
        )


def _document(
    item: Item, cloud: Cloud, path: str, longest: int, *, trust: bool, resource_based: bool
) -> Iterator[Broken]:
    given = item.known(path)
    if given is None:
        return
    document = as_document(given)
    if document is None:
        yield Broken(path, "a policy document in JSON", "build it with json.dumps or Output.json_dumps")
        return
    if document.get("Version", "2008-10-17") not in ("2012-10-17", "2008-10-17"):
        yield Broken(path, 'Version "2012-10-17"', "set Version", document.get("Version", ""))
    for name in document.keys() - {"Version", "Id", "Statement"}:
        yield Broken(path, "Version, Id and Statement only", f"remove {name}", name)
    every = document.get("Statement")
    if not every:
        yield Broken(path, "at least one statement", "add one", "")
        return
    size = len(json.dumps(document, separators=(",", ":")))
    if size > longest:
        yield Broken(
            path,
            f"at most {longest} characters without spaces; this has {size}",
            "split it, or use wildcards in names",
            "",
        )
    sids: set[object] = set()
    for index, statement in enumerate(every if isinstance(every, list) else [every]):
        where = f"statement {index + 1}"
        if not isinstance(statement, dict):
            yield Broken(path, f"an object as {where}", "correct it", statement)
            continue
        sid = statement.get("Sid")
        if sid in sids and sid is not None:
            yield Broken(path, "a Sid that no other statement has", "rename one", sid)
        sids.add(sid)
        for expected, remedy, value in _statement(
            statement, where, trust=trust, resource_based=resource_based, implied=item.type in _WITHOUT_RESOURCE
        ):
            yield Broken(path, expected, remedy, value)
        if not trust:
            for arn in listed(statement.get("Resource")):
                yield from _missing(arn, path, where, cloud)


def _statement(
    statement: dict[str, Any], where: str, *, trust: bool, resource_based: bool, implied: bool
) -> Iterator[tuple[str, str, object]]:
    for name in statement.keys() - _ELEMENTS:
        yield f"only {', '.join(sorted(_ELEMENTS))} in {where}", f"remove {name}", name
    if statement.get("Effect") not in ("Allow", "Deny"):
        yield f"Effect Allow or Deny in {where}", "set Effect", statement.get("Effect", "")
    for one, other in (("Action", "NotAction"), ("Resource", "NotResource")):
        if one in statement and other in statement:
            yield f"one of {one} and {other} in {where}", "keep one", ""
    sid = statement.get("Sid")
    if not resource_based and isinstance(sid, str) and re.fullmatch(r"[A-Za-z0-9]*", sid) is None:
        yield f"letters and digits as Sid of {where}", "rename the statement", sid
    actions = listed(statement.get("Action")) or listed(statement.get("NotAction"))
    if not actions:
        yield f"Action in {where}", "name the actions", ""
    for action in actions:
        if re.fullmatch(r"\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+", action) is None:
            yield f"actions such as s3:GetObject in {where}", "correct the action", action
        elif trust and action != "*" and not action.lower().startswith("sts:"):
            yield f"actions of sts in {where}, as this is a trust policy", "allow sts:AssumeRole", action
    resources = listed(statement.get("Resource")) or listed(statement.get("NotResource"))
    if trust and resources:
        yield f"no Resource in {where}, as this is a trust policy", "remove it", resources[0]
    if not trust and not implied and not resources:
        yield f"Resource in {where}", "name the resources", ""
    for arn in resources:
        if (
            arn != "*"
            and re.fullmatch(r"arn:[a-z*-]+:[a-z0-9*-]*:[a-z0-9*-]*:(\d{12}|aws|\*|\$\{[^}]+\})?:.+", arn) is None
        ):
            yield f"ARNs in {where}", "pass the resource's arn", arn
    principal = statement.get("Principal", statement.get("NotPrincipal"))
    if resource_based and principal is None:
        yield f"Principal in {where}", "say whom it is for", ""
    if not resource_based and principal is not None:
        yield f"no Principal in {where}: the policy is for whom it is attached to", "remove it", principal
    if isinstance(principal, dict):
        for name in principal.keys() - {"AWS", "Service", "Federated", "CanonicalUser"}:
            yield f"AWS, Service, Federated or CanonicalUser as Principal in {where}", "correct it", name
        for account in listed(principal.get("AWS")):
            if re.fullmatch(_ACCOUNTS, account) is None:
                yield f"an account's number, or the ARN of an account, user or role in {where}", "correct it", account
        for service in listed(principal.get("Service")):
            if re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?", service) is None:
                yield f"a service such as ec2.amazonaws.com in {where}", "correct the principal", service
    condition = statement.get("Condition")
    if condition is not None:
        for operator in condition if isinstance(condition, dict) else {"": None}:
            if not isinstance(condition, dict) or not isinstance(condition.get(operator), dict):
                yield f"Condition as operator, key and value in {where}", "correct the condition", condition
            elif re.fullmatch(_OPERATORS, operator) is None:
                yield f"a condition operator that IAM has in {where}", "correct the operator", operator


_ACCOUNTS = r"\*|\d{12}|arn:[a-z-]+:(iam|sts)::\d{12}:.+|arn:[a-z-]+:iam::cloudfront:user/.+|A[A-Z0-9]{15,}|\$\{.+\}"
_OPERATORS = (
    r"(ForAllValues:|ForAnyValue:)?"
    r"(String(Not)?Equals(IgnoreCase)?|String(Not)?Like|Numeric((Not)?Equals|(Less|Greater)Than(Equals)?)"
    r"|Date((Not)?Equals|(Less|Greater)Than(Equals)?)|Bool|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like)|Null)(IfExists)?"
)


def _missing(arn: str, path: str, where: str, cloud: Cloud) -> Iterator[Broken]:
    own = references.OWN_ARN.match(arn)
    if own is None or own[1] not in _EXISTING or any(mark in arn for mark in "*?$"):
        return
    if not cloud.named(arn) and not cloud.contains(arn):
        yield Broken(path, f"ARNs of things that exist in {where}", "pass the resource's arn output", arn, absent=True)
