"""What pages tell an engineer to run exists: commands and their options, targets, saved queries, rows, keys."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import botocore.session
import click
import jmespath  # type: ignore[import-untyped]
import pytest
import yaml
from botocore import xform_name

from groundplan.alarms import names, page
from groundplan.cli._commands import commands
from groundplan.declaration.model import System
from groundplan.stack.environment import Environment
from groundplan_chassis.commands import find
from groundplan_components.observability._dashboard_rows import Facts, rows
from groundplan_components.observability._log_queries import gateway_queries, service_queries
from infra.tests.samples import ROOT

BLOCK = re.compile(r"^( *)```sh\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
TOOLS = frozenset({"aws", "kubectl", "pulumi", "groundplan", "make", "dig", "curl", "cut", "head", "tail", "base64"})
OWN_AWS = frozenset({("logs", "tail"), ("s3", "ls")})
"""What the AWS CLI adds to the API's operations: https://docs.aws.amazon.com/cli/latest/reference/logs/tail.html."""
GLOBAL_OPTIONS = frozenset({"output", "query", "region", "max-items"})
TAIL_OPTIONS = frozenset({"since", "filter-pattern", "log-stream-names", "recursive"})
MODELS = {"s3api": "s3"}
"""The CLI's name of a service, where it isn't that of the API's model."""


def _blocks(name: str) -> Iterator[str]:
    """Commands of the blocks, one a line, with what is substituted in them."""
    for _, block in BLOCK.findall(page(name).markdown()):
        joined = block.replace("\\\n", " ")
        for line in joined.splitlines():
            command = re.sub(r"\s# .*", "", line.strip())
            command = re.sub(r"^(dimension|ago)\(\) \{|; \}$", "", command).strip()
            command = re.sub(r"^[A-Z_]+=", "", command)
            yield command


def _simple(command: str) -> Iterator[list[str]]:
    """The words of every simple command in a line."""
    for inner in re.findall(r"\$\(([a-z](?:[^()]|\([^()]*\))*)\)", command):
        yield from _simple(inner)
    flat = re.sub(r"\$\(\((?:[^()]|\([^()]*\))*\)\)|\$\((?:[^()]|\([^()]*\))*\)", "X", command)
    for part in re.split(r" \| (?=(?:[^'\"]|'[^']*'|\"[^\"]*\")*$)", flat):
        words = shlex.split(part)
        if words:
            yield words


def _of_tool(name: str, tool: str) -> Iterator[list[str]]:
    for command in _blocks(name):
        for words in _simple(command):
            if words[0] == tool:
                yield words
    for code in INLINE.findall(page(name).text):
        if code.startswith(f"{tool} "):
            yield shlex.split(code)


@cache
def _service(name: str) -> botocore.model.ServiceModel:
    return botocore.session.get_session().get_service_model(MODELS.get(name, name))


@pytest.mark.parametrize("name", names())
def test_tools_are_known(name: str) -> None:
    for command in _blocks(name):
        for words in _simple(command):
            if words[0] not in ("X", "dimension", "ago", "printf", "", "date") and "=" not in words[0]:
                assert words[0] in TOOLS, words


@pytest.mark.parametrize("name", names())
def test_aws_operations_exist_and_take_their_options(name: str) -> None:
    for words in _of_tool(name, "aws"):
        service, operation = words[1], words[2]
        options = {each[2:].partition("=")[0] for each in words[3:] if each.startswith("--")}
        if (service, operation) in OWN_AWS:
            assert options <= TAIL_OPTIONS | GLOBAL_OPTIONS, words
            continue
        known = {xform_name(each, "-"): each for each in _service(service).operation_names}
        assert operation in known, words
        shape = _service(service).operation_model(known[operation]).input_shape
        members = {xform_name(each, "-") for each in (shape.members if shape else {})}
        flags = {each.removeprefix("no-") for each in options}
        assert flags <= members | GLOBAL_OPTIONS, (words, flags - members)
        required = {xform_name(each, "-") for each in (shape.required_members if shape else [])}
        assert required <= flags, (words, required - flags)
        for option, value in pairwise(words):
            if option == "--query":
                jmespath.compile(value)


@pytest.mark.parametrize("name", names())
def test_own_commands_exist_and_take_their_options(name: str) -> None:
    context = click.Context(commands)
    for words in _of_tool(name, "groundplan"):
        command = commands.get_command(context, words[1])
        assert command is not None, words
        if words[1] == "alarm":
            assert words[2] in names(), words
        taken = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
        if command.params[0].name != "arguments":
            assert {each for each in words if each.startswith("--")} <= taken, words


@pytest.mark.parametrize("name", names())
def test_pages_that_are_named_beside_another_exist(name: str) -> None:
    for listed in re.findall(r"`groundplan alarm [a-z-]+`((?:,? (?:and )?`[a-z]+-[a-z-]+`)+)", page(name).text):
        assert set(re.findall(r"`([a-z-]+)`", listed)) <= set(names()), listed


@pytest.mark.parametrize("name", names())
def test_targets_and_commands_of_services_exist(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "templates/project/Makefile").read_text(), re.MULTILINE))
    for words in _of_tool(name, "make"):
        assert words[1] in targets, words
    for run in re.findall(r"python -m \$\{SERVICE\}_service (\S+)", page(name).text):
        assert find(run.rstrip("`")) is not None, run


FACTS = Facts(
    region="eu-central-1",
    namespace="shop-prod/services",
    services=["order"],
    availability_percent=99.9,
    latency_p95_ms=200,
    query_p95_ms=20,
    throttle_rps=100,
    api_name="a",
    stage_name="b",
)


@pytest.mark.parametrize("name", names())
def test_queries_and_rows_exist(name: str) -> None:
    text = page(name).text
    saved = {f"services/{each}" for each in service_queries()} | {f"gateway/{each}" for each in gateway_queries()}
    for query in re.findall(r"`\$SCOPE/((?:services|gateway)/[a-z-]+)`", text):
        assert query in saved
    titles = {row.title for row in rows(FACTS)}
    for listed in re.findall(r"\brows? (\*[^*]+\*(?:(?:,| and) \*[^*]+\*)*)", text):
        named = re.findall(r"\*([^*]+)\*", listed)
        assert named[0] in titles, listed


@pytest.mark.parametrize("name", names())
def test_keys_of_declaration_and_stack_exist(name: str) -> None:
    schema = yaml.safe_dump(System.model_json_schema())
    for key, _, place in re.findall(
        r"`([a-z_.]+)(: [a-z]+)?` in `(system\.yaml|Pulumi\.\$STACK\.yaml)`", page(name).text
    ):
        if place == "system.yaml":
            for part in key.split("."):
                assert re.search(rf"\b{part}:", schema), key
        else:
            assert key in Environment.model_fields, key
