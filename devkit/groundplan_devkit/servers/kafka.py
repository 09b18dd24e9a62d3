"""One Kafka broker in KRaft mode: plain text for services, and SASL/SCRAM over TLS as MSK has it for a test."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import struct
import subprocess
import tempfile
from pathlib import Path

import msgspec

from groundplan.installation.allowed import HINT, may_install
from groundplan_devkit.authority import Authority
from groundplan_devkit.install import find, find_or_install, refused
from groundplan_devkit.ports import HOST, free_ports, is_free
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.processes import ServerProcess
from groundplan_devkit.say import say
from groundplan_devkit.secrets import password
from groundplan_devkit.state import cache_directory, data_directory, locked, remove_data, write_privately

VERSION = "4.1.0"
ARTIFACT = "org.apache.kafka:kafka_2.13"
LOGGING_VERSION = "1.7.36"
"""Of SLF4J, as Kafka 4.1 uses it."""
JAVA = 17
"""The oldest Java that a broker of Kafka 4 runs on (Apache Kafka documentation, "Java Version")."""
SCRAM_USER = "services"
HEAP = "384m"
SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "auto.create.topics.enable": "false",
    "num.partitions": 3,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 3,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 3,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    # A group need not wait for members that may yet come: locally they are all there.
    "group.initial.rebalance.delay.ms": 0,
    # A broker that was killed may register again once its old session is over: nine seconds by default.
    "broker.heartbeat.interval.ms": 500,
    "broker.session.timeout.ms": 3000,
    "log.segment.bytes": 67_108_864,
}


class Kafka(msgspec.Struct, frozen=True):
    process: ServerProcess
    port: int
    secure_port: int
    authority: str
    """The file of certificates to trust on the secure port."""
    scram_password: str

    @property
    def bootstrap(self) -> str:
        """The plain-text listener."""
        return f"{HOST}:{self.port}"

    @property
    def secure_bootstrap(self) -> str:
        """SASL_SSL with SCRAM-SHA-512, as `SCRAM_USER`."""
        return f"{HOST}:{self.secure_port}"

    def processes(self) -> list[ServerProcess]:
        return [self.process]

    def answers(self, name: str) -> bool:
        del name
        return _serves(self.port) and _listens(self.secure_port)

    def port_of(self, name: str) -> int:
        del name
        return self.port


def start(directory: Path, authority: Authority) -> Kafka:
    """Start the broker kept in ``directory``, or a new one. Raises Unavailable."""
    prepare(authority)
    java, libraries = _java(), _libraries()
    data = data_directory(directory, "kafka", None)
    file = data / "ports.json"
    ports = msgspec.json.decode(file.read_bytes(), type=list[int]) if file.exists() else []
    secret = password(directory, "kafka-scram")
    command = [
        *_jvm(java, libraries, archive=_archive(java, libraries)),
        "kafka.Kafka",
        str(data / "server.properties"),
    ]
    process = ServerProcess(name="kafka", command=command, directory=str(directory))
    if not process.alive():
        if not ports or not all(map(is_free, ports)):
            ports = free_ports(3)
            file.write_bytes(msgspec.json.encode(ports))
        _configure(data, ports, authority)
        if not (data / "log" / "meta.properties").exists():
            _format(java, libraries, data, secret)
        process.start()
    kafka = Kafka(process, ports[0], ports[1], str(authority.certificate), secret)
    process.wait_until(lambda: kafka.answers("kafka"))
    return kafka


def _configure(data: Path, ports: list[int], authority: Authority | None) -> None:
    plain, secure, controller = ports
    settings: dict[str, object] = {
        **SETTINGS,
        "log.dirs": data / "log",
        "controller.quorum.voters": f"1@{HOST}:{controller}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAIN",
    }
    listeners = {"PLAIN": plain, "CONTROLLER": controller}
    protocols = {"PLAIN": "PLAINTEXT", "CONTROLLER": "PLAINTEXT"}
    if authority:
        listeners["SECURE"], protocols["SECURE"] = secure, "SASL_SSL"
        certificate, key = authority.issue("kafka")
        store = data / "keystore.pem"
        write_privately(store, key.read_bytes() + certificate.read_bytes())
        settings |= {
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.secure.scram-sha-512.sasl.jaas.config": (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": store,
            "ssl.enabled.protocols": "TLSv1.2,TLSv1.3",
        }
    settings["listeners"] = ",".join(f"{name}://{HOST}:{port}" for name, port in listeners.items())
    settings["advertised.listeners"] = ",".join(
        f"{name}://{HOST}:{port}" for name, port in listeners.items() if name != "CONTROLLER"
    )
    settings["listener.security.protocol.map"] = ",".join(f"{name}:{kind}" for name, kind in protocols.items())
    (data / "server.properties").write_text("".join(f"{key}={value}\n" for key, value in settings.items()))


def _format(java: Path, libraries: list[Path], data: Path, secret: str) -> None:
    """Write what a broker reads at its first start, with the SCRAM user in it."""
    remove_data(data, "log")
    command = [
        *_jvm(java, libraries, archive=_archive(java, libraries)),
        "kafka.tools.StorageTool",
        "format",
        *("--cluster-id", "bG9jYWwtc2VydmVycy0tMQ", "--config", str(data / "server.properties")),
        *("--add-scram", f"SCRAM-SHA-512=[name={SCRAM_USER},password={secret}]"),
    ]
    result = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/")
    if result.returncode:
        raise Unavailable(
            "Kafka",
            f"its storage could not be formatted: {(result.stderr or result.stdout).strip()[-500:]}",
            "Java 17 or newer that can write there",
            f"remove {data} and try again",
        )


def _jvm(java: Path, libraries: list[Path], *, archive: Path | None) -> list[str]:
    options = ["-Xmx" + HEAP, "-Xms96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
    options.append("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
    if archive is not None:
        options += [f"-XX:SharedArchiveFile={archive}", "-Xlog:cds=off", "-Xlog:class+path=off"]
    return [str(java), *options, "-cp", os.pathsep.join(map(str, libraries))]


def _archive(java: Path, libraries: list[Path]) -> Path | None:
    archive = _archive_place(java, libraries)
    return archive if archive.exists() else None


def _archive_place(java: Path, libraries: list[Path]) -> Path:
    """Classes as this Java has them in memory (AppCDS): of use to the same Java with the same class path only."""
    what = f"{java.resolve()}{_java_version(java)}{libraries}"
    return cache_directory() / f"kafka-{VERSION}-{hashlib.sha256(what.encode()).hexdigest()[:12]}.jsa"


def prepare(authority: Authority) -> None:
    """Make the archive that lets a broker start in a second or two; does nothing when there is one."""
    java, libraries = _java(), _libraries()
    archive = _archive_place(java, libraries)
    with locked(cache_directory(), "kafka-archive"):
        if archive.exists():
            return
        say("Preparing Kafka for quick starts (once)")
        with tempfile.TemporaryDirectory(prefix="local-kafka-") as name:
            directory = Path(name)
            data = data_directory(directory, "kafka", None)
            ports = free_ports(3)
            _configure(data, ports, authority)
            _format(java, libraries, data, "x" * 32)
            fresh = archive.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            command = _jvm(java, libraries, archive=None)
            command[1:1] = [f"-XX:ArchiveClassesAtExit={fresh}"]
            trained = ServerProcess(
                name="kafka",
                command=[*command, "kafka.Kafka", str(data / "server.properties")],
                directory=name,
            )
            trained.start()
            trained.wait_until(lambda: _serves(ports[0]))
            trained.stop(seconds=60)
            if fresh.exists():
                fresh.rename(archive)


def _java_version(java: Path) -> str:
    result = subprocess.run([str(java), "-version"], check=False, capture_output=True, text=True)
    return result.stderr if result.returncode == 0 else ""


def _java() -> Path:
    """A Java that is new enough."""
    home = os.environ.get("JAVA_HOME")
    also = [f"{home}/bin"] if home else []
    java = find_or_install(lambda: find("java", also=also), "default-jre-headless")
    if java is None:
        raise refused(
            "Java", f"Java {JAVA} or newer, which Kafka runs on", "install it (apt install default-jre-headless)"
        )
    said = _java_version(java)
    number = said.partition('"')[2].partition(".")[0].partition('"')[0]
    if not number.isdigit() or int(number) < JAVA:
        raise Unavailable(
            "Java",
            f"{java}: {said.strip().splitlines()[0] if said else 'does not run'}",
            f"Java {JAVA} or newer",
            "install a newer one, or set JAVA_HOME to it",
        )
    return java


def _libraries() -> list[Path]:
    """Kafka's jars: those of ``KAFKA_HOME``, else from Maven Central, once for all projects."""
    home = os.environ.get("KAFKA_HOME")
    if home and (jars := sorted(Path(home, "libs").glob("*.jar"))):
        return jars
    directory = cache_directory() / f"kafka-{VERSION}"
    with locked(cache_directory(), "kafka"):
        if not directory.is_dir():
            _fetch(directory)
    return sorted(directory.glob("*.jar"))


def require() -> None:
    """See that its programs are there, asking before any is installed. Raises Unavailable."""
    _java()
    _libraries()


def _fetch(directory: Path) -> None:
    if not may_install(f"Kafka {VERSION}, from Maven Central into {directory}"):
        raise Unavailable(
            "Kafka",
            "not in the cache, and nothing is fetched unasked",
            f"Kafka {VERSION}, from Maven Central or of your own",
            f"{HINT}, or set KAFKA_HOME to a Kafka 4",
        )
    maven = find_or_install(lambda: find("mvn"), "maven")
    if maven is None:
        raise refused(
            "Maven", "Maven, which gets Kafka", "install it (apt install maven), or set KAFKA_HOME to a Kafka 4"
        )
    say(f"Getting Kafka {VERSION} from Maven Central (once)")
    group, artifact = ARTIFACT.split(":")
    fresh = directory.with_name(f".{directory.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    (fresh / "pom.xml").write_text(
        _PROJECT.format(group=group, artifact=artifact, version=VERSION, logging=LOGGING_VERSION)
    )
    result = subprocess.run(
        [
            str(maven),
            "--quiet",
            "--batch-mode",
            "dependency:copy-dependencies",
            "-DincludeScope=runtime",
            "-DoutputDirectory=.",
        ],
        cwd=fresh,
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if result.returncode or not list(fresh.glob("kafka-clients-*.jar")):
        raise Unavailable(
            "Kafka",
            f"Maven could not get it: {result.stdout.strip()[-500:]}",
            f"{ARTIFACT}:{VERSION} from Maven Central",
            "look at the connection to Maven Central, or set KAFKA_HOME to a Kafka 4 that is there",
        )
    fresh.rename(directory)


_PROJECT = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>{group}</groupId>
      <artifactId>{artifact}</artifactId>
      <version>{version}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>{logging}</version>
    </dependency>
  </dependencies>
</project>
"""


def _serves(port: int) -> bool:
    """Whether a broker answers there: it listens some time before it does."""
    # Request header of Kafka's protocol: API key 18 (ApiVersions), version 0, correlation id 1, no client id.
    request = struct.pack(">hhih", 18, 0, 1, -1)
    try:
        with socket.create_connection((HOST, port), timeout=2) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            return len(connection.recv(8)) > 0
    except OSError:
        return False


def _listens(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=2):
            return True
    except OSError:
        return False
