"""Valkey (or Redis 7) as in ElastiCache: TLS only, cluster mode, user `default` disabled."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import msgspec

from groundplan_devkit.authority import Authority
from groundplan_devkit.install import find, find_or_install, refused
from groundplan_devkit.ports import HOST, free_ports, is_free
from groundplan_devkit.processes import ServerProcess
from groundplan_devkit.secrets import password
from groundplan_devkit.state import data_directory, write_privately

OPERATOR = "operator"
"""A user for tests and for what ElastiCache does itself: it makes the services' users."""
SLOTS = 16_384
MEMORY = "256mb"


class Valkey(msgspec.Struct, frozen=True):
    """The nodes of one cache; without cluster mode there is one."""

    nodes: list[ServerProcess]
    ports: list[int]
    clustered: bool
    tls: bool
    authority: str
    """The file of certificates to trust."""
    client: str
    """Path of `valkey-cli` or `redis-cli`."""
    operator_password: str

    @property
    def port(self) -> int:
        return self.ports[0]

    def processes(self) -> list[ServerProcess]:
        return self.nodes

    def answers(self, name: str) -> bool:
        """In cluster mode a node that has just started takes nothing for two seconds."""
        number = self._number(name)
        return _answers(self, number) and (not self.clustered or _whole(self, number))

    def port_of(self, name: str) -> int:
        return self.ports[self._number(name)]

    def _number(self, name: str) -> int:
        return [process.name for process in self.nodes].index(name)

    def execute(self, *arguments: str, node: int = 0) -> str:
        """Run a command as the operator on one node; raises RuntimeError with what the server said against it."""
        return self.execute_as(OPERATOR, self.operator_password, *arguments, node=node)

    def execute_as(self, user: str, secret: str, *arguments: str, node: int = 0) -> str:
        """As `execute`, for another user; in cluster mode it follows to the node that holds the key."""
        trust = self.authority if self.tls else None
        return _cli(self.client, self.ports[node], user, secret, trust, arguments, follow=user != OPERATOR)

    def add_user(self, name: str, secret: str, rules: str) -> None:
        """Make or replace a user on all nodes; ``rules`` in Valkey's notation, as `groundplan_components.cache.cache`
        writes them.

        Rules about commands that an older server doesn't know are left out: what isn't there needs no rule.
        """
        for node in range(len(self.nodes)):
            known = self._known(rules.split(), node)
            self.execute("ACL", "SETUSER", name, "reset", *known, f">{secret}", node=node)
            self.execute("ACL", "SAVE", node=node)

    def remove_user(self, name: str) -> None:
        for node in range(len(self.nodes)):
            self.execute("ACL", "DELUSER", name, node=node)
            self.execute("ACL", "SAVE", node=node)

    def _known(self, rules: list[str], node: int) -> list[str]:
        if self._accepts(rules, node):
            return rules
        return [rule for rule in rules if self._accepts([rule], node)]

    def _accepts(self, rules: list[str], node: int) -> bool:
        try:
            self.execute("ACL", "SETUSER", "probe-of-rules", "reset", *rules, node=node)
        except RuntimeError:
            return False
        finally:
            self.execute("ACL", "DELUSER", "probe-of-rules", node=node)
        return True


def start(directory: Path, authority: Authority, *, clustered: bool = True, nodes: int = 1) -> Valkey:
    """Start the nodes, without earlier data. Raises Unavailable."""
    server, client = _programs()
    operator_password = password(directory, "valkey-operator")
    tls = _has_tls(client)
    processes, ports = [], []
    for number in range(nodes):
        name = "valkey" if nodes == 1 else f"valkey-{number + 1}"
        process, port = _node(directory, name, server, authority if tls else None, operator_password, clustered)
        processes.append(process)
        ports.append(port)
    valkey = Valkey(processes, ports, clustered, tls, str(authority.certificate), str(client), operator_password)
    for number, process in enumerate(processes):
        process.wait_until(lambda number=number: _answers(valkey, number))  # type: ignore[misc]
    if clustered:
        _form_cluster(valkey)
    return valkey


def _node(
    directory: Path, name: str, server: Path, authority: Authority | None, operator_password: str, clustered: bool
) -> tuple[ServerProcess, int]:
    data = data_directory(directory, name, None)
    process = ServerProcess(
        name=name, command=[str(server), str(data / "valkey.conf")], directory=str(directory), stop_signal=15
    )
    file = data / "ports.json"
    ports = msgspec.json.decode(file.read_bytes(), type=list[int]) if file.exists() else []
    if process.alive():
        return process, ports[0]
    if not ports or not all(map(is_free, ports)):
        ports = free_ports(2)
        file.write_bytes(msgspec.json.encode(ports))
        (data / "nodes.conf").unlink(missing_ok=True)
    port, bus = ports
    lines = [
        f"bind {HOST}",
        f"dir {data}",
        "daemonize no",
        'save ""',
        "appendonly no",
        f"maxmemory {MEMORY}",
        # As `groundplan_components.cache.cache` sets them.
        "maxmemory-policy allkeys-lfu",
        "slowlog-log-slower-than 10000",
        f"aclfile {data / 'users.acl'}",
    ]
    if authority:
        certificate, key = authority.issue(name)
        lines += [
            "port 0",
            f"tls-port {port}",
            f"tls-cert-file {certificate}",
            f"tls-key-file {key}",
            f"tls-ca-cert-file {authority.certificate}",
            "tls-auth-clients no",
            'tls-protocols "TLSv1.2 TLSv1.3"',
            "tls-replication yes",
        ]
    else:
        lines.append(f"port {port}")
    if clustered:
        lines += [
            "cluster-enabled yes",
            "cluster-config-file nodes.conf",
            f"cluster-port {bus}",
            f"cluster-announce-ip {HOST}",
            "cluster-require-full-coverage no",
            "cluster-node-timeout 5000",
        ]
        lines += ["tls-cluster yes"] if authority else []
    write_privately(data / "valkey.conf", "".join(f"{line}\n" for line in lines).encode())
    if not (data / "users.acl").exists():
        users = f"user default off -@all\nuser {OPERATOR} on >{operator_password} ~* &* +@all\n"
        write_privately(data / "users.acl", users.encode())
    process.start()
    return process, port


def _form_cluster(valkey: Valkey) -> None:
    """Spread the slots over the nodes, once."""
    count = len(valkey.nodes)
    for number in range(count):
        if "cluster_slots_assigned:0" in valkey.execute("CLUSTER", "INFO", node=number):
            first, last = SLOTS * number // count, SLOTS * (number + 1) // count - 1
            valkey.execute("CLUSTER", "ADDSLOTSRANGE", str(first), str(last), node=number)
    for number in range(1, count):
        data = Path(valkey.nodes[number].directory) / valkey.nodes[number].name / "ports.json"
        port, bus = msgspec.json.decode(data.read_bytes(), type=list[int])
        valkey.execute("CLUSTER", "MEET", HOST, str(port), str(bus))
    for number, process in enumerate(valkey.nodes):
        process.wait_until(lambda number=number: _whole(valkey, number))  # type: ignore[misc]


def _whole(valkey: Valkey, node: int) -> bool:
    try:
        known = valkey.execute("CLUSTER", "INFO", node=node)
    except RuntimeError:
        return False
    return f"cluster_slots_ok:{SLOTS}" in known and "cluster_state:ok" in known


def _answers(valkey: Valkey, node: int) -> bool:
    try:
        return valkey.execute("PING", node=node) == "PONG"
    except RuntimeError:
        return False


def require() -> None:
    """See that its programs are there, asking before any is installed. Raises Unavailable."""
    _programs()


def _programs() -> tuple[Path, Path]:
    """Server and client, both of one kind."""
    found = find_or_install(_installed, "valkey-server", "valkey-tools")
    if found is None:
        found = find_or_install(_installed, "redis-server", "redis-tools")
    if found is None:
        raise refused(
            "Valkey",
            "Valkey, or Redis 7, or a way to install it",
            "install it (Debian, Ubuntu: apt install valkey-server or redis-server; macOS: brew install valkey)",
        )
    return found


def _installed() -> tuple[Path, Path] | None:
    for kind in ("valkey", "redis"):
        server, client = find(f"{kind}-server"), find(f"{kind}-cli")
        if server and client:
            return server, client
    return None


def _has_tls(client: Path) -> bool:
    """Whether it was built with TLS: only then does its help speak of it."""
    said = subprocess.run([str(client), "--help"], check=False, capture_output=True, text=True)
    return "--cacert" in said.stdout + said.stderr


def _cli(
    client: str, port: int, user: str, secret: str, trust: str | None, arguments: tuple[str, ...], *, follow: bool
) -> str:
    options = ["-c"] if follow else []
    options += ["--tls", "--cacert", trust] if trust else []
    options += ["--user", user] if user else []
    # The last argument comes by standard input and the password by the environment: everybody on the machine can read
    # a process's arguments.
    result = subprocess.run(
        [client, "-h", HOST, "-p", str(port), *options, "-e", "-x", *arguments[:-1]],
        input=arguments[-1],
        env={**os.environ, "REDISCLI_AUTH": secret},
        check=False,
        capture_output=True,
        text=True,
    )
    said = result.stdout.strip()
    if result.returncode or said.startswith(("ERR ", "NOAUTH", "WRONGPASS", "NOPERM")):
        raise RuntimeError(f"the cache refused {arguments[0]}: {(said or result.stderr).strip()}")
    return said
