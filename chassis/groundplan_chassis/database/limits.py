"""Time-outs towards PostgreSQL.

The order matters: a lock gives up before its statement does, the server before the client, and all of them before the
caller of the API (T1 asks for 200 ms at the 95th percentile; these are for the rest).
"""

from __future__ import annotations

from typing import Final

LOCK_SECONDS: Final = 2.0
"""Wait for a row lock."""
STATEMENT_SECONDS: Final = 5.0
"""Statement time-out of the server. RDS's own limit of 30 s is above it
(`groundplan_components.database._parameters`)."""
COMMAND_SECONDS: Final = 8.0
"""Statement time-out of the client: reached only when the server answers others and never this one."""
SUSPICIOUS_SECONDS: Final = 0.5
"""Time without any answer of a server after which it is asked whether it is there (`silence.py`)."""
PROBE_SECONDS: Final = 1.25
"""Time for that answer, a new connection included. Together they are below RETRY_SECONDS: clients of a frozen server
wait no longer than those of one that refuses."""
PROBE_LOGIN_SECONDS: Final = 0.75
"""Of which for a login; the rest is for a first byte. For a login with TLS, a busy server needs its turn several
times."""
UNACKNOWLEDGED_MS: Final = 3_000
"""Time after which the kernel gives up a connection whose other end acknowledges nothing: a machine that is gone."""
IDLE_IN_TRANSACTION_SECONDS: Final = 30.0
"""Idle time between two statements of a transaction. A relay waits for its broker meanwhile."""
CONNECT_SECONDS: Final = 1.5
"""Time-out for a connection with TLS and login. Within a region it takes some 20 ms. Below ACQUIRE_SECONDS, so that
the pool learns of a server that does not answer before those who wait for it give up."""
ACQUIRE_SECONDS: Final = 2.0
"""Wait for a free or a new connection."""
RETRY_SECONDS: Final = 2.0
"""Time from the first failure of a statement or transaction to its last retry. A wait that ends in a failure counts
from its begin."""
OUTCOME_SECONDS: Final = 5.0
"""Time for finding the outcome of a commit whose connection was lost; so much longer than others it may take."""
CONNECTION_LIFE_SECONDS: Final = 900.0
"""Lifetime of a connection, so that replicas that are back or new get their share: as PgBouncer's `server_lifetime`
(`groundplan_components.database.pooler`)."""
IDLE_SECONDS: Final = 300.0
"""Idle time after which a connection is closed."""
REST_SECONDS: Final = 0.25
LONGEST_REST_SECONDS: Final = 2.0
"""Pause after a refused connection, doubled up to the second figure."""

MOST_CACHED_STATEMENTS: Final = 200
"""Prepared statements of a connection: as many as PgBouncer keeps (`max_prepared_statements` in
`groundplan_components.database.pooler`)."""
