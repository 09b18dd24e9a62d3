"""Redaction of logs: secrets by their shape, and fields by their names (S5, `personal` in system.yaml)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

HIDDEN: Final = "[hidden]"
LONGEST_TEXT: Final = 4096
"""Most characters of one value; longer ones are cut. A log event in CloudWatch may have a mebibyte."""
DEEPEST: Final = 5
"""Deepest nesting of a logged value."""
MOST_ITEMS: Final = 100
"""Most logged entries of one list or mapping."""

SECRET_FIELDS: Final = frozenset(
    {
        "access_key",
        "api_key",
        "apikey",
        "authorization",
        "client_secret",
        "cookie",
        "credentials",
        "id_token",
        "access_token",
        "refresh_token",
        "jwt",
        "passwd",
        "password",
        "private_key",
        "proxy_authorization",
        "secret",
        "secret_access_key",
        "secret_key",
        "secret_string",
        "session_token",
        "set_cookie",
        "token",
    }
)
PERSONAL_FIELDS: Final = frozenset(
    {
        "address",
        "birth_date",
        "birthday",
        "card_number",
        "date_of_birth",
        "email",
        "email_address",
        "first_name",
        "full_name",
        "iban",
        "last_name",
        "phone",
        "phone_number",
        "postcode",
        "street",
    }
)
"""Fields that are personal in every service; a service adds those that its declaration calls personal."""

_SHAPES: Final = re.compile(
    r"""
    (?P<jwt>\beyJ[A-Za-z0-9_-]{5,}+\.[A-Za-z0-9_-]{5,}+\.[A-Za-z0-9_-]*+)
    | (?P<bearer>\b(?:Bearer|Basic)\s++[A-Za-z0-9._~+/=-]{8,})
    | (?P<key>\b(?:AKIA|ASIA)[A-Z0-9]{16}\b)
    | (?P<pem>-----BEGIN[ A-Z]*PRIVATE[ ]KEY-----.*?(?:-----END[ A-Z]*PRIVATE[ ]KEY-----|$))
    | (?P<url>(?<=://)[^\s/@:]*+:[^\s/@]++(?=@))
    | (?P<email>(?<![\w.%+!\#$*^~-])[\w.%+!\#$*^~-]++@[\w-]++(?:\.[\w-]++)++)
    | (?P<named>(?<![A-Za-z:])(?:password|passwd|secret|token|api[_-]?key)["']?+\s*+[=:]\s*+["']?+
        (?P<value>[^\s"',;&)}]++))
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_QUOTED: Final = re.compile(r"""'(?:[^'\\]++|\\.)*+'|"(?:[^"\\]++|\\.)*+"|`[^`]*+`""", re.DOTALL)
_QUOTE: Final = re.compile("['\"`]")
_OF_PROGRAMS: Final = (AttributeError, ImportError, NameError, OSError, TypeError)
"""Errors that quote names of the program and of the machine, and no values that it works with."""
_DATABASE: Final = "asyncpg"

# None of the shapes is without one of these: most texts are done with a look at each.
_SIGNS: Final = re.compile(r"eyJ|@|bearer|basic|akia|asia|-----|passw|secret|token|api[_-]?key", re.IGNORECASE)
_ASCII_SIGNS: Final = (
    *("eyj", "@", "bearer", "basic", "akia", "asia", "-----", "passw", "secret", "token"),
    *("apikey", "api_key", "api-key"),
)
"""The same in lower case, for texts in ASCII: a fifth of the time."""
# JSON escapes what lies below U+0020. Terminals and some log readers also act on these: delete, C1 control codes, line
# and paragraph separators, marks that reverse the direction of text, and halves of pairs that are no text at all.
_ACTIVE: Final = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


class Redaction:
    """The redaction rules for logged values."""

    def __init__(self, personal_fields: Iterable[str] = ()) -> None:
        self._hidden = SECRET_FIELDS | PERSONAL_FIELDS | {_plain(name) for name in personal_fields}

    def hides(self, field: str) -> bool:
        """Whether a field's value is never shown, by its name."""
        return _plain(field) in self._hidden

    def value(self, value: object, depth: int = 0) -> object:
        """The value as it may be shown: of plain types, bounded, without what is hidden."""
        match value:
            case None | bool() | int() | float():
                return value if not isinstance(value, float) or abs(value) < float("inf") else str(value)
            case str():
                return self.text(value)
            case bytes() | bytearray() | memoryview():
                return f"{len(value)} bytes"
        if depth >= DEEPEST:
            return "…"
        if isinstance(value, Mapping):
            shown = list(value.items())[:MOST_ITEMS]
            return {
                self.text(str(key)): HIDDEN if self.hides(str(key)) else self.value(each, depth + 1)
                for key, each in shown
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(each, depth + 1) for each in list(value)[:MOST_ITEMS]]
        return self.text(str(value))

    def text(self, text: str) -> str:
        """The text without secrets, addresses of e-mail, and characters that act on what shows it; cut when long."""
        if len(text) > LONGEST_TEXT:
            text = f"{text[:LONGEST_TEXT]}… ({len(text)} characters)"
        if _signs(text):
            text = _SHAPES.sub(_hide, text)
        if not text.isascii() or "\x7f" in text:
            text = _ACTIVE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
        return text

    def error(self, error: BaseException) -> str:
        """An error's text, without values that it may quote.

        PostgreSQL's own errors quote whole rows ("Failing row contains (…)"): of them there is the code alone.
        """
        if type(error).__module__.partition(".")[0] == _DATABASE:
            return str(getattr(error, "sqlstate", None) or HIDDEN)
        said = str(error)
        if isinstance(error, _OF_PROGRAMS):
            return self.text(said)
        if len(said) <= LONGEST_TEXT:
            return self.text(_QUOTED.sub(HIDDEN, said))
        # Cut first: values are what makes it long, and looking for the ends of quotes may take the square of it. A
        # quote whose end is cut off is hidden from its beginning.
        found = _QUOTE.split(_QUOTED.sub(HIDDEN, said[:LONGEST_TEXT]), maxsplit=1)[0]
        return f"{self.text(found)}… ({len(said)} characters)"


def _signs(text: str) -> bool:
    if not text.isascii():
        return _SIGNS.search(text) is not None
    lower = text.lower()
    return any([sign in lower for sign in _ASCII_SIGNS])  # noqa: C419  a generator costs more than it saves


def _hide(found: re.Match[str]) -> str:
    value = found["value"]
    return found[0].replace(value, HIDDEN) if value else HIDDEN


@lru_cache(maxsize=1024)
def _plain(name: str) -> str:
    """``Set-Cookie``, ``setCookie`` and ``set_cookie`` are one name."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
