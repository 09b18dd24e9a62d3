"""A job's credentials are made anew as often as AWS's tools ask (e5)."""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from groundplan.cli.credentials import NEEDED, check, configured, renewed
from groundplan.problems import ProblemsFound

ANSWER = """<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult><Credentials>
    <AccessKeyId>ASIA{number}</AccessKeyId><SecretAccessKey>secret+/=</SecretAccessKey>
    <SessionToken>token</SessionToken><Expiration>2026-11-30T0{number}:00:00Z</Expiration>
  </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"""
REFUSAL = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not authorized</Message></Error></ErrorResponse>"


class Services:
    """GitHub's and AWS's, as far as a job asks them."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.refuse = False
        services = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                assert self.headers["Authorization"] == "Bearer of-the-job"
                assert "audience=sts.amazonaws.com" in self.path
                self._answer(200, json.dumps({"value": f"jwt-{len(services.asked)}"}))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                services.asked.append(dict(urllib.parse.parse_qsl(body)))
                if services.refuse:
                    self._answer(403, REFUSAL)
                else:
                    self._answer(200, ANSWER.format(number=len(services.asked)))

            def _answer(self, status: int, text: str) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"


@pytest.fixture
def services() -> Iterator[Services]:
    found = Services()
    thread = threading.Thread(target=found.server.serve_forever)
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


def environment(services: Services) -> dict[str, str]:
    return {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{services.url}token?api=1",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-the-job",
        "AWS_ROLE_ARN": "arn:aws:iam::314159265358:role/delivery/shop-dev-pipeline",
        "AWS_REGION": "eu-central-1",
        "GITHUB_RUN_ID": "7",
    }


def test_each_question_gets_new_credentials(services: Services) -> None:
    first, second = (renewed(environment(services), services.url) for _ in range(2))
    assert first == {
        "Version": 1,
        "AccessKeyId": "ASIA1",
        "SecretAccessKey": "secret+/=",
        "SessionToken": "token",
        "Expiration": "2026-11-30T01:00:00Z",
    }
    assert second["Expiration"] == "2026-11-30T02:00:00Z"
    assert [each["WebIdentityToken"] for each in services.asked] == ["jwt-0", "jwt-1"], "a token of its own each time"
    assert services.asked[0]["RoleArn"].endswith("shop-dev-pipeline")


def test_a_refusal_says_what_aws_said(services: Services) -> None:
    services.refuse = True
    with pytest.raises(ProblemsFound, match="403: Not authorized"):
        renewed(environment(services), services.url)


@pytest.mark.parametrize("missing", NEEDED)
def test_elsewhere_than_in_a_job_it_says_so(services: Services, missing: str) -> None:
    with pytest.raises(ProblemsFound, match=missing):
        check({**environment(services), missing: ""})
    check(environment(services))


def test_the_profile_asks_this_command(services: Services, tmp_path: Path) -> None:
    later = tmp_path / "later"
    path = configured({**environment(services), "RUNNER_TEMP": str(tmp_path), "GITHUB_ENV": str(later)})
    assert "credential_process = " in path.read_text()
    assert "groundplan credentials" in path.read_text()
    assert f"AWS_CONFIG_FILE={path}" in later.read_text()
