"""PostgreSQL's parameters, and whether a change needs a restart."""

from dataclasses import dataclass

IMMEDIATE = "immediate"
REBOOT = "pending-reboot"

# RDS for PostgreSQL, user guide "RDS for PostgreSQL DB instance parameter list": these are static, all other parameters
# used here are dynamic. AWS refuses `immediate` for a static one.
STATIC = frozenset({"max_connections", "rds.logical_replication", "shared_preload_libraries"})

# Log the plan of a statement that takes ten times the limit.
PLAN_LOGGING_FACTOR = 10
# From this version on a logged plan has the values of the statement's parameters in full (PostgreSQL 16 release notes,
# auto_explain). `auto_explain.log_parameter_max_length` would leave them out; that RDS's parameter groups have it is
# written nowhere, and AWS refuses a parameter that a group does not have.
PLANS_WITH_VALUES = 16
NEVER = "-1"
LOGGED_TEMP_FILE_KIB = 10_240


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    value: str

    @property
    def apply_method(self) -> str:
        return REBOOT if self.name in STATIC else IMMEDIATE


def parameters(
    version: str,
    *,
    slow_statement_ms: int,
    statement_timeout_ms: int,
    idle_transaction_timeout_ms: int,
    max_connections: int | None,
) -> tuple[Parameter, ...]:
    """The parameter group of a primary and its replicas, sorted by name as AWS returns it.

    All share one group: a replica stops if its `max_connections` is below its primary's.
    """
    values = {
        # S2. Both sides agree on TLS 1.3 where they can (RDS: from PostgreSQL 16 on); the floor stays at 1.2, because
        # RDS Proxy and AWS's rotation functions document no higher one for their side.
        "rds.force_ssl": "1",
        "ssl_min_protocol_version": "TLSv1.2",
        "rds.accepted_password_auth_method": "scram",
        "password_encryption": "scram-sha-256",
        # T2: log statements slower than the target, without parameter values, which may be personal data.
        "log_min_duration_statement": str(slow_statement_ms),
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        # A violated constraint would quote the row's values in the error's detail.
        "log_error_verbosity": "terse",
        "auto_explain.log_min_duration": NEVER
        if int(version) >= PLANS_WITH_VALUES
        else str(slow_statement_ms * PLAN_LOGGING_FACTOR),
        "auto_explain.log_format": "json",
        "shared_preload_libraries": "auto_explain,pg_stat_statements",
        "track_io_timing": "1",
        # Audit: connections and schema changes.
        "log_connections": "1",
        "log_disconnections": "1",
        "log_statement": "ddl",
        "log_lock_waits": "1",
        "log_temp_files": str(LOGGED_TEMP_FILE_KIB),
        # Limits beyond the services' own time-outs. A migration that needs longer sets them in its session.
        "statement_timeout": str(statement_timeout_ms),
        "idle_in_transaction_session_timeout": str(idle_transaction_timeout_ms),
        # The primary keeps row versions that queries on replicas still read, instead of cancelling the queries; the
        # time-outs above limit how long this delays vacuum.
        "hot_standby_feedback": "1",
        # Events leave through the outbox: nothing decodes the write-ahead log, so no slot may retain it.
        "rds.logical_replication": "0",
    }
    if max_connections is not None:
        values["max_connections"] = str(max_connections)
    return tuple(Parameter(name, value) for name, value in sorted(values.items()))
