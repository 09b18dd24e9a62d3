"""Deprecated names: they work for one minor version and warn with the name that replaces them."""

from __future__ import annotations

import warnings


class ChassisDeprecationWarning(DeprecationWarning):
    """A service uses a name that a later chassis no longer has."""


def warn_renamed(old: str, new: str, *, removed_in: str, stacklevel: int = 2) -> None:
    """Warns at the caller of the calling function; ``removed_in``: distribution and version that no longer has it."""
    message = f"{old} is deprecated and leaves with {removed_in}: use {new}"
    warnings.warn(message, ChassisDeprecationWarning, stacklevel=stacklevel + 1)
