"""The library reads as if one person had written it, and every part of it can be used from other languages."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.reference import LIBRARY, Class, arguments, classes, components, shared_types

MODULES = sorted(LIBRARY.glob("*.py"))
COMPONENTS = components()
DICTIONARIES = [arguments(each) for each in COMPONENTS] + [each for each in shared_types() if each.base == "TypedDict"]
ALL_ARGUMENTS = [(each, field) for each in DICTIONARIES for field in each.fields]
WITH_COMPONENTS = [path for path in MODULES if path.stem in {each.module for each in COMPONENTS + DICTIONARIES}]

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
# What exists to raise alarms must be told where; endpoints may be had without interfaces, hence without subnets, and in
# a network whose range only its owner knows.
OTHERWISE = {
    ("SloAlarmsArgs", "alarm_topic_arn"),
    ("EdgeAlarmsArgs", "alarm_topic_arn"),
    ("BudgetArgs", "alarm_topic_arn"),
    ("EndpointsArgs", "subnet_ids"),
    ("EndpointsArgs", "vpc_cidr"),
}
# Names that one of these took the place of.
REFUSED = re.compile(r"^(key_arn|.*_gb|.*security_groups|part_of|cidr_block|retention)$")
SOLD_BY_THE_GB = {("GatewayArgs", "cache_gb")}


def label(value: object) -> str:
    return value.stem if isinstance(value, Path) else str(getattr(value, "name", value))


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


def read_defaults(path: Path) -> Iterator[tuple[str, bool | float | str]]:
    """Each `args.get("name", value)` of a module whose value is a literal or one of the module's constants."""
    module = parsed(path)
    constants = {
        target.id: node.value
        for node in module.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(module):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="args"), attr="get"), args=[ast.Constant(value=str(name)), default]
            ):
                value = constants.get(default.id, default) if isinstance(default, ast.Name) else default
                if isinstance(value, ast.Constant) and isinstance(value.value, bool | int | float | str):
                    yield name, value.value


def said(value: bool | float | str) -> str:
    """How a docstring writes a default."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"`{value}`" if isinstance(value, str) else f"{value:,}"


def test_docstrings_say_the_defaults_that_the_code_takes() -> None:
    """Where a docstring gives a value; some say it in words."""
    compared = []
    for path in WITH_COMPONENTS:
        fields = {field.name: field for given, field in ALL_ARGUMENTS if given.module == path.stem}
        for name, value in read_defaults(path):
            written = re.match(r"(true|false|[\d,]*\d|`[^`]+`)", fields[name].default if name in fields else "")
            if written:
                compared.append((f"{path.stem}.{name}", written[0].replace(",", ""), said(value).replace(",", "")))
    assert len(compared) > 80
    assert [each for each in compared if each[1] != each[2]] == []


def test_every_component_is_served_to_other_languages() -> None:
    host = importlib.import_module("components.__main__")
    assert [each.__name__ for each in host.found()] == [each.name for each in COMPONENTS]


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


@pytest.mark.parametrize("path", WITH_COMPONENTS, ids=label)
def test_a_choice_may_come_as_its_word(path: Path) -> None:
    """Compared as it came, a word would silently be none of the members; every one goes through `choice`."""
    chosen = {
        field.name
        for given, field in ALL_ARGUMENTS
        if given.module == path.stem and set(re.findall(r"\w+", field.type)) & CHOICES
    }
    for call in (node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)):
        if ast.unparse(call.func) == "choice":
            chosen.discard(str(ast.literal_eval(call.args[3])))
    assert chosen == set()
