"""The command `erase`: erases a person from this service, or says what of them is left."""

from __future__ import annotations

import argparse
import asyncio
import logging
from typing import TYPE_CHECKING, Final

from groundplan_chassis.erasure.requests import ErasureRequest, request_erasure, requests_for
from groundplan_chassis.erasure.work import remaining
from groundplan_chassis.erasure.worker import carry_out
from groundplan_chassis.identifiers import new_id
from groundplan_chassis.problems import Problem, ProblemsFound

if TYPE_CHECKING:
    from groundplan_chassis.context import Context
    from groundplan_chassis.database.transaction import Transaction
    from groundplan_chassis.service import Service

ACTOR: Final = "operator"
"""Who asks for what the command does: an operator who may start it in a pod."""

log = logging.getLogger(__name__)


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("subject", help="the person: the subject of their tokens, as rows name their owner")
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail while a request is open or anything is left"
    )


async def run(service: Service, context: Context, arguments: argparse.Namespace, stop: asyncio.Event) -> None:
    """Raises ProblemsFound: no resource is erasable; and with ``--check`` where the person is not erased."""
    del stop
    if not service.erasables:
        raise _problem(
            service.name, "a service with `erasure` on a resource", "declare it in system.yaml, and follow: make follow"
        )
    if arguments.check:
        await _check(service, context, arguments.subject)
        return
    shard = context.database.place(arguments.subject)
    request = ErasureRequest(
        id=new_id(shard), subject=arguments.subject, actor=ACTOR, correlation_id=f"erase {new_id(shard)}"
    )

    async def ask(transaction: Transaction) -> None:
        await request_erasure(
            transaction,
            request.subject,
            actor=request.actor,
            correlation_id=request.correlation_id,
            identifier=request.id,
        )

    # From here on the service's own processes do it, should this one end.
    await context.database.write(ask, shard=shard, idempotent=True)
    done = await carry_out(service, context, request, shard)
    log.info("erased: %d rows, %d idempotency keys; other services hear of it by events", done.rows, done.keys)


async def _check(service: Service, context: Context, subject: str) -> None:
    states = await requests_for(context.database, subject)
    left = {table: number for table, number in (await remaining(service, context, subject)).items() if number}
    open_ = [state for state in states if state.completed_at is None]
    if left or open_:
        told = [f"{number} in {table}" for table, number in left.items()]
        told += [f"a request of {state.requested_at:%Y-%m-%d %H:%M:%S} UTC is open" for state in open_]
        raise _problem(
            "; ".join(told),
            "nothing of the person",
            "wait for the open request, whose failures are logged" if open_ else "run `erase` without --check",
        )
    last = max((state.completed_at for state in states if state.completed_at), default=None)
    log.info(
        "nothing of the person is left; %s",
        f"erased on {last:%Y-%m-%d %H:%M:%S} UTC" if last else "no request was ever made",
        extra={"requests": len(states)},
    )


def _problem(value: str, expected: str, remedy: str) -> ProblemsFound:
    return ProblemsFound("erasure", [Problem("erase", value, expected, remedy)])
