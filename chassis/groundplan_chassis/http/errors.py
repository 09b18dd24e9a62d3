"""Errors of the API: a status, a code, and a message in the error envelope (R4).

Codes are those that the gateway answers with too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec


class Detail(msgspec.Struct, frozen=True):
    """The error of one field of a body, or of one parameter."""

    field: str
    """Its name; empty for the body as a whole."""
    message: str


class ApiError(Exception):
    """An error response. Subclasses define status and code."""

    status: int = 500
    code: str = "INTERNAL_ERROR"
    message: str = "Something went wrong"

    def __init__(
        self,
        message: str | None = None,
        details: Sequence[Detail] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """``message`` is for people and names no personal data; ``headers`` go into the answer."""
        if message is not None:
            self.message = message
        self.details = tuple(details)
        self.headers = dict(headers or {})
        super().__init__(self.message)


class MalformedBody(ApiError):
    """The body does not match its content type."""

    status = 400
    code = "MALFORMED_BODY"
    message = "The body is not valid JSON"


class BadRequest(ApiError):
    """A parameter or a header is invalid; the details name it."""

    status = 400
    code = "VALIDATION_ERROR"
    message = "A parameter is not valid"


class Unauthorized(ApiError):
    """No token, or an invalid one."""

    status = 401
    code = "UNAUTHORIZED"
    message = "A valid token is needed"

    def __init__(self, message: str | None = None, details: Sequence[Detail] = ()) -> None:
        super().__init__(message, details, {"www-authenticate": "Bearer"})


class Forbidden(ApiError):
    """The caller is known and lacks the permission."""

    status = 403
    code = "FORBIDDEN"
    message = "Not allowed"


class NotFound(ApiError):
    status = 404
    code = "NOT_FOUND"
    message = "Not found"


class OwnedByAnother(NotFound):
    """The row exists and belongs to another caller: the response is that of a missing row, the audit trail has the
    reason."""


class MethodNotAllowed(ApiError):
    status = 405
    code = "METHOD_NOT_ALLOWED"
    message = "This path does not have that method"


class RequestTimeout(ApiError):
    """The client took too long to send its request."""

    status = 408
    code = "REQUEST_TIMEOUT"
    message = "The body did not arrive in time"

    def __init__(self) -> None:
        super().__init__(headers={"connection": "close"})


class Conflict(ApiError):
    """The request contradicts the current state."""

    status = 409
    code = "CONFLICT"
    message = "The request conflicts with the current state"


class PreconditionFailed(ApiError):
    """The item has changed since the client read it."""

    status = 412
    code = "PRECONDITION_FAILED"
    message = "The item has another version than If-Match asks for"


class PayloadTooLarge(ApiError):
    """The rest of the body isn't read: the connection ends with the answer."""

    status = 413
    code = "PAYLOAD_TOO_LARGE"
    message = "The body is too large"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message, headers={"connection": "close"})


class UriTooLong(ApiError):
    status = 414
    code = "URI_TOO_LONG"
    message = "The query string is too long"


class UnsupportedMediaType(ApiError):
    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"
    message = "Only application/json is accepted"


class MisdirectedRequest(ApiError):
    """The service has this operation, but processes of another role serve it (A4)."""

    status = 421
    code = "MISDIRECTED_REQUEST"
    message = "This process does not answer that method"


class ValidationFailed(ApiError):
    """Fields of the body are invalid; the details name all of them."""

    status = 422
    code = "VALIDATION_ERROR"
    message = "The body is not valid"


class RateLimited(ApiError):
    status = 429
    code = "RATE_LIMITED"
    message = "Too many requests"


class TooManyAtOnce(RateLimited):
    """The caller has as many requests of this cost under way as one may have."""

    message = "Too many requests of this kind at once"

    def __init__(self) -> None:
        super().__init__(headers={"retry-after": "1"})


class Unavailable(ApiError):
    """A dependency is temporarily unavailable."""

    status = 503
    code = "SERVICE_UNAVAILABLE"
    message = "The service is not available at the moment"

    def __init__(self, message: str | None = None, retry_after: int = 1) -> None:
        """``retry_after``: seconds until the client should try again."""
        super().__init__(message, headers={"retry-after": str(retry_after)})


class _Error(msgspec.Struct, frozen=True):
    code: str
    message: str
    details: Sequence[Detail]


class ErrorEnvelope(msgspec.Struct, frozen=True):
    """R4."""

    error: _Error


_encode: Final = msgspec.json.Encoder().encode


def error_body(error: ApiError) -> bytes:
    """The error envelope."""
    return _encode(ErrorEnvelope(_Error(error.code, error.message, error.details)))
