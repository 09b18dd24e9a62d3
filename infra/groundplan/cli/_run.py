"""How a command ends: a user's mistakes are said on standard error, never as a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from groundplan.installation.bootstrap import Refused
from groundplan.problems import ProblemsFound


def run(command: Callable[[], int], *, as_json: bool = False) -> int:
    """The command's exit status; 1 when it found problems, which are then printed."""
    from groundplan.installation.contract import start  # these load the declaration's model, which `--help` needs not
    from groundplan.project import find_project

    try:
        start(find_project())
        status = command()
        sys.stdout.flush()
    except (ProblemsFound, Refused) as problems:
        if as_json:
            from groundplan.cli.documents import ProblemsDocument, print_document

            print_document(ProblemsDocument.of(problems))
        print(problems, file=sys.stderr)
        return 1
    except BrokenPipeError:
        # `make plan | head` has read enough. What is still buffered must not fail again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        from pulumi import RunError  # most commands never load Pulumi

        if not isinstance(error, RunError):
            raise
        print(error, file=sys.stderr)
        return 1
    return status
