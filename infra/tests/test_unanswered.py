"""Creations that failed without an answer, told from an engine's event log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from groundplan.cloud.wire import SECRET, SIGNATURE
from groundplan.rehearsal.engine import events_in
from groundplan.repair import Repair, Step, repaired, unanswered
from groundplan.repair.unanswered import had_no_answer
from infra.tests.test_repair import GROUP, QUEUE, resource, state, urn

RESET = "operation error EC2: CreateVpc, https response error StatusCode: 0, RequestID: , request send failed, "


@pytest.mark.parametrize(
    ("error", "open_ended"),
    [
        (f"{RESET}Post https://ec2.eu-central-1.amazonaws.com/: read: connection reset by peer", True),
        (f"{RESET}Post https://sqs.eu-central-1.amazonaws.com/: EOF", True),
        ("operation error SNS: CreateTopic, https response error StatusCode: 500, api error InternalFailure", True),
        ("operation error EKS: CreateCluster, exceeded maximum number of attempts, 25, net/http: timeout", True),
        ("timeout while waiting for state to become 'available' (last state: 'creating', timeout: 40m0s)", True),
        ("error reading from server: read: connection reset by peer", True),
        ("context canceled", True),
        ("context deadline exceeded", True),
        ("operation error KMS: CreateKey, https response error StatusCode: 400, api error LimitExceeded", False),
        ("operation error IAM: CreateRole, https response error StatusCode: 409, EntityAlreadyExists", False),
        ("https response error StatusCode: 503, api error SlowDown: Please reduce your request rate", False),
        ("https response error StatusCode: 400, api error ThrottlingException: Rate exceeded", False),
        (f"{RESET}Post https://x: dial tcp: lookup x: no such host", False),
        (f"{RESET}Post https://10.0.0.1: dial tcp 10.0.0.1:443: i/o timeout", False),
        ("expected name_prefix to be at most 38 characters", False),
    ],
)
def test_what_an_error_leaves_open(error: str, open_ended: bool) -> None:
    assert had_no_answer(error) is open_ended


def failed(name: str, error: str, /, op: str = "create", status: int = 2, **inputs: Any) -> list[dict[str, Any]]:
    new = {**resource(QUEUE, name, **inputs), "id": "", "outputs": {}}
    metadata = {"op": op, "urn": new["urn"], "type": QUEUE, "old": None, "new": new}
    return [
        {"diagnosticEvent": {"urn": new["urn"], "message": error, "severity": "error"}},
        {"resOpFailedEvent": {"metadata": metadata, "status": status, "steps": 1}},
    ]


def test_creations_without_an_answer() -> None:
    """Not what was refused, what the state holds, and what was changed or deleted: that is done again."""
    secret = {SIGNATURE: SECRET, "ciphertext": "[secret]"}
    events = [
        *failed("made", RESET, name="made-1", tags={"Name": "made", "key": secret}, keys=[secret, "b"]),
        *failed("other", RESET, op="create-replacement"),
        *failed("refused", "StatusCode: 400"),
        *failed("half", RESET, status=1),
        *failed("changed", RESET, op="update"),
        {"diagnosticEvent": {"message": RESET, "severity": "error"}},
    ]
    found = unanswered(events)
    assert [each["resource"]["urn"] for each in found] == [urn(QUEUE, "made"), urn(QUEUE, "other")]
    assert found[0]["type"] == "creating"
    assert found[0]["resource"]["inputs"] == {"name": "made-1", "tags": {"Name": "made"}, "keys": ["b"]}
    assert not {"id", "outputs"} & set(found[0]["resource"])


def test_what_was_to_replace_another_takes_its_place() -> None:
    """The old one goes with the next deployment; with an id that the state has already nothing changes."""
    new = resource(GROUP, "access", description="new")
    broken = state(resource(GROUP, "access", "sg-1", description="old"), operations=(("creating", new),))
    for identifier, held in (("sg-2", [("sg-1", True), ("sg-2", None)]), ("sg-1", [("sg-1", None)])):
        taken = Repair((Step("import", GROUP, new["urn"], identifier, "exists"),))
        after = [each for each in repaired(broken, taken, ())["deployment"]["resources"] if each["type"] == GROUP]
        assert [(each["id"], each.get("delete")) for each in after] == held


def test_a_log_that_an_engine_left_in_the_middle_of_a_line_is_read_up_to_there(tmp_path: Path) -> None:
    log = tmp_path / "events.json"
    log.write_text('{"sequence": 1}\n{"sequence": 2}\n{"seque', encoding="utf-8")
    assert [each["sequence"] for each in events_in(log)] == [1, 2]
    assert list(events_in(tmp_path / "none.json")) == []
