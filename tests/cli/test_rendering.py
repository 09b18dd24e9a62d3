"""Templates are compiled once, and mean the same; what copier asks or says again and again, it does once."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import jinja2
import pytest
import yaml
from copier._main import Worker
from jinja2.ext import Extension

from groundplan.cli import _rendering
from groundplan.cli._rendering import compiled_once, modes_asked_once, read_by_libyaml, without_repetitions
from tests.projects import ROOT, git


class Notes(Extension):
    """Notes each text that begins, as copier's extension for `yield` does to forget the last one."""

    begun: list[str] = []  # noqa: RUF012

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        del name, filename
        self.begun.append(source)
        return source


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Texts that Jinja itself compiles, from an environment where nothing is remembered yet."""
    monkeypatch.setattr(_rendering, "_place", lambda: tmp_path / "templates.marshal")
    found: list[str] = []
    generate = jinja2.Environment._generate

    def noted(self: jinja2.Environment, *arguments: object, **named: object) -> str:
        found.append(str(arguments[1]))
        return generate(self, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(jinja2.Environment, "_generate", noted)
    return found


def rendered(text: str, **settings: bool) -> str:
    environment = jinja2.Environment(extensions=[Notes], **settings)  # type: ignore[arg-type]  # noqa: S701  # no HTML
    return environment.from_string(text).render(word="a")


def test_a_text_is_compiled_once_in_all_environments(compiled: list[str]) -> None:
    text = "{% if word %}\n{{ word | upper }}{% endif %}\n"
    Notes.begun.clear()
    for _ in range(2):
        with compiled_once():
            assert [rendered(text), rendered(text)] == ["\nA", "\nA"]
            assert rendered(text, trim_blocks=True) == "A"
    # Again only for other settings, and not by the next command.
    assert len(compiled) == 2
    assert Notes.begun == [text] * 6
    rendered(text)
    assert len(compiled) == 3


def test_what_is_remembered_and_no_longer_readable_is_compiled_anew(compiled: list[str], tmp_path: Path) -> None:
    (tmp_path / "templates.marshal").write_bytes(b"spoilt")
    with compiled_once():
        assert rendered("{{ word }}") == "a"
    assert len(compiled) == 1


def test_only_the_repeated_remark_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    with without_repetitions():
        for _ in range(3):
            print("No git tags found in template; using HEAD as ref", file=sys.stderr)
        print("A warning", file=sys.stderr)
    assert capsys.readouterr().err == "A warning\n"


@pytest.mark.parametrize(("setting", "synced"), [("true", []), ("false", ["a.sh", "b.sh"])])
def test_git_is_asked_once_whether_it_sees_modes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, synced: list[str]
) -> None:
    """Where it doesn't, copier's own way with each file stays."""
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "config", "core.fileMode", setting)
    found: list[str] = []
    own = lambda _worker, path, _mode: found.append(str(path))  # noqa: E731
    monkeypatch.setattr(Worker, "_sync_git_index_executable_bit", own)
    asked = []
    run = _rendering.subprocess.run
    monkeypatch.setattr(_rendering.subprocess, "run", lambda *a, **k: asked.append(a) or run(*a, **k))
    worker = cast("Any", SimpleNamespace(subproject=SimpleNamespace(local_abspath=tmp_path)))
    with modes_asked_once():
        for name in ("a.sh", "b.sh"):
            Worker._sync_git_index_executable_bit(worker, Path(name), 0o755)
    assert (found, len(asked)) == (synced, 1)
    assert Worker._sync_git_index_executable_bit is own


def test_answers_are_read_alike_by_either_parser() -> None:
    """Every answer of the tests' projects, and each question's default."""
    places = [ROOT / "copier.yml", *sorted((ROOT / "tests/template/answers").glob("*")), ROOT / "system.yaml"]
    texts = [path.read_text(encoding="utf-8") for path in places if path.suffix in (".yml", ".yaml")]
    assert len(texts) > 2
    plainly = [yaml.safe_load(text) for text in texts]
    with read_by_libyaml():
        assert yaml.SafeLoader is yaml.CSafeLoader
        assert [yaml.safe_load(text) for text in texts] == plainly
    assert yaml.SafeLoader is not yaml.CSafeLoader
