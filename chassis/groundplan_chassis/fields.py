"""Types of fields on the wire, for the Structs of a service's resources.

    class OrderBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        status: Literal["placed", "paid"]
        total: Annotated[Decimal, number(scale=2, minimum=0)]
        quantity: Annotated[int, msgspec.Meta(ge=1, le=1000)]
        placed_at: Timestamp
        note: Annotated[str, msgspec.Meta(max_length=255)] | None = None

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
