"""Trouble on demand: calls that fail, and things that change behind the engine's back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Call = Literal["create", "read", "update", "delete"]
Kind = Literal["refuse", "throttle", "hang", "lost"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One call that goes wrong: the ``nth`` (from 1) of this kind for this type and URN; what is empty is any.

    ``refuse`` answers with an error, ``throttle`` as AWS does when it is asked too often, ``hang`` waits ``seconds``
    and then gives up. ``lost`` does what was asked, and its answer never arrives.
    """

    call: Call
    type: str = ""
    nth: int = 1
    kind: Kind = "refuse"
    message: str = "InternalFailure: the service is unavailable"
    seconds: float = 0.0
    urn: str = ""
    """The URN, or how it ends: a logical name."""

    def meets(self, call: Call, token: str, urn: str) -> bool:
        return self.call == call and self.type in ("", token) and (not self.urn or f"::{urn}".endswith(f"::{self.urn}"))


class Struck(Exception):
    """A call met its fault."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(_WORDS.get(fault.kind, fault.message))


_WORDS = {
    "throttle": "https response error StatusCode: 400, api error ThrottlingException: Rate exceeded",
    "lost": "https response error StatusCode: 0, request send failed, read: connection reset by peer",
}
"""As AWS's SDK for Go says it."""


@dataclass(slots=True)
class Faults:
    """The faults that are still to come; each strikes once."""

    waiting: list[Fault] = field(default_factory=list)
    struck: list[Fault] = field(default_factory=list)
    every: Kind | Callable[[Call, str], Kind] | None = None
    """How every call goes wrong the first time that it is made for a URN, or what tells that of a call and a URN; None:
    as `waiting` says."""
    retried: bool = True
    """A creation whose answer is lost is found by the next attempt, as a provider's own retry finds it: by its token or
    its name. False: the next attempt is a new call, which makes another one or is refused."""
    once: set[tuple[Call, str]] = field(default_factory=set)
    """Calls and URNs that have gone wrong so."""
    _calls: Counter[Fault] = field(default_factory=Counter)

    def expect(self, *faults: Fault) -> None:
        """Add faults; they count calls from now on."""
        self.waiting.extend(faults)
        self._calls.clear()

    def strike(self, call: Call, token: str, urn: str = "") -> Struck | None:
        """Count a call. Raises Struck when it shall go wrong, and returns that when only its answer is lost."""
        if self.every is not None and call != "read" and (call, urn) not in self.once:
            self.once.add((call, urn))
            kind = self.every(call, urn) if callable(self.every) else self.every
            struck = Struck(Fault(call, token, kind=kind, urn=urn))
            if kind == "lost":
                return struck
            raise struck
        met = [fault for fault in self.waiting if fault.meets(call, token, urn)]
        self._calls.update(met)
        for fault in met:
            if self._calls[fault] == fault.nth:
                self.waiting.remove(fault)
                self.struck.append(fault)
                if fault.kind == "hang":
                    time.sleep(fault.seconds)
                if fault.kind == "lost":
                    return Struck(fault)
                raise Struck(fault)
        return None
