"""A relay, consumer or projector in a process of its own, to be killed: `python -m chassis.tests.events.program relay`.

Its settings come as the pod's do. What it handles leaves a row for each time that it was done, so that a second effect
would be seen.
"""

from __future__ import annotations

import sys

from chassis.tests.events.shop import ORDERS, PLACED
from groundplan_chassis.context import Context
from groundplan_chassis.database.transaction import Transaction
from groundplan_chassis.events.event import Event
from groundplan_chassis.events.handler import Handler
from groundplan_chassis.process import run
from groundplan_chassis.service import Service

EFFECTS = "CREATE TABLE effects (event_id uuid NOT NULL, version integer NOT NULL)"
"""Without a key: what was done twice is there twice."""


async def collect(transaction: Transaction, event: Event, context: Context) -> None:
    del context
    await transaction.execute("INSERT INTO effects VALUES ($1, $2)", event.event_id, event.version)


SERVICE = Service(
    name="order",
    package="chassis.tests.events.program",
    title="Orders",
    # As if they were another service's: the relay's own events are what there is to consume.
    consumers={PLACED: Handler(collect)},
    projections=(ORDERS,),
)

if __name__ == "__main__":
    sys.exit(run(SERVICE, sys.argv[1:]))
