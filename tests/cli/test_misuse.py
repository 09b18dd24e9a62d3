"""Words that a command doesn't take: each says what, where, what was expected and what to do, and returns 2 (U5)."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from groundplan.cli import main
from groundplan.cli._command import Command
from groundplan.cli._numbers import Number, WholeNumber
from tests.cli.every_command import EVERY_COMMAND

Captured = pytest.CaptureFixture[str]
WRONG = {
    click.Choice: ("no-such-choice", ""),
    WholeNumber: ("x", "-1", "1.5", "9" * 5000, "nan", "١", ""),  # noqa: RUF001  # a digit that `int` would read
    Number: ("x", "-1", "0", "nan", "inf", "1e99", ""),
}
"""Of a type, what it is not, as the words of a command line alone show."""


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for command in EVERY_COMMAND.values():
        for parameter in command.params:
            if isinstance(parameter.envvar, str):
                monkeypatch.delenv(parameter.envvar, raising=False)


def refused(words: list[str], name: str, capsys: Captured) -> str:
    """What is said of the words."""
    assert main(words) == 2, words
    heard = capsys.readouterr()
    assert heard.out == ""
    count, problem, expected, remedy = heard.err.splitlines()
    assert count == "1 problem"
    assert problem.startswith("command line: ")
    assert expected == f"    expected: what `groundplan {name}` takes"
    assert remedy == f"    to do:    `groundplan {name} --help` lists it"
    return problem


def options(name: str) -> Iterator[click.Option]:
    for parameter in EVERY_COMMAND[name].params:
        if isinstance(parameter, click.Option) and not parameter.is_flag:
            yield parameter


def spellings() -> Iterator[tuple[str, str]]:
    """Every option with a value, by each of its names."""
    for name in EVERY_COMMAND:
        for option in options(name):
            for spelling in option.opts:
                yield name, spelling


def wrong_values() -> Iterator[tuple[str, list[str], str]]:
    """A command, words that it does not take, and what the answer names."""
    for name, command in EVERY_COMMAND.items():
        for option in options(name):
            for value in values(option):
                yield name, [f"{option.opts[-1]}={value}"], option.opts[-1]
        arguments = [parameter for parameter in command.params if isinstance(parameter, click.Argument)]
        for place, argument in enumerate(arguments):
            before = ["x"] * place
            if before and isinstance(arguments[0].type, click.Choice):
                before[0] = str(arguments[0].type.choices[0])
            for value in values(argument):
                yield name, [*before, value], "Invalid value"


def values(parameter: click.Parameter) -> tuple[str, ...]:
    if isinstance(parameter.type, click.Path):
        return (() if parameter.type.file_okay else (__file__,)) + (() if parameter.type.dir_okay else ("/",))
    return next((wrong for kind, wrong in WRONG.items() if isinstance(parameter.type, kind)), ())


def test_every_command_is_told_of_by_the_same_class() -> None:
    assert [name for name, command in EVERY_COMMAND.items() if not isinstance(command, Command)] == []


@pytest.mark.parametrize("name", EVERY_COMMAND)
def test_an_option_that_it_does_not_have(name: str, capsys: Captured) -> None:
    assert "--no-such-option" in refused([*name.split(), "--no-such-option"], name, capsys)


@pytest.mark.parametrize(
    "name", [name for name in EVERY_COMMAND if all(each.nargs != -1 for each in EVERY_COMMAND[name].params)]
)
def test_an_argument_too_many(name: str, capsys: Captured) -> None:
    words = []
    for each in EVERY_COMMAND[name].params:
        if isinstance(each, click.Argument):
            words.append(str(each.type.choices[0]) if isinstance(each.type, click.Choice) else "x")
        elif each.required:
            words += [each.opts[0], "x"]
    assert "(one-too-many)" in refused([*name.split(), *words, "one-too-many"], name, capsys)


@pytest.mark.parametrize(("name", "spelling"), list(spellings()))
def test_an_option_without_its_value(name: str, spelling: str, capsys: Captured) -> None:
    assert f"'{spelling}' requires an argument" in refused([*name.split(), spelling], name, capsys)


@pytest.mark.parametrize(("name", "words", "said"), list(wrong_values()), ids=lambda value: str(value)[:40])
def test_a_value_that_is_none(name: str, words: list[str], said: str, capsys: Captured) -> None:
    assert said in refused([*name.split(), *words], name, capsys)


@pytest.mark.parametrize(
    "name", [name for name, command in EVERY_COMMAND.items() if any(each.required for each in command.params)]
)
def test_an_argument_too_few(name: str, capsys: Captured) -> None:
    assert "Missing argument" in refused(name.split(), name, capsys)


@pytest.mark.parametrize(
    ("words", "problem", "remedy"),
    [
        (["pln"], "command is pln", "did you mean `plan`?"),
        (["zzzzz"], "command is zzzzz", "`groundplan --help` lists them"),
        (["--bogus"], "No such option '--bogus'", "`groundplan --help` lists it"),
        (["service", "ad", "x"], "No such command 'ad'", "`groundplan service --help` lists it"),
        (["check", "--policy-pack", "--json"], "--policy-pack is with --json", "leave one of them out"),
    ],
    ids=str,
)
def test_words_that_are_no_command_or_do_not_go_together(
    words: list[str], problem: str, remedy: str, capsys: Captured
) -> None:
    assert main(words) == 2
    heard = capsys.readouterr().err
    assert problem in heard
    assert f"to do:    {remedy}" in heard
