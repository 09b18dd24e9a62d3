"""How a command ends: a user's mistakes are said on standard error, never as a traceback."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable

from groundplan.installation.bootstrap import Refused
from groundplan.problems import Problem, ProblemsFound


class Misuse(ProblemsFound):
    """Arguments that a command doesn't take."""


def run(command: Callable[[], int], *, as_json: bool = False) -> int:
    """The command's exit status; 1 when it found problems, which are then printed. Raises Misuse."""
    from groundplan.installation.contract import start  # these load the declaration's model, which `--help` needs not
    from groundplan.project import find_project

    try:
        start(find_project())
        status = command()
        sys.stdout.flush()
    except Misuse:
        raise
    except (ProblemsFound, Refused) as problems:
        _tell(problems, as_json=as_json)
        return 1
    except BrokenPipeError:
        # `make plan | head` has read enough. What is still buffered must not fail again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        problem = _unwritten(error)
        if problem is None:
            raise
        _tell(problem, as_json=as_json)
        return 1
    except Exception as error:
        pulumi = sys.modules.get("pulumi")  # most commands never load it, and then it raised nothing
        if pulumi is None or not isinstance(error, pulumi.RunError):
            raise
        print(error, file=sys.stderr)
        return 1
    return status


def tell_as_json(problems: ProblemsFound | Refused) -> None:
    """On standard output, as each `--json` does with what it refuses."""
    from groundplan.cli.documents import ProblemsDocument, print_document

    print_document(ProblemsDocument.of(problems))


def _tell(problems: ProblemsFound | Refused, *, as_json: bool) -> None:
    if as_json:
        tell_as_json(problems)
    print(problems, file=sys.stderr)


_REMEDIES = {
    errno.EACCES: "change its permissions or its owner, and run the command again",
    errno.EPERM: "change its permissions or its owner, and run the command again",
    errno.EROFS: "make a copy of the project where files can be written, and run the command there",
    errno.ENOSPC: "free some space, and run the command again",
    errno.EDQUOT: "free some space, and run the command again",
    errno.EISDIR: "move the folder that is in the file's place away",
    errno.ENOTDIR: "move the file that is in a folder's place away",
    errno.EEXIST: "move the file that is in a folder's place away",
    errno.ENAMETOOLONG: "give a shorter name",
    errno.ELOOP: "remove the symbolic link that leads to itself",
}
"""What a user can do about what the system says of a file; anything else is a fault of ours, with its traceback."""


def _unwritten(error: OSError) -> ProblemsFound | None:
    """A file or folder that can't be read or written as it is."""
    remedy = _REMEDIES.get(error.errno or 0)
    if remedy is None or not (error.filename or error.errno in (errno.ENOSPC, errno.EDQUOT)):
        return None
    place = os.path.relpath(os.fsdecode(error.filename)) if error.filename else "this disk"
    said = (error.strerror or "").lower()
    return ProblemsFound([Problem(place, "", said, "a place where the command can read and write", remedy)])
