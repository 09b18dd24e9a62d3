"""Reference pages that are written from the code at every build."""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import os
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import click

from groundplan.alarms import names, page
from groundplan.cli._commands import SECTIONS, commands
from groundplan.declaration.schema import json_schema
from groundplan.stack.environment import Environment
from groundplan_chassis.public import PUBLIC

_WIDTH = "100"
Schema = Mapping[str, Any]


def declaration() -> str:
    """`system.yaml`, from its JSON Schema."""
    return "\n".join(
        (
            "# The declaration: `system.yaml`",
            "",
            "What the system must hold and what its services are. Editors complete and check it by the project's",
            "`system.schema.json`. What ties values together is checked by every command, with file, line and remedy.",
            "",
            *_tables(json_schema(), "The file"),
        )
    )


def stack() -> str:
    """`Pulumi.<stack>.yaml`, from the model that reads it."""
    return "\n".join(
        (
            "# A stack: `Pulumi.<stack>.yaml`",
            "",
            "Keys below `config`, each with the system's name before it (`shop:domain`), but for `aws:region`.",
            "Defaults are the safe ones: what is left out never weakens a stack. `pulumi config set` writes them, too.",
            "",
            *_tables(Environment.model_json_schema(), "Keys", without=frozenset({"name", "region"})),
        )
    )


def _tables(root: Schema, title: str, without: frozenset[str] = frozenset()) -> Iterator[str]:
    shapes = root.get("$defs", {})
    for name, shape in ((title, root), *shapes.items()):
        yield f"## {name}"
        yield ""
        if shape is not root and shape.get("description"):
            yield from (_prose(shape["description"]), "")
        if "enum" in shape:
            yield from ("One of " + ", ".join(f"`{each}`" for each in shape["enum"]) + ".", "")
            continue
        needed = set(shape.get("required", ()))
        yield "| key | takes | default | meaning |"
        yield "|---|---|---|---|"
        for key, value in shape.get("properties", {}).items():
            if not (shape is root and key in without):
                default = "required" if key in needed else _default(value)
                yield f"| `{key}` | {_takes(value)} | {default} | {_cell(value.get('description', ''))} |"
        yield ""


def _takes(value: Schema) -> str:
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in value:
        return f"`{json.dumps(value['const'])}`"
    if "enum" in value:
        return ", ".join(f"`{each}`" for each in value["enum"])
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in value:
            taken = [_takes(each) for each in value[choice] if each.get("type") != "null"]
            return " or ".join(dict.fromkeys(taken))
    kind = value.get("type")
    if kind == "array":
        return f"list of {_takes(value.get('items', {}))}"
    if kind == "object":
        inner = value.get("additionalProperties")
        return f"by name: {_takes(inner)}" if isinstance(inner, dict) else "mapping"
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    bounds = [
        f"{sign} {value[name]:g}"
        for name, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))
        if name in value
    ]
    return " ".join([words.get(str(kind), "any value"), ", ".join(bounds)]).strip()


def _default(value: Schema) -> str:
    if value.get("default") is None:
        return ""
    return f"`{_cell(json.dumps(value['default']))}`"


def _cell(text: str) -> str:
    return _prose(text).replace("|", "\\|").replace("\n", " ")


def _prose(text: str) -> str:
    """What a docstring says, as Markdown: names in two backquotes are code."""
    return text.replace("``", "`").replace("<", "&lt;")


def options() -> str:
    """Every command's own help."""
    lines = ["# Options of commands", "", "What `groundplan COMMAND --help` prints.", ""]
    with _of_width(_WIDTH):
        for title, section in SECTIONS.items():
            lines += [f"## {title}", ""]
            for name, entry in section.items():
                if entry.installed:
                    lines += [f"### {name}", "", entry.summary, "", "```text", _help(name).strip(), "```", ""]
    return "\n".join(lines)


def _help(name: str) -> str:
    command = commands.get_command(click.Context(commands), name)
    assert command is not None
    if command.add_help_option:
        return command.get_help(click.Context(command, info_name=f"groundplan {name}", max_content_width=int(_WIDTH)))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        command.main(["--help"], standalone_mode=False)
    return printed.getvalue()


@contextlib.contextmanager
def _of_width(columns: str) -> Iterator[None]:
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = columns
    try:
        yield
    finally:
        os.environ.pop("COLUMNS") if before is None else os.environ.update(COLUMNS=before)


def chassis() -> str:
    """The public names, with their signatures and what their docstrings say first."""
    lines = [
        "# Public names of the chassis",
        "",
        "What a service may import. A name stays, with its arguments and its behaviour, within a minor version.",
        "",
    ]
    for module, public in PUBLIC.items():
        lines += [f"## {module}", ""]
        for name in public:
            found = getattr(import_module(module), name)
            lines += [f"### {name}", "", *_described(name, found), ""]
    return "\n".join(lines)


def _described(name: str, found: object) -> Iterator[str]:
    if inspect.isclass(found) or inspect.isfunction(found):
        # Some have types that only checkers know: these are shown without.
        with contextlib.suppress(ValueError, TypeError, NameError):
            signature = re.sub(r"<[^<>]*>", "…", str(inspect.signature(found)))
            yield from ("```python", f"{name}{signature}", "```", "")
        said = inspect.getdoc(found) or ""
        yield _prose(said.split("\n\n")[0])
    else:
        yield f"A constant of type `{type(found).__name__}`."


def alarms() -> str:
    """The list of pages."""
    lines = [
        "# Alarms",
        "",
        "Each alarm's description ends with the name of its page. `groundplan alarm NAME` prints it in the terminal.",
        "",
        "| page | when |",
        "|---|---|",
        *(f"| [{name}]({name}.md) | {page(name).title} |" for name in names()),
    ]
    return "\n".join(lines) + "\n"
