"""Each service's `openapi.json`, written from its code: what its API is, for its clients.

The file is checked in, so that a change of the API is seen where it is reviewed, and a test fails when it is stale.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from groundplan.cli._command import Command, main_of
from groundplan.declaration.loader import load_system
from groundplan.problems import Problem, ProblemsFound
from groundplan.project import find_project, run_with_services

DOCUMENT = "openapi.json"
NOT_YET = "Filled in by `make setup`"
"""In a document that is not written yet."""


@click.command("openapi", cls=Command)
@click.option("--check", is_flag=True, help="Change nothing; fail when a document is out of date.")
@click.option("--missing", is_flag=True, help="Write only those that are not written yet.")
def command(*, check: bool, missing: bool) -> int:
    """Write each service's openapi.json from its code.

    The file is checked in, so that a change of the API is seen where it is reviewed.
    """
    return write_documents(find_project(), check=check, missing=missing)


main = main_of(command)


def write_documents(project: Path, *, check: bool = False, missing: bool = False) -> int:
    """Writes what differs. Raises ProblemsFound when ``check`` finds something, or when a service's code fails."""
    before = {}
    for service, folder in coded(project):
        path = folder / DOCUMENT
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if not missing or not text or NOT_YET in text:
            before[service, path] = text
    documents = described(project, [(service, path.parent) for service, path in before])
    stale = []
    for (service, path), text in before.items():
        document = documents[service]
        if document == text:
            continue
        if check:
            stale.append(str(path.relative_to(project)))
        else:
            path.write_text(document, encoding="utf-8")
            print(f"{path.relative_to(project)}: brought up to date.")
    if stale:
        said = ("the document", "out of date", "what the code answers", "run `make openapi`")
        raise ProblemsFound([Problem(path, *said) for path in stale])
    return 0


def coded(project: Path) -> Iterator[tuple[str, Path]]:
    """Declared services that have code, and their folders."""
    for service in load_system(project / "system.yaml").services:
        folder = project / "services" / service
        if (folder / package_of(service) / "__main__.py").is_file():
            yield service, folder


def package_of(service: str) -> str:
    """The package of a service's code: `order_returns_service` of `order-returns`."""
    return f"{service.replace('-', '_')}_service"


def described(project: Path, services: Sequence[tuple[str, Path]]) -> dict[str, str]:
    """What each service's own program says of its API, by the service; it needs no settings and no servers for that.

    Raises ProblemsFound with every service whose program fails.
    """
    asked = {service: (package_of(service), str(folder)) for service, folder in services}
    done = run_with_services(project, "groundplan.cli._ask_services", asked)
    try:
        answers: dict[str, list[str]] = json.loads(done.stdout)
    except json.JSONDecodeError:
        answers = {service: ["", done.stderr] for service in asked}
    problems = [
        Problem(
            f"services/{service}",
            f"python -m {package_of(service)} openapi",
            said.strip().rpartition("\n")[2][:200],
            "the OpenAPI document of its API",
            "mend what it says",
        )
        for service, (document, said) in answers.items()
        if not document
    ]
    if problems:
        raise ProblemsFound(problems)
    return {service: document for service, (document, _) in answers.items()}
