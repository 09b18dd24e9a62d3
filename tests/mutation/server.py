"""Runs named tests against a broken program, each time in a fork of one process that has the SDK imported already.

It reads breaks from its input and writes results to its output, one JSON object a line.
"""

from __future__ import annotations

import dataclasses
import gc
import importlib
import json
import os
import sys
import threading
import traceback
import warnings
from typing import Any

from tests.mutation.broken import Break, BrokenFinder, forget

PASSED, CAUGHT, ERROR = "passed", "caught", "error"
PROGRAM = ("components", "groundplan.program", "infra.__main__", "infra.tests.program")
# Something small, so that the SDK and what the simulated cloud knows of it are loaded before the first fork.
WARM_UP = "nothing pushed"


def graph_of(variant: str) -> Any:
    """The graph, simulated by modules that are imported only now."""
    return importlib.import_module("infra.tests.program.graphs").graph_of(variant)


def run(broken: Break | None, tests: list[str], variant: str) -> dict[str, Any]:
    """The outcome of each test, each with what it said."""
    finder = BrokenFinder(broken) if broken else None
    if finder:
        sys.meta_path.insert(0, finder)
    outcomes: dict[str, list[str]] = {}
    try:
        graph = graph_of(variant)
    except AssertionError as stale:
        return {"outcomes": {test: [ERROR, str(stale)] for test in tests}}
    except Exception:
        return {"outcomes": {test: [ERROR, traceback.format_exc()] for test in tests}}
    if finder and not finder.used:
        return {"outcomes": {test: [ERROR, "the broken module was never imported"] for test in tests}}
    refused = [str(refusal) for refusal in graph.simulation.refusals]
    for test in tests:
        outcomes[test] = [CAUGHT, refused[0]] if refused else _outcome(test, graph)
    return {"outcomes": outcomes}


def _outcome(test: str, graph: Any) -> list[str]:
    module, _, name = test.partition(":")
    try:
        getattr(importlib.import_module(f"infra.tests.program.{module}"), name)(graph=graph)
    except AssertionError as failure:
        return [CAUGHT, str(failure)]
    except Exception:
        return [ERROR, traceback.format_exc()]
    return [PASSED, ""]


def serve() -> None:
    """Until the input ends."""
    warnings.simplefilter("ignore", DeprecationWarning)
    graph_of(WARM_UP)
    forget(*PROGRAM)
    gc.collect()
    gc.freeze()
    assert threading.active_count() == 1, "a fork has the calling thread alone"
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _answer(asked)
        status = os.waitpid(child, 0)[1]
        if status:
            print(
                json.dumps({"outcomes": {test: [ERROR, f"exit status {status}"] for test in asked["tests"]}}),
                flush=True,
            )


def _answer(asked: dict[str, Any]) -> None:
    """In the fork, which ends here: nothing that the parent opened may be closed twice."""
    # It is gone before it could run out of memory.
    gc.disable()
    broken = Break(**asked["broken"]) if asked["broken"] else None
    status = 1
    try:
        print(json.dumps(run(broken, asked["tests"], asked["variant"])), flush=True)
        status = 0
    finally:
        os._exit(status)


def request(broken: Break | None, tests: list[str], variant: str) -> str:
    """The line to send."""
    return json.dumps({"broken": dataclasses.asdict(broken) if broken else None, "tests": tests, "variant": variant})


if __name__ == "__main__":
    serve()
