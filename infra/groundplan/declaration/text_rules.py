"""Rules on a text's form, as regular expressions that Python, PostgreSQL, JSON Schema and the gateway read alike.

The chassis has the same expressions in `groundplan_chassis.fields`, and `templates/answers/text-rules.jinja` for
migrations; tests compare all three.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class TextFormat(StrEnum):
    EMAIL = "email"
    """local-part@domain, in ASCII (RFC 5321 without quoted parts and address literals)."""
    URI = "uri"
    """An absolute URI (RFC 3986)."""
    URL = "url"
    """An https or http address with a host."""
    HOSTNAME = "hostname"
    """RFC 1123, with at least one dot."""
    PHONE = "phone"
    """E.164: + and 2 to 15 digits."""
    COUNTRY = "country"
    """ISO 3166-1 alpha-2, such as DE."""
    CURRENCY = "currency"
    """ISO 4217, such as EUR."""
    LANGUAGE = "language"
    """BCP 47, language with an optional script and region, such as en or pt-BR."""


_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_HOST = f"{_LABEL}(\\.{_LABEL})+"
_URI_CHARACTERS = "([A-Za-z0-9._~:/?#\\[\\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})"

FORMATS: Final[dict[TextFormat, str]] = {
    TextFormat.EMAIL: f"^{_ATOM}(\\.{_ATOM})*@{_HOST}$",
    TextFormat.URI: f"^[A-Za-z][A-Za-z0-9+.-]*:{_URI_CHARACTERS}+$",
    TextFormat.URL: f"^https?://{_HOST}(:[0-9]{{1,5}})?([/?#]{_URI_CHARACTERS}*)?$",
    TextFormat.HOSTNAME: f"^{_HOST}$",
    TextFormat.PHONE: "^\\+[1-9][0-9]{1,14}$",
    TextFormat.COUNTRY: "^[A-Z]{2}$",
    TextFormat.CURRENCY: "^[A-Z]{3}$",
    TextFormat.LANGUAGE: "^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$",
}
"""What the whole value matches."""

SHORTEST: Final[dict[TextFormat, int]] = {
    TextFormat.EMAIL: 5,
    TextFormat.URI: 3,
    TextFormat.URL: 10,
    TextFormat.HOSTNAME: 3,
    TextFormat.PHONE: 3,
    TextFormat.COUNTRY: 2,
    TextFormat.CURRENCY: 3,
    TextFormat.LANGUAGE: 2,
}
"""Characters of the shortest value that has the form."""

VISIBLE: Final = (
    "[^\\u0001-\\u0020\\u007f-\\u00a0\\u00ad\\u034f\\u061c\\u115f\\u1160\\u1680\\u17b4\\u17b5\\u180b-\\u180f\\u2000-\\u200f"
    "\\u2028-\\u202f\\u205f-\\u206f\\u2800\\u3000\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufff8]"
)
"""Found in every text that is not blank: anything but control characters, white space, and what has no shape of its own
(Unicode 16, White_Space and Default_Ignorable_Code_Point, in the basic plane, and the blank of Braille)."""


ASCII: Final = frozenset(TextFormat)
"""Formats whose values are ASCII: case is the only difference that there can be."""


def expressions(form: TextFormat | None, pattern: str | None, *, blank: bool) -> list[str]:
    """What each value of a field is found to match."""
    found = [] if form is None else [FORMATS[form]]
    if pattern is not None:
        found.append(whole(pattern))
    # No format takes a blank.
    if not blank and form is None:
        found.append(VISIBLE)
    return found


def whole(pattern: str) -> str:
    """A declared pattern as an expression that matches the whole value."""
    return f"^({pattern})$"
