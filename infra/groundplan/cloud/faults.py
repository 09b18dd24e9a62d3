"""Trouble on demand: calls that fail, and things that change behind the engine's back."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

Call = Literal["create", "read", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One call that goes wrong: the ``nth`` (from 1) of this kind for this type; ``type`` empty: of any type.

    ``refuse`` answers with an error, ``throttle`` as AWS does when it is asked too often, ``hang`` waits ``seconds``
    and then gives up.
    """

    call: Call
    type: str = ""
    nth: int = 1
    kind: Literal["refuse", "throttle", "hang"] = "refuse"
    message: str = "InternalFailure: the service is unavailable"
    seconds: float = 0.0


class Struck(Exception):
    """A call met its fault."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__("ThrottlingException: Rate exceeded" if fault.kind == "throttle" else fault.message)


@dataclass(slots=True)
class Faults:
    """The faults that are still to come; each strikes once."""

    waiting: list[Fault] = field(default_factory=list)
    _calls: Counter[tuple[str, str]] = field(default_factory=Counter)

    def expect(self, *faults: Fault) -> None:
        """Add faults; they count calls from now on."""
        self.waiting.extend(faults)
        self._calls.clear()

    def strike(self, call: Call, token: str) -> None:
        """Count a call. Raises Struck when it is one that shall go wrong."""
        self._calls[call, token] += 1
        self._calls[call, ""] += 1
        for fault in self.waiting:
            if fault.call == call and fault.type in ("", token) and self._calls[call, fault.type] == fault.nth:
                self.waiting.remove(fault)
                if fault.kind == "hang":
                    time.sleep(fault.seconds)
                raise Struck(fault)
