"""A package index on 127.0.0.1 that writes down what it is asked for."""

from __future__ import annotations

import base64
import hashlib
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution
from pathlib import Path

BACKEND = ("hatchling", "packaging", "pathspec", "pluggy", "tomlkit", "trove-classifiers")
OURS = ("groundplan", "groundplan-components", "groundplan-chassis", "groundplan-devkit")
PLANTED = "99.0"


@dataclass(frozen=True)
class Index:
    address: str
    wheels: dict[str, Path]
    """The build backend and what it needs, by distribution."""
    asked: list[str] = field(default_factory=list)
    """Names that were looked up."""

    def pins(self, *names: str) -> str:
        """`requirements.txt` with hashes."""
        lines = (
            f"{name}=={self.wheels[name].name.split('-')[1]} --hash=sha256:{_sha256(self.wheels[name])}"
            for name in names
        )
        return "\n".join(lines) + "\n"

    def asked_for_ours(self) -> set[str]:
        return {name for name in self.asked if name.startswith("groundplan")}

    @property
    def variables(self) -> dict[str, str]:
        """For pip; the same index twice, as a user's extra one would be."""
        return {"PIP_INDEX_URL": self.address, "PIP_EXTRA_INDEX_URL": self.address, "PIP_TRUSTED_HOST": "127.0.0.1"}


@contextmanager
def serve(folder: Path) -> Iterator[Index]:
    wheels = {name: _repacked(name, folder) for name in BACKEND}
    planted = {name: _planted(name, folder) for name in OURS}
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/").removeprefix("simple/")
            if self.path.startswith("/files/"):
                return self._answer((folder / name.removeprefix("files/")).read_bytes(), "application/octet-stream")
            asked.append(name)
            wheel = {**wheels, **planted}.get(name)
            link = f'<a href="/files/{wheel.name}">{wheel.name}</a>' if wheel else ""
            return self._answer(f"<!DOCTYPE html><html><body>{link}</body></html>".encode(), "text/html")

        def _answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Index(f"http://127.0.0.1:{server.server_port}/simple/", wheels, asked)
    finally:
        server.shutdown()
        server.server_close()


def _repacked(name: str, folder: Path) -> Path:
    """A wheel of a distribution that is installed here."""
    found = distribution(name)
    path = folder / f"{name.replace('-', '_')}-{found.version}-py3-none-any.whl"
    skipped = {"INSTALLER", "REQUESTED", "direct_url.json"}
    with zipfile.ZipFile(path, "w") as wheel:
        for file in found.files or ():
            if ".." in file.parts or "__pycache__" in file.parts or file.name in skipped:
                continue
            wheel.write(str(file.locate()), str(file))
    return path


def _planted(name: str, folder: Path) -> Path:
    """A package that would break everything, with a version above ours."""
    module = name.replace("-", "_")
    about = f"{module}-{PLANTED}.dist-info"
    files = {
        f"{module}/__init__.py": 'raise SystemExit("planted")\n',
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {PLANTED}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={_record_hash(text)},{len(text)}\n" for path, text in files.items())
    path = folder / f"{module}-{PLANTED}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name_inside, text in {**files, f"{about}/RECORD": f"{record}{about}/RECORD,,\n"}.items():
            wheel.writestr(name_inside, text)
    return path


def _record_hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
