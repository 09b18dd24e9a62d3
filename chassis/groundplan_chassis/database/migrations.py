"""The schema's migrations on all shards: role `migrate`, and what Alembic runs them by.

A service that configures Alembic itself has an `env.py` beside its `versions/`, which ends in:

    from groundplan_chassis.database.migrations import run

    run()
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
import sqlalchemy
from alembic import command, context
from alembic.config import Config
from alembic.util import CommandError

from groundplan_chassis.database.login import SecretSource
from groundplan_chassis.database.provisioning import (
    ADMINISTRATION,
    Account,
    PasswordRefused,
    Provision,
    Server,
    grant_tables,
    lock,
    provision,
)
from groundplan_chassis.problems import Problem, ProblemsFound
from groundplan_chassis.secrets import SecretUnavailable
from groundplan_chassis.settings import DatabaseSettings

ENVIRONMENT: Final = Path(__file__).with_name("environment")
"""The folder of the `env.py` of services that have none of their own."""
LOCK_MS: Final = 500
"""Longest wait of a migration for a table lock. Requests queue behind it, and give up after `limits.LOCK_SECONDS`: a
transaction may so wait for three tables one after the other, and no request fails."""
BESIDE_SECONDS: Final = 300
"""Wait of statements that no request queues behind (`_BESIDE`): they wait for transactions that were there before. A
build that gives up leaves an index that nothing uses and that every write pays for, and begins anew."""
LOCK_TRIES: Final = 60
LOCK_PAUSE_SECONDS: Final = 3
"""Pause before the next attempt. All attempts for a lock take four minutes, of the job's fifteen
(`groundplan_components.workload.migration`)."""
ROTATION_SECONDS: Final = 6
"""Pause after a refused password before the secret is read again: a rotation has finished by then, and the remembered
secret no longer counts as new (`groundplan_chassis.secrets.REFRESH_SECONDS`)."""

_BESIDE: Final = re.compile(
    r"\s*(?:(?:CREATE|DROP|REINDEX)\b[^;]*\bCONCURRENTLY\b"
    r"|ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?\S+\s+VALIDATE\s+CONSTRAINT\s+\S+\s*;?\s*$)",
    re.IGNORECASE,
)
"""Statements whose lock (SHARE UPDATE EXCLUSIVE) reads and writes pass.
https://www.postgresql.org/docs/current/explicit-locking.html"""
_UNFINISHED: Final = """
    SELECT c.oid::regclass::text
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE NOT i.indisvalid AND c.relkind = 'i' AND c.relowner = current_user::regrole
    ORDER BY 1
"""
"""Indexes that a build left behind which was stopped. One that is being built is of them, and locked."""

Step = Callable[[Config, str], None]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Shard:
    """The parameters of one shard's migration."""

    name: str
    server: Server
    admin: Account
    wanted: Provision


async def migrate(
    settings: DatabaseSettings,
    secrets: SecretSource,
    folder: Path,
    *,
    trust_file: Path | None = None,
    revision: str = "head",
) -> None:
    """Makes databases and users where they are missing, and brings every shard's schema up to ``revision``.

    ``folder`` has `versions/`, and an `env.py` where the service configures Alembic itself. Repeatable, and safe to
    start twice: the second waits for the first. Raises ProblemsFound; what was done until then is kept, and the next
    run goes on from there.
    """
    await _each_shard(settings, secrets, folder, trust_file, command.upgrade, revision)


async def downgrade(
    settings: DatabaseSettings,
    secrets: SecretSource,
    folder: Path,
    *,
    revision: str,
    trust_file: Path | None = None,
) -> None:
    """Takes every shard's schema back to ``revision``: an id, `-1` for the last step, `base` for all of them."""
    await _each_shard(settings, secrets, folder, trust_file, command.downgrade, revision)


async def _each_shard(
    settings: DatabaseSettings,
    secrets: SecretSource,
    folder: Path,
    trust_file: Path | None,
    step: Step,
    revision: str,
) -> None:
    if len(settings.admins) != len(settings.shards):
        told = f"{len(settings.admins)} administrators for {len(settings.shards)} shards"
        raise ProblemsFound(
            "migration", [Problem("DATABASE_ADMIN", told, "one for each shard", "deploy again with `make up`")]
        )
    for number in range(len(settings.shards)):
        try:
            await _one_shard(settings, secrets, number, folder, trust_file, step, revision)
        except SecretUnavailable as error:
            problem = Problem(f"shard {number}", str(error), "a secret to log in with", "see the secret's own message")
            raise ProblemsFound("migration", [problem]) from error


async def _one_shard(
    settings: DatabaseSettings,
    secrets: SecretSource,
    number: int,
    folder: Path,
    trust_file: Path | None,
    step: Step,
    revision: str,
) -> None:
    read = await _read(settings, secrets, number, trust_file, fresh=False)
    try:
        await asyncio.to_thread(_run, read, folder, step, revision, reset=False)
    except PasswordRefused as refused:
        log.warning("shard %d: the password of %s is not the secret's; reading it again", number, refused.user)
        await asyncio.sleep(ROTATION_SECONDS)
        again = await _read(settings, secrets, number, trust_file, fresh=True)
        try:
            # The same secret, and it is still refused: no other process is about to set it, so the user gets it here.
            await asyncio.to_thread(_run, again, folder, step, revision, reset=again == read)
        except PasswordRefused as still:
            raise _found(
                again,
                f"no login for {still.user}: its password is not the one of its secret, which has just changed",
                "a user whose password is the one of its secret",
                "wait until the secret's rotation has ended, and run it again; if it is refused then as well, see in "
                "Secrets Manager why the rotation fails",
            ) from still


async def _read(
    settings: DatabaseSettings, secrets: SecretSource, number: int, trust_file: Path | None, *, fresh: bool
) -> _Shard:
    shard, admin = settings.shards[number], settings.admins[number]

    async def account(arn: str) -> Account:
        secret = await secrets.get(arn, fresh=fresh)
        return Account(secret["username"], secret["password"])

    return _Shard(
        name=f"shard {number} at {admin.address}",
        server=Server(admin.address, settings.tls, trust_file),
        admin=await account(admin.secret_arn),
        wanted=Provision(
            settings.name,
            await account(shard.secret_arn),
            await account(shard.reader_secret_arn) if shard.pooled else None,
        ),
    )


def _run(shard: _Shard, folder: Path, step: Step, revision: str, *, reset: bool) -> None:
    with _problems(shard), shard.server.connect(shard.admin, ADMINISTRATION) as administration:
        lock(administration, shard.wanted.database)
        provision(shard.server, administration, shard.admin, shard.wanted, reset=reset)
        _alembic(shard, folder, step, revision)
        grant_tables(shard.server, shard.admin, shard.wanted)
    log.info("%s: the schema of %s is at %s", shard.name, shard.wanted.database, revision)


@contextmanager
def _problems(shard: _Shard) -> Iterator[None]:
    """The error as a problem of the shard, without values that PostgreSQL may quote."""
    try:
        yield
    except psycopg.OperationalError as error:
        if error.sqlstate is None:
            said = str(error).strip().splitlines()
            raise _found(
                shard,
                said[-1] if said else type(error).__name__,
                "a server that lets the administrator in",
                "see that it runs, that the job may reach it, and that the administrator's secret is right",
            ) from error
        raise _found(shard, _said(error), "a statement that succeeds", "mend what it says, and run it again") from error
    except psycopg.Error as error:
        raise _found(shard, _said(error), "a statement that succeeds", "mend what it says, and run it again") from error
    except sqlalchemy.exc.DBAPIError as error:
        said_by = error.orig if isinstance(error.orig, psycopg.Error) else None
        raise _found(
            shard,
            _said(said_by) if said_by else type(error).__name__,
            "migrations that this database can take",
            "mend the migration; what it did is undone, and those before it are kept",
        ) from error
    except CommandError as error:
        raise _found(shard, str(error), "revisions that follow each other", "mend migrations/versions") from error


def _found(shard: _Shard, value: str, expected: str, remedy: str) -> ProblemsFound:
    return ProblemsFound("migration", [Problem(shard.name, value, expected, remedy)])


def _said(error: psycopg.Error) -> str:
    return f"{error.diag.message_primary or type(error).__name__} ({error.sqlstate})"


def configuration(folder: Path) -> Config:
    """Alembic's, for a service's folder of migrations."""
    config = Config()
    environment = folder if (folder / "env.py").is_file() else ENVIRONMENT
    for name, value in {
        "script_location": str(environment),
        "version_locations": str(folder / "versions"),
        # A path may hold each of the other separators.
        "path_separator": "newline",
    }.items():
        config.set_main_option(name, value.replace("%", "%%"))
    return config


def _alembic(shard: _Shard, folder: Path, step: Step, revision: str) -> None:
    config = configuration(folder)
    for last in [False] * (LOCK_TRIES - 1) + [True]:
        try:
            _drop_unfinished(shard)
            with _as_owner(shard) as connection:
                config.attributes["connection"] = connection
                step(config, revision)
            return
        except (psycopg.Error, sqlalchemy.exc.OperationalError) as error:
            said = error.orig if isinstance(error, sqlalchemy.exc.OperationalError) else error
            if last or not isinstance(said, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
                raise
            log.info("%s: a table is in use; the migration steps aside and tries again", shard.name)
            time.sleep(LOCK_PAUSE_SECONDS)


def _drop_unfinished(shard: _Shard) -> None:
    """Indexes of concurrent builds that were stopped: a revision may take one of the name for the one it makes.

    PostgreSQL advises the same: https://www.postgresql.org/docs/current/sql-createindex.html (Building Indexes
    Concurrently). Raises LockNotAvailable for one that another session is building.
    """
    with _owned(shard) as connection:
        for (name,) in connection.execute(_UNFINISHED).fetchall():
            log.info("%s: the index %s was never finished; it is dropped", shard.name, name)
            # A name from the catalogue, quoted by it.
            connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}".encode())


def _owned(shard: _Shard) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection with the owner's rights to the service's database, each statement by itself."""
    connection = shard.server.connect(shard.admin, shard.wanted.database)
    connection.execute(psycopg.sql.SQL("SET ROLE {}").format(psycopg.sql.Identifier(shard.wanted.owner)))
    connection.execute(f"SET lock_timeout = {LOCK_MS}")
    # Indexes of large tables take their time.
    connection.execute("SET statement_timeout = 0")
    connection.execute("SET idle_in_transaction_session_timeout = '60s'")
    return connection


@contextmanager
def _as_owner(shard: _Shard) -> Iterator[sqlalchemy.Connection]:
    """A connection with the owner's rights to the service's database, with a short lock time-out."""

    def connect() -> psycopg.Connection[tuple[Any, ...]]:
        connection = _owned(shard)
        connection.autocommit = False
        return connection

    engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=connect, poolclass=sqlalchemy.pool.NullPool)
    sqlalchemy.event.listen(engine, "before_cursor_execute", _set_patience)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _set_patience(_: sqlalchemy.Connection, cursor: Any, statement: str, *_more: object) -> None:  # noqa: ANN401
    """Before each statement on a cursor of psycopg: the time for which it may wait for locks."""
    wanted = BESIDE_SECONDS * 1000 if _BESIDE.match(statement) else LOCK_MS
    cursor.connection.execute(f"SET lock_timeout = {wanted}")


def run() -> None:
    """The body of an `env.py`: runs each migration in its own transaction. `alembic upgrade head --sql` prints them
    instead."""
    connection = context.config.attributes.get("connection")
    if context.is_offline_mode():
        context.configure(dialect_name="postgresql", literal_binds=True, transaction_per_migration=True)
    elif connection is None:
        raise CommandError("migrations are run by the service: `python -m <its package> migrate`")
    else:
        context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
