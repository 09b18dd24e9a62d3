"""What a command is told of a service, on its line or in a file, and whether a declaration could say it.

It is judged before anything is rendered: the template takes for granted that fields have types and events have names.
"""

from __future__ import annotations

import copy
import datetime
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from groundplan.declaration.document import Document, read_document
from groundplan.declaration.loader import judge_system
from groundplan.declaration.model import Service, System
from groundplan.problems import Finding, Problem, ProblemsFound, dotted
from groundplan.problems import Path as Place

LINE = "SET"
"""Where a setting stands that the command line gives."""


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """A service's settings, and where each of them was said."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    file: Document | None = None
    """Where the settings come from that the command line does not give itself."""
    on_line: frozenset[str] = frozenset()
    """Keys that the command line gives."""

    def problem(self, finding: Finding) -> Problem:
        """A finding about the service, told where its author wrote it; the path is that inside the service."""
        if self.file is None or (finding.path and finding.path[0] in self.on_line):
            return finding.at(LINE)
        return self.file.problem(finding)


def read_request(name: str, file: Path | None, words: Sequence[str]) -> ServiceRequest:
    """What ``FROM`` and ``SET`` say of the service ``name``; where both say something the line counts.

    Raises ProblemsFound for what can't be read as settings at all.
    """
    line = parse_settings(words)
    document = None if file is None else read_document(file, where=str(file))
    if document is None:
        return ServiceRequest(line, None, frozenset(line))
    document.refuse([*document.findings, *document.spellings, *_wrapped(document, name)])
    settings = {key: plain(value) for key, value in document.values.items()}
    if settings.get("name") == name:
        del settings["name"]
    return ServiceRequest({**settings, **line}, document, frozenset(line))


def parse_settings(words: Sequence[str]) -> dict[str, Any]:
    """``read_share=0.9 publishes=[invoice.sent]`` as a mapping; each value is YAML."""
    settings: dict[str, Any] = {}
    problems = []
    for word in (part for text in words for part in _split(text)):
        key, equals, value = word.partition("=")
        try:
            settings[key] = plain(yaml.safe_load(value))
        except (yaml.YAMLError, ValueError):
            equals = ""
        if not key or not equals:
            problems.append(
                Problem("the command", LINE, word, "settings such as data_gb=500 read_share=0.9", "correct it")
            )
    if problems:
        raise ProblemsFound(problems)
    return settings


def judge(request: ServiceRequest, name: str, system: Document, declared: System) -> None:
    """Raises ProblemsFound with everything that keeps the declaration from having this service, or it as changed.

    ``declared`` is what ``system`` declares, a sound system.
    """
    values = copy.deepcopy(system.values)
    services = values["services"]
    assert isinstance(services, dict)
    before = services.get(name, {})
    said = set(request.settings)
    if before or "resources" in said:
        services[name] = {**before, **request.settings}
    else:
        # The template will write resources that need no judge; events are then of those, which it alone knows.
        services[name] = {"resources": _any_resource(declared, request.settings), **request.settings}
        services[name].pop("plural", None)
        said.discard("publishes")
        if "plural" in said:
            said.add("resources")
    within = [
        Finding(_as_said(finding.path[2:], request), finding.value, finding.expected, finding.remedy)
        for finding in judge_system(values)
        if finding.path[:2] == ("services", name) and (len(finding.path) == 2 or finding.path[2] in said)
    ]
    if within:
        raise ProblemsFound(request.problem(each) if each.path else _about_the_name(name, each) for each in within)


def _any_resource(declared: System, settings: Mapping[str, Any]) -> dict[str, object]:
    """With the plural that the settings say of the resource which the service will get."""
    role = declared.identity.roles[0]
    resource: dict[str, object] = {"fields": {"name": {"type": "string"}}, "operations": {"get": [role]}}
    return {"resource": {**resource, **({"plural": settings["plural"]} if "plural" in settings else {})}}


def _as_said(path: Place, request: ServiceRequest) -> Place:
    """Of a resource that the request does not have itself, all that can be wrong is its plural."""
    return ("plural",) if path[:1] == ("resources",) and "resources" not in request.settings else path


def _about_the_name(name: str, finding: Finding) -> Problem:
    return Problem("NAME", "", name, finding.expected, finding.remedy)


def _wrapped(document: Document, name: str) -> list[Finding]:
    """The service inside something that belongs to `system.yaml`, or under another name."""
    values = document.values
    path = next(iter(values), "")
    if len(values) == 1 and path in {"services", name} - Service.model_fields.keys():
        expected = "the service's own settings at the left margin, such as `resources:`"
        return [Finding((path,), "around the service", expected, "take away this key, and move what is below it left")]
    if "name" in values and values["name"] != name:
        expected = f"no name, for the command gives it: `{name}`"
        return [Finding(("name",), dotted((str(values["name"]),)), expected, "remove it, or give the other NAME")]
    return []


def plain(value: Any) -> Any:  # noqa: ANN401  # any YAML value
    """Dates as text, because answers are kept as YAML and as JSON, which has none."""
    match value:
        case dict():
            return {key: plain(each) for key, each in value.items()}
        case list():
            return [plain(each) for each in value]
        case datetime.date():
            return value.isoformat()
    return value


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return [text]
