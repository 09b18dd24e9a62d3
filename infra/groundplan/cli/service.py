"""`make add-service`, `remove-service` and `resize-service`: one answer changes, the template does the rest (U3)."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import click

from groundplan.capacity import check_shards, plan
from groundplan.capacity.shards import FIRST_GENERATION, enough_shards
from groundplan.cli._command import SETTINGS, Command, complete_services, json_option, main_of
from groundplan.cli.documents import ComparisonDocument, ServiceDocument, print_document
from groundplan.cli.edited_sizes import with_sizes
from groundplan.cli.refresh import PROGRAM_NOT_RUN, changes_since, refresh_declared, show_changes
from groundplan.cli.service_request import ServiceRequest, judge, read_request
from groundplan.cli.stack_images import forget_image
from groundplan.cli.stacks import read_project
from groundplan.cli.template import ANSWERS_FILE, Updated, git, read_answers, require_clean, tell_conflicts, update
from groundplan.declaration.document import Document, read_document
from groundplan.declaration.loader import judge_system, load_system
from groundplan.declaration.model import Service, System
from groundplan.declaration.words import irregular_plural
from groundplan.document.rewriting import read_text, write_text
from groundplan.following.following import coded
from groundplan.following.stamps import stamp_of, stamp_text, stamped
from groundplan.problems import Problem, ProblemsFound, did_you_mean, listed
from groundplan.project import find_project

DECLARATION = "system.yaml"
SIZES = ("traffic_weight", "read_share", "repeat_share", "data_gb", "data_growth_gb_per_month", "cqrs", "shard_map")
"""What `resize` may change of a service; the rest is edited in `system.yaml`."""

# New keys go to the new shards from that day on, on every pod: the shards must be deployed by then.
DAYS_TO_DEPLOY_SHARDS = 7

Action = Literal["add", "remove", "resize"]
Settings = Mapping[str, Any]
Services = list[Any]


def added(services: Services, name: str, settings: Settings) -> Services:
    """The answer with one service more."""
    return [*services, {"name": name, **settings} if settings else name]


def with_plural(name: str, settings: Settings) -> Settings:
    """``settings`` with the plural of the resource that the service gets, where the rule of English fails."""
    right = irregular_plural(name)
    if right is None or "plural" in settings or "resources" in settings:
        return settings
    return {**settings, "plural": right}


def removed(services: Services, name: str) -> Services:
    """The answer without the service."""
    return [item for item in services if _name(item) != name]


def resized(services: Services, name: str, settings: Settings) -> Services:
    """The answer with other sizes for one service; what it said before stays unless named again."""
    return [
        {**(item if isinstance(item, dict) else {"name": item}), **settings} if _name(item) == name else item
        for item in services
    ]


def with_shards(system: System, name: str, settings: Settings, today: datetime.date) -> Settings:
    """``settings`` with the shard map that the new data size asks for (D3).

    The map only ever grows at its end: what is declared stays, so that every row is found where it was put.
    """
    service = system.services[name]
    declared = [{"since": g.since.isoformat(), "shards": g.shards} for g in service.shard_map or ()]
    if "shard_map" in settings:
        return settings
    sizes = {key: value for key, value in settings.items() if key.startswith("data_")}
    resized = service.model_copy(update=sizes)
    larger = system.model_copy(update={"services": {name: resized}})
    if problems := check_shards(larger, today):
        since = today + datetime.timedelta(days=DAYS_TO_DEPLOY_SHARDS)
        needed = enough_shards(resized, system.requirements, since, today)
        if needed is None:
            raise ProblemsFound(problems)
        first = declared or [{"since": FIRST_GENERATION, "shards": 1}]
        return {**settings, "shard_map": [*first, {"since": since.isoformat(), "shards": needed}]}
    return {**settings, "shard_map": declared} if declared else settings


def change(project: Path, action: Action, name: str, request: ServiceRequest, *, today: datetime.date) -> Updated:
    """Adds, removes or resizes one service of ``project``; raises ProblemsFound, and has then changed nothing."""
    answers = read_answers(project)
    require_clean(project)
    system = load_system(project / "system.yaml")
    document = read_document(project / "system.yaml")
    settings = request.settings
    services: Services = answers.get("services") or []
    text, sizes = read_text(project / DECLARATION), settings
    if action == "add":
        _require_new(name, services, system)
        judge(request, name, document, system)
        changed = added(services, name, with_plural(name, settings))
    else:
        _require_answered(name, services, system)
        if action == "remove":
            _require_another(name, services)
            changed = removed(services, name)
        else:
            _require_sizes(settings)
            judge(request, name, document, system)
            sizes = with_shards(system, name, settings, today)
            changed = resized(services, name, sizes)

    def accept(updated: Updated) -> None:
        if action == "remove":
            # Every later command would refuse an image of a service that isn't declared.
            forget_image(project, system.name, name)
        conflicted = DECLARATION in updated.conflicted
        if action == "resize" and (conflicted or _without_effect(load_system(project / DECLARATION), name, settings)):
            conflicted = not _put_over_edits(project, text, name, sizes)
        if not conflicted:
            result = _load(project, action, name, document)
            if action == "resize":
                _require_effect(result, name, settings)
                _note_what_code_followed(project, name, system.services[name], result.services[name])
            for environment in read_project(project).environments.values():
                plan(result, environment)

    return update(project, answers, {"services": changed}, accept=accept)


@click.group("service", context_settings=SETTINGS)
def command() -> None:
    """Add, remove or resize a service.

    One answer of the template changes, and the template does the rest. Nothing is deployed.
    """


_NAME = click.argument("name", shell_complete=complete_services)
_SET = click.option(
    "--set", "words", multiple=True, metavar="KEY=VALUE …", help='For example --set "data_gb=500 read_share=0.9".'
)
_FROM = click.option(
    "--from", "file", type=click.Path(path_type=Path), metavar="FILE", help="A YAML file with the service's settings."
)
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")


@command.command("add", cls=Command)
@_NAME
@_SET
@_FROM
@_DRY_RUN
@json_option(ServiceDocument)
def add(name: str, words: Sequence[str], file: Path | None, *, dry_run: bool, as_json: bool) -> int:
    """Add a service to the declaration, with its code and tests."""
    return _run("add", name, read_request(name, file, words), dry_run=dry_run, as_json=as_json)


@command.command("remove", cls=Command)
@_NAME
@_DRY_RUN
@json_option(ServiceDocument)
def remove(name: str, *, dry_run: bool, as_json: bool) -> int:
    """Remove a service and its files; git keeps them."""
    return _run("remove", name, ServiceRequest(), dry_run=dry_run, as_json=as_json)


@command.command("resize", cls=Command)
@_NAME
@_SET
@_FROM
@_DRY_RUN
@json_option(ServiceDocument)
def resize(name: str, words: Sequence[str], file: Path | None, *, dry_run: bool, as_json: bool) -> int:
    """Change what a service must hold."""
    return _run("resize", name, read_request(name, file, words), dry_run=dry_run, as_json=as_json)


main = main_of(command)


def _run(action: Action, name: str, request: ServiceRequest, *, dry_run: bool, as_json: bool) -> int:
    """Returns 0 when all is well, 2 when edits and the change met and await a decision. Raises ProblemsFound."""
    project = find_project()
    if not dry_run:
        return _change(project, action, name, request, as_json=as_json)
    return _preview(project, action, name, request, as_json=as_json)


def _change(project: Path, action: Action, name: str, request: ServiceRequest, *, as_json: bool) -> int:
    before = load_system(project / "system.yaml") if (project / "system.yaml").is_file() else None
    updated = change(project, action, name, request, today=datetime.date.today())
    if not updated.conflicted:
        refresh_declared(project)
    if as_json:
        print_document(_document(project, action, name, updated, before, applied=True))
    if updated.conflicted:
        return tell_conflicts(updated)
    if as_json:
        return 0
    if before is not None:
        show_changes(project, before)
    _show_images(updated, f"Took the image of {name} out of")
    if action == "remove" and before is not None:
        _show_silenced(before, load_system(project / "system.yaml"), name)
    if before is not None and action == "resize" and "cqrs" in request.settings:
        print("Its tables are to follow: commit, then `make follow` writes the migration.")
    if action == "resize" and (since := _new_shards(project, name)):
        print(f"New keys go to the new shards from {since} on: deploy them before that day.")
    print(f"\nDone: {_past(action)} {name}. See it with `git diff`.")
    print(f"{PROGRAM_NOT_RUN} Then commit; nothing is deployed until `make up`.")
    return 0


def _show_images(updated: Updated, what: str) -> None:
    if stacks := [path for path in updated.changed if path.startswith("Pulumi.")]:
        print(f"{what} {listed(stacks, last='and')}.")


def _show_silenced(before: System, after: System, name: str) -> None:
    """Which services hear no more of what the removed one published: their code has changed with it."""
    published = before.services[name].publishes
    for other, service in after.services.items():
        silenced = [event for event in published if event in before.services[other].consumes]
        lost = [event for event in silenced if event not in service.consumes]
        if lost:
            print(f"{other} consumes {listed(lost, last='and')} no more: look at its code in services/{other}.")


def _preview(project: Path, action: Action, name: str, request: ServiceRequest, *, as_json: bool) -> int:
    """The change made in a clone of the project, and shown."""
    read_answers(project)
    require_clean(project)
    top = Path(git(project, "rev-parse", "--show-toplevel").stdout.strip())
    with tempfile.TemporaryDirectory(prefix="preview-") as directory:
        git(project, "clone", "--quiet", "--", str(top), directory, check=True)
        clone = Path(directory) / project.resolve().relative_to(top.resolve())
        before = load_system(clone / "system.yaml")
        updated = change(clone, action, name, request, today=datetime.date.today())
        diff = git(clone, "diff", "HEAD").stdout
        if as_json:
            print_document(_document(clone, action, name, updated, before, applied=False, diff=diff))
            return 0
        print(diff or "Nothing would change.")
        if updated.conflicted:
            print(f"Would need your decision: {', '.join(updated.conflicted)}")
        else:
            show_changes(clone, before)
            _show_images(updated, f"Would take the image of {name} out of")
    return 0


def _document(
    project: Path,
    action: Action,
    name: str,
    updated: Updated,
    before: System | None,
    *,
    applied: bool,
    diff: str = "",
) -> ServiceDocument:
    comparison = None
    if before is not None and not updated.conflicted:
        comparison = ComparisonDocument.of(changes_since(project, before))
    return ServiceDocument(
        action=action,
        service=name,
        applied=applied,
        changed=updated.changed,
        conflicted=updated.conflicted,
        diff=diff,
        comparison=comparison,
    )


def _new_shards(project: Path, name: str) -> datetime.date | None:
    """The day that a generation of shards begins which is still to come."""
    generations = load_system(project / "system.yaml").services[name].shard_map
    last = generations[-1].since if generations else datetime.date.min
    return last if last > datetime.date.today() else None


def _note_what_code_followed(project: Path, name: str, before: Service, after: Service) -> None:
    """Code follows another size by itself; tables do not, so `make follow` is told what they were made for."""
    if before.cqrs != after.cqrs and name in coded(project) and stamped(project, name) is None:
        stamp_of(project, name).write_text(stamp_text(before), encoding="utf-8")


def _require_new(name: str, services: Services, system: System) -> None:
    if name in system.services or any(_name(item) == name for item in services):
        raise _refusal(
            name, "declared already", "a name that no service has", "choose another, or use `make resize-service`"
        )


def _require_answered(name: str, services: Services, system: System) -> None:
    known = [_name(item) for item in services]
    if name in known:
        return
    if name in system.services:
        raise _refusal(
            name,
            "declared by hand",
            "a service that the template made",
            "edit or delete it in system.yaml, then `make plan`",
        )
    raise _refusal(name, "unknown", f"one of {', '.join(known)}", did_you_mean(name, known, "correct the name"))


def _require_another(name: str, services: Services) -> None:
    if len(services) == 1:
        raise _refusal(name, "the only service", "a system with at least one service", "add another one first")


def _require_sizes(settings: Settings) -> None:
    if not settings:
        raise ProblemsFound(
            [Problem("the command", "SET", "missing", "at least one new size", 'say for example SET="data_gb=3000"')]
        )
    problems = [
        Problem(
            "the command",
            "SET",
            key,
            f"one of {', '.join(SIZES)}",
            did_you_mean(key, SIZES, "edit system.yaml for the rest"),
        )
        for key in settings
        if key not in SIZES
    ]
    if problems:
        raise ProblemsFound(problems)


def _load(project: Path, action: str, name: str, before: Document) -> System:
    """What is declared after the change. Problems are told at the lines of ``before``, which is what stays."""
    after = read_document(project / "system.yaml")
    found = judge_system(after.values)
    if not found:
        return load_system(project / "system.yaml")
    problems = [before.problem(finding) for finding in found]
    if action == "remove":
        needed = Problem(
            "system.yaml",
            f"services.{name}",
            f"still needed by {listed(dict.fromkeys(str(finding.path[1]) for finding in found), last='and')}",
            "a service that no other one consumes events of or refers to",
            "nothing was changed; mend what is listed next in system.yaml and in that service's code, commit, and "
            "remove it again",
        )
        problems.insert(0, needed)
    raise ProblemsFound(problems)


def _put_over_edits(project: Path, text: str, name: str, sizes: Settings) -> bool:
    """Whether the sizes could take the place of values that were edited by hand; all else is as in ``text``."""
    resized = with_sizes(text, name, sizes)
    if resized is None:
        return False
    write_text(project / DECLARATION, resized)
    git(project, "reset", "--quiet", "--", DECLARATION, check=True)
    return True


def _without_effect(system: System, name: str, settings: Settings) -> dict[str, object]:
    """What the declaration says instead of the sizes that were asked for."""
    service = system.services[name].model_dump(mode="json")
    return {key: service[key] for key, value in settings.items() if key != "shard_map" and service[key] != value}


def _require_effect(system: System, name: str, settings: Settings) -> None:
    """A size that was edited by hand in a way that can't be replaced, an alias say."""
    problems = [
        Problem(
            DECLARATION,
            f"services.{name}.{key}",
            str(value),
            f"{settings[key]}, as asked for",
            "nothing was changed; this value was edited by hand, so change it there",
        )
        for key, value in _without_effect(system, name, settings).items()
    ]
    if problems:
        raise ProblemsFound(problems)


def _name(item: object) -> str:
    return str(item["name"] if isinstance(item, dict) else item)


def _past(action: str) -> str:
    return {"add": "added", "remove": "removed", "resize": "resized"}[action]


def _refusal(name: str, value: str, expected: str, remedy: str) -> ProblemsFound:
    return ProblemsFound([Problem(ANSWERS_FILE, f"services.{name}", value, expected, remedy)])
