"""The alarm topic (S2, S5)."""

import pulumi
import pytest

from components.tests.event_samples import declared, statements
from groundplan.cloud import Simulation
from groundplan_components.observability import AlarmTopic


def run(*emails: str) -> Simulation:
    return declared(lambda on: AlarmTopic("ring", {"kms_key_arn": on.key, "emails": list(emails)}))


def test_the_topic_is_encrypted_and_open_to_this_accounts_services_over_tls_only_s2_s5() -> None:
    simulation = run()
    (key,) = simulation.of_type("aws:kms/key:Key")
    (topic,) = (each for each in simulation.of_type("aws:sns/topic:Topic") if each.name == "ring")
    (policy,) = simulation.of_type("aws:sns/topicPolicy:TopicPolicy")
    by_sid = statements(policy.inputs["policy"])
    assert topic.inputs["kmsMasterKeyId"] == key.outputs["arn"]
    assert set(by_sid) == {"Alarms", "TlsOnly"}
    assert by_sid["Alarms"]["Principal"]["Service"] == [
        "cloudwatch.amazonaws.com",
        "events.amazonaws.com",
        "budgets.amazonaws.com",
        "events.rds.amazonaws.com",
        "backup.amazonaws.com",
    ]
    assert by_sid["Alarms"]["Action"] == ["sns:Publish"]
    assert by_sid["Alarms"]["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    assert by_sid["TlsOnly"]["Effect"] == "Deny"


def test_each_address_is_subscribed_once() -> None:
    subscriptions = run("b@example.com", "a@example.com", "a@example.com").of_type(
        "aws:sns/topicSubscription:TopicSubscription"
    )
    assert [(each.inputs["protocol"], each.inputs["endpoint"]) for each in subscriptions] == [
        ("email", "a@example.com"),
        ("email", "b@example.com"),
    ]


@pytest.mark.parametrize("email", ["on-call", "a b@example.com", "@example.com", "on-call@localhost"])
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(pulumi.RunError, match="an e-mail address"):
        run(email)
