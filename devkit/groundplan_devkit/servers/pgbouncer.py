"""PgBouncer in front of a shard's replicas, configured like the Pooler component
(`groundplan_components.database.pooler`)."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from groundplan_devkit.install import find, find_or_install, refused
from groundplan_devkit.ports import HOST, free_port
from groundplan_devkit.processes import ServerProcess
from groundplan_devkit.servers.postgres import Postgres, accepts, account
from groundplan_devkit.state import data_directory, give_to, remove_data, write_privately

PREPARED_SINCE = (1, 21)
"""From this version on it follows prepared statements from one server connection to another."""
PREPARED_STATEMENTS = 200


class Pooler(msgspec.Struct, frozen=True):
    process: ServerProcess
    port: int
    prepares: bool
    """Whether clients may prepare statements; else drivers must be told not to (asyncpg: statement_cache_size=0)."""


def start(
    directory: Path,
    postgres: Postgres,
    *,
    databases: Sequence[str],
    users: Mapping[str, str],
    shard: int = 0,
    name: str | None = None,
    server_connections: int = 20,
    max_client_connections: int = 200,
) -> Pooler:
    """A pooler for a shard's replicas, or its primary where it has none; ``users``: name to password.

    Raises Unavailable.
    """
    program = _program()
    name = name or f"pgbouncer-{shard + 1}"
    data = data_directory(directory, name, account())
    prepares = _version(program) >= PREPARED_SINCE
    held = postgres.shards[shard]
    # PgBouncer takes turns between hosts, not between ports: locally it has one replica.
    target = (held.replicas or [held.primary])[0]
    port = free_port()
    each = max(1, server_connections // len(databases))
    lines = ["[databases]"]
    lines += [f"{database} = host={HOST} port={target.port} dbname={database}" for database in databases]
    lines += [
        "[pgbouncer]",
        f"listen_addr = {HOST}",
        f"listen_port = {port}",
        "unix_socket_dir =",
        "auth_type = scram-sha-256",
        f"auth_file = {data / 'userlist.txt'}",
        "pool_mode = transaction",
        f"max_client_conn = {max_client_connections}",
        f"default_pool_size = {each}",
        f"max_db_connections = {each}",
        *([f"max_prepared_statements = {PREPARED_STATEMENTS}"] if prepares else []),
        "server_connect_timeout = 5",
        "server_lifetime = 900",
        "server_idle_timeout = 300",
        "query_wait_timeout = 5",
        "ignore_startup_parameters = extra_float_digits",
    ]
    if held.tls:
        authority = data / "ca.pem"
        authority.write_bytes(Path(postgres.authority).read_bytes())
        lines += ["server_tls_sslmode = verify-full", f"server_tls_ca_file = {authority}"]
    files = {"pgbouncer.ini": "".join(f"{line}\n" for line in lines), "userlist.txt": _user_list(users)}
    for file, content in files.items():
        write_privately(data / file, content.encode())
    user = account()
    if user:
        for path in data.iterdir():
            give_to(path, user)
    process = ServerProcess(
        name=name,
        command=[str(program), str(data / "pgbouncer.ini")],
        directory=str(directory),
        user=user,
        # At once; SIGINT would wait for clients.
        stop_signal=signal.SIGTERM,
    )
    process.stop()
    process.start()
    process.wait_until(lambda: accepts(postgres, port))
    return Pooler(process, port, prepares)


@contextlib.contextmanager
def pooler(
    directory: Path, postgres: Postgres, *, databases: Sequence[str], users: Mapping[str, str], shard: int = 0
) -> Iterator[Pooler]:
    """A pooler while the block runs."""
    running = start(directory, postgres, databases=databases, users=users, shard=shard)
    try:
        yield running
    finally:
        end(running)


def end(pooler: Pooler) -> None:
    """Stop it, and take away its settings, which hold passwords."""
    pooler.process.stop()
    remove_data(Path(pooler.process.directory), pooler.process.name)


def _user_list(users: Mapping[str, str]) -> str:
    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    return "".join(f"{quoted(user)} {quoted(users[user])}\n" for user in sorted(users))


def _program() -> Path:
    found = find_or_install(lambda: find("pgbouncer"), "pgbouncer")
    if found is None:
        raise refused(
            "PgBouncer", "PgBouncer 1.18 or newer", "install it (apt install pgbouncer, brew install pgbouncer)"
        )
    return found


def _version(program: Path) -> tuple[int, ...]:
    said = subprocess.run([str(program), "--version"], check=False, capture_output=True, text=True).stdout
    number = re.search(r"(\d+)\.(\d+)", said)
    return tuple(map(int, number.groups())) if number else (0, 0)
