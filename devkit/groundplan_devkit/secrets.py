"""Passwords of local servers: created once for a state directory, readable by its owner only."""

from __future__ import annotations

import secrets
from pathlib import Path

import msgspec

from groundplan_devkit.state import locked, write_privately

LENGTH = 32


def password(directory: Path, purpose: str) -> str:
    """The password for a purpose, the same for all processes; letters and digits only, so that nothing needs quotes."""
    file = directory / "passwords.json"
    with locked(directory, "passwords"):
        known = msgspec.json.decode(file.read_bytes(), type=dict[str, str]) if file.exists() else {}
        if purpose not in known:
            alphabet = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
            known[purpose] = "".join(secrets.choice(alphabet) for _ in range(LENGTH))
            write_privately(file, msgspec.json.encode(known))
        return known[purpose]
