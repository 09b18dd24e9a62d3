"""One server's process, which other processes of the project can find, stop, kill and pause by its identity.

A process is known by its id and the moment it began, because ids are given out again.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
import psutil

from groundplan_devkit.problems import Unavailable

STOP_SECONDS = 10.0
"""How long a server may take to end by itself before it is killed."""
READY_SECONDS = 60.0
"""How long a server may take to be ready on a machine that is busy with many tests."""
POLL_SECONDS = 0.02
CLOCK_DRIFT_SECONDS = 2.0
"""Linux tells a process's beginning from the boot's, which moves when the clock is set."""
LOG_LINES = 12


MARK = "LOCAL_HELD_IN"
"""Environment variable of what is started for a directory, and of all that this starts in turn: the directory."""
WAIT_SECONDS = 0.2
"""Pause between two looks at a process that is no child of this one."""


class Birth(msgspec.Struct, frozen=True):
    """A process, by its id and the moment it began."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> Birth:
        """Raises psutil.NoSuchProcess."""
        return cls(pid, psutil.Process(pid).create_time())

    def process(self) -> psutil.Process | None:
        """None once it has ended; one that its parent has not looked after counts as ended."""
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.created) <= CLOCK_DRIFT_SECONDS and _runs(process):
                return process
        return None

    def wait(self) -> None:
        """Until it has ended."""
        # Looked up once: a clock that is set moves its beginning, and must not pass for its end.
        process = self.process()
        while process is not None and _runs(process):
            time.sleep(WAIT_SECONDS)


class _Born(msgspec.Struct, frozen=True):
    pid: int
    created: float
    stop_signal: int


class ServerProcess(msgspec.Struct, frozen=True, kw_only=True):
    """The command that starts a server, and its state files."""

    name: str
    command: list[str]
    directory: str
    """Holds its log (`<name>.log`) and its process's identity (`<name>.process`)."""
    environment: dict[str, str] = {}
    """Added to this process's own."""
    user: str | None = None
    """The account that it runs as; None: the caller's."""
    stop_signal: int = signal.SIGTERM
    """The signal for a fast shutdown."""

    @classmethod
    def all_in(cls, directory: Path) -> list[ServerProcess]:
        """Those that were started in a directory and run; to be stopped, not to be started."""
        known = [cls(name=file.stem, command=[], directory=str(directory)) for file in directory.glob("*.process")]
        return [process for process in known if process.alive()]

    @property
    def log(self) -> Path:
        return Path(self.directory) / f"{self.name}.log"

    @property
    def _identity(self) -> Path:
        return Path(self.directory) / f"{self.name}.process"

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C in a terminal does not reach it."""
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **_home_of(self.user), **marked(Path(self.directory)), **self.environment},
                cwd="/",
                start_new_session=True,
                user=self.user,
                group=_group_of(self.user),
                extra_groups=[] if self.user else None,
            )
        try:
            born = _Born(child.pid, psutil.Process(child.pid).create_time(), self.stop_signal)
        except psutil.NoSuchProcess:
            child.wait()
            return
        # It may outlive this process, and is waited for by its id: Popen need not warn of it.
        child.returncode = 0
        _own_children.add(child.pid)
        self._identity.write_bytes(msgspec.json.encode(born))

    def alive(self) -> bool:
        return self._process() is not None

    @property
    def pid(self) -> int | None:
        """None when it does not run."""
        process = self._process()
        return process.pid if process else None

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Ask it to end, and kill it when it does not within so many seconds."""
        process = self._process()
        if process is None:
            return
        family = _family(process)
        _send(family, signal.SIGCONT)
        with contextlib.suppress(FileNotFoundError):
            _send([process], self._born().stop_signal)
        _end(_left_after(family, seconds))
        self._forget(process.pid)

    def kill(self) -> None:
        """Kill it and its children (SIGKILL), like the failure of a machine."""
        process = self._process()
        if process is not None:
            _end(_family(process))
            self._forget(process.pid)

    def pause(self) -> None:
        """Pause it (SIGSTOP): connections stay open without answers, like a lost network."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def wait_until(self, ready: Callable[[], bool], seconds: float = READY_SECONDS) -> None:
        """Wait until ``ready`` is true. Raises Unavailable with the log's end when it ends or takes too long."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.alive():
                raise self.failed("it ended as soon as it was started")
            if time.monotonic() > deadline:
                raise self.failed(f"it was not ready within {seconds:.0f} s")
            time.sleep(POLL_SECONDS)

    def failed(self, found: str) -> Unavailable:
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES:] if self.log.exists() else []
        said = "".join(f"\n              {line}" for line in lines)
        return Unavailable(
            self.name,
            f"{found}; the end of its log:{said}" if said else found,
            "a server that answers",
            f"look at {self.log}; `groundplan servers down` clears what is left of it",
        )

    def _process(self) -> psutil.Process | None:
        try:
            born = self._born()
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        process = Birth(born.pid, born.created).process()
        if process is None:
            _reap(born.pid)
        return process

    def _born(self) -> _Born:
        return msgspec.json.decode(self._identity.read_bytes(), type=_Born)

    def _signal(self, number: int) -> None:
        process = self._process()
        if process is None:
            raise Unavailable(self.name, "it does not run", "a running server", f'start it: `start("{self.name}")`')
        _send(_family(process), number)

    def _forget(self, pid: int) -> None:
        _reap(pid)
        self._identity.unlink(missing_ok=True)


def marked(directory: Path) -> dict[str, str]:
    """The environment variable that says for which directory's servers a process is there."""
    return {MARK: str(directory.resolve())}


def end_marked(directory: Path, *, but: Iterable[ServerProcess] = ()) -> None:
    """Kill what carries the directory's mark, known to a file or not.

    Spared are this process and those that it was started from, the families of ``but``, and a person's terminal: a
    shell that was opened from within a service has the mark, too.
    """
    spared = {os.getpid(), *(each.pid for each in psutil.Process().parents())}
    for kept in but:
        process = kept._process()
        spared |= {each.pid for each in _family(process)} if process else set()
    carriers = {process.pid: process for process in _carriers(directory)}
    _end([process for pid, process in carriers.items() if pid not in spared and not _at_a_terminal(pid, carriers)])


def _at_a_terminal(pid: int, carriers: Mapping[int, psutil.Process]) -> bool:
    """Whether its session is a terminal's that carries the mark itself.

    Servers and services have sessions without a terminal; commands are in the session of `make`, without the mark.
    """
    with contextlib.suppress(psutil.Error, OSError):
        leader = carriers.get(os.getsid(pid))
        return leader is not None and leader.terminal() is not None
    return False


def _carriers(directory: Path) -> Iterator[psutil.Process]:
    mark = str(directory.resolve())
    for process in psutil.process_iter():
        # Those of other users are none of ours, and say nothing of their environment.
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == mark:
                yield process


_own_children: set[int] = set()
"""Those that this process started itself, and must therefore take leave of."""


def _reap(pid: int) -> None:
    if pid in _own_children:
        _own_children.remove(pid)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


def _family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return [process]


def _send(processes: list[psutil.Process], number: int) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _end(processes: list[psutil.Process]) -> None:
    _send(processes, signal.SIGKILL)
    _left_after(processes, STOP_SECONDS)


def _left_after(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that still run after so many seconds; the dead that their parent has not looked after count as ended."""
    deadline = time.monotonic() + seconds
    while True:
        processes = [process for process in processes if _runs(process)]
        if not processes or time.monotonic() > deadline:
            return processes
        time.sleep(POLL_SECONDS)


def _runs(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _group_of(user: str | None) -> int | None:
    return pwd.getpwnam(user).pw_gid if user else None


def _home_of(user: str | None) -> dict[str, str]:
    """Its own, lest it look for files of its user in the caller's (libpq does, for certificates)."""
    return {"HOME": pwd.getpwnam(user).pw_dir} if user else {}
