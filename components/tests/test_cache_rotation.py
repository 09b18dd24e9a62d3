"""Cache passwords rotate beside the one in use (e12): ElastiCache's and Secrets Manager's answers, and what is lost."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from groundplan_components.cache import rotation_function
from groundplan_components.cache.rotation_function import USER_TAG, NotYet

ARN = "arn:secret"
USER = "shop-dev-cache-order"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


class SecretsManager:
    class exceptions:
        class ResourceNotFoundException(Exception):
            pass

    def __init__(self) -> None:
        self.contents = {"first": {"username": "order", "password": "first", "host": "cache.example"}}
        self.stages = {"first": ["AWSCURRENT"]}
        self.tags = [{"Key": USER_TAG, "Value": USER}]

    def begin(self) -> str:
        token = str(uuid.uuid4())
        self.stages[token] = ["AWSPENDING"]
        return token

    def describe_secret(self, SecretId: str) -> dict[str, Any]:
        assert SecretId == ARN
        return {"VersionIdsToStages": {key: list(each) for key, each in self.stages.items()}, "Tags": self.tags}

    def get_secret_value(self, SecretId: str, VersionStage: str, VersionId: str = "") -> dict[str, str]:
        assert SecretId == ARN
        for version, labels in self.stages.items():
            if VersionStage in labels and VersionId in ("", version) and version in self.contents:
                return {"SecretString": json.dumps(self.contents[version])}
        raise self.exceptions.ResourceNotFoundException

    def put_secret_value(
        self, SecretId: str, ClientRequestToken: str, SecretString: str, VersionStages: list[str]
    ) -> None:
        assert (SecretId, VersionStages) == (ARN, ["AWSPENDING"])
        self.contents[ClientRequestToken] = json.loads(SecretString)

    def update_secret_version_stage(
        self, SecretId: str, VersionStage: str, MoveToVersionId: str, RemoveFromVersionId: str
    ) -> None:
        assert SecretId == ARN
        self.stages[RemoveFromVersionId] = ["AWSPREVIOUS"]
        self.stages[MoveToVersionId] = [VersionStage]

    @property
    def password(self) -> str:
        return next(self.contents[key]["password"] for key, labels in self.stages.items() if "AWSCURRENT" in labels)


class ElastiCache:
    """A user that is `modifying` for some looks after each change; ``fails`` loses an answer after the work."""

    def __init__(self, slow: int = 0) -> None:
        self.passwords = ["first"]
        self.slow = slow
        self.busy = 0
        self.fails = False

    def modify_user(self, UserId: str, AuthenticationMode: dict[str, Any]) -> None:
        assert UserId == USER
        assert self.busy == 0, "a user that is being modified refuses the next change"
        assert AuthenticationMode["Type"] == "password"
        assert 1 <= len(AuthenticationMode["Passwords"]) <= 2
        self.passwords = list(AuthenticationMode["Passwords"])
        self.busy = self.slow
        if self.fails:
            self.fails = False
            raise ConnectionError("the answer is lost")

    def describe_users(self, UserId: str) -> dict[str, Any]:
        assert UserId == USER
        status = "modifying" if self.busy else "active"
        self.busy = max(0, self.busy - 1)
        return {"Users": [{"Status": status, "Authentication": {"PasswordCount": len(self.passwords)}}]}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation_function, "PAUSE_SECONDS", 0.0)


def take(secrets: SecretsManager, cache: ElastiCache, token: str, *steps: str) -> None:
    for step in steps or STEPS:
        rotation_function.handler({"SecretId": ARN, "ClientRequestToken": token, "Step": step}, None, secrets, cache)


@pytest.mark.parametrize("slow", [0, 3])
def test_the_password_before_stays_good_until_the_next_rotation(slow: int) -> None:
    secrets, cache = SecretsManager(), ElastiCache(slow)
    known = [secrets.password]
    for _ in range(3):
        take(secrets, cache, secrets.begin())
        known.append(secrets.password)
        assert cache.passwords == [known[-1], known[-2]]
    assert len(set(known)) == 4
    assert {each["host"] for each in secrets.contents.values()} == {"cache.example"}


@pytest.mark.parametrize("stopped", range(len(STEPS)))
def test_a_rotation_that_stopped_half_way_is_taken_up_again(stopped: int) -> None:
    """A pod logs in with what it reads, before, between and after."""
    secrets, cache = SecretsManager(), ElastiCache()
    token = secrets.begin()
    take(secrets, cache, token, *STEPS[: stopped + 1])
    assert secrets.password in cache.passwords
    take(secrets, cache, token)
    assert secrets.password == cache.passwords[0]


def test_an_answer_that_is_lost_changes_nothing_for_pods() -> None:
    secrets, cache = SecretsManager(), ElastiCache()
    cache.fails = True
    token = secrets.begin()
    with pytest.raises(ConnectionError):
        take(secrets, cache, token)
    assert secrets.password in cache.passwords
    take(secrets, cache, token)
    assert cache.passwords == [secrets.password, "first"]


def test_a_user_that_stays_busy_is_asked_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation_function, "WAIT_SECONDS", 0.0)
    secrets, cache = SecretsManager(), ElastiCache()
    cache.busy = 10
    with pytest.raises(NotYet, match="modifying"):
        take(secrets, cache, secrets.begin(), "createSecret", "setSecret")
    assert cache.passwords == ["first"]


def test_a_secret_that_names_no_user_is_refused() -> None:
    secrets, cache = SecretsManager(), ElastiCache()
    secrets.tags = []
    with pytest.raises(ValueError, match=USER_TAG):
        take(secrets, cache, secrets.begin(), "createSecret", "setSecret")


def test_a_version_that_is_not_pending_is_refused_and_the_current_one_left() -> None:
    secrets, cache = SecretsManager(), ElastiCache()
    secrets.stages["old"] = ["AWSPREVIOUS"]
    with pytest.raises(ValueError, match="not to become"):
        take(secrets, cache, "old")
    with pytest.raises(ValueError, match="no version"):
        take(secrets, cache, "unknown")
    take(secrets, cache, "first")
    assert cache.passwords == ["first"]
