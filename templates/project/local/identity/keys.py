"""Signing keys in a directory: the newest signs, all that are there are published, so that a rotation can be tried."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.jwk import RSAKey

from local.state import locked

BITS = 2048
"""As Cognito's keys have."""


@dataclass(frozen=True)
class KeyRing:
    """The keys of one issuer; other processes may sign with them and rotate them while the provider runs."""

    directory: Path

    def current(self) -> RSAKey:
        """What signs now; made when there is none yet."""
        files = self._files()
        return _read(files[-1]) if files else self._first()

    def published(self) -> list[dict[str, Any]]:
        """The public halves, as a JWKS lists them."""
        self.current()
        return [{**_read(file).as_dict(private=False), "alg": "RS256", "use": "sig"} for file in self._files()]

    def rotate(self) -> str:
        """Sign with a new key from now on; tokens of the old ones stay good. Returns the new key's id."""
        with locked(self.directory):
            return self._add()

    def retire(self, key_id: str) -> None:
        """Publish a key no more: its tokens are refused once verifiers have looked again."""
        for file in self._files():
            if _read(file).kid == key_id:
                file.unlink()

    def _first(self) -> RSAKey:
        with locked(self.directory):
            if not self._files():
                self._add()
        return _read(self._files()[-1])

    def _add(self) -> str:
        key = RSAKey.generate_key(BITS, auto_kid=True)
        descriptor, temporary = tempfile.mkstemp(dir=self.directory, prefix=".key-")
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.as_pem(private=True))
        # Names sort by age.
        os.replace(temporary, self.directory / f"{time.time_ns():020}.key")
        return str(key.kid)

    def _files(self) -> list[Path]:
        return sorted(self.directory.glob("*.key"))


def _read(file: Path) -> RSAKey:
    key = RSAKey.import_key(file.read_bytes())
    key.ensure_kid()
    return key
