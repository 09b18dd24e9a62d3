"""Copier's work made shorter and quieter: it renders the whole template three times for an update, in one process, and
as often to follow a declaration."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import marshal
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import CodeType
from typing import Any

import jinja2
import yaml

from groundplan.cli._template_files import checked_out

_REPEATED = "No git tags found in template"
"""Copier says this of a template without releases for each copy that it makes; it changes nothing for the reader."""
_OPTIONS = (
    "block_start_string",
    "block_end_string",
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
    "line_statement_prefix",
    "line_comment_prefix",
    "trim_blocks",
    "lstrip_blocks",
    "newline_sequence",
    "keep_trailing_newline",
    "optimized",
    "autoescape",
    "sandboxed",
    "is_async",
)
"""What a template's code depends on, besides its text and the extensions."""


@contextlib.contextmanager
def shortened() -> Iterator[None]:
    """All that follows."""
    with cloned_once(), compiled_once(), modes_asked_once(), read_by_libyaml(), without_repetitions():
        yield


@contextlib.contextmanager
def cloned_once() -> Iterator[None]:
    """Inside, copier clones a version of the template once, and all of its copies are rendered from there.

    It made five clones for an update, each with every file of the template's repository.
    """
    from copier import _template, _vcs

    clone = _vcs.clone
    found: dict[tuple[str, str], str] = {}
    with tempfile.TemporaryDirectory(prefix="groundplan-templates-", ignore_cleanup_errors=True) as folder:

        def once(url: str, ref: str = "HEAD", location: str | None = None) -> str:
            del location  # copier removes that one when its copy is done
            if (url, ref) not in found:
                few = Path(tempfile.mkdtemp(dir=folder))
                # Of a local `HEAD` copier takes what is not committed, too.
                if ref != "HEAD" and checked_out(_on_this_machine(url), ref, few):
                    found[url, ref] = str(few)
                else:
                    found[url, ref] = clone(url, ref, tempfile.mkdtemp(dir=folder))
            return found[url, ref]

        _template.clone = once  # type: ignore[attr-defined]
        try:
            yield
        finally:
            _template.clone = clone  # type: ignore[attr-defined]


def _on_this_machine(url: str) -> Path:
    """The repository itself, or copier's mirror of one in the network, brought up to date."""
    from copier import _vcs

    return _vcs._get_or_create_mirror(url) if _vcs._is_remote(url) else Path(url)


@contextlib.contextmanager
def compiled_once() -> Iterator[None]:
    """Inside, Jinja compiles each text once, and not again what an earlier command in this Python environment compiled.

    Compiling takes more than half of the time of an update, the rendering itself little.
    """
    known = _read()
    before = len(known)
    compile_ = jinja2.Environment.compile

    @functools.wraps(compile_)
    def once(self: jinja2.Environment, source: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        if not isinstance(source, str) or named.keys() - {"name", "filename"} or len(arguments) > 2:
            return compile_(self, source, *arguments, **named)
        given = dict(zip(("name", "filename"), arguments, strict=False)) | named
        name, filename = given.get("name"), given.get("filename")
        options = [repr(getattr(self, option)) for option in _OPTIONS]
        text = "\0".join([source, str(name), *options, *sorted(self.extensions)])
        key = hashlib.sha256(text.encode()).digest()
        if key not in known:
            known[key] = compile_(self, source, *arguments, **named)
        else:
            # Extensions note there that another text begins (copier's `yield` does).
            self.preprocess(source, name, filename)
        return known[key]

    jinja2.Environment.compile = once  # type: ignore[method-assign]
    try:
        yield
    finally:
        jinja2.Environment.compile = compile_  # type: ignore[method-assign]
        if len(known) > before:
            _write(known)


@contextlib.contextmanager
def modes_asked_once() -> Iterator[None]:
    """Inside, copier asks git once a folder whether it sees files' modes by itself, and not again for each file.

    A process for each of the files of three copies took most of the processor's time of an update.
    """
    from copier._main import Worker

    sync = Worker._sync_git_index_executable_bit
    seen_by_git: dict[Path, bool] = {}

    @functools.wraps(sync)
    def once(self: Worker, dst_relpath: Path, src_mode: int) -> None:
        folder = self.subproject.local_abspath
        if folder not in seen_by_git:
            said = subprocess.run(
                ["git", "config", "--type=bool", "--get", "core.fileMode"],
                cwd=folder,
                check=False,
                capture_output=True,
                text=True,
            )
            seen_by_git[folder] = said.stdout.strip() != "false"
        if not seen_by_git[folder]:
            sync(self, dst_relpath, src_mode)

    Worker._sync_git_index_executable_bit = once  # type: ignore[method-assign]
    try:
        yield
    finally:
        Worker._sync_git_index_executable_bit = sync  # type: ignore[method-assign]


@contextlib.contextmanager
def read_by_libyaml() -> Iterator[None]:
    """Inside, answers are read by PyYAML's parser in C, where it was built with it: all of them again and again, which
    took a quarter of an update."""
    loader = yaml.SafeLoader
    yaml.SafeLoader = getattr(yaml, "CSafeLoader", loader)  # type: ignore[misc]
    try:
        yield
    finally:
        yaml.SafeLoader = loader  # type: ignore[misc]


@contextlib.contextmanager
def without_repetitions() -> Iterator[None]:
    """Inside, copier's remark about tags is left out of standard error; all else is printed at the end."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            yield
    finally:
        lines = [line for line in said.getvalue().splitlines(keepends=True) if _REPEATED not in line]
        sys.stderr.write("".join(lines))


def _place() -> Path | None:
    """Beside the packages, so that it goes with them; None where there is no environment of the project's own."""
    if sys.prefix == sys.base_prefix:
        return None
    versions = "-".join([sys.implementation.cache_tag or "", version("jinja2"), version("copier")])
    return Path(sys.prefix) / f".templates-{versions}.marshal"


def _read() -> dict[bytes, CodeType]:
    place = _place()
    with contextlib.suppress(OSError, ValueError, EOFError, TypeError):
        if place and isinstance(found := marshal.loads(place.read_bytes()), dict):  # noqa: S302  # written below
            return found
    return {}


def _write(known: dict[bytes, CodeType]) -> None:
    place = _place()
    with contextlib.suppress(OSError, ValueError):
        if place is None:
            return
        content = marshal.dumps(known)
        descriptor, fresh = tempfile.mkstemp(dir=place.parent, prefix=f"{place.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(fresh, place)
