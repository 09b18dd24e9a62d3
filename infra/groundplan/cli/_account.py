"""What the account has of a stack, asked by the AWS CLI: by tags, and roles by their path."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from groundplan.cloud.catalogue import catalogued
from groundplan.cloud.catalogue.imports import filled
from groundplan.problems import Problem, ProblemsFound
from groundplan.repair import Found
from groundplan.repair.listings import LISTINGS, Listing
from groundplan.stack.scope import Scope

TOPIC = "aws:sns/topic:Topic"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"
BRANDING = "aws:cognito/managedLoginBranding:ManagedLoginBranding"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
EDGE_REGION = "us-east-1"
_NOT_FOUND = "ResourceNotFoundException"


def account_of(project: Path, scope: Scope, region: str) -> list[Found]:
    """Everything with the stack's tags or path. Raises ProblemsFound when the account can't be asked."""
    found: dict[tuple[str, str], Found] = {}
    for place in dict.fromkeys((region, EDGE_REGION)):
        for each in tagged(project, scope, place):
            found[each.type, each.arn] = each
    for each in _roles(project, scope):
        found[each.type, each.arn] = each
    for topic in [each for each in found.values() if each.type == TOPIC]:
        for each in _subscriptions(project, topic.arn):
            found[each.type, each.arn] = each
    return list(found.values())


def tagged(project: Path, scope: Scope, region: str) -> Iterator[Found]:
    """What carries the stack's tags in a region.

    https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html (pages: the CLI's)
    """
    filters = (f"Key=system,Values={scope.system}", f"Key=environment,Values={scope.stack}")
    answer = ask_aws(
        project, "resourcegroupstaggingapi", "get-resources", "--region", region, "--tag-filters", *filters
    )
    for each in answer.get("ResourceTagMappingList") or []:
        tags = {tag["Key"]: tag["Value"] for tag in each.get("Tags") or []}
        yield from found_of(each["ResourceARN"], tags)


def _roles(project: Path, scope: Scope) -> Iterator[Found]:
    """The tagging API doesn't tell of roles."""
    for each in ask_aws(project, "iam", "list-roles", "--path-prefix", scope.path).get("Roles") or []:
        yield Found("aws:iam/role:Role", each["RoleName"], each["Arn"])


def siblings_of(project: Path, resource: Mapping[str, Any], region: str) -> Iterator[Found]:
    """What the account has of a resource's type, for one that has neither tags nor a name: found by what it was asked
    for with. Raises ProblemsFound when the account can't be asked."""
    token, inputs = resource["type"], resource.get("inputs") or {}
    places = (EDGE_REGION,) if token.startswith("aws:cloudfront/") else tuple(dict.fromkeys((region, EDGE_REGION)))
    if token in LISTINGS:
        for place in places:
            yield from _listed(project, token, LISTINGS[token], inputs, place)
    elif token == TARGET:
        yield from _targets(project, str(inputs.get("rule")), region)
    elif token == BRANDING:
        yield from _branding(project, inputs, region)


def _listed(project: Path, token: str, listing: Listing, inputs: Mapping[str, Any], region: str) -> Iterator[Found]:
    """https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-operations-list.html"""
    options = ("--region", region, "--type-name", listing.type)
    model = listing.model(inputs)
    parent = ("--resource-model", json.dumps(model)) if model else ()
    answer = ask_aws(project, "cloudcontrol", "list-resources", *options, *parent)
    for each in answer.get("ResourceDescriptions") or []:
        # A list tells identifiers; what they stand for has to be asked for.
        name = ("--identifier", each["Identifier"])
        described = ask_aws(project, "cloudcontrol", "get-resource", *options, *name)["ResourceDescription"]
        properties = json.loads(described["Properties"])
        yield Found(token, str(properties[listing.id]), "", {}, listing.stated(properties))


def _targets(project: Path, rule: str, region: str) -> Iterator[Found]:
    """CloudFormation knows them as a part of their rule only."""
    answer = ask_aws(project, "events", "list-targets-by-rule", "--region", region, "--rule", rule)
    for each in answer.get("Targets") or []:
        yield Found(
            TARGET, f"{rule}-{each['Id']}", "", {}, {"rule": rule, "arn": each["Arn"]}, {"targetId": each["Id"]}
        )


def _branding(project: Path, inputs: Mapping[str, Any], region: str) -> Iterator[Found]:
    """Cloud Control has no list of them."""
    pool, client = str(inputs.get("userPoolId")), str(inputs.get("clientId"))
    asked = ("--region", region, "--user-pool-id", pool, "--client-id", client)
    answer = ask_aws(project, "cognito-idp", "describe-managed-login-branding-by-client", *asked, absent=_NOT_FOUND)
    if answer:
        found = answer["ManagedLoginBranding"]["ManagedLoginBrandingId"]
        yield Found(BRANDING, f"{pool},{found}", "", {}, {"userPoolId": pool, "clientId": client})


def _subscriptions(project: Path, topic: str) -> Iterator[Found]:
    """They have no tags, and an id that SNS makes up."""
    region = topic.split(":")[3]
    answer = ask_aws(project, "sns", "list-subscriptions-by-topic", "--region", region, "--topic-arn", topic)
    for each in answer.get("Subscriptions") or []:
        arn, endpoint = each["SubscriptionArn"], each["Endpoint"]
        if arn.startswith("arn:"):  # not those that wait for a confirmation
            yield Found(SUBSCRIPTION, arn, arn, {}, {"topic": topic, "endpoint": endpoint})


def found_of(arn: str, tags: dict[str, str]) -> Iterator[Found]:
    """What an ARN names, as the provider calls it; nothing where the catalogue has no such form. Of types whose ARNs
    look alike (a security group, and a network's default one) one each."""
    form = ""
    for token, pattern, identity in _forms():
        match = pattern.fullmatch(arn)
        if match is None or form not in ("", _plain(pattern)):
            continue
        form = _plain(pattern)
        parts = {key: value for key, value in match.groupdict().items() if value}
        identifier = filled(identity, {**parts, "arn": arn}) if identity else ""
        otherwise = parts.get("id") or parts.get("name") or re.split("[:/]", arn)[-1]
        yield Found(token, identifier or otherwise, arn, tags, {}, parts)


def _plain(pattern: re.Pattern[str]) -> str:
    return re.sub(r"\?P<\w+>", "", pattern.pattern)


@cache
def _forms() -> tuple[tuple[str, re.Pattern[str], str], ...]:
    """Type, form of the ARN, template of the id; the forms that say most come first."""
    found = []
    for token, kind in catalogued().items():
        form = kind.form or kind.arn
        if isinstance(form, str) and form.startswith("arn:"):
            found.append((token, _pattern(form), kind.id if isinstance(kind.id, str) else ""))
    return tuple(sorted(found, key=lambda each: -len(_plain(each[1]))))


def _pattern(template: str) -> re.Pattern[str]:
    text, named = "", set[str]()
    for literal, field in re.findall(r"([^{]*)(?:\{(\w+)\})?", template):
        text += re.escape(literal)
        if not field:
            continue
        if field == "account":
            form = r"\d{12}"
        elif field in ("name", "id"):
            # What comes last may have slashes: the name of a log group, or of a secret.
            form = "[^:]+" if template.endswith("{name}") and field == "name" else "[^:/]+"
        else:
            form = "[^:/]*"
        text += f"(?P<{field}>{form})" if field not in named else f"(?:{form})"
        named.add(field)
    return re.compile(text)


def remove(project: Path, found_type: str, identifier: str, region: str) -> None:
    """Deletes one thing by the Cloud Control API, which takes any type of CloudFormation's, and waits until it is gone.
    Raises ProblemsFound."""
    name = cloudformation_type(found_type)
    if name is None:
        raise ProblemsFound(
            [_refusal(f"no way to delete {found_type}", "delete it in the console, then run this again")]
        )
    place = ("--region", region)
    asked = ask_aws(project, "cloudcontrol", "delete-resource", *place, "--type-name", name, "--identifier", identifier)
    # The answer is only that deleting begins.
    token = asked["ProgressEvent"]["RequestToken"]
    ask_aws(project, "cloudcontrol", "wait", "resource-request-success", *place, "--request-token", token)


def cloudformation_type(token: str) -> str | None:
    """`AWS::SQS::Queue` of `aws:sqs/queue:Queue`, as the compiled replacements' sources name it."""
    from groundplan.cloud.compiled import cloudformation_types

    return cloudformation_types().get(token)


def ask_aws(project: Path, *arguments: str, absent: str = "") -> dict[str, Any]:
    """What the AWS CLI says; nothing when it says that there is none, by the error ``absent``. Raises ProblemsFound."""
    try:
        done = subprocess.run(
            ["aws", *arguments, "--output", "json"], cwd=project, check=False, capture_output=True, text=True
        )
    except FileNotFoundError:
        remedy = "install it: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
        raise ProblemsFound([Problem("this machine", "aws", "not found", "the AWS CLI on the PATH", remedy)]) from None
    if done.returncode and absent and f"({absent})" in done.stderr:
        return {}
    if done.returncode:
        said = done.stderr.strip().rpartition("\n")[2]
        raise ProblemsFound(
            [_refusal(f"aws {' '.join(arguments[:2])}: {said}", "take on a role that deploys this stack")]
        )
    answer: dict[str, Any] = json.loads(done.stdout or "{}")
    return answer


def _refusal(value: str, remedy: str) -> Problem:
    return Problem("the account", "", value, "what carries the stack's tags", remedy)
