"""What happens to each resource, to its data, and when (d4, d6, d8)."""

from __future__ import annotations

from typing import Any

import botocore.session
import pulumi
import pulumi_aws as aws
import pytest

from groundplan.changes import ChangeSet, classify
from groundplan.changes.data import FATES, fate
from groundplan.changes.timing import MOST, RDS_WITH_OUTAGE, WAITS
from groundplan.cloud.catalogue import catalogued, kind_of
from groundplan.cloud.windows import CACHE, INSTANCE, RDS_IN_WINDOW
from infra.tests.changes.programs import change, ran

DATABASE: dict[str, Any] = {
    "engine": "postgres",
    "engine_version": "17",
    "allocated_storage": 30,
    "username": "dba",
    "password": "aVery-long-one",
    "storage_type": "gp3",
    "instance_class": "db.m7g.large",
    "maintenance_window": "sun:04:00-sun:05:00",
    "skip_final_snapshot": True,
}


def database(**settings: Any) -> ChangeSet:
    """A database that gets other settings."""
    first = {key: settings.pop(f"was_{key}") for key in list(DATABASE) if f"was_{key}" in settings}
    return change(
        lambda: aws.rds.Instance("db", **{**DATABASE, **first}),
        lambda: aws.rds.Instance("db", **{**DATABASE, **first, **settings}),
    )


def test_each_resource_by_what_happens_to_it() -> None:
    def before() -> None:
        for name in ("same", "slower", "other", "gone"):
            aws.sqs.Queue(name)

    def after() -> None:
        aws.sqs.Queue("same")
        aws.sqs.Queue("slower", delay_seconds=5)
        aws.sqs.Queue("other", fifo_queue=True)
        aws.sqs.Queue("new")

    found = change(before, after)
    assert {each.name: each.operation for each in found.changes} == {
        "slower": "update",
        "other": "replace",
        "new": "create",
        "gone": "delete",
    }
    assert found.unchanged == 1
    assert {each.name: each.data for each in found.changes} == {
        "slower": "kept",
        "other": "lost",
        "new": "none",
        "gone": "lost",
    }


def test_what_names_a_replaced_resource_changes_with_it() -> None:
    """A replacement has another id; the engine carries it on, and so does the comparison."""

    def program(cidr: str) -> None:
        vpc = aws.ec2.Vpc("net", cidr_block=cidr)
        subnet = aws.ec2.Subnet("sub", vpc_id=vpc.id, cidr_block="10.0.1.0/24", availability_zone="eu-central-1a")
        other = aws.ec2.Subnet("sub2", vpc_id=vpc.id, cidr_block="10.0.2.0/24", availability_zone="eu-central-1b")
        aws.rds.SubnetGroup("group", subnet_ids=[subnet.id, other.id])
        aws.sqs.Queue("apart")

    found = change(lambda: program("10.0.0.0/16"), lambda: program("10.1.0.0/16"))
    assert {each.name: each.operation for each in found.changes} == {
        "net": "replace",
        "sub": "replace",
        "sub2": "replace",
        "group": "update",
    }
    (group,) = found.of("update")
    assert {urn.rpartition("::")[2] for urn in group.because} == {"sub", "sub2"}
    (refusal,) = found.refusals
    assert "terraform-provider-aws#27459" in refusal.source, "a subnet group stays in its network (d6)"


def test_a_given_name_stays_and_changes_nothing_else() -> None:
    def program(fifo: bool) -> None:
        topic = aws.sns.Topic("events", name="events", delivery_policy="{}" if fifo else None)
        aws.ssm.Parameter("where", type="String", value=topic.name)

    found = change(lambda: program(False), lambda: program(True))
    assert {each.name for each in found.changes} == {"events"}


def test_an_alias_is_the_same_resource() -> None:
    def after() -> None:
        aws.sqs.Queue("renamed", name="queue", opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="queue")]))

    found = change(lambda: aws.sqs.Queue("queue", name="queue"), after)
    assert (found.changes, found.unchanged) == ((), 1)


@pytest.mark.parametrize("protect", [False, True])
def test_a_class_waits_for_the_window_unless_it_is_applied_at_once(protect: bool) -> None:
    found = database(instance_class="db.m7g.4xlarge", apply_immediately=not protect)
    (changed,) = found.changes
    moments = {part.path: part.when for part in changed.parts}
    assert moments["instanceClass"] == ("in the window" if protect else "at once")
    assert changed.interruption is not None
    assert changed.window == "sun:04:00-sun:05:00"
    assert changed.data == "kept"


def test_a_failover_is_short_and_a_major_upgrade_is_none() -> None:
    (resized,) = database(was_engine_version="16", multi_az=True, instance_class="db.m7g.xlarge").changes
    two_zones = {**DATABASE, "multi_az": True, "engine_version": "16"}
    (resized,) = change(
        lambda: aws.rds.Instance("db", **two_zones),
        lambda: aws.rds.Instance("db", **{**two_zones, "instance_class": "db.m7g.xlarge"}),
    ).changes
    (upgraded,) = change(
        lambda: aws.rds.Instance("db", **two_zones),
        lambda: aws.rds.Instance("db", **{**two_zones, "engine_version": "17", "allow_major_version_upgrade": True}),
    ).changes
    assert resized.interruption is not None
    assert upgraded.interruption is not None
    assert (resized.interruption.least, resized.interruption.most) == (60, 120)
    assert upgraded.interruption.most == MOST[INSTANCE][0]


def test_waiting_properties_are_those_that_the_api_says_wait() -> None:
    """RDS API, ModifyDBInstance, as botocore documents it."""
    members = (
        botocore.session.get_session().get_service_model("rds").operation_model("ModifyDBInstance").input_shape.members
    )
    for name in RDS_IN_WINDOW.values():
        if name in ("AllocatedStorage", "StorageType", "StorageThroughput"):
            continue  # told by the user guide, Settings for DB instances
        assert "next maintenance window" in members[name].documentation, name
    api = {RDS_IN_WINDOW[name] for name in RDS_WITH_OUTAGE}
    outages = {name for name in RDS_IN_WINDOW.values() if _has_outage(members[name].documentation)}
    assert outages == api


def _has_outage(documentation: str) -> bool:
    says = documentation.replace("doesn't result in an outage", "")
    return any(words in says for words in ("an outage occurs during", "causes an outage", "results in an outage"))


def test_longest_waits_are_those_of_the_waiters() -> None:
    session = botocore.session.get_session()
    for token, (service, *waiters) in WAITS.items():
        model = session.create_client(service, "eu-central-1", aws_access_key_id="-", aws_secret_access_key="-")
        found = []
        for name in waiters:
            config = model.get_waiter(name).config
            found.append(config.delay * config.max_attempts)
        assert tuple(found) == MOST[token], token
    assert CACHE in WAITS


def test_everything_stateful_has_a_fate() -> None:
    """What the catalogue says holds data is told of, except values that are generated anew (d8)."""
    holding = {token for token in catalogued() if token.startswith("aws:") and kind_of(token).stateful}
    assert len(holding) >= 11
    assert holding <= FATES.keys()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"skipFinalSnapshot": True, "deleteAutomatedBackups": True}, "lost"),
        ({"skipFinalSnapshot": True, "deleteAutomatedBackups": False}, "moved"),
        ({"skipFinalSnapshot": False}, "moved"),
        ({}, "moved"),
        ({"skipFinalSnapshot": True, "replicateSourceDb": "other"}, "none"),
    ],
)
def test_rows_go_where_the_instance_says(settings: dict[str, object], expected: str) -> None:
    assert fate(INSTANCE, settings)[0] == expected


def test_what_is_retained_is_kept() -> None:
    assert fate("aws:kms/key:Key", {}, retained=True)[0] == "kept"


def test_over_nothing_all_is_created() -> None:
    found = classify((), ran(lambda: aws.sqs.Queue("queue")).resources)
    assert [each.operation for each in found.changes] == ["create"]
    assert found.refusals == ()
