"""Names that must fit a limit and stay the same from run to run."""

import hashlib

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
