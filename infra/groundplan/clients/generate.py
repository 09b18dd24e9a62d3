"""One client from one OpenAPI document."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, get_args

from groundplan.clients.tools import python_tool, typescript_tool
from groundplan.problems import Problem, ProblemsFound

Language = Literal["python", "typescript"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
_SECONDS = 300
_HERE = Path(__file__).parent / "typescript"


def package_name(system: str, service: str, language: Language) -> str:
    """`shop-order-client` for Python, `@shop/order-client` for TypeScript."""
    return f"{system}-{service}-client" if language == "python" else f"@{system}/{service}-client"


def make_client(language: Language, document: Path, name: str, into: Path, *, fetch: bool = True) -> bool:
    """Writes the client's files into a folder that is there, and compiles what it can; False without a generator.

    ``name`` is the package's. Raises ProblemsFound where the generator refuses the document.
    """
    if language == "python":
        programs = python_tool(fetch=fetch)
        if programs is not None:
            _python(programs, document, name, into)
        return programs is not None
    tool = typescript_tool(fetch=fetch)
    if tool is not None:
        _typescript(tool, document, name, into)
    return tool is not None


def _python(programs: Path, document: Path, name: str, into: Path) -> None:
    settings = {"project_name_override": name, "package_name_override": name.replace("-", "_")}
    with tempfile.TemporaryDirectory(prefix="groundplan-") as scratch:
        config = Path(scratch) / "config.json"
        config.write_text(json.dumps(settings), encoding="utf-8")
        made = Path(scratch) / "client"
        # It formats what it writes by the formatter that lies beside it.
        _run(
            [
                str(programs / "openapi-python-client"), "generate", "--path", str(document), "--config", str(config),
                "--output-path", str(made), "--meta", "setup", "--fail-on-warning",
            ],
            document,
            path=[programs],
        )  # fmt: skip
        shutil.copytree(made, into, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".ruff_cache"))


def _typescript(tool: Path, document: Path, name: str, into: Path) -> None:
    # Below the tool's folder, where the compiler finds what the client imports.
    with tempfile.TemporaryDirectory(prefix="client-", dir=tool) as scratch:
        made = Path(scratch)
        modules = tool / "node_modules"
        generator = modules / "openapi-typescript" / "bin" / "cli.js"
        _run(["node", str(generator), str(document), "--output", str(made / "schema.d.ts")], document)
        for file in ("index.ts", "tsconfig.json"):
            shutil.copy(_HERE / file, made / file)
        (made / "package.json").write_text(json.dumps(_package(name), indent=2) + "\n", encoding="utf-8")
        compiler = modules / "typescript" / "bin" / "tsc"
        _run(["node", str(compiler), "--project", str(made)], document)
        # Declarations are no output of the compiler, and `index.d.ts` refers to them.
        shutil.copy(made / "schema.d.ts", made / "dist" / "schema.d.ts")
        shutil.copytree(made, into, dirs_exist_ok=True)


def _package(name: str) -> Mapping[str, Any]:
    pins = json.loads((_HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    return {
        "name": name,
        "version": "1.0.0",
        "private": True,
        "type": "module",
        "exports": {".": {"types": "./dist/index.d.ts", "default": "./dist/index.js"}},
        "scripts": {"build": "tsc"},
        "dependencies": {"openapi-fetch": pins["openapi-fetch"]},
        "devDependencies": {"typescript": pins["typescript"]},
    }


def _run(command: Sequence[str], document: Path, path: Sequence[Path] = ()) -> None:
    environment = {**os.environ, "PATH": os.pathsep.join([*map(str, path), os.environ.get("PATH", "")])}
    try:
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=_SECONDS)
        failed = done.returncode != 0
        said = " ".join((done.stderr.strip() or done.stdout.strip()).split())
    except (OSError, subprocess.TimeoutExpired) as error:
        failed, said = True, str(error)
    if failed:
        expected = "an OpenAPI document that the generator takes"
        remedy = "run `make openapi`; if it is up to date, mend what the generator says of it"
        raise ProblemsFound([Problem(str(document), "", said[:300] or "no client", expected, remedy)])
