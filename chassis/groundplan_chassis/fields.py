"""Types of fields on the wire, for the Structs of a service's resources.

    class OrderBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        status: Literal["placed", "paid"]
        total: Annotated[Decimal, number(scale=2, minimum=0)]
        quantity: Annotated[int, msgspec.Meta(ge=1, le=1000)]
        placed_at: Timestamp
        note: Annotated[str, text(blank=False), msgspec.Meta(max_length=255)] | None = None

The body's check and the OpenAPI document both read them. Decimals, UUIDs, dates and timestamps travel as strings: a
JSON number loses digits in most clients.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec

UUID_PATTERN: Final = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
DATE_PATTERN: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
TIMESTAMP_PATTERN: Final = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$"
)
DECIMAL_PATTERN: Final = "^-?[0-9]{1,18}(\\.[0-9]{1,10})?$"
"""The patterns by which the gateway validates bodies (`groundplan.program.body_schemas`); a test compares both."""

_LABEL: Final = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ATOM: Final = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_HOST: Final = f"{_LABEL}(\\.{_LABEL})+"
_URI_CHARACTERS: Final = "([A-Za-z0-9._~:/?#\\[\\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})"
FORMATS: Final[dict[str, str]] = {
    "email": f"^{_ATOM}(\\.{_ATOM})*@{_HOST}$",
    "uri": f"^[A-Za-z][A-Za-z0-9+.-]*:{_URI_CHARACTERS}+$",
    "url": f"^https?://{_HOST}(:[0-9]{{1,5}})?([/?#]{_URI_CHARACTERS}*)?$",
    "hostname": f"^{_HOST}$",
    "phone": "^\\+[1-9][0-9]{1,14}$",
    "country": "^[A-Z]{2}$",
    "currency": "^[A-Z]{3}$",
    "language": "^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$",
}
"""What the whole of a text of a known format matches; as `groundplan.declaration.text_rules` has it for the gateway and
the database."""
VISIBLE: Final = (
    "[^\\u0001-\\u0020\\u007f-\\u00a0\\u00ad\\u034f\\u061c\\u115f\\u1160\\u1680\\u17b4\\u17b5\\u180b-\\u180f\\u2000-\\u200f"
    "\\u2028-\\u202f\\u205f-\\u206f\\u2800\\u3000\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufff8]"
)
"""Found in every text that is not blank."""

DECIMAL_PRECISION: Final = 19
"""Digits of a `numeric` column, before and after the point together."""
SMALLEST_INTEGER: Final = -(2**63)
LARGEST_INTEGER: Final = 2**63 - 1
"""Bounds of a `bigint` column."""

Timestamp = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment, with its offset from UTC."""
Day = date
"""A calendar day."""
JsonObject = dict[str, Any]
"""Any JSON object."""


def decimal_pattern(scale: int | None, *, negative: bool) -> str:
    """Pattern of a decimal that a `numeric` column with this scale stores without rounding."""
    whole = 18 if scale is None else min(18, DECIMAL_PRECISION - scale)
    part = 10 if scale is None else scale
    sign = "-?" if negative else ""
    fraction = f"(\\.[0-9]{{1,{part}}})?" if part else ""
    return f"^{sign}[0-9]{{1,{whole}}}{fraction}$"


def number(scale: int = 2, minimum: float | str | None = None, maximum: float | str | None = None) -> msgspec.Meta:
    """Annotation of a Decimal: scale (digits after the point) and inclusive bounds."""
    rules: dict[str, Any] = {"scale": scale}
    if minimum is not None:
        rules["minimum"] = Decimal(str(minimum))
    if maximum is not None:
        rules["maximum"] = Decimal(str(maximum))
    return msgspec.Meta(extra=rules)


def text(*, format: str | None = None, pattern: str | None = None, blank: bool = True) -> msgspec.Meta:
    """Annotation of a str: a known format, or a regular expression that the whole value matches; ``blank=False``: there
    is a visible character in it. Raises KeyError for an unknown format."""
    patterns = [] if format is None else [FORMATS[format]]
    if pattern is not None:
        patterns.append(f"^({pattern})$")
    if not blank and format is None:
        patterns.append(VISIBLE)
    rules: dict[str, Any] = {"patterns": tuple(patterns)}
    if format is not None:
        rules["format"] = format
    return msgspec.Meta(extra=rules)
