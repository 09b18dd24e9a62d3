"""An owner has edited every file, and added, renamed and deleted some: what the update did to each is looked at."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from groundplan.moving.places import MARKER, ROOTS
from tests.projects import commit_all, git
from tests.update_from_copied.conftest import Project

WRITTEN_BY_COPIER = ".copier-answers.yml"
"""Says itself that edits are overwritten."""

BINARY = bytes(range(256))
ADDED = {
    "chassis/ours.py": b"OURS = 1\n",
    "chassis/http/ours.py": b"OURS = 2\n",
    "components/a name with spaces.txt": b"ours\n",
    "components/über.md": "größer\n".encode(),
    "infra/simulation/picture.bin": BINARY,
    "infra/capacity/empty.txt": b"",
    "local/windows.txt": b"one\r\ntwo\r\n",
    "bench/ours/deep/down.json": b"{}\n",
    "tests/chassis/test_ours.py": b"def test_ours() -> None:\n    pass\n",
    "tests/test_ours.py": b"def test_ours() -> None:\n    pass\n",
    "services/order/order_service/ours.py": b"OURS = 3\n",
    "docs/ours.md": b"# Ours\n",
    "infra/clean.sh": b"echo ours\n",
    "foundation/account.yaml": b"ours: true\n",
    "tests/checks/test_replays.py": b"def test_of_ours() -> None:\n    pass\n",
}
COLLIDING = ("infra/clean.sh", "foundation/account.yaml", "tests/checks/test_replays.py")
"""Files that the new template writes, too."""
RENAMED = {
    "chassis/clock.py": "chassis/our_clock.py",
    "services/order/README.md": "services/order/ABOUT.md",
}
DELETED = ("components/cache.py", "bench/report.py", "tests/system/test_hostile_input.py")
EXECUTABLE = "local/token.py"
LINK, LINKED = "infra/simulation/linked", "cloud.py"
"""Leads to a file that leaves."""


def mark(path: str) -> str:
    """What is looked for afterwards: nothing else holds it."""
    return f"edited {path} by its owner"


def edited(path: str, text: str) -> str:
    if path.endswith(".json"):
        return text.replace("{", f'{{\n  "x-ours": "{mark(path)}",', 1)
    comment = f"<!-- {mark(path)} -->" if path.endswith(".md") else f"# {mark(path)}"
    gap = "\n\n\n" if path.endswith(".py") and text else ""
    return f"{text}{gap}{comment}\n"


def decided(text: str) -> str:
    """Of two versions the template's, and the owner's line with it."""

    def chosen(found: re.Match[str]) -> str:
        marks = [line for line in found[1].splitlines(keepends=True) if "by its owner" in line and line not in found[2]]
        return found[2] + "".join(marks)

    return re.sub(
        r"^<<<<<<< before updating\n(.*?)^(?:\|\|\|\|\|\|\|.*?^)?=======\n(.*?)^>>>>>>> after updating\n",
        chosen,
        text,
        flags=re.MULTILINE | re.DOTALL,
    )


@pytest.fixture
def owned(project: Project) -> Project:
    """Edits in every file of the template's, and every other thing that owners do to files."""
    folder = project.folder
    for old, new in RENAMED.items():
        git(folder, "mv", old, new)
    for path in DELETED:
        (folder / path).unlink()
    (folder / EXECUTABLE).chmod(0o755)
    kept = sorted(set(git(folder, "ls-files", "-z").split("\0")) - {"", WRITTEN_BY_COPIER, *DELETED})
    for path in kept:
        project.write(path, edited(path, project.read(path)))
    for path, content in ADDED.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    (folder / LINK).symlink_to(LINKED)
    assert project.tool("ruff", "format", "--quiet", ".").returncode == 0
    commit_all(folder, "Ours")
    # The owner has set it up.
    shutil.copyfile(folder / "requirements.txt", project.environment / "requirements.txt")
    return project


def test_nothing_of_any_kind_is_lost(owned: Project, libraries: Path, tmp_path: Path) -> None:
    edits = set(git(owned.folder, "ls-files", "-z").split("\0")) - {"", WRITTEN_BY_COPIER, LINK, *ADDED}
    updated = owned.make("update")
    said = updated.stdout + updated.stderr
    assert updated.returncode != 0
    assert "Done" not in said, "something awaits the owner"

    marked = conflicted(owned)
    assert set(COLLIDING) <= set(marked)
    assert [path for path in marked if f"    {path}\n" not in said] == []
    for path in COLLIDING:
        assert ADDED[path].decode() in owned.read(path)
    for path in marked:
        owned.write(path, decided(owned.read(path)))
    git(owned.folder, "add", "--all")
    awaiting = owned.make("setup")
    said += awaiting.stdout + awaiting.stderr
    assert awaiting.returncode != 0
    assert "make moved" in awaiting.stderr
    assert "Traceback" not in said
    assert MARKER not in awaiting.stdout, "it is not the owner's"

    report = owned.read("moved/README.md")
    assert [path for path in sorted(edits) if not kept(owned, path, report)] == []
    entries = re.findall(r"^- `(.+)`: your (?:edit|file) is in `(.+?)`", report, re.MULTILINE)
    added = set(re.findall(r"^- `(.+)`: your file is in ", report, re.MULTILINE))
    assert [path for path, _ in entries if f"    {path}: your" not in awaiting.stderr] == []
    places = re.findall(r"its place now: (\S+) of the libraries", report)
    assert len(places) > 400
    assert [place for place in places if not (libraries / place).exists()] == []
    lost = [path for path, patch in entries if not brought_over(owned.folder / patch, libraries)]
    assert lost == []

    for path, content in ADDED.items():
        if path not in COLLIDING:
            assert (owned.folder / path).read_bytes() == content, path
    left = {path for path in ADDED if path.partition("/")[0] in ROOTS or path.startswith("tests/chassis/")}
    patched = {path: (owned.folder / patch).resolve() for path, patch in entries}
    assert left - set(COLLIDING) <= patched.keys()
    git(tmp_path, "init", "--quiet", "patched")
    for path in left - set(COLLIDING):
        git(tmp_path / "patched", "apply", str(patched[path]))
        assert (tmp_path / "patched" / path).read_bytes() == ADDED[path]
    assert (owned.folder / LINK).readlink() == Path(LINKED)
    assert LINK in patched
    assert "new mode 100755" in patched[EXECUTABLE].read_text()
    assert [path for path, _ in entries if path in edits and path not in added and (owned.folder / path).exists()] == []
    assert [path for path in DELETED if (owned.folder / path).exists()] == []

    acknowledged = owned.make("moved")
    assert acknowledged.returncode == 0, acknowledged.stderr
    assert owned.make("setup").stdout == ""
    for path in marked:
        if path.endswith(".py"):
            assert owned.tool("ruff", "format", path).returncode == 0
    tested = owned.make("test", QUICK="1", JOBS="0")
    assert tested.returncode == 0, tested.stdout[-5000:] + tested.stderr[-3000:]


def brought_over(patch: Path, libraries: Path) -> bool:
    """As `moved/README.md` says, where it names a file of the libraries: applied, or between conflict markers there."""
    text = patch.read_text(errors="replace")
    place = re.search(r"^Its place now: (\S+) of the libraries", text, re.MULTILINE)
    if place is None or "by its owner" not in text:
        return True
    subprocess.run(["git", "apply", "--3way", str(patch)], cwd=libraries, check=False, capture_output=True)
    return "by its owner" in (libraries / place[1]).read_text()


def conflicted(project: Project) -> list[str]:
    files = git(project.folder, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    there = sorted({path for path in files if path and (project.folder / path).is_file()})
    return [path for path in there if b"<<<<<<< before updating\n" in (project.folder / path).read_bytes()]


def kept(project: Project, path: str, report: str) -> bool:
    """The owner's line is in the file, or in a patch or another file that the report names."""
    wanted = mark(path)
    there = project.folder / path
    if there.is_file() and wanted in there.read_text():
        return True
    entry = re.search(rf"^- `{re.escape(path)}`: your (?:edit|file) is in `([^`]+)`", report, re.MULTILINE)
    return entry is not None and wanted in project.read(entry[1])
