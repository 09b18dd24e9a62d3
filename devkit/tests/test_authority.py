"""The local certificate authority: valid for this machine only, its key readable by its owner only."""

from __future__ import annotations

import datetime
import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest

from groundplan_devkit import authority
from groundplan_devkit.authority import Authority


def handshake(certificate: Path, key: Path, trust: Path, name: str) -> str:
    """The version of TLS that a client and a server agree upon; raises ssl.SSLError where the client refuses."""
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate, key)
    client_side = ssl.create_default_context(cafile=str(trust))
    near, far = socket.socketpair()

    def serve() -> None:
        try:
            server_side.wrap_socket(far, server_side=True).close()
        except OSError:
            far.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client_side.wrap_socket(near, server_hostname=name) as connection:
            return str(connection.version())
    finally:
        thread.join()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_server_of_this_machine_is_trusted(tmp_path: Path, name: str) -> None:
    made = Authority.at(tmp_path)
    assert handshake(*made.issue("server"), made.certificate, name) == "TLSv1.3"


def test_another_name_is_refused(tmp_path: Path) -> None:
    made = Authority.at(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(*made.issue("server"), made.certificate, "example.com")


def test_another_authority_is_refused(tmp_path: Path) -> None:
    other = Authority.at(tmp_path / "other")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(*Authority.at(tmp_path / "one").issue("server"), other.certificate, "localhost")


def test_it_is_made_once_and_keys_are_private(tmp_path: Path) -> None:
    first = Authority.at(tmp_path)
    before = first.certificate.read_bytes()
    assert Authority.at(tmp_path).certificate.read_bytes() == before
    _, key = first.issue("server")
    for file in (tmp_path / "authority.key", key):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_it_is_made_anew_before_it_expires(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authority, "LIFE", datetime.timedelta(days=10))
    before = Authority.at(tmp_path).certificate.read_bytes()
    monkeypatch.setattr(authority, "LIFE", datetime.timedelta(days=365))
    assert Authority.at(tmp_path).certificate.read_bytes() != before
