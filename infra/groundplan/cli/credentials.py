"""`groundplan credentials`: AWS credentials of a GitHub job, anew each time they are asked for (e5).

A session ends after an hour, and a first deployment takes longer. AWS's tools ask a `credential_process` again when
what it gave is about to end: a job with this one as its profile never runs out, and its role's sessions stay short.
https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import click

from groundplan.cli._command import Command, main_of
from groundplan.problems import Problem, ProblemsFound

AUDIENCE = "sts.amazonaws.com"
SECONDS = 3600
_TIMEOUT = 20.0
NEEDED = ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "AWS_ROLE_ARN", "AWS_REGION")


@click.command("credentials", cls=Command)
@click.option("--configure", is_flag=True, help="Make this command the default profile's, for the steps that follow.")
def command(*, configure: bool) -> int:
    """AWS credentials of a GitHub job, renewed as they end.

    Needs `id-token: write`, and the variables AWS_ROLE_ARN and AWS_REGION.
    """
    check(os.environ)
    if configure:
        print(f"Credentials are renewed as they end: {configured(os.environ)}")
    else:
        print(json.dumps(renewed(os.environ)))
    return 0


main = main_of(command)


def check(environment: Mapping[str, str]) -> None:
    """Raises ProblemsFound where this is no job that may sign in."""
    missing = [name for name in NEEDED if not environment.get(name)]
    if missing:
        remedy = "run it in a job with `id-token: write`, and set AWS_ROLE_ARN and AWS_REGION"
        raise ProblemsFound(
            [Problem("the job", ", ".join(missing), "not set", "a GitHub job that may sign in", remedy)]
        )


def configured(environment: Mapping[str, str]) -> Path:
    """Writes the profile, and tells the job's later steps where it is."""
    folder = Path(environment.get("RUNNER_TEMP") or ".")
    path = folder / "aws-config"
    process = f'"{sys.executable}" -m groundplan credentials'
    path.write_text(f"[default]\nregion = {environment['AWS_REGION']}\ncredential_process = {process}\n")
    if environment.get("GITHUB_ENV"):
        with Path(environment["GITHUB_ENV"]).open("a") as later:
            later.write(f"AWS_CONFIG_FILE={path}\nAWS_SDK_LOAD_CONFIG=1\n")
    return path


def renewed(environment: Mapping[str, str], endpoint: str = "") -> dict[str, object]:
    """New credentials, as a `credential_process` prints them. Raises ProblemsFound when GitHub or AWS refuses."""
    url = f"{environment['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={AUDIENCE}"
    token = environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
    headers = {"Authorization": f"Bearer {token}"}
    answer = json.loads(_answer_of("GitHub's token", urllib.request.Request(url, headers=headers)))  # noqa: S310  GitHub's
    asked = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": environment["AWS_ROLE_ARN"],
        "RoleSessionName": f"run-{environment.get('GITHUB_RUN_ID', '0')}",
        "DurationSeconds": str(SECONDS),
        "WebIdentityToken": str(answer["value"]),
    }
    place = endpoint or f"https://sts.{environment['AWS_REGION']}.amazonaws.com/"
    body = urllib.parse.urlencode(asked).encode()
    said = _answer_of("AWS's session", urllib.request.Request(place, data=body))  # noqa: S310  ours
    values = {name: _element(said, name) for name in _PARTS}
    if not all(values.values()):
        raise _refused("AWS's session", "an answer without credentials")
    return {"Version": 1, **values}


_PARTS = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")


def _element(text: str, name: str) -> str:
    """What an element of an answer holds: AWS's query protocol has each of these once, as plain text."""
    return text.partition(f"<{name}>")[2].partition(f"</{name}>")[0].strip()


def _answer_of(what: str, request: urllib.request.Request) -> str:
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310  as above
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        said = error.read().decode(errors="replace")
        message = _element(said, "Message") or error.reason
        raise _refused(what, f"{error.code}: {message}") from None
    except urllib.error.URLError as error:
        raise _refused(what, str(error.reason)) from None


def _refused(what: str, said: str) -> ProblemsFound:
    remedy = "compare the role's trust (foundation/pipeline.<stack>.json) with repository and environment of this job"
    return ProblemsFound([Problem("the job", what, said, "a session of the pipeline's role", remedy)])
