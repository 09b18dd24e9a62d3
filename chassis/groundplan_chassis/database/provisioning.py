"""Provisioning by the administrator: a service's database and its users (A2, S5).

`groundplan_components.database.credentials` says what there is to be; here it is made, and made again without harm:

- the role `<database>_owner`, which owns the database and all tables and cannot log in;
- the database, to which `PUBLIC` may not connect, with the time-outs of `limits.py`;
- the secret's user, who reads and writes the owner's tables, but can only add to histories (D2);
- where a pooler stands before the replicas, the user of its own secret, who only reads.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from groundplan_chassis.database import limits
from groundplan_chassis.environment import Address
from groundplan_chassis.trust import RDS_AUTHORITIES

Connection = psycopg.Connection[tuple[Any, ...]]

ADMINISTRATION: Final = "postgres"
"""The maintenance database of every server."""
CONNECT_SECONDS: Final = 10
HISTORY: Final = ["aggregate_id", "event_id", "event_type", "occurred_at", "payload"]
"""Columns that tell a history from other tables (`groundplan.document.data_model`)."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """A database user that can log in."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Account({self.user!r})"


@dataclass(frozen=True, slots=True)
class Server:
    """A shard's own address, and how it is trusted."""

    address: Address
    tls: bool
    trust_file: Path | None
    """None: RDS's own authorities."""

    def connect(self, account: Account, database: str) -> Connection:
        """A connection that commits each statement. Raises psycopg.OperationalError."""
        return psycopg.connect(
            host=self.address.host,
            port=self.address.port,
            user=account.user,
            password=account.password,
            dbname=database,
            sslmode="verify-full" if self.tls else "disable",
            sslrootcert=str(self.trust_file or RDS_AUTHORITIES) if self.tls else "",
            gssencmode="disable",
            connect_timeout=CONNECT_SECONDS,
            application_name="migrate",
            autocommit=True,
        )


@dataclass(frozen=True, slots=True)
class Provision:
    """The database and users of one shard."""

    database: str
    service: Account
    reader: Account | None
    """None: replicas are read as the service's user."""

    @property
    def owner(self) -> str:
        return f"{self.database}_owner"

    @property
    def base_user(self) -> str:
        """The first of the two users that rotation alternates between; the second is a member of it."""
        return self.database


class PasswordRefused(Exception):
    """The user exists with another password than that of its secret."""

    def __init__(self, user: str) -> None:
        self.user = user
        super().__init__(user)


def lock(administration: Connection, database: str) -> None:
    """Waits until no other migration of this database runs on this server; the lock ends with the connection."""
    administration.execute("SET statement_timeout = 0")
    administration.execute("SET lock_timeout = 0")
    administration.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"migration of {database}"])


def provision(server: Server, administration: Connection, admin: Account, wanted: Provision, *, reset: bool) -> None:
    """Makes what is missing.

    ``reset``: give a user the secret's password when it has another one. Without that PasswordRefused is raised, since
    a rotation may just have changed the secret after it was read. Raises psycopg.Error.
    """
    _role(administration, wanted.owner, login=False)
    # To create a database for a role, or to act as it, membership suffices; no superuser is needed.
    administration.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(wanted.owner)))
    _database(administration, wanted)
    _accounts(server, administration, wanted, reset)
    with server.connect(admin, wanted.database) as inside:
        _enter_as(inside, wanted.owner)
        _privileges(inside, wanted)


def _role(administration: Connection, name: str, *, login: bool) -> bool:
    """Creates the role; whether it was missing."""
    if administration.execute("SELECT FROM pg_roles WHERE rolname = %s", [name]).fetchone() is not None:
        return False
    kind = sql.SQL("LOGIN" if login else "NOLOGIN")
    administration.execute(sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(name), kind))
    log.info("created the role %s", name)
    return True


def _database(administration: Connection, wanted: Provision) -> None:
    name, owner = sql.Identifier(wanted.database), sql.Identifier(wanted.owner)
    there = administration.execute("SELECT FROM pg_database WHERE datname = %s", [wanted.database]).fetchone()
    if there is None:
        found = administration.execute("SELECT datctype FROM pg_database WHERE datname = 'template0'").fetchone()
        character_types = found[0] if found and "UTF" in found[0].upper() else "C"
        # Texts are sorted by their code points: an order that all shards share, that merging them can follow, and that
        # a newer C library does not change under an index.
        administration.execute(
            sql.SQL(
                "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8' "
                "LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE {}"
            ).format(name, owner, sql.Literal(character_types))
        )
        log.info("created the database %s", wanted.database)
    administration.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    for setting, seconds in (
        ("statement_timeout", limits.STATEMENT_SECONDS),
        ("lock_timeout", limits.LOCK_SECONDS),
        ("idle_in_transaction_session_timeout", limits.IDLE_IN_TRANSACTION_SECONDS),
    ):
        administration.execute(
            sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                name, sql.Identifier(setting), sql.Literal(f"{round(seconds * 1000)}ms")
            )
        )


def _accounts(server: Server, administration: Connection, wanted: Provision, reset: bool) -> None:
    base = wanted.base_user
    if wanted.service.user != base:
        _role(administration, base, login=True)
        _connectable(administration, wanted.database, base)
    _account(server, administration, wanted.database, wanted.service, reset)
    if wanted.service.user != base:
        membership = sql.SQL("GRANT {} TO {}").format(sql.Identifier(base), sql.Identifier(wanted.service.user))
        administration.execute(membership)
    if wanted.reader is not None:
        _account(server, administration, wanted.database, wanted.reader, reset)
        read_only = "ALTER ROLE {} SET default_transaction_read_only = on"
        administration.execute(sql.SQL(read_only).format(sql.Identifier(wanted.reader.user)))


def _account(server: Server, administration: Connection, database: str, account: Account, reset: bool) -> None:
    made = _role(administration, account.user, login=True)
    _connectable(administration, database, account.user)
    if not made:
        try:
            server.connect(account, database).close()
        except psycopg.OperationalError:
            if not reset:
                raise PasswordRefused(account.user) from None
            log.warning("the user %s gets the password of its secret, as it had another one", account.user)
        else:
            return
    # The verifier, not the password: statements like this one are logged (`log_statement = ddl`).
    verifier = administration.pgconn.encrypt_password(
        account.password.encode(), account.user.encode(), b"scram-sha-256"
    ).decode()
    administration.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(account.user), sql.Literal(verifier))
    )


def _connectable(administration: Connection, database: str, user: str) -> None:
    administration.execute(
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(database), sql.Identifier(user))
    )


def _enter_as(inside: Connection, owner: str) -> None:
    inside.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))


def _privileges(inside: Connection, wanted: Provision) -> None:
    """For tables to come."""
    inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    for user, rights in _rights(wanted):
        inside.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(user))
        inside.execute(
            sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {} ON TABLES TO {}").format(sql.SQL(rights), user)
        )
        inside.execute(
            sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {} ON SEQUENCES TO {}").format(
                sql.SQL("SELECT" if rights == "SELECT" else "USAGE, SELECT"), user
            )
        )


def grant_tables(server: Server, admin: Account, wanted: Provision) -> None:
    """Grants users their privileges on the existing tables, whether users or tables were created first."""
    with server.connect(admin, wanted.database) as inside:
        _enter_as(inside, wanted.owner)
        for user, rights in _rights(wanted):
            inside.execute(sql.SQL("GRANT {} ON ALL TABLES IN SCHEMA public TO {}").format(sql.SQL(rights), user))
        histories = inside.execute(
            "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = ANY(%s) "
            "GROUP BY table_name HAVING count(*) = %s",
            [HISTORY, len(HISTORY)],
        ).fetchall()
        for (history,) in histories:
            inside.execute(
                sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {} FROM {}").format(
                    sql.Identifier(history), sql.Identifier(wanted.base_user)
                )
            )


def _rights(wanted: Provision) -> list[tuple[sql.Identifier, str]]:
    rights = [(sql.Identifier(wanted.base_user), "SELECT, INSERT, UPDATE, DELETE")]
    if wanted.reader is not None:
        rights.append((sql.Identifier(wanted.reader.user), "SELECT"))
    return rights
