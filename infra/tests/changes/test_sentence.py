"""One sentence first: what would be lost, moved or unavailable, for how long, and what is unprotected first (d8)."""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Network
from typing import Any

from groundplan.changes import ChangeSet, changes_report, classify, summary
from groundplan.cli._facts import simulated
from groundplan.cloud import Simulation
from groundplan.declaration.model import System
from infra.tests.samples import ROOT, shop, stack


@cache
def deployed(name: str) -> Simulation:
    return simulated(ROOT, shop(), stack(name))


def changed(name: str, system: System | None = None, **settings: Any) -> ChangeSet:
    environment = stack(name).model_copy(update=settings)
    after = simulated(ROOT, system or shop(), environment, strict=False)
    return classify(deployed(name).resources, after.resources)


def on_sqs() -> System:
    values = shop().model_dump(mode="json", exclude_unset=True)
    values["events"] = {**values.get("events", {}), "broker": "sqs"}
    return System.model_validate(values)


def test_dev_without_kafka_names_the_broker_once() -> None:
    """Ten topics go with their cluster: they are one loss, under the name of the component."""
    found = changed("dev", on_sqs())
    assert found.gone == ("kafka",)
    assert len([each for each in found.lost if each.within]) == len(found.lost) >= 11
    said = summary(found, "dev")
    assert said.startswith("dev would lose kafka (messages that are not consumed yet)")
    assert said.count("\n") == 0


def test_databases_apart_say_that_the_shared_one_goes() -> None:
    found = changed("dev", shared_database=False)
    assert "db-shared" in found.gone
    assert "db-shared (rows, with their automated backups)" in summary(found, "dev")


def test_protection_is_lifted_in_the_order_of_deletion() -> None:
    found = changed("prod", on_sqs())
    said = changes_report(found, "prod")
    assert "; protection is lifted first, in this order: kafka." in said.splitlines()[0]
    commands = [line for line in said.splitlines() if "pulumi state unprotect --stack prod" in line]
    topics = [each for each in deployed("prod").resources if each.type == "aws:msk/topic:Topic"]
    assert len(commands) == len(found.protected) == len(topics) + 1 > 10
    assert all("msk/topic:Topic::" in command for command in commands[:-1])
    assert "msk/cluster:Cluster::kafka" in commands[-1], "topics go before their cluster"


def test_rows_of_a_protected_database_move_into_a_snapshot() -> None:
    system = shop()
    services = {name: service for name, service in system.services.items() if name != "payment"}
    order = services["order"].model_copy(update={"consumes": []})
    rest = system.model_copy(update={"services": {**services, "order": order}})
    found = changed("prod", rest)
    assert "db-payment" in {each.subject for each in found.moved}
    report = changes_report(found, "prod")
    assert "move db-payment (rows, into a final snapshot)" in report.splitlines()[0]
    assert "1. set `protect` to false and deploy with nothing else changed, for db-payment-primary" in report


def test_another_network_is_refused_before_anything_moves() -> None:
    """d6: what can't be changed later; each tier that would be moved in place is named."""
    found = changed("dev", vpc_cidr=IPv4Network("10.77.0.0/16"))
    assert {refusal.urn.rpartition("::")[2] for refusal in found.refusals} >= {
        "db-shared-subnets",
        "db-shared-primary",
        "cache-subnets",
        "cache-valkey",
        "balancer",
        "cluster-cluster",
    }


def test_fifty_times_the_load_says_what_waits_and_what_does_not() -> None:
    """d4: the databases wait for their windows, the autoscalers don't. Ten times the load fits the classes deployed."""
    system = shop()
    fifty = {"requests_per_second": system.requirements.requests_per_second * 50}
    grown = system.model_copy(update={"requirements": system.requirements.model_copy(update=fifty)})
    found = changed("prod", grown)
    said = summary(found, "prod")
    assert "in their maintenance windows" in said
    pairs = {(each.first.rpartition("::")[2], each.then.rpartition("::")[2]) for each in found.orders}
    assert ("db-order-replica-1", "db-order-primary") in pairs, "replicas restart with the higher number first"
    back = classify(simulated(ROOT, grown, stack("prod")).resources, deployed("prod").resources)
    lowered = [each for each in back.split if "lowered" in each.why]
    assert {each.first.rpartition("::")[2] for each in lowered} >= {"db-order-primary"}


def test_nothing_is_said_to_be_lost_where_nothing_is() -> None:
    same = classify(deployed("dev").resources, deployed("dev").resources)
    assert summary(same, "dev") == "dev: nothing would be lost, moved or unavailable."


def test_kafka_of_the_other_kind_is_refused() -> None:
    """d4: AWS accepts it, and the brokers stay what they are (boto3#4356)."""
    found = changed("dev", kafka="express")
    assert any(part.when == "never" for each in found.changes for part in each.parts)
    assert any("boto3#4356" in refusal.source for refusal in found.refusals)
