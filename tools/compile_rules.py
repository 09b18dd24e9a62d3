# ruff: noqa: E501, S105, RUF001, ANN401, SIM905  (patterns of descriptions, in one piece each)
"""Compiles what AWS and Kubernetes accept, value by value, into data that the simulated cloud reads.

Sources, all installed: botocore's service models (enumerations, patterns, ranges), the CloudFormation schemas that
cfn-lint carries (allowed values, patterns, properties that only creation sets), and the SDKs' own documentation
("Valid values are …"). Properties are matched by name, level by level; `compiled_types.py` lists what differs in name.

    python -m tools.compile_rules            # writes infra/groundplan/cloud/compiled/
    python -m tools.compile_rules --check    # says what would change
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import re
import sys
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import cfnlint
from botocore.model import ServiceModel, Shape
from botocore.session import Session
from pulumi import _types

from groundplan.cloud import schema
from tools.compiled_types import EXCLUDED, MODIFIED, OPERATIONS, RENAMED, TYPES, UNCOUNTED

TARGET = Path(__file__).resolve().parents[1] / "infra" / "groundplan" / "cloud" / "compiled"
_CFN = Path(cfnlint.__file__).parent / "data" / "schemas"
_DEEPEST = 5
"""Levels of objects in objects: WAF's statements hold statements."""


@dataclass
class Argument:
    """One input of the SDK: its description, its elements' class if it has one, and the type of its values."""

    description: str
    nested: type | None
    listed: bool
    mapped: bool
    scalar: type | None
    required: bool
    values: tuple[str, ...] = ()


@dataclass
class Rules:
    """What was found, by path: the first source of a kind of constraint counts, and enumerations are joined."""

    values: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, path: str, source: str, **constraints: object) -> None:
        entry = self.values.setdefault(path, {})
        for name, value in constraints.items():
            if value is None:
                continue
            if name == "enum" and "enum" in entry:
                entry["enum"] = sorted({*entry["enum"], *typing.cast(list[str], value)})
            elif name in _WIDER and name in entry:
                entry[name] = _WIDER[name](entry[name], value)
            elif name == "pattern" and _is_loose(entry.get(name)) and not _is_loose(value):
                entry[name] = value  # an API's whole form says more than what a schema searches for
            elif name in entry:
                continue
            else:
                entry[name] = value
            sources = entry.setdefault("source", [])
            if source not in sources:
                sources.append(source)


_WIDER: Mapping[str, Any] = {
    "min": min,
    "max": max,
    "shortest": min,
    "longest": max,
    "fewest": min,
    "most": max,
}


@cache
def arguments(owner: type) -> dict[str, Argument]:
    """The inputs of an ``Args`` class by their names on the wire."""
    init: Any = vars(owner)["__init__"]
    names = _types.input_type_py_to_pulumi_names(owner)
    scope = vars(sys.modules[owner.__module__])
    described = _descriptions(init.__doc__ or "")
    optional = init.__kwdefaults__ or {}
    found = {}
    for python_name, annotation in init.__annotations__.items():
        if python_name == "return":
            continue
        found[names.get(python_name, python_name)] = _argument(
            annotation, scope, described.get(python_name, ""), python_name not in optional
        )
    return found


def _argument(annotation: object, scope: dict[str, Any], description: str, required: bool) -> Argument:
    argument = Argument(description, None, False, False, None, required)
    pending = list(schema._members(schema._resolved(annotation, scope), scope))
    while pending:
        member = pending.pop()
        origin = typing.get_origin(member)
        inner = typing.get_args(member)
        name = getattr(origin, "__name__", "")
        if name == "Sequence":
            argument.listed = True
            pending.extend(schema._members(schema._resolved(inner[0], scope), scope))
        elif name == "Mapping":
            argument.mapped = True
        elif isinstance(member, type) and issubclass(member, Enum):
            argument.values = tuple(str(each.value) for each in member)
        elif isinstance(member, type) and member in (str, int, float, bool):
            argument.scalar = argument.scalar or member
        elif isinstance(member, type) and _types.is_input_type(member):
            argument.nested = member
    return argument


def _descriptions(text: str) -> dict[str, str]:
    parts = re.split(r"\n\s*:param pulumi\.Input\[.*?\] (\w+): ", "\n" + inspect.cleandoc(text))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def normal(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def matching(name: str, candidates: Mapping[str, Any], nouns: tuple[str, ...], path: str, token: str) -> str | None:
    """The API's member that an input stands for."""
    renamed = RENAMED.get((token, path))
    if renamed is not None:
        return renamed if renamed in candidates else None
    by_normal = {normal(each): each for each in candidates}
    wanted = normal(name)
    forms = [wanted, wanted.removesuffix("s"), f"{wanted}s", f"{wanted.removesuffix('y')}ies"]
    forms += [f"{noun}{wanted}" for noun in nouns]
    forms += [wanted.removesuffix("ies") + "y", f"preferred{wanted}"]
    return next((by_normal[form] for form in forms if form in by_normal), None)


def _is_loose(pattern: object) -> bool:
    """Whether a pattern is only searched for: a single letter of a class anywhere would do."""
    return isinstance(pattern, str) and r"[\s\S]*" in pattern


class Cfn:
    """A CloudFormation type's schema."""

    def __init__(self, name: str) -> None:
        self.name = name
        known = json.loads((_CFN / "providers" / "us-east-1.json").read_text(encoding="utf-8"))
        self.schema = json.loads((_CFN / "resources" / f"{known[name]}.json").read_text(encoding="utf-8"))
        self.only_created = {
            tuple(each.removeprefix("/properties/").replace("/properties", "").split("/"))
            for each in self.schema.get("createOnlyProperties", ())
        }

    def resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        for _ in range(5):
            if "$ref" not in node:
                break
            target: Any = self.schema
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target.get(step, {})
            node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
        return node

    def properties(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        node = self.resolved(node)
        found: dict[str, Any] = dict(node.get("properties", {}))
        for choice in ("oneOf", "anyOf", "allOf"):
            for each in node.get(choice, ()):
                for name, value in self.properties(each).items():
                    found.setdefault(name, value)
        return found

    def element(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        node = self.resolved(node)
        return self.resolved(node["items"]) if isinstance(node.get("items"), dict) else node

    def constraints(self, node: Mapping[str, Any]) -> dict[str, Any]:
        node = self.resolved(node)
        numeric = node.get("type") in ("integer", "number")
        enum = node.get("enum")
        return {
            "enum": [str(each) for each in enum]
            if enum and all(isinstance(each, str | int) for each in enum)
            else None,
            "pattern": _searched(node.get("pattern")),
            "min": node.get("minimum") if numeric else None,
            "max": node.get("maximum") if numeric else None,
            "shortest": node.get("minLength"),
            "longest": node.get("maxLength"),
        }


def _searched(pattern: str | None) -> str | None:
    """A schema's pattern is searched for, an API's is matched as a whole: both as whole matches."""
    if not pattern:
        return None
    if not pattern.startswith("^"):
        pattern = f"[\\s\\S]*(?:{pattern})"
    if not pattern.endswith("$"):
        pattern = f"(?:{pattern})[\\s\\S]*"
    return plain_pattern(pattern)


_IN_BRACKETS = {
    "L": r"a-zA-Z\u00aa-\uffdc",
    "LD": r"\w",
    "N": r"\d",
    "Z": r"\s",
    "M": r"\u0300-\u036f",
    "S": r"$+<=>^`|~\u00a2-\u00b4",
    "P": r"!-#%-*,-/:;?@\[-\]_{}\u00a1-\u00bf",
    "IsLetter": r"a-zA-Z\u00aa-\uffdc",
    "Alnum": "a-zA-Z0-9",
    "ASCII": r"\x00-\x7f",
    "Graph": r"!-~",
    "Print": r" -~",
}


def plain_pattern(pattern: str | None) -> str | None:
    """A Java pattern as Python's `re` reads it; None where it can't."""
    if not pattern:
        return None
    found = pattern
    for name, inside in _IN_BRACKETS.items():
        found = re.sub(rf"\\p\{{{name}\}}", inside.replace("\\", r"\\"), found)
    found = re.sub(r"\\x\{([0-9A-Fa-f]{4})\}", r"\\u\1", found)
    found = re.sub(r"\\x\{([0-9A-Fa-f]{5,6})\}", lambda m: f"\\U{m[1].rjust(8, '0')}", found)
    if re.search(r"\\[pP]\{|&&|\[\[:", found):
        return None
    try:
        re.compile(found)
    except re.error:
        return None
    return None if all(re.fullmatch(found, each) for each in ("", "§ \t☃", "a" * 300)) else found


def model_of(service: str) -> ServiceModel:
    return _model(service)


@cache
def _model(service: str) -> ServiceModel:
    return Session().get_service_model(service)


def shape_constraints(shape: Shape) -> dict[str, Any]:
    numeric = shape.type_name in ("integer", "long", "float", "double")
    limits = shape.metadata
    text = shape.type_name == "string"
    return {
        "enum": list(shape.enum) if text and shape.enum else None,
        "pattern": plain_pattern(limits.get("pattern")) if text else None,
        "min": limits.get("min") if numeric else None,
        "max": limits.get("max") if numeric else None,
        "shortest": limits.get("min") if text else None,
        "longest": limits.get("max") if text else None,
    }


def list_sizes(shape: Shape) -> dict[str, Any]:
    """How many elements an API's list has: at least, at most."""
    if shape.type_name == "structure" and "Items" in shape.members:
        shape = shape.members["Items"]
    limits = shape.metadata if shape.type_name == "list" else {}
    return {"fewest": limits.get("min") or None, "most": limits.get("max")}


def shape_members(shape: Shape) -> Mapping[str, Shape]:
    if shape.type_name == "list":
        return shape_members(shape.member)
    if shape.type_name != "structure":
        return {}
    members = dict(shape.members)
    if set(members) <= {"Quantity", "Items", "Enabled"} and "Items" in members:
        return shape_members(members["Items"])
    return members


def shape_scalar(shape: Shape) -> Shape:
    while shape.type_name == "list":
        shape = shape.member
    if shape.type_name == "structure" and "Items" in shape.members:
        return shape_scalar(shape.members["Items"])
    return shape


def changeable_members(service: str, operation: str, way: tuple[str, ...]) -> frozenset[str]:
    """What the API's own operation for changes takes, besides what names the thing: CloudFormation replaces more."""
    if not service:
        return frozenset()
    model = model_of(service)
    for before in ("Create", "Allocate", "Register"):
        for verb in ("Update", "Modify"):
            name = operation.replace(before, verb, 1)
            if name != operation and name in model.operation_names:
                shape = model.operation_model(name).input_shape
                required = set(shape.required_members)
                for step in way:
                    if step in shape_members(shape):
                        shape, required = shape_members(shape)[step], set()
                return frozenset(normal(each) for each in shape_members(shape) if each not in required)
    return frozenset()


_TOKEN = r"`\"?([A-Za-z0-9][\w.:/*+-]*)\"?`"
_KUBERNETES = r"['\"]?([A-Z][A-Za-z]+)['\"]?"
_INTRODUCED = (
    r"(?:[Vv]alid|[Aa]llowed|[Pp]ossible|[Aa]ccepted|[Ss]upported)(?: \w+){0,2}?(?: values?| options?| types?| choices)?"
    r"(?: for [^:`.]{3,60})?(?: are| is| include|:)*:? *(?:one of:? *)?|(?:[Mm]ust|[Cc]an|[Ss]hould) be (?:one of:? *|either )|"
    r"[Oo]ne of:? *|[Ee]ither "
)
_JOINED = r"(?: *\([^)]*\))?(?:,? *(?:,|or|and|and/or|/|\|) *)"
_LISTED = re.compile(rf"(?:{_INTRODUCED})((?:{_TOKEN}{_JOINED})+{_TOKEN})")
_LISTED_PLAIN = re.compile(
    rf"(?:[Vv]alid (?:options|values|policies|types) (?:are|include):? *|[Oo]ne of |[Cc]an be |[Mm]ust be |[Ss]upports )"
    rf"((?:{_KUBERNETES}(?:,? *(?:,|or|and) *))+{_KUBERNETES})"
)
_BETWEEN = re.compile(
    r"(?:[Bb]etween|[Rr]ange(?: of| from)?:?|[Ff]rom|[Vv]alid values(?: are)?:?(?: between)?|must be in the range) `?(-?\d[\d,]*)`?(?: (?:seconds|minutes|days|MB|hours))?"
    r" ?(?:and|to|-|–) ?`?(\d[\d,]*)`?"
)
_BRACKETED = re.compile(r"\[((?:[A-Za-z-]+\|)+[A-Za-z-]+)\]")


def entry_of(argument: Argument, kubernetes: bool) -> dict[str, Any]:
    """What a description says of the values that an input takes."""
    text = argument.description
    found: dict[str, Any] = {}
    if argument.scalar is str and not argument.mapped:
        match = (_LISTED_PLAIN if kubernetes else _LISTED).search(text)
        if match and not re.search(
            r"(?:e\.g\.|such as|for example|and more|etc)", text[match.start() : match.end() + 12]
        ):
            values = re.findall(_KUBERNETES if kubernetes else _TOKEN, match[1])
            if len(values) > 1 and not any("XX" in each for each in values):
                found["enum"] = sorted(set(values) | set(argument.values))
    elif argument.scalar in (int, float) and not kubernetes:
        match = _BETWEEN.search(text)
        if match:
            low, high = (int(each.replace(",", "")) for each in match.groups())
            if low < high:
                found |= {"min": low, "max": high}
    return found


def compiled(token: str) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """The rules of one type by path, and the properties that only a new resource has otherwise, with their source."""
    rules = Rules()
    only_created: dict[str, str] = {}
    resource = schema._resource_class(token)
    if resource is None:
        return {}, {}
    root = schema._args_class(resource)
    kubernetes = token.startswith("kubernetes:")
    cfn_name, cfn_prefix = TYPES.get(token, ("", ()))
    cfn = Cfn(cfn_name) if cfn_name else None
    nodes: Mapping[str, Any] | None = None
    prefix: tuple[str, ...] = tuple(cfn_prefix)
    if cfn is not None:
        nodes = cfn.schema
        for step in prefix:
            nodes = cfn.element(cfn.properties(nodes)[step])
    service, operation, shape_prefix = OPERATIONS.get(token, ("", "", ()))
    shapes: Shape | None = None
    if service:
        shapes = model_of(service).operation_model(operation).input_shape
        for step in shape_prefix:
            shapes = shape_members(shapes)[step]
    last = re.sub(r".*::", "", cfn_name)
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*", last)
    own = token.split(":")[-1]
    nouns = tuple({normal("".join(words[index:])) for index in range(len(words))} | {normal(own)})

    changeable = changeable_members(service, operation, shape_prefix)

    def walk(owner: type, node: Any, shape: Shape | None, path: str, where: tuple[str, ...], depth: int) -> None:
        for name, argument in arguments(owner).items():
            here = f"{path}.{name}" if path else name
            top = nouns if not path else ()
            if (token, here) in EXCLUDED or any(
                (token, f"{here.rsplit('.', n)[0]}.*") in EXCLUDED for n in range(1, here.count(".") + 1)
            ):
                continue
            spot = f"{here}[]" if argument.listed else here
            inner_node, inner_shape = None, None
            found = False
            if node is not None and cfn is not None:
                candidates = cfn.properties(node)
                match = matching(name, candidates, top, here, token)
                if match is not None:
                    inner_node = cfn.element(candidates[match])
                    place = (*where, match)
                    created = place in cfn.only_created or any(
                        place[:n] in cfn.only_created for n in range(1, len(place))
                    )
                    if (
                        created
                        and (token, here) not in MODIFIED
                        and not (len(place) == len(prefix) + 1 and normal(match) in changeable)
                    ):
                        only_created.setdefault(here, f"CloudFormation {cfn.name}, {'.'.join(place)}: only at creation")
                    if argument.nested is None and not argument.mapped and argument.scalar is not bool:
                        constraints = cfn.constraints(inner_node)
                        found |= bool(constraints.get("enum"))
                        rules.add(spot, f"CloudFormation {cfn.name}, {'.'.join(place)}", **constraints)
            if shape is not None:
                members = shape_members(shape)
                match = matching(name, members, top, here, token)
                if match is not None:
                    inner_shape = members[match]
                    if argument.nested is None and not argument.mapped and argument.scalar is not bool:
                        scalar = shape_scalar(inner_shape)
                        constraints = shape_constraints(scalar)
                        found |= bool(constraints.get("enum"))
                        rules.add(spot, f"botocore {service}, {scalar.name}", **constraints)
                    if argument.listed and not argument.mapped and (token, here) not in UNCOUNTED:
                        sizes = list_sizes(inner_shape)
                        if sizes["fewest"] == 1 and not argument.required:
                            sizes["fewest"] = None  # the provider leaves an empty list out
                        rules.add(spot, f"botocore {service}, {inner_shape.name}", **sizes)
            if (
                _ARN.search(name)
                and argument.scalar is str
                and not argument.mapped
                and _is_open(rules.values.get(spot))
            ):
                form = _KEY_FORM if "kmskey" in normal(name) else _ARN_FORM
                rules.add(spot, f"pulumi_{token.split(':')[0]}, {own} {here}: an ARN", pattern=form)
            if argument.nested is None:
                said = entry_of(argument, kubernetes)
                siblings = {normal(each) for each in arguments(owner)}
                if any(normal(each) in siblings for each in said.get("enum", ())):
                    said = {}  # the description lists inputs, not values
                entry = rules.values.get(spot, {})
                documented = f"{'pulumi_kubernetes' if kubernetes else 'pulumi_' + token.split(':')[0]}, {own} {here}"
                if "enum" in said and found and not {*said["enum"]} & {*entry.get("enum", ())}:
                    entry.pop("enum", None)  # the provider writes these values in its own way
                if "min" in said and ("min" in entry or "max" in entry):
                    said = {}
                if "enum" in said or "min" in said:
                    rules.add(spot, documented, **said)
            elif depth < _DEEPEST and argument.nested is not owner:
                place_of = (
                    (*where, match)
                    if node is not None
                    and (match := matching(name, cfn.properties(node) if cfn else {}, top, here, token))
                    else where
                )
                walk(argument.nested, inner_node, inner_shape, spot, place_of, depth + 1)

    walk(root, nodes, shapes, "", prefix, 0)
    kept = {path: entry for path, entry in rules.values.items() if _says(entry)}
    return kept, only_created


_ARN = re.compile(r"(Arn|ARN)s?$")
_ARN_FORM = r"(arn:[\s\S]+)?"
"""An empty text is left out by the provider."""
_KEY_FORM = r"(arn:[\s\S]+|[0-9a-f-]{36}|mrk-[0-9a-f]{32})?"
"""Some services take a key's id, too, where the property is named an ARN (Athena, MSK)."""


def _is_open(entry: Mapping[str, Any] | None) -> bool:
    """Whether nothing yet says which form a text has."""
    return entry is None or ("enum" not in entry and ("pattern" not in entry or _is_loose(entry["pattern"])))


def _says(entry: dict[str, Any]) -> bool:
    """Tidy what is said of a path, and whether anything is left."""
    if "enum" in entry:
        for needless in ("pattern", "shortest", "longest", "min", "max"):
            entry.pop(needless, None)
    if entry.get("shortest") == 0:
        entry.pop("shortest")
    for name, limit in (("longest", 10_000_000), ("max", 2**31 - 1)):
        if isinstance(entry.get(name), int | float) and entry[name] >= limit:
            entry.pop(name)
    source = entry.pop("source", [])
    if not entry:
        return False
    entry["source"] = "; ".join(source[:2])
    return True


def everything() -> Iterator[tuple[str, str]]:
    """The files' names and texts."""
    values, replaced = {}, {}
    for token in sorted({*TYPES, *OPERATIONS}):
        rules, only_created = compiled(token)
        if rules:
            values[token] = {path: rules[path] for path in sorted(rules)}
        if only_created:
            replaced[token] = dict(sorted(only_created.items()))
    yield "values.json", _text(values)
    yield "actions.json", _actions()
    yield "engines.json", json.dumps(_engines(), indent=1, sort_keys=True) + "\n"
    yield "replacements.json", _text(replaced)


_ACTIONS_OF = (
    "acm apigateway athena backup cloudfront cloudwatch cognito-identity cognito-idp ec2 ecr eks eks-auth elasticache "
    "elasticloadbalancing events execute-api firehose glue iam kafka kafka-cluster kinesis kms lambda logs "
    "pods rds rds-db route53 s3 secretsmanager serverlessrepo ses sns sqs ssm sts tag wafv2 xray"
).split()
"""Services whose actions are told apart; of the others only their names."""


def _actions() -> str:
    """The services that IAM knows, and the actions of those that policies here speak of (cfn-lint, Policies.json)."""
    known = json.loads((_CFN.parent / "AdditionalSpecs" / "Policies.json").read_text(encoding="utf-8"))
    found = {name: sorted(entry["Actions"]) if name in _ACTIONS_OF else [] for name, entry in sorted(known.items())}
    return "{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(actions)}" for name, actions in found.items()) + "\n}\n"


def _engines() -> dict[str, dict[str, list[str]]]:
    """Versions and classes by engine, in any region: cfn-lint's extensions of RDS and ElastiCache."""
    extensions = _CFN / "extensions"

    def read(name: str) -> Any:
        return json.loads((extensions / name).read_text(encoding="utf-8"))

    def versions(name: str, engine: str) -> list[str]:
        for each in read(name)["allOf"]:
            if each["if"]["properties"].get("Engine", {}).get("const") == engine:
                return sorted(each["then"]["properties"]["EngineVersion"]["enum"])
        return []

    classes: dict[str, set[str]] = {}
    for region in read("aws_rds_dbinstance/dbinstanceclass_enum.json").values():
        for each in region.get("allOf", ()) if isinstance(region, dict) else ():
            engine = each["if"]["properties"].get("Engine", {})
            for name in [engine["const"]] if "const" in engine else engine.get("enum", ()):
                classes.setdefault(name, set()).update(each["then"]["properties"]["DBInstanceClass"].get("enum", ()))
    nodes = {
        node
        for region in read("aws_elasticache_cachecluster/cachenodetype_enum.json").values()
        if isinstance(region, dict)
        for node in region.get("enum", ())
    }
    return {
        "classes": {name: sorted(classes.get(name, ())) for name in ("mariadb", "mysql", "postgres")},
        "versions": {
            **{
                name: versions("aws_rds_dbinstance/engine_version.json", name)
                for name in ("mariadb", "mysql", "postgres")
            },
            **{
                name: versions("aws_elasticache_cachecluster/engine_version.json", name) for name in ("redis", "valkey")
            },
        },
        "nodes": {"cache": sorted(nodes)},
    }


def _text(content: Mapping[str, Mapping[str, Any]]) -> str:
    """One line a property: short, and readable in a difference."""
    blocks = []
    for token, entries in content.items():
        lines = [
            f"  {json.dumps(path)}: {json.dumps(entry, ensure_ascii=True, sort_keys=True)}"
            for path, entry in entries.items()
        ]
        blocks.append(f"{json.dumps(token)}: {{\n" + ",\n".join(lines) + "\n}")
    return "{\n" + ",\n".join(blocks) + "\n}\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when something would change")
    asked = parser.parse_args()
    stale = []
    for name, text in everything():
        path = TARGET / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not asked.check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{', '.join(stale) or 'nothing'} {'would change' if asked.check else 'written'}\n")
    return int(asked.check and bool(stale))


if __name__ == "__main__":
    importlib.import_module("pulumi_aws")
    sys.exit(main())
