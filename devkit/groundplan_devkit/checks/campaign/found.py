"""What a campaign has come to: answers by operation and status, faults, and rows that were another's."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Pair = tuple[str, str, str]
"""Service, operation as `GET /api/v1/orders/{id}`, status."""
UNREACHED = {"500"}
"""What a document has and a service must never answer."""


@dataclass
class Found:
    """Of all callers and services."""

    documented: set[Pair] = field(default_factory=set)
    reached: Counter[Pair] = field(default_factory=Counter)
    cases: int = 0
    looked_at: int = 0
    """Rows in answers to callers who may read their own alone."""
    wrong: dict[str, str] = field(default_factory=dict)
    """A fault, and the first request that had it."""

    def document(self, service: str, content: Mapping[str, Any]) -> None:
        self.documented |= {
            (service, f"{method.upper()} {path}", status)
            for path, operations in content["paths"].items()
            for method, operation in operations.items()
            for status in operation["responses"].keys() - UNREACHED
        }

    def answered(self, service: str, operation: str, status: int, example: str = "") -> None:
        """Counts an answer; one of a fault of the server's is kept as a fault."""
        self.cases += 1
        self.reached[service, operation, str(status)] += 1
        if status >= 500 and status != 503:
            self.fault(f"{service} {operation} {status}", example)

    def fault(self, what: str, example: str) -> None:
        self.wrong.setdefault(what, example)

    @property
    def missing(self) -> list[Pair]:
        return sorted(self.documented - self.reached.keys())

    @property
    def share(self) -> float:
        """Of the documented pairs of operation and status that were reached."""
        return 1 - len(self.missing) / len(self.documented)

    def summary(self) -> Iterator[str]:
        yield (
            f"{self.cases:,} requests; {len(self.documented) - len(self.missing)} of {len(self.documented)} documented "
            f"answers reached ({self.share:.1%}); {self.looked_at:,} rows looked at by the oracle; "
            f"{len(self.wrong)} kinds of faults"
        )
        yield from (f"not reached: {' '.join(pair)}" for pair in self.missing)
        yield from (f"FAULT {what}: {example}" for what, example in self.wrong.items())


def items(body: bytes) -> list[dict[str, Any]]:
    """The items of an answer; none where it has none."""
    try:
        data = json.loads(body)["data"]
    except (ValueError, KeyError, TypeError):
        return []
    return [each for each in (data if isinstance(data, list) else [data]) if isinstance(each, dict) and "id" in each]
