"""The project's tie to its template: its answers, and updates to other answers or to a newer template.

An update happens whole or not at all: if anything fails on the way, the project is as it was before.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from groundplan.problems import Problem, ProblemsFound
from groundplan.progress import doing

ANSWERS_FILE = ".copier-answers.yml"
FIRST_MIGRATION = "0001_initial.py"
"""Of each service, as the template writes it."""

# A file that `git status` is told to hide would pass `require_clean`, and `restore` would then delete it.
_SETTINGS = (
    "-c",
    f"core.hooksPath={os.devnull}",
    "-c",
    "status.showUntrackedFiles=all",
    "-c",
    "diff.ignoreSubmodules=none",
)

GIVE_UP = "git add --all . && git stash"
"""Back to the last commit, new files and conflicts included; nothing is lost, `git stash pop` brings it back."""

Answers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Updated:
    """What an update did: files that changed, and those of them that hold conflict markers."""

    changed: tuple[str, ...]
    conflicted: tuple[str, ...]


def read_answers(project: Path) -> dict[str, Any]:
    """The answers that ``project`` was made from, with copier's own `_src_path` and `_commit`.

    Raises ProblemsFound when there are none, or none that can be read.
    """
    try:
        answers = yaml.safe_load((project / ANSWERS_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _refusal(
            ANSWERS_FILE,
            "the file",
            "missing",
            "the answers that this project was made from",
            "run the command in the root of a project that `copier copy` made, or restore the file from git",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _refusal(
            ANSWERS_FILE,
            "the file",
            "unreadable",
            "YAML as copier wrote it",
            f"restore it from git ({_first_line(error)})",
        ) from None
    if not isinstance(answers, dict) or "_src_path" not in answers or "_commit" not in answers:
        raise _refusal(
            ANSWERS_FILE,
            "_src_path, _commit",
            "absent",
            "the template's address and version, which copier records when it copies from a git repository",
            "restore the file from git, or copy the project again from the template's repository",
        )
    return answers


def require_clean(project: Path) -> None:
    """Raises ProblemsFound unless all of ``project`` is committed: an update can then always be undone."""
    top = git(project, "rev-parse", "--show-toplevel")
    head = git(project, "rev-parse", "--verify", "--quiet", "HEAD")
    if top.returncode or head.returncode or git(project, "ls-files", "--error-unmatch", ANSWERS_FILE).returncode:
        raise _refusal(
            "the project",
            "git",
            "without a commit of it",
            "a git repository that holds the project, so that every change can be seen and undone",
            'run `git init && git add . && git commit -m "Start"` first',
        )
    pending = git(project, "status", "--porcelain", "--", ".").stdout.splitlines()
    if pending:
        shown = ", ".join(line[3:] for line in pending[:5]) + (", …" if len(pending) > 5 else "")
        raise _refusal(
            "the project",
            "git status",
            f"not clean ({shown})",
            "everything committed, so that the change can be seen and undone",
            "commit or stash your changes, then run the command again",
        )


def update(
    project: Path,
    answers: Answers,
    data: Mapping[str, Any],
    *,
    newest: bool = False,
    accept: Callable[[Updated], None] = lambda _: None,
) -> Updated:
    """Brings ``project`` to other answers (``data``) or to the template's newest version, and keeps what was edited.

    ``accept`` sees the result, may change more, and raises ProblemsFound to refuse it. Raises ProblemsFound when the
    template can't be reached, refuses an answer or no longer knows one; the project is then as it was.
    """
    import copier
    from copier.errors import CopierError

    from groundplan.cli._rendering import shortened

    wanted = {key: value for key, value in answers.items() if not key.startswith("_")} | dict(data)
    _require_template(str(answers["_src_path"]), project)
    previous = os.environ.get("GIT_TERMINAL_PROMPT")
    # Copier runs git with its output captured: a question for a password would wait for ever, unseen.
    os.environ["GIT_TERMINAL_PROMPT"] = "0"
    try:
        with doing("Rendering the template as it was and as it is to be"), shortened():
            copier.run_update(
                project,
                data=dict(data),
                vcs_ref=None if newest else copier.VcsRef.CURRENT,
                exclude=_replaced_migrations(project),
                settings=copier.Settings(),
                defaults=True,
                skip_answered=True,
                overwrite=True,
                quiet=True,
            )
        _require_answers(wanted, read_answers(project))
        accept(_updated(project))
        updated = _updated(project)
    except ProblemsFound:
        restore(project)
        raise
    except (CopierError, ValueError, OSError) as error:
        restore(project)
        refused = _refused_answers(str(error))
        if refused:
            raise ProblemsFound(refused) from error
        raise _refusal(
            ANSWERS_FILE,
            "_src_path",
            f"{answers['_src_path']} at {answers['_commit']}",
            "a template that can be reached, has that commit (work in progress has none) and takes these answers",
            f"nothing was changed; copier said: {_last_line(error)}",
        ) from error
    except BaseException:
        restore(project)
        raise
    finally:
        if previous is None:
            del os.environ["GIT_TERMINAL_PROMPT"]
        else:
            os.environ["GIT_TERMINAL_PROMPT"] = previous
    return updated


def tell_conflicts(updated: Updated) -> int:
    """Says where edits and the update met; returns the exit status for it."""
    print("Your edits and this change meet in these files; both are kept, between conflict markers:", file=sys.stderr)
    print(*(f"    {path}" for path in updated.conflicted), sep="\n", file=sys.stderr)
    print("Decide there, then: git add <file> && make plan", file=sys.stderr)
    print(f"Or give it up, back to your last commit: {GIVE_UP}", file=sys.stderr)
    return 2


def restore(project: Path) -> None:
    """Puts ``project`` back to its last commit; only for a project that `require_clean` passed before."""
    git(project, "reset", "--quiet", "--", ".", check=True)
    git(project, "checkout", "--quiet", "--", ".", check=True)
    git(project, "clean", "--quiet", "--force", "-d", "--", ".", check=True)


def _require_template(address: str, project: Path) -> None:
    """A template on this machine that has moved is said plainly; an address in the network is copier's to try."""
    if "://" in address or address.startswith(("gh:", "gl:", "git@", "git+")) or address.endswith(".git"):
        return
    if not (project / Path(address).expanduser() / "copier.yml").is_file():
        raise _refusal(
            ANSWERS_FILE,
            "_src_path",
            address,
            "the template's repository",
            "put the address where it is now there (a directory or a git address), commit, and run the command again",
        )


def _replaced_migrations(project: Path) -> list[str]:
    """First migrations of services whose own history begins with another one.

    Copier writes such a file again wherever it is missing, as it does for a new service (`_skip_if_exists`).
    """
    tracked = git(project, "ls-files", "-z", "--", "services/*/migrations/versions/*.py").stdout.split("\0")
    first = {f"{path.rpartition('/')[0]}/{FIRST_MIGRATION}" for path in tracked if path}
    return sorted(first.difference(tracked))


def _require_answers(wanted: Answers, written: Answers) -> None:
    """Copier replaces a remembered answer that its validator refuses by the default, and says nothing."""
    problems = [
        Problem(
            ANSWERS_FILE,
            key,
            repr(written.get(key)),
            f"{value!r}, as answered",
            "the template no longer takes the answer; nothing was changed. Read its release notes, then change the "
            "answer and commit",
        )
        for key, value in wanted.items()
        if key in written and written[key] != value
    ]
    if problems:
        raise ProblemsFound(problems)


def _updated(project: Path) -> Updated:
    changed: list[str] = []
    conflicted: list[str] = []
    entries = iter(git(project, "status", "--porcelain", "-z", "--no-renames", "--", ".").stdout.split("\0"))
    for entry in entries:
        if entry:
            changed.append(entry[3:])
            if "U" in entry[:2] or entry[:2] in {"AA", "DD"}:
                conflicted.append(entry[3:])
    return Updated(tuple(changed), tuple(conflicted))


MAIN_BRANCHES = ("origin/HEAD", "origin/main", "main", "master")
"""What work is compared with where no commit is named: the first of them that there is."""


def git(project: Path, *arguments: str, check: bool = False) -> subprocess.CompletedProcess[str]:
    """Git's own words about ``project``, with the user's hooks and ways of showing left out."""
    try:
        return subprocess.run(
            ["git", *_SETTINGS, *arguments],
            cwd=project,
            check=check,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        raise _refusal(
            "this machine", "git", "not found", "git on the PATH", "install git, then run the command again"
        ) from None


_UNUSABLE = "'None' has no attribute 'usable answer for "
"""How the template ends copier over answers that it can't use (`templates/answers/given.jinja`)."""


def _refused_answers(said: str) -> list[Problem]:
    """What the template said of the answers, each a `question: what was expected`; nothing if it ended otherwise."""
    _, ended, rest = said.partition(_UNUSABLE)
    if not ended:
        return []
    problems = []
    for line in rest.strip().removesuffix("'").replace("\\'", "'").split("; "):
        question, colon, expected = line.partition(": ")
        if colon and question.isidentifier():
            problems.append(Problem(ANSWERS_FILE, question, "", expected, "nothing was changed; give another value"))
        elif problems:
            last = problems.pop()
            problems.append(replace(last, expected=f"{last.expected}; {line}"))
    return problems


def _refusal(where: str, path: str, value: str, expected: str, remedy: str) -> ProblemsFound:
    return ProblemsFound([Problem(where, path, value, expected, remedy)])


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _last_line(error: Exception) -> str:
    return str(error).strip().rpartition("\n")[2].strip("| ") or type(error).__name__
