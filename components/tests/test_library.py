"""Conventions of the library, which also make its components usable from other languages."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from components.tools.reference import (
    LIBRARY,
    PACKAGE,
    SUBJECTS,
    Class,
    arguments,
    classes,
    components,
    modules,
    offered,
    shared_types,
    summary,
)

COMPONENTS = components()
DICTIONARIES = [arguments(each) for each in COMPONENTS] + [each for each in shared_types() if each.base == "TypedDict"]
ALL_ARGUMENTS = [(each, field) for each in DICTIONARIES for field in each.fields]
ENUMERATIONS = [each for each in shared_types() if each.base != "TypedDict"]
WITH_COMPONENTS = [modules()[each] for each in sorted({each.module for each in COMPONENTS + DICTIONARIES})]
# A component's arguments and their checks may stand in a private module beside it.
WITH_ARGUMENTS = [path for path in modules().values() if path.parent.name != "shared"]

# The same thing has the same name, type and default wherever it is an argument.
SAME = {
    "alarm_topic_arn": ("NotRequired[pulumi.Input[str]]", ""),
    "client_security_group_ids": ("dict[str, pulumi.Input[str]]", ""),
    "kms_key_arn": ("pulumi.Input[str]", ""),
    "log_days": ("NotRequired[int]", "90"),
    "protect": ("NotRequired[bool]", "true"),
    "secrets_kms_key_arn": ("NotRequired[pulumi.Input[str]]", "``kms_key_arn``"),
    "subnet_ids": ("list[pulumi.Input[str]]", ""),
    "system": ("str", ""),
    "vpc_cidr": ("str", ""),
    "vpc_id": ("pulumi.Input[str]", ""),
}
# Components that only raise alarms require the topic. Endpoints work without interface endpoints, hence without
# subnets, and their network's range may be an output.
OTHERWISE = {
    ("SloAlarmsArgs", "alarm_topic_arn"),
    ("EdgeAlarmsArgs", "alarm_topic_arn"),
    ("BudgetArgs", "alarm_topic_arn"),
    ("EndpointsArgs", "subnet_ids"),
    ("EndpointsArgs", "vpc_cidr"),
}
# Names that one of the shared names replaced.
REFUSED = re.compile(r"^(key_arn|.*_gb|.*security_groups|part_of|cidr_block|retention)$")
SOLD_BY_THE_GB = {("GatewayArgs", "cache_gb")}


def label(value: object) -> str:
    if isinstance(value, Path):
        return str(value.relative_to(LIBRARY).with_suffix(""))
    return str(getattr(value, "name", value))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("component", COMPONENTS, ids=label)
def test_a_component_says_what_it_is(component: Class) -> None:
    assert component.doc, f"{component.name} has no docstring"


@pytest.mark.parametrize("given", DICTIONARIES, ids=label)
def test_every_argument_is_explained(given: Class) -> None:
    assert [field.name for field in given.fields if not field.meaning.rstrip(".")] == []


@pytest.mark.parametrize("given", DICTIONARIES, ids=label)
def test_what_may_be_left_out_says_its_default_and_nothing_else_does(given: Class) -> None:
    assert [field.name for field in given.fields if field.required == bool(field.default)] == []


def test_the_same_thing_is_called_the_same() -> None:
    assert [
        f"{given.name}.{field.name}"
        for given, field in ALL_ARGUMENTS
        if REFUSED.match(field.name) and (given.name, field.name) not in SOLD_BY_THE_GB
    ] == []


@pytest.mark.parametrize("name", SAME)
def test_the_same_argument_is_the_same_everywhere(name: str) -> None:
    type_, default = SAME[name]
    uses = [(given.name, field) for given, field in ALL_ARGUMENTS if field.name == name]
    assert len(uses) > 1, f"{name} is no longer shared"
    for owner, field in uses:
        if (owner, name) not in OTHERWISE:
            assert field.type == type_, f"{owner}.{name}"
            assert not default or field.default == default, f"{owner}.{name}"


def test_each_exception_is_one() -> None:
    by_name = {(given.name, field.name): field for given, field in ALL_ARGUMENTS}
    assert [key for key in OTHERWISE if by_name[key].type == SAME[key[1]][0]] == []


@cache
def constants(subject: str) -> dict[str, ast.expr]:
    """Of all modules of a subject, by name: those that arguments default to are unique there."""
    return {
        target.id: node.value
        for path in sorted((LIBRARY / subject).glob("*.py"))
        for node in parsed(path).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def read_defaults(path: Path) -> Iterator[tuple[str, str, bool | float | str]]:
    """Each `args.get("name", value)` in a function of `args: SomeArgs`, where the value is a literal or a constant."""
    own = constants(path.parent.name)
    for function in (each for each in ast.walk(parsed(path)) if isinstance(each, ast.FunctionDef)):
        given = {each.arg: ast.unparse(each.annotation) for each in function.args.args if each.annotation}
        for node in ast.walk(function):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="args"), attr="get"),
                    args=[ast.Constant(value=str(name)), default],
                ):
                    value = own.get(default.id, default) if isinstance(default, ast.Name) else default
                    if isinstance(value, ast.Constant) and isinstance(value.value, bool | int | float | str):
                        yield given.get("args", ""), name, value.value


def said(value: bool | float | str) -> str:
    """A default as docstrings write it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"`{value}`" if isinstance(value, str) else f"{value:,}"


def test_docstrings_say_the_defaults_that_the_code_takes() -> None:
    """Compares docstrings that give a value; some describe it in words."""
    fields = {(given.name, field.name): field for given, field in ALL_ARGUMENTS}
    compared = []
    for path in WITH_ARGUMENTS:
        for given, name, value in read_defaults(path):
            field = fields.get((given, name))
            written = re.match(r"(true|false|[\d,]*\d|`[^`]+`)", field.default if field else "")
            if written:
                compared.append((f"{given}.{name}", written[0].replace(",", ""), said(value).replace(",", "")))
    assert len(compared) > 80
    assert [each for each in compared if each[1] != each[2]] == []


def test_every_component_is_served_to_other_languages() -> None:
    host = importlib.import_module("components.__main__")
    assert [each.__name__ for each in host.found()] == [each.name for each in COMPONENTS]
    assert len(COMPONENTS) == 45


@pytest.mark.parametrize("path", WITH_COMPONENTS, ids=label)
def test_annotations_are_evaluated(path: Path) -> None:
    """The SDK's analyser (3.272) reads types at run time, and finds text where annotations are postponed."""
    assert not [node for node in parsed(path).body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]


@pytest.mark.parametrize("given", DICTIONARIES, ids=label)
def test_other_languages_know_the_types(given: Class) -> None:
    """No unions besides `Input`, no `Literal`, and maps by text."""
    for field in given.fields:
        assert not re.search(r"\||\b(Union|Optional|Literal|Any|Mapping|Sequence|tuple|set)\b", field.type), field.name
        assert set(re.findall(r"dict\[(\w+)", field.type)) <= {"str"}, field.name
        own = set(re.findall(r"\b[A-Z]\w+", field.type)) - {"NotRequired", "Input"}
        assert own <= set(classes()), field.name


def constructors() -> Iterator[tuple[str, ast.FunctionDef]]:
    names = {each.name for each in COMPONENTS}
    for path in WITH_COMPONENTS:
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef) and node.name in names:
                yield (
                    node.name,
                    next(each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"),
                )


@pytest.mark.parametrize(("name", "constructor"), list(constructors()), ids=label)
def test_a_component_is_built_like_every_other(name: str, constructor: ast.FunctionDef) -> None:
    """Arguments are checked before anything is registered; outputs are registered by their own names."""
    signature = ast.unparse(constructor.args)
    assert signature == f"self, name: str, args: {name}Args, opts: pulumi.ResourceOptions | None=None"
    calls = [node for node in ast.walk(constructor) if isinstance(node, ast.Call)]
    (base,) = [each for each in calls if ast.unparse(each.func) == "super().__init__"]
    assert ast.unparse(base) == f"super().__init__('groundplan:index:{name}', name, {{}}, opts)"
    checks = [each for each in calls if re.fullmatch(r"_?(check|require)\w*", ast.unparse(each.func))]
    assert all(each.lineno < base.lineno for each in checks)
    registered = [each for each in calls if ast.unparse(each.func) == "self.register_outputs"]
    assert registered, "register_outputs comes last"
    for call in registered:
        (outputs,) = call.args
        assert isinstance(outputs, ast.Dict)
        for key, value in zip(outputs.keys, outputs.values, strict=True):
            assert key is not None
            assert ast.unparse(value) == f"self.{ast.literal_eval(key)}"


CHOICES = {each.name for each in classes().values() if each.base in ("Enum", "StrEnum")}


@pytest.mark.parametrize("given", DICTIONARIES, ids=label)
def test_a_choice_may_come_as_its_word(given: Class) -> None:
    """A word compared with members silently equals none of them, so every enumeration goes through `choice`."""
    chosen = {field.name for field in given.fields if set(re.findall(r"\w+", field.type)) & CHOICES}
    # Where the arguments are declared, or where the component is.
    owners = {given.module, *(each.module for each in COMPONENTS if arguments(each) == given)}
    for call in (node for each in owners for node in ast.walk(parsed(modules()[each])) if isinstance(node, ast.Call)):
        if ast.unparse(call.func) == "choice":
            chosen.discard(str(ast.literal_eval(call.args[3])))
    assert chosen == set()


def test_every_module_belongs_to_a_subject() -> None:
    assert [path.name for path in sorted(LIBRARY.glob("*.py"))] == ["__init__.py"]
    folders = {path.parent.name for path in modules().values()}
    assert folders == {*SUBJECTS, "shared"}


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_offers_its_components_and_their_types(subject: str) -> None:
    """`from groundplan_components.database import Database` is all that a program needs."""
    assert summary(subject)
    package = importlib.import_module(f"{PACKAGE}.{subject}")
    names = offered(subject)
    assert len(set(names)) == len(names)
    assert [name for name in names if not hasattr(package, name)] == []
    expected = {each.name for each in COMPONENTS + DICTIONARIES + ENUMERATIONS if each.subject == subject}
    assert expected <= set(names)


@pytest.mark.parametrize("component", COMPONENTS, ids=label)
def test_a_component_is_imported_with_all_of_its_types(component: Class) -> None:
    """An enumeration or dictionary that an argument needs comes from the same package, wherever it is declared."""
    own = {name for field in arguments(component).fields for name in re.findall(r"\w+", field.type)} & set(classes())
    assert own <= set(offered(component.subject))


# Code that AWS Lambda runs: its file's name is the function's handler.
LAMBDA = {
    "cache.rotation_function",
    "database.rotation_function",
    "identity.default_role",
    "keys.rotation_steps",
}


def test_helpers_are_private() -> None:
    """A module without an underscore declares a component; `shared` is private as a whole."""
    public = {name for name in modules() if not re.search(r"^shared\.|\._", name)}
    assert public == {each.module for each in COMPONENTS} | LAMBDA


IMPORTS = """
import importlib, json, sys
found = {}
for subject in sys.argv[2:]:
    importlib.import_module(f"{sys.argv[1]}.{subject}")
    own = [name for name in sys.modules if name.startswith(f"{sys.argv[1]}.")]
    found[subject] = sorted({name.split(".")[1] for name in own})
    for name in own:
        del sys.modules[name]
sdk = [name.split(".") for name in sys.modules if name.startswith("pulumi_aws.")]
print(json.dumps([found, sorted({name[1] for name in sdk if len(name) > 2})]))
"""


def test_subjects_are_imported_alone() -> None:
    """Data stores keep their passwords in `keys`; no other subject imports another, and all of them need a part of the
    SDK only (which registers its modules and loads them on first use)."""
    command = [sys.executable, "-c", IMPORTS, PACKAGE, *SUBJECTS]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=LIBRARY.parent)
    found, services = json.loads(done.stdout)
    allowed = {each: {each, "shared"} for each in SUBJECTS}
    for each in ("cache", "database"):
        allowed[each].add("keys")
    assert {each: set(found[each]) - allowed[each] for each in SUBJECTS} == {each: set() for each in SUBJECTS}
    assert 0 < len(services) < 60, services


@pytest.mark.parametrize("path", modules().values(), ids=label)
def test_a_file_can_be_read_at_once(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE or label(path) in LONGER


LONGEST_FILE = 330
LONGER = {"cache/cache"}
