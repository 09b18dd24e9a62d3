"""`make clients`: clients of the services' APIs in Python and TypeScript, from their `openapi.json`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from groundplan.cli._command import Command, complete_services, main_of
from groundplan.cli.openapi import DOCUMENT, NOT_YET
from groundplan.clients import LANGUAGES, Language, make_client, package_name
from groundplan.declaration.loader import load_system
from groundplan.declaration.model import System
from groundplan.owned import claim, remove, require_removable
from groundplan.problems import Problem, ProblemsFound, did_you_mean
from groundplan.project import DECLARATION, find_project

FOLDER = "clients"


@click.command("clients", cls=Command)
@click.argument("services", nargs=-1, metavar="[SERVICE]…", shell_complete=complete_services)
@click.option("--language", "languages", multiple=True, type=click.Choice(LANGUAGES), help="Default: all of them.")
@click.option("--into", type=click.Path(path_type=Path), default=Path(FOLDER), help="Default: clients/.")
def command(services: tuple[str, ...], *, languages: tuple[Language, ...], into: Path) -> int:
    """Make clients of the APIs in Python and TypeScript.

    They are packages below clients/<language>/<service>, compiled, and made anew each time. Without a SERVICE: of all
    public ones. The generators (openapi-python-client, openapi-typescript) are fetched once, into the user's cache;
    TypeScript takes Node.js.
    """
    return make_clients(find_project(), services, languages or LANGUAGES, into)


main = main_of(command)


def make_clients(project: Path, services: Sequence[str], languages: Sequence[Language], into: Path) -> int:
    """Writes a package for each service and language. Raises ProblemsFound; what was complete before then stays."""
    system = load_system(project / DECLARATION)
    chosen = _chosen(system, services)
    documents = {name: _document(project, name) for name in chosen}
    places = {(name, each): project / into / each / name for name in chosen for each in languages}
    for place in places.values():
        require_removable(place)
    for (name, language), place in places.items():
        with tempfile.TemporaryDirectory(prefix="groundplan-") as scratch:
            make_client(language, documents[name], package_name(system.name, name, language), Path(scratch))
            remove(place)
            claim(place)
            shutil.copytree(scratch, place, dirs_exist_ok=True)
        print(f"{place.relative_to(project) if place.is_relative_to(project) else place}: made.")
    return 0


def _chosen(system: System, services: Sequence[str]) -> list[str]:
    unknown = [name for name in services if name not in system.services]
    if unknown:
        expected = f"services of this system: {', '.join(system.services)}"
        raise ProblemsFound(
            [
                Problem("command line", "SERVICE", name, expected, did_you_mean(name, system.services, "name one"))
                for name in unknown
            ]
        )
    return list(services) or [name for name, service in system.services.items() if service.exposure == "public"]


def _document(project: Path, service: str) -> Path:
    path = project / "services" / service / DOCUMENT
    if not path.is_file() or NOT_YET in path.read_text(encoding="utf-8"):
        where = str(path.relative_to(project))
        raise ProblemsFound(
            [Problem(where, "", "not there", "the OpenAPI document of the service's API", "run `make openapi` first")]
        )
    return path
