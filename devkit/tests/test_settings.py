"""What a service is told here is what infra tells it in the cloud: the same names, and values of the same shape."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from devkit.tests.conftest import shop
from groundplan.cli._facts import with_images
from groundplan.cloud import Simulation, simulate
from groundplan.program import events
from groundplan.project import find_project, load_program
from groundplan_chassis.settings import KafkaSettings, QueueSettings, Settings
from groundplan_components.cache import cache as cache_component
from groundplan_components.database import credentials
from groundplan_components.events import _kafka_access as kafka_access
from groundplan_components.events import _queues_args as queue_arguments
from groundplan_components.events import kafka, queues
from groundplan_devkit import names
from groundplan_devkit.checks.pods import OF_TRACES
from groundplan_devkit.environment import settings_for
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.provision import Installation, local_stack
from groundplan_devkit.servers import Servers, servers
from groundplan_devkit.testing import PrivateServers

CONFIG_MAP, JOB = "kubernetes:core/v1:ConfigMap", "kubernetes:batch/v1:Job"
SHARDS = [{"since": "2024-01-01", "shards": 1}, {"since": "2025-01-01", "shards": 2}]
SYSTEMS = {
    "kafka": shop(),
    "sqs": shop(broker="sqs"),
    "sharded": shop(shard_map=SHARDS),
    "no cqrs": shop(cqrs=False),
}
# Both are addresses in the cloud; here hosts carry their ports, because all are on one machine.
READER_PORT = "reader_port"


@cache
def deployed(name: str) -> Simulation:
    """The program with this system on the stack that this machine is."""
    system = SYSTEMS[name]
    stack = with_images(system, local_stack())
    return simulate(
        lambda: load_program(find_project())(system, stack), project=system.name, stack=stack.name, region=stack.region
    )


def settings_of(name: str, service: str, role: str) -> dict[str, str]:
    """A pod's environment in the simulated cloud."""
    resources = deployed(name).resources
    if role == "migrate":
        [job] = [each for each in resources if each.type == JOB and each.name == f"{service}-migration-job"]
        [container] = job.inputs["spec"]["template"]["spec"]["containers"]
        return {variable["name"]: variable["value"] for variable in container["env"]}
    [found] = [each for each in resources if each.type == CONFIG_MAP and each.name == f"{service}-{role}-settings"]
    return dict(found.inputs["data"])


def shape(value: str) -> Any:
    """What a value is made of: kinds of values below the same keys; of lists one of each kind."""

    def of(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: of(inner) for key, inner in sorted(value.items())}
        if isinstance(value, list):
            return sorted({json.dumps(of(inner)) for inner in value})
        return type(value).__name__

    try:
        return of(json.loads(value))
    except ValueError:
        return "text"


@pytest.fixture(scope="module")
def two_shards(needs_servers: None) -> Iterator[Servers]:
    with servers(private=True, shards=2) as running:
        yield running


Told = dict[tuple[str, str], dict[str, str]]
"""The settings of each service's roles."""


@pytest.fixture(scope="module")
def told(two_shards: Servers) -> Callable[[str], Told]:
    """What services of one of the systems are told here, made once."""

    @cache
    def of(name: str) -> Told:
        installation = Installation(SYSTEMS[name], two_shards)
        return {
            (service, role): installation.settings(service, role)
            for service in SYSTEMS[name].services
            for role in (*installation.roles(service), "migrate")
        }

    return of


@pytest.mark.parametrize("name", SYSTEMS)
def test_names_and_shapes_are_those_of_the_cloud(name: str, told: Callable[[str], Told]) -> None:
    assert told(name)
    for (service, role), here in told(name).items():
        there = settings_of(name, service, role)
        assert here.keys() == there.keys() - OF_TRACES, (service, role)
        for setting in here:
            assert shape(here[setting]) == shape(there[setting]), (service, role, setting)


@pytest.mark.parametrize("name", SYSTEMS)
def test_what_is_no_address_is_the_same(name: str, told: Callable[[str], Told]) -> None:
    """Sizes, names and shard maps: all that does not name a place or a secret."""
    same = {
        "SYSTEM_NAME", "ENVIRONMENT_NAME", "SERVICE_NAME", "WORKLOAD_ROLE", "AWS_REGION", "METRICS_NAMESPACE",
        "SLOW_QUERY_MS", "RATE_LIMIT_REQUESTS", "RATE_LIMIT_SECONDS", "DATABASE_NAME", "DATABASE_SHARD_MAP",
        "DATABASE_WRITER_CONNECTIONS", "DATABASE_READER_CONNECTIONS", "CACHE_KEY_PREFIX", "CACHE_CLUSTERED",
        "EVENTS_BROKER", "EVENT_GROUP",
    }  # fmt: skip
    kafka_only = {"EVENT_TOPICS", "EVENT_SOURCES", "EVENT_DEAD_LETTERS"}
    for (service, role), here in told(name).items():
        there = settings_of(name, service, role)
        compared = same | (kafka_only if here["EVENTS_BROKER"] == "kafka" else set())
        for setting in compared & here.keys():
            assert here[setting] == there[setting], (service, role, setting)
        assert len(json.loads(here["DATABASE_SHARDS"])) == len(json.loads(there["DATABASE_SHARDS"]))


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_chassis_takes_them(name: str, two_shards: Servers, told: Callable[[str], Told]) -> None:
    machine = Installation(SYSTEMS[name], two_shards).machine()
    for (service, role), here in told(name).items():
        settings = Settings.from_environment({**here, **machine, "PORT": "0"}, role)
        assert settings.local
        assert settings.service == service
        assert settings.cache is not None
        assert settings.cache.clustered
        assert isinstance(settings.events, QueueSettings if name == "sqs" else KafkaSettings)
        assert (role == "migrate") == bool(settings.database.admins)
        if role in ("query",):
            assert all(shard.readers for shard in settings.database.shards)


def test_names_are_infras() -> None:
    assert cache_component.COMMANDS == names.COMMANDS
    assert cache_component.access_string("card-payment") == names.access_string("card-payment:")
    assert credentials.sql_name("card-payment") == names.sql_name("card-payment")
    assert kafka_access.topic_name("shop", "a.b") == names.topic_name("shop", "a.b")
    assert kafka_access.group_name("shop", "a") == names.group_name("shop", "a")
    assert kafka_access.dead_letter_topic_name("shop", "a") == names.dead_letter_topic_name("shop", "a")
    assert queue_arguments.slug("a.b") == names.slug("a.b")
    assert events.projector("order") == names.projector("order")
    assert queues.MAX_RECEIVES == names.MAX_RECEIVES
    assert queues.LONGEST_POLL_SECONDS == names.LONGEST_POLL_SECONDS
    assert queue_arguments.LONGEST_RETENTION_HOURS == names.LONGEST_RETENTION_HOURS
    assert kafka.DEAD_LETTER_HOURS == names.DEAD_LETTER_HOURS


def test_queues_are_set_up_as_infra_does(two_shards: Servers) -> None:
    system = SYSTEMS["sqs"]
    installation = Installation(system, two_shards, label="queues")
    installation.settings("order", "consumer")
    assert two_shards.aws is not None
    sqs, sns = (two_shards.aws.client(service, installation.stack.region) for service in ("sqs", "sns"))
    scope = f"{system.name}-local"
    declared = {
        each.name.removeprefix(f"{scope}-"): each.inputs
        for each in deployed("sqs").resources
        if each.type == "aws:sqs/queue:Queue" and each.name.startswith(f"{scope}-")
    }
    made = {
        url.rpartition("/")[2].removeprefix(f"{installation.scope}-"): sqs.get_queue_attributes(
            QueueUrl=url, AttributeNames=["All"]
        )["Attributes"]
        for url in sqs.list_queues(QueueNamePrefix=installation.scope)["QueueUrls"]
    }
    assert made.keys() == declared.keys()
    for queue, attributes in made.items():
        inputs = declared[queue]
        assert attributes["VisibilityTimeout"] == str(inputs["visibilityTimeoutSeconds"]), queue
        assert attributes["MessageRetentionPeriod"] == str(inputs["messageRetentionSeconds"]), queue
        assert attributes["ReceiveMessageWaitTimeSeconds"] == str(inputs["receiveWaitTimeSeconds"]), queue
        assert ("RedrivePolicy" in attributes) == bool(inputs.get("redrivePolicy")), queue
        if "RedrivePolicy" in attributes:
            here, there = json.loads(attributes["RedrivePolicy"]), json.loads(inputs["redrivePolicy"])
            assert here["maxReceiveCount"] == there["maxReceiveCount"]
            assert here["deadLetterTargetArn"].endswith(f"{queue}-dead-letter")
    subscriptions = [
        sns.get_subscription_attributes(SubscriptionArn=each["SubscriptionArn"])["Attributes"]
        for each in sns.list_subscriptions()["Subscriptions"]
        if f":{installation.scope}-" in each["TopicArn"]
    ]
    wanted = [each for each in deployed("sqs").resources if each.type == "aws:sns/topicSubscription:TopicSubscription"]
    assert len(subscriptions) == len([each for each in wanted if each.inputs["protocol"] == "sqs"])
    for subscription in subscriptions:
        assert subscription["RawMessageDelivery"] == "true"
        assert "undelivered" in subscription["RedrivePolicy"]
    installation.remove()


def test_an_event_reaches_its_consumers_queue(two_shards: Servers) -> None:
    installation = Installation(SYSTEMS["sqs"], two_shards, label="delivered")
    order = installation.settings("order", "consumer")
    payment = installation.settings("card-payment", "relay")
    assert two_shards.aws is not None
    sqs, sns = (two_shards.aws.client(service, installation.stack.region) for service in ("sqs", "sns"))
    sns.publish(TopicArn=json.loads(payment["EVENT_TOPICS"])["payment.settled"], Message='{"event_id": "1"}')
    received = sqs.receive_message(QueueUrl=order["EVENT_QUEUE_URL"], WaitTimeSeconds=5)["Messages"]
    assert [message["Body"] for message in received] == ['{"event_id": "1"}']
    installation.remove()


def test_labels_keep_systems_apart(two_shards: Servers) -> None:
    one, two = (Installation(SYSTEMS["kafka"], two_shards, label=label) for label in ("one", "two"))
    here, there = one.settings("order", "consumer"), two.settings("order", "consumer")
    for setting in ("DATABASE_NAME", "CACHE_KEY_PREFIX", "CACHE_SECRET_ARN", "EVENT_TOPICS", "EVENT_GROUP"):
        assert here[setting] != there[setting]
    assert here["SYSTEM_NAME"] == there["SYSTEM_NAME"]


def test_settings_are_the_same_for_all_who_ask(two_shards: Servers) -> None:
    first = Installation(SYSTEMS["kafka"], two_shards).settings("order", "relay")
    assert Installation(SYSTEMS["kafka"], two_shards).settings("order", "relay") == first


def test_what_was_made_can_be_taken_away(two_shards: Servers) -> None:
    installation = Installation(SYSTEMS["kafka"], two_shards, label="gone")
    installation.settings("order", "migrate")
    assert two_shards.postgres is not None
    assert two_shards.valkey is not None
    two_shards.postgres.execute("CREATE ROLE order_gone; CREATE DATABASE order_gone")
    installation.remove()
    assert two_shards.postgres.execute("SELECT count(*) FROM pg_database WHERE datname = 'order_gone'") == "0"
    assert "gone-order" not in two_shards.valkey.execute("ACL", "LIST")
    assert installation.settings("order", "migrate")["DATABASE_NAME"] == "order_gone"
    installation.remove()


def test_no_password_is_among_the_settings(two_shards: Servers) -> None:
    installation = Installation(SYSTEMS["kafka"], two_shards, label="quiet")
    variables = {
        **installation.settings("order", "migrate"),
        **installation.settings("order", "consumer"),
        **installation.machine(),
    }
    for name, value in variables.items():
        for arn in filter(lambda text: ":secret:" in text, value.replace('"', " ").split()):
            held = installation.secrets.read(arn.strip(","))
            assert all(held["password"] not in other for other in variables.values()), name
    installation.remove()


def test_a_role_that_a_service_lacks_is_refused(two_shards: Servers) -> None:
    with pytest.raises(Unavailable, match="one of command, query"):
        settings_for(SYSTEMS["kafka"], "order", "api", two_shards)


def test_too_few_shards_are_reported(private_servers: PrivateServers) -> None:
    running = private_servers("postgres", "aws", "identity", "valkey", replicas=0)
    with pytest.raises(Unavailable, match="--shards 2"):
        settings_for(SYSTEMS["sharded"], "order", "relay", running)


def test_a_server_that_was_not_started_is_reported(private_servers: PrivateServers) -> None:
    running = private_servers("aws")
    with pytest.raises(Unavailable, match="identity"):
        settings_for(SYSTEMS["kafka"], "order", "relay", running)
    assert os.environ.get("AWS_ENDPOINT_URL") is None
