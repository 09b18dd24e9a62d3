"""Server CPU of a cached GET with two or more chassis, in turns: `python -m bench.protocol PROJECT CHASSIS…`.

PROJECT is a copy of the template whose environment runs this; each CHASSIS is the folder `chassis/` of a checkout. The
service, its code and the servers are the same for all: processes differ by where they find `groundplan_chassis`. The
floors of `make bench-services` take part.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

ROWS = 1_000


async def compare(chassis: Sequence[Path], rounds: int, seconds: int) -> None:
    """Prints a row for each chassis and each floor."""
    # The devkit finds the project by the folder in which it is imported.
    from groundplan_devkit.bench import floors, report, stage
    from groundplan_devkit.bench.floor_server import Server
    from groundplan_devkit.bench.mix import Tokens
    from groundplan_devkit.bench.progress import Progress
    from groundplan_devkit.bench.rounds import Contender, take_turns
    from groundplan_devkit.services import folder_of

    say = Progress()
    with stage.stage(say, load_share=1.0) as on:
        service, name, resource = stage.choose(on.system, None)
        target = await stage.filled(on, service, name, resource, ROWS)
        tokens = Tokens(target, on.sign)
        async with contextlib.AsyncExitStack() as stack:
            kinds: tuple[tuple[str, Server], ...] = ((floors.STOCK, "uvicorn"), (floors.OWN, "chassis"))
            contenders = []
            for path in chassis:
                code = os.pathsep.join([str(folder_of(service)), str(path)])
                running = on.start(service, "api", **stage.NEVER_REFUSED, PYTHONPATH=code)
                url = f"{running.url}{target.path}/{target.ids[0]}"
                contenders.append(Contender(str(path), url, running.process.pid, floors.bearer(tokens)))
            for floor, server in kinds:
                contenders.append(await stack.enter_async_context(floors.floor(on, service, target, floor, server)))
            found = await take_turns(contenders, say, rounds=rounds, seconds=seconds)
    print(report.turns(found, str(chassis[0])))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.protocol", description=__doc__)
    parser.add_argument("project", type=Path)
    parser.add_argument("chassis", type=Path, nargs="+")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=4)
    given = parser.parse_args()
    chassis = [path.resolve() for path in given.chassis]
    os.chdir(given.project)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(compare(chassis, given.rounds, given.seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
