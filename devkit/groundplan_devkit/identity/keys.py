"""Signing keys in a directory: the newest one signs, all are published, so that rotations can be tested."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from groundplan_devkit.state import locked, write_privately

BITS = 2048
"""As Cognito's keys have."""


@dataclass(frozen=True)
class SigningKey:
    id: str
    """Its thumbprint (RFC 7638): the same key has the same id."""
    private: rsa.RSAPrivateKey

    def public(self) -> dict[str, Any]:
        """As a JWKS lists it."""
        return {**_public_members(self.private), "kid": self.id, "alg": "RS256", "use": "sig"}


@dataclass(frozen=True)
class KeyRing:
    """The keys of one issuer; other processes may sign with them and rotate them while the provider runs."""

    directory: Path

    def current(self) -> SigningKey:
        """The current signing key; created when there is none."""
        files = self._files()
        return _read(files[-1]) if files else self._first()

    def published(self) -> list[dict[str, Any]]:
        """The public halves, as a JWKS lists them."""
        self.current()
        return [_read(file).public() for file in self._files()]

    def rotate(self) -> str:
        """Sign with a new key from now on; tokens of the old ones stay good. Returns the new key's id."""
        with locked(self.directory):
            return self._add()

    def retire(self, key_id: str) -> None:
        """Withdraw a key: its tokens are refused once verifiers have fetched the keys again."""
        for file in self._files():
            if _read(file).id == key_id:
                file.unlink()

    def _first(self) -> SigningKey:
        with locked(self.directory):
            if not self._files():
                self._add()
        return _read(self._files()[-1])

    def _add(self) -> str:
        key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        # Names sort by age.
        write_privately(self.directory / f"{time.time_ns():020}.key", pem)
        return _key_id(key)

    def _files(self) -> list[Path]:
        return sorted(self.directory.glob("*.key"))


def _read(file: Path) -> SigningKey:
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return SigningKey(_key_id(key), key)


def _public_members(key: rsa.RSAPrivateKey) -> dict[str, Any]:
    members = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {name: members[name] for name in ("kty", "n", "e")}


def _key_id(key: rsa.RSAPrivateKey) -> str:
    canonical = json.dumps(_public_members(key), sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()
