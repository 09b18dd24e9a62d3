"""Runs every control over a broken program, each time in a fork of one process that has the SDK imported already.

It reads breaks from its input and writes what was found to its output, one JSON object a line.
"""

from __future__ import annotations

import dataclasses
import gc
import importlib
import json
import os
import subprocess
import sys
import threading
import traceback
import warnings
from typing import Any, Self

from groundplan.controls import assess
from infra.tests.controls.judges import by_checklist, by_policies
from tests.mutation.broken import ROOT, Break, BrokenFinder, forget

PROGRAM = ("groundplan_components", "groundplan.program", "infra.tests.program")
OWNERS_PROGRAM = "_program_"
"""What `load_program` calls the project's own `infra/__main__.py`."""
# Something small, so that the SDK and what the simulated cloud knows of it are loaded before the first fork.
WARM_UP = "nothing pushed"


def graph_of(variant: str) -> Any:
    """The graph, simulated by modules that are imported only now."""
    return importlib.import_module("infra.tests.program.graphs").graph_of(variant)


def run(broken: Break | None, variant: str) -> dict[str, Any]:
    """Findings by control, as `check`, the checklist and the policy pack have them; or the error that came before."""
    finder = BrokenFinder(broken) if broken else None
    if finder:
        sys.meta_path.insert(0, finder)
    try:
        graph = graph_of(variant)
        verdicts = assess(graph.captured)
        found = {
            "found": {each: [str(one) for one in verdict.findings] for each, verdict in verdicts.items()},
            "ticked": [each for each, verdict in verdicts.items() if verdict.met],
            "checklist": by_checklist(graph.system, graph.environment.name, verdicts),
            "policies": by_policies(graph),
            "refused": [refusal.urn for refusal in graph.simulation.refusals],
        }
    except AssertionError as stale:
        return {"error": str(stale)}
    except Exception:
        return {"error": traceback.format_exc()}
    if finder and not finder.used:
        return {"error": "the broken module was never imported"}
    return found


def serve() -> None:
    """Until the input ends."""
    warnings.simplefilter("ignore", DeprecationWarning)
    by_policies(graph_of(WARM_UP))
    forget(*PROGRAM, *(name for name in sys.modules if name.startswith(OWNERS_PROGRAM)))
    gc.collect()
    gc.freeze()
    assert threading.active_count() == 1, "a fork has the calling thread alone"
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _answer(request)
        status = os.waitpid(child, 0)[1]
        if status:
            print(json.dumps({"error": f"exit status {status}"}), flush=True)


def _answer(request: dict[str, Any]) -> None:
    """In the fork, which ends here: nothing that the parent opened may be closed twice."""
    # It is gone before it could run out of memory.
    gc.disable()
    broken = Break(**request["broken"]) if request["broken"] else None
    status = 1
    try:
        print(json.dumps(run(broken, request["variant"])), flush=True)
        status = 0
    finally:
        os._exit(status)


class Server:
    """A process that serves, until the block ends."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.mutation.server"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()

    def ask(self, broken: Break | None, variant: str) -> dict[str, Any]:
        """What was found in a variant of the program, broken or whole."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = json.dumps({"broken": dataclasses.asdict(broken) if broken else None, "variant": variant})
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the server has ended"
        said: dict[str, Any] = json.loads(answer)
        assert "error" not in said, said["error"]
        return said


if __name__ == "__main__":
    serve()
