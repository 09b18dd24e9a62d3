"""`foundation/pipeline.<stack>.json`: who deploys a stack, as a CloudFormation template that an administrator deploys.

A stack can't hold it: what its pipeline may do follows from all that the stack declares, and a pipeline that may write
its own permissions has none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundplan.cloud.item import ACCOUNT
from groundplan.permissions.evaluation import Document
from groundplan.permissions.grants import ATTACHED_LIMIT, Grants
from groundplan.problems import Problem, ProblemsFound
from groundplan.stack.scope import DELIVERY_PATH, Scope
from groundplan_components.delivery import ISSUER, PUSH_ACTIONS

SESSION_SECONDS = 3600
"""A session's length. A deployment may take longer: its credentials are renewed (`groundplan credentials`)."""


def file_name(stack: str) -> str:
    return f"pipeline.{stack}.json"


def template_of(
    grants: Grants, reading: Grants, region: str, repository: str | None, provider_arn: str | None = None
) -> str:
    """The template as text, with the account's number left to CloudFormation; ``reading`` are grants of reading alone.

    Raises ProblemsFound when a role can't hold the grants.
    """
    if len(grants.policies) > ATTACHED_LIMIT:
        raise ProblemsFound(
            [
                Problem(
                    file_name(grants.scope.stack),
                    "policies",
                    f"{len(grants.policies)} managed policies",
                    f"at most {ATTACHED_LIMIT} on a role",
                    "split the system: two smaller ones with a pipeline each",
                )
            ]
        )
    scope = grants.scope
    resources: dict[str, Any] = {
        "Boundary": _policy(grants.boundary, "Most of what roles of this stack may do", scope.boundary)
    }
    for index, document in enumerate(grants.policies):
        resources[f"Deploy{index}"] = _policy(document, "A part of what deploying this stack takes")
    attached = [{"Ref": name} for name in resources if name != "Boundary"]
    inline = [{"PolicyName": "state-and-images", "PolicyDocument": _filled(_alongside(scope, region))}]
    root = f"arn:aws:iam::{ACCOUNT}:root"
    people = {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "sts:AssumeRole"}
    resources["Administrators"] = _role(
        scope.administrators, "People who deploy by hand: administrators of the cluster", people, attached, inline
    )
    if repository is not None:
        provider = provider_arn or f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
        pipeline = _trust(provider, f"repo:{repository}:environment:{scope.stack}")
        resources["Pipeline"] = _role(scope.pipeline, f"Pipeline of {repository}", pipeline, attached, inline)
        for index, document in enumerate(reading.policies):
            resources[f"Read{index}"] = _policy(document, "A part of what reading this stack takes")
        read = [{"Ref": f"Read{index}"} for index in range(len(reading.policies))]
        state = [{"PolicyName": "state", "PolicyDocument": _filled(_reading(scope))}]
        # An environment of its own: that of the stack may wait for reviewers, which a look each morning can't.
        drift = _trust(provider, f"repo:{repository}:environment:{scope.stack}-drift")
        resources["Reader"] = _role(scope.reader, f"Drift of {repository}: reads alone", drift, read, state)
    document = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Who deploys {scope.name}, written by `groundplan foundation`: deploy what it changes",
        "Resources": resources,
        "Outputs": {
            name: {"Value": {"Fn::GetAtt": [name, "Arn"]}}
            for name in ("Pipeline", "Reader", "Administrators")
            if name in resources
        },
    }
    return _text(document)


def deployed(template: str) -> tuple[list[Document], Document]:
    """The policies and the boundary that a template holds. Raises ValueError when it is none of ours."""
    try:
        resources = json.loads(template)["Resources"]
        documents = {
            name: _plain(each["Properties"]["PolicyDocument"])
            for name, each in resources.items()
            if each["Type"] == "AWS::IAM::ManagedPolicy" and not name.startswith("Read")
        }
        boundary = documents.pop("Boundary")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a template of `groundplan foundation`: {error}") from error
    return list(documents.values()), boundary


def write(
    folder: Path, grants: Grants, reading: Grants, region: str, repository: str | None, provider_arn: str | None
) -> bool:
    """Writes the stack's file below the project's folder; says whether that changed it. Raises ProblemsFound."""
    path = folder / "foundation" / file_name(grants.scope.stack)
    text = template_of(grants, reading, region, repository, provider_arn)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True


def _alongside(scope: Scope, region: str) -> Document:
    """Pulumi's state, its key, and the images."""
    bucket = {"Fn::ImportValue": f"{scope.name}-state-bucket"}
    key = {"Fn::ImportValue": f"{scope.name}-state-key"}
    repositories = f"arn:aws:ecr:{region}:{ACCOUNT}:repository/{scope.name}/*"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucketLocation"], "Resource": bucket},
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
                "Resource": {"Fn::Join": ["", [bucket, "/*"]]},
            },
            {
                "Effect": "Allow",
                "Action": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"],
                "Resource": key,
            },
            # The token is for the whole registry: the action supports no resource.
            {"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": "*"},
            {"Effect": "Allow", "Action": list(PUSH_ACTIONS), "Resource": repositories},
        ],
    }


def _reading(scope: Scope) -> Document:
    """Pulumi's state, to read it."""
    bucket = {"Fn::ImportValue": f"{scope.name}-state-bucket"}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucketLocation"], "Resource": bucket},
            {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": {"Fn::Join": ["", [bucket, "/*"]]}},
            {
                "Effect": "Allow",
                "Action": ["kms:Decrypt", "kms:DescribeKey"],
                "Resource": {"Fn::ImportValue": f"{scope.name}-state-key"},
            },
        ],
    }


def _trust(provider: str, claim: str) -> dict[str, Any]:
    """Of GitHub's jobs in one environment of one repository."""
    claims = {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": claim}
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": claims},
    }


def _policy(document: Document, description: str, name: str = "") -> dict[str, Any]:
    own = {"ManagedPolicyName": name.rpartition("/")[2]} if name else {}
    return {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"Path": DELIVERY_PATH, "Description": description, **own, "PolicyDocument": _filled(document)},
    }


def _role(
    name: str, description: str, trust: Mapping[str, Any], attached: list[Any], inline: list[Any]
) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": name.rpartition("/")[2],
            "Path": DELIVERY_PATH,
            "Description": description,
            "MaxSessionDuration": SESSION_SECONDS,
            "AssumeRolePolicyDocument": _filled({"Version": "2012-10-17", "Statement": [trust]}),
            "ManagedPolicyArns": attached,
            "Policies": inline,
        },
    }


def _filled(value: Any) -> Any:  # noqa: ANN401  any part of a template
    """The account's number as CloudFormation's variable."""
    if isinstance(value, Mapping):
        return {key: _filled(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each) for each in value]
    if isinstance(value, str) and ACCOUNT in value:
        return {"Fn::Sub": value.replace(ACCOUNT, "${AWS::AccountId}")}
    return value


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, Mapping):
        if set(value) == {"Fn::Sub"}:
            return str(value["Fn::Sub"]).replace("${AWS::AccountId}", ACCOUNT)
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value


def _text(document: Mapping[str, Any]) -> str:
    """One line for each statement, so that a change of the grants reads as one."""
    text = json.dumps(document, indent=1, sort_keys=False)
    lines: list[str] = []
    depth: int | None = None
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if depth is not None:
            lines[-1] += line.strip() if not lines[-1].endswith((",", ":")) else f" {line.strip()}"
            if indent == depth and line.strip().startswith(("]", "}")):
                depth = None
        else:
            lines.append(line)
            if indent >= _STATEMENT_DEPTH and line.rstrip().endswith(("{", "[")):
                depth = indent
    return "\n".join(lines) + "\n"


_STATEMENT_DEPTH = 6
"""Resources, a resource, its properties, the document, its statements: what lies deeper is one line."""
