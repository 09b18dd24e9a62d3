"""A mapping of environment variables that records which ones are read."""

from __future__ import annotations

from typing import Any


class Recording(dict[str, str]):
    """``read`` holds the names of the variables that were read."""

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__(variables)
        self.read: set[str] = set()

    def get(self, key: str, default: object = None) -> Any:  # noqa: ANN401
        self.read.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> str:
        self.read.add(key)
        return super().__getitem__(key)
