"""The ledger: the clients' record of their requests, which the verdict compares with the services' data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from time import monotonic
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that ended otherwise than it should: when, in seconds since the beginning, what was tried, and what
    came instead, which is a status or the class of an error of the connection."""

    at: float
    action: str
    kind: str

    @property
    def refused(self) -> bool:
        """The service refused the request; its connection did not break."""
        return self.kind.isdigit()


@dataclass(slots=True)
class Ledger:
    """Of all clients together."""

    acknowledged: dict[UUID, UUID] = field(default_factory=dict)
    """The write's key to the id of the row that the service said it made."""
    given_up: list[UUID] = field(default_factory=list)
    """Keys of writes that were never acknowledged."""
    failures: list[Failure] = field(default_factory=list)
    attempts: int = 0
    begun: float = field(default_factory=monotonic)

    @property
    def now(self) -> float:
        return monotonic() - self.begun

    def failed(self, action: str, kind: str) -> None:
        self.failures.append(Failure(self.now, action, kind))

    def between(self, start: float, end: float) -> list[Failure]:
        return [each for each in self.failures if start <= each.at < end]


def counted(failures: list[Failure]) -> str:
    """`12 x write 503, 3 x read ConnectError`; empty for none."""
    kinds = Counter(f"{each.action} {each.kind}" for each in failures)
    return ", ".join(f"{count} x {kind}" for kind, count in sorted(kinds.items()))
