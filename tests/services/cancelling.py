"""Orders are cancelled at every moment: a test of a project with the sample. test_cancellations.py puts it into one."""

from __future__ import annotations

import os
import random
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from groundplan_devkit.deployed import NewDeployment

ORDERS, SEED = int(os.environ["CANCELLATIONS"]), int(os.environ["CANCELLATIONS_SEED"])
AT_ONCE = 4
CANCEL = {"currency": "EUR", "status": "cancelled"}
ENDS = {"cancelled": {"refunded", "cancelled", "refused"}, "paid": {"settled"}}
LONGEST_SECONDS = 600
UNSENT = "SELECT 1 FROM outbox WHERE sent_at IS NULL LIMIT 1"


def test_no_money_is_wrong(new_deployment: NewDeployment) -> None:
    chance = random.Random(SEED)  # noqa: S311 - load, no secret
    # Who cancels, after how long, how much is ordered: more than 800 pieces are refused by the acquirer.
    plans = [
        (
            chance.choice(["customer", "support", "both"]),
            chance.choice([0, 0, 0.02, 0.1, 0.3, 1, 3]),
            chance.choice([1, 5, 900]),
        )
        for _ in range(ORDERS)
    ]
    with new_deployment() as made:
        order, payment = made.deploy("order"), made.deploy("payment")
        support = order.caller("support", "s-1")

        def cancelled(number: int) -> str:
            who, pause, quantity = plans[number]
            customer = order.caller("customer", str(uuid.UUID(int=number)))
            path = str(customer.post("/api/v1/orders", {"currency": "EUR"}).headers["location"])
            identifier = path.rpartition("/")[2]
            line = {"order_id": identifier, "article": "Chair", "quantity": quantity}
            assert customer.post("/api/v1/order-lines", line).status_code == 201
            assert customer.put(path, {"currency": "EUR", "status": "placed"}).status_code == 200
            time.sleep(pause)
            callers = {"customer": [customer], "support": [support], "both": [customer, support]}[who]
            with ThreadPoolExecutor(2) as pool:
                answers = list(pool.map(lambda caller: caller.put(path, CANCEL), callers))
            # A paid order is the support's to cancel, and one that is cancelled stays so.
            statuses = {answer.status_code for answer in answers}
            assert statuses <= {200, 403, 409, 422}, [each.text for each in answers]
            return identifier

        with ThreadPoolExecutor(AT_ONCE) as pool:
            ids = list(pool.map(cancelled, range(ORDERS)))

        def state() -> dict[str, tuple[str, str]]:
            """What each order and its payment have come to."""
            orders = {str(row["id"]): row["status"] for row in order.rows("SELECT id, status FROM orders")}
            payments = {
                str(row["order_id"]): row["status"] for row in payment.rows("SELECT order_id, status FROM payments")
            }
            return {each: (orders[each], payments.get(each, "none")) for each in ids}

        def wrong(found: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
            return {each: pair for each, pair in found.items() if pair[1] not in ENDS.get(pair[0], set())}

        until = time.monotonic() + LONGEST_SECONDS
        while wrong(state()) or order.rows(UNSENT) or payment.rows(UNSENT):
            assert time.monotonic() < until, f"{Counter(state().values())}, or events are still under way"
            time.sleep(1)
        found = state()
        print(Counter(found.values()))
        # Collected once and given back once, at most.
        twice = "SELECT aggregate_id FROM payment_events GROUP BY aggregate_id, version HAVING count(*) > 1"
        assert payment.rows(twice) == []
        several = "SELECT order_id FROM payments WHERE order_id = ANY(%s::uuid[]) GROUP BY order_id HAVING count(*) > 1"
        assert payment.rows(several, ids) == []
        assert Counter(there for there, _ in found.values())["cancelled"] >= ORDERS // 2
