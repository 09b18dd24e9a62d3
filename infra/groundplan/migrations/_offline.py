"""Prints the SQL of services' migrations, without a server: in a process of its own, as it runs the services' code.

Standard input: JSON, the service's folder and its revisions' files, by service. Standard output: JSON, by service and
file the statements as Alembic would send them, each with the line that sends it; or why there are none.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import sys
import traceback
from pathlib import Path
from types import FrameType

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext


class Captured:
    """Takes the place of Alembic's output: what is written, and the line of the revision that wrote it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.written: list[tuple[str, int]] = []

    def write(self, text: str) -> None:
        if text.strip():
            self.written.append((text.strip(), self._line(sys._getframe(1))))

    def flush(self) -> None:
        """Nothing is kept back."""

    def _line(self, frame: FrameType | None) -> int:
        while frame is not None:
            if frame.f_code.co_filename == self.path:
                return frame.f_lineno
            frame = frame.f_back
        return 0


def captured(path: Path) -> list[tuple[str, int]]:
    """What `upgrade` of the revision would send, in the transaction that the chassis gives it."""
    spec = importlib.util.spec_from_file_location(f"revision_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    output = Captured(str(path))
    options = {"as_sql": True, "output_buffer": output, "literal_binds": True, "transaction_per_migration": True}
    # Named, so that a percent sign is one: the usual style of the dialect writes two of them.
    context = MigrationContext.configure(dialect_name="postgresql", dialect_opts={"paramstyle": "named"}, opts=options)
    with Operations.context(context):
        output.write("BEGIN;")
        module.upgrade()
        output.write("COMMIT;")
    return output.written


def main() -> None:
    answers: dict[str, dict[str, object]] = {}
    for service, (folder, files) in json.load(sys.stdin).items():
        sys.path.insert(0, folder)
        answers[service] = {}
        for file in files:
            try:
                # What a revision prints is not an answer.
                with contextlib.redirect_stdout(sys.stderr):
                    answers[service][file] = captured(Path(file))
            except Exception as error:
                line = next(
                    (
                        each.lineno
                        for each in reversed(traceback.extract_tb(error.__traceback__))
                        if each.filename == file
                    ),
                    0,
                )
                answers[service][file] = {"error": f"{type(error).__name__}: {error}".splitlines()[0], "line": line}
        sys.path.remove(folder)
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
