"""The providers' protocol, spoken by a client as the engine speaks it (U5)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]
from google.protobuf.struct_pb2 import Struct  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from groundplan.cloud.faults import Fault
from groundplan.cloud.item import Item
from groundplan.cloud.provider import ProviderServers
from groundplan.cloud.wire import UNKNOWN, decode, encode
from infra.tests.cloud.world import trust

VPC, SUBNET, QUEUE = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:sqs/queue:Queue"
DATABASE, BUCKET, CLUSTER = "aws:rds/instance:Instance", "aws:s3/bucket:Bucket", "aws:eks/cluster:Cluster"
Diff = provider_pb2.DiffResponse


def urn_of(token: str, name: str) -> str:
    return f"urn:pulumi:dev::shop::test:index:Part${token}::{name}"


class Client:
    """One connection, as the engine opens for each provider instance."""

    def __init__(self, port: int, **configuration: Any) -> None:
        options = [("grpc.use_local_subchannel_pool", 1)]  # no connection shared with another client
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", options)
        self.stub: Any = provider_pb2_grpc.ResourceProviderStub(self.channel)
        if configuration:
            self.stub.Configure(provider_pb2.ConfigureRequest(args=encode(configuration)))

    def check(
        self, token: str, name: str, news: Mapping[str, Any], olds: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Any], list[str]]:
        request = provider_pb2.CheckRequest(urn=urn_of(token, name), news=encode(news), olds=encode(olds or {}))
        answer = self.stub.Check(request)
        return decode(answer.inputs)[0], [f"{each.property}: {each.reason}" for each in answer.failures]

    def create(
        self, token: str, name: str, inputs: Mapping[str, Any], *, preview: bool = False
    ) -> tuple[str, dict[str, Any]]:
        checked, failures = self.check(token, name, inputs)
        assert failures == []
        request = provider_pb2.CreateRequest(urn=urn_of(token, name), properties=encode(checked), preview=preview)
        answer = self.stub.Create(request)
        return answer.id, decode(answer.properties)[0]

    def diff(
        self, token: str, name: str, olds: Mapping[str, Any], news: Mapping[str, Any]
    ) -> provider_pb2.DiffResponse:
        answer: provider_pb2.DiffResponse = self.stub.Diff(
            provider_pb2.DiffRequest(urn=urn_of(token, name), old_inputs=encode(olds), news=encode(news))
        )
        return answer

    def update(
        self, token: str, name: str, id_: str, news: Mapping[str, Any], *, preview: bool = False
    ) -> dict[str, Any]:
        request = provider_pb2.UpdateRequest(urn=urn_of(token, name), id=id_, news=encode(news), preview=preview)
        return decode(self.stub.Update(request).properties)[0]

    def read(
        self, token: str, name: str, id_: str, inputs: Mapping[str, Any] | None = None
    ) -> provider_pb2.ReadResponse:
        request = provider_pb2.ReadRequest(urn=urn_of(token, name), id=id_, inputs=encode(inputs or {}))
        if inputs is not None:
            request.properties.CopyFrom(encode({"known": True}))
        answer: provider_pb2.ReadResponse = self.stub.Read(request)
        return answer

    def delete(self, token: str, name: str, id_: str) -> None:
        self.stub.Delete(provider_pb2.DeleteRequest(urn=urn_of(token, name), id=id_))

    def close(self) -> None:
        self.channel.close()


@pytest.fixture
def servers() -> Iterator[ProviderServers]:
    with ProviderServers() as running:
        yield running


@pytest.fixture
def aws(servers: ProviderServers) -> Iterator[Client]:
    client = Client(servers.ports["aws"], region="eu-central-1")
    yield client
    client.close()


@pytest.fixture
def kubernetes(servers: ProviderServers) -> Iterator[Client]:
    client = Client(servers.ports["kubernetes"], kubeconfig="cluster")
    yield client
    client.close()


def found(servers: ProviderServers, id_: str) -> Item:
    (item,) = servers.cloud.named(id_)
    return item


def network(aws: Client) -> tuple[str, str]:
    vpc, _ = aws.create(VPC, "net", {"cidrBlock": "10.0.0.0/16"})
    subnet, _ = aws.create(SUBNET, "a", {"vpcId": vpc, "cidrBlock": "10.0.0.0/20"})
    return vpc, subnet


def test_each_package_has_a_server_of_its_own(servers: ProviderServers) -> None:
    assert set(servers.ports) == {"aws", "kubernetes", "random"}
    assert servers.attachment == ",".join(f"{name}:{port}" for name, port in servers.ports.items())
    with ProviderServers(["aws", "random"]) as without_kubernetes:
        assert set(without_kubernetes.ports) == {"aws", "random"}


def test_it_introduces_itself(aws: Client) -> None:
    assert aws.stub.Handshake(provider_pb2.ProviderHandshakeRequest()).accept_secrets
    assert aws.stub.GetPluginInfo(Empty()).version.startswith("7.")
    assert '"name": "aws"' in aws.stub.GetSchema(provider_pb2.GetSchemaRequest()).schema
    assert aws.stub.GetMapping(provider_pb2.GetMappingRequest(key="terraform")).provider == ""
    assert list(aws.stub.GetMappings(provider_pb2.GetMappingsRequest(key="terraform")).providers) == []
    aws.stub.Cancel(Empty())


@pytest.mark.parametrize("method", ["Parameterize", "Call", "Construct"])
def test_what_it_does_not_do_it_says(aws: Client, method: str) -> None:
    request = {
        "Parameterize": provider_pb2.ParameterizeRequest,
        "Call": provider_pb2.CallRequest,
        "Construct": provider_pb2.ConstructRequest,
    }[method]()
    with pytest.raises(grpc.RpcError) as caught:
        getattr(aws.stub, method)(request)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_configuration_is_checked(aws: Client) -> None:
    wrong = provider_pb2.CheckRequest(
        urn="urn:pulumi:dev::shop::pulumi:providers:aws::p", news=encode({"region": "middle-earth"})
    )
    assert [each.property for each in aws.stub.CheckConfig(wrong).failures] == ["region"]
    right = provider_pb2.CheckRequest(
        urn="urn:pulumi:dev::shop::pulumi:providers:aws::p", news=encode({"region": "eu-west-1"})
    )
    assert list(aws.stub.CheckConfig(right).failures) == []


@pytest.mark.parametrize(
    ("olds", "news", "replaces"), [("eu-central-1", "eu-west-1", ["region"]), ("eu-central-1", "eu-central-1", [])]
)
def test_a_provider_that_moves_replaces_what_it_made(aws: Client, olds: str, news: str, replaces: list[str]) -> None:
    request = provider_pb2.DiffRequest(old_inputs=encode({"region": olds}), news=encode({"region": news}))
    assert list(aws.stub.DiffConfig(request).replaces) == replaces


def test_connections_live_in_the_regions_they_configured(servers: ProviderServers, aws: Client) -> None:
    edge = Client(servers.ports["aws"], region="us-east-1", defaultTags={"tags": {"system": "shop"}})
    here, _ = aws.create(QUEUE, "here", {})
    there, outputs = edge.create(QUEUE, "there", {"tags": {"Name": "there"}})
    edge.close()
    assert here.startswith("https://sqs.eu-central-1.")
    assert there.startswith("https://sqs.us-east-1.")
    assert outputs["tagsAll"] == {"system": "shop", "Name": "there"}


def test_a_name_is_made_once_and_kept(aws: Client) -> None:
    made, _ = aws.check(QUEUE, "orders", {"delaySeconds": 5})
    assert made["name"].startswith("orders-")
    assert made["__defaults"] == ["name"]
    aws.create(QUEUE, "orders", {"delaySeconds": 5})
    kept, _ = aws.check(QUEUE, "orders", {"delaySeconds": 6}, olds=made)
    assert kept["name"] == made["name"]
    assert aws.diff(QUEUE, "orders", made, kept).replaces == []


def test_a_replacement_gets_another_name(aws: Client) -> None:
    first, _ = aws.check(QUEUE, "orders", {})
    aws.create(QUEUE, "orders", {})
    second, _ = aws.check(QUEUE, "orders", {})
    assert first["name"] != second["name"]


def test_given_names_stay(aws: Client) -> None:
    checked, _ = aws.check(QUEUE, "orders", {"name": "orders"})
    assert checked == {"name": "orders"}


def test_objects_get_names_too(kubernetes: Client) -> None:
    token = "kubernetes:core/v1:Namespace"
    made, _ = kubernetes.check(token, "shop", {"metadata": {"labels": {"a": "b"}}})
    assert made["metadata"]["name"].startswith("shop-")
    assert made["metadata"]["annotations"] == {"pulumi.com/autonamed": "true"}
    id_, outputs = kubernetes.create(token, "shop", {"metadata": {"labels": {"a": "b"}}})
    assert id_ == outputs["metadata"]["name"] == made["metadata"]["name"]
    kept, _ = kubernetes.check(token, "shop", {}, olds=made)
    assert kept["metadata"]["name"] == id_


def test_what_the_sdk_does_not_allow_fails_the_check(aws: Client) -> None:
    _, failures = aws.check(SUBNET, "a", {"cidrBlock": 10, "vpcIdd": "x"})
    assert {each.partition(":")[0] for each in failures} == {"cidrBlock", "vpcIdd", "vpcId"}


def test_creating_gives_what_the_account_would(aws: Client) -> None:
    vpc, subnet = network(aws)
    assert vpc.startswith("vpc-")
    assert subnet.startswith("subnet-")


def test_a_preview_leaves_open_what_is_not_known(aws: Client, servers: ProviderServers) -> None:
    id_, outputs = aws.create(SUBNET, "a", {"vpcId": UNKNOWN, "cidrBlock": "10.0.0.0/20"}, preview=True)
    assert id_ == ""
    assert outputs["cidrBlock"] == "10.0.0.0/20"
    assert outputs["vpcId"] is outputs["arn"] is UNKNOWN
    assert not servers.cloud.items


def test_a_refused_creation_leaves_nothing(aws: Client, servers: ProviderServers) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        aws.create(SUBNET, "a", {"vpcId": "vpc-00000000000000000", "cidrBlock": "10.0.0.0/20"})
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "vpcId is 'vpc-00000000000000000': expected a vpc (ec2) that exists" in caught.value.details()
    assert not servers.cloud.items


def test_secrets_come_back_as_secrets_and_are_never_shown(aws: Client) -> None:
    secret = encode({"password": "no", "instanceClass": "db.t4g.micro"}, secret=["password"])
    request = provider_pb2.CheckRequest(urn=urn_of(DATABASE, "db"), news=secret, olds=Struct())
    checked = aws.stub.Check(request).inputs
    assert decode(checked)[1] == {"password"}
    with pytest.raises(grpc.RpcError) as caught:
        aws.stub.Create(provider_pb2.CreateRequest(urn=urn_of(DATABASE, "db"), properties=checked))
    assert "password is [secret]" in caught.value.details()


def test_outputs_keep_what_was_secret(aws: Client) -> None:
    sent = encode({"value": "hidden", "type": "String", "name": "/shop/key"}, secret=["value"])
    answer = aws.stub.Create(
        provider_pb2.CreateRequest(urn=urn_of("aws:ssm/parameter:Parameter", "p"), properties=sent)
    )
    assert decode(answer.properties)[1] == {"value"}


@pytest.mark.parametrize(
    ("token", "olds", "news", "replaces", "changed"),
    [
        (SUBNET, {"cidrBlock": "10.0.0.0/20"}, {"cidrBlock": "10.0.16.0/20"}, ["cidrBlock"], True),
        (
            SUBNET,
            {"availabilityZone": "eu-central-1a"},
            {"availabilityZone": "eu-central-1b"},
            ["availabilityZone"],
            True,
        ),
        (SUBNET, {"tags": {"a": "b"}}, {"tags": {"a": "c"}}, [], True),
        (SUBNET, {"cidrBlock": "10.0.0.0/20"}, {"cidrBlock": "10.0.0.0/20"}, [], False),
        (SUBNET, {"tags": {"a": "b"}}, {"tags": {"a": "b", "c": None}}, [], False),
        (DATABASE, {"instanceClass": "db.m7g.large"}, {"instanceClass": "db.m7g.xlarge"}, [], True),
        (DATABASE, {"allocatedStorage": 100}, {"allocatedStorage": 400}, [], True),
        (DATABASE, {"storageEncrypted": False}, {"storageEncrypted": True}, ["storageEncrypted"], True),
        (DATABASE, {"username": "a"}, {"username": "b"}, ["username"], True),
        (DATABASE, {"kmsKeyId": "a"}, {"kmsKeyId": UNKNOWN}, ["kmsKeyId"], True),
        ("aws:msk/cluster:Cluster", {"numberOfBrokerNodes": 3}, {"numberOfBrokerNodes": 6}, [], True),
        (
            "aws:msk/cluster:Cluster",
            {"brokerNodeGroupInfo": {"instanceType": "kafka.m7g.large"}},
            {"brokerNodeGroupInfo": {"instanceType": "kafka.m7g.xlarge"}},
            [],
            True,
        ),
        (
            "aws:msk/cluster:Cluster",
            {"brokerNodeGroupInfo": {"clientSubnets": ["a"]}},
            {"brokerNodeGroupInfo": {"clientSubnets": ["b"]}},
            ["brokerNodeGroupInfo"],
            True,
        ),
        ("aws:msk/topic:Topic", {"partitionCount": 3}, {"partitionCount": 6}, [], True),
        ("aws:msk/topic:Topic", {"replicationFactor": 3}, {"replicationFactor": 2}, ["replicationFactor"], True),
        (
            "aws:elasticache/replicationGroup:ReplicationGroup",
            {"nodeType": "cache.m7g.large"},
            {"nodeType": "cache.m7g.xlarge"},
            [],
            True,
        ),
        (
            "aws:elasticache/replicationGroup:ReplicationGroup",
            {"atRestEncryptionEnabled": False},
            {"atRestEncryptionEnabled": True},
            ["atRestEncryptionEnabled"],
            True,
        ),
        (
            "aws:cognito/userPool:UserPool",
            {"usernameAttributes": ["email"]},
            {"usernameAttributes": []},
            ["usernameAttributes"],
            True,
        ),
        ("random:index/randomPassword:RandomPassword", {"length": 24}, {"length": 32}, ["length"], True),
        ("kubernetes:apps/v1:Deployment", {"spec": {"replicas": 1}}, {"spec": {"replicas": 2}}, [], True),
        (
            "kubernetes:apps/v1:Deployment",
            {"spec": {"selector": {"matchLabels": {"a": "b"}}}},
            {"spec": {"selector": {"matchLabels": {"a": "c"}}}},
            ["spec"],
            True,
        ),
        (
            "kubernetes:batch/v1:Job",
            {"spec": {"template": {"spec": {"x": 1}}}},
            {"spec": {"template": {"spec": {"x": 2}}}},
            ["spec"],
            True,
        ),
    ],
)
def test_what_a_change_replaces(
    aws: Client, token: str, olds: dict[str, Any], news: dict[str, Any], replaces: list[str], changed: bool
) -> None:
    answer = aws.diff(token, "it", olds, news)
    assert list(answer.replaces) == replaces
    assert answer.changes == (Diff.DIFF_SOME if changed else Diff.DIFF_NONE)
    assert bool(answer.detailedDiff) is changed


def test_a_change_is_told_property_by_property(aws: Client) -> None:
    olds = {"ingress": [{"fromPort": 80}, {"fromPort": 443}], "description": "a", "tags": {"x": "y"}}
    news = {"ingress": [{"fromPort": 81}], "description": "b", "tags": {"x": "y", "z": "w"}}
    detailed = aws.diff("aws:ec2/securityGroup:SecurityGroup", "it", olds, news).detailedDiff
    kinds = provider_pb2.PropertyDiff.Kind
    assert {path: kinds.Name(each.kind) for path, each in detailed.items()} == {
        "ingress[0].fromPort": "UPDATE",
        "ingress[1]": "DELETE",
        "description": "UPDATE_REPLACE",
        "tags.z": "ADD",
    }


@pytest.mark.parametrize(
    ("inputs", "first"),
    [
        ({"name": "orders", "fifoQueue": False}, True),
        ({"name": "orders-1", "fifoQueue": False, "__defaults": ["name"]}, False),
    ],
)
def test_of_two_that_would_share_a_name_the_old_one_goes_first(
    aws: Client, inputs: dict[str, Any], first: bool
) -> None:
    assert aws.diff(QUEUE, "orders", inputs, {**inputs, "fifoQueue": True}).deleteBeforeReplace is first


def test_updating_changes_what_is_there(aws: Client, servers: ProviderServers) -> None:
    vpc, subnet = network(aws)
    outputs = aws.update(SUBNET, "a", subnet, {"vpcId": vpc, "cidrBlock": "10.0.0.0/20", "mapPublicIpOnLaunch": True})
    assert outputs["mapPublicIpOnLaunch"] is True
    assert outputs["arn"].endswith(subnet)
    assert found(servers, subnet).known("mapPublicIpOnLaunch") is True


def test_a_refused_update_leaves_what_was(aws: Client, servers: ProviderServers) -> None:
    vpc, subnet = network(aws)
    with pytest.raises(grpc.RpcError, match="a part of its VPC's"):
        aws.update(SUBNET, "a", subnet, {"vpcId": vpc, "cidrBlock": "172.16.0.0/20"})
    assert found(servers, subnet).known("cidrBlock") == "10.0.0.0/20"


def test_a_previewed_update_changes_nothing(aws: Client, servers: ProviderServers) -> None:
    vpc, subnet = network(aws)
    outputs = aws.update(
        SUBNET, "a", subnet, {"vpcId": vpc, "cidrBlock": "10.0.0.0/20", "mapPublicIpOnLaunch": True}, preview=True
    )
    assert outputs["arn"].endswith(subnet)
    assert found(servers, subnet).known("mapPublicIpOnLaunch") is None


def test_updating_what_is_gone_says_so(aws: Client) -> None:
    with pytest.raises(grpc.RpcError, match="no longer in the simulated account"):
        aws.update(SUBNET, "a", "subnet-00000000000000000", {"vpcId": "x", "cidrBlock": "10.0.0.0/20"})


def test_a_refresh_shows_what_changed_meanwhile(aws: Client, servers: ProviderServers) -> None:
    id_, _ = aws.create(QUEUE, "orders", {"delaySeconds": 5})

    def slower(item: Item) -> None:
        item.inputs["delaySeconds"] = 60

    servers.drift(id_, slower)
    answer = aws.read(QUEUE, "orders", id_, {"delaySeconds": 5, "__defaults": ["name"]})
    inputs, _ = decode(answer.inputs)
    assert inputs["delaySeconds"] == 60
    assert inputs["__defaults"] == ["name"]
    assert decode(answer.properties)[0]["delaySeconds"] == 60


def test_what_waits_for_a_window_is_told_as_it_still_is(aws: Client, servers: ProviderServers) -> None:
    """d4: by the update and by a refresh, until the window has passed or all is applied at once."""
    asked = {
        "engine": "postgres",
        "engineVersion": "17",
        "instanceClass": "db.m7g.large",
        "allocatedStorage": 30,
        "username": "dba",
        "password": "averylongone",
        "skipFinalSnapshot": True,
    }
    id_, _ = aws.create(DATABASE, "db", asked)

    def sizes(**changed: Any) -> tuple[str, str]:
        told = aws.update(DATABASE, "db", id_, asked | changed)["instanceClass"]
        return told, decode(aws.read(DATABASE, "db", id_, asked | changed).properties)[0]["instanceClass"]

    assert sizes(instanceClass="db.m7g.xlarge") == ("db.m7g.large", "db.m7g.large")
    assert sizes(instanceClass="db.m7g.2xlarge") == ("db.m7g.large", "db.m7g.large")
    inputs = aws.read(DATABASE, "db", id_, asked | {"instanceClass": "db.m7g.2xlarge"}).inputs
    assert decode(inputs)[0]["instanceClass"] == "db.m7g.2xlarge"
    servers.pass_windows()
    assert decode(aws.read(DATABASE, "db", id_, asked).properties)[0]["instanceClass"] == "db.m7g.2xlarge"
    assert sizes(instanceClass="db.m7g.4xlarge") == ("db.m7g.2xlarge", "db.m7g.2xlarge")
    at_once = sizes(instanceClass="db.m7g.4xlarge", applyImmediately=True)
    assert at_once == ("db.m7g.4xlarge", "db.m7g.4xlarge")
    assert sizes(instanceClass="db.m7g.large") == ("db.m7g.4xlarge", "db.m7g.4xlarge")
    assert sizes(instanceClass="db.m7g.4xlarge") == ("db.m7g.4xlarge", "db.m7g.4xlarge")


def test_a_refresh_finds_what_was_deleted_gone(aws: Client, servers: ProviderServers) -> None:
    id_, _ = aws.create(QUEUE, "orders", {})
    servers.lose(id_)
    assert aws.read(QUEUE, "orders", id_, {}).id == ""


def test_what_the_program_looks_up_is_taken_to_exist(aws: Client) -> None:
    assert aws.read(VPC, "given", "vpc-0123456789abcdef0").id == "vpc-0123456789abcdef0"
    subnet, _ = aws.create(SUBNET, "a", {"vpcId": "vpc-0123456789abcdef0", "cidrBlock": "10.0.0.0/20"})
    assert subnet


def test_deleting_in_the_right_order_leaves_nothing(aws: Client, servers: ProviderServers) -> None:
    vpc, subnet = network(aws)
    with pytest.raises(grpc.RpcError, match="nothing that uses it"):
        aws.delete(VPC, "net", vpc)
    aws.delete(SUBNET, "a", subnet)
    aws.delete(VPC, "net", vpc)
    assert not servers.cloud.items


def test_deleting_what_is_gone_is_fine(aws: Client) -> None:
    aws.delete(VPC, "net", "vpc-00000000000000000")


def database(aws: Client, **changes: Any) -> str:
    inputs = {
        "engine": "postgres",
        "engineVersion": "17",
        "instanceClass": "db.t4g.micro",
        "allocatedStorage": 20,
        "username": "owner",
        "password": "p" * 20,
        "skipFinalSnapshot": True,
        **changes,
    }
    return aws.create(DATABASE, "db", inputs)[0]


def test_what_is_protected_stays(aws: Client) -> None:
    id_ = database(aws, deletionProtection=True)
    with pytest.raises(grpc.RpcError, match="deletion protection to be off"):
        aws.delete(DATABASE, "db", id_)


def test_a_user_pool_is_protected_by_a_word(aws: Client) -> None:
    token = "aws:cognito/userPool:UserPool"
    id_, _ = aws.create(token, "people", {"deletionProtection": "ACTIVE"})
    with pytest.raises(grpc.RpcError, match="deletion protection"):
        aws.delete(token, "people", id_)


def test_a_database_whose_last_snapshot_has_no_name_stays(aws: Client, servers: ProviderServers) -> None:
    id_ = database(aws)
    servers.drift(id_, lambda item: item.inputs.update(skipFinalSnapshot=False))
    with pytest.raises(grpc.RpcError, match="a name for the last snapshot"):
        aws.delete(DATABASE, "db", id_)


@pytest.mark.parametrize("forced", [False, True])
def test_a_bucket_that_is_not_empty_stays_unless_forced(aws: Client, servers: ProviderServers, forced: bool) -> None:
    id_, _ = aws.create(BUCKET, "events", {"forceDestroy": forced})
    servers.drift(id_, lambda item: setattr(item, "filled", True))
    if forced:
        aws.delete(BUCKET, "events", id_)
        assert not servers.cloud.items
    else:
        with pytest.raises(grpc.RpcError, match="it to be empty"):
            aws.delete(BUCKET, "events", id_)


def cluster(aws: Client) -> tuple[str, str]:
    vpc, _ = aws.create(VPC, "net", {"cidrBlock": "10.0.0.0/16"})
    subnets = [
        aws.create(
            SUBNET,
            zone,
            {"vpcId": vpc, "cidrBlock": f"10.0.{number * 16}.0/20", "availabilityZone": f"eu-central-1{zone}"},
        )[0]
        for number, zone in enumerate("ab")
    ]
    _, role = aws.create("aws:iam/role:Role", "cluster", {"assumeRolePolicy": trust("eks.amazonaws.com")})
    id_, outputs = aws.create(CLUSTER, "cluster", {"roleArn": role["arn"], "vpcConfig": {"subnetIds": subnets}})
    return id_, outputs["endpoint"]


def kubeconfig(server: str) -> str:
    return json.dumps(
        {
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "contexts": [{"name": "c", "context": {"cluster": "c"}}],
            "current-context": "c",
        }
    )


def test_objects_die_with_their_cluster(servers: ProviderServers, aws: Client) -> None:
    id_, server = cluster(aws)
    inside = Client(servers.ports["kubernetes"], kubeconfig=kubeconfig(server))
    inside.create("kubernetes:core/v1:Namespace", "shop", {"metadata": {"name": "shop"}})
    assert servers.cloud.of("kubernetes:core/v1:Namespace")
    aws.delete(CLUSTER, "cluster", id_)
    inside.close()
    assert not servers.cloud.of("kubernetes:core/v1:Namespace")


def test_a_configuration_for_a_cluster_that_is_not_there_is_refused(kubernetes: Client) -> None:
    gone = "https://0123456789ABCDEF.gr7.eu-central-1.eks.amazonaws.com"
    request = provider_pb2.CheckRequest(
        urn="urn:pulumi:dev::shop::pulumi:providers:kubernetes::c", news=encode({"kubeconfig": kubeconfig(gone)})
    )
    (failure,) = kubernetes.stub.CheckConfig(request).failures
    assert "the endpoint of a cluster that exists" in failure.reason


def test_questions_are_answered(aws: Client) -> None:
    request = provider_pb2.InvokeRequest(
        tok="aws:index/getAvailabilityZones:getAvailabilityZones", args=encode({"state": "available"})
    )
    answer = aws.stub.Invoke(request)
    assert decode(getattr(answer, "return"))[0]["names"] == ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
    unknown = aws.stub.Invoke(provider_pb2.InvokeRequest(tok="aws:ec2/getAmi:getAmi", args=Struct()))
    assert "the simulated account answers" in unknown.failures[0].reason


@pytest.mark.parametrize(
    ("fault", "code", "text"),
    [
        (Fault("create", QUEUE, nth=2), grpc.StatusCode.UNKNOWN, "InternalFailure"),
        (Fault("create", nth=2, kind="throttle"), grpc.StatusCode.RESOURCE_EXHAUSTED, "Rate exceeded"),
        (
            Fault("create", QUEUE, nth=2, kind="hang", message="timed out"),
            grpc.StatusCode.DEADLINE_EXCEEDED,
            "timed out",
        ),
    ],
)
def test_the_nth_call_fails_once_and_can_be_tried_again(
    servers: ProviderServers, aws: Client, fault: Fault, code: grpc.StatusCode, text: str
) -> None:
    servers.faults.expect(fault)
    aws.create(QUEUE, "one", {})
    with pytest.raises(grpc.RpcError) as caught:
        aws.create(QUEUE, "two", {})
    assert caught.value.code() == code
    assert text in caught.value.details()
    assert [item.name for item in servers.cloud.of(QUEUE)] == ["one"]
    aws.create(QUEUE, "two", {})
    assert [item.name for item in servers.cloud.of(QUEUE)] == ["one", "two"]


def test_other_calls_fail_too(servers: ProviderServers, aws: Client) -> None:
    id_, _ = aws.create(QUEUE, "one", {})
    servers.faults.expect(Fault("update", QUEUE), Fault("delete", QUEUE), Fault("read", QUEUE))
    with pytest.raises(grpc.RpcError, match="InternalFailure"):
        aws.update(QUEUE, "one", id_, {"delaySeconds": 5})
    with pytest.raises(grpc.RpcError, match="InternalFailure"):
        aws.delete(QUEUE, "one", id_)
    with pytest.raises(grpc.RpcError, match="InternalFailure"):
        aws.read(QUEUE, "one", id_)
    assert found(servers, id_).known("delaySeconds") is None


def test_an_account_lasts_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "cloud" / "account.json"
    with ProviderServers(state_file=file) as servers:
        client = Client(servers.ports["aws"], region="eu-central-1")
        network(client)
        sent = encode({"value": "hidden", "type": "String", "name": "/shop/key"}, secret=["value"])
        client.stub.Create(provider_pb2.CreateRequest(urn=urn_of("aws:ssm/parameter:Parameter", "p"), properties=sent))
        before = {key: (item.id, item.outputs, item.secret_paths) for key, item in servers.cloud.items.items()}
        client.close()
    assert file.stat().st_mode & 0o077 == 0
    with ProviderServers(state_file=file) as servers:
        assert {key: (item.id, item.outputs, item.secret_paths) for key, item in servers.cloud.items.items()} == before
        client = Client(servers.ports["aws"], region="eu-central-1")
        subnet = servers.cloud.of(SUBNET)[0]
        client.delete(SUBNET, "a", subnet.id)
        client.close()
    with ProviderServers(state_file=file) as servers:
        assert not servers.cloud.of(SUBNET)
        assert servers.cloud.of(VPC)


@pytest.mark.parametrize("content", ["", "[]", '{"version": 99, "items": []}', '{"version": 1, "items": [{}]}'])
def test_a_file_that_holds_no_account_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "account.json"
    file.write_text(content)
    with pytest.raises(ValueError, match="holds no simulated account"):
        ProviderServers(state_file=file)
