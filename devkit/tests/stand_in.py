"""A small project for the devkit: services of a few lines, so that what runs them can be judged alone."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import yaml

from devkit.tests.conftest import SHOP
from groundplan.project import PROGRAM, find_project
from groundplan_devkit.services import package_of

CODE = '''\
"""Answers for its health and its path; notes what it was told to do."""

import http.server
import json
import os
import pathlib
import sys

VERSION = 1
role = sys.argv[1]
notes = pathlib.Path(os.environ["NOTES"])
with notes.open("a") as file:
    print(os.environ["SERVICE_NAME"], role, file=file)
if role in ("migrate", "seed"):
    sys.exit(0)


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        answered = {"service": os.environ["SERVICE_NAME"], "role": role, "version": VERSION}
        answered["authorization"] = self.headers.get("authorization", "")
        body = json.dumps(answered).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        print(json.dumps({"level": "info", "message": "Answered", "path": self.path}), flush=True)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answers).serve_forever()
'''


def stand_in(directory: Path) -> Path:
    """The project's folder. What services are told to do stands in `notes` there, a line each."""
    directory.mkdir()
    (directory / "infra").mkdir()
    shutil.copy(find_project() / PROGRAM, directory / PROGRAM)
    (directory / "system.yaml").write_text(yaml.safe_dump(SHOP, sort_keys=False))
    for service in SHOP["services"]:
        package = directory / "services" / service / package_of(service)
        package.mkdir(parents=True)
        (package / "__main__.py").write_text(CODE)
        (directory / "services" / service / "migrations").mkdir()
    return directory


def environment(project: Path) -> dict[str, str]:
    """Of a command in the project: its own code alone, and where services take notes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOCAL_", "GROUNDPLAN_"))}
    cache = {name: os.environ[name] for name in ("LOCAL_CACHE",) if name in os.environ}
    return {**kept, **cache, "NOTES": str(project / "notes"), "GROUNDPLAN_PROJECT": str(project), "NO_COLOR": "1"}


def notes(project: Path) -> list[str]:
    file = project / "notes"
    return file.read_text().splitlines() if file.exists() else []
