"""Errors of PostgreSQL and of its connections, and the errors that API clients get for them.

Error codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Final

import asyncpg
from asyncpg import exceptions as postgres

from groundplan_chassis.database.names import joined
from groundplan_chassis.http.errors import ApiError, Conflict, Detail, Unavailable, ValidationFailed

CONNECTION_LOST: Final = (
    asyncpg.PostgresConnectionError,  # class 08; PgBouncer's own refusals are of it too
    asyncpg.InternalClientError,
    postgres.AdminShutdownError,
    postgres.CrashShutdownError,
    postgres.CannotConnectNowError,
    postgres.IdleSessionTimeoutError,
    postgres.IdleInTransactionSessionTimeoutError,
    postgres.TooManyConnectionsError,
    # The server has become a replica: the primary is elsewhere now.
    postgres.ReadOnlySQLTransactionError,
    OSError,
)
"""Errors that mean: the connection is unusable. Its transaction is undone, unless it was being committed."""

REPEATABLE: Final = (
    postgres.SerializationError,  # also a replica's "conflict with recovery"
    postgres.DeadlockDetectedError,
    # A migration changed a table under a prepared statement; asyncpg has forgotten the statement by now.
    postgres.InvalidCachedStatementError,
    postgres.OutdatedSchemaCacheError,
)
"""PostgreSQL has undone everything, and the same work may succeed if done again."""

_KINDS: Final = ("check", "key", "fkey")
_KEY: Final = re.compile(r"[^()]*\((?P<columns>[^()]+)\)=\(")
"""At the beginning: what follows is the value, in which a client may write the same."""


class Away(Exception):
    """No connection was available, or the one in use was lost. No statement on it took effect.

    ``since``: the begin of the wait that ended so, by `time.monotonic()`; now, where there was none.
    """

    def __init__(self, place: str, reason: str, since: float | None = None) -> None:
        self.place = place
        self.reason = reason
        self.since = time.monotonic() if since is None else since
        super().__init__(f"{place}: {reason}")


class OutcomeUnknown(Unavailable):
    """The connection was lost while a transaction was being committed, and the outcome can't be determined.

    A repetition with the same idempotency key, If-Match or event id is safe.
    """

    message = "It is not known whether the change was made: read before you repeat it"


def describe(error: BaseException) -> str:
    """The kind of failure, for logs. Messages of PostgreSQL may quote values, which may be personal data."""
    code = getattr(error, "sqlstate", None)
    return f"{type(error).__name__} ({code})" if code else type(error).__name__


def refusal(
    error: asyncpg.PostgresError | asyncpg.InterfaceError, columns: Sequence[str] | None = None
) -> ApiError | None:
    """The error for the client; None for a fault of the statement itself, whose details clients must not see.

    ``columns``: those of a violated CHECK, if they were read from the catalogue (`constraints.Constraints`);
    otherwise as `columns_of` finds them. No text of PostgreSQL goes out: it quotes values and names tables.
    """
    match error:
        case postgres.UniqueViolationError() | postgres.ExclusionViolationError():
            return Conflict("Another item has this value already", _details(error, "Must be unique"))
        case postgres.ForeignKeyViolationError() if "still referenced" in (error.detail or ""):
            return Conflict("Other items refer to this one")
        case postgres.ForeignKeyViolationError():
            return ValidationFailed(details=_details(error, "Refers to an item that does not exist"))
        case postgres.NotNullViolationError():
            return ValidationFailed(details=_details(error, "Is required"))
        case postgres.CheckViolationError():
            found = columns_of(error) if columns is None else columns
            return ValidationFailed(details=[Detail(column, "Is not an allowed value") for column in found])
        case postgres.DataError() | asyncpg.DataError():
            return ValidationFailed(details=_details(error, "Does not fit its type"))
        case postgres.QueryCanceledError() | postgres.LockNotAvailableError():
            return Unavailable("The database took too long")
        case postgres.InsufficientResourcesError() | postgres.OperatorInterventionError():
            return Unavailable("The database is overloaded")
    return None


def _details(error: asyncpg.PostgresError | asyncpg.InterfaceError, message: str) -> list[Detail]:
    return [Detail(column, message) for column in columns_of(error)]


def columns_of(error: asyncpg.PostgresError | asyncpg.InterfaceError) -> tuple[str, ...]:
    """The columns of a violated constraint; empty where PostgreSQL doesn't name any.

    It says so in a column's own field (not null), in the detail (keys), or by the constraint's name alone (checks):
    `orders_total_check` by the rule of `groundplan.document.names`, unless it is so long that it was shortened.
    """
    column = getattr(error, "column_name", None)
    if column:
        return (column,)
    found = _KEY.match(getattr(error, "detail", None) or "")
    if found:
        return tuple(each.strip().strip('"') for each in found["columns"].split(","))
    table, constraint = getattr(error, "table_name", None), getattr(error, "constraint_name", None)
    if table and constraint:
        return _named(table, constraint)
    return ()


def _named(table: str, constraint: str) -> tuple[str, ...]:
    column, _, kind = constraint.removeprefix(f"{table}_").rpartition("_")
    # A shortened name ends in a digest, and what is before that is no column.
    return (column,) if kind in _KINDS and joined(table, column, kind) == constraint else ()
