"""The `random` provider: values that are made once and then kept.

Here they follow from the resource's URN, so that a plan is the same each time it is made.
"""

from __future__ import annotations

import base64
import hashlib
import string
from typing import TYPE_CHECKING

from groundplan.cloud.catalogue.kind import Kind
from groundplan.cloud.item import Item

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

_SPECIAL = "!@#$%&*()-_=+[]{}<>:?"  # random provider: `override_special`


def _text(item: Item, _: Cloud) -> str:
    """A text of the asked length with at least the asked number of each class of characters."""
    classes = {
        "Lower": string.ascii_lowercase if item.get("lower", True) is True else "",
        "Upper": string.ascii_uppercase if item.get("upper", True) is True else "",
        "Numeric": string.digits if item.get("numeric", item.get("number", True)) is True else "",
        "Special": str(item.known("overrideSpecial") or _SPECIAL) if item.get("special", True) is True else "",
    }
    length = item.known("length")
    length = length if isinstance(length, int) else 16
    alphabet = "".join(classes.values()) or string.ascii_lowercase
    needed = [
        letters for name, letters in classes.items() for _ in range(int(item.known(f"min{name}") or 0)) if letters
    ]
    sources = (needed + [alphabet] * length)[:length]
    return "".join(letters[_number(item, index) % len(letters)] for index, letters in enumerate(sources))


def _number(item: Item, index: int) -> int:
    return int(hashlib.sha256(f"{item.seed}#{index}".encode()).hexdigest()[:8], 16)


def _bytes(item: Item) -> bytes:
    length = item.known("byteLength") or item.known("length") or 8
    return hashlib.shake_256(item.seed.encode()).digest(int(length))


def _identifier(form: str) -> object:
    def value(item: Item, _: Cloud) -> str:
        raw = _bytes(item)
        prefix = str(item.known("prefix") or "")
        if form == "hex":
            return prefix + raw.hex()
        if form == "dec":
            return prefix + str(int.from_bytes(raw, "big"))
        if form == "b64Std":
            return prefix + base64.b64encode(raw).decode()
        return prefix + base64.urlsafe_b64encode(raw).decode().rstrip("=")

    return value


def _integer(item: Item, _: Cloud) -> int:
    low, high = int(item.known("min") or 0), int(item.known("max") or 1)
    return low + _number(item, 0) % (high - low + 1)


def _shuffled(item: Item, _: Cloud) -> list[object]:
    given = item.each("inputs")
    order = sorted(range(len(given)), key=lambda index: _number(item, index))
    count = item.known("resultCount")
    return [given[index] for index in order][: count if isinstance(count, int) else None]


_REPLACES_ALL = ("*",)

KINDS = (
    Kind(
        "random:index/randomPassword:RandomPassword",
        id="none",
        outputs={"result": _text, "bcryptHash": "$2a$10${hex53}"},
        replaces=_REPLACES_ALL,
        stateful=True,
    ),
    Kind("random:index/randomString:RandomString", id=_text, outputs={"result": _text}, replaces=_REPLACES_ALL),
    Kind("random:index/randomUuid:RandomUuid", id="{uuid}", outputs={"result": "{uuid}"}, replaces=_REPLACES_ALL),
    Kind(
        "random:index/randomPet:RandomPet",
        id="calm-{hex8}",
        outputs={"separator": "-", "length": 2},
        replaces=_REPLACES_ALL,
    ),
    Kind(
        "random:index/randomInteger:RandomInteger",
        id=lambda item, cloud: str(_integer(item, cloud)),
        outputs={"result": _integer},
        replaces=_REPLACES_ALL,
    ),
    Kind("random:index/randomShuffle:RandomShuffle", id="-", outputs={"results": _shuffled}, replaces=_REPLACES_ALL),
    Kind(
        "random:index/randomId:RandomId",
        id=_identifier("b64Url"),
        outputs={form: _identifier(form) for form in ("hex", "dec", "b64Std", "b64Url")},
        replaces=_REPLACES_ALL,
    ),
    Kind(
        "random:index/randomBytes:RandomBytes",
        id=_identifier("b64Std"),
        outputs={"hex": _identifier("hex"), "base64": _identifier("b64Std")},
        replaces=_REPLACES_ALL,
        stateful=True,
    ),
)
