"""What all commands share: how one is run, how it ends, and options that several have."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from groundplan.cli._run import Misuse, run, tell_as_json
from groundplan.problems import Problem, ProblemsFound

if TYPE_CHECKING:
    from groundplan.cli.documents import Document

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 120}
STOPPED = 130
"""The status of a command that Ctrl-C ended, as shells give it."""
USAGE = 2


_Function = TypeVar("_Function", bound=Callable[..., Any])


class Command(click.Command):
    """A command that says a user's mistakes plainly, as JSON too where `--json` is given."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:  # noqa: ANN401  # handed on as they are
        settings["context_settings"] = {**SETTINGS, **settings.get("context_settings", {})}
        super().__init__(*arguments, **settings)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            # click's parser doesn't say whose option lacks its value.
            error.ctx = error.ctx or ctx
            raise

    def invoke(self, ctx: click.Context) -> int:
        return run(lambda: super(Command, self).invoke(ctx) or 0, as_json=bool(ctx.params.get("as_json")))


def execute(command: click.Command, arguments: Sequence[str] | None = None, name: str | None = None) -> int:
    """Runs the command as if in a terminal and returns its exit status; 2 for arguments that it doesn't take."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        with command.make_context(name or f"groundplan {command.name}", words) as context:
            return int(command.invoke(context) or 0)
    except click.exceptions.NoArgsIsHelpError as asked:
        print(asked.format_message())
        return 0
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.UsageError as error:
        return _refused(_usage(error, name or str(command.name)), words)
    except Misuse as problems:
        return _refused(problems, words)
    except ProblemsFound as problems:
        print(problems, file=sys.stderr)
        return 1
    except (click.Abort, KeyboardInterrupt):
        print("\nStopped.", file=sys.stderr)
        return STOPPED


def _refused(problems: Misuse, words: Sequence[str]) -> int:
    """Where `--json` is among the words, its reader gets JSON for words that can't be read, too."""
    if "--json" in words:
        tell_as_json(problems)
    print(problems, file=sys.stderr)
    return USAGE


def _usage(error: click.UsageError, name: str) -> Misuse:
    path = error.ctx.command_path if error.ctx else name
    said = " ".join(error.format_message().split()).rstrip(".")
    return Misuse([Problem("command line", said, "", f"what `{path}` takes", f"`{path} --help` lists it")])


def main_of(command: click.Command) -> Callable[[Sequence[str] | None], int]:
    """The command as a function of its arguments."""

    def main(arguments: Sequence[str] | None = None) -> int:
        return execute(command, arguments)

    return main


class JsonOption(click.Option):
    """`--json`. ``document`` is the class of what is printed then."""

    def __init__(self, *declarations: Any, document: type[Document], **settings: Any) -> None:  # noqa: ANN401
        super().__init__(*declarations, **settings)
        self.document = document


def json_option(document: type[Document]) -> Callable[[_Function], _Function]:
    """`--json`. The command hands a document of this class to `print_document`; `docs/commands.md` describes it."""
    said = f"Print one JSON document, {document.named()} (docs/commands.md)."
    return click.option("--json", "as_json", cls=JsonOption, document=document, is_flag=True, help=said)


def stack_option(*, several: bool, help: str) -> Callable[[_Function], _Function]:
    """`--stack`, else the variable STACK."""
    return click.option(
        "--stack", envvar="STACK", multiple=several, metavar="NAME", help=help, shell_complete=complete_stacks
    )


def stack_argument(function: _Function) -> _Function:
    return click.argument("stack", envvar="STACK", shell_complete=complete_stacks)(function)


def lose_option(function: _Function) -> _Function:
    """`--lose`, which may be given again; else the words of LOSE."""
    return click.option(
        "--lose",
        multiple=True,
        default=words_of("LOSE"),
        metavar="NAME",
        help="What may go, by its name (LOSE=…); else it is asked for.",
    )(function)


def switched_by(variable: str) -> Callable[[], bool]:
    """The default of a flag that any value of a variable gives, as it does for `make`."""
    return lambda: bool(os.environ.get(variable))


def words_of(variable: str) -> Callable[[], list[str]]:
    """The default of an option that may be given again: the variable's words, quoted as in a shell."""
    return lambda: shlex.split(os.environ.get(variable, ""))


def complete_stacks(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    from groundplan.project import find_project  # the declaration's model, which `--help` needs not

    names = (path.name.split(".")[1] for path in find_project().glob("Pulumi.*.yaml"))
    return [CompletionItem(name) for name in sorted(names) if name.startswith(incomplete)]


def complete_services(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    from groundplan.project import find_project

    names = (path.name for path in find_project().glob("services/*/") if path.is_dir())
    return [CompletionItem(name) for name in sorted(names) if name.startswith(incomplete)]
