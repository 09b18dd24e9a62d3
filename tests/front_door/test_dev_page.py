"""U9: the page of `make dev` in headless Chromium, clicked through: `make prove WHAT=dev-page`.

An order is placed, and its trace reaches the payment; a handler is broken, its event becomes a dead letter, the handler
is mended, the letter is handled again. On Kafka and on queues. No console message, nothing that axe-core finds;
pictures in build/dev-page.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from groundplan_devkit.servers import stop
from tests.front_door.looking import BROWSER, chromium, installed
from tests.projects import ROOT, borrowed_environment, commit_project, make_project, overridden, snapshot

PICTURES = ROOT / "build" / "dev-page"
WORK = "    await collect_payment("
BROKEN = f'    raise RuntimeError("the acquirer is away")\n{WORK}'
PATIENCE_SECONDS = 900

pytestmark = pytest.mark.skipif(
    not os.environ.get("PROVE_PAGE"), reason="a whole system and a browser take minutes: `make prove WHAT=dev-page`"
)


def until(look: Callable[[], object], said: Callable[[], str]) -> None:
    given_up = time.monotonic() + PATIENCE_SECONDS
    while not look():
        assert time.monotonic() < given_up, said()
        time.sleep(0.2)


class Running:
    """`make dev` of a project, and what it has said."""

    def __init__(self, project: Path, broker: str) -> None:
        self.project, self.broker, self.log = project, broker, project / "dev.log"
        self.pictures = PICTURES / broker
        self.pictures.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "groundplan_devkit.dev", "--port", "0"],
                cwd=project,
                env={**os.environ, **overridden()},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def until_said(self, text: str, times: int = 1) -> None:
        def look() -> bool:
            assert self.process.poll() is None, self.said()
            return self.said().count(text) >= times

        until(look, self.said)

    @property
    def page(self) -> str:
        found = re.search(r"the page +(http://\S+)", self.said())
        assert found, self.said()
        return found.group(1)


@pytest.fixture(scope="module", params=["kafka", "sqs"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    base = tmp_path_factory.mktemp("page")
    answers = {"events": request.param}
    project = commit_project(make_project(snapshot(base / "template"), base / "shop", answers))
    borrowed_environment(project / ".venv")
    environment = {**os.environ, **overridden()}
    subprocess.run([sys.executable, "-m", "groundplan", "openapi"], cwd=project, env=environment, check=True)
    run = Running(project, request.param)
    try:
        run.until_said("Ctrl-C stops everything")
        yield run
    finally:
        run.process.terminate()
        run.process.wait(PATIENCE_SECONDS)
        stop(project / "build" / "local", remove=True)


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What drives the browser."""
    return installed(tmp_path_factory.mktemp("modules")) / "node_modules"


def click(flow: str, run: Running, modules: Path) -> None:
    done = subprocess.run(
        ["node", str(BROWSER / "dev_page.cjs"), flow, run.page, str(run.pictures)],
        env={**os.environ, "NODE_PATH": str(modules), "CHROMIUM": chromium()},
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout) == {"console": [], "axe": []}


def test_the_page_is_clicked_through(running: Running, modules: Path) -> None:
    """On queues what differs by the broker: a trace, dead letters and their redrive."""
    whole = running.broker == "kafka"
    if whole:
        click("empty", running, modules)
    click("order", running, modules)
    handler = running.project / "services" / "payment" / "payment_service" / "consumers" / "on_order_placed.py"
    right = handler.read_text()
    assert WORK in right
    handler.write_text(right.replace(WORK, BROKEN))
    running.until_said("Restarted payment")
    click("fail", running, modules)
    handler.write_text(right)
    running.until_said("Restarted payment", times=2)
    click("redrive", running, modules)
    if whole:
        click("states", running, modules)
