"""Whose resources: a system and a stack, and the names and paths in IAM that say so."""

from __future__ import annotations

from dataclasses import dataclass

DELIVERY_PATH = "/delivery/"
"""Path of what makes the pipeline: no pipeline may write there."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose resources these are."""

    system: str
    stack: str

    @property
    def name(self) -> str:
        return f"{self.system}-{self.stack}"

    @property
    def path(self) -> str:
        """Of the roles that the stack declares: no system's or stack's name holds a slash."""
        return f"/{self.system}/{self.stack}/"

    @property
    def boundary(self) -> str:
        return f"{DELIVERY_PATH.lstrip('/')}{self.name}-boundary"

    @property
    def pipeline(self) -> str:
        return f"{DELIVERY_PATH.lstrip('/')}{self.name}-pipeline"

    @property
    def reader(self) -> str:
        return f"{DELIVERY_PATH.lstrip('/')}{self.name}-reader"

    @property
    def administrators(self) -> str:
        return f"{DELIVERY_PATH.lstrip('/')}{self.name}-administrators"
