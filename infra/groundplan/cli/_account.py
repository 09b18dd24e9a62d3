"""What the account has of a stack, asked by the AWS CLI: by tags, and roles by their path."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from groundplan.cloud.catalogue import catalogued
from groundplan.permissions.grants import Scope
from groundplan.problems import Problem, ProblemsFound
from groundplan.repair import Found

TOPIC = "aws:sns/topic:Topic"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
EDGE_REGION = "us-east-1"


def account_of(project: Path, scope: Scope, region: str) -> list[Found]:
    """Everything with the stack's tags or path. Raises ProblemsFound when the account can't be asked."""
    found: dict[str, Found] = {}
    for place in dict.fromkeys((region, EDGE_REGION)):
        for each in tagged(project, scope, place):
            found[each.arn] = each
    for each in _roles(project, scope):
        found[each.arn] = each
    for topic in [each for each in found.values() if each.type == TOPIC]:
        for each in _subscriptions(project, topic.arn):
            found[each.arn] = each
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


def _subscriptions(project: Path, topic: str) -> Iterator[Found]:
    """They have no tags, and an id that SNS makes up."""
    region = topic.split(":")[3]
    answer = ask_aws(project, "sns", "list-subscriptions-by-topic", "--region", region, "--topic-arn", topic)
    for each in answer.get("Subscriptions") or []:
        arn, endpoint = each["SubscriptionArn"], each["Endpoint"]
        if arn.startswith("arn:"):  # not those that wait for a confirmation
            yield Found(SUBSCRIPTION, arn, arn, {}, {"topic": topic, "endpoint": endpoint})


def found_of(arn: str, tags: dict[str, str]) -> Iterator[Found]:
    """What an ARN names, as the provider calls it; nothing where the catalogue has no such form."""
    for token, pattern, identity in _forms():
        match = pattern.fullmatch(arn)
        if match is None:
            continue
        if identity == "{arn}":
            yield Found(token, arn, arn, tags)
        else:
            yield Found(token, match.groupdict().get("name") or arn.replace(":", "/").rpartition("/")[2], arn, tags)
        return


@cache
def _forms() -> tuple[tuple[str, re.Pattern[str], str], ...]:
    """Type, form of the ARN, template of the id; the forms that say most come first."""
    found = []
    for token, kind in catalogued().items():
        if isinstance(kind.arn, str) and kind.arn.startswith("arn:"):
            found.append((token, _pattern(kind.arn), kind.id if isinstance(kind.id, str) else "{name}"))
    return tuple(sorted(found, key=lambda each: -len(each[1].pattern)))


def _pattern(template: str) -> re.Pattern[str]:
    text, named = "", False
    for literal, field in re.findall(r"([^{]*)(?:\{(\w+)\})?", template):
        text += re.escape(literal)
        if field in ("name", "id") and not named:
            text, named = text + "(?P<name>[^:/]+)", True
        elif field == "account":
            text += r"\d{12}"
        elif field:
            text += "[^:/]*"
    return re.compile(text)


def remove(project: Path, found_type: str, identifier: str, region: str) -> None:
    """Deletes one thing by the Cloud Control API, which takes any type of CloudFormation's. Raises ProblemsFound."""
    name = cloudformation_type(found_type)
    if name is None:
        raise ProblemsFound(
            [_refusal(f"no way to delete {found_type}", "delete it in the console, then run this again")]
        )
    ask_aws(
        project,
        *("cloudcontrol", "delete-resource", "--region", region, "--type-name", name, "--identifier", identifier),
    )


def cloudformation_type(token: str) -> str | None:
    """`AWS::SQS::Queue` of `aws:sqs/queue:Queue`, as the compiled replacements' sources name it."""
    from groundplan.cloud.compiled import cloudformation_types

    return cloudformation_types().get(token)


def ask_aws(project: Path, *arguments: str) -> dict[str, Any]:
    """What the AWS CLI answers. Raises ProblemsFound when it is missing or refuses."""
    try:
        done = subprocess.run(
            ["aws", *arguments, "--output", "json"], cwd=project, check=False, capture_output=True, text=True
        )
    except FileNotFoundError:
        remedy = "install it: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
        raise ProblemsFound([Problem("this machine", "aws", "not found", "the AWS CLI on the PATH", remedy)]) from None
    if done.returncode:
        said = done.stderr.strip().rpartition("\n")[2]
        raise ProblemsFound(
            [_refusal(f"aws {' '.join(arguments[:2])}: {said}", "take on a role that deploys this stack")]
        )
    answer: dict[str, Any] = json.loads(done.stdout or "{}")
    return answer


def _refusal(value: str, remedy: str) -> Problem:
    return Problem("the account", "", value, "what carries the stack's tags", remedy)
