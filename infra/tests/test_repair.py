"""State and account brought together, on states as the engine leaves them (e8)."""

from __future__ import annotations

from typing import Any

import pytest

from groundplan.cli._account import cloudformation_type, found_of
from groundplan.cloud.model import Resource
from groundplan.repair import Found, State, pending, plan_repair, repaired
from groundplan.repair.listings import LISTINGS

QUEUE, POLICY, BUCKET, GROUP = (
    "aws:sqs/queue:Queue",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:s3/bucket:Bucket",
    "aws:ec2/securityGroup:SecurityGroup",
)
QUEUES = "https://sqs.eu-central-1.amazonaws.com/123456789012"
STACK = "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev"
PROVIDER = "urn:pulumi:dev::shop::pulumi:providers:aws::region"


def urn(token: str, name: str) -> str:
    return f"urn:pulumi:dev::shop::{token}::{name}"


def resource(token: str, name: str, identifier: str = "", /, **inputs: Any) -> dict[str, Any]:
    found = {"urn": urn(token, name), "custom": True, "type": token, "inputs": inputs, "parent": STACK}
    return {**found, "id": identifier, "outputs": {}} if identifier else found


def state(*held: dict[str, Any], operations: tuple[tuple[str, dict[str, Any]], ...] = ()) -> State:
    root = [{"urn": STACK, "custom": False, "type": "pulumi:pulumi:Stack"}]
    root.append({"urn": PROVIDER, "custom": True, "type": "pulumi:providers:aws", "id": "p-1"})
    waiting = [{"type": kind, "resource": each} for kind, each in operations]
    return {"version": 3, "deployment": {"resources": [*root, *held], "pending_operations": waiting}}


def declared(token: str, name: str, parent: str = STACK, /, **inputs: Any) -> Resource:
    return Resource(urn(token, name), token, name, "", inputs, {}, parent, custom=True, provider=PROVIDER)


def queue(name: str, **tags: str) -> Found:
    """As `found_of` tells of one: its URL, which imports are asked for by, follows from the ARN's parts."""
    parts = {"region": "eu-central-1", "account": "123456789012", "name": name}
    return Found(QUEUE, name, f"arn:aws:sqs:eu-central-1:123456789012:{name}", tags, {}, parts)


def test_what_was_being_made_and_exists_is_taken_in() -> None:
    broken = state(operations=(("creating", resource(QUEUE, "order", name="order-1a2b3c4", __defaults=["name"])),))
    repair = plan_repair(broken, [queue("order-1a2b3c4"), queue("other-1a2b3c4")], [declared(QUEUE, "other")])
    assert [(step.action, step.urn) for step in repair.steps] == [
        ("import", urn(QUEUE, "order")),
        ("import", urn(QUEUE, "other")),
    ]
    after = repaired(broken, repair, [declared(QUEUE, "other")])
    held = {each["urn"]: each for each in after["deployment"]["resources"]}
    assert held[urn(QUEUE, "order")]["id"] == f"{QUEUES}/order-1a2b3c4"
    assert held[urn(QUEUE, "order")]["inputs"]["name"] == "order-1a2b3c4"
    assert held[urn(QUEUE, "other")]["inputs"] == {"name": "other-1a2b3c4", "__defaults": ["name"]}
    assert held[urn(QUEUE, "other")]["provider"] == f"{PROVIDER}::p-1"
    assert pending(after) == []
    assert pending(broken), "the state that was given stays as it is"


def test_what_was_being_made_and_does_not_exist_is_forgotten() -> None:
    broken = state(operations=(("creating", resource(QUEUE, "order", name="order-1a2b3c4")),))
    stray = Found(GROUP, "sg-1", "arn:aws:ec2:r:1:security-group/sg-1", {"Name": "gone"})
    repair = plan_repair(broken, [stray], [])
    assert [step.action for step in repair.steps] == ["forget", "remove"]
    assert len(repaired(broken, repair, [])["deployment"]["resources"]) == 2


def test_what_was_made_before_the_engine_died_is_taken_in_by_its_id() -> None:
    """The account need not tell of it: the engine had the answer, and did not come to note the end."""
    made = resource(QUEUE, "order", f"{QUEUES}/order-1", name="order-1")
    repair = plan_repair(state(operations=(("creating", made),)), [queue("order-1")], [])
    assert [(step.action, step.id) for step in repair.steps] == [("import", f"{QUEUES}/order-1")]


def test_two_that_fit_are_left_to_a_person() -> None:
    made = resource(GROUP, "pods", tags={"Name": "pods"})
    twice = [
        Found(GROUP, each, f"arn:aws:ec2:r:1:security-group/{each}", {"Name": "pods"}) for each in ("sg-1", "sg-2")
    ]
    repair = plan_repair(state(operations=(("creating", made),)), twice, [])
    assert repair.steps[0].action == "keep"
    assert "sg-1, sg-2" in repair.steps[0].why


def test_what_has_no_tags_is_read_by_the_id_that_follows_from_its_inputs() -> None:
    made = resource(POLICY, "may", role="worker-1a2b3c4", name="may-1a2b3c4", policy="{}")
    repair = plan_repair(state(operations=(("creating", made),)), [], [])
    assert [(step.action, step.id) for step in repair.steps] == [("import", "worker-1a2b3c4:may-1a2b3c4")]


def test_what_has_neither_is_known_by_what_it_joins() -> None:
    token = "aws:sns/topicSubscription:TopicSubscription"
    joins = {"topic": "arn:t", "endpoint": "arn:q"}
    made = resource(token, "one", **joins, protocol="sqs")
    others = [
        Found(token, f"arn:t:{each}", f"arn:t:{each}", {}, {**joins, "endpoint": each}) for each in ("arn:q", "arn:r")
    ]
    repair = plan_repair(state(operations=(("creating", made),)), others, [])
    assert (repair.steps[0].action, repair.steps[0].id) == ("import", "arn:t:arn:q")


@pytest.mark.parametrize("kind", ["updating", "deleting", "reading"])
def test_what_was_being_changed_or_deleted_is_read(kind: str) -> None:
    there = resource(QUEUE, "order", f"{QUEUES}/order-1", name="order-1")
    broken = state(there, operations=((kind, there),))
    repair = plan_repair(broken, [queue("order-1")], [])
    assert [step.action for step in repair.steps if step.urn] == ["read"]
    assert pending(repaired(broken, repair, [])) == []


def test_what_no_program_declares_goes_unless_it_holds_data() -> None:
    bucket = Found(BUCKET, "shop-dev--log-1", "arn:aws:s3:::shop-dev--log-1")
    stray = Found(GROUP, "sg-1", "arn:aws:ec2:r:1:security-group/sg-1", {"Name": "gone"})
    repair = plan_repair(state(), [stray, bucket], [])
    assert {step.id: step.action for step in repair.steps} == {
        "sg-1": "remove",
        "shop-dev--log-1": "keep",
    }


@pytest.mark.parametrize("token", LISTINGS)
def test_of_siblings_only_what_was_being_made_is_touched(token: str) -> None:
    """They are the whole account's: other systems' rules, queries and configurations are among them."""
    listing = LISTINGS[token]
    asked = {name: f"{name}-of-ours" for name in (*listing.same.values(), *listing.parents.values())}
    broken = state(operations=(("creating", resource(token, "ours", **asked)),))
    ours = Found(token, "1", "", {}, asked)
    others = [Found(token, str(number), "", {}, dict.fromkeys(asked, "others")) for number in (2, 3)]
    for told, action in (([ours, *others], "import"), (others, "forget")):
        assert [(step.action, step.urn) for step in plan_repair(broken, [], [], told).steps] == [
            (action, urn(token, "ours"))
        ]


def test_what_goes_is_deleted_where_it_is() -> None:
    rule = "aws:wafv2/webAcl:WebAcl"
    firewall = Found(rule, "edge", "arn:aws:wafv2:us-east-1:1:global/webacl/edge/2")
    stray = Found(GROUP, "sg-1", "arn:aws:ec2:eu-central-1:1:security-group/sg-1")
    repair = plan_repair(state(), [stray, firewall], [])
    assert {step.type: step.region for step in repair.of("remove")} == {GROUP: "eu-central-1", rule: "us-east-1"}


def test_a_lost_version_brings_back_the_component_too() -> None:
    component = "urn:pulumi:dev::shop::groundplan:index:Queues::queues"
    parent = Resource(component, "groundplan:index:Queues", "queues", "", {}, {}, STACK, custom=False)
    child = declared(QUEUE, "order", component)
    repair = plan_repair(state(), [queue("order-1a2b3c4")], [parent, child])
    after = repaired(state(), repair, [parent, child])["deployment"]["resources"]
    assert [each["urn"] for each in after][-2:] == [component, child.urn]
    assert "id" not in after[-2]


def test_what_was_deleted_to_be_replaced_is_gone() -> None:
    """The engine forgets it when it has made the new one itself. Left beside one that was taken in, it stayed for good,
    and a destruction that met an error wrote a state that no command could read."""
    new = resource(QUEUE, "order", name="order-2") | {"dependencies": [urn(GROUP, "later")]}
    old = resource(QUEUE, "order", f"{QUEUES}/order-1", name="order-1") | {"delete": True, "pendingReplacement": True}
    users = [
        resource(POLICY, "by property", "p-1") | {"propertyDependencies": {"queue": [urn(QUEUE, "order")]}},
        resource(POLICY, "by dependency", "p-2") | {"dependencies": [urn(QUEUE, "order")]},
        resource(POLICY, "deleted with it", "p-3") | {"deletedWith": urn(QUEUE, "order")},
        resource(POLICY, "replaced with it", "p-4") | {"replaceWith": [urn(QUEUE, "order")]},
        resource(POLICY, "a child", "p-5") | {"parent": urn(QUEUE, "order")},
    ]
    broken = state(old, *users, resource(GROUP, "later", "sg-1"), operations=(("creating", new),))
    repair = plan_repair(broken, [queue("order-2")], [])
    assert [(step.action, step.id) for step in repair.of("import")] == [("import", f"{QUEUES}/order-2")]
    after = repaired(broken, repair, [])["deployment"]["resources"]
    assert [each["id"] for each in after if each["urn"] == urn(QUEUE, "order")] == [f"{QUEUES}/order-2"]
    places = {each["urn"]: place for place, each in enumerate(after)}
    assert places[urn(GROUP, "later")] < places[urn(QUEUE, "order")]
    assert all(places[each["urn"]] > places[urn(QUEUE, "order")] for each in users)
    assert [each["urn"] for each in after if each["type"] == POLICY] == [each["urn"] for each in users]


@pytest.mark.parametrize(
    ("before", "now"),
    [("order", "order"), ("order-1a2b3c4", "order-5d6e7f8")],
    ids=["a given name", "a name that Pulumi made"],
)
def test_what_replaced_it_is_taken_in_without_the_operation_too(before: str, now: str) -> None:
    """Of a state that is older than the account: what was deleted to be replaced doesn't hold its successor."""
    made_up = {"__defaults": ["name"]} if before != now else {}
    old = resource(QUEUE, "order", f"{QUEUES}/{before}", name=before, **made_up)
    old |= {"delete": True, "pendingReplacement": True, "outputs": {"arn": queue(before).arn}}
    inputs = {"name": now} if before == now else {}
    program = [declared(QUEUE, "order", STACK, **inputs)]
    broken = state(old)
    repair = plan_repair(broken, [queue(now)], program)
    assert [(step.action, step.id) for step in repair.steps] == [("import", f"{QUEUES}/{now}")]
    after = repaired(broken, repair, program)["deployment"]["resources"]
    ours = [each for each in after if each["urn"] == urn(QUEUE, "order")]
    assert [(each["id"], each.get("pendingReplacement")) for each in ours] == [(f"{QUEUES}/{now}", None)]


def test_what_is_deleted_after_it_is_replaced_stays_until_then() -> None:
    old = resource(QUEUE, "order", f"{QUEUES}/order-1", name="order-1")
    broken = state(old, operations=(("creating", resource(QUEUE, "order", name="order-2")),))
    repair = plan_repair(broken, [queue("order-1"), queue("order-2")], [])
    after = repaired(broken, repair, [])["deployment"]["resources"]
    ours = {each["id"]: each.get("delete", False) for each in after if each["urn"] == urn(QUEUE, "order")}
    assert ours == {f"{QUEUES}/order-1": True, f"{QUEUES}/order-2": False}


def test_nothing_to_do_is_nothing() -> None:
    there = resource(QUEUE, "order", f"{QUEUES}/order-1", name="order-1")
    there["outputs"] = {"arn": queue("order-1").arn}
    assert plan_repair(state(there), [queue("order-1")], [declared(QUEUE, "order")]).nothing


@pytest.mark.parametrize(
    ("arn", "token", "identifier"),
    [
        ("arn:aws:s3:::shop-dev--site-1", BUCKET, "shop-dev--site-1"),
        ("arn:aws:rds:eu-central-1:314159265358:db:db-order-1", "aws:rds/instance:Instance", None),
        ("arn:aws:ec2:eu-central-1:314159265358:subnet/subnet-1a", "aws:ec2/subnet:Subnet", "subnet-1a"),
        ("arn:aws:kms:eu-central-1:314159265358:key/1-2-3", "aws:kms/key:Key", "1-2-3"),
        ("arn:aws:eks:eu-central-1:314159265358:cluster/shop-dev", "aws:eks/cluster:Cluster", "shop-dev"),
        (
            "arn:aws:elasticache:eu-central-1:314159265358:replicationgroup:cache-1",
            "aws:elasticache/replicationGroup:ReplicationGroup",
            "cache-1",
        ),
    ],
)
def test_arns_are_read_by_the_forms_of_the_catalogue(arn: str, token: str, identifier: str | None) -> None:
    (found,) = found_of(arn, {})
    assert found.type == token
    assert identifier is None or found.id == identifier
    assert cloudformation_type(token), "or nothing could delete it"
