"""The form of names, and the plural of a noun."""

from __future__ import annotations

import re
import unicodedata

HYPHENATED = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
IDENTIFIER = "^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
EVENT = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*\.[a-z][a-z0-9]*(_[a-z0-9]+)*$"
COUNTRY = "^[A-Z]{2}$"
LINE = "^[^\\x00-\\x1f\\x7f]*$"
WEB_PAGE = "^https?://[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]+$"
"""What stands in a header and in a document as it is."""
PLAIN = "^[^\\x00-\\x1f\\x7f\\\\:\"'%]+$"

IN_WORDS = {
    HYPHENATED: "lower-case letters, digits and single hyphens between them, starting with a letter",
    IDENTIFIER: "lower-case letters, digits and single underscores between them, starting with a letter",
    EVENT: "`<resource>.<past tense>` in lower case, such as `order.placed`",
    LINE: "one line of text",
    PLAIN: "one line of text without backslashes, colons, quotation marks and percent signs",
    WEB_PAGE: "the address of a page, such as `https://shop.example.com/api/v2`",
    COUNTRY: "two capital letters, an ISO 3166-1 code such as `DE`",
}

# https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain-prefix.html
_REFUSED_IN_PREFIXES = ("aws", "amazon", "cognito")


def refused_prefix_word(name: str) -> str | None:
    """The word in a name that keeps it from being part of a sign-in domain's prefix."""
    return next((word for word in _REFUSED_IN_PREFIXES if word in name), None)


def plural(noun: str) -> str:
    """The English rule: ``orders``, ``boxes``, ``categories``, ``days``. Exceptions are declared (`plural`)."""
    if re.search("[^aeiou]y$", noun):
        return f"{noun[:-1]}ies"
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return f"{noun}es"
    return f"{noun}s"


# Of nouns that services and resources are named after. A list, not a library (inflect): templates, which run no code
# (ADR 9), read the same one from templates/answers/rules.json.
_IRREGULAR = {
    "analysis": "analyses", "appendix": "appendices", "axis": "axes", "basis": "bases", "child": "children",
    "crisis": "crises", "criterion": "criteria", "diagnosis": "diagnoses", "foot": "feet", "goose": "geese",
    "half": "halves", "hypothesis": "hypotheses", "knife": "knives", "leaf": "leaves", "life": "lives", "man": "men",
    "matrix": "matrices", "mouse": "mice", "ox": "oxen", "person": "people", "phenomenon": "phenomena",
    "quiz": "quizzes", "salesperson": "salespeople", "shelf": "shelves", "thesis": "theses", "tooth": "teeth",
    "vertex": "vertices", "wife": "wives", "wolf": "wolves", "woman": "women",
}  # fmt: skip
_WITHOUT_PLURAL = (
    "advice", "aircraft", "baggage", "cash", "clothing", "data", "equipment", "feedback", "fish", "furniture",
    "hardware", "homework", "information", "knowledge", "luggage", "machinery", "mail", "media", "merchandise",
    "metadata", "money", "music", "progress", "research", "series", "sheep", "software", "species", "staff",
    "telemetry", "traffic", "weather",
)  # fmt: skip
IRREGULAR_PLURALS = dict(
    sorted({**_IRREGULAR, **{each: each for each in (*_WITHOUT_PLURAL, *_IRREGULAR.values())}}.items())
)
"""Nouns that `plural` gets wrong, and what is right. `plural` itself stays as it is: paths and tables come of it."""


def irregular_plural(noun: str) -> str | None:
    """What `plural` gets wrong, of the last word of a name with hyphens: ``sales-people`` of ``sales-person``."""
    before, hyphen, last = noun.rpartition("-")
    right = IRREGULAR_PLURALS.get(last)
    return None if right is None else f"{before}{hyphen}{right}"


# What Unicode does not take apart into a letter and its marks.
_LETTERS = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "Ä": "Ae",
        "Ö": "Oe",
        "Ü": "Ue",
        "ß": "ss",
        "æ": "ae",
        "ø": "oe",
        "å": "aa",
        "ł": "l",
    }
    | {
        "Æ": "Ae",
        "Ø": "Oe",
        "Å": "Aa",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
        "œ": "oe",
        "Œ": "Oe",
        "þ": "th",
        "ð": "d",
        "\u0131": "i",
    }
)


def in_latin(name: str) -> str | None:
    """``name`` in the letters a to z, as people of its language write it: ``Groesse``; None for another alphabet."""
    taken_apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", name).translate(_LETTERS))
    plain = "".join(character for character in taken_apart if not unicodedata.combining(character))
    return plain if all(character.isascii() or not character.isalnum() for character in plain) else None


def in_form(pattern: str, name: str) -> str | None:
    """``name`` rewritten in the form that the pattern demands, where that is obvious: ``OrderLine``, ``order_line``."""
    if pattern == COUNTRY:
        candidate = name.strip().upper()
    elif pattern not in (HYPHENATED, IDENTIFIER, EVENT):
        return None
    else:
        separator = "-" if pattern == HYPHENATED else "_"
        kept = "." if pattern == EVENT else ""
        latin = in_latin(name)
        if latin is None:
            return None
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", separator, latin).lower()
        candidate = re.sub(f"[^a-z0-9{re.escape(kept)}]+", separator, words).strip(separator)
        if pattern == EVENT and "." not in candidate:
            candidate = ".".join(candidate.rsplit(separator, 1))
    return candidate if candidate != name and re.search(pattern, candidate) else None
