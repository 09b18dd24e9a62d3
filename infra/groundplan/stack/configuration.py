"""A stack's configuration as a checked `Environment`: from its file, or from the engine that runs the program."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from ipaddress import IPv4Network
from pathlib import Path as FilePath

from pydantic import ValidationError

from groundplan.declaration.document import Document, read_document
from groundplan.declaration.model import System
from groundplan.declaration.shapes import findings_of, without_none
from groundplan.declaration.yaml_reader import Node
from groundplan.problems import Finding, Path, Problem, ProblemsFound, closest, listed, printable
from groundplan.stack.contradictions import contradictions, remove_command, set_command
from groundplan.stack.environment import Environment
from groundplan.stack.remembered import REMEMBERED

REGION = "aws:region"
KUBECONFIG = "kubeconfig"


class Secret(Enum):
    """Stands for an encrypted value: that it is there is known, what it is never is."""

    VALUE = "encrypted"


def read_stack_file(path: FilePath, system: System, *, remembers: bool = True) -> Environment:
    """The environment of ``Pulumi.<stack>.yaml``, without an engine. Raises ``ProblemsFound``.

    ``remembers``: the file is held to what it remembers; not before that is read from the state anew.
    """
    name = re.fullmatch(r"Pulumi\.(.+)\.ya?ml", path.name)
    if name is None:
        expected = "a file called Pulumi.<stack>.yaml"
        raise ProblemsFound([Problem(path.name, "", "", expected, "name the file after its stack")])
    _check_project(path.with_name("Pulumi.yaml"), system)
    document = read_document(path, quotable=False)
    values, unreadable = _values_of(document, system)

    def locate(path: Path) -> str:
        return f"{document.where}:{document.line(('config', *path))}"

    return _Configuration(name[1], system, locate, remembers).environment(values, unreadable)


def stack_values(path: FilePath, system: System) -> dict[str, object]:
    """The configuration values of ``Pulumi.<stack>.yaml`` by full key, as an engine would hand them over.

    Raises ``ProblemsFound``.
    """
    values, _ = _values_of(read_document(path, quotable=False), system)
    return values


def from_engine(system: System) -> Environment:
    """The environment of the stack that Pulumi is running the program for. Raises ``ProblemsFound``."""
    import pulumi
    from pulumi.runtime import config

    project, stack = pulumi.get_project(), pulumi.get_stack()
    if project != system.name:
        raise ProblemsFound([_other_project(project, system).at("Pulumi.yaml")])
    # The engine hands configuration over in the process's environment; tests and automation set it in the process.
    values = {**config.get_config_env(), **config.CONFIG.get()}
    secrets = config.get_config_secret_keys_env()
    known = {
        key: Secret.VALUE if key in secrets or config.is_config_secret(key) else value for key, value in values.items()
    }
    return environment_from(known, stack, system, f"Pulumi.{stack}.yaml")


def environment_from(values: Mapping[str, object], name: str, system: System, where: str) -> Environment:
    """The environment that configuration values describe. Raises ``ProblemsFound``.

    ``values`` maps full keys (``shop:domain``) to what they hold: text, as Pulumi keeps every plain value; JSON text
    or plain data for structured ones; ``Secret.VALUE`` for what is encrypted. ``name`` is the stack's,
    ``where`` names the configuration in problems.
    """
    return _Configuration(name, system, lambda _: where).environment(values, [])


def _check_project(path: FilePath, system: System) -> None:
    # Under another name all keys of the stack would belong to a stranger, and be ignored.
    if path.is_file():
        project = read_document(path)
        name = project.values.get("name")
        if name != system.name:
            project.refuse([_other_project(name, system)])


def _other_project(name: object, system: System) -> Finding:
    expected = f"`{system.name}`, the system's name in system.yaml: configuration keys begin with it"
    return Finding(("name",), printable(name), expected, f"write `name: {system.name}`, or rename the system")


def _values_of(document: Document, system: System) -> tuple[dict[str, object], list[Finding]]:
    """Values as the engine would hand them over, and what can't be read of them."""
    configuration = document.node(("config",))
    if configuration is None or configuration.value is None:
        return {}, []
    if not isinstance(configuration.value, dict):
        shown = printable(configuration.value) if configuration.children else "a single value"
        finding = Finding(("config",), shown, "a mapping", "write `key: value` lines below it")
        document.refuse([finding])
    values = {str(key): _value_of(node) for key, node in configuration.children.items()}
    unreadable = [*document.findings, *document.spellings]
    secret = f"{system.name}:{KUBECONFIG}"
    return values, [
        replace(finding, path=finding.path[1:])
        for finding in unreadable
        if finding.path[:1] == ("config",) and len(finding.path) > 1 and finding.path[1] != secret
    ]


def _value_of(node: Node) -> object:
    if _encrypted(node):
        return Secret.VALUE
    match node.value:
        case dict() | list():
            return node.value
        case bool():
            return "true" if node.value else "false"
        # Pulumi writes numbers anew: an unquoted version 1.30 reaches the program as 1.3, and 1.0 as 1.
        case float() if node.value.is_integer():
            return str(int(node.value))
        case int() | float():
            return str(node.value)
    return node.text


def _encrypted(node: Node) -> bool:
    """Whether it is, or contains, what Pulumi writes for a secret: a mapping of `secure` to the cipher text."""
    return list(node.children) == ["secure"] or any(_encrypted(child) for child in node.children.values())


@dataclass(frozen=True, slots=True)
class _Configuration:
    """One stack's values on their way to an environment."""

    stack: str
    system: System
    locate: Callable[[Path], str]
    remembers: bool = True

    def environment(self, values: Mapping[str, object], unreadable: list[Finding]) -> Environment:
        settings: dict[str, object] = {"name": self.stack}
        findings = list(unreadable)
        for full_key, value in values.items():
            if full_key != REGION and full_key.partition(":")[0] != self.system.name and ":" in full_key:
                continue
            key = "region" if full_key == REGION else full_key.rpartition(":")[2]
            wrong = self._wrong_key(full_key, key, value)
            findings.extend(wrong)
            if not wrong and key != KUBECONFIG:
                settings[key] = _typed(key, value)
        findings.extend(self._kubeconfig(values))
        unknown = {self._key(finding.path) for finding in findings}
        if not self.remembers:
            unknown.add(REMEMBERED)
        # A key that was probably meant counts as unknown, not as missing.
        unknown |= {match for key in unknown if (match := closest(key, Environment.model_fields))}
        environment, shapes = self._shaped(settings, unknown)
        # What is said already is not said again as a consequence, such as a secret that is also missing.
        said = {finding.path for finding in findings}
        findings.extend(finding for finding in shapes if finding.path not in said)
        if environment is None or findings:
            order = {key: position for position, key in enumerate(values)}
            findings.sort(key=lambda finding: order.get(str(finding.path[0]) if finding.path else "", len(order)))
            raise ProblemsFound(finding.at(self.locate(finding.path)) for finding in dict.fromkeys(findings))
        return environment

    def _wrong_key(self, full_key: str, key: str, value: object) -> list[Finding]:
        path = (full_key,)
        if full_key == REGION:
            return [self._not_secret(path, "region")] if value is Secret.VALUE else []
        if key in ("region", "name") or key not in {*Environment.model_fields, KUBECONFIG}:
            return [Finding(path, "", f"one of the keys {self._keys()}", self._meant(key))]
        if full_key != self._full(key):
            return [Finding(path, "", "the project's name before the key", f"write `{self._full(key)}`")]
        if key == KUBECONFIG:
            return [] if value is Secret.VALUE else [self._exposed(path)]
        return [self._not_secret(path, key)] if value is Secret.VALUE else []

    def _keys(self) -> str:
        return listed([*(self._full(key) for key in Environment.model_fields if key != "name"), self._full(KUBECONFIG)])

    def _meant(self, key: str) -> str:
        if key == "name":
            return "remove it: a stack is named by its file"
        match = closest(key, [*Environment.model_fields, KUBECONFIG])
        return f"did you mean `{self._full(match)}`?" if match not in (None, "name") else "remove it"

    def _full(self, key: str) -> str:
        return REGION if key == "region" else f"{self.system.name}:{key}"

    @staticmethod
    def _key(path: Path) -> str:
        return str(path[0]).rpartition(":")[2] if path else "name"

    def _not_secret(self, path: Path, key: str) -> Finding:
        return Finding(
            path,
            "encrypted",
            "a plain value: it is no secret, and `make plan` works without the stack's key",
            self._remember() if key == REMEMBERED else f"run {set_command(self.stack, self._full(key), '<value>')}",
        )

    def _remember(self) -> str:
        return f"run `make remember STACK={self.stack}`, which writes anew what is deployed; or take the key away"

    def _exposed(self, path: Path) -> Finding:
        return Finding(
            path,
            "in plain text",
            "an encrypted value, because its reader can open the cluster",
            f"revoke these credentials, then run {self._set_kubeconfig()}",
        )

    def _set_kubeconfig(self) -> str:
        command = f"pulumi config set --secret {self._full(KUBECONFIG)} --stack {self.stack}"
        return f"`{command} < kubeconfig.yaml`"

    def _kubeconfig(self, values: Mapping[str, object]) -> list[Finding]:
        given, cluster = self._full(KUBECONFIG) in values, self._full("existing_cluster") in values
        path = (self._full(KUBECONFIG),)
        if cluster and not given:
            expected = "the credentials of the existing cluster, encrypted"
            return [Finding(path, "missing", expected, f"run {self._set_kubeconfig()}")]
        if given and not cluster:
            expected = f"no kubeconfig without `{self._full('existing_cluster')}`"
            remedy = f"describe the cluster there, or run {remove_command(self.stack, path[0])}"
            return [Finding(path, "set", expected, remedy)]
        return []

    def _shaped(self, settings: Mapping[str, object], wrong: set[str]) -> tuple[Environment | None, list[Finding]]:
        """The environment, or what of it can be checked while some keys are wrong, with all that is wrong with it."""
        try:
            environment = Environment.model_validate(settings)
            return environment, self._contradictions(environment, wrong)
        except ValidationError as error:
            shapes = findings_of(error, Environment, settings, lambda _: None)
            broken = {str(finding.path[0]) for finding in shapes} | wrong
            rest = {key: value for key, value in settings.items() if key not in broken}
            ties: list[Finding] = []
            if "name" not in broken:
                # No rule looks at the region; any will do to have an environment.
                ties = self._contradictions(Environment.model_validate({"region": "eu-central-1", **rest}), broken)
            return None, [*(self._placed(finding) for finding in shapes), *ties]

    def _contradictions(self, environment: Environment, unknown: set[str]) -> list[Finding]:
        return [self._placed(finding) for finding in contradictions(environment, self.system, unknown)]

    def _placed(self, finding: Finding) -> Finding:
        """The finding at the key's full name, with the command that sets what is missing."""
        first, *rest = finding.path
        if first == REMEMBERED:
            return replace(finding, path=(self._full(REMEMBERED), *rest), remedy=self._remember())
        if first == "name":
            return replace(finding, path=(), remedy="name the stack differently: `pulumi stack init <name>`")
        if finding.path == ("region",) and finding.value == "missing":
            command = set_command(self.stack, REGION, "eu-central-1")
            return replace(
                finding, path=(REGION,), expected="the AWS region of the stack", remedy=f"run {command}, or your own"
            )
        return replace(finding, path=(self._full(str(first)), *rest))


def _typed(key: str, value: object) -> object:
    """The value as its setting has it; the engine hands over text, with JSON for what is not text."""
    if not isinstance(value, str) or _is_text(Environment.model_fields[key].annotation):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _is_text(annotation: object) -> bool:
    inner = without_none(annotation)
    if typing.get_origin(inner) is typing.Literal:
        return all(isinstance(choice, str) for choice in typing.get_args(inner))
    return isinstance(inner, type) and issubclass(inner, str | IPv4Network)
