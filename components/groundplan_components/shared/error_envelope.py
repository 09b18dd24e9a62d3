"""The body of every error response, from edge to service (R4)."""

import json


def error_body(code: str, message: str) -> str:
    """The envelope that services use. ``details`` holds field errors, which only services find, so it is empty here."""
    return json.dumps({"error": {"code": code, "message": message, "details": []}}, separators=(",", ":"))
