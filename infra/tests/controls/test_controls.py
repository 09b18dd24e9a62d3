"""Every control passes on a program that meets it, and finds what is taken away from that program."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import groundplan_components
from groundplan import program as program_library
from groundplan.cloud import Resource
from groundplan.controls import CONTROLS, CapturedProgram, Control, Verdict, assess
from groundplan.controls.reading import at
from groundplan.declaration.model import System
from groundplan.stack.environment import Environment
from infra.tests.program.graphs import graph_of
from infra.tests.samples import ROOT, changed

VARIANTS = (
    "pair",
    "pair of queues",
    "pooled",
    "internal service",
    "response cache",
    "network firewall",
    "repository",
    "own pipeline",
    "copied backups",
)
"""Together they show every control at work."""
SAMPLES = 12
"""Pieces of evidence that are taken away from each control, one at a time, chosen by a fixed seed."""


# Their programs are simulated once, in one process.
pytestmark = pytest.mark.xdist_group("controls")


def program_with_mfa() -> CapturedProgram:
    """A second factor is optional in shop."""
    graph = graph_of("pair")
    system = changed(graph.system, identity={"mfa": "required"})
    pool = next(each for each in graph.of("aws:cognito/userPool:UserPool"))
    return dataclasses.replace(
        graph.captured,
        system=system,
        resources=tuple(
            with_inputs(each, {**each.inputs, "mfaConfiguration": "ON"}) if each is pool else each
            for each in graph.resources
        ),
    )


def programs() -> Iterator[CapturedProgram]:
    for variant in VARIANTS:
        yield graph_of(variant).captured
    yield program_with_mfa()


def with_inputs(resource: Resource, inputs: Mapping[str, Any]) -> Resource:
    """The resource with other properties; what the cloud answered with the old ones goes with them."""
    gone = {key for key, value in resource.inputs.items() if inputs.get(key) != value}
    kept = {key: value for key, value in resource.outputs.items() if key not in gone}
    return dataclasses.replace(resource, inputs=inputs, outputs={**kept, **inputs})


def with_resource(program: CapturedProgram, changed_one: Resource | None, urn: str) -> CapturedProgram:
    """The program with one resource exchanged, or left out."""
    found = (changed_one if each.urn == urn else each for each in program.resources)
    return dataclasses.replace(program, resources=tuple(each for each in found if each is not None))


def changed_at(value: Any, steps: list[str], change: Callable[[Any], Any]) -> Any:
    """A copy of nested properties, changed at a path. What is None is left out."""
    if not steps:
        return change(value)
    # A key may hold full stops: the longest one that is there is meant.
    if isinstance(value, Mapping):
        for length in range(len(steps), 0, -1):
            key = ".".join(steps[:length])
            if key in value or length == 1:
                inner = changed_at(value.get(key), steps[length:], change)
                kept = {other: each for other, each in value.items() if other != key}
                return kept if inner is None else {**kept, key: inner}
    if isinstance(value, list) and steps[0].isdecimal() and int(steps[0]) < len(value):
        index = int(steps[0])
        return [changed_at(each, steps[1:], change) if i == index else each for i, each in enumerate(value)]
    return value


def otherwise(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value * 1000 + 7
    if isinstance(value, str):
        return "{}" if value.startswith("{") else "otherwise"
    return None


def opened(value: Any) -> Any:
    """A policy that allows everything to everybody."""
    if not isinstance(value, str) or '"Statement"' not in value:
        return value
    allowed = {"Effect": "Allow", "Principal": "*", "Action": ["*"], "Resource": ["*"]}
    return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})


def breaks_of(program: CapturedProgram, verdict: Verdict) -> Iterator[CapturedProgram]:
    """Programs that lack a piece of the evidence, or have another value there."""
    samples = list(verdict.evidence)
    if len(samples) > SAMPLES:
        samples = random.Random(verdict.control.id).sample(samples, SAMPLES)  # noqa: S311  the same ones in every run
    for evidence in samples:
        resource = program.by_urn[evidence.urn]
        if evidence.path:
            others = (at(program.by_urn[each.urn].inputs, each.path) for each in verdict.evidence if each.path)
            taken = next((other for other in others if other != at(resource.inputs, evidence.path)), None)
            for change in (otherwise, opened, lambda _: None, lambda _, taken=taken: taken):
                inputs = changed_at(resource.inputs, evidence.path.split("."), change)
                if inputs != resource.inputs:
                    yield with_resource(program, with_inputs(resource, inputs), evidence.urn)
        opposite = dataclasses.replace(
            resource, protect=not resource.protect, deleted_with="" if resource.deleted_with else "another"
        )
        yield with_resource(program, opposite, evidence.urn)
        yield with_resource(program, None, evidence.urn)
        if evidence.path:
            public = dataclasses.replace(resource, secret_paths=frozenset())
            yield with_resource(program, public, evidence.urn)


@pytest.mark.parametrize("control", CONTROLS.values(), ids=list(CONTROLS))
def test_a_control_has_a_passing_and_a_failing_program(control: Control) -> None:
    met = [(program, verdict) for program in programs() if (verdict := control.assess(program)).met]
    assert met, f"no program meets {control.id}"
    for program, verdict in met:
        assert verdict.evidence, f"{control.id} is met by nothing"
        assert {each.urn for each in verdict.evidence} <= program.by_urn.keys()
    found = next(
        (
            broken_verdict
            for program, verdict in met
            for broken in breaks_of(program, verdict)
            if (broken_verdict := control.assess(broken)).findings
        ),
        None,
    )
    assert found is not None, f"{control.id} finds nothing, with any evidence taken away"
    for finding in found.findings:
        assert finding.control == control.id
        assert finding.urn.startswith("urn:pulumi:")
        assert finding.expected
        assert finding.remedy == control.remedy


@pytest.mark.parametrize("control", CONTROLS.values(), ids=list(CONTROLS))
def test_a_control_says_something_of_an_empty_program(control: Control) -> None:
    """Nothing is ticked where nothing is declared."""
    graph = graph_of("pair")
    empty = CapturedProgram(graph.system, graph.environment, (), {})
    verdict = control.assess(empty)
    assert not verdict.met
    assert verdict.findings or verdict.not_applicable


@pytest.mark.parametrize("seed", range(6))
def test_no_control_stumbles_over_an_edited_program(seed: int) -> None:
    """Owners leave out properties and resources, and write others than ours."""
    chance = random.Random(seed)  # noqa: S311  the same edits in every run
    graph = graph_of(("pair", "pair of queues")[seed % 2])
    resources = []
    for each in graph.resources:
        if chance.random() < 0.05:
            continue
        inputs = dict(each.inputs)
        for name in list(inputs):
            if chance.random() < 0.1:
                inputs[name] = chance.choice([None, "otherwise", 7, [], {}, [None], ["x"], {"a": [1]}])
        resources.append(with_inputs(each, inputs))
    program = dataclasses.replace(graph.captured, resources=tuple(resources))
    verdicts = assess(program)
    assert sum(bool(verdict.findings) for verdict in verdicts.values()) > 20
    assert all(str(finding) for verdict in verdicts.values() for finding in verdict.findings)


def test_no_finding_tells_a_secret() -> None:
    """A wrong password is still one."""
    program = graph_of("pair").captured
    resources = []
    for each in program.resources:
        inputs = each.inputs
        if each.type == "aws:wafv2/webAcl:WebAcl":
            inputs = changed_at(inputs, ["rules"], lambda rules: replaced(rules, program.passwords, "not-the-secret"))
        resources.append(dataclasses.replace(each, inputs=inputs, secret_paths=frozenset()))
    verdicts = assess(dataclasses.replace(program, resources=tuple(resources)))
    said = [str(finding) for verdict in verdicts.values() for finding in verdict.findings]
    assert verdicts["S1.edge-only"].findings
    assert verdicts["S5.secrets-marked"].findings
    assert not [text for text in said if "not-the-secret" in text or any(each in text for each in program.passwords)]


def replaced(value: Any, words: frozenset[str], by: str) -> Any:
    if isinstance(value, Mapping):
        return {key: replaced(each, words, by) for key, each in value.items()}
    if isinstance(value, list):
        return [replaced(each, words, by) for each in value]
    return by if value in words else value


def test_a_resource_of_the_owners_own_is_judged_too() -> None:
    """Must show 4: an own bucket, as plain as AWS makes it."""
    program = graph_of("pair").captured
    bucket = Resource(
        urn="urn:pulumi:prod::shop::aws:s3/bucket:Bucket::uploads",
        type="aws:s3/bucket:Bucket",
        name="uploads",
        id="uploads-1",
        inputs={},
        outputs={"arn": "arn:aws:s3:::uploads-1", "bucket": "uploads-1"},
        parent=program.stack_urn,
        custom=True,
    )
    verdicts = assess(dataclasses.replace(program, resources=(*program.resources, bucket)))
    found = {name for name, verdict in verdicts.items() if any(each.urn == bucket.urn for each in verdict.findings)}
    assert found >= {"S2.bucket-tls", "S5.bucket-encryption", "S5.private-buckets", "S5.protected", "S5.kept"}
    assert {name for name, verdict in verdicts.items() if verdict.findings} == found
    remedies = {each.remedy for name in found for each in verdicts[name].findings}
    assert any("private_bucket" in remedy for remedy in remedies)


@pytest.mark.parametrize(("mfa", "ticked"), [("optional", False), ("required", True)])
def test_a_second_factor_is_ticked_only_where_it_is_required(mfa: str, ticked: bool) -> None:
    program = program_with_mfa() if mfa == "required" else graph_of("pair").captured
    verdict = CONTROLS["S3.second-factor"].assess(program)
    assert verdict.met is ticked
    assert ("identity.mfa" in verdict.not_applicable) is not ticked


def test_rows_of_the_caller_are_ticked_by_what_the_program_declares() -> None:
    """And not where no operation is granted for them."""
    program = graph_of("pair").captured
    assert CONTROLS["S4.own-rows"].assess(program).met
    assert (
        CONTROLS["S4.own-rows"].assess(dataclasses.replace(program, system=without_own(program.system))).not_applicable
    )


def without_own(system: System) -> System:
    declared = system.model_dump(mode="json", exclude_unset=True)
    for service in declared["services"].values():
        for resource in service["resources"].values():
            resource["operations"] = {
                name: [role.removesuffix(":own") for role in roles] for name, roles in resource["operations"].items()
            }
    return System.model_validate(declared)


def test_ids_and_titles_are_the_controls_own() -> None:
    assert all(re.fullmatch(r"[A-Z]\d\.[a-z0-9]+(-[a-z0-9]+)*", name) for name in CONTROLS)
    titles = [control.title for control in CONTROLS.values()]
    assert len(set(titles)) == len(titles)
    judges = [control.judge for control in CONTROLS.values()]
    assert len(set(judges)) == len(judges)
    wanted = {"S1", "S2", "S3", "S4", "S5", "S6", "S7", "A2", "A3", "D3", "P2", "T4"}
    assert {control.requirement for control in CONTROLS.values()} >= wanted


def test_only_what_pulumi_keeps_from_policies_is_left_out_of_the_pack() -> None:
    left_out = {name for name, control in CONTROLS.items() if control.not_in_policies}
    assert left_out == {"S4.pipeline-grants", "S5.secrets-marked", "U3.cluster-objects"}


def test_parts_are_modules_of_the_library_or_files_of_the_project() -> None:
    for control in CONTROLS.values():
        assert control.parts, control.id
        for part in control.parts:
            there = (ROOT / part).is_file() or importlib.util.find_spec(f"groundplan_components.{part}") is not None
            assert there, f"{control.id}: {part}"


def test_remedies_exist() -> None:
    """What stands in backquotes is a key, a setting, an argument, a component or a function that there is."""
    sources = [
        *Path(groundplan_components.__file__).parent.rglob("*.py"),
        *Path(program_library.__file__).parent.glob("*.py"),
    ]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    stack_keys = set(Environment.model_fields)
    declaration = (ROOT / "system.schema.json").read_text(encoding="utf-8")
    unknown = []
    for control in CONTROLS.values():
        assert control.remedy, control.id
        for quoted in re.findall(r"`([^`]+)`", control.remedy):
            for word in re.findall(r"[A-Za-z_][\w-]+", quoted):
                if re.fullmatch(r"[A-Z][a-z]+[A-Za-z]*", word):
                    known = f"class {word}(pulumi.ComponentResource)" in text
                else:
                    known = bool(re.search(rf"\b{re.escape(word)}\b", text))
                if not (known or word in stack_keys or f'"{word}"' in declaration or word in KNOWN):
                    unknown.append(f"{control.id}: {quoted}")
    assert not unknown, unknown


KNOWN = {
    "pulumi",
    "system",
    "yaml",
    "sha256",
    "repository",
    "own pipeline",
    "GetObject",
    "ReEncrypt",
    "aws",
    "SecureTransport",
    "own",
    "Principal",
    "Output",
    "ResourceOptions",
    "role",
}
"""Words of AWS's, Pulumi's and of examples."""
