"""PgBouncer's configuration files, as text."""

from collections.abc import Mapping, Sequence

from groundplan_components.database._pooler_args import SERVER_PORT

POOLER_PORT = 6432
FOLDER = "/etc/pgbouncer"


def pgbouncer_ini(
    hosts: Sequence[str],
    databases: Sequence[str],
    max_client_connections: int,
    server_connections: int,
    max_prepared_statements: int,
    ca_file: str,
) -> str:
    """PgBouncer's settings (https://www.pgbouncer.org/config.html).

    ``server_connections`` is divided evenly among the databases. PgBouncer refuses a client that gets no connection
    within five seconds, before its caller times out. A connection lives for 15 minutes, so that a new or recovered
    replica soon gets its share.
    """
    each = server_connections // len(databases)
    lines = ["[databases]"]
    lines += [f"{database} = host={','.join(hosts)} port={SERVER_PORT} dbname={database}" for database in databases]
    lines += [
        "",
        "[pgbouncer]",
        "listen_addr = 0.0.0.0",
        f"listen_port = {POOLER_PORT}",
        "unix_socket_dir =",
        "auth_type = scram-sha-256",
        f"auth_file = {FOLDER}/userlist.txt",
        "pool_mode = transaction",
        f"max_client_conn = {max_client_connections}",
        f"default_pool_size = {each}",
        f"max_db_connections = {each}",
        f"max_prepared_statements = {max_prepared_statements}",
        "server_tls_sslmode = verify-full",
        f"server_tls_ca_file = {ca_file}",
        "server_tls_protocols = tlsv1.3",
        "server_connect_timeout = 5",
        "server_lifetime = 900",
        "server_idle_timeout = 300",
        "query_wait_timeout = 5",
        "dns_max_ttl = 5",
        "ignore_startup_parameters = extra_float_digits",
        "log_connections = 0",
        "log_disconnections = 0",
        "",
    ]
    return "\n".join(lines)


def user_list(users: Mapping[str, str]) -> str:
    """PgBouncer's file of users: quoted, quotes doubled, sorted so that the same users make the same file."""

    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    return "".join(f"{quoted(user)} {quoted(users[user])}\n" for user in sorted(users))
