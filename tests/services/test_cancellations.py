"""Many orders of the sample are cancelled at every moment, by whoever may, while their payment is collected (h10).

`make prove WHAT=cancellations`, on real servers. Every interleaving of the rules by themselves is in
tests/template/test_settlement.py, in every run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.projects import make_project

ORDERS = int(os.environ.get("CANCELLATIONS", "0"))
SEED = int(os.environ.get("CANCELLATIONS_SEED", "20261130"))
TEST = '''
import random
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from groundplan_devkit.deployed import eventually

ORDERS, SEED, AT_ONCE = {orders}, {seed}, 4
CANCEL = {{"currency": "EUR", "status": "cancelled"}}
ENDS = {{"cancelled": {{"refunded", "cancelled", "refused"}}, "paid": {{"settled"}}}}
LONGEST_SECONDS = 600
UNSENT = "SELECT 1 FROM outbox WHERE sent_at IS NULL LIMIT 1"


def test_no_money_is_wrong(new_deployment):
    chance = random.Random(SEED)
    plans = [
        # Who cancels, after how long, how much is ordered: more than 800 pieces are refused by the acquirer.
        (chance.choice(["customer", "support", "both"]), chance.choice([0, 0, 0.02, 0.1, 0.3, 1, 3]),
         chance.choice([1, 5, 900]))
        for _ in range(ORDERS)
    ]
    with new_deployment() as made:
        order, payment = made.deploy("order"), made.deploy("payment")
        support = order.caller("support", "s-1")

        def cancelled(number):
            who, pause, quantity = plans[number]
            customer = order.caller("customer", str(uuid.UUID(int=number)))
            path = str(customer.post("/api/v1/orders", {{"currency": "EUR"}}).headers["location"])
            line = {{"order_id": path.rpartition("/")[2], "article": "Chair", "quantity": quantity}}
            assert customer.post("/api/v1/order-lines", line).status_code == 201
            assert customer.put(path, {{"currency": "EUR", "status": "placed"}}).status_code == 200
            time.sleep(pause)
            callers = {{"customer": [customer], "support": [support], "both": [customer, support]}}[who]
            with ThreadPoolExecutor(2) as pool:
                answers = list(pool.map(lambda caller: caller.put(path, CANCEL), callers))
            # A paid order is the support's to cancel, and one that is cancelled stays so.
            assert {{answer.status_code for answer in answers}} <= {{200, 403, 409, 422}}, [each.text for each in answers]
            return path.rpartition("/")[2]

        with ThreadPoolExecutor(AT_ONCE) as pool:
            ids = list(pool.map(cancelled, range(ORDERS)))

        def state():
            """What each order and its payment have come to, once nothing is under way."""
            if order.rows(UNSENT) or payment.rows(UNSENT):
                return None
            orders = {{str(row["id"]): row["status"] for row in order.rows("SELECT id, status FROM orders")}}
            payments = {{
                str(row["order_id"]): row["status"] for row in payment.rows("SELECT order_id, status FROM payments")
            }}
            found = {{each: (orders[each], payments.get(each, "none")) for each in ids}}
            ended = all(there in ENDS and paid in ENDS[there] for there, paid in found.values())
            return found if ended or time.monotonic() > until else None

        until = time.monotonic() + LONGEST_SECONDS / 2
        found = None
        while found is None and time.monotonic() < until + LONGEST_SECONDS / 2:
            time.sleep(1)
            found = state()
        assert found is not None, "events are still under way"
        wrong = {{each: pair for each, pair in found.items() if pair[0] not in ENDS or pair[1] not in ENDS[pair[0]]}}
        print(Counter(found.values()))
        assert wrong == {{}}
        # Collected once and given back once, at most.
        twice = "SELECT aggregate_id FROM payment_events GROUP BY aggregate_id, version HAVING count(*) > 1"
        assert payment.rows(twice) == []
        several = "SELECT order_id FROM payments GROUP BY order_id HAVING count(*) > 1"
        assert payment.rows(several) == []
        assert Counter(there for there, _ in found.values())["cancelled"] >= ORDERS // 2
'''


@pytest.mark.skipif(not ORDERS, reason="minutes of CPU, in `make prove WHAT=cancellations`")
def test_no_money_is_wrong(whole_template: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    project = make_project(whole_template, tmp_path / "shop")
    (project / "tests/system/test_cancellations.py").write_text(TEST.format(orders=ORDERS, seed=SEED))
    with capfd.disabled():
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-n0", "-s", "-q", "-p", "no:cacheprovider"]
            + ["tests/system/test_cancellations.py"],
            cwd=project,
            env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
            check=False,
        )
    assert done.returncode == 0
