"""The body of every refusal, wherever on its way a request is refused (R4)."""

import json


def error_body(code: str, message: str) -> str:
    """The same form that services answer with; ``details`` is for field errors, of which the way knows none."""
    return json.dumps({"error": {"code": code, "message": message, "details": []}}, separators=(",", ":"))
