"""Finding the Pulumi CLI: on PATH, else fetched by its official installer if that is allowed. It is in no package
registry."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from pulumi.automation import InvalidVersionError, PulumiCommand

from groundplan.installation.allowed import ALLOW, may_install

INSTALLER = "https://www.pulumi.com/docs/iac/download-install/"
INSTALL_SECONDS = 300.0
"""For a download of about 150 MB."""
_ANSWER_SECONDS = 10.0
"""Until the installer's server answers; without a network, no longer than that."""
_INSTALL = (
    "import socket, sys; socket.setdefaulttimeout(float(sys.argv[2]));"
    "from pulumi.automation import PulumiCommand; PulumiCommand.install(root=sys.argv[1])"
)
_NOISE = re.compile(r"^[\w.]+: |<urlopen error |>$")
"""What Python puts around a network's own words."""
_HOST = "pulumi-language-python"


class NoCli(Exception):
    """There is no Pulumi CLI that can be used; the text says why in one line."""


def find_cli(install_to: Path | None = None, told: Callable[[str], None] = lambda _: None) -> Path:
    """The CLI on PATH, else the one at ``install_to``, where the SDK's own installer puts it when it isn't there yet.

    ``told`` hears of the download before it begins. Raises NoCli.
    """
    on_path = shutil.which("pulumi")
    if on_path is not None:
        return _usable(Path(on_path), None)
    if install_to is None:
        raise NoCli("no Pulumi CLI was found on PATH")
    command = install_to / "bin" / "pulumi"
    if not command.exists():
        _require_pip()
        if not may_install(f"the Pulumi CLI, about 150 MB from get.pulumi.com into {install_to}"):
            raise NoCli(f"no Pulumi CLI was found on PATH, and nothing is fetched unasked ({ALLOW}=1 allows it)")
        told("No Pulumi CLI on PATH: asking for one at its official installer, get.pulumi.com")
        _install(install_to, INSTALL_SECONDS)
    return _usable(command, install_to)


def path_with(command: Path) -> str:
    """A PATH on which the CLI's language hosts are found: they lie beside it."""
    return os.pathsep.join((str(command.parent), os.environ.get("PATH", os.defpath)))


def _require_pip() -> None:
    if find_spec("pip") is None:
        raise NoCli("Pulumi's Python host needs pip, and this Python environment has none")


def _usable(command: Path, root: Path | None) -> Path:
    _require_pip()
    try:
        PulumiCommand(root=str(root) if root is not None else None)
    except (OSError, subprocess.SubprocessError, InvalidVersionError) as reason:
        raise NoCli(f"the Pulumi CLI at {command} can't be used: {_first_line(str(reason))}") from None
    if shutil.which(_HOST, path=path_with(command)) is None:
        raise NoCli(f"the Pulumi CLI at {command} is incomplete: there is no {_HOST} beside it")
    return command


def _install(root: Path, seconds: float) -> None:
    arguments = [sys.executable, "-c", _INSTALL, str(root), str(_ANSWER_SECONDS)]
    # A session of its own: the installer starts others, and all of them have to end with it.
    process = subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise NoCli(f"no Pulumi CLI on PATH, and its installer wasn't done after {seconds:.0f} s") from None
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode:
        reason = _NOISE.sub("", said.strip().rpartition("\n")[2].strip())
        raise NoCli(f"no Pulumi CLI was found on PATH, and its installer can't be reached ({reason})")


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
