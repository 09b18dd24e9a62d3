"""Asks services' programs for their OpenAPI documents, all in one process: most of what they import, they share.

Standard input: JSON, [package, folder] by service. Standard output: JSON, [document, errors] by service; the document
is empty where the program failed.
"""

from __future__ import annotations

import contextlib
import io
import json
import runpy
import sys
import traceback


def ask(package: str, folder: str) -> tuple[str, str]:
    """What `python -m <package> openapi` in its folder prints, and what it prints of errors."""
    sys.path.insert(0, folder)
    sys.argv = [package, "openapi"]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            runpy.run_module(package, run_name="__main__", alter_sys=True)
        except SystemExit as ended:
            if ended.code:
                return "", err.getvalue() or f"it ended with {ended.code}"
        except Exception:
            traceback.print_exc()
            return "", err.getvalue()
    return out.getvalue(), err.getvalue()


def main() -> None:
    answers = {service: ask(*asked) for service, asked in json.load(sys.stdin).items()}
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
