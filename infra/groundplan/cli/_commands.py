"""The list of commands. Each module is loaded when its command is used, so that `groundplan --help` loads no SDK."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click
from click.shell_completion import CompletionItem, shell_complete

from groundplan.cli._command import SETTINGS, execute
from groundplan.cli._run import Misuse
from groundplan.problems import Problem, ProblemsFound, did_you_mean

NAME = "groundplan"
COMPLETE = "_GROUNDPLAN_COMPLETE"
"""The variable by which a shell asks for completions, as click builds it from the name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One command: ``module`` has a click command named ``command``."""

    module: str
    summary: str

    @property
    def installed(self) -> bool:
        """Whether the file is there; nothing is imported for that, as `find_spec` of a module would its packages."""
        package, *inside = self.module.split(".")
        spec = find_spec(package)
        if spec is None or not inside:
            return spec is not None
        places = [Path(folder).joinpath(*inside) for folder in spec.submodule_search_locations or ()]
        return any(place.with_suffix(".py").is_file() or place.is_dir() for place in places)


# Commands whose module isn't installed are not offered: the devkit is left out where only deployment is done.
SECTIONS: Mapping[str, Mapping[str, Entry]] = {
    "Design": {
        "plan": Entry("groundplan.cli.plan", "Every size with its reason; brings ARCHITECTURE.md up to date."),
        "diff": Entry("groundplan.cli.diff", "What this working tree changes in each stack, against a commit."),
        "compare": Entry("groundplan.cli.compare", "What changes between two plans, or if load or data grow."),
        "report": Entry("groundplan.cli.report", "One HTML page of a stack to look at and to hand on."),
        "cost": Entry("groundplan.cli.cost", "What each stack costs a month, and what would save most."),
        "quotas": Entry("groundplan.cli.quotas", "Quotas of the account to have raised, with their codes."),
        "prices": Entry("groundplan.cli.prices", "Read AWS's price list of a region into the project."),
        "check": Entry("groundplan.cli.check", "Controls that are not met, and migrations that stop requests."),
        "rehearse": Entry("groundplan.cli.rehearse", "Deploy, change and destroy a stack in the simulated cloud."),
    },
    "Services": {
        "service": Entry("groundplan.cli.service", "Add, remove or resize a service."),
        "follow": Entry("groundplan.cli.follow", "Bring services' code and migrations after system.yaml."),
        "contracts": Entry("groundplan.cli.contracts", "What changed of APIs and events, and whom it breaks."),
        "openapi": Entry("groundplan.cli.openapi", "Write each service's openapi.json from its code."),
        "clients": Entry("groundplan.cli.clients", "Make clients of the APIs in Python and TypeScript."),
    },
    "Deployment": {
        "foundation": Entry(
            "groundplan.cli.foundation", "Write who may deploy each stack, and no more than that takes."
        ),
        "up": Entry("groundplan.cli.up", "Deploy a stack, after a look at what it needs and does."),
        "repair": Entry("groundplan.cli.repair", "Bring state and account together after a killed deployment."),
        "credentials": Entry("groundplan.cli.credentials", "AWS credentials of a GitHub job, renewed as they end."),
        "drift": Entry("groundplan.cli.drift", "What was changed in the account behind the program's back."),
        "alarm": Entry("groundplan.cli.alarm", "Say what an alarm means, and what to do."),
        "deliver": Entry("groundplan.cli.deliver", "Build and push the services' images, and deploy them."),
        "wheels": Entry("groundplan.cli.wheels", "Fill build/wheels with what the services' images are built from."),
        "destroy": Entry("groundplan.cli.destroy", "Take a stack away, so that it can be deployed again."),
        "recover": Entry("groundplan.cli.recover", "Write the stack that takes a lost one's place in another region."),
        "upgrade": Entry("groundplan.cli.upgrade", "List the steps to newer versions of Kubernetes and PostgreSQL."),
        "remember": Entry("groundplan.cli.remember", "Read from a stack's state what only grows."),
        "manifests": Entry("groundplan.cli.manifests", "The Kubernetes objects of one stack as YAML."),
    },
    "Development": {
        "dev": Entry("groundplan_devkit.dev.__main__", "Run all services with real servers on this machine."),
        "token": Entry("groundplan_devkit.token", "An access token of the local identity provider."),
        "bench": Entry("groundplan_devkit.bench.__main__", "Measure the services under load and under faults."),
        "servers": Entry("groundplan_devkit.servers.__main__", "Start, stop and list the local servers."),
    },
    "Project": {
        "update": Entry("groundplan.cli.update", "Bring the project to the template's newest version."),
        "vendor": Entry("groundplan.cli.vendor", "Put hashed wheels of all packages into vendor/."),
        "eject": Entry("groundplan.cli.eject", "Copy a library's part into the project, as its owner's."),
        "completion": Entry("groundplan.cli.completion", "Print the completion script of a shell."),
    },
}


class Commands(click.Group):
    """The commands by section; what is listed is read from the table alone."""

    def __init__(self, sections: Mapping[str, Mapping[str, Entry]]) -> None:
        super().__init__(NAME, context_settings=SETTINGS, help=_HELP, no_args_is_help=True)
        self.sections = sections

    @property
    def offered(self) -> dict[str, Entry]:
        entries = {name: entry for section in self.sections.values() for name, entry in section.items()}
        return {name: entry for name, entry in entries.items() if entry.installed}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(self.offered)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        entry = self.offered.get(cmd_name)
        return None if entry is None else _loaded(cmd_name, entry)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and name not in self.offered:
            known = self.list_commands(ctx)
            remedy = did_you_mean(name, known, f"`{NAME} --help` lists them")
            raise Misuse([Problem("command line", "command", name, f"a command of {NAME}", remedy)])
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        offered = self.offered
        for title, section in self.sections.items():
            rows = [(name, entry.summary) for name, entry in section.items() if name in offered]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """As click does it, without loading the commands."""
        items = [
            CompletionItem(name, help=entry.summary)
            for name, entry in self.offered.items()
            if name.startswith(incomplete)
        ]
        return items + click.Command.shell_complete(self, ctx, incomplete)


_HELP = """From a declaration to a designed, sized, defended backend on AWS.

Commands work on the project of the current folder, or of GROUNDPLAN_PROJECT. `groundplan COMMAND --help` says more.
"""


def _loaded(name: str, entry: Entry) -> click.Command:
    _put_own_chassis_first()
    try:
        module = import_module(entry.module)
    except ImportError as error:
        remedy = "run `make setup`; other commands are not affected"
        raise ProblemsFound(
            [Problem("this installation", f"the command {name}", str(error), "packages as pinned", remedy)]
        ) from error
    command = module.command
    assert isinstance(command, click.Command)
    return command


def _put_own_chassis_first() -> None:
    """Commands of the devkit run parts of the chassis in this process."""
    from groundplan.project import find_project, own_chassis  # the model, which the list of commands needs not

    sys.path[:0] = [folder for folder in own_chassis(find_project()) if folder not in sys.path]


commands = Commands(SECTIONS)


def main(arguments: Sequence[str] | None = None) -> int:
    asked = os.environ.get(COMPLETE)
    if asked:
        return shell_complete(commands, {}, NAME, COMPLETE, asked)
    return execute(commands, arguments, NAME)
