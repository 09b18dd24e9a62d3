"""Names that fit a limit and are the same in every run."""

import hashlib
import re

from groundplan_components.shared.checks import require

_DIGEST = 8
AUTONAME = 8
"""Characters that Pulumi adds to a logical name: a hyphen and seven hexadecimal digits."""


def bounded(name: str, limit: int) -> str:
    """``name``, or its beginning and a digest of the whole when it is longer than ``limit`` characters.

    Two names that differ only in what was cut off stay different, and a name never depends on other names.
    """
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
    return f"{name[: limit - _DIGEST - 1].rstrip('-_.')}-{digest}"


def autonamed(name: str, limit: int) -> str:
    """A logical name whose physical name, with what Pulumi adds to it, is at most ``limit`` characters long."""
    return bounded(name, limit - AUTONAME)


# RDS identifiers have 63 characters: a name of 40 leaves room for a random suffix and `-replica-15`.
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
NAME_LENGTH = 40


def require_name(component: str, name: str, longest: int = NAME_LENGTH) -> None:
    require(
        NAME.fullmatch(name) is not None and len(name) <= longest,
        component,
        "name",
        name,
        f"lower-case letters, digits and single hyphens, a letter first, at most {longest} characters",
        "shorten the name: AWS's identifiers carry it with a suffix",
    )
