"""Images in stack files: what `make remove-service` takes out, with everything beside it left as it was written.

PyYAML says where a value begins and ends; the text between is cut, so comments, order and spelling stay.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from infra.contradictions import remove_command
from infra.problems import Problem, ProblemsFound


def forget_image(project: Path, system: str, service: str) -> list[str]:
    """Takes ``service`` out of `<system>:images` in every stack file of ``project``; returns the files that changed.

    Raises ProblemsFound for a file that can't be changed without touching something else; a file that no reader
    understands is left for whoever reads it next to refuse.
    """
    changed: dict[Path, str] = {}
    for path in sorted((*project.glob("Pulumi.*.yaml"), *project.glob("Pulumi.*.yml"))):
        with path.open(encoding="utf-8", newline="") as file:
            text = file.read()
        result = without_image(text, f"{system}:images", service)
        if result is None:
            stack = path.name.split(".")[1]
            command = remove_command(stack, f"--path '{system}:images[\"{service}\"]'")
            raise ProblemsFound(
                [
                    Problem(
                        path.name,
                        f"{system}:images.{service}",
                        "written in a way that can't be changed here",
                        "one line `<service>: <image>` for each image",
                        f"nothing was changed; run {command}, commit, and remove the service again",
                    )
                ]
            )
        if result != text:
            changed[path] = result
    for path, text in changed.items():
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
    return [path.name for path in changed]


def without_image(text: str, key: str, service: str) -> str | None:
    """A stack file's text without one entry of ``key``; None when that can't be done by cutting."""
    before = _read(text)
    images = _images(before, key)
    if service not in images:
        return text
    cut = _cut(text, key, service)
    expected = {name: image for name, image in images.items() if name != service}
    others = {**before, "config": {**before["config"], key: None}}
    after = _read(cut)
    if _images(after, key) != expected or {**after, "config": {**after.get("config", {}), key: None}} != others:
        return None
    return cut


def _read(text: str) -> dict[str, Any]:
    """What a stack file says; nothing where it isn't one."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return content if isinstance(content, dict) and isinstance(content.get("config"), dict) else {}


def _images(content: dict[str, Any], key: str) -> dict[str, Any]:
    value = content.get("config", {}).get(key)
    if isinstance(value, str):  # as `pulumi config set` without `--path` writes it
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def _cut(text: str, key: str, service: str) -> str:
    named, images = _entry(_entry(yaml.compose(text, Loader=yaml.SafeLoader), "config")[1], key)
    if not isinstance(images, yaml.MappingNode):
        left = {name: image for name, image in json.loads(images.value).items() if name != service}
        return f"{text[: images.start_mark.index]}'{json.dumps(left)}'{text[images.end_mark.index :]}"
    entries = images.value
    place = next((index for index, (name, _) in enumerate(entries) if name.value == service), None)
    if place is None:  # it comes by way of a merge key
        return text
    name, value = entries[place]
    if images.flow_style:
        start, end = name.start_mark.index, value.end_mark.index
        if place + 1 < len(entries):
            end = entries[place + 1][0].start_mark.index
        elif place:
            start = entries[place - 1][1].end_mark.index
        return text[:start] + text[end:]
    lines = text.splitlines(keepends=True)
    last = value.end_mark.line if value.end_mark.column else value.end_mark.line - 1
    del lines[name.start_mark.line : last + 1]
    rest = "".join(lines)
    if len(entries) == 1:
        # The key stays with an empty value, as its comment explains it.
        colon = rest.index(":", named.end_mark.index) + 1
        rest = f"{rest[:colon]} {{}}{rest[colon:]}"
    return rest


def _entry(mapping: yaml.Node | None, key: str) -> tuple[yaml.Node, yaml.Node]:
    assert isinstance(mapping, yaml.MappingNode), "read before"
    return next((name, value) for name, value in mapping.value if name.value == key)
