"""The function that rotates database passwords, on a real PostgreSQL over TLS (e7)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from groundplan_components.database import rotation_function
from groundplan_components.database.rotation_function import Refused, Session
from groundplan_devkit.ports import HOST
from groundplan_devkit.servers.postgres import ADMINISTRATOR, Postgres

ARN, ADMIN_ARN = "arn:secret", "arn:admin"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
SINGLE, ALTERNATING = "single-user", "alternating-users"


class SecretsManager:
    """What the function asks of the service; ``fails`` raises in the place of a call's answer, after its work."""

    class exceptions:
        class ResourceNotFoundException(Exception):
            pass

    def __init__(self, content: dict[str, str], admin: dict[str, str]) -> None:
        first = str(uuid.uuid4())
        self.contents = {first: content}
        self.stages = {first: ["AWSCURRENT"]}
        self.admin = admin
        self.fails: str | None = None

    def begin(self) -> str:
        token = str(uuid.uuid4())
        self.stages[token] = ["AWSPENDING"]
        return token

    def _lose(self, call: str) -> None:
        if self.fails == call:
            self.fails = None
            raise ConnectionError("the answer is lost")

    def describe_secret(self, SecretId: str) -> dict[str, Any]:
        assert SecretId == ARN
        return {"VersionIdsToStages": {version: list(labels) for version, labels in self.stages.items()}}

    def get_secret_value(self, SecretId: str, VersionStage: str, VersionId: str = "") -> dict[str, str]:
        if SecretId == ADMIN_ARN:
            return {"SecretString": json.dumps(self.admin)}
        for version, labels in self.stages.items():
            if VersionStage in labels and VersionId in ("", version) and version in self.contents:
                return {"SecretString": json.dumps(self.contents[version])}
        raise self.exceptions.ResourceNotFoundException

    def put_secret_value(
        self,
        SecretId: str,
        ClientRequestToken: str,
        SecretString: str,
        VersionStages: list[str],
    ) -> None:
        assert SecretId == ARN
        assert VersionStages == ["AWSPENDING"]
        self.contents[ClientRequestToken] = json.loads(SecretString)
        self._lose("put")

    def update_secret_version_stage(
        self,
        SecretId: str,
        VersionStage: str,
        MoveToVersionId: str,
        RemoveFromVersionId: str,
    ) -> None:
        assert (SecretId, VersionStage) == (ARN, "AWSCURRENT")
        for labels in self.stages.values():
            if "AWSPREVIOUS" in labels:
                labels.remove("AWSPREVIOUS")
        self.stages[RemoveFromVersionId] = ["AWSPREVIOUS"]
        self.stages[MoveToVersionId] = ["AWSCURRENT"]
        self._lose("finish")

    @property
    def current(self) -> dict[str, str]:
        return next(self.contents[version] for version, labels in self.stages.items() if "AWSCURRENT" in labels)


Rotate = Callable[..., None]


@pytest.fixture
def secret(postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretsManager]:
    """A service's user and database as its migration makes them, with the first password of its secret."""
    name = f"rotated_{uuid.uuid4().hex[:8]}"
    postgres_server.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'first'")
    postgres_server.execute(f"CREATE DATABASE {name}")
    address = {"host": HOST, "port": str(postgres_server.port_of("postgres-1"))}
    admin = _administrator(postgres_server)
    monkeypatch.setenv("AUTHORITIES", postgres_server.authority)
    monkeypatch.setenv("ADMIN_SECRET_ARN", ADMIN_ARN)
    yield SecretsManager(
        {"engine": "postgres", **address, "dbname": name, "username": name, "password": "first"}, {**address, **admin}
    )
    postgres_server.drop(name, f"{name}_clone", name)


def _administrator(server: Postgres) -> dict[str, str]:
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(server.dsn())
    assert parts.username == ADMINISTRATOR
    return {"username": ADMINISTRATOR, "password": unquote(parts.password or "")}


def steps(secret: SecretsManager, token: str, *names: str) -> None:
    for name in names or STEPS:
        rotation_function.handler({"SecretId": ARN, "ClientRequestToken": token, "Step": name}, None, secret)


def logs_in(content: dict[str, str]) -> bool:
    try:
        with Session(content) as session:
            session.run("SELECT 1")
    except Refused as refused:
        if refused.code not in rotation_function.NO_LOGIN:
            raise
        return False
    return True


@pytest.mark.parametrize("strategy", [SINGLE, ALTERNATING])
def test_three_rotations_after_each_other(
    secret: SecretsManager, strategy: str, monkeypatch: pytest.MonkeyPatch, postgres_server: Postgres
) -> None:
    """The current credentials always log in; with two users the ones before do so, too, until the next rotation."""
    monkeypatch.setenv("STRATEGY", strategy)
    first = secret.current
    users = [first["username"]]
    for _ in range(3):
        before = secret.current
        steps(secret, secret.begin())
        assert logs_in(secret.current)
        assert secret.current["password"] != before["password"]
        assert logs_in(before) == (strategy == ALTERNATING)
        assert secret.current.keys() == first.keys()
        users.append(secret.current["username"])
    name = first["username"]
    assert users == ([name, f"{name}_clone"] * 2 if strategy == ALTERNATING else [name] * 4)
    if strategy == ALTERNATING:
        member = postgres_server.execute(f"SELECT pg_has_role('{name}_clone', '{name}', 'MEMBER')")
        assert member.strip() == "t"


@pytest.mark.parametrize("strategy", [SINGLE, ALTERNATING])
@pytest.mark.parametrize("failed", STEPS)
def test_a_step_that_failed_is_made_up_for(
    secret: SecretsManager, strategy: str, failed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step comes twice, and all of them again: as after a lost answer, or when Secrets Manager retries."""
    monkeypatch.setenv("STRATEGY", strategy)
    token = secret.begin()
    done = STEPS[: STEPS.index(failed) + 1]
    steps(secret, token, *done)
    steps(secret, token)
    once = secret.current
    assert logs_in(once)
    steps(secret, token)
    assert secret.current == once


@pytest.mark.parametrize("lost", ["put", "finish"])
@pytest.mark.parametrize("strategy", [SINGLE, ALTERNATING])
def test_an_answer_that_is_lost_after_the_work(
    secret: SecretsManager, strategy: str, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRATEGY", strategy)
    token = secret.begin()
    secret.fails = lost
    with pytest.raises(ConnectionError):
        steps(secret, token)
    steps(secret, token)
    assert logs_in(secret.current)


def test_a_run_that_was_given_up_between_password_and_secret(
    secret: SecretsManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user has the password of an abandoned version: the next rotation can't log in, and says so; with that
    version as the pending one it ends well."""
    monkeypatch.setenv("STRATEGY", SINGLE)
    abandoned = secret.begin()
    steps(secret, abandoned, "createSecret", "setSecret")
    assert not logs_in(secret.current)
    steps(secret, abandoned)
    assert logs_in(secret.current)
    steps(secret, secret.begin())
    assert logs_in(secret.current)


def test_a_password_is_never_in_a_statement(secret: SecretsManager, monkeypatch: pytest.MonkeyPatch) -> None:
    """S5: the server logs slow and failed statements."""
    monkeypatch.setenv("STRATEGY", ALTERNATING)
    said: list[str] = []
    run = Session.run

    def heard(session: Session, statement: str) -> Any:
        said.append(statement)
        return run(session, statement)

    monkeypatch.setattr(Session, "run", heard)
    steps(secret, secret.begin())
    assert any("SCRAM-SHA-256$" in statement for statement in said)
    assert not any(secret.current["password"] in statement for statement in said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"host": "127.0.0.2"}, "another user or host"),
        ({"username": "postgres"}, "another user or host"),
    ],
)
def test_a_pending_version_of_somebody_else_is_refused(
    secret: SecretsManager, change: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who may write a secret's value gets no other user's password changed by it."""
    monkeypatch.setenv("STRATEGY", ALTERNATING)
    token = secret.begin()
    steps(secret, token, "createSecret")
    secret.contents[token] |= change
    with pytest.raises(ValueError, match=said):
        steps(secret, token, "setSecret")


def test_no_admin_is_asked_for_credentials_that_do_not_log_in(
    secret: SecretsManager, monkeypatch: pytest.MonkeyPatch, postgres_server: Postgres
) -> None:
    monkeypatch.setenv("STRATEGY", ALTERNATING)
    token = secret.begin()
    steps(secret, token, "createSecret")
    secret.current["password"] = "guessed"
    with pytest.raises(Refused):
        steps(secret, token, "setSecret")
    clone = f"{secret.current['username']}_clone"
    assert clone not in postgres_server.execute("SELECT rolname FROM pg_roles")


def test_a_server_that_is_not_the_authoritys_gets_no_password(
    secret: SecretsManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S2: RDS's authorities did not sign this server's certificate."""
    import ssl

    from groundplan_components.database.rotation import AUTHORITIES

    monkeypatch.setenv("AUTHORITIES", str(AUTHORITIES))
    with pytest.raises(ssl.SSLCertVerificationError):
        Session(secret.current)


@pytest.mark.parametrize("stages", [{}, {"other": ["AWSPENDING"]}])
def test_a_version_that_is_not_pending_is_refused(secret: SecretsManager, stages: dict[str, list[str]]) -> None:
    with pytest.raises(ValueError, match="version"):
        steps(secret, "unknown", "createSecret")
    secret.stages |= stages
    with pytest.raises(ValueError, match="version"):
        steps(secret, "unknown", "createSecret")
