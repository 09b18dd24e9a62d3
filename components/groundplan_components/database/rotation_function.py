"""Lambda function: changes the password of a PostgreSQL user that a secret holds, as Secrets Manager asks step by step.

It runs alone in Lambda, so it needs nothing but Python and the runtime's boto3. It speaks PostgreSQL's protocol itself:
a session of one log-in and a statement or two, always over TLS with a verified certificate. Each step may come again,
after a failure or twice at once, and then does what is left to do.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import socket
import ssl
import struct
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from groundplan_components.keys.rotation_steps import Client, Content, client_of, read, take_step, write_pending

CLONE = "_clone"
"""What the second of two alternating users has at the end of its name."""
ITERATIONS = 4096
CONNECT_SECONDS = 5
PROTOCOL = 196608
SSL_REQUEST = 80877103
ALTERNATING = "alternating-users"
NO_LOGIN = ("28P01", "28000")
"""SQLSTATEs of a log-in that the server refuses: wrong password, unknown user."""


class Refused(Exception):
    """The server's answer; ``code`` is its SQLSTATE."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


def handler(event: dict[str, str], _context: object, client: Client = None) -> None:
    """One of the four steps of a rotation."""
    take_step(event, client or client_of("secretsmanager"), create=create, set_password=set_password, prove=prove)


def create(client: Client, arn: str, token: str) -> None:
    """Write down the next user and password."""
    write_pending(client, arn, token, lambda current: {"username": _next_user(current["username"])})


def set_password(client: Client, arn: str, token: str) -> None:
    """Give the user its password, unless it has it already."""
    pending, current = read(client, arn, "AWSPENDING", token), read(client, arn, "AWSCURRENT")
    if pending["host"] != current["host"] or pending["username"] != _next_user(current["username"]):
        raise ValueError(f"the pending version of {arn} is of another user or host")
    if _logs_in(pending):
        return
    if os.environ["STRATEGY"] != ALTERNATING:
        with _own_session(client, arn, current) as session:
            session.run(f"ALTER ROLE {_name(pending['username'])} PASSWORD {_verifier(pending['password'])}")
        return
    # The current credentials are proven first: the one who may only write a secret must not make users.
    with Session(current):
        pass
    admin = read(client, os.environ["ADMIN_SECRET_ARN"], "AWSCURRENT")
    user, verifier = _name(pending["username"]), _verifier(pending["password"])
    with Session({**admin, "host": current["host"], "port": current["port"]}) as session:
        query = f"SELECT 1 FROM pg_roles WHERE rolname = {_text(pending['username'])}"  # noqa: S608  quoted
        known = session.run(query)
        if known:
            session.run(f"ALTER ROLE {user} LOGIN PASSWORD {verifier}")
        else:
            session.run(f"CREATE ROLE {user} LOGIN PASSWORD {verifier}")
            session.run(f"GRANT {_name(current['username'])} TO {user}")


def prove(client: Client, arn: str, token: str) -> None:
    """Log in with what is pending."""
    with Session(read(client, arn, "AWSPENDING", token)) as session:
        session.run("SELECT 1")


def _next_user(name: str) -> str:
    if os.environ["STRATEGY"] != ALTERNATING:
        return name
    return name[: -len(CLONE)] if name.endswith(CLONE) else name + CLONE


def _own_session(client: Client, arn: str, current: Content) -> Session:
    """The user's own session: with the current password, or with the one before where a run has stopped half-way."""
    try:
        return Session(current)
    except Refused as refused:
        if refused.code not in NO_LOGIN:
            raise
        try:
            previous = read(client, arn, "AWSPREVIOUS")
        except client.exceptions.ResourceNotFoundException:
            raise refused from None
        if (previous["host"], previous["username"]) != (current["host"], current["username"]):
            raise refused from None
        return Session(previous)


def _logs_in(credentials: Content) -> bool:
    try:
        Session(credentials).close()
    except Refused as refused:
        if refused.code not in NO_LOGIN:
            raise
        return False
    return True


def _authorities() -> str:
    """The roots of RDS's certificates: those that came along, or the region's own from AWS where none did."""
    if url := os.environ.get("AUTHORITIES_URL"):
        with urllib.request.urlopen(url, timeout=CONNECT_SECONDS) as answer:  # noqa: S310  set by the component
            text: str = answer.read().decode("ascii")
            return text
    return Path(os.environ["AUTHORITIES"]).read_text(encoding="ascii")


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _verifier(password: str) -> str:
    """What PostgreSQL keeps of a password: sent instead of it, so that no log of statements holds a password.

    https://www.postgresql.org/docs/current/catalog-pg-authid.html
    """
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    stored = hashlib.sha256(_keyed(salted, b"Client Key")).digest()
    keys = f"{_encoded(stored)}:{_encoded(_keyed(salted, b'Server Key'))}"
    return f"'SCRAM-SHA-256${ITERATIONS}:{_encoded(salt)}${keys}'"


def _keyed(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Session:
    """A log-in to PostgreSQL over TLS, and simple queries. RFC 5802 and RFC 7677 for the password."""

    def __init__(self, credentials: Content) -> None:
        address = (credentials["host"], int(credentials["port"]))
        self._socket: socket.socket = socket.create_connection(address, timeout=CONNECT_SECONDS)
        try:
            self._socket.sendall(struct.pack("!II", 8, SSL_REQUEST))
            if self._socket.recv(1) != b"S":
                raise Refused("08P01", "the server offers no TLS")
            context = ssl.create_default_context(cadata=_authorities())
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            self._socket = context.wrap_socket(self._socket, server_hostname=credentials["host"])
            self._log_in(credentials)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        try:
            self._send(b"X", b"")
        finally:
            self._socket.close()

    def run(self, statement: str) -> list[bytes]:
        """Rows of text, of the simple query protocol."""
        self._send(b"Q", statement.encode() + b"\0")
        rows: list[bytes] = []
        refused: Refused | None = None
        while True:
            kind, body = self._receive()
            if kind == b"D":
                rows.append(body)
            elif kind == b"E":
                refused = _error(body)
            elif kind == b"Z":
                if refused:
                    raise refused
                return rows

    def _log_in(self, credentials: Content) -> None:
        names = ("user", credentials["username"], "database", credentials.get("dbname", "postgres"))
        body = struct.pack("!I", PROTOCOL) + b"\0".join(each.encode() for each in names) + b"\0\0"
        self._socket.sendall(struct.pack("!I", len(body) + 4) + body)
        scram: _Scram | None = None
        while True:
            kind, body = self._receive()
            if kind == b"E":
                raise _error(body)
            if kind == b"Z":
                return
            if kind != b"R":
                continue
            (method,) = struct.unpack("!I", body[:4])
            if method == 10 and b"SCRAM-SHA-256" in body[4:].split(b"\0"):
                scram = _Scram(credentials["password"])
                first = scram.first()
                self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(first)) + first)
            elif method == 11 and scram:
                self._send(b"p", scram.proof(body[4:].decode()))
            elif method == 12 and scram:
                scram.verify(body[4:].decode())
            elif not (method == 0 and scram and scram.verified):
                # Anything less would send the password to the one who asks, or trust a server that doesn't know it.
                raise Refused("08P01", f"the server asks for authentication {method}, not for SCRAM-SHA-256")

    def _send(self, kind: bytes, body: bytes) -> None:
        self._socket.sendall(kind + struct.pack("!I", len(body) + 4) + body)

    def _receive(self) -> tuple[bytes, bytes]:
        kind, length = struct.unpack("!cI", self._exactly(5))
        return kind, self._exactly(length - 4)

    def _exactly(self, amount: int) -> bytes:
        data = b""
        while len(data) < amount:
            part = self._socket.recv(amount - len(data))
            if not part:
                raise ConnectionError("the server closed the connection")
            data += part
        return data


class _Scram:
    """The client's side of SCRAM-SHA-256, without channel binding."""

    def __init__(self, password: str) -> None:
        self._password = password.encode()
        self._nonce = _encoded(secrets.token_bytes(18))
        self._server = b""
        self.verified = False

    def first(self) -> bytes:
        return f"n,,n=,r={self._nonce}".encode()

    def proof(self, challenge: str) -> bytes:
        given = dict(part.split("=", 1) for part in challenge.split(","))
        if not given["r"].startswith(self._nonce):
            raise Refused("08P01", "the server answers another log-in")
        salted = hashlib.pbkdf2_hmac("sha256", self._password, base64.b64decode(given["s"]), int(given["i"]))
        final = f"c=biws,r={given['r']}"
        message = f"n=,r={self._nonce},{challenge},{final}".encode()
        key = _keyed(salted, b"Client Key")
        signature = _keyed(hashlib.sha256(key).digest(), message)
        self._server = _keyed(_keyed(salted, b"Server Key"), message)
        proof = bytes(left ^ right for left, right in zip(key, signature, strict=True))
        return f"{final},p={_encoded(proof)}".encode()

    def verify(self, answer: str) -> None:
        if not hmac.compare_digest(answer.encode(), b"v=" + base64.b64encode(self._server)):
            raise Refused("08P01", "the server doesn't know the password")
        self.verified = True


def _error(body: bytes) -> Refused:
    fields = {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0") if part}
    return Refused(fields.get(b"C", "XX000"), fields.get(b"M", "no message"))
