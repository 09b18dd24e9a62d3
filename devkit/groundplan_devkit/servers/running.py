"""A group of servers: started together, shared by processes through a state file, with faults by name."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import msgspec
import psutil

from groundplan.owned import claim, is_owned, require_removable
from groundplan.owned import remove as remove_owned
from groundplan.project import PROJECT_VARIABLE
from groundplan_devkit.authority import Authority
from groundplan_devkit.ports import HOST
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.processes import Birth, ServerProcess, end_marked
from groundplan_devkit.servers.aws import Aws
from groundplan_devkit.servers.aws import start as start_aws
from groundplan_devkit.servers.identity import Identity, People, declared_people
from groundplan_devkit.servers.identity import start as start_identity
from groundplan_devkit.servers.kafka import Kafka
from groundplan_devkit.servers.kafka import require as require_kafka
from groundplan_devkit.servers.kafka import start as start_kafka
from groundplan_devkit.servers.postgres import Postgres
from groundplan_devkit.servers.postgres import require as require_postgres
from groundplan_devkit.servers.postgres import start as start_postgres
from groundplan_devkit.servers.valkey import Valkey
from groundplan_devkit.servers.valkey import require as require_valkey
from groundplan_devkit.servers.valkey import start as start_valkey
from groundplan_devkit.state import PROJECT, STATE_FILE, STATE_VARIABLE, adopt, locked, remove_data, write_privately

Kind = Literal["postgres", "valkey", "kafka", "aws", "identity"]
KINDS: tuple[Kind, ...] = ("postgres", "valkey", "kafka", "aws", "identity")
REAPER = "reaper"
Server = Postgres | Valkey | Kafka | Aws | Identity


class Servers(msgspec.Struct, kw_only=True):
    """The running servers, as in the state file: addresses, passwords, and each process by its name."""

    directory: str
    authority: str
    """The file of certificates to trust (``TRUST_FILE``)."""
    postgres: Postgres | None = None
    valkey: Valkey | None = None
    kafka: Kafka | None = None
    aws: Aws | None = None
    identity: Identity | None = None

    @property
    def state_file(self) -> Path:
        return Path(self.directory) / STATE_FILE

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return tuple(kind for kind in KINDS if getattr(self, kind) is not None)

    def processes(self) -> dict[str, ServerProcess]:
        """By name: `postgres-1` (a primary), `postgres-1-replica-1`, `valkey`, `kafka`, `aws`, `identity`."""
        return {process.name: process for kind in self.kinds for process in getattr(self, kind).processes()}

    def process(self, name: str) -> ServerProcess:
        """Raises Unavailable for a name that no server has."""
        known = self.processes()
        if name not in known:
            raise self._unknown(name)
        return known[name]

    def kill(self, name: str) -> None:
        """Kill the server (SIGKILL), like the failure of a machine."""
        self.process(name).kill()

    def stop(self, name: str) -> None:
        """Stop the server in an orderly way."""
        self.process(name).stop()

    def pause(self, name: str) -> None:
        """Stop the process (SIGSTOP), as if its network were cut: connections stay open without answers."""
        self.process(name).pause()

    def resume(self, name: str) -> None:
        self.process(name).resume()

    def start(self, name: str) -> None:
        """Start it again at its old address, and wait until it answers."""
        process = self.process(name)
        if not process.alive():
            process.start()
        process.wait_until(lambda: self.answers(name))

    def restart(self, name: str) -> None:
        self.stop(name)
        self.start(name)

    def answers(self, name: str) -> bool:
        """Whether a server answers."""
        return self._server(name).answers(name)

    def address(self, name: str) -> str:
        """Host and port that a server listens on."""
        return f"{HOST}:{self._server(name).port_of(name)}"

    def postgres_has(self, shards: int, replicas: int) -> bool:
        """Whether there are at least so many shards with so many replicas each."""
        have = self.postgres.shards if self.postgres else []
        return len(have) >= shards and all(len(shard.replicas) >= replicas for shard in have)

    def _server(self, name: str) -> Server:
        for kind in self.kinds:
            server: Server = getattr(self, kind)
            if name in {process.name for process in server.processes()}:
                return server
        raise self._unknown(name)

    def _unknown(self, name: str) -> Unavailable:
        known = ", ".join(self.processes())
        return Unavailable(f"server {name}", "no such name", f"one of {known}", "use one of these names")

    def remember(self) -> None:
        write_privately(self.state_file, msgspec.json.format(msgspec.json.encode(self)))

    @classmethod
    def read(cls, state_file: Path) -> Servers:
        """Raises Unavailable when the file isn't there or isn't one."""
        try:
            return msgspec.json.decode(state_file.read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError) as error:
            raise Unavailable(
                "state file of servers",
                f"{state_file}: {error}",
                "a file that `python -m groundplan_devkit.servers up` wrote",
                f"run that, or unset {STATE_VARIABLE}",
            ) from None


_PROGRAMS: dict[Kind, Callable[[], None]] = {
    "postgres": require_postgres,
    "valkey": require_valkey,
    "kafka": require_kafka,
}
"""Of the others nothing is needed but Python packages."""


def require_programs(kinds: Sequence[Kind] = KINDS) -> None:
    """See that the servers' programs are on this machine; what is missing is said, and installed where that is allowed.

    To be called where a person can still answer: not in a test's process, not beside other work. Raises Unavailable.
    """
    for kind in kinds:
        if kind in _PROGRAMS:
            _PROGRAMS[kind]()


def start(
    directory: Path,
    kinds: Sequence[Kind] = KINDS,
    *,
    shards: int = 1,
    replicas: int = 1,
    durable: bool = False,
    clustered: bool = True,
    cache_nodes: int = 1,
    people: People | None = None,
) -> Servers:
    """Start the servers in a directory, in parallel, and write the state file; those that run already are kept.

    ``people`` is what the identity provider needs to know of the system; by default what `system.yaml` declares.
    Raises ProblemsFound for a directory that holds something else, and Unavailable; what has been started by then is
    stopped.
    """
    adopt(directory)
    claim(directory)
    with locked(directory):
        authority = Authority.at(directory / "tls")
        starters: dict[Kind, Callable[[], Server]] = {
            "postgres": lambda: start_postgres(directory, authority, shards=shards, replicas=replicas, durable=durable),
            "valkey": lambda: start_valkey(directory, authority, clustered=clustered, nodes=cache_nodes),
            "kafka": lambda: start_kafka(directory, authority),
            "aws": lambda: start_aws(directory),
            "identity": lambda: start_identity(directory, people or declared_people()),
        }
        state_file = directory / STATE_FILE
        known = Servers.read(state_file) if state_file.exists() else None
        servers = known or Servers(directory=str(directory), authority=str(authority.certificate))
        before = {process.name for process in ServerProcess.all_in(directory)}
        try:
            with ThreadPoolExecutor(len(KINDS)) as pool:
                started = {kind: pool.submit(starters[kind]) for kind in dict.fromkeys(kinds)}
            for kind, future in started.items():
                setattr(servers, kind, future.result())
        except BaseException:
            _stop([process for process in ServerProcess.all_in(directory) if process.name not in before])
            raise
        servers.remember()
        return servers


def stop(directory: Path, *, remove: bool = False) -> list[str]:
    """Stop what was started in a directory; returns the names. ``remove`` deletes its data too.

    Raises ProblemsFound rather than remove a directory that no servers were started in.
    """
    adopt(directory)
    if remove:
        require_removable(directory)
    if not is_owned(directory):
        return []
    with locked(directory):
        # A reaper that stops them ends by itself.
        running = [process for process in ServerProcess.all_in(directory) if process.pid != os.getpid()]
        _stop(running)
        if remove:
            for elsewhere in directory.glob("*.elsewhere"):
                remove_data(directory, elsewhere.stem)
        (directory / STATE_FILE).unlink(missing_ok=True)
    if remove:
        remove_owned(directory)
    return sorted(process.name for process in running if process.name != REAPER)


def _stop(processes: list[ServerProcess]) -> None:
    """Ends all in parallel: each gets its signal at once."""
    if processes:
        with ThreadPoolExecutor(len(processes)) as pool:
            list(pool.map(ServerProcess.stop, processes))


@contextlib.contextmanager
def servers(
    *kinds: Kind,
    directory: Path | None = None,
    private: bool = False,
    shards: int = 1,
    replicas: int = 1,
    durable: bool = False,
    clustered: bool = True,
    cache_nodes: int = 1,
    people: People | None = None,
) -> Iterator[Servers]:
    """These servers (all when none is named) while the block runs.

    Without a ``directory`` their data are in a temporary one. When ``LOCAL_SERVERS`` names the state file of others
    that have what is asked for, those are used and left running, unless they are to be ``private``.
    """
    wanted = kinds or KINDS
    named = os.environ.get(STATE_VARIABLE)
    if named and directory is None and not private:
        shared = Servers.read(Path(named))
        if set(wanted) <= set(shared.kinds) and ("postgres" not in wanted or shared.postgres_has(shards, replicas)):
            yield shared
            return
    place = directory or Path(tempfile.mkdtemp(prefix="local-servers-"))
    try:
        start_reaper(place, os.getpid(), remove=directory is None)
        yield start(
            place,
            wanted,
            shards=shards,
            replicas=replicas,
            durable=durable,
            clustered=clustered,
            cache_nodes=cache_nodes,
            people=people,
        )
    finally:
        stop(place, remove=directory is None)


def start_reaper(directory: Path, owner: int, *, remove: bool) -> None:
    """Start a process that ends a directory's servers and services after the death of their owner; ``remove`` deletes
    their data too.

    One that runs already is left, unless its own owner has died: it would end what the new one starts.
    """
    adopt(directory)
    claim(directory)
    try:
        born = Birth.of(owner)
    except psutil.NoSuchProcess:
        return
    arguments = [str(directory), str(born.pid), str(born.created), *(["remove"] if remove else [])]
    process = ServerProcess(
        name=REAPER,
        command=[sys.executable, "-m", "groundplan_devkit.servers.reaper", *arguments],
        directory=str(directory),
        environment={PROJECT_VARIABLE: str(PROJECT)},
    )
    known = directory / f"{REAPER}.owner"
    if process.alive():
        if _owner(known) is not None:
            return
        process.kill()
    write_privately(known, msgspec.json.encode(born))
    process.start()


def _owner(known: Path) -> psutil.Process | None:
    """Whom the running reaper waits for; None: that process has ended."""
    try:
        return msgspec.json.decode(known.read_bytes(), type=Birth).process()
    except (OSError, msgspec.MsgspecError):
        return None


def end_left_over(directory: Path) -> None:
    """End what a session left in a directory that no one holds any more, apart from the servers in its state file."""
    state_file = directory / STATE_FILE
    try:
        kept = list(Servers.read(state_file).processes().values()) if state_file.exists() else []
    except Unavailable:
        kept = []
    names = {process.name for process in kept} | {REAPER}
    _stop([process for process in ServerProcess.all_in(directory) if process.name not in names])
    end_marked(directory, but=[process for process in ServerProcess.all_in(directory) if process.name in names])


@contextlib.contextmanager
def postgres(
    directory: Path | None = None, *, shards: int = 1, replicas: int = 1, durable: bool = False
) -> Iterator[Postgres]:
    """PostgreSQL alone."""
    with servers("postgres", directory=directory, shards=shards, replicas=replicas, durable=durable) as running:
        assert running.postgres is not None
        yield running.postgres


@contextlib.contextmanager
def valkey(directory: Path | None = None, *, clustered: bool = True, nodes: int = 1) -> Iterator[Valkey]:
    """The cache alone."""
    with servers("valkey", directory=directory, clustered=clustered, cache_nodes=nodes) as running:
        assert running.valkey is not None
        yield running.valkey


@contextlib.contextmanager
def kafka(directory: Path | None = None) -> Iterator[Kafka]:
    """The broker alone."""
    with servers("kafka", directory=directory) as running:
        assert running.kafka is not None
        yield running.kafka


@contextlib.contextmanager
def aws(directory: Path | None = None) -> Iterator[Aws]:
    """AWS's APIs alone."""
    with servers("aws", directory=directory) as running:
        assert running.aws is not None
        yield running.aws
