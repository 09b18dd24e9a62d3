"""Files that are no declaration at all: said like any other mistake, never as a traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from groundplan.declaration.loader import load_system, parse_system
from infra.tests.declaration.cases import SOUND, problems_of

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "\n".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
PARSER = "YAML, but its parser says: "

TEXTS = [
    ("nothing", "", "system.yaml", "empty", "a mapping: `key: value` lines", "restore it from git"),
    ("comments only", "# later\n", "system.yaml", "empty", "a mapping", "fill in the file"),
    ("null", "~\n", "system.yaml", "empty", "a mapping", "fill in the file"),
    ("a list", "- name: shop\n", "system.yaml:1", "a list of 1 item", "a mapping at the top", "at the left margin"),
    ("a text", "\nshop\n", "system.yaml:2", "a single value", "a mapping at the top", "at the left margin"),
    ("two documents", "name: shop\n---\nname: shop\n", "system.yaml:2", "a second document", "one document",
     "this `---`"),
    ("tab", "name: shop\nedge:\n\tstatic_site: true\n", "system.yaml:3", '"static_site: true"', "spaces",
     "replace the tab"),
    ("open bracket", "name: shop\nroles: [a, b\nedge: 1\n", "system.yaml:3", '"edge: 1"', PARSER, "brackets, quotes"),
    ("open quote", "name: 'shop\n", "system.yaml:1", "", PARSER, "brackets, quotes"),
    ("second colon", "name: shop: two\n", "system.yaml:1", '"name: shop: two"', PARSER, "a colon in unquoted text"),
    ("wrong indentation", "edge:\n    a: 1\n  b: 2\n", "system.yaml:3", '"b: 2"', PARSER, "indentation"),
    ("conflict", "name: shop\n<<<<<<< before updating\nmfa: on\n=======\nmfa: off\n>>>>>>> after updating\n",
     "system.yaml:2", 'the conflict marker "<<<<<<<"', "one version of each line", "decide between the two versions"),
    ("conflict, half removed", "name: shop\nmfa: on\n=======\nmfa: off\n", "system.yaml:3", 'the conflict marker "====',
     "one version of each line", "decide between the two versions"),
    ("NUL", "name: shop\ndescription: \0\n", "system.yaml:2", "the character U+0000", "printable",
     "remove the character"),
    ("lone surrogate", "name: \ud800\n", "system.yaml:1", "the character U+D800", "printable", "remove the character"),
    ("unknown alias", "name: *shop\n", "system.yaml:1", 'the alias "*shop"', "complete above it", "write out what"),
    ("alias of itself", "name: &a [*a]\n", "system.yaml:1", 'the alias "*a"', "complete above it", "write out what"),
    ("billion laughs", BOMB, "system.yaml:6", "more than 500,000 values once its aliases are spelled out",
     "not multiply", "write out what the aliases"),
    ("brackets without end", "a: " + "[" * 5000, "system.yaml:1", "nested too deeply", "at most 32 levels",
     "unclosed bracket"),
    ("aliases that nest", "a: &a [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]\nb: &b [[[[[[[[[[[[[[[[*a]]]]]]]]]]]]]]]]\n",
     "system.yaml:2", 'the alias "*a"', "not nested too deeply", "write out what"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "where", "value", "expected", "remedy"), [case[1:] for case in TEXTS], ids=[case[0] for case in TEXTS]
)
def test_text_that_is_no_declaration(text: str, where: str, value: str, expected: str, remedy: str) -> None:
    (problem,) = problems_of(lambda: parse_system(text))
    assert (problem.where, problem.path) == (where, "")
    assert value in problem.value
    assert expected in problem.expected
    assert remedy in problem.remedy


def test_a_missing_file(tmp_path: Path) -> None:
    (problem,) = problems_of(lambda: load_system(tmp_path / "system.yaml"))
    assert (problem.where, problem.value) == ("system.yaml", "missing")
    assert problem.remedy == "create it, or run the command in the project's folder"


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    (problem,) = problems_of(lambda: load_system(tmp_path))
    assert (problem.where, problem.value, problem.expected) == (tmp_path.name, "not a file", "a YAML file")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may read every file")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    file = tmp_path / "system.yaml"
    file.write_text(SOUND)
    file.chmod(0)
    (problem,) = problems_of(lambda: load_system(file))
    assert (problem.value, problem.remedy) == ("unreadable", "look at its permissions (Permission denied)")


def test_a_file_of_a_megabyte(tmp_path: Path) -> None:
    file = tmp_path / "system.yaml"
    file.write_text("#" * 1_000_001)
    (problem,) = problems_of(lambda: load_system(file))
    assert (problem.value, problem.expected) == ("larger than 1 MB", "at most 1 MB of YAML")


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    file = tmp_path / "system.yaml"
    file.write_bytes("name: shop\ndescription: Bücher\n".encode("latin-1"))
    (problem,) = problems_of(lambda: load_system(file))
    assert (problem.where, problem.value, problem.expected) == ("system.yaml:2", "the byte 0xFC", "UTF-8 text")


def test_a_path_that_cannot_exist(tmp_path: Path) -> None:
    (problem,) = problems_of(lambda: load_system(tmp_path / "a\0b"))
    assert problem.value == "unreadable"


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "system.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + SOUND.encode())
    assert load_system(file).name == "shop"


def test_without_libyaml_the_same_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    monkeypatch.setattr("groundplan.declaration.yaml_reader._LOADER", yaml.SafeLoader)
    assert parse_system(SOUND).name == "shop"
    (problem,) = problems_of(lambda: parse_system(SOUND.replace("read_share: 0.85", "read_share: 85")))
    assert (problem.where, problem.path) == ("system.yaml:18", "services.order.read_share")
    (problem,) = problems_of(lambda: parse_system("name: shop\nedge:\n\tstatic_site: true\n"))
    assert (problem.where, problem.expected) == ("system.yaml:3", "spaces, since YAML refuses tabs as indentation")
