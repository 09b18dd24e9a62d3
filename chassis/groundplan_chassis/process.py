"""The life of a process: a service's `__main__` calls `run(service, argv)`.

The argument is a role, in which the process stays until it is told to stop, or a command, which it does once.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import uvloop

from groundplan_chassis import assembly, commands
from groundplan_chassis.health import Health
from groundplan_chassis.problems import ProblemsFound
from groundplan_chassis.secrets import SecretUnavailable
from groundplan_chassis.service import Service, check, check_settings
from groundplan_chassis.serving import DRAIN_SECONDS, Server, listen
from groundplan_chassis.settings import ROLES, SERVING, Settings
from groundplan_chassis.signals import StopOrder
from groundplan_chassis.watchdog import watchdog

DONE: Final = 0
FAILED: Final = 1
"""A failure that a retry may solve."""
REFUSED: Final = 2
"""Arguments, settings or the service's definition are wrong: a restart does not help."""
_YOUNG_OBJECTS: Final = 10_000
"""Objects more than before until the collector looks for cycles among them; Python's own 700 is three requests at once,
which costs a cached GET a twentieth."""
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104  in a pod, whose network policy says who may come
LOOPBACK: Final = "127.0.0.1"

log = logging.getLogger(__name__)


def run(service: Service, argv: Sequence[str], variables: Mapping[str, str] | None = None) -> int:
    """Runs one process of the service and returns its exit status. ``variables``: the environment when absent."""
    environment = os.environ if variables is None else variables
    if not argv or argv[0] in ("-h", "--help"):
        _say(usage(service))
        return DONE if argv else REFUSED
    try:
        check(service)
        if argv[0] in ROLES and len(argv) == 1:
            return _in_loop(service, Settings.from_environment(environment, argv[0]), _role)
        command = commands.find(argv[0])
        if command is None:
            _say(f"{' '.join(argv)}: not known\n\n{usage(service)}")
            return REFUSED
        arguments = command.parse(argv[1:])
        if command.offline is not None:
            command.offline(service, arguments)
            return DONE
        return _in_loop(service, Settings.from_environment(environment, argv[0]), _once(command, arguments))
    except commands.Usage as error:
        _say(str(error))
        return REFUSED
    except ProblemsFound as error:
        _say(str(error))
        return REFUSED
    except SecretUnavailable as error:
        _say(str(error))
        return FAILED
    except KeyboardInterrupt:
        return FAILED


def usage(service: Service) -> str:
    """The program's usage."""
    lines = [f"{service.title}: python -m {service.package} <role or command>", "", f"roles: {', '.join(ROLES)}", ""]
    return "\n".join([*lines, "commands:", *(f"  {line}" for line in commands.listed())])


Work = Callable[[Service, Settings, assembly.Observation, StopOrder], Awaitable[None]]


def _once(command: commands.Command, arguments: commands.Arguments) -> Work:
    """The work of a command in its own process. A stop signal asks it to end early."""
    online = command.online
    assert online is not None

    async def work(service: Service, settings: Settings, observation: assembly.Observation, order: StopOrder) -> None:
        stop = asyncio.Event()
        async with assembly.opened(service, settings, observation) as context:
            running = asyncio.ensure_future(online(service, context, arguments, stop))
            ordered = asyncio.create_task(order.wait())
            order.when_impatient(running.cancel)
            await asyncio.wait([running, ordered], return_when=asyncio.FIRST_COMPLETED)
            ordered.cancel()
            if running.done():
                await running
                return
            stop.set()
            _, late = await asyncio.wait([running], timeout=DRAIN_SECONDS)
            if late:
                running.cancel()
                await asyncio.wait([running])
            if not running.cancelled():
                await running
            raise Interrupted(order.reason)

    return work


class Interrupted(Exception):
    """A command was stopped before its end."""


def _in_loop(service: Service, settings: Settings, work: Work) -> int:
    """Runs the work on an event loop, with observability, and maps its outcome to an exit status."""
    check_settings(service, settings)
    with assembly.observed(service, settings) as observation:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_ordered(service, settings, observation, work))
        except ProblemsFound as error:
            _report(error)
            return REFUSED
        except SecretUnavailable as error:
            log.error("%s", error, extra={"error": type(error).__name__})
            return FAILED
        except Interrupted as error:
            log.warning("stopped by %s before the end", error)
            return FAILED
        except Exception as error:
            log.critical("the process ends: %s", type(error).__name__, exc_info=error)
            return FAILED
        return DONE


async def _ordered(service: Service, settings: Settings, observation: assembly.Observation, work: Work) -> None:
    order = StopOrder()
    order.listen()
    await work(service, settings, observation, order)


async def _role(service: Service, settings: Settings, observation: assembly.Observation, order: StopOrder) -> None:
    if settings.role == "migrate":
        await assembly.migrate(service, settings)
        return
    async with assembly.opened(service, settings, observation) as context:
        listener = listen(LOOPBACK if settings.local else EVERYWHERE, settings.port)
        app = assembly.app(service, context) if settings.role in SERVING else None
        server = Server(app, context.health, listener)
        workers = assembly.workers(service, context)
        # Modules, classes and routes stay as long as the process does. To look through all of them for garbage again
        # and again would delay the requests in work, by some ten milliseconds each time.
        gc.collect()
        gc.freeze()
        # Requests in work are many young objects and no garbage: they end by themselves (ADR 23).
        gc.set_threshold(_YOUNG_OBJECTS)
        log.info(
            "%s of %s is up",
            settings.role,
            settings.service,
            extra={"event": "started", "port": server.port, "version": service.version},
        )
        # A debugger may hold a local process for as long as it likes.
        with contextlib.nullcontext() if settings.local else watchdog():
            await until_stopped(server, workers, context.health, order)
    log.info("stopped", extra={"event": "stopped", "reason": order.reason})


async def until_stopped(server: Server, workers: Sequence[assembly.Worker], health: Health, order: StopOrder) -> None:
    """Serves and works until the stop signal, then lets work in hand finish.

    A worker that fails ends the process, so that Kubernetes starts another: raises what it raised.
    """
    serving = asyncio.create_task(server.run(), name="server")
    working = [asyncio.create_task(worker.run(), name=f"worker {index}") for index, worker in enumerate(workers)]
    ordered = asyncio.create_task(order.wait(), name="order to stop")
    order.when_impatient(server.stop)
    for task in working:
        order.when_impatient(task.cancel)
    done, _ = await asyncio.wait([serving, ordered, *working], return_when=asyncio.FIRST_COMPLETED)
    health.drain()
    for worker in workers:
        worker.stop()
    if working:
        # The endpoints stay while events are finished, so that the pod is seen draining and not dead.
        _, late = await asyncio.wait(working, timeout=DRAIN_SECONDS)
        for task in late:
            task.cancel()
        if late:
            log.warning("work was cut off after %d s; it will be done again", DRAIN_SECONDS)
            await asyncio.wait(late)
    server.stop()
    ordered.cancel()
    await serving
    for task in working:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
    if ordered not in done and not order.given:
        raise RuntimeError("a task that should run for ever has ended")


def _report(error: ProblemsFound) -> None:
    """Logs the error twice: as text for terminals and `kubectl logs`, as fields for log queries."""
    for problem in error.problems:
        log.error(
            "%s: %s is %s",
            error.subject,
            problem.where,
            problem.value,
            extra={"error": "ProblemsFound", "expected": problem.expected, "remedy": problem.remedy},
        )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
