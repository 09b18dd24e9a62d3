"""Shortcuts through the SDK change how long a simulation takes, and nothing that it finds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from pulumi import _types, log
from pulumi.runtime import resource as resources
from pulumi.runtime import rpc

from groundplan.cloud import Simulation, monitor, sdk, simulate
from groundplan.project import load_program
from infra.tests.program.graphs import VARIANTS
from infra.tests.samples import ROOT

OWNERS = (resources, rpc, log, _types, pulumi.Output)
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


@contextmanager
def the_long_way() -> Iterator[None]:
    yield


def declared(simulation: Simulation) -> dict[str, str]:
    """By URN all that a simulation tells of a resource; the order of what is registered at once is the SDK's."""
    return {
        each.urn: ADDRESS.sub(
            "", repr([(name, _comparable(getattr(each, name))) for name in each.__dataclass_fields__])
        )
        for each in simulation.resources
    }


def _comparable(value: Any) -> Any:
    """Sets, and the tuples that the monitor makes of them, have no order; lists of a program do."""
    if isinstance(value, Mapping):
        return sorted((key, repr(_comparable(each))) for key, each in value.items())
    return sorted(map(str, value)) if isinstance(value, (set, frozenset, tuple)) else value


def both(monkeypatch: pytest.MonkeyPatch, simulated: Callable[[], Simulation]) -> tuple[Simulation, Simulation]:
    short = simulated()
    with monkeypatch.context() as patched:
        patched.setattr(monitor, "shortcuts", the_long_way)
        return short, simulated()


@pytest.mark.parametrize("preview", [False, True])
def test_a_program_declares_the_same_with_and_without_them(monkeypatch: pytest.MonkeyPatch, preview: bool) -> None:
    system, environment = VARIANTS["alone in dev"]()

    def simulated() -> Simulation:
        return simulate(
            lambda: load_program(ROOT)(system, environment),
            stack="dev",
            region=environment.region,
            preview=preview,
            strict=False,
        )

    short, long = both(monkeypatch, simulated)
    assert len(short.resources) > 300
    assert declared(short) == declared(long)
    assert (short.outputs, short.secret_outputs) == (long.outputs, long.secret_outputs)
    assert (short.refusals, short.messages) == (long.refusals, long.messages)


@pytest.mark.parametrize("preview", [False, True])
def test_secrets_unknowns_and_dependencies_are_those_of_the_sdk(monkeypatch: pytest.MonkeyPatch, preview: bool) -> None:
    def program() -> None:
        queue = aws.sqs.Queue("q", tags={"Name": pulumi.Output.secret("hidden")})
        topic = aws.sns.Topic("t", display_name=queue.arn.apply(lambda arn: arn[:10]))
        pulumi.export("both", {"queue": queue.arn, "tags": queue.tags, "none": topic.kms_master_key_id})
        pulumi.export("secret", queue.tags.apply(lambda tags: len(tags or ())))

    short, long = both(monkeypatch, lambda: simulate(program, preview=preview))
    assert declared(short) == declared(long)
    assert short.outputs == long.outputs
    assert "secret" in short.secret_outputs
    assert short.secret_outputs == long.secret_outputs


def test_a_resource_that_fails_tells_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def program() -> None:
        queue = aws.sqs.Queue("q", tags={"Name": object()})
        pulumi.export("arn", queue.arn)

    for way in (sdk.shortcuts, the_long_way):
        monkeypatch.setattr(monitor, "shortcuts", way)
        with pytest.raises(ValueError, match="unexpected input of type object for Name in Queue"):
            simulate(program)


def test_the_sdk_is_as_it_was_afterwards() -> None:
    before = [dict(vars(owner)) for owner in OWNERS]
    with sdk.shortcuts():
        assert all(dict(vars(owner)) != was for owner, was in zip(OWNERS, before, strict=True))
    assert [dict(vars(owner)) for owner in OWNERS] == before
