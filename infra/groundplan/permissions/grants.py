"""The grants that suffice for a program's calls, and no other system's: names, tags and conditions.

Each call is widened only so far that the same program still deploys after it has grown: a name keeps the beginning that
says system and stack, an id becomes any id, and where the service knows tags the tags of this stack are asked for. What
neither a name nor a tag holds apart is listed in `Grants.account_wide`, with the service that offers nothing narrower.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from groundplan.cloud import compiled
from groundplan.cloud.item import ACCOUNT
from groundplan.cloud.model import Resource
from groundplan.permissions.calls import ROLE, Call, calls_of, form_of
from groundplan.permissions.evaluation import Decision, Document, decide
from groundplan.stack.scope import DELIVERY_PATH, Scope

MANAGED_LIMIT = 6144
"""Characters of a managed policy, spaces not counted: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
ATTACHED_LIMIT = 10
"""Managed policies of one role, unless the quota is raised."""

_BY_NAME_ONLY = frozenset({"s3", "iam"})
"""Buckets answer to tags only where ABAC is switched on for each; `iam:PassRole` doesn't reliably:
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"""

_SUFFIX = re.compile(r"-[0-9a-f]{7,26}(?=$|/)")
_TAGS = ("system", "environment")

Condition = tuple[tuple[str, str, tuple[str, ...]], ...]
"""Operator, key and values."""


@dataclass(frozen=True)
class Grants:
    """What the deploying role gets: ``policies``, each small enough for a managed policy, and the ``boundary`` of the
    roles that it makes. ``account_wide`` says which calls reach over system and stack, and on what."""

    scope: Scope
    policies: tuple[Document, ...]
    boundary: Document
    account_wide: tuple[tuple[str, str], ...]

    def decide(self, call: Call) -> Decision:
        return decide(call.request, self._by_action.get(call.action, ()))

    @cached_property
    def _by_action(self) -> dict[str, list[Document]]:
        """Statements by the actions that they name; grants name each in full."""
        found: dict[str, list[Document]] = defaultdict(list)
        for policy in self.policies:
            for statement in policy["Statement"]:
                for action in statement["Action"]:
                    found[action].append({"Statement": [statement]})
        return found

    @property
    def actions(self) -> frozenset[str]:
        return frozenset(
            action for policy in self.policies for each in policy["Statement"] for action in each["Action"]
        )

    def unused(self, calls: Iterable[Call]) -> list[str]:
        """Actions that are granted and that no call needs."""
        return sorted(self.actions - {call.action for call in calls})


def grants_of(
    scope: Scope, resources: Sequence[Resource], calls: Sequence[Call] | None = None, services: Iterable[str] = ()
) -> Grants:
    """The grants for a stack's whole life. Raises UnknownType for a type that no calls are known of.

    ``services`` are the system's: a role that is named after one may be another's tomorrow.
    """
    names = sorted(services, key=len, reverse=True)
    found = calls_of(resources) if calls is None else calls
    wanted: dict[Condition, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    wide: set[tuple[str, str]] = set()
    for call in found:
        pattern, narrow = widened(call, scope, names)
        condition = _condition(call)
        if any(key.startswith("aws:ResourceTag/") and operator == "StringEquals" for operator, key, _ in condition):
            pattern = _of_service(call.resource)  # the tags say whose it is, of any type
        wanted[condition][call.action].add(pattern)
        if not narrow and not condition and not _reads(call.action):
            wide.add((call.action, pattern))
    statements = [
        {
            "Effect": "Allow",
            "Action": sorted(actions),
            "Resource": sorted(resources),
            **({"Condition": _written(condition)} if condition else {}),
        }
        for condition, by_action in sorted(wanted.items())
        for resources, actions in _statements(condition, by_action)
    ]
    return Grants(scope, tuple(_packed(statements)), boundary_of(resources), tuple(sorted(wide)))


def widened(call: Call, scope: Scope, services: Sequence[str] = ()) -> tuple[str, bool]:
    """The pattern that covers a call's ARN and those of the same kind in this stack, and whether it names the stack."""
    arn = call.resource
    if arn == "*":
        return "*", False
    if call.exact:
        return arn, True
    if call.action == "iam:PassRole":
        return _passed(call, scope, services), True
    rest = arn.split(":", 5)[5]
    start = arn[: len(arn) - len(rest)]
    for token, keep in _tokens(scope):
        match = re.search(rf"(?:^|(?<=[:/])){token}", rest)
        if match is not None:
            whole = match.end() == len(rest)
            return f"{start}{rest[: match.end()]}{'' if whole else '*'}" if keep or not whole else arn, True
    if call.action == "iam:CreateServiceLinkedRole":
        return f"{arn.rpartition('/')[0]}/*", True
    if call.type == "aws:route53/record:Record" and ":hostedzone/" in arn:
        return "arn:aws:route53:::hostedzone/*", "aws" in call.context
    return start + _kind(rest), False


def _passed(call: Call, scope: Scope, services: Sequence[str]) -> str:
    """One role and its successors; those of pods come and go with services, and all begin with the stack's name."""
    if call.context["iam:PassedToService"] == "pods.eks.amazonaws.com" and f"/{scope.name}-" in call.resource:
        return f"{call.resource.rpartition('/')[0]}/{scope.name}-*"
    path, _, name = _SUFFIX.sub("", call.resource).rpartition("/")
    for service in services:
        name = re.sub(rf"(?<=-){re.escape(service)}(?=-)", "*", name)
    return f"{path}/{name}-*"


def _of_service(arn: str) -> str:
    """Everything of an ARN's service in its region."""
    parts = arn.split(":", 5)
    return ":".join([*parts[:5], "/*" if parts[2] == "apigateway" else "*"])


def _tokens(scope: Scope) -> list[tuple[str, bool]]:
    name, system = re.escape(scope.name), re.escape(scope.system)
    glue = re.escape(f"{scope.name}--".replace("-", "_"))
    return [
        (rf"{system}/{re.escape(scope.stack)}/", True),
        (rf"{name}--", True),
        (glue, True),
        (rf"{name}(?=$)", True),
        (rf"{name}[-/.:]", True),
        (rf"{system}\.", True),
    ]


def _kind(rest: str) -> str:
    """`subnet/subnet-0a1b` as `subnet/*`; a path of API Gateway keeps what isn't an id."""
    if rest.startswith("/tags/arn:"):
        return "/tags/*"
    if rest.startswith("/"):
        parts = rest.split("/")
        return "/".join(part if index % 2 == 1 or not part else "*" for index, part in enumerate(parts))
    for separator in (":", "/"):
        first, found, _ = rest.partition(separator)
        if found and re.fullmatch(r"[a-z][a-z-]*", first):
            return f"{first}{separator}*"
    return "*" if "/" not in rest else "*/*"


def _reads(action: str) -> bool:
    name = action.partition(":")[2]
    return name.startswith(("Describe", "Get", "List", "View", "Validate")) or name == "GET"


def _condition(call: Call) -> Condition:
    service, context = call.action.partition(":")[0], call.context
    found: list[tuple[str, str, tuple[str, ...]]] = []
    if call.action == "iam:PassRole":
        return (("StringEquals", "iam:PassedToService", (str(context["iam:PassedToService"]),)),)
    if call.action == "iam:CreateServiceLinkedRole":
        return (("StringEquals", "iam:AWSServiceName", (str(context["iam:AWSServiceName"]),)),)
    if boundary := context.get("iam:PermissionsBoundary"):
        found.append(("StringEquals", "iam:PermissionsBoundary", (str(boundary),)))
    if call.action == "route53:ChangeResourceRecordSets":
        names = tuple(context["route53:ChangeResourceRecordSetsNormalizedRecordNames"])
        domain = _domain(names[0])
        key = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
        return (("ForAllValues:StringLike", key, (domain, f"*.{domain}")),)
    if service not in _BY_NAME_ONLY:
        if _knows_tags(call) and all(f"aws:ResourceTag/{tag}" in context for tag in _TAGS):
            found.extend(
                ("StringEquals", f"aws:ResourceTag/{tag}", (str(context[f"aws:ResourceTag/{tag}"]),)) for tag in _TAGS
            )
        elif all(f"aws:RequestTag/{tag}" in context for tag in _TAGS):
            for tag in _TAGS:
                value = (str(context[f"aws:RequestTag/{tag}"]),)
                found.append(("StringEquals", f"aws:RequestTag/{tag}", value))
                # What carries another stack's tags already is neither overwritten nor taken over.
                found.append(("StringEqualsIfExists", f"aws:ResourceTag/{tag}", value))
            if "ec2:CreateAction" in context:
                found.append(("Null", "ec2:CreateAction", ("false",)))
        cluster = context.get("aws:ResourceTag/aws:eks:cluster-name")
        if cluster and call.resource != "*":
            found.append(("StringEquals", "aws:ResourceTag/aws:eks:cluster-name", (str(cluster),)))
    return tuple(found)


def _domain(name: str) -> str:
    """The stack's own domain of a record's name: validation records and `api.` lie below it."""
    labels = [each for each in name.split(".") if not each.startswith("_")]
    return ".".join(labels[1:] if labels and labels[0] in ("api", "www", "auth", "login") else labels)


def _knows_tags(call: Call) -> bool:
    service, _, name = call.action.partition(":")
    if service == "apigateway" and name.isupper():
        return True
    forms: Mapping[str, bool] = compiled.call_facts().get(call.action, {}).get("on", {})
    fitting = [known for form, known in forms.items() if form_of(form).fullmatch(call.resource)]
    # The reference names another kind of thing for some actions; what it says of tags is right all the same.
    return call.resource != "*" and any(fitting or forms.values())


def _written(condition: Condition) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for operator, key, values in condition:
        found[operator][key] = values[0] if len(values) == 1 else list(values)
    return dict(found)


def _statements(condition: Condition, by_action: Mapping[str, set[str]]) -> list[tuple[frozenset[str], set[str]]]:
    """Actions and what they are granted on, joined where that grants no more.

    Tags that must be there say whose a thing is. Tags that a call says hold apart what is made; only EC2
    tags all kinds of things by one action.
    """
    if any(operator == "StringEquals" and key.startswith("aws:ResourceTag/") for operator, key, _ in condition):
        return _together(by_action)
    if not any(key.startswith("aws:RequestTag/") for _, key, _ in condition):
        return _grouped(by_action)
    services = sorted({action.partition(":")[0] for action in by_action} - {"ec2"})
    joined = [
        group
        for service in services
        for group in _together({each: by_action[each] for each in by_action if each.startswith(f"{service}:")})
    ]
    return joined + _grouped({each: by_action[each] for each in by_action if each.startswith("ec2:")})


def _together(by_action: Mapping[str, set[str]]) -> list[tuple[frozenset[str], set[str]]]:
    """All actions on all things in one statement: where one names no thing at all, it stands apart."""
    apart = {action: resources for action, resources in by_action.items() if "*" in resources}
    joined = {action: resources for action, resources in by_action.items() if "*" not in resources}
    every = frozenset(resource for resources in joined.values() for resource in resources)
    return [*([(every, set(joined))] if joined else []), *_grouped(apart)]


def _grouped(by_action: Mapping[str, set[str]]) -> list[tuple[frozenset[str], set[str]]]:
    """Actions on the same things together."""
    found: dict[frozenset[str], set[str]] = defaultdict(set)
    for action, resources in by_action.items():
        kept = frozenset({"*"}) if "*" in resources else frozenset(resources)
        found[kept].add(action)
    return sorted(found.items(), key=lambda each: (sorted(each[1]), sorted(each[0])))


def _packed(statements: Iterable[dict[str, Any]]) -> list[Document]:
    """Statements spread over as few policies as hold them, the largest first."""
    policies: list[list[dict[str, Any]]] = []
    sizes: list[int] = []
    empty = _size({"Version": "2012-10-17", "Statement": []})
    split = [part for each in statements for part in _split(each, MANAGED_LIMIT - empty)]
    for statement in sorted(split, key=_size, reverse=True):
        size = _size(statement) + 1
        for index, used in enumerate(sizes):
            if used + size <= MANAGED_LIMIT:
                policies[index].append(statement)
                sizes[index] += size
                break
        else:
            policies.append([statement])
            sizes.append(empty + size)
    return [{"Version": "2012-10-17", "Statement": each} for each in policies]


def _split(statement: dict[str, Any], room: int) -> list[dict[str, Any]]:
    if _size(statement) <= room:
        return [statement]
    half = (len(statement["Action"]) + 1) // 2
    parts = ({**statement, "Action": statement["Action"][:half]}, {**statement, "Action": statement["Action"][half:]})
    return [smaller for part in parts for smaller in _split(part, room)]


def _size(value: object) -> int:
    """As IAM counts. In the template an account's number and the partition stand as variables; IAM sees the values."""
    return len(json.dumps(value, separators=(",", ":")))


def boundary_of(resources: Iterable[Resource]) -> Document:
    """The most that the stack's roles may do: the services that they use, of IAM no more than AWS's own policies
    for EKS need, and nothing of what makes the pipeline."""
    services: set[str] = set()
    of_iam: set[str] = set()
    for action in _actions_of_roles(resources):
        service, _, name = action.partition(":")
        if service == "iam":
            of_iam.add(action)
        elif service and name:
            services.add(service)
    statements: list[dict[str, Any]] = [
        {
            "Sid": "ServicesInUse",
            "Effect": "Allow",
            "Action": [f"{service}:*" for service in sorted(services)],
            "Resource": "*",
        }
    ]
    if of_iam:
        statements.append({"Sid": "OfIam", "Effect": "Allow", "Action": sorted(of_iam), "Resource": "*"})
    statements.append(
        {
            "Sid": "NotThePipeline",
            "Effect": "Deny",
            "Action": ["iam:*", "sts:*"],
            "Resource": [f"arn:aws:iam::{ACCOUNT}:{kind}{DELIVERY_PATH}*" for kind in ("role", "policy")],
        }
    )
    return {"Version": "2012-10-17", "Statement": statements}


def _actions_of_roles(resources: Iterable[Resource]) -> Iterable[str]:
    managed = compiled.managed_actions()
    for each in resources:
        if each.type == "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
            yield from managed.get(str(each.inputs.get("policyArn", "")).rpartition("/")[2], ())
        elif each.type == "aws:iam/rolePolicy:RolePolicy":
            policy = each.inputs.get("policy")
            document = json.loads(policy) if isinstance(policy, str) else policy
            statements = document.get("Statement", []) if isinstance(document, Mapping) else []
            for statement in statements if isinstance(statements, list) else [statements]:
                actions = statement.get("Action", [])
                yield from [actions] if isinstance(actions, str) else actions
        elif each.type == ROLE:
            yield "sts:AssumeRole"


def neighbour(call: Call, scope: Scope, other: Scope) -> Call:
    """The same call for what another stack has made: its names, paths, tags and boundary."""
    words = (
        (re.escape(scope.path), other.path),
        (rf"(?<![a-z0-9]){re.escape(scope.name)}", other.name),
        (rf"(?<![a-z0-9]){re.escape(scope.name.replace('-', '_'))}", other.name.replace("-", "_")),
        (rf"(?<![a-z0-9]){re.escape(scope.system)}\.", f"{other.system}."),
    )

    def moved(text: str) -> str:
        for ours, theirs in words:
            text = re.sub(ours, theirs, text)
        return text

    tags = {"system": other.system, "environment": other.stack}
    context: dict[str, str | tuple[str, ...]] = {}
    for key, value in call.context.items():
        kind, _, tag = key.partition("/")
        if kind in ("aws:ResourceTag", "aws:RequestTag") and tag in tags:
            context[key] = tags[tag]
        else:
            context[key] = moved(value) if isinstance(value, str) else tuple(moved(each) for each in value)
    return replace(call, resource=moved(call.resource), context=context)


def overreach(grants: Grants, calls: Iterable[Call], other: Scope) -> list[Call]:
    """Calls that change what another stack has made, and that these grants allow: other than `account_wide`, none."""
    wide = set(grants.account_wide)
    found: dict[tuple[str, str], Call] = {}
    for parts in _whole(calls):
        call = parts[0]
        if _reads(call.action) or call.action == "iam:CreateServiceLinkedRole":
            continue
        foreign = [neighbour(each, grants.scope, other) for each in parts]
        if foreign == parts:
            continue  # nothing in it says whose it is
        key = call.action, widened(call, grants.scope)[0]
        if key not in wide and key not in found and all(grants.decide(each) for each in foreign):
            found[key] = foreign[0]
    return list(found.values())


def _whole(calls: Iterable[Call]) -> Iterable[list[Call]]:
    """Calls with all that each works on: IAM has to allow it on every part."""
    found: dict[tuple[str, str, str, str], list[Call]] = defaultdict(list)
    for call in calls:
        found[(call.action, call.type, call.name, call.operation)].append(call)
    for parts in found.values():
        separate = parts[0].action == "iam:PassRole"
        yield from ([each] for each in parts) if separate else [parts]
