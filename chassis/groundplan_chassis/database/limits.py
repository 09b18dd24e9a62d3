"""How long anything on the way to PostgreSQL may take.

The order matters: a lock gives up before its statement does, the server before the client, and all of them before the
caller of the API (T1 asks for 200 ms at the 95th percentile; these are for the rest).
"""

from __future__ import annotations

from typing import Final

LOCK_SECONDS: Final = 2.0
"""To wait for a row that another transaction holds."""
STATEMENT_SECONDS: Final = 5.0
"""For one statement, by the server. RDS's own limit of 30 s stands behind it
(`groundplan_components.database._parameters`)."""
COMMAND_SECONDS: Final = 8.0
"""For one statement, by the client: reached only when the server has vanished without a word."""
IDLE_IN_TRANSACTION_SECONDS: Final = 30.0
"""Between two statements of a transaction. A relay waits for its broker meanwhile."""
CONNECT_SECONDS: Final = 2.0
"""For a connection with TLS and login. Within a region it takes some 20 ms."""
ACQUIRE_SECONDS: Final = 3.0
"""To wait for a free connection, or a new one."""
RETRY_SECONDS: Final = 2.0
"""From the first failure of a statement or transaction to the last time that it is tried again."""
OUTCOME_SECONDS: Final = 5.0
"""To find out whether a commit whose connection was lost took place."""
CONNECTION_LIFE_SECONDS: Final = 900.0
"""Then a connection is replaced, so that replicas that were away or are new get their share: as PgBouncer's
`server_lifetime` (`groundplan_components.database.pooler`)."""
IDLE_SECONDS: Final = 300.0
"""A connection that was not used for so long is closed."""
REST_SECONDS: Final = 0.25
LONGEST_REST_SECONDS: Final = 2.0
"""A server that refused a connection is left alone for so long, then twice as long, up to the second figure."""

MOST_CACHED_STATEMENTS: Final = 200
"""Prepared statements of a connection: as many as PgBouncer keeps (`max_prepared_statements` in
`groundplan_components.database.pooler`)."""
