"""Findings in services' revisions, and those that a revision accepts, with its reason."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundplan.following.following import coded
from groundplan.following.revisions import accepted_in, history, of_second_release, waiting
from groundplan.migrations.rules import LESS_EXACT, RULES
from groundplan.migrations.squawk import found_in
from groundplan.migrations.statements import Statement, findings, statements_of
from groundplan.problems import Problem, ProblemsFound, did_you_mean
from groundplan.project import run_with_services

SHORTEST_REASON = 10
"""Characters of a reason."""


@dataclass(frozen=True, slots=True)
class _Finding:
    rule: str
    line: int
    found: str


def judged(project: Path, services: Sequence[str] | None = None) -> list[Problem]:
    """What is refused of the services' revisions, those that wait among them; of all services with code by default.

    Raises ProblemsFound for revisions that Python can't read, and where the linter is missing.
    """
    files = {
        service: _revisions(project / "services" / service)
        for service in (coded(project) if services is None else services)
    }
    files = {service: paths for service, paths in files.items() if paths}
    if not files:
        return []
    answers = sql_of(project, files)
    texts = {str(path): answers[str(path)] for paths in files.values() for path in paths}
    linted = found_in({path: _sql(written) for path, written in texts.items() if isinstance(written, list)})
    return [
        problem
        for paths in files.values()
        for path in paths
        for problem in _problems(project, path, texts[str(path)], linted.get(str(path), []))
    ]


def _revisions(service: Path) -> list[Path]:
    """All but a history's first ones: nothing uses the tables that they make."""
    known = [service / "migrations" / "versions" / each.name for each in history(service) if each.follows]
    return [*known, *waiting(service)]


def sql_of(project: Path, files: Mapping[str, Sequence[Path]]) -> dict[str, Any]:
    """What each revision of some services sends, with lines, by its path; or why that can't be told.

    Raises ProblemsFound where the services' environment can't be loaded.
    """
    asked = {
        service: (str(project / "services" / service), [str(path) for path in paths])
        for service, paths in files.items()
    }
    done = run_with_services(project, "groundplan.migrations._offline", asked)
    try:
        answers: dict[str, dict[str, Any]] = json.loads(done.stdout)
    except json.JSONDecodeError:
        said = done.stderr.strip().rpartition("\n")[2][:200]
        remedy = "mend what it says, and run `make setup`"
        raise ProblemsFound([Problem("services", "migrations", said, "SQL of the revisions", remedy)]) from None
    return {path: written for service in answers.values() for path, written in service.items()}


def _sql(written: Sequence[tuple[str, int]]) -> str:
    # Its own comments that silence it give no reason.
    return "\n".join(text.replace("squawk-ignore", "squawk ignore") for text, _ in written)


def _problems(project: Path, path: Path, written: Any, linted: Sequence[tuple[int, str]]) -> Iterator[Problem]:  # noqa: ANN401  # JSON
    where = path.relative_to(project).as_posix()
    if isinstance(written, dict):
        found = [_Finding("needs-a-server", written["line"], written["error"])]
    else:
        found = [*_of_squawk(written, linted), *_of_ours(written)]
        found = sorted(found, key=lambda each: each.line)
    if of_second_release(path):
        found = [each for each in found if not RULES[each.rule].breaks]
    accepted = accepted_in(path)
    yield from _misused(where, accepted, {each.rule for each in found})
    for each in found:
        if each.rule not in accepted:
            rule = RULES[each.rule]
            remedy = f'{rule.remedy}; or accept it: accepted = {{"{each.rule}": "<why it does no harm here>"}}'
            line = f":{each.line}" if each.line else ""
            yield Problem(f"{where}{line}", each.rule, each.found, f"no such statement, as {rule.why}", remedy)


def _of_squawk(written: Sequence[tuple[str, int]], linted: Sequence[tuple[int, str]]) -> Iterator[_Finding]:
    starts: list[tuple[int, str, int]] = []
    at = 0
    for text, line in written:
        starts.append((at, text, line))
        at += text.count("\n") + 1
    by_statement: dict[tuple[int, str], set[str]] = {}
    for number, rule in linted:
        if rule in RULES:
            text, line = next((text, line) for start, text, line in reversed(starts) if start <= number)
            by_statement.setdefault((line, text), set()).add(rule)
    for (line, text), rules in by_statement.items():
        for rule in sorted(rules):
            if not rules & set(LESS_EXACT.get(rule, "").split()):
                yield _Finding(rule, line, Statement(text, line).shown)


def _of_ours(written: Sequence[tuple[str, int]]) -> Iterator[_Finding]:
    for statement, rule in findings(statements_of(written)):
        yield _Finding(rule, statement.line, statement.shown)


def _misused(where: str, accepted: Mapping[str, Any], found: set[str]) -> Iterator[Problem]:
    for rule, reason in accepted.items():
        if rule not in RULES:
            remedy = did_you_mean(rule, RULES, f"one of: {', '.join(RULES)}")
            yield Problem(where, "accepted", f"{rule!r}", "the name of a rule", remedy)
        elif not isinstance(reason, str) or len(reason.strip()) < SHORTEST_REASON:
            yield Problem(where, f"accepted.{rule}", repr(reason), "a reason", "write why it does no harm here")
        elif rule not in found:
            yield Problem(where, "accepted", f"{rule!r}", "a rule that this revision breaks", "take it out")
