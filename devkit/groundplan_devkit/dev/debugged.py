"""Runs a service's package as `python -m` does, with a debugger's port open: `make dev DEBUGGER=order`.

python -m groundplan_devkit.dev.debugged <package> [arguments …]; the port is in ``DEBUG_PORT``.
"""

from __future__ import annotations

import os
import runpy
import sys

from groundplan_devkit.ports import HOST

PORT_VARIABLE = "DEBUG_PORT"
FIRST_PORT = 5678
"""Where editors look for debugpy unless told otherwise; .vscode/launch.json does."""


def main(package: str, *arguments: str) -> None:
    """Waits for no debugger: the service serves, and stops at a breakpoint once one is attached."""
    import debugpy  # only where it is asked for

    debugpy.listen((HOST, int(os.environ[PORT_VARIABLE])))
    sys.argv = [package, *arguments]
    runpy.run_module(package, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
