"""Creations that failed without an answer: the account may have what the state doesn't hold.

The engine forgets an operation whose provider gave up on it. When the connection broke after AWS had done the work, the
next deployment makes the thing a second time, under another made-up name, or is refused as it exists already.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from groundplan.cloud.wire import SECRET, SIGNATURE

_CREATIONS = frozenset({"create", "create-replacement"})
_PARTIAL = 1
"""The state holds what was made (sdk/go/common/resource/status.go, StatusPartialFailure)."""
_ANSWERED = re.compile(
    r"StatusCode: 4\d\d|Throttl|SlowDown|RequestLimitExceeded"  # AWS has refused it
    r"|\bdial tcp\b|connection refused|no such host"  # it was never sent
)
_NO_ANSWER = re.compile(
    r"StatusCode: (0|5\d\d)\b|request send failed|connection reset|\bEOF\b|broken pipe|timed? ?out|deadline exceeded"
    r"|context canceled|transport is closing",
    re.IGNORECASE,
)
"""As AWS's SDK for Go (aws/transport/http, smithy-go's transport/http), net/http and gRPC say it."""


def unanswered(events: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The creations of an engine's event log that have no known end, as operations that are pending.

    ``events`` are of `pulumi up --event-log` (sdk/go/common/apitype/events.go). Secret inputs are left out.
    """
    said: dict[str, list[str]] = defaultdict(list)
    failed: dict[str, Mapping[str, Any]] = {}
    for event in events:
        diagnostic, failure = event.get("diagnosticEvent") or {}, event.get("resOpFailedEvent") or {}
        if diagnostic.get("severity") == "error":
            said[diagnostic.get("urn") or ""].append(diagnostic["message"])
        metadata = failure.get("metadata") or {}
        if metadata.get("op") in _CREATIONS and failure.get("status") != _PARTIAL:
            failed[metadata["urn"]] = metadata["new"]
    return [
        {"type": "creating", "resource": _resource(new)}
        for urn, new in failed.items()
        if had_no_answer("\n".join(said[urn]))
    ]


def had_no_answer(error: str) -> bool:
    """Whether a provider's error leaves open what was done."""
    return bool(_NO_ANSWER.search(error)) and not _ANSWERED.search(error)


def _resource(new: Mapping[str, Any]) -> dict[str, Any]:
    """As the state has it."""
    kept = ("urn", "type", "custom", "parent", "provider", "protect", "retainOnDelete")
    return {**{key: new[key] for key in kept if new.get(key)}, "inputs": _plain(new.get("inputs") or {})}


def _plain(value: Any) -> Any:  # noqa: ANN401  # JSON
    """Without secrets, which the log masks: the next deployment sets them."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items() if not _masked(each)}
    return [_plain(each) for each in value if not _masked(each)] if isinstance(value, list) else value


def _masked(value: object) -> bool:
    return isinstance(value, Mapping) and value.get(SIGNATURE) == SECRET
