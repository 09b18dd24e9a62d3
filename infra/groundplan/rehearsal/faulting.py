"""Faults as a person names them: `create:lost@db-order-primary`, `delete@3`, `update:throttle@aws:sqs/queue:Queue`."""

from __future__ import annotations

import re
import typing

from groundplan.cloud.faults import Call, Fault, Kind
from groundplan.problems import Problem, ProblemsFound, listed

_CALLS = typing.get_args(Call)
_KINDS = typing.get_args(Kind)
_FORM = re.compile(r"(?P<call>[a-z]+)(:(?P<kind>[a-z]+))?(@(?P<what>\S+?)(#(?P<nth>[1-9]\d*))?)?")


def fault_of(text: str) -> Fault:
    """``CALL[:KIND][@WHAT[#NUMBER]]``: WHAT is a type, a URN, a logical name, or the number of the call.

    Raises ProblemsFound.
    """
    found = _FORM.fullmatch(text)
    if found is None or found["call"] not in _CALLS or found["kind"] not in (None, *_KINDS):
        calls, kinds = listed(_CALLS), listed(_KINDS)
        raise ProblemsFound(
            [
                Problem(
                    "the command",
                    "--fault",
                    text,
                    f"CALL[:KIND][@WHAT[#NUMBER]], with {calls}, then {kinds}, and a type, URN, name or number",
                    "for example --fault create:lost@db-order-primary",
                )
            ]
        )
    what, nth = found["what"] or "", int(found["nth"] or 1)
    call, kind = typing.cast("Call", found["call"]), typing.cast("Kind", found["kind"] or "refuse")
    if what.isdigit():
        return Fault(call, nth=int(what), kind=kind)
    if re.fullmatch(r"[a-z]+:[^:]+:\w+", what):
        return Fault(call, type=what, nth=nth, kind=kind)
    return Fault(call, urn=what, nth=nth, kind=kind)
