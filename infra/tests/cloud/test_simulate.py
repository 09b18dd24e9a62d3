"""Running a program in a simulated account, with no engine (U5)."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from collections.abc import Callable

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s
import pulumi_random as random
import pytest
from pulumi.runtime import resource as resources
from pulumi.runtime import settings

from groundplan.cloud import CloudRefused, Refusal, Resource, Simulation, identifiers_in, parts_alone, simulate
from groundplan.problems import ProblemsFound


def network() -> aws.ec2.Subnet:
    vpc = aws.ec2.Vpc("main", cidr_block="10.0.0.0/16")
    return aws.ec2.Subnet("a", vpc_id=vpc.id, cidr_block="10.0.0.0/20", tags={"Name": "a"})


def refused(program: Callable[[], object], **options: object) -> list[Refusal]:
    return list(simulate(program, strict=False, **options).refusals)  # type: ignore[arg-type]


class Part(pulumi.ComponentResource):
    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("test:index:Part", name, None, opts)
        self.queue = aws.sqs.Queue(f"{name}-queue", opts=pulumi.ResourceOptions(parent=self, protect=True))
        self.register_outputs({"url": self.queue.url})


def test_resources_come_in_the_order_of_their_registration_with_all_that_was_asked() -> None:
    def program() -> None:
        part = Part("orders")
        aws.sqs.Queue(
            "other",
            delay_seconds=5,
            opts=pulumi.ResourceOptions(
                depends_on=[part],
                ignore_changes=["delaySeconds"],
                delete_before_replace=True,
                retain_on_delete=True,
                replace_on_changes=["name"],
                aliases=[pulumi.Alias(name="before")],
                custom_timeouts=pulumi.CustomTimeouts(create="5m"),
                deleted_with=part.queue,
            ),
        )

    simulation = simulate(program, project="shop", stack="prod")
    part, queue, other = simulation.resources
    assert [each.name for each in simulation.resources] == ["orders", "orders-queue", "other"]
    assert part.urn == "urn:pulumi:prod::shop::test:index:Part::orders"
    assert queue.urn == "urn:pulumi:prod::shop::test:index:Part$aws:sqs/queue:Queue::orders-queue"
    assert (part.parent, queue.parent) == (simulation.stack_urn, part.urn)
    assert (part.custom, queue.custom, queue.protect) == (False, True, True)
    assert part.outputs == {"url": queue.outputs["url"]}
    assert simulation.children(part.urn) == (queue,)
    assert simulation.of_type("aws:sqs/queue:Queue") == (queue, other)
    assert simulation.named("other") is other
    assert simulation.by_urn(queue.urn) is queue
    assert queue.urn in other.dependencies
    assert other.ignore_changes == ("delaySeconds",)
    assert (other.delete_before_replace, other.retain_on_delete) == (True, True)
    assert other.replace_on_changes == ("name",)
    assert other.aliases == ("before",)
    assert other.custom_timeouts == {"create": "5m"}
    assert other.deleted_with == queue.urn
    assert other.inputs == {"delaySeconds": 5}


def test_looking_for_what_is_not_there_says_so() -> None:
    simulation = simulate(network)
    with pytest.raises(LookupError, match="0 resources are named b"):
        simulation.named("b")
    with pytest.raises(LookupError, match="no resource has the URN"):
        simulation.by_urn("urn:none")


def test_outputs_are_what_the_account_would_give() -> None:
    def program() -> None:
        subnet = network()
        pulumi.export("subnet", subnet.id)
        pulumi.export("zone", subnet.availability_zone)
        pulumi.export("arn", subnet.arn)
        pulumi.export("zones", aws.get_availability_zones().names)
        pulumi.export("account", aws.get_caller_identity().account_id)

    outputs = simulate(program, region="eu-west-1").outputs
    assert outputs["subnet"].startswith("subnet-")
    assert outputs["zone"] == "eu-west-1a"
    assert outputs["arn"] == f"arn:aws:ec2:eu-west-1:123456789012:subnet/{outputs['subnet']}"
    assert outputs["zones"] == ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    assert outputs["account"] == "123456789012"


def test_the_same_program_gives_the_same_account_every_time() -> None:
    first, second = simulate(network), simulate(network)
    assert first == second
    assert simulate(network, stack="prod").named("a").id != first.named("a").id


def test_a_hundred_resources_are_registered_in_the_programs_order() -> None:
    def program() -> None:
        for number in range(100):
            aws.sqs.Queue(f"q{number:03}")

    assert [each.name for each in simulate(program).resources] == [f"q{number:03}" for number in range(100)]


def test_simulations_leave_nothing_behind() -> None:
    before = set(threading.enumerate())
    root = settings.get_root_resource()
    project = settings.get_project()
    for _ in range(5):
        simulate(network)
    gc.collect()
    assert set(threading.enumerate()) <= before
    assert gc.isenabled()
    assert settings.get_root_resource() is root
    assert settings.get_project() == project
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


def test_what_the_program_raises_comes_out_and_the_next_simulation_is_clean() -> None:
    def stops() -> None:
        network()
        raise pulumi.RunError("the domain is missing")

    with pytest.raises(pulumi.RunError, match="the domain is missing"):
        simulate(stops)
    assert len(simulate(network).resources) == 2


def test_a_failure_inside_apply_comes_out() -> None:
    def program() -> None:
        queue = aws.sqs.Queue("q")
        pulumi.export("broken", queue.arn.apply(lambda arn: arn.no_such_thing))

    with pytest.raises(AttributeError, match="no_such_thing"):
        simulate(program)
    assert len(simulate(network).resources) == 2


def test_configuration_reaches_the_program() -> None:
    def program() -> None:
        config = pulumi.Config()
        pulumi.export("domain", config.require("domain"))
        pulumi.export("key", config.require_secret("key"))
        pulumi.export("where", f"{pulumi.get_project()}/{pulumi.get_stack()}")

    simulation = simulate(
        program, stack="prod", config={"shop:domain": "example.com", "shop:key": "x"}, secret_keys=["shop:key"]
    )
    assert simulation.outputs == {"domain": "example.com", "key": "x", "where": "shop/prod"}
    assert simulation.secret_outputs == {"key"}


def test_what_is_logged_is_kept() -> None:
    def program() -> None:
        pulumi.log.warn("no image of user yet")
        pulumi.info("done")

    assert [(each.severity, each.text) for each in simulate(program).messages] == [
        ("warning", "no image of user yet"),
        ("info", "done"),
    ]


def test_secrets_are_known_and_stay_secret() -> None:
    def program() -> None:
        password = random.RandomPassword("password", length=24, special=False)
        secret = aws.secretsmanager.Secret("owner")
        version = aws.secretsmanager.SecretVersion("owner", secret_id=secret.id, secret_string=password.result)
        aws.ssm.Parameter("plain", type="String", value=pulumi.Output.concat("x", version.secret_string))
        pulumi.export("password", password.result)

    simulation = simulate(program)
    version, plain = simulation.of_type("aws:secretsmanager/secretVersion:SecretVersion")[0], simulation.named("plain")
    assert len(version.inputs["secretString"]) == 24
    assert version.is_secret("secretString")
    assert not version.is_secret("secretId")
    assert plain.is_secret("value")
    assert simulation.secret_outputs == {"password"}


def test_a_secret_inside_a_structure_hides_what_is_below_it() -> None:
    resource = Resource("u", "t", "n", "i", {}, {}, "p", True, secret_paths=frozenset({"spec.env[0]"}))
    assert resource.is_secret("spec.env[0].value")
    assert not resource.is_secret("spec.env[01]")
    assert not resource.is_secret("spec.env[1].value")


def test_nothing_secret_is_shown_in_a_refusal() -> None:
    def program() -> None:
        aws.rds.Instance(
            "db",
            instance_class="db.t4g.micro",
            engine="postgres",
            allocated_storage=20,
            username="owner",
            password="short",
            skip_final_snapshot=True,
        )

    told = str(CloudRefused(refused(program)))
    assert "password is [secret]" in told
    assert "short" not in told


def test_a_preview_knows_only_what_is_given() -> None:
    def program() -> None:
        subnet = network()
        pulumi.export("cidr", subnet.cidr_block)
        pulumi.export("id", subnet.id)

    simulation = simulate(program, preview=True)
    assert simulation.named("a").id == ""
    assert simulation.outputs["cidr"] == "10.0.0.0/20"
    assert repr(simulation.outputs["id"]) == "<unknown>"


def test_providers_decide_on_region_and_tags() -> None:
    def program() -> None:
        edge = aws.Provider("edge", region="us-east-1", default_tags={"tags": {"system": "shop"}})
        aws.sqs.Queue("there", tags={"Name": "there"}, opts=pulumi.ResourceOptions(provider=edge))
        aws.sqs.Queue("by-itself", region="eu-west-1")
        aws.sqs.Queue("here")

    simulation = simulate(program)
    there = simulation.named("there")
    assert (there.region, simulation.named("by-itself").region, simulation.named("here").region) == (
        "us-east-1",
        "eu-west-1",
        "eu-central-1",
    )
    assert there.provider.endswith("pulumi:providers:aws::edge")
    assert there.outputs["tagsAll"] == {"system": "shop", "Name": "there"}
    assert there.outputs["url"].startswith("https://sqs.us-east-1.amazonaws.com/123456789012/")


def test_kubernetes_objects_are_kept_apart_by_cluster() -> None:
    def program() -> None:
        kubeconfig = json.dumps(
            {
                "clusters": [{"name": "c", "cluster": {"server": "https://%s"}}],
                "contexts": [{"name": "c", "context": {"cluster": "c"}}],
                "current-context": "c",
            }
        )
        for name in ("one", "two"):
            provider = k8s.Provider(name, kubeconfig=kubeconfig % name)
            k8s.core.v1.Namespace(
                f"{name}-space", metadata={"name": "shop"}, opts=pulumi.ResourceOptions(provider=provider)
            )

    assert refused(program) == []


def test_refusals_are_collected_over_the_whole_program() -> None:
    def program() -> None:
        vpc = aws.ec2.Vpc("main", cidr_block="10.0.0.0/8")
        aws.ec2.Subnet("a", vpc_id=vpc.id, cidr_block="172.16.0.0/20")
        aws.sqs.Queue("q", delay_seconds=1000)

    with pytest.raises(CloudRefused) as caught:
        simulate(program)
    assert isinstance(caught.value, ProblemsFound)
    assert {(each.urn.split("::")[-1], each.path) for each in caught.value.refusals} == {
        ("main", "cidrBlock"),
        ("a", "cidrBlock"),
        ("q", "delaySeconds"),
    }
    told = str(caught.value)
    assert told.startswith("3 problems\nurn:pulumi:dev::shop::aws:ec2/vpc:Vpc::main: cidrBlock is '10.0.0.0/8'")
    assert "expected: a network of /16 to /28 (VPC user guide, VPC CIDR blocks)" in told
    assert "to do:    /8 is too large" in told


def test_two_resources_with_one_urn_are_refused() -> None:
    def program() -> None:
        aws.sqs.Queue("q")
        aws.sqs.Queue("q")

    (told,) = refused(program)
    assert "a name that no resource of this type under the same parent has" in told.expected


def test_what_only_an_engine_can_do_is_refused() -> None:
    def program() -> None:
        aws.sqs.Queue("q", opts=pulumi.ResourceOptions(transforms=[lambda _: None]))

    assert any("run in the engine only" in each.expected for each in refused(program))


def test_types_of_other_providers_are_refused() -> None:
    def program() -> None:
        pulumi.CustomResource("gcp:storage/bucket:Bucket", "b", {})

    (told,) = refused(program)
    assert "a type of the aws, kubernetes or random SDK" in told.expected


def test_a_question_that_the_account_cannot_answer_is_a_refusal() -> None:
    def program() -> None:
        aws.ec2.get_ami(most_recent=True)

    with pytest.raises(CloudRefused, match="getAmi"):
        simulate(program)


def test_hosted_zones_are_those_that_are_said_to_be() -> None:
    def program() -> None:
        pulumi.export("zone", aws.route53.get_zone(name="example.com").zone_id)

    assert simulate(program).outputs["zone"].startswith("Z")
    assert simulate(program, hosted_zones=["example.com."]).outputs["zone"].startswith("Z")
    with pytest.raises(CloudRefused, match=r"no hosted zone is named example\.com; there are example\.org"):
        simulate(program, hosted_zones=["example.org"])


def existing() -> None:
    aws.ec2.Subnet("a", vpc_id="vpc-0123456789abcdef0", cidr_block="10.0.0.0/20")


def test_what_exists_before_may_be_named() -> None:
    assert [each.path for each in refused(existing)] == ["vpcId"]
    assert refused(existing, given=["vpc-0123456789abcdef0"]) == []
    assert refused(existing, config={"shop:existing": '{"vpc_id": "vpc-0123456789abcdef0"}'}) == []


def test_identifiers_are_found_in_configuration() -> None:
    text = '{"vpc": "vpc-0123456789abcdef0", "role": "arn:aws:iam::123456789012:role/people", "other": "sg-xyz"}'
    assert identifiers_in(text) == {"vpc-0123456789abcdef0", "arn:aws:iam::123456789012:role/people"}


def test_a_part_alone_may_name_what_others_create() -> None:
    assert refused(existing, part=True) == []
    with parts_alone():
        assert refused(existing) == []
        assert [each.path for each in refused(existing, part=False)] == ["vpcId"]
    assert [each.path for each in refused(existing)] == ["vpcId"]


def test_a_part_alone_is_still_held_to_everything_else() -> None:
    def program() -> None:
        aws.ec2.Subnet("a", vpc_id="vpc-0123456789abcdef0", cidr_block="10.0.0.1/20")

    assert [each.path for each in refused(program, part=True)] == ["cidrBlock"]


def test_progress_is_told_resource_by_resource() -> None:
    names: list[str] = []
    simulation: Simulation = simulate(network, progress=lambda resource: names.append(resource.name))
    assert names == [each.name for each in simulation.resources] == ["main", "a"]


def test_imported_resources_keep_their_id() -> None:
    def program() -> None:
        aws.ec2.Vpc("main", cidr_block="10.0.0.0/16", opts=pulumi.ResourceOptions(import_="vpc-0123456789abcdef0"))

    assert simulate(program).named("main").id == "vpc-0123456789abcdef0"


def test_what_is_looked_up_by_id_is_taken_to_exist() -> None:
    def program() -> None:
        vpc = aws.ec2.Vpc.get("main", "vpc-0123456789abcdef0")
        aws.ec2.Subnet("a", vpc_id=vpc.id, cidr_block="10.0.0.0/20")

    assert refused(program) == []


def test_programs_may_be_asynchronous() -> None:
    async def program() -> None:
        await asyncio.sleep(0)
        network()

    assert len(simulate(program).resources) == 2


def test_the_sdk_finds_places_in_the_source_again_afterwards() -> None:
    """An engine that runs in the same process shows them."""
    found = resources._get_stack_trace

    def ends() -> None:
        assert resources._get_stack_trace is not found
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        simulate(ends)
    assert resources._get_stack_trace is found
