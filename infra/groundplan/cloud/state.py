"""An account kept in a file, so that one command can deploy and a later one refresh, change or destroy."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict  # type: ignore[import-untyped]
from google.protobuf.struct_pb2 import Struct  # type: ignore[import-untyped]

from groundplan.cloud.cloud import Cloud
from groundplan.cloud.item import Item
from groundplan.cloud.wire import decode, encode

_VERSION = 1
_PLAIN = ("urn", "type", "name", "place", "generation", "physical_name", "id", "adopted", "filled")


def save(cloud: Cloud, path: Path) -> None:
    """Write everything that exists; only the user may read it, as it holds passwords. The file is replaced at once."""
    content = {"version": _VERSION, "items": [_written(item) for item in cloud.items.values()]}
    beside = path.with_name(f".{path.name}.new")
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
    beside.replace(path)


def load(cloud: Cloud, path: Path) -> None:
    """Fill an empty account from a file, if there is one.

    Raises ValueError for a file that `save` didn't write.
    """
    if not path.exists():
        return
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != _VERSION:
            raise ValueError(content["version"])
        items = [_read(each) for each in content["items"]]
    except (KeyError, TypeError, ValueError) as wrong:
        raise ValueError(f"{path} holds no simulated account; delete it to begin with an empty one") from wrong
    for item in items:
        if not cloud.named(item.id) or not item.adopted:
            cloud.add(item)


def _written(item: Item) -> dict[str, Any]:
    values = {name: getattr(item, name) for name in _PLAIN}
    return {
        **values,
        "inputs": MessageToDict(encode(item.inputs)),
        "outputs": MessageToDict(encode(item.outputs)),
        "secret_paths": sorted(item.secret_paths),
        "default_tags": dict(item.default_tags),
    }


def _read(content: dict[str, Any]) -> Item:
    item = Item(
        urn=content["urn"],
        type=content["type"],
        name=content["name"],
        place=content["place"],
        inputs=decode(ParseDict(content["inputs"], Struct()))[0],
        secret_paths=frozenset(content["secret_paths"]),
        default_tags=content["default_tags"],
        outputs=decode(ParseDict(content["outputs"], Struct()))[0],
    )
    return dataclasses.replace(item, **{name: content[name] for name in _PLAIN[4:]})
