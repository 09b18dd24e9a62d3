"""Commands and queries in processes of their own (A4)."""

from __future__ import annotations

import pytest

from chassis.tests.http.shop import Stage

BODY = {"status": "placed", "total": "1"}


@pytest.mark.parametrize(
    ("role", "method", "status"),
    [
        ("query", "GET", 200),
        ("query", "HEAD", 200),
        ("query", "POST", 421),
        ("query", "PATCH", 405),
        ("command", "POST", 201),
        ("command", "GET", 421),
        ("command", "HEAD", 421),
        ("command", "PATCH", 405),
    ],
)
async def test_a_process_answers_what_its_role_is_for(role: str, method: str, status: int) -> None:
    stage = Stage(role=role)
    content = BODY if method == "POST" else None
    answer = await stage.client.request(method, "/api/v1/orders", json=content)
    assert answer.status_code == status
    if status == 405:
        assert answer.headers["allow"] == "GET, HEAD, POST"
    if status == 421 and method != "HEAD":
        assert answer.json()["error"]["code"] == "MISDIRECTED_REQUEST"
