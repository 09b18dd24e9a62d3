"""Lambda."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundplan.cloud.item import Item
from groundplan.cloud.rules.policies import as_document, listed, statements_of
from groundplan.cloud.rules.registry import Broken, between, one_of, rule

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

FUNCTION = "aws:lambda/function:Function"
# Lambda developer guide, "Supported runtimes" (November 2026).
_RUNTIME = (
    r"nodejs(20|22|24)\.x|python3\.(9|1\d)|java(8\.al2|11|17|21|25)|dotnet(8|9|10)|ruby3\.\d|provided\.(al2|al2023)"
)
_RESERVED = frozenset(
    {
        "_HANDLER",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    }
)


@rule(FUNCTION)
def function(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """Code from one place; a zip has a handler and a supported runtime; memory 128 to 10,240 MB; at most 900 s;
    reserved names are not set.

    Source: Lambda API, CreateFunction; Lambda quotas; Lambda developer guide, Defined runtime environment variables.
    """
    places = [name for name in ("code", "imageUri", "s3Bucket") if item.get(name) is not None]
    if len(places) != 1:
        yield Broken("code", "one of code, imageUri and s3Bucket", "set one", "")
    if item.get("packageType", "Zip") == "Zip":
        for name in ("handler", "runtime"):
            if item.get(name) is None:
                yield Broken(name, "a value, as the package is a zip", f"set {name}")
    runtime = item.known("runtime")
    if isinstance(runtime, str) and re.fullmatch(_RUNTIME, runtime) is None:
        yield Broken("runtime", "a runtime that Lambda supports, such as python3.13", "use a newer runtime")
    yield from between(item, "memorySize", 128, 10_240)
    yield from between(item, "timeout", 1, 900)
    yield from between(item, "ephemeralStorage.size", 512, 10_240)
    for index, architecture in enumerate(item.each("architectures")):
        if architecture not in ("x86_64", "arm64"):
            yield Broken(f"architectures[{index}]", "x86_64 or arm64", "choose one of these")
    variables = item.known("environment.variables")
    if isinstance(variables, dict):
        for name in variables:
            if name in _RESERVED:
                yield Broken(
                    f"environment.variables.{name}", "a name that Lambda doesn't reserve", "rename the variable"
                )
            elif re.fullmatch(r"[a-zA-Z]\w+", name) is None:
                yield Broken(
                    f"environment.variables.{name}",
                    "letters, digits and underscores, a letter first, at least two",
                    "rename the variable",
                )
        if sum(len(name) + len(value) for name, value in variables.items() if isinstance(value, str)) > 4096:
            yield Broken(
                "environment.variables", "at most 4 KB in all", "keep large values in a parameter or secret", ""
            )
    role = cloud.find("aws:iam/role:Role", item.known("role"))
    document = as_document(role.known("assumeRolePolicy")) if role is not None else None
    if document is not None and not any(
        "lambda.amazonaws.com" in listed((statement.get("Principal") or {}).get("Service"))
        for statement in statements_of(document)
        if isinstance(statement.get("Principal"), dict)
    ):
        yield Broken("role", "a role that lambda.amazonaws.com may take", "name it in the role's trust policy")


@rule(FUNCTION)
def function_settings(item: Item, _: Cloud) -> Iterator[Broken]:
    """Levels of logs need the format JSON; a function in a network has subnets and security groups.

    Source: Lambda API, LoggingConfig, VpcConfig.
    """
    for name in ("applicationLogLevel", "systemLogLevel"):
        if item.known(f"loggingConfig.{name}") and item.known("loggingConfig.logFormat") == "Text":
            yield Broken(f"loggingConfig.{name}", "nothing, as the format is Text", "set log_format to JSON")
    subnets, groups = (item.known(f"vpcConfig.{name}") for name in ("subnetIds", "securityGroupIds"))
    if isinstance(subnets, list) and isinstance(groups, list) and bool(subnets) != bool(groups):
        yield Broken("vpcConfig", "subnetIds and securityGroupIds together", "set both, or neither", "")


@rule("aws:lambda/permission:Permission")
def permission(item: Item, _: Cloud) -> Iterator[Broken]:
    """A permission lets a service or account do a Lambda action.

    Source: Lambda API, AddPermission.
    """
    action = item.known("action")
    if isinstance(action, str) and re.fullmatch(r"lambda:(\*|[A-Za-z]+)", action) is None:
        yield Broken("action", "an action such as lambda:InvokeFunction", "correct the action")
    yield from one_of(item, "functionUrlAuthType", "AWS_IAM", "NONE")
