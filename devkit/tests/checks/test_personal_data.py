from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping

from groundplan_devkit.checks.personal_data import canary, holds


def test_the_detector_knows_the_token_in_any_form() -> None:
    token = canary()
    forms: Mapping[str, bytes] = {
        "text": f'{{"name": "{token}"}}'.encode(),
        "capitals": token.upper().encode(),
        "bytea": f"\\x{token.encode().hex()}".encode(),
        "UTF-16": token.encode("utf-16-le"),
        "gzip": gzip.compress(token.encode()),
        **{f"base64, {n} before": base64.b64encode(b"x" * n + token.encode() + b"yz"[: n % 3]) for n in range(7)},
        **{f"base64 for URLs, {n} after": base64.urlsafe_b64encode(token.encode() + b"?" * n) for n in range(4)},
    }
    assert [form for form, content in forms.items() if not holds(content, token)] == []
    assert [form for form, content in forms.items() if holds(content, canary())] == []
