"""One account over a long time: calls that fail are taken up again, and nothing is left over or there twice."""

from __future__ import annotations

from collections.abc import Callable

import pulumi
import pulumi_aws as aws
import pytest

from groundplan.cloud import Simulation
from groundplan.cloud.faults import Fault, Kind
from groundplan.cloud.model import Resource
from groundplan.declaration.model import System
from groundplan.problems import ProblemsFound
from groundplan.rehearsal.account import Account
from groundplan.rehearsal.faulting import fault_of
from groundplan.rehearsal.year import Year
from groundplan.stack.environment import Environment
from groundplan_components.shared.iam import trust
from infra.tests.changes.programs import ran
from infra.tests.samples import shop, stack


def network(cidr: str = "10.0.0.0/16", *, zones: int = 2, name: str = "events") -> Callable[[], None]:
    def program() -> None:
        vpc = aws.ec2.Vpc("net", cidr_block=cidr)
        first = cidr.rpartition(".0.0/")[0]
        for number in range(zones):
            aws.ec2.Subnet(
                f"sub-{number}",
                vpc_id=vpc.id,
                cidr_block=f"{first}.{number}.0/24",
                availability_zone=f"eu-central-1{'abc'[number]}",
            )
        topic = aws.sns.Topic(name)
        queue = aws.sqs.Queue("queue")
        aws.sns.TopicSubscription("sub", topic=topic.arn, protocol="sqs", endpoint=queue.arn)

    return program


def resources(program: Callable[[], None]) -> tuple[Resource, ...]:
    return ran(program).resources


def names(account: Account) -> list[str]:
    return sorted(item.name for item in account.cloud.items.values() if not item.adopted)


def done(account: Account, wanted: tuple[Resource, ...]) -> int:
    """Deploys until nothing fails; the number of deployments."""
    for number in range(1, 20):
        if not account.deploy(wanted).errors:
            return number
    raise AssertionError("it never ends")


def test_every_call_fails_once_and_all_is_there_once() -> None:
    """Creations, changes, replacements and deletions: 0 orphans, 0 doubled."""
    kinds: tuple[Kind, ...] = ("refuse", "throttle", "lost")
    for kind in kinds:
        account = Account("eu-central-1")
        states = [
            resources(network()),
            resources(network(zones=3)),
            resources(network("10.9.0.0/16", zones=3)),
            resources(network("10.9.0.0/16", zones=1, name="others")),
            (),
        ]
        for wanted in states:
            account.faults.every = kind
            account.faults.once.clear()
            done(account, wanted)
            assert account.faults.once
            assert (account.orphans, account.doubled) == ([], []), kind
            assert names(account) == sorted(each.name for each in wanted)


def test_a_year_takes_a_lost_creation_and_a_lost_deletion_for_two_faults() -> None:
    """A replacement alone: what goes wrong reads the same in both rounds, and the third is done."""

    def queue(name: str) -> tuple[Resource, ...]:
        return resources(lambda: pulumi.export("url", aws.sqs.Queue("queue", name=name).url))

    def never(system: System, environment: Environment) -> Simulation:
        pytest.fail("no program of a stack is asked for here")

    year = Year(shop(), stack("dev"), never)
    year._deploy(queue("orders"))
    year.account.faults.every = "lost"
    run = year._deploy(queue("orders-of-today"))
    assert len(year.account.faults.once) == 2
    assert run.errors == year.account.orphans == year.account.doubled == []
    assert names(year.account) == ["queue"]


def test_the_right_call_fails() -> None:
    wanted = resources(network())
    for fault, failing in (
        (Fault("create", urn="sub-1"), "sub-1"),
        (Fault("create", type="aws:sqs/queue:Queue", kind="throttle"), "queue"),
        (Fault("create", nth=1), "net"),
    ):
        account = Account("eu-central-1")
        account.faults.expect(fault)
        errors = account.deploy(wanted).errors
        assert [error.partition(":")[0] for error in errors] == [failing]
        assert account.faults.struck == [fault]
        assert done(account, wanted) == 1


def test_a_lost_answer_has_done_its_work() -> None:
    wanted = resources(network())
    account = Account("eu-central-1")
    account.faults.expect(Fault("create", urn="queue", kind="lost"))
    assert account.deploy(wanted).errors
    assert "queue" in names(account)
    assert account.orphans == [next(each.urn for each in wanted if each.name == "queue")]
    done(account, wanted)
    assert (account.orphans, account.doubled) == ([], [])


def test_what_needs_the_failed_part_waits() -> None:
    account = Account("eu-central-1")
    account.faults.expect(Fault("create", urn="net"))
    account.deploy(resources(network()))
    assert names(account) == ["events", "queue", "sub"]


def test_replaced_things_are_called_by_their_new_ids_ever_after() -> None:
    account = Account("eu-central-1")
    done(account, resources(network()))
    done(account, resources(network("10.9.0.0/16")))
    done(account, resources(network("10.9.0.0/16", zones=3)))
    (vpc,) = account.cloud.of("aws:ec2/vpc:Vpc")
    subnets = account.cloud.of("aws:ec2/subnet:Subnet")
    assert {subnet.inputs["vpcId"] for subnet in subnets} == {vpc.id}
    assert len(subnets) == 3


def test_drift_is_found_and_mended() -> None:
    account = Account("eu-central-1")
    wanted = resources(lambda: aws.sqs.Queue("queue", delay_seconds=5))
    done(account, wanted)
    (queue,) = wanted
    account.drift(queue.urn, "delaySeconds", 60)
    assert account.refresh() == [queue.urn]
    assert [each.operation for each in account.deploy(wanted).changes.changes] == ["update"]
    assert account.cloud.of(queue.type)[0].inputs["delaySeconds"] == 5


def test_log_groups_of_a_cluster_come_back_and_stand_in_the_way_until_they_are_deleted() -> None:
    """d7: terraform-aws-eks#920."""
    wanted = resources(lambda: aws.cloudwatch.LogGroup("log", name="/aws/eks/shop-dev/cluster"))
    account = Account("eu-central-1")
    done(account, wanted)
    assert account.destroy().errors == []
    (error,) = account.deploy(wanted).errors
    assert "/aws/eks/shop-dev/cluster" in error
    assert account.clean() == ["/aws/eks/shop-dev/cluster"]
    assert done(account, wanted) == 1


def test_a_setting_of_the_account_that_stayed_is_set_once_more() -> None:
    """d7: API Gateway's role of the account is retained, and the same stack may come again."""

    def program() -> None:
        role = aws.iam.Role("writer", assume_role_policy=trust("apigateway.amazonaws.com"))
        aws.apigateway.Account(
            "setting", cloudwatch_role_arn=role.arn, opts=pulumi.ResourceOptions(retain_on_delete=True)
        )

    account = Account("eu-central-1")
    done(account, resources(program))
    account.destroy()
    assert [item.name for item in account.cloud.items.values()] == ["setting"]
    assert account.deploy(resources(program)).errors == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("create:lost@db-order-primary", Fault("create", urn="db-order-primary", kind="lost")),
        ("delete@3", Fault("delete", nth=3)),
        ("update:throttle@aws:sqs/queue:Queue#2", Fault("update", type="aws:sqs/queue:Queue", nth=2, kind="throttle")),
        ("create", Fault("create")),
    ],
)
def test_faults_as_they_are_written(text: str, fault: Fault) -> None:
    assert fault_of(text) == fault


@pytest.mark.parametrize("text", ["", "destroy", "create:explode", "create lost", "create@"])
def test_faults_that_are_none(text: str) -> None:
    with pytest.raises(ProblemsFound, match="--fault create:lost@db-order-primary"):
        fault_of(text)
