"""`groundplan alarm`: what an alarm means, where to look, what to do, and how to prove that it is over."""

from __future__ import annotations

import os
import re
import shutil
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from groundplan.alarms import names, page, page_name
from groundplan.cli._command import Command, complete_stacks, main_of
from groundplan.problems import Problem, ProblemsFound, did_you_mean
from groundplan.project import find_project

if TYPE_CHECKING:
    from groundplan.cli.stacks import Project
    from groundplan.cloud import Resource

_ALARM_TYPES = ("aws:cloudwatch/metricAlarm:MetricAlarm", "aws:cloudwatch/compositeAlarm:CompositeAlarm")
_AUTONAMED = re.compile(r"-[0-9a-f]{7}$")
"""What Pulumi adds to a logical name."""
_WIDEST = 100
_CODE_BLOCK = re.compile(r"^ *```")
_INLINE = re.compile(r"`[^`]+`")
_KEPT = "\x00"
"""Stands for a blank at which no line may be broken."""
_ITEM = re.compile(r"( *(?:- |\d+\. )?)")


def _complete_pages(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    return [CompletionItem(name, help=page(name).title) for name in names() if name.startswith(incomplete)]


@click.command("alarm", cls=Command)
@click.argument("name", required=False, shell_complete=_complete_pages)
# No variable: a page needs no stack, and a project in trouble may have none that can be read.
@click.option(
    "--stack", metavar="NAME", help="List this stack's alarms with their pages.", shell_complete=complete_stacks
)
def command(name: str | None, stack: str | None) -> int:
    """Say what an alarm means, and what to do.

    Its page says where to look and how to prove that it is over, too. NAME is the page that the alarm's description
    names, or the alarm's own name as its notification has it; with that the commands are filled in as far as the
    project knows them. Without NAME all pages are listed. Nothing is asked of an account.
    """
    if stack is not None:
        print("\n".join(_alarms_of(stack, name)))
    elif name is None:
        print("\n".join(_list()))
    elif name in names():
        print(_wrapped(page(name).markdown()), end="")
    else:
        known = _declared(name)
        print(_wrapped(page(known["page"]).markdown(known)), end="")
    return 0


main = main_of(command)


def _list() -> Iterator[str]:
    width = max(map(len, names()))
    for name in names():
        yield f"{name:<{width}}  {page(name).title}"


def _alarms_of(stack: str, wanted: str | None) -> Iterator[str]:
    from groundplan.cli.stacks import read_project

    project = read_project(find_project(), [stack])
    rows = [(each.name, page_name(_description(each)) or "-") for each in _alarms(project, stack)]
    rows = [row for row in rows if wanted is None or row[1] == wanted or row[0] == _logical(wanted)]
    if not rows:
        raise _unknown(wanted or "", [], f"`groundplan alarm --stack {stack}` lists the alarms of {stack}")
    width = max(len(name) for name, _ in rows)
    for name, named in sorted(rows):
        yield f"{name:<{width}}  {named}"


def _logical(name: str) -> str:
    """What the program calls an alarm that the account calls so."""
    return _AUTONAMED.sub("", name).replace("-burning", "")


def _declared(name: str) -> Mapping[str, str]:
    """The page of an alarm of one of the project's stacks, and what its commands need. Raises ProblemsFound."""
    from groundplan.cli.stacks import read_project

    looked_up = _AUTONAMED.sub("", name)
    folder = find_project()
    if not (folder / "system.yaml").is_file() or "-" not in looked_up:
        raise _unknown(name, names(), "`groundplan alarm` lists them")
    project = read_project(folder)
    # The name of an alarm on service levels says its stack; others have the same page in every stack.
    for stack in sorted(project.environments, key=lambda each: f"{project.system.name}-{each}-" not in looked_up):
        for each in _alarms(project, stack):
            if each.name != _logical(name):
                continue
            named = page_name(_description(each))
            if named is None:
                remedy = "look for it in infra/__main__.py or infra/own: who declares an alarm writes its page"
                raise ProblemsFound([Problem("command line", "NAME", name, "an alarm of the library", remedy)])
            return {"page": named, "ALARM": name, **_of_system(project, stack, looked_up)}
    raise _unknown(
        name, names(), "`groundplan alarm` lists the pages, `groundplan alarm --stack NAME` a stack's alarms"
    )


def _of_system(project: Project, stack: str, alarm: str) -> Mapping[str, str]:
    """What the project knows of a page's variables. A name that two stacks have says nothing of its stack."""
    system = project.system.name
    if f"{system}-{stack}-" not in alarm and len(project.environments) > 1:
        return {"SYSTEM": system}
    domain = project.environments[stack].domain
    return {
        "SYSTEM": system,
        "STACK": stack,
        "SCOPE": f"{system}-{stack}",
        **({"DOMAIN": domain} if domain else {}),
    }


def _alarms(project: Project, stack: str) -> list[Resource]:
    from groundplan.cli._facts import simulated

    declared = simulated(project.folder, project.system, project.environments[stack], strict=False).resources
    return [each for each in declared if each.type in _ALARM_TYPES]


def _description(alarm: Resource) -> str:
    return str(alarm.inputs.get("alarmDescription", ""))


def _unknown(name: str, known: tuple[str, ...] | list[str], otherwise: str) -> ProblemsFound:
    remedy = did_you_mean(name, known, otherwise)
    return ProblemsFound([Problem("command line", "NAME", name, "a page, or an alarm of this project", remedy)])


def _wrapped(text: str) -> str:
    """Prose within COLUMNS; commands as they are, since they are copied."""
    width = min(_WIDEST, int(os.environ.get("COLUMNS") or 0) or shutil.get_terminal_size((_WIDEST, 24)).columns)
    return "".join(f"{line}\n" for line in _lines(text, max(width, 40)))


def _lines(text: str, width: int) -> Iterator[str]:
    paragraph: list[str] = []

    def flush() -> Iterator[str]:
        if paragraph:
            first = _ITEM.match(paragraph[0])
            indent = " " * len(first[1]) if first else ""
            joined = " ".join([paragraph[0], *(each.strip() for each in paragraph[1:])])
            whole = _INLINE.sub(lambda code: code[0].replace(" ", _KEPT), joined)
            for each in textwrap.wrap(
                whole, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
            ):
                yield each.replace(_KEPT, " ")
            paragraph.clear()

    inside = False
    for line in text.splitlines():
        fence = _CODE_BLOCK.match(line) is not None
        if fence or inside or not line.strip() or line.startswith("#"):
            yield from flush()
            yield line
            inside ^= fence
            continue
        item = _ITEM.match(line)
        if paragraph and item and item[1].strip():
            yield from flush()
        paragraph.append(line)
    yield from flush()
