"""Network, key and topic for events, valid arguments, and views of declared resources."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pulumi
from pulumi_aws import ec2, kms, sns

from groundplan.cloud import Resource, Simulation, simulate
from groundplan_components.events import KafkaArgs, KafkaTopicArgs, QueuesArgs
from groundplan_components.shared import Statement, policy

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
TOPICS: dict[str, KafkaTopicArgs] = {
    "order.placed": {"partitions": 6, "consumers": ["payment"]},
    "payment.settled": {"partitions": 3, "consumers": ["order", "order-projector"]},
}


@dataclass(frozen=True, slots=True)
class Platform:
    vpc_id: pulumi.Output[str]
    subnet_ids: list[pulumi.Input[str]]
    pods: pulumi.Output[str]
    key: pulumi.Output[str]
    alarms: pulumi.Output[str]


def platform(zones: int = 3) -> Platform:
    vpc = ec2.Vpc("net", cidr_block="10.0.0.0/16")
    subnets = [
        ec2.Subnet(
            f"data-{number}",
            vpc_id=vpc.id,
            cidr_block=f"10.0.{number}.0/24",
            availability_zone=f"eu-central-1{'abc'[number]}",
        )
        for number in range(zones)
    ]
    pods = ec2.SecurityGroup("pods", vpc_id=vpc.id, description="Pods")
    key = kms.Key("events", description="Events", enable_key_rotation=True)
    return Platform(vpc.id, [subnet.id for subnet in subnets], pods.id, key.arn, sns.Topic("alarms").arn)


def kafka_args(on: Platform, **changes: Any) -> KafkaArgs:
    given: KafkaArgs = {
        "system": "shop",
        "instance_type": "express.m7g.large",
        "brokers": 3,
        "vpc_id": on.vpc_id,
        "subnet_ids": on.subnet_ids,
        "client_security_group_ids": {"pods": on.pods},
        "private_link_cidr": "10.0.0.0/16",
        "kms_key_arn": on.key,
        "topics": TOPICS,
        "retention_hours": 168,
        "log_days": 90,
        "alarm_topic_arn": on.alarms,
    }
    return cast(KafkaArgs, _changed(given, changes))


def queues_args(on: Platform, **changes: Any) -> QueuesArgs:
    given: QueuesArgs = {
        "topics": {event: {"consumers": topic["consumers"]} for event, topic in TOPICS.items()},
        "kms_key_arn": on.key,
        "retention_hours": 168,
        "alarm_topic_arn": on.alarms,
    }
    return cast(QueuesArgs, _changed(given, changes))


def _changed(given: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in given.items() if key not in changes}
    return kept | {key: value for key, value in changes.items() if value is not None}


def declared(program: Callable[[Platform], object], zones: int = 3) -> Simulation:
    return simulate(lambda: program(platform(zones)))


def alarm(simulation: Simulation, name: str) -> Resource:
    (found,) = (each for each in simulation.of_type(ALARM) if each.name == name)
    return found


def alarm_names(simulation: Simulation, prefix: str) -> set[str]:
    return {each.name.removeprefix(prefix) for each in simulation.of_type(ALARM) if each.name.startswith(prefix)}


def statements(policy: str) -> dict[str, dict[str, Any]]:
    """By statement id, which must be unique."""
    found = json.loads(policy)["Statement"]
    by_sid = {each["Sid"]: each for each in found}
    assert len(by_sid) == len(found)
    return by_sid


def allowed(given: Callable[[], Sequence[Statement]]) -> list[tuple[str, str]]:
    """Every (action, resource) of the policy that the statements make."""
    found: list[str] = []
    simulate(lambda: policy(*given()).apply(found.append))
    (text,) = found
    return sorted(
        (action, resource)
        for each in statements(text).values()
        for action in each["Action"]
        for resource in each["Resource"]
    )


def stateful(simulation: Simulation, *types: str) -> dict[str, bool]:
    """Logical name → protected, of all resources of the given types."""
    return {each.name: each.protect for token in types for each in simulation.of_type(token)}
