"""Shortcuts through the SDK while a program is simulated: the same resources for three fifths of the processor's time.

The SDK serves an engine that answers over a network and shows where in the source each resource stands. In a simulated
account each answer is there at once, and no one reads places. `infra/tests/cloud/test_sdk.py` holds that a program
declares the same with and without them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import pulumi
from pulumi import _types, log
from pulumi.output import Unknown, _OutputData
from pulumi.runtime import resource as resources
from pulumi.runtime import rpc, settings
from pulumi.runtime.proto import source_pb2

from groundplan.cloud.wire import Plain


@contextmanager
def shortcuts() -> Iterator[None]:
    """While it holds, the SDK makes resources and outputs the short way."""
    with ExitStack() as changed:
        for owner, name, shorter in (
            (resources, "_get_stack_trace", source_pb2.StackTrace),
            (resources, "create_urn", _create_urn),
            (rpc, "transfer_properties", _transfer_properties),
            (rpc, "contains_unknowns", _contains_unknowns),
            (rpc, "serialize_property", _serialize_property),
            (log, "debug", _say_nothing),
            (pulumi.Output, "_track", _track),
            (pulumi.Output, "_untrack", _untrack),
            *((_types, name, once) for name, once in _ONCE.items()),
        ):
            changed.enter_context(patch.object(owner, name, shorter))
        yield


def _say_nothing(*_: object, **__: object) -> None:
    """Debug messages are for `pulumi --debug`; the SDK writes six of each resource."""


def _track(output: pulumi.Output[Any]) -> None:
    """No lock, as there is one thread; and what is done stays until the program's end, where it is told apart."""
    settings.SETTINGS.outputs.add(output._data)


def _untrack(output: pulumi.Output[Any]) -> None:
    settings.SETTINGS.outputs.discard(output._data)


def _transfer_properties(
    resource: pulumi.Resource, properties: Mapping[str, Plain], custom: bool
) -> dict[str, rpc.Resolver]:
    """A resource's properties as outputs, each of one future. The SDK's have four, and a task that waits for them."""
    loop = asyncio.get_running_loop()
    resolvers: dict[str, rpc.Resolver] = {}
    for name in properties:
        if name == "urn" or (name == "id" and custom):
            continue  # `register_resource` makes them
        data = loop.create_future()
        resolvers[name] = partial(_resolve, resource, data)
        resource.__dict__[name] = pulumi.Output._from_data(data)
    return resolvers


def _resolve(
    resource: pulumi.Resource,
    data: asyncio.Future[Any],
    value: Plain,
    is_known: bool,
    is_secret: bool,
    dependencies: set[pulumi.Resource] | None,
    failed: Exception | None,
) -> None:
    if failed is None:
        data.set_result(_OutputData({*(dependencies or ()), resource}, value, is_known, is_secret))
    else:
        data.set_exception(failed)


def _create_urn(
    name: pulumi.Input[str],
    type_: pulumi.Input[str],
    parent: pulumi.Resource | pulumi.Input[str] | None = None,
    project: str | None = None,
    stack: str | None = None,
) -> pulumi.Output[str]:
    """Of texts at once. The SDK makes half a dozen outputs for each resource's, and then uses the engine's answer."""
    if isinstance(name, str) and isinstance(type_, str) and isinstance(parent, str):
        return pulumi.Output.from_input(f"{parent[: parent.rfind('::')]}${type_}::{name}")
    return _original_create_urn(name, type_, parent, project, stack)


_original_create_urn = resources.create_urn

_PLAIN = frozenset({str, int, float, bool, type(None)})


def _contains_unknowns(value: Plain) -> bool:
    """Without a function of its own for each value: the SDK's refer to themselves, and are the collector's to find."""
    left, seen = [value], set[int]()
    while left:
        each = left.pop()
        if type(each) in _PLAIN or id(each) in seen:
            continue
        if isinstance(each, Unknown):
            return True
        if isinstance(each, dict):
            left.extend(each[key] for key in each)
        elif isinstance(each, list):
            left.extend(each)
        seen.add(id(each))
    return False


def _serialize_property(value: Plain, *arguments: Plain, **named: Plain) -> Awaitable[Any]:
    """The SDK asks of each text and number whether it is one of a dozen other things."""
    if type(value) in _PLAIN and not named:
        return _itself(value)
    return _original_serialize_property(value, *arguments, **named)


async def _itself(value: Plain) -> Plain:
    return value


_original_serialize_property = rpc.serialize_property


def _once(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Computed once for each type. By identity: unions of another order are equal, and unwrapped differently."""
    found: dict[int, tuple[Any, Any]] = {}

    def remembered(type_: Plain) -> Plain:
        held = found.get(id(type_))
        if held is None:
            held = found[id(type_)] = (type_, function(type_))
        return held[1]

    return remembered


_ONCE = {
    name: _once(getattr(_types, name))
    for name in (
        "unwrap_type",
        "unwrap_optional_type",
        "resource_types",
        "resource_pulumi_to_py_names",
        "input_type_py_to_pulumi_names",
    )
}
