"""What a resource type accepts, read from the SDKs' own classes.

The Python SDKs are generated from the providers' schemas: an ``Args`` class for each resource and for each nested
object. Their constructors' annotations say what is required, and what the provider takes.
"""

from __future__ import annotations

import builtins
import collections.abc
import difflib
import importlib
import json
import sys
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, ForwardRef, Literal, Union

import pulumi
from pulumi import _types
from pulumi.runtime import rpc

from groundplan.cloud.wire import UNKNOWN, Plain

PACKAGES = {"aws": "pulumi_aws", "kubernetes": "pulumi_kubernetes", "random": "pulumi_random"}


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One value that the SDK's types don't allow."""

    path: str
    value: object
    expected: str
    remedy: str


Annotation = Any
"""A type, or the name of one, as annotations hold it."""
Check = Callable[[Plain, str, list[Mismatch]], None]


@dataclass(frozen=True, slots=True)
class Property:
    """One input: its name on the wire and in Python, and what it takes, in words."""

    name: str
    python_name: str
    required: bool
    accepts: str


@dataclass(frozen=True, slots=True)
class Schema:
    """What one resource type accepts, and what it always gives back."""

    type: str
    properties: Mapping[str, Property]
    check: Check
    computed: Mapping[str, object]
    """Outputs that the provider always sets, with an empty value of their type."""

    def mismatches(self, inputs: Mapping[str, Any]) -> list[Mismatch]:
        found: list[Mismatch] = []
        self.check(inputs, "", found)
        return found


@cache
def schema_of(token: str) -> Schema | None:
    """The schema of a type token (`aws:rds/instance:Instance`); None when no SDK has such a type."""
    resource = _resource_class(token)
    if resource is None:
        return None
    arguments = _args_class(resource)
    shape = _object(arguments)
    return Schema(token, shape.properties, shape.check, _computed(resource))


def known_types(package: str) -> tuple[str, ...]:
    """Every type token that a package's SDK has."""
    importlib.import_module(PACKAGES[package])
    modules = rpc._RESOURCE_MODULES
    return tuple(
        sorted(
            token
            for key, versions in modules.items()
            if key.startswith(f"{package}:")
            for module in versions
            for token in getattr(module, "mod_info", {}).get("classes", ())
        )
    )


def provider_mismatches(package: str, inputs: Mapping[str, Any]) -> list[Mismatch]:
    """What a provider's configuration gets wrong; the engine sends everything but text as JSON."""
    module = importlib.import_module(f"{PACKAGES[package]}.provider")
    shape = _object(module.ProviderArgs)
    given = {}
    for name, value in inputs.items():
        if name in shape.properties:
            given[name] = _parsed(value, shape.properties[name].accepts)
        elif name not in ("version", "pluginDownloadURL", "pluginChecksums"):
            given[name] = value
    found: list[Mismatch] = []
    shape.check(given, "", found)
    return found


def _parsed(value: object, accepts: str) -> object:
    if accepts == "text" or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _resource_class(token: str) -> type | None:
    package, _, rest = token.partition(":")
    module_name = rest.rpartition(":")[0]
    if package not in PACKAGES:
        return None
    importlib.import_module(PACKAGES[package])
    module = rpc.get_resource_module(package, module_name, "")
    info = getattr(module, "mod_info", None)
    if info is None or token not in info["classes"]:
        return None
    found = getattr(importlib.import_module(info["fqn"]), info["classes"][token])
    return found if isinstance(found, type) else None


def _args_class(resource: type) -> type:
    """Kubernetes names a kind's own arguments ``…InitArgs``, because ``…Args`` is the nested object."""
    module = sys.modules[resource.__module__]
    for name in (f"{resource.__name__}InitArgs", f"{resource.__name__}Args"):
        found = getattr(module, name, None)
        if isinstance(found, type):
            return found
    raise LookupError(f"{resource.__module__} has no arguments class for {resource.__name__}")


@dataclass(frozen=True, slots=True)
class _Shape:
    properties: Mapping[str, Property]
    check: Check


@cache
def _object(arguments: type) -> _Shape:
    """The shape of an ``Args`` class. Nested classes are looked into when a value first reaches them."""
    init: Any = vars(arguments)["__init__"]
    names = _types.input_type_py_to_pulumi_names(arguments)
    optional = init.__kwdefaults__ or {}
    scope = vars(sys.modules[arguments.__module__])
    checks: dict[str, Check] = {}
    properties: dict[str, Property] = {}
    for python_name, annotation in init.__annotations__.items():
        if python_name == "return":
            continue
        name = names.get(python_name, python_name)
        check, accepts = _compile(annotation, scope)
        checks[name] = check
        properties[name] = Property(name, python_name, python_name not in optional, accepts)
    required = frozenset(name for name, each in properties.items() if each.required)
    return _Shape(properties, _object_check(arguments.__name__, properties, checks, required))


def _object_check(
    title: str, properties: Mapping[str, Property], checks: Mapping[str, Check], required: frozenset[str]
) -> Check:
    def check(value: Plain, path: str, found: list[Mismatch]) -> None:
        if value.__class__ is not dict:
            if value is not UNKNOWN:
                found.append(Mismatch(path, value, f"an object ({title})", "pass the SDK's Args class or a dict"))
            return
        prefix = f"{path}." if path else ""
        for name, inner in value.items():
            known = checks.get(name)
            if known is not None:
                if inner is not None:
                    known(inner, prefix + name, found)
            elif not name.startswith("__"):
                found.append(_unknown(title, prefix + name, name, inner, properties))
        if not required <= value.keys():
            for name in sorted(required - value.keys()):
                found.append(
                    Mismatch(
                        prefix + name,
                        "",
                        f"{properties[name].accepts}; {title} needs it",
                        f"set {properties[name].python_name}",
                    )
                )

    return check


def _unknown(title: str, path: str, name: str, value: object, properties: Mapping[str, Property]) -> Mismatch:
    spellings = {each.python_name: each.name for each in properties.values()} | {known: known for known in properties}
    close = difflib.get_close_matches(name, spellings, n=1, cutoff=0.6)
    if close:
        right = properties[spellings[close[0]]]
        return Mismatch(path, value, f"a property of {title}", f"did you mean {right.python_name} ({right.name})?")
    accepted = ", ".join(sorted(properties))
    return Mismatch(path, value, f"a property of {title}: {accepted}", "remove it")


_SCALARS: dict[object, tuple[tuple[type, ...], str]] = {
    builtins.str: ((str,), "text"),
    builtins.bool: ((bool,), "true or false"),
    builtins.int: ((int,), "a whole number"),
    builtins.float: ((int, float), "a number"),
}


def _compile(annotation: Annotation, scope: dict[str, Any]) -> tuple[Check, str]:
    annotation = _resolved(annotation, scope)
    members = _members(annotation, scope)
    if len(members) == 1:
        return _compile_one(members[0], scope)
    return _compile_union(members, scope)


def _resolved(annotation: Annotation, scope: dict[str, Any]) -> Annotation:
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        if annotation.startswith("Output["):  # how pulumi.Input names its own wrapper
            return None.__class__
        return eval(annotation, scope)  # noqa: S307  text of the installed SDK's own annotations
    return annotation


def _members(annotation: Annotation, scope: dict[str, Any]) -> list[Any]:
    """What a value may be, without the wrappers that say how it may arrive (Input, Output, Optional)."""
    origin: object = typing.get_origin(annotation)
    if origin is Union or origin is types.UnionType:
        inner = [_resolved(each, scope) for each in typing.get_args(annotation)]
    else:
        inner = [annotation]
    members: list[Any] = []
    for each in inner:
        if each is type(None) or typing.is_typeddict(each):
            continue
        outer = typing.get_origin(each)
        if outer in (collections.abc.Awaitable, pulumi.Output):
            continue
        if outer is Union or outer is types.UnionType:
            members.extend(member for member in _members(each, scope) if member not in members)
        elif each not in members:
            members.append(each)
    return members


def _compile_union(members: list[Any], scope: dict[str, Any]) -> tuple[Check, str]:
    if str in members:  # an enumeration beside text only names common values
        members = [each for each in members if not (isinstance(each, type) and issubclass(each, Enum))]
        if len(members) == 1:
            return _compile_one(members[0], scope)
    compiled = [_compile_one(each, scope) for each in members]
    accepts = " or ".join(words for _, words in compiled)

    def check(value: Plain, path: str, found: list[Mismatch]) -> None:
        attempts: list[list[Mismatch]] = []
        for one, _ in compiled:
            attempt: list[Mismatch] = []
            one(value, path, attempt)
            if not attempt:
                return
            attempts.append(attempt)
        inside = sorted((attempt for attempt in attempts if any(each.path != path for each in attempt)), key=len)
        if inside:  # the value has the form of one member, and is wrong somewhere in it
            found.extend(inside[0])
        else:
            found.append(Mismatch(path, value, accepts, "change the value's type"))

    return check, accepts


def _compile_one(member: Annotation, scope: dict[str, Any]) -> tuple[Check, str]:
    origin: object = typing.get_origin(member)
    if member in _SCALARS:
        allowed, words = _SCALARS[member]
        return _scalar(allowed, words), words
    if origin is Literal:
        return _one_of(typing.get_args(member))
    if origin is collections.abc.Sequence:
        return _sequence(typing.get_args(member)[0], scope)
    if origin is collections.abc.Mapping:
        return _mapping(typing.get_args(member)[1], scope)
    if isinstance(member, type):
        if issubclass(member, Enum):
            return _one_of(tuple(each.value for each in member))
        if issubclass(member, (pulumi.Asset, pulumi.Archive)):
            return _asset(member), f"a pulumi {member.__name__}"
        if _types.is_input_type(member):
            return _nested(member), f"an object ({member.__name__})"
    return _anything, "any value"


def _anything(value: Plain, path: str, found: list[Mismatch]) -> None:  # noqa: ARG001
    return


def _scalar(allowed: tuple[type, ...], words: str) -> Check:
    def check(value: Plain, path: str, found: list[Mismatch]) -> None:
        if value.__class__ not in allowed and value is not UNKNOWN:
            found.append(Mismatch(path, value, words, f"pass {words}"))

    return check


def _one_of(values: tuple[object, ...]) -> tuple[Check, str]:
    words = "one of " + ", ".join(str(each) for each in values) if len(values) > 1 else str(values[0])

    def check(value: Plain, path: str, found: list[Mismatch]) -> None:
        if value not in values and value is not UNKNOWN:
            found.append(Mismatch(path, value, words, "use a value that the SDK lists"))

    return check, words


def _sequence(element: Annotation, scope: dict[str, Any]) -> tuple[Check, str]:
    each_check, words = _compile(element, scope)

    def check(value: Plain, path: str, found: list[Mismatch]) -> None:
        if value.__class__ is list:
            for index, inner in enumerate(value):
                if inner is not None:
                    each_check(inner, f"{path}[{index}]", found)
        elif value is not UNKNOWN:
            found.append(Mismatch(path, value, f"a list of {words}", "pass a list"))

    return check, f"a list of {words}"


def _mapping(element: Annotation, scope: dict[str, Any]) -> tuple[Check, str]:
    each_check, words = _compile(element, scope)

    def check(value: Plain, path: str, found: list[Mismatch]) -> None:
        if value.__class__ is dict:
            for key, inner in value.items():
                if inner is not None:
                    each_check(inner, f"{path}.{key}", found)
        elif value is not UNKNOWN:
            found.append(Mismatch(path, value, f"a map of {words}", "pass a dict"))

    return check, f"a map of {words}"


def _asset(member: type) -> Check:
    def check(value: Plain, path: str, found: list[Mismatch]) -> None:
        if not isinstance(value, member) and value is not UNKNOWN:
            found.append(Mismatch(path, value, f"a pulumi {member.__name__}", f"wrap it in a pulumi.{member.__name__}"))

    return check


def _nested(member: type) -> Check:
    def check(value: Plain, path: str, found: list[Mismatch]) -> None:
        _object(member).check(value, path, found)

    return check


def _computed(resource: type) -> dict[str, object]:
    """Outputs that are always there: their type in the resource's class is not optional."""
    found: dict[str, object] = {}
    for attribute in vars(resource).values():
        getter = getattr(attribute, "fget", None)
        if getter is None:
            continue
        returns = getter.__annotations__.get("return")
        arguments = typing.get_args(returns)
        if typing.get_origin(returns) is not pulumi.Output or not arguments:
            continue
        kind = arguments[0]
        origin = typing.get_origin(kind)
        if origin is Union:
            continue
        name = getattr(getter, _types._PULUMI_NAME, None) or attribute.fget.__name__
        found[name] = _empty(kind, origin)
    return found


def _empty(kind: object, origin: object) -> object:
    if origin is collections.abc.Sequence:
        return []
    if origin is collections.abc.Mapping or isinstance(kind, (ForwardRef, str)):
        return {}
    return {str: "", bool: False, int: 0, float: 0}.get(kind, "")  # type: ignore[call-overload]
