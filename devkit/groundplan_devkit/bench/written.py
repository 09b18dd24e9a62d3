"""`capacity.yaml`: the figures of a bench with the machine, the commit and the command that they come from."""

from __future__ import annotations

import datetime
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import yaml

from groundplan.declaration.measured import FILE, Machine, Measured, Quantity, Spread, read_measured
from groundplan_devkit.state import PROJECT

_HEAD = """\
# What this project's services were measured to take, written by `make bench-services WHAT=capacity` and read by
# `make plan`. Milliseconds are CPU time of one core; each figure is the median of its rounds. Without this file plans
# use the product's own figures.
"""


def write(services: Mapping[str, dict[Quantity, Spread]], busy: float, only: str | None) -> Path:
    """Writes the file; with ``only`` what was measured is replaced, of its consumers too, and the rest stays."""
    path = PROJECT / FILE
    held = read_measured(path) if only else None
    before = held.services if held else {}
    measured = Measured(
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        commit=commit(),
        command="make bench-services WHAT=capacity" + (f" NAME={only}" if only else ""),
        machine=Machine(
            cores=os.cpu_count() or 1,
            architecture=platform.machine(),
            python=platform.python_version(),
            postgres=_postgres(),
            busy=round(busy, 2),
        ),
        services={**before, **{name: {**before.get(name, {}), **found} for name, found in services.items()}},
    )
    path.write_text(text(measured), encoding="utf-8")
    return path


def text(measured: Measured) -> str:
    return _HEAD + yaml.safe_dump(measured.model_dump(exclude_defaults=True), sort_keys=False, allow_unicode=True)


def summary(path: Path) -> str:
    """A line a figure."""
    measured = read_measured(path)
    assert measured is not None
    lines = [
        f"{name:<20} {quantity:<28} {each.median:>10,.3f}  ({each.least:,.3f} to {each.most:,.3f})"
        for name, figures in measured.services.items()
        for quantity, each in figures.items()
    ]
    return "\n".join(lines)


def commit() -> str:
    """Of the project, with a mark where files differ from it."""
    git = shutil.which("git")
    if git is None:
        return "no commit"

    def said(*arguments: str) -> str:
        done = subprocess.run([git, *arguments], cwd=PROJECT, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    commit = said("rev-parse", "--short=12", "HEAD")
    if not commit:
        return "no commit"
    return f"{commit}, edited" if said("status", "--porcelain", "--", "services", "system.yaml") else commit


def _postgres() -> str:
    program = shutil.which("postgres")
    if program is None:
        return ""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\d+(\.\d+)*", done.stdout)
    return found[0] if found else ""
