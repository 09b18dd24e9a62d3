"""From what is declared and what lies in a project to the files that follow (ADR 14). Writes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundplan.declaration.model import Resource, Service
from groundplan.following.changes import Change, Takes
from groundplan.following.merging import Files, Merged, merged
from groundplan.following.rendering import SHARED, answers_services, rendered
from groundplan.following.revisions import VERSIONS, WAITING, waiting, written
from groundplan.following.schema import Plan, plan_of
from groundplan.following.services import Services, differences, resource_renames, service_renames, targets
from groundplan.following.stamps import STAMP, stamp_text, stamped
from groundplan.problems import Problem, ProblemsFound

_DECLARATION = "system.yaml"
_GENERATED_LATER = "openapi.json"
"""Written from the code once that has followed."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What following changes, before any of it is written."""

    changes: tuple[Change, ...]
    files: Mapping[str, str | None]
    """New contents by path from the project's root; None for a file that goes."""
    conflicted: tuple[str, ...] = ()
    kept_away: tuple[str, ...] = ()
    migrations: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    """Migrations that wait for the second release."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What a service's migrations have otherwise than its declaration makes it now."""

    what: tuple[str, ...]
    """Tables, columns, constraints and indexes, in words."""
    plan: Plan
    unfilled: tuple[str, ...] = ()
    """Columns that rows which are there have no value for: required, without a default."""


TablesBehind = Callable[[Services], Mapping[str, Behind]]
"""Of services that are followed already, those whose migrations make other tables."""


def coded(project: Path) -> list[str]:
    """Folders of `services/` that hold a service's code, declared or not."""
    found = []
    for folder in sorted((project / "services").glob("*/")):
        if (folder / package_of(folder.name) / "__main__.py").is_file():
            found.append(folder.name)
    return found


def package_of(service: str) -> str:
    return f"{service.replace('-', '_')}_service"


def follow_tables(
    project: Path, answers: Mapping[str, Any], declared: Services, committed: Services, tables_behind: TablesBehind
) -> Followed:
    """Migrations for tables that a newer version of the template makes otherwise, and nothing else.

    Raises ProblemsFound as `follow`.
    """
    there = set(coded(project))
    if not there:
        return Followed((), {})
    bases = base_services(project, answers, declared, committed)
    return _tables(project, tables_behind({name: service for name, service in bases.items() if name in there}))


def _tables(project: Path, found: Mapping[str, Behind]) -> Followed:
    _require_filled(found)
    files: dict[str, str | None] = {}
    for name, behind in found.items():
        _require_none_waits(project, name)
        said = f"Tables as a newer version of the template has them: {', '.join(behind.what)}"
        new = written(project / "services" / name, behind.plan, "tables", said)
        files |= {f"services/{name}/{path.as_posix()}": text for path, text in new.items()}
    return Followed(
        tuple(_behind(*each) for each in found.items()),
        files,
        migrations=tuple(path for path in files if VERSIONS.as_posix() in path),
        waiting=tuple(path for path in files if WAITING.as_posix() in path),
    )


def _require_filled(found: Mapping[str, Behind]) -> None:
    """A newer template's samples may have a field more that every row must have."""
    problems = [
        Problem(
            f"services/{name}/{VERSIONS.as_posix()}",
            column,
            "not there; a newer version of the template has it required and without a default",
            "a value for the rows that are there, which only you know",
            "write a migration that adds the column, fills it and sets it NOT NULL; commit, and run the command again",
        )
        for name, behind in found.items()
        for column in behind.unfilled
    ]
    if problems:
        raise ProblemsFound(problems)


def _behind(name: str, behind: Behind) -> Change:
    takes = Takes.TWO if behind.plan.last or behind.plan.last_online else Takes.ONE
    what = f"tables as a newer version of the template has them: {', '.join(behind.what)}"
    return Change(name, "migrations", what, takes, ())


def follow(
    project: Path,
    answers: Mapping[str, Any],
    declared: Services,
    committed: Services,
    tables_behind: TablesBehind = lambda _: {},
) -> Followed:
    """``committed``: what the last commit declares, by whose order answers are read that lost theirs.

    Raises ProblemsFound for changes that no migration can make, and for what can't be read.
    """
    bases = base_services(project, answers, declared, committed)
    there = set(coded(project))
    # A service whose code its owner took away runs on an image of their own.
    known = {name: service for name, service in bases.items() if name in there}
    wanted = {name: service for name, service in declared.items() if name in there or name not in bases}
    # What a service on an image of its own publishes counts for the code of those that consume it.
    beside = {name: service for name, service in declared.items() if name not in wanted}
    known_all = {**{name: committed.get(name, service) for name, service in beside.items()}, **known}
    wanted_all = {**beside, **wanted}
    changes = tuple(change for change in differences(known_all, wanted_all) if change.service not in beside)
    _require_followable(changes, known, wanted)
    touched = sorted({change.service for change in changes if change.service in wanted})
    older = {name: known[name] for name in touched if name in known}
    newer = {name: wanted[name] for name in touched}
    shared = any(_named_elsewhere(change) for change in changes)
    if shared:
        base, theirs = (rendered(project, answers, each, shared=True) for each in (known, wanted))
    else:
        base = rendered(project, answers, _with_publishers(older, known_all)) if older else {}
        theirs = rendered(project, answers, _with_publishers(newer, wanted_all)) if newer else {}
    tables = _tables(project, tables_behind(known))
    files = dict(tables.files)
    result = _merged_files(project, *({path: each[path] for path in SHARED if path in each} for each in (base, theirs)))
    migrations, later = list(tables.migrations), list(tables.waiting)
    renames = targets(known, wanted)
    for name in touched:
        if name not in older:
            files |= {path: text for path, text in theirs.items() if path.startswith(f"services/{name}/")}
        else:
            own = resource_renames(older[name], newer[name])
            result = _joined(result, _merged(project, name, base, theirs, older[name], newer[name]))
            new = _migrations(project, name, older[name], newer[name], {**renames, **own}, changes, tables.files)
            migrations += [path for path in new if VERSIONS.as_posix() in path]
            later += [path for path in new if WAITING.as_posix() in path]
            files |= new
        files[f"services/{name}/{STAMP}"] = stamp_text(newer[name])
    return Followed(
        (*tables.changes, *changes),
        {**result.files, **files},
        result.conflicted,
        result.kept_away,
        tuple(migrations),
        tuple(later),
    )


def _with_publishers(services: Services, known: Services) -> dict[str, Service]:
    """The services, and those whose events they consume: consumers' code says what these publish."""
    heard = {event for service in services.values() for event in service.consumes}
    return {
        name: service for name, service in known.items() if name in services or heard.intersection(service.publishes)
    }


def base_services(
    project: Path, answers: Mapping[str, Any], declared: Services, committed: Services
) -> dict[str, Service]:
    """What each service's code follows: by its stamp, else by the answers that it was made from."""
    stamps = {name: stamp for name in coded(project) if (stamp := stamped(project, name)) is not None}
    answered = {_name(item) for item in answers.get("services") or []}
    if all(name in stamps for name in declared if name in answered):
        return stamps
    made = {
        name: in_order_of(service, committed.get(name) or declared.get(name) or service)
        for name, service in answers_services(project, answers).items()
    }
    _require_known_history(project, [name for name in made if name not in stamps], made, committed)
    return {**made, **stamps}


def in_order_of(service: Service, sample: Service) -> Service:
    """The service with its parts in the order of another: answers of older projects are sorted by name."""
    resources = {
        name: resource.model_copy(update={"fields": _ordered(resource.fields, _like(sample, name))})
        for name, resource in _ordered(service.resources, sample.resources).items()
    }
    return service.model_copy(update={"resources": resources})


def _like(sample: Service, name: str) -> Mapping[str, Any]:
    resource: Resource | None = sample.resources.get(name)
    return resource.fields if resource else {}


def _ordered(values: Mapping[str, Any], sample: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: values[name] for name in sample if name in values}, **values}


def _name(item: object) -> str:
    return str(item["name"] if isinstance(item, dict) else item)


def _require_known_history(project: Path, names: Sequence[str], made: Services, committed: Services) -> None:
    """A service without a stamp whose declaration has changed since, and whose owner wrote migrations for it."""
    problems = [
        Problem(
            f"services/{name}",
            STAMP,
            "missing, and there are migrations of your own",
            "what its code and migrations follow, where they follow more than the answers say",
            "if they follow what the last commit declares, run `groundplan follow --adopt HEAD` once",
        )
        for name in names
        if name in committed
        and committed[name] != made[name]
        and len(list((project / "services" / name / VERSIONS).glob("*.py"))) > 1
    ]
    if problems:
        raise ProblemsFound(problems)


def _require_followable(changes: Sequence[Change], known: Services, wanted: Services) -> None:
    problems = [
        Problem(
            _DECLARATION, change.place, change.what, "a change that running releases and rows can take", _steps(change)
        )
        for change in changes
        if change.takes is Takes.REFUSED
    ]
    for older, newer in service_renames(known, wanted).items():
        steps = next(_steps(each) for each in changes if each.service == newer and not each.path)
        problems.append(
            Problem(_DECLARATION, f"services.{newer}", f"renamed from {older}", "steps that move its database", steps)
        )
    for name in known:
        if name not in wanted and name not in service_renames(known, wanted):
            remedy = f"put it back into system.yaml, commit, then `make remove-service NAME={name}`"
            problems.append(
                Problem(f"services/{name}", "", "code of a service that is not declared", "none without it", remedy)
            )
    if problems:
        raise ProblemsFound(problems)


def _named_elsewhere(change: Change) -> bool:
    """Whether files of the whole project say it: which services there are, and where the public ones answer."""
    parts = change.path.split(".")
    return change.path in ("", "exposure") or (parts[0] == "resources" and (len(parts) == 2 or parts[2] == "plural"))


def _steps(change: Change) -> str:
    return "; ".join(f"{number}. {step}" for number, step in enumerate(change.steps, 1))


def _merged(project: Path, name: str, base: Files, theirs: Files, before: Service, after: Service) -> Merged:
    prefix = f"services/{name}/"
    left_out = (f"{prefix}{VERSIONS.as_posix()}/", f"{prefix}{_GENERATED_LATER}")
    older, newer = (
        {path: text for path, text in files.items() if path.startswith(prefix) and not path.startswith(left_out)}
        for files in (base, theirs)
    )
    return _merged_files(project, older, newer, _moved(older, newer, before, after))


def _merged_files(project: Path, base: Files, theirs: Files, moved: Mapping[str, str] | None = None) -> Merged:
    mine = {path: _text(project / path) for path in {*base, *theirs} if (project / path).is_file()}
    return merged(base, theirs, mine, moved)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        remedy = "save it as UTF-8, and run the command again"
        raise ProblemsFound([Problem(str(path), "", str(error), "text that can be merged", remedy)]) from None


def _moved(base: Files, theirs: Files, before: Service, after: Service) -> dict[str, str]:
    """Files that are named after a resource or a table that has another name now."""
    renames = resource_renames(before, after)
    found: dict[str, str] = {}
    for older, resource in before.resources.items():
        newer = renames.get(older, older)
        if newer not in after.resources:
            continue
        table, new_table = resource.table(older), after.resources[newer].table(newer)
        names = {old: new for old, new in ((table, new_table), (older, newer)) if old != new}
        for path in base:
            folder, _, file = path.rpartition("/")
            for old, new in names.items():
                candidate = f"{folder}/{re.sub(rf'(?<![a-z0-9]){re.escape(old)}(?![a-z0-9])', new, file)}"
                if path not in theirs and path not in found and candidate in theirs and candidate not in base:
                    found[path] = candidate
    return found


def _joined(one: Merged, other: Merged) -> Merged:
    return Merged(
        {**one.files, **other.files}, (*one.conflicted, *other.conflicted), (*one.kept_away, *other.kept_away)
    )


def _migrations(
    project: Path,
    name: str,
    before: Service,
    after: Service,
    renames: Mapping[str, str],
    changes: Sequence[Change],
    tables: Mapping[str, str | None],
) -> dict[str, str]:
    """``tables``: files of migrations that come before, for tables of a newer version of the template."""
    plan = plan_of(name, before, after, renames)
    if plan.empty:
        return {}
    _require_none_waits(project, name)
    prefix = f"services/{name}/"
    earlier = {Path(path.removeprefix(prefix)): str(text) for path, text in tables.items() if path.startswith(prefix)}
    if any(path.parent == WAITING for path in earlier):
        expected = "one after the other: tables of the newer template take two releases of their own"
        remedy = "take back the change of system.yaml, `make follow` and release; then change it again"
        raise ProblemsFound([Problem(_DECLARATION, f"services.{name}", "changed", expected, remedy)])
    own = [change for change in changes if change.service == name]
    files = written(project / "services" / name, plan, _slug(own), _title(own), earlier)
    return {f"{prefix}{path.as_posix()}": text for path, text in files.items()}


def _require_none_waits(project: Path, name: str) -> None:
    if waits := waiting(project / "services" / name):
        value = ", ".join(path.name for path in waits)
        remedy = "release what is there, then `groundplan follow --finish`, and follow again"
        expected = "no migration that waits for a second release"
        raise ProblemsFound([Problem(f"services/{name}/{WAITING.as_posix()}", "", value, expected, remedy)])


def _slug(changes: Sequence[Change]) -> str:
    """A file's name: what the first change of a table is about, and that there are more."""
    places = list(dict.fromkeys(map(_subject, _of_tables(changes))))
    first = places[0] if places else "tables"
    return re.sub(r"[^a-z0-9_]", "_", first)[:40] + ("_and_more" if len(places) > 1 else "")


def _of_tables(changes: Sequence[Change]) -> list[Change]:
    """Changes of resources, those of rows and fields first: what is told of an API is none of a table's."""
    found = [change for change in changes if "resources." in change.path]
    return sorted(found, key=lambda change: ".fields." not in change.path and change.path.count(".") > 1)


def _subject(change: Change) -> str:
    return "_".join(part for part in change.path.split(".") if part not in ("resources", "fields"))


def _title(changes: Sequence[Change]) -> str:
    said = [f"{_subject(change).replace('_', ' ')}: {change.what}" for change in _of_tables(changes)]
    said = said or [change.what for change in changes]
    more = f", and {len(said) - 1} more" if len(said) > 1 else ""
    return f"{said[0]}{more}"[:1].upper() + f"{said[0]}{more}"[1:]
