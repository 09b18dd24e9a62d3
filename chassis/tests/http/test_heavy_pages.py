"""Pages of the largest items, many at once, from a process of its own on a real server (h6, ADR 22)."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from chassis.tests.events.processes import Stage, ended
from chassis.tests.events.shop import Credentials
from chassis.tests.http import heavy
from groundplan.capacity.figures import POD_SIZES
from groundplan_chassis.http.sizes import PAGE_BYTES
from groundplan_devkit.ports import HOST, free_port
from groundplan_devkit.servers import Servers
from groundplan_devkit.testing import FreshDatabase

ROWS = int(os.environ.get("HEAVY_ROWS", "25"))
"""`make prove WHAT=pages` has the hundred of a page; a page is full long before."""
CONTENT_BYTES = 943_000
"""0.9 MiB, as in the issue."""
FILL = "INSERT INTO notes (content) SELECT rpad(n::text || ' ', {}, 'x') FROM generate_series(1, {}) AS n"
AT_ONCE = 10
ANSWER_SECONDS = 60.0
GATEWAY_BYTES = 10_000_000
"""API Gateway's own limit for an answer."""
POD_BYTES = POD_SIZES[0][1] * 1024 * 1024
"""The memory of the smallest pod."""


@pytest.fixture
def process(
    start_servers: Callable[..., Servers], database: FreshDatabase, tmp_path: Path
) -> Iterator[tuple[Stage, str]]:
    servers = start_servers("postgres", "aws")
    database.execute(f"SET ROLE {database.user}; {heavy.TABLE}; {FILL.format(CONTENT_BYTES, ROWS)}")
    port = free_port()
    events = {"api": {"PORT": str(port)}}
    stage = Stage(servers, database.name, Credentials(database.user, database.password), tmp_path, events)
    with ended(stage):
        stage.start("api", "chassis.tests.http.heavy")
        url = f"http://{HOST}:{port}"
        with httpx.Client(transport=httpx.HTTPTransport(retries=60), timeout=ANSWER_SECONDS) as client:
            until = time.monotonic() + ANSWER_SECONDS
            while client.get(f"{url}/health/ready").status_code != httpx.codes.OK:
                assert time.monotonic() < until, stage.said("api")[-3000:]
                time.sleep(0.1)
        yield stage, url


def test_ten_at_once_fit_into_the_smallest_pod(process: tuple[Stage, str]) -> None:
    stage, url = process
    with ThreadPoolExecutor(AT_ONCE) as pool:
        lists = [pool.submit(_page, f"{url}{heavy.PATH}?limit=100", n) for n in range(AT_ONCE)]
    answers = [each.result() for each in lists]
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert [answer for answer in answers if answer.status_code == 200]
    for answer in answers:
        assert len(answer.content) <= PAGE_BYTES + CONTENT_BYTES < GATEWAY_BYTES
        if answer.status_code == 503:
            assert answer.headers["retry-after"]
    # The pages lead to every row once.
    found: list[str] = []
    link: str | None = f"{heavy.PATH}?limit=100"
    while link is not None:
        page = _page(f"{url}{link}").json()
        found += [item["content"].split()[0] for item in page["data"]]
        link = page["links"].get("next")
    assert found == [str(number) for number in range(ROWS, 0, -1)]
    stage.check()
    peak = _peak_bytes(stage.running["api"].pid)
    print(f"{peak / 1024**2:.0f} MiB at most")
    assert peak < POD_BYTES
    assert "Traceback" not in stage.said("api")


def _page(url: str, number: int = 0) -> httpx.Response:
    """By one of several clients: one alone may have fewer lists at once."""
    transport = httpx.HTTPTransport(local_address=f"127.0.0.{1 + number % AT_ONCE}")
    with httpx.Client(transport=transport, timeout=ANSWER_SECONDS) as client:
        return client.get(url)


def _peak_bytes(pid: int) -> int:
    """The most that it ever had in memory."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024
