"""Values between the engine's wire format and plain Python."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from google.protobuf.struct_pb2 import Struct  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from groundplan.cloud.wire import OUTPUT, RESOURCE, SIGNATURE, UNKNOWN, decode, encode, same_content

scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.just(UNKNOWN)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=8), values, max_size=5))
def test_plain_values_come_back_as_they_were(properties: dict[str, Any]) -> None:
    back, secrets = decode(encode(properties))
    assert back == properties
    assert secrets == frozenset()


def test_whole_numbers_are_whole_again() -> None:
    back, _ = decode(encode({"count": 3, "share": 0.5}))
    assert back == {"count": 3, "share": 0.5}
    assert isinstance(back["count"], int)


def test_secrets_are_found_where_they_are() -> None:
    properties = {"password": "x", "env": [{"name": "A", "value": "b"}], "tags": {"k": "v"}}
    back, secrets = decode(encode(properties, secret=["password", "env[0].value", "tags"]))
    assert back == properties
    assert secrets == {"password", "env[0].value", "tags"}


def test_outputs_that_are_not_known_are_unknown() -> None:
    struct = Struct()
    struct.update({"a": {SIGNATURE: OUTPUT}, "b": {SIGNATURE: OUTPUT, "value": 1, "secret": True}})
    back, secrets = decode(struct)
    assert back == {"a": UNKNOWN, "b": 1}
    assert secrets == {"b"}


def test_a_resource_stands_for_its_id() -> None:
    struct = Struct()
    struct.update(
        {"a": {SIGNATURE: RESOURCE, "urn": "urn:a", "id": "vpc-1"}, "b": {SIGNATURE: RESOURCE, "urn": "urn:b"}}
    )
    assert decode(struct)[0] == {"a": "vpc-1", "b": "urn:b"}


def test_what_nobody_knows_is_refused() -> None:
    struct = Struct()
    struct.update({"a": {SIGNATURE: "0000"}})
    with pytest.raises(ValueError, match="a carries the unknown signature 0000"):
        decode(struct)
    with pytest.raises(TypeError, match="a object has no wire form"):
        encode({"a": object()})


@pytest.mark.parametrize(
    "content",
    [
        pulumi.StringAsset("text"),
        pulumi.FileAsset("main.py"),
        pulumi.RemoteAsset("https://example.com/a"),
        pulumi.FileArchive("code"),
        pulumi.RemoteArchive("https://example.com/a.zip"),
        pulumi.AssetArchive({"main.py": pulumi.StringAsset("text"), "lib": pulumi.FileArchive("lib")}),
    ],
    ids=lambda content: type(content).__name__,
)
def test_files_come_back_as_they_were(content: pulumi.Asset | pulumi.Archive) -> None:
    back, _ = decode(encode({"code": content}))
    assert type(back["code"]) is type(content)
    assert same_content(back["code"], content)
    assert not same_content(back["code"], pulumi.StringAsset("other"))


def test_files_with_the_same_hash_are_the_same() -> None:
    first, second = Struct(), Struct()
    for struct, path in ((first, "one"), (second, "two")):
        struct.CopyFrom(encode({"code": pulumi.FileArchive(path)}))
        struct.fields["code"].struct_value.fields["hash"].string_value = "abc"
    assert same_content(decode(first)[0]["code"], decode(second)[0]["code"])
