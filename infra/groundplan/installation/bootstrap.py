"""A project's Python environment: third-party packages by their hashes, then groundplan's libraries at one commit.

`infra/setup.sh` runs this file with any Python that is new enough, before anything is installed: it uses the standard
library only. Decisions and what would change them: docs/adr/0010-libraries-by-commit.md of the template's repository.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CONTRACT = "0.2"
"""The minor version of the template that this copy of the file came with: libraries of the same one fit."""

LIBRARIES = ("infra", "components", "chassis", "devkit")
"""Folders of the distributions in the repository."""

OVERRIDE = "GROUNDPLAN_LIBRARIES"
VENDOR = Path("vendor")
VENDORED_LIBRARIES = VENDOR / "libraries.txt"
ANSWERS = Path(".copier-answers.yml")

STAMP = ".groundplan"
STATE = ".libraries.json"
INPUTS = ".inputs"
_STAMP_TEXT = "Made by this project's commands, which may remove this directory with all that is in it.\n"
_MADE = ("bin", "include", "lib", "lib64", "share", "etc", "man", "pyvenv.cfg", ".gitignore", "requirements.txt")


class Refused(Exception):
    """Something that the user has to change, in the form of `groundplan.problems.Problem`."""

    def __init__(self, where: str, value: str, expected: str, remedy: str) -> None:
        self.where, self.value, self.expected, self.remedy = where, value, expected, remedy
        super().__init__(f"{where}: {value}\n    expected: {expected}\n    to do:    {remedy}")


# Where the libraries come from


@dataclass(frozen=True, slots=True)
class Checkout:
    """Folders of the libraries' source, used in place; ``named_by`` is empty where the project itself holds them."""

    folder: Path
    named_by: str = ""


@dataclass(frozen=True, slots=True)
class Vendored:
    """Wheels that the project keeps, for ``revision``."""

    folder: Path
    revision: str


@dataclass(frozen=True, slots=True)
class Committed:
    """A commit of the template's repository; ``named_by`` is where the project names it."""

    address: str
    revision: str
    named_by: str


Source = Checkout | Vendored | Committed


def choose_source(project: Path, variables: Mapping[str, str], *, vendored: bool = True) -> Source:
    """The first that applies: a checkout named by the owner, `vendor/`, the repository itself, the answers' commit."""
    options = _options(project)
    named = variables.get(OVERRIDE) or options.get("libraries")
    if named:
        by = OVERRIDE if variables.get(OVERRIDE) else "pyproject.toml: tool.groundplan.libraries"
        return _checkout(project, named, by)
    if vendored and (project / VENDORED_LIBRARIES).is_file():
        return _vendored(project, options)
    if (project / "infra" / "pyproject.toml").is_file():
        return Checkout(project)
    answers = read_answers(project)
    commit = options.get("commit")
    return Committed(
        git_address(answers["_src_path"], project),
        commit or answers["_commit"],
        "pyproject.toml: tool.groundplan.commit" if commit else f"{ANSWERS}: _commit",
    )


def _options(project: Path) -> dict[str, str]:
    """`[tool.groundplan]` of the project's pyproject.toml."""
    path = project / "pyproject.toml"
    if not path.is_file():
        return {}
    try:
        tool = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refused("pyproject.toml", str(error), "a TOML file", "mend that line") from None
    found = tool.get("groundplan", {}) if isinstance(tool, dict) else {}
    allowed = {
        "libraries": "the folder of a checkout",
        "commit": "the full id of a commit of the template's repository",
    }
    for key, value in found.items() if isinstance(found, dict) else [("", found)]:
        if key not in allowed or not isinstance(value, str) or not value:
            known = ", or ".join(f'{name} = "…" ({meaning})' for name, meaning in allowed.items())
            shown = f"tool.groundplan.{key} is {value!r}" if key else f"tool.groundplan is {value!r}"
            raise Refused("pyproject.toml", shown, known, "mend or remove that line")
    commit = found.get("commit")
    if commit is not None and not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit):
        raise Refused(
            "pyproject.toml",
            f"tool.groundplan.commit is {commit!r}",
            allowed["commit"],
            "take it from `git rev-parse <tag or branch>` in a checkout of the template's repository",
        )
    return dict(found)


def _checkout(project: Path, named: str, by: str) -> Checkout:
    folder = (project / Path(named).expanduser()).resolve()
    lacking = _lacking(folder)
    if lacking:
        value = f"{named} {'holds no ' + ', '.join(lacking) if folder.is_dir() else 'is not there'}"
        raise Refused(
            by, value, f"a checkout of the template's repository with {', '.join(LIBRARIES)}", "name another folder"
        )
    return Checkout(folder, by)


def _vendored(project: Path, options: Mapping[str, str]) -> Vendored:
    """Refuses wheels of another version than the project's."""
    text = (project / VENDORED_LIBRARIES).read_text(encoding="utf-8")
    found = re.search(r"^# for: (.+)$", text, re.MULTILINE)
    held = found[1] if found else "nothing"
    wanted = wanted_revision(project, options)
    if wanted and held not in {wanted, "override"}:
        raise Refused(
            str(VENDORED_LIBRARIES),
            f"the wheels are for {held}, the project is at {wanted}",
            "wheels for the project's own version",
            "run `make vendor` where the template's address can be reached, and commit vendor/",
        )
    return Vendored(project / VENDOR, held)


def wanted_revision(project: Path, options: Mapping[str, str] | None = None) -> str:
    """What names the libraries' version in the project; empty where nothing does."""
    commit = (_options(project) if options is None else options).get("commit")
    if commit:
        return commit
    return read_answers(project)["_commit"] if (project / ANSWERS).is_file() else ""


def read_answers(project: Path) -> dict[str, str]:
    """`_src_path` and `_commit`, as copier writes them."""
    path = project / ANSWERS
    if not path.is_file():
        raise Refused(
            str(ANSWERS),
            "not there",
            "the answers that this project was made from",
            f"bring it back from git, or name a checkout of the template's repository: {OVERRIDE}=<folder>",
        )
    text = path.read_text(encoding="utf-8")
    found = {key: _scalar(text, key) for key in ("_src_path", "_commit")}
    lacking = [key for key, value in found.items() if not value]
    if lacking:
        raise Refused(
            str(ANSWERS),
            f"without {', '.join(lacking)}",
            "the template's address and version, which copier records when it copies from a git repository",
            "bring them back from git, or copy the project again from the template's repository",
        )
    return found


def _scalar(text: str, key: str) -> str:
    """A top-level string of a YAML file that PyYAML wrote: plain or quoted, long ones folded at spaces."""
    found = re.search(rf"^{key}:((?:[^\n]*)(?:\n[ \t]+[^\n]*)*)", text, re.MULTILINE)
    value = " ".join(part.strip() for part in found[1].split("\n")).strip() if found else ""
    if value.startswith("'"):
        return value[1:-1].replace("''", "'")
    if value.startswith('"'):
        # JSON but for two of YAML's escapes.
        return str(json.loads(re.sub(r"\\x([0-9A-Fa-f]{2})", r"\\u00\1", value.replace("\\ ", " "))))
    return value


def git_address(source: str, project: Path) -> str:
    """What git can fetch from, for an address that copier takes (copier's `get_repo` holds its rules)."""
    for alias, host in (("gh:", "https://github.com/"), ("gl:", "https://gitlab.com/")):
        if source.startswith(alias):
            path = source.removeprefix(alias).lstrip("/")
            return f"{host}{path.removesuffix('.git')}.git"
    address = source.removeprefix("git+")
    if address.startswith(("https://github.com/", "https://gitlab.com/")):
        return f"{address.removesuffix('/').removesuffix('.git')}.git"
    if "://" in address or re.match(r"[^/~]+@[^/:]+:", address):
        return address
    folder = (project / Path(address).expanduser()).resolve()
    if not folder.exists():
        raise Refused(
            f"{ANSWERS}: _src_path",
            f"{source} is not there",
            "an address that this machine reaches: a project made from a folder finds its libraries there only",
            f"clone the template's repository and name the clone: {OVERRIDE}=<folder>; or commit vendor/, which `make "
            "vendor` fills where the folder is; or set _src_path to an address that everyone reaches",
        )
    return str(folder)


# git


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The libraries' folders at a commit."""

    folder: Path
    commit: str


@contextmanager
def checked_out(source: Committed) -> Iterator[Snapshot]:
    """The libraries of a commit in a directory that goes away; only that commit is fetched."""
    with tempfile.TemporaryDirectory(prefix="groundplan-") as scratch:
        commit = resolve(source)
        repository = Path(scratch) / "repository"
        _git("init", "--quiet", "--bare", str(repository))
        fetched = _fetch(repository, source.address, "--depth=1", commit)
        if fetched.returncode:
            # A server that gives out only what a branch or a tag points to.
            fetched = _fetch(repository, source.address, *_BRANCHES_AND_TAGS)
        if fetched.returncode or not _known(repository, commit):
            raise _unreachable(source) or _no_such_commit(source)
        archive = Path(scratch) / "libraries.tar"
        packed = _git("archive", "--output", str(archive), commit, *LIBRARIES, cwd=repository)
        folder = Path(scratch) / "libraries"
        if packed.returncode == 0:
            _unpack(archive, folder)
        if _lacking(folder):
            raise Refused(
                source.named_by,
                f"commit {commit[:12]} holds no {', '.join(_lacking(folder))} with a pyproject.toml",
                "a commit of the template's repository with its libraries",
                "run `make update` to go to a later one",
            )
        yield Snapshot(folder, commit)


def _unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as members:
        if hasattr(tarfile, "data_filter"):
            members.extractall(folder, filter="data")
        else:
            members.extractall(folder)  # noqa: S202 -- Python before 3.11.4; git writes no path outside


def _lacking(folder: Path) -> list[str]:
    """The libraries that a checkout doesn't have."""
    return [name for name in LIBRARIES if not (folder / name / "pyproject.toml").is_file()]


def resolve(source: Committed) -> str:
    """The full id of the commit: of a full or short id, a tag, or what `git describe` says (`1.2.0-3-gabc1234`)."""
    revision = source.revision
    if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", revision):
        return revision
    listed = _git("ls-remote", "--", source.address, f"refs/tags/{revision}", f"refs/tags/{revision}^{{}}")
    if listed.returncode:
        raise _unreachable(source, listed) or _no_such_commit(source)
    # The line with ^{} comes last: the commit that an annotated tag points to.
    tags = [line.split("\t")[0] for line in listed.stdout.splitlines()]
    if tags:
        return tags[-1]
    described = re.search(r"(?:^|-g)([0-9a-f]{4,64})$", revision)
    if described is None:
        raise _no_such_commit(source)
    return _full_id(source, described[1])


def _full_id(source: Committed, short: str) -> str:
    """Looked up among all commits, and remembered: what a part of an id stands for does not change."""
    remembered = _cache() / "commits" / _digest(f"{source.address} {short}")
    if remembered.is_file():
        return remembered.read_text(encoding="ascii").strip()
    with tempfile.TemporaryDirectory(prefix="groundplan-") as scratch:
        history = Path(scratch)
        _git("init", "--quiet", "--bare", str(history))
        # Commits only, where the server can leave the rest out.
        head = "+HEAD:refs/head"  # of a checkout that is on no branch
        for attempt in (("--filter=tree:0", head), (head,), ()):
            if _fetch(history, source.address, *attempt, *_BRANCHES_AND_TAGS).returncode == 0:
                break
        found = _git("rev-parse", "--verify", "--quiet", f"{short}^{{commit}}", cwd=history)
    if found.returncode:
        raise _unreachable(source) or _no_such_commit(source)
    _write(remembered, found.stdout)
    return found.stdout.strip()


def _fetch(repository: Path, address: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    options = [argument for argument in arguments if argument.startswith("--")]
    wanted = [argument for argument in arguments if not argument.startswith("--")]
    return _git(
        "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", *options, "--", address, *wanted, cwd=repository
    )


_BRANCHES_AND_TAGS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
"""A forge has a reference for each merge request, too."""


def _known(repository: Path, commit: str) -> bool:
    return _git("cat-file", "-e", f"{commit}^{{commit}}", cwd=repository).returncode == 0


def _unreachable(source: Committed, asked: subprocess.CompletedProcess[str] | None = None) -> Refused | None:
    """Why git can't read the address; None when it can."""
    asked = asked or _git("ls-remote", "--quiet", "--", source.address, "HEAD")
    if asked.returncode == 0:
        return None
    said = " ".join(asked.stderr.strip().splitlines()[:1]) or "no answer"
    return Refused(
        f"{ANSWERS}: _src_path",
        f"git can't read {without_credentials(source.address)} ({without_credentials(said)})",
        "an address that git reads without asking anything",
        f"try `git ls-remote {without_credentials(source.address)}`; for a network without it, commit vendor/ (`make "
        f"vendor` on a machine that reaches it) or name a checkout: {OVERRIDE}=<folder>",
    )


def _no_such_commit(source: Committed) -> Refused:
    return Refused(
        source.named_by,
        f"{source.revision} is not in {without_credentials(source.address)}",
        "a commit that the template's repository holds (copier makes one of its own of changes that are not committed)",
        "commit and push it there, then run `make update`; until then name the checkout that has it: "
        f"{OVERRIDE}=<folder>",
    )


def without_credentials(text: str) -> str:
    return re.sub(r"://[^/@\s]+@", "://", text)


def _git(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["git", *arguments],
            cwd=cwd,
            env=_git_variables(),
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise Refused("this machine", "git is not found", "git on the PATH", "install git") from None


@cache
def _git_variables() -> dict[str, str]:
    """git never asks: a password or passphrase that it doesn't find by itself is a failure."""
    variables = {name: value for name, value in os.environ.items() if name not in _OF_A_REPOSITORY}
    ssh = variables.get("GIT_SSH_COMMAND")
    if ssh is None and shutil.which("git"):
        configured = ["git", "config", "--get", "core.sshCommand"]
        ssh = subprocess.run(configured, env=variables, check=False, capture_output=True, text=True).stdout.strip()
    return {
        "GIT_ASKPASS": "true",
        **variables,
        "GIT_TERMINAL_PROMPT": "0",
        "SSH_ASKPASS_REQUIRE": "never",
        "GIT_SSH_COMMAND": f"{ssh or 'ssh'} -o BatchMode=yes",
    }


_OF_A_REPOSITORY = {
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE"),
}
"""A hook sets them: every command would work on the repository that it runs in."""


# Wheels


def library_wheels(source: Source, python: Path, into: Path) -> str:
    """Puts the wheels of the four libraries into ``into``; returns the commit that they were built from, if known.

    ``python`` is an environment that holds the build backend.
    """
    match source:
        case Vendored():
            for name in sorted(_hashes(source.folder / VENDORED_LIBRARIES.name)):
                _copy(source.folder / name, into)
            text = (source.folder / VENDORED_LIBRARIES.name).read_text(encoding="utf-8")
            found = re.search(r"^# commit: (.+)$", text, re.MULTILINE)
            return found[1] if found else ""
        case Checkout():
            _build(source.folder, python, into)
            return state_of(source.folder)
        case Committed():
            commit = resolve(source)
            cached = _cache() / "wheels" / commit
            if not cached.is_dir():
                with checked_out(source) as snapshot:
                    _require_fit(library_version(snapshot.folder), source.named_by)
                    _build_once(snapshot.folder, python, cached)
            _require_fit(_wheel_version(cached), source.named_by)
            for wheel in sorted(cached.glob("*.whl")):
                _copy(wheel, into)
            return commit


def library_version(folder: Path) -> str:
    text = (folder / LIBRARIES[0] / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])


def fits(version: str) -> bool:
    """Whether libraries of this version serve a project of the template's minor version."""
    return minor(version) == CONTRACT


def minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _require_fit(version: str, where: str) -> None:
    if not fits(version):
        raise Refused(
            where,
            f"the libraries there have version {version}",
            f"a version {CONTRACT}.*, as the project's template: only a fix can be taken without an update",
            "name a commit of that minor version, or remove the line and run `make update`",
        )


def _wheel_version(folder: Path) -> str:
    return next(folder.glob("groundplan-*.whl")).name.split("-")[1]


def _build_once(folder: Path, python: Path, cached: Path) -> None:
    """Built beside its place and moved there whole: two set-ups at a time don't see each other's halves."""
    cached.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cached.parent, prefix=".building-") as scratch:
        built = Path(scratch) / "wheels"
        _build(folder, python, built)
        try:
            built.rename(cached)
        except OSError:
            if not cached.is_dir():
                raise


def _build(folder: Path, python: Path, into: Path) -> None:
    sources = [str(folder / name) for name in LIBRARIES]
    _pip_ours(python, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(into), *sources)


def _copy(wheel: Path, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(wheel, into / wheel.name)


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _hashes(requirements: Path) -> dict[str, str]:
    """File name and SHA-256 of each line that `vendor/libraries.txt` holds."""
    lines = re.findall(
        r"^\./(\S+) --hash=sha256:([0-9a-f]{64})$", requirements.read_text(encoding="utf-8"), re.MULTILINE
    )
    return dict(lines)


def state_of(checkout: Path) -> str:
    """`1a2b3c4d5e6f`, with `, with changes that are not committed` where its libraries have any."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD", cwd=checkout)
    except Refused:
        return "its commit is unknown, as git is not found"
    if head.returncode:
        return "not in git"
    changed = _git("status", "--porcelain", "--", *LIBRARIES, cwd=checkout).stdout.strip()
    return head.stdout.strip() + (", with changes that are not committed" if changed else "")


# The environment


def set_up(project: Path, venv: Path, variables: Mapping[str, str], *, vendored: bool = True) -> None:
    """Brings ``venv`` up to date; an interrupted run is taken up again."""
    require_ours(venv)
    source = choose_source(project, variables, vendored=vendored)
    if isinstance(source, Checkout):
        _require_fit(library_version(source.folder), source.named_by or "infra/pyproject.toml")
    request = _request(source)
    packages = _third_party_is_there(project, venv)
    if not packages:
        _third_party(project, venv, vendored=isinstance(source, Vendored))
    if not packages or state(venv).get("request") != request:
        print(f"    groundplan from {_described(source)}", flush=True)
        (venv / STATE).unlink(missing_ok=True)
        commit = _install(source, venv)
        _write(venv / STATE, json.dumps({"request": request, "commit": commit}) + "\n")
    if vendored:
        (venv / INPUTS).write_bytes(inputs(project, variables))
    else:
        (venv / INPUTS).unlink(missing_ok=True)


def inputs(project: Path, variables: Mapping[str, str]) -> bytes:
    """All that decides what is installed, as `setup.sh` puts it together."""
    names = ["requirements.txt", "infra/bootstrap.py", str(ANSWERS), "pyproject.toml", str(VENDORED_LIBRARIES)]
    names += [f"{library}/pyproject.toml" for library in LIBRARIES]
    files = [project / name for name in names]
    return f"{variables.get(OVERRIDE, '')}\n".encode() + b"".join(file.read_bytes() for file in files if file.is_file())


def _request(source: Source) -> str:
    match source:
        case Checkout():
            described = "".join((source.folder / name / "pyproject.toml").read_text() for name in LIBRARIES)
            return f"checkout {source.folder} {_digest(described)}"
        case Vendored():
            return f"vendored {hash_of(source.folder / VENDORED_LIBRARIES.name)}"
        case Committed():
            return f"commit {_digest(source.address)} {source.revision}"


def _described(source: Source) -> str:
    match source:
        case Checkout():
            return str(source.folder)
        case Vendored():
            return "vendor/"
        case Committed():
            return f"{without_credentials(source.address)} at {source.revision}"


def state(venv: Path) -> dict[str, str]:
    try:
        found = json.loads((venv / STATE).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _third_party_is_there(project: Path, venv: Path) -> bool:
    wanted, kept = project / "requirements.txt", venv / "requirements.txt"
    if not wanted.is_file():
        raise Refused("requirements.txt", "not there", "the project's pinned packages", "bring it back from git")
    return _python(venv).exists() and kept.is_file() and kept.read_bytes() == wanted.read_bytes()


def _third_party(project: Path, venv: Path, *, vendored: bool) -> None:
    claim(venv)
    print(f"Setting up Python packages in {venv} (once, a minute or two)", flush=True)
    (venv / "requirements.txt").unlink(missing_ok=True)
    _make_environment(venv)
    offline = ["--no-index", "--find-links", str(project / VENDOR)] if vendored else []
    command = ["install", *offline, "--require-hashes", "--requirement", str(project / "requirements.txt")]
    if _shown(_pip(_python(venv)) + command):
        remedy = "see pip's message above"
        if vendored:
            remedy += "; if vendor/ lacks wheels for this kind of machine, run `make vendor` on one like it"
        raise Refused("requirements.txt", "not installed", "all packages, with the hashes that are pinned", remedy)
    shutil.copyfile(project / "requirements.txt", venv / "requirements.txt")


def _make_environment(venv: Path) -> None:
    works = [str(_python(venv)), "-m", "pip", "--version"]
    if _python(venv).exists() and subprocess.run(works, check=False, capture_output=True).returncode == 0:
        return
    _clear(venv)
    if subprocess.run([sys.executable, "-m", "venv", str(venv)], check=False).returncode:
        remove(venv)
        raise Refused(
            "this machine",
            "Python can't make an environment",
            "the venv module, with pip",
            "on Debian and Ubuntu install the package python3-venv: apt install python3-venv",
        )


def _install(source: Source, venv: Path) -> str:
    """Ours, by their paths: an index is never asked for their names. Returns the commit."""
    python = _python(venv)
    options = ["--no-deps", "--no-build-isolation", "--force-reinstall"]
    if isinstance(source, Checkout):
        folders = [argument for name in LIBRARIES for argument in ("--editable", str(source.folder / name))]
        _pip_ours(python, "install", *options, *folders)
        return state_of(source.folder)
    if isinstance(source, Vendored):
        requirements = ("--require-hashes", "--requirement", VENDORED_LIBRARIES.name)
        _pip_ours(python, "install", *options, *requirements, cwd=source.folder)
        return source.revision
    with tempfile.TemporaryDirectory(prefix="groundplan-") as scratch:
        commit = library_wheels(source, python, Path(scratch))
        _pip_ours(python, "install", *options, *sorted(str(path) for path in Path(scratch).glob("*.whl")))
    return commit


def _pip(python: Path) -> list[str]:
    return [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input"]


def _pip_ours(python: Path, command: str, *arguments: str, cwd: Path | None = None) -> None:
    """Without an index, and deaf to variables and configuration that name one."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    done = subprocess.run(
        [*_pip(python), "--isolated", "--quiet", command, "--no-index", *arguments],
        cwd=cwd,
        env=environment | {"PIP_ROOT_USER_ACTION": "ignore"},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        remedy = "see pip's message above"
        if "No module named 'hatchling'" in done.stderr + done.stdout:
            remedy = "bring hatchling, which builds the libraries, back into requirements.txt"
        print(done.stderr.strip() or done.stdout.strip(), file=sys.stderr)
        raise Refused("groundplan's libraries", f"pip {command} failed", "it succeeds", remedy)


def _shown(command: Sequence[str]) -> int:
    """Runs pip and shows one line for each package; its messages go to standard error as they are."""
    environment = {"PIP_PROGRESS_BAR": "off", "PIP_ROOT_USER_ACTION": "ignore"}
    with subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            found = re.match(r"Collecting ([^=\s]+)==(\S+)", line)
            if found:
                print(f"    {found[1]} {found[2]}", flush=True)
    return running.returncode


def _python(venv: Path) -> Path:
    return venv / "bin" / "python"


# Directories that are ours


def require_ours(venv: Path) -> None:
    """Refuses a directory that is neither new, nor empty, nor an environment of ours, and leaves it unchanged."""
    if venv.exists() and not (venv / STAMP).is_file() and not _is_empty(venv) and not _is_older(venv):
        raise Refused(
            str(venv),
            "holds files that make setup did not make; nothing was changed",
            "a directory that is new or empty, or an environment that make setup made",
            "move it away, or name another directory: make setup VENV=.venv-project",
        )


def claim(venv: Path) -> None:
    require_ours(venv)
    venv.mkdir(parents=True, exist_ok=True)
    # First of all, so that a set-up that is interrupted anywhere is taken up again.
    (venv / STAMP).write_text(_STAMP_TEXT, encoding="utf-8")


def remove(venv: Path) -> None:
    """Deletes an environment of ours; what others have put there stays, and so does its directory."""
    if not venv.exists():
        return
    if not (venv / STAMP).is_file() and not _is_older(venv):
        raise Refused(
            str(venv),
            "not made by make setup, so it stays",
            "an environment that make setup made",
            "look at what is in it, and delete it yourself if it may go",
        )
    _clear(venv)
    (venv / STAMP).unlink(missing_ok=True)
    if _is_empty(venv):
        venv.rmdir()


def _clear(venv: Path) -> None:
    for name in (*_MADE, STATE, INPUTS):
        path = venv / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and next(folder.iterdir(), None) is None


def _is_older(venv: Path) -> bool:
    """Before there were stamps: our copy of requirements.txt, and nothing that pip and venv don't make."""
    if not venv.is_dir() or not all((venv / name).is_file() for name in ("pyvenv.cfg", "requirements.txt")):
        return False
    return all(path.name in {*_MADE, STATE, INPUTS} for path in venv.iterdir())


def _cache() -> Path:
    """Per user: wheels by their commit, and full ids of short ones."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "groundplan"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def main(arguments: Sequence[str]) -> int:
    """`bootstrap.py [--remove | --without-vendor] <directory>`, in the project's folder."""
    *options, directory = arguments
    venv = Path(directory).absolute()
    try:
        if options == ["--remove"]:
            remove(venv)
        elif options in ([], ["--without-vendor"]):
            set_up(Path.cwd(), venv, os.environ, vendored=not options)
        else:
            raise Refused("setup.sh", " ".join(options), "--remove or --without-vendor", "leave it out")
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
