"""The loss of a region: the runbook is executed command by command, and what came back is counted (e10, U8)."""

from __future__ import annotations

from functools import cache, partial

import pytest

from groundplan.changes.data import FATES
from groundplan.cloud import Simulation, identifiers_in, simulate
from groundplan.cloud.model import Resource
from groundplan.declaration.model import System
from groundplan.permissions import calls_of, decide, grants_of
from groundplan.permissions.evaluation import Request
from groundplan.recovery.copies import DATABASE, copies_of, period_hours
from groundplan.recovery.losses import WITHOUT_A_COPY, losses
from groundplan.recovery.runbook import STEPS
from groundplan.rehearsal.night import Night, Took
from groundplan.rehearsal.night_told import lines, markdown, row, served_after, verdict
from groundplan.stack.environment import Environment
from groundplan.stack.scope import Scope
from infra.__main__ import declare
from infra.tests.program.graphs import few
from infra.tests.samples import stack

LOGS = "aws:cloudwatch/logGroup:LogGroup"


def simulated(system: System, environment: Environment) -> Simulation:
    return simulate(
        partial(declare, system, environment),
        project=system.name,
        stack=environment.name,
        region=environment.region,
        strict=False,
        given=identifiers_in(environment.model_dump_json()),
    )


@cache
def played() -> tuple[Night, tuple[Took, ...]]:
    environment = stack("prod").model_copy(update={"backup_copy_region": "eu-west-1", "repository": "example/shop"})
    night = Night(few("order", "payment"), environment, simulated)
    return night, tuple(night.play())


def restored() -> list[Resource]:
    """What the new stack has."""
    night, _ = played()
    return list(night.state_of(night.name).values())


def test_every_step_is_taken_and_brings_no_surprise() -> None:
    """Each command is known, finds what it needs, and AWS refuses nothing of what it does."""
    _, took = played()
    assert [each.step for each in took] == list(STEPS)
    assert [(each.step.key, each.surprises) for each in took if each.surprises] == []
    assert not any(each.skipped for each in took)
    assert all(step.commands for step in STEPS if step.key not in ("decide", "users"))


def test_what_came_back_is_counted() -> None:
    night, _ = played()
    back = {each.loss.what: (each.loss.count, each.made, each.with_data) for each in night.back()}
    assert back["databases"] == (2, 2, 2)
    assert back["event log and other copied buckets"] == (1, 1, 1)
    for what in ("pools of users", "caches", "image repositories", "Kafka topics", "secrets", "other buckets"):
        there, made, with_data = back[what]
        assert there == made > 0, what
        assert with_data == 0, what


def test_restored_databases_have_the_snapshots_and_the_key_of_the_copies() -> None:
    made = [each for each in restored() if each.type == DATABASE and not each.inputs.get("replicateSourceDb")]
    assert [each.inputs["snapshotIdentifier"] for each in made] == [
        "awsbackup:copyjob-db-order",
        "awsbackup:copyjob-db-payment",
    ]
    assert {each.region for each in made} == {"eu-west-1"}
    night, _ = played()
    assert {each.inputs["kmsKeyId"] for each in made} == {each.kms_key_arn for each in night.copies}


def test_the_times_are_the_models() -> None:
    night, took = played()
    assert {each.hours for each in night.copies} == {25}, "daily, and an hour to begin in"
    by_key = {each.step.key: each for each in took}
    assert by_key["deploy"].seconds >= 7200, "Kafka's two hours are the longest that anything is waited for"
    assert by_key["deploy"].because == "kafka"
    assert by_key["domain"].seconds >= 4500, "certificates are validated anew"
    assert served_after(took) == sum(each.seconds for each in took if each.step.phase == "That night")


def test_it_is_told_in_a_sentence_in_tables_and_in_the_year() -> None:
    night, took = played()
    said = verdict(night, took)
    assert said.startswith("2 of 2 databases come back in eu-west-1, as of at most 25 h")
    assert "pools of users (1)" in said
    assert any("Move the domain 1 h" in line for line in lines(night, took))
    assert "served after" in row(night, took).note
    assert row(night, took).surprises == []
    assert any("pools of users: lost" in line for line in lines(night, took))
    assert markdown(night, took).count("\n| ") > len(STEPS)


def test_the_new_stacks_role_may_restore_these_snapshots_and_no_others() -> None:
    night, _ = played()
    resources = restored()
    scope = Scope("shop", night.name)
    calls = [each for each in calls_of(resources) if each.exact]
    assert {each.action for each in calls} == {
        "rds:RestoreDBInstanceFromDBSnapshot",
        "kms:CreateGrant",
        "kms:DescribeKey",
    }
    grants = grants_of(scope, resources)
    assert [each for each in grants.account_wide if "Restore" in each[0]] == []
    assert [str(call) for call in calls_of(resources) if not grants.decide(call)] == []
    key = next(each.resource for each in calls if each.action == "kms:CreateGrant")
    other = Request("kms:CreateGrant", f"{key[:-4]}0000", {"aws:RequestedRegion": "eu-west-1"})
    assert not decide(other, grants.policies)


def test_without_copies_nothing_comes_back_and_it_says_which_key_changes_that() -> None:
    night = Night(few("order", broker="sqs"), stack("dev"), simulated)
    assert list(night.play()) == []
    said = verdict(night, ())
    assert said.startswith("nothing comes back of 1 databases")
    assert "shop:backup_copy_region" in said
    assert row(night, ()).note == "nothing comes back: no backup_copy_region"
    assert {each.fate for each in night.losses} <= {"made again", "lost"}


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        ("make up STACK=rebuilt", "a state of rebuilt"),
        ("make deliver STACK=rebuilt", "Pulumi.rebuilt.yaml"),
        ("pulumi login s3://shop-rebuilt", "foundation/state.yaml"),
        ("pulumi stack init rebuilt", "a log-in"),
        ("aws cloudformation deploy --template-file foundation/pipeline.rebuilt.json --region eu-west-1", "pipeline"),
        ("aws s3 sync s3://a/events/ s3://b/events/", "objects in the bucket a"),
        ("aws s3 rm s3://a", "a command that the rehearsal knows"),
    ],
)
def test_a_step_that_comes_too_early_is_noticed(command: str, missing: str) -> None:
    environment = stack("prod").model_copy(update={"backup_copy_region": "eu-west-1"})
    with pytest.raises(Exception, match=missing):
        Night(few("order"), environment, simulated).execute(command)


def test_everything_that_holds_data_has_its_line() -> None:
    assert WITHOUT_A_COPY.keys() == {*FATES, LOGS}


def test_copies_are_of_what_the_selections_select() -> None:
    """Another stack's tags, or no tag, is no copy."""
    night, _ = played()
    before = night.before
    assert sorted(each.name for each in copies_of(before)) == ["db-order", "db-payment", "event-log-store"]
    without = [each for each in before if "selection:" not in each.type]
    assert copies_of(without) == ()
    assert "restored" not in {each.fate for each in losses(before, "eu-central-1", ())}


@pytest.mark.parametrize(
    ("schedule", "hours"),
    [("cron(0 7 * * ? *)", 24), ("cron(0 7 ? * SUN *)", 168), ("cron(0 7 1 * ? *)", 744), ("rate(1 day)", 24)],
)
def test_periods_of_schedules(schedule: str, hours: int) -> None:
    assert period_hours(schedule) == hours
