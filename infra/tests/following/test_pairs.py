"""For generated pairs of declarations: following the first to the second gives the second's tables (U7).

`make prove WHAT=following` has many of them.
"""

from __future__ import annotations

import os

from groundplan.document.data_model import ddl_of
from groundplan.following.changes import Takes, most
from groundplan.following.schema import plan_of
from groundplan.following.services import differences, resource_renames, targets
from infra.tests.following.databases import Connection, catalogue, down, emptied, insert, up
from infra.tests.following.generated import pair

PAIRS = int(os.environ.get("FOLLOWING_PAIRS", "12"))
SEED = int(os.environ.get("FOLLOWING_SEED", "1"))
NAME = "catalogue"


def test_following_gives_the_newer_declarations_tables(connection: Connection) -> None:
    refused = 0
    for seed in range(SEED * 10_000, SEED * 10_000 + PAIRS):
        before, after = pair(seed)
        found = differences(before.services, after.services)
        if most(found) is Takes.REFUSED:
            refused += 1
            continue
        renames = {
            **targets(before.services, after.services),
            **resource_renames(before.services[NAME], after.services[NAME]),
        }
        older, newer = before.services[NAME], after.services[NAME]
        plan = plan_of(NAME, older, newer, renames)
        emptied(connection)
        connection.execute(ddl_of(NAME, newer))
        wanted = catalogue(connection)
        emptied(connection)
        connection.execute(ddl_of(NAME, older))
        start = catalogue(connection)
        try:
            for number in (0, 1):
                insert(connection, older, number, newer=newer)
            up(connection, plan.first, online=False)
            insert(connection, older, 2, newer=newer)
            up(connection, plan.online, online=True)
            down(connection, plan.online, online=True)
            down(connection, plan.first, online=False)
            assert catalogue(connection) == start
            up(connection, plan.first, online=False)
            up(connection, plan.online, online=True)
            insert(connection, older, 3, newer=newer)
            # The new release beside it, with what only that one may write.
            insert(connection, newer, 5)
            up(connection, plan.last, online=False)
            up(connection, plan.last_online, online=True)
            assert catalogue(connection) == wanted
        except BaseException as error:
            error.add_note(f"seed {seed}: " + "; ".join(f"{each.path} {each.what}" for each in found))
            raise
    assert refused <= PAIRS * 0.1 + 1, f"{refused} of {PAIRS} pairs were refused"
