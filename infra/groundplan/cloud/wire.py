"""Property values between Pulumi's wire format (protobuf) and plain Python.

The SDK's own converters need an event loop in the calling thread and lose which values were secret; these are plain
functions that keep it. The signatures are those of the engine (sdk/go/common/resource/properties.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import Any, Final, NoReturn, TypeVar

import pulumi
from google.protobuf.struct_pb2 import ListValue, NullValue, Struct, Value  # type: ignore[import-untyped]
from pulumi.runtime import rpc

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  a type's signature, not a secret
ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
RESOURCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"

T = TypeVar("T")


class NotKnown(Exception):
    """A look into a value that exists only once something is deployed."""


_met: ContextVar[bool] = ContextVar("_met", default=False)


class Unknown:
    """A value that exists only once something is deployed (preview). `until_unknown` knows of each look at it."""

    _only: Unknown | None = None

    def __new__(cls) -> Unknown:
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def meet(self) -> None:
        _met.set(True)

    def __repr__(self) -> str:
        self.meet()
        return "<unknown>"

    def __bool__(self) -> bool:
        self.meet()
        return True

    def __eq__(self, other: object) -> bool:
        self.meet()
        return self is other

    def __hash__(self) -> int:
        self.meet()
        return id(self)

    def get(self, *_: object) -> NoReturn:
        """As all that looks into it: raises NotKnown."""
        raise NotKnown

    items = keys = values = __contains__ = __getitem__ = __iter__ = __len__ = get


def until_unknown(found: Iterable[T]) -> list[T]:
    """What a generator yields before it has met a value that is not known yet."""
    before = _met.set(False)
    said = []
    try:
        for each in found:
            if _met.get():
                break
            said.append(each)
    except NotKnown:
        pass
    finally:
        _met.reset(before)
    return said


UNKNOWN: Final = Unknown()

CONTENT: Final = (pulumi.Asset, pulumi.Archive)

Plain = Any
"""A plain value: None, bool, int, float, str, list, dict, `Unknown`, or Pulumi's Asset and Archive."""


def decode(struct: Struct) -> tuple[dict[str, Plain], frozenset[str]]:
    """Plain properties, and the paths of those that were secret."""
    secrets: list[str] = []
    values = {key: _plain(value, key, secrets) for key, value in struct.fields.items()}
    return values, frozenset(secrets)


def _plain(value: Value, path: str, secrets: list[str]) -> Plain:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        return UNKNOWN if text == rpc.UNKNOWN else text
    if kind == "struct_value":
        fields = value.struct_value.fields
        if SIGNATURE in fields:
            return _special(fields, path, secrets)
        return {key: _plain(inner, f"{path}.{key}", secrets) for key, inner in fields.items()}
    if kind == "list_value":
        return [_plain(inner, f"{path}[{index}]", secrets) for index, inner in enumerate(value.list_value.values)]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    return None


def _special(fields: Mapping[str, Value], path: str, secrets: list[str]) -> Plain:
    signature = fields[SIGNATURE].string_value
    if signature == SECRET:
        secrets.append(path)
        return _plain(fields["value"], path, [])
    if signature == OUTPUT:
        if "secret" in fields and fields["secret"].bool_value:
            secrets.append(path)
        return _plain(fields["value"], path, secrets) if "value" in fields else UNKNOWN
    if signature == RESOURCE:
        return _plain(fields["id"], path, secrets) if "id" in fields else fields["urn"].string_value
    if signature in (ASSET, ARCHIVE):
        return _content(signature, fields, path, secrets)
    raise ValueError(f"{path} carries the unknown signature {signature}")


def _content(signature: str, fields: Mapping[str, Value], path: str, secrets: list[str]) -> Plain:
    """An asset or archive; the engine says its hash, which tells whether it changed."""
    content: Any
    if "assets" in fields:
        inside = fields["assets"].struct_value.fields
        content = pulumi.AssetArchive({name: _plain(each, path, secrets) for name, each in inside.items()})
    elif "text" in fields:
        content = pulumi.StringAsset(fields["text"].string_value)
    elif "path" in fields:
        local = pulumi.FileAsset if signature == ASSET else pulumi.FileArchive
        content = local(fields["path"].string_value)
    else:
        remote = pulumi.RemoteAsset if signature == ASSET else pulumi.RemoteArchive
        content = remote(fields["uri"].string_value)
    content.hash = fields["hash"].string_value if "hash" in fields else ""
    return content


def same_content(one: object, other: object) -> bool:
    """Whether two assets or archives hold the same."""
    hashes = getattr(one, "hash", ""), getattr(other, "hash", "")
    if all(hashes):
        return hashes[0] == hashes[1]
    return bool(_asset(one) == _asset(other))


def encode(values: Mapping[str, Plain], secret: Iterable[str] = ()) -> Struct:
    """The wire form of plain properties; those named in ``secret`` (top-level keys or paths) are wrapped as secrets."""
    marked = frozenset(secret)
    return Struct(fields={key: value_of(each, key, marked) for key, each in values.items()})


def value_of(value: Plain, path: str = "", secret: frozenset[str] = frozenset()) -> Value:
    if path in secret:
        inner = value_of(value)
        return Value(
            struct_value=Struct(fields={SIGNATURE: Value(string_value=SECRET), "value": inner}),
        )
    if value is None:
        return Value(null_value=NullValue.NULL_VALUE)
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, (int, float)):
        return Value(number_value=value)
    if isinstance(value, str):
        return Value(string_value=value)
    if isinstance(value, Unknown):
        return Value(string_value=rpc.UNKNOWN)
    if isinstance(value, Mapping):
        fields = {key: value_of(each, f"{path}.{key}", secret) for key, each in value.items()}
        return Value(struct_value=Struct(fields=fields))
    if isinstance(value, (list, tuple)):
        each_value = [value_of(each, f"{path}[{index}]", secret) for index, each in enumerate(value)]
        return Value(list_value=ListValue(values=each_value))
    return _asset(value)


def _asset(value: object) -> Value:
    if isinstance(value, pulumi.StringAsset):
        return _signed(ASSET, text=value.text)
    if isinstance(value, pulumi.FileAsset):
        return _signed(ASSET, path=str(value.path))
    if isinstance(value, pulumi.RemoteAsset):
        return _signed(ASSET, uri=value.uri)
    if isinstance(value, pulumi.FileArchive):
        return _signed(ARCHIVE, path=value.path)
    if isinstance(value, pulumi.RemoteArchive):
        return _signed(ARCHIVE, uri=value.uri)
    if isinstance(value, pulumi.AssetArchive):
        return _signed(ARCHIVE, assets=value.assets)
    raise TypeError(f"a {type(value).__name__} has no wire form")


def _signed(signature: str, **content: Plain) -> Value:
    return value_of({SIGNATURE: signature, **content})
