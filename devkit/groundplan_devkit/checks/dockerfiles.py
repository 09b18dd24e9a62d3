"""Services' Dockerfiles, by hadolint and by what this project asks of its images (P3).

Linted, not built: building needs a container engine, which `make deliver` and the pipeline have.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from groundplan_devkit.state import PROJECT

DOCKERFILES = {path.parent.name: path for path in sorted((PROJECT / "services").glob("*/Dockerfile"))}
"""By service."""
# DL3059: one RUN after another costs a layer of a stage that is thrown away, and reads better.
IGNORED = ("DL3059",)


def hadolint() -> str:
    found = shutil.which("hadolint", path=f"{Path(sys.executable).parent}") or shutil.which("hadolint")
    if found is None:
        pytest.skip("hadolint has no build for this machine; the project's own rules are checked all the same")
    return found


def lint(dockerfile: Path) -> str:
    """What hadolint says of it; empty when it finds nothing."""
    ignored = [argument for rule in IGNORED for argument in ("--ignore", rule)]
    done = subprocess.run(
        [hadolint(), "--no-color", *ignored, str(dockerfile)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0 or done.stdout, done.stderr
    return done.stdout


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """Keyword and rest of each, with continued lines joined."""
    text = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", dockerfile.read_text()))
    return [
        (word.upper(), rest.strip())
        for word, _, rest in (line.strip().partition(" ") for line in text.splitlines())
        if word
    ]


def check_runtime(dockerfile: Path) -> None:
    """`groundplan_components.shared.pod`: an unprivileged user, a read-only root, the role as argument of the
    entry point."""
    steps = instructions(dockerfile)
    last_stage = steps[max(index for index, (word, _) in enumerate(steps) if word == "FROM") :]
    said = dict(last_stage)
    assert said["USER"] == "10001:10001"
    assert last_stage.index(("USER", said["USER"])) < last_stage.index(("ENTRYPOINT", said["ENTRYPOINT"]))
    # In brackets: a shell before the program would swallow the order to stop.
    assert re.fullmatch(r'\["python", "-m", "[a-z0-9_]+_service"\]', said["ENTRYPOINT"])
    assert "PYTHONDONTWRITEBYTECODE=1" in dockerfile.read_text()
    assert not any(word == "ADD" or (word == "COPY" and "--chown" in rest) for word, rest in steps)
    assert len([word for word, _ in steps if word == "FROM"]) > 1, "compilers and caches stay in a stage of their own"


def check_installation(dockerfile: Path) -> None:
    """Only locked wheels with hashes are installed, and no secret is in the file."""
    for _, command in instructions(dockerfile):
        for install in re.findall(r"pip install[^&|;]*", command):
            assert "--require-hashes" in install
            assert "--requirement" in install
            assert "--no-index" in install, "wheels are gathered before (`make wheels`): no build asks an index"
    assert not re.search(r"(?i)password|secret|token|AWS_ACCESS", dockerfile.read_text())


def check_context(dockerfile: Path) -> None:
    """All that is copied is let into the build's context, and it is wheels and the service alone."""
    let_in = {line[1:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for source in copied(dockerfile):
        assert source.rstrip("/") in let_in or source.split("/")[0] in let_in, source
    assert copied(dockerfile) == ["build/wheels/", f"services/{dockerfile.parent.name}/"]
    text = dockerfile.read_text()
    assert not re.search(r"\bgit\b|ssh|--mount|https?://", re.sub(r"(?m)^#.*$", "", text))


def copied(dockerfile: Path) -> list[str]:
    """What comes from outside the image."""
    return [
        source
        for word, rest in instructions(dockerfile)
        if word == "COPY" and "--from=" not in rest
        for source in rest.split()[:-1]
    ]
