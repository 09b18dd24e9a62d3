"""Upgrades are a path of deployments that work; what leaves the path is refused (d5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from groundplan.changes import ChangeSet, classify, recorded_after, window_passed
from groundplan.cli import upgrade
from groundplan.cli._facts import simulated
from groundplan.cloud.model import Resource
from groundplan.stack.configuration import read_stack_file
from groundplan.stack.environment import Environment
from groundplan.stack.remembered import Remembered, deployed
from groundplan.stack.versions import KUBERNETES, POSTGRES, Step, upgrade_steps, versions
from infra.tests.program.graphs import few
from infra.tests.samples import ROOT, shop, stack

PRIMARY, GROUP = "db-order-primary", "db-order-parameters"


def memory(resources: Sequence[Resource]) -> Remembered:
    state = [{"urn": r.urn, "type": r.type, "id": r.id, "inputs": r.inputs, "outputs": r.outputs} for r in resources]
    return deployed(state, [*shop().services, "shared"])


class Life:
    """One stack, deployed step by step with what it remembers."""

    def __init__(self, name: str, **settings: Any) -> None:
        self.system = few("order", "payment")
        self.environment = stack(name).model_copy(update=settings)
        self.resources: Sequence[Resource] = ()

    def deploy(self, *, window_passes: bool = True, load: float = 0, **settings: Any) -> ChangeSet:
        if load:
            requirements = self.system.requirements.model_copy(update={"requests_per_second": load})
            self.system = self.system.model_copy(update={"requirements": requirements})
        self.environment = self.environment.model_copy(update={**settings, "remembered": memory(self.resources)})
        before = self.resources
        after = simulated(ROOT, self.system, self.environment, strict=False)
        found = classify(before, after.resources)
        # Of a fresh account's own refusals none is expected on the way.
        assert after.refusals == ()
        self.resources = after.resources if window_passes else recorded_after(before, after.resources, found)
        return found

    def windows_pass(self) -> None:
        self.resources = window_passed(self.resources)

    def of(self, name: str) -> Resource:
        return next(each for each in self.resources if each.name == name)

    def pods(self, workload: str) -> int:
        most: int = self.of(f"{workload}-scaling").inputs["spec"]["maxReplicas"]
        return most


def test_pods_wait_for_the_database_that_grows_in_its_window() -> None:
    """d4: one deployment would have raised them at once."""
    life = Life("prod")
    life.deploy()
    few_pods, small = life.pods("order-query"), life.of(PRIMARY).inputs["instanceClass"]
    first = life.deploy(window_passes=False, load=30_000)
    assert life.of(PRIMARY).inputs["instanceClass"] != small
    assert life.of(PRIMARY).outputs["instanceClass"] == small
    assert life.pods("order-query") == few_pods
    assert first.split == ()
    assert not [each for each in life.deploy(window_passes=False).changes if "Autoscaler" in each.type]
    life.windows_pass()
    then = life.deploy()
    assert life.pods("order-query") > few_pods
    assert then.split == ()


def test_replicas_wait_for_a_primary_that_shrinks() -> None:
    """d4: with fewer connections than its primary a standby stops."""
    life = Life("prod")
    life.deploy(load=30_000)
    large = life.of("db-order-replica-1").inputs["instanceClass"]
    first = life.deploy(window_passes=False, load=1_000)
    assert life.of(PRIMARY).inputs["instanceClass"] != large
    assert life.of("db-order-replica-1").inputs["instanceClass"] == large
    assert [each for each in first.split if "lowered" in each.why] == []
    life.windows_pass()
    life.deploy()
    assert life.of("db-order-replica-1").inputs["instanceClass"] != large


def test_postgres_rises_in_two_deployments_with_its_replicas() -> None:
    """The primary first; replicas are upgraded with it, and take the new parameter group afterwards."""
    life = Life("prod", postgres_version="16")
    life.deploy()
    first = life.deploy(window_passes=False, postgres_version="17")
    assert first.refusals == ()
    assert first.lost == ()
    primary = first.by_urn[life.of(PRIMARY).urn]
    assert {part.path: part.when for part in primary.parts}["engineVersion"] == "in the window"
    assert life.of(PRIMARY).inputs["allowMajorVersionUpgrade"] is True
    group16, group17 = life.of(f"{GROUP}-16"), life.of(f"{GROUP}-17")
    replica = life.of("db-order-replica-1")
    assert life.of(PRIMARY).inputs["parameterGroupName"] == group17.outputs["name"]
    assert replica.inputs["parameterGroupName"] == group16.outputs["name"]

    # Before the window, the same once more changes nothing.
    again = life.deploy(window_passes=False)
    assert not [each for each in again.changes if each.type.startswith("aws:rds/")]
    # After it, the next deployment ends the upgrade.
    life.windows_pass()
    last = life.deploy()
    assert last.refusals == ()
    moved = {each.name for each in last.of("update") if each.type == "aws:rds/instance:Instance"}
    assert {"db-order-replica-1", "db-order-replica-2", PRIMARY} <= moved
    assert f"{GROUP}-16" in {each.name for each in last.of("delete")}
    assert life.of(PRIMARY).inputs["allowMajorVersionUpgrade"] is False


def test_all_at_once_is_refused() -> None:
    """As the program was: the replicas share the group, and nothing allows the upgrade (d5)."""
    system = few("order", "payment")
    old = simulated(ROOT, system, stack("prod").model_copy(update={"postgres_version": "16"}))
    new = simulated(ROOT, system, stack("prod"))
    found = classify(old.resources, new.resources)
    paths = {(refusal.urn.rpartition("::")[2], refusal.path) for refusal in found.refusals}
    assert (PRIMARY, "allowMajorVersionUpgrade") in paths
    assert ("db-order-replica-1", "parameterGroupName") in paths


def test_a_group_without_a_version_in_its_name_is_the_running_ones() -> None:
    """Stacks from before have it: nothing is replaced."""
    life = Life("prod")
    life.deploy()

    def before(resource: Resource) -> Resource:
        urn = resource.urn.removesuffix("-17")
        return replace(resource, urn=urn, name=resource.name.removesuffix("-17")) if urn != resource.urn else resource

    life.resources = tuple(before(each) for each in life.resources)
    assert f"{GROUP}" in {each.name for each in life.resources}
    found = life.deploy()
    assert [each for each in found.changes if each.type == "aws:rds/parameterGroup:ParameterGroup"] == []


def running(name: str = "prod", kubernetes: str = "1.33", postgres: int = 16) -> Environment:
    databases = {"order": {"storage_gb": 100, "max_storage_gb": 200, "postgres_version": postgres}}
    told = Remembered.model_validate({"databases": databases, "kubernetes_version": kubernetes})
    return stack(name).model_copy(update={"remembered": told})


def test_the_steps_rise_one_version_at_a_time() -> None:
    steps = upgrade_steps(running(postgres=15), {KUBERNETES: "1.35", POSTGRES: "17"})
    assert [(each.key, each.value) for each in steps if each.key] == [
        (KUBERNETES, "1.34"),
        (KUBERNETES, "1.35"),
        (POSTGRES, "16"),
        (POSTGRES, "17"),
    ]
    ends = [each for each in steps if not each.key]
    assert len(ends) == 2
    assert all("window" in each.after for each in ends)
    assert upgrade_steps(running(), {}) == []


def test_each_step_is_one_that_the_stack_file_accepts(write: Callable[..., Environment]) -> None:
    told = {"kubernetes_version": "1.33", "databases": {"order": _database(15)}}
    environment = write(told, kubernetes_version="1.33", postgres_version="15")
    values = {KUBERNETES: "1.33", POSTGRES: "15"}
    for step in upgrade_steps(environment, {KUBERNETES: "1.35", POSTGRES: "17"}):
        if not step.key:
            continue
        values[step.key] = step.value
        now = write(told, **values)
        assert {wanted for key, _, wanted in versions(now) if key == step.key} == {step.value}
        told = _after(told, step)


def _database(version: int) -> dict[str, Any]:
    return {"storage_gb": 100, "max_storage_gb": 200, "postgres_version": version}


def _after(told: dict[str, Any], step: Step) -> dict[str, Any]:
    if step.key == KUBERNETES:
        return {**told, "kubernetes_version": step.value}
    return {**told, "databases": {"order": _database(int(step.value))}}


@pytest.fixture
def write(tmp_path: Any) -> Callable[..., Environment]:
    """A stack's file that remembers ``told`` and says ``values``, read as commands read it."""
    import yaml

    def read(told: dict[str, Any], **values: Any) -> Environment:
        content = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())
        for key, value in {**values, "remembered": told}.items():
            content["config"][key if key == "aws:region" else f"shop:{key}"] = value
        path = tmp_path / "Pulumi.prod.yaml"
        path.write_text(yaml.safe_dump(content))
        return read_stack_file(path, shop())

    return read


DEPLOYED = {
    "region": "eu-central-1",
    "vpc_cidr": "10.0.0.0/16",
    "vpc_id": "vpc-0123456789abcdef0",
    "kubernetes_version": "1.34",
    "databases": {"order": _database(16)},
    "kafka": {"kind": "express", "brokers": 3},
}
BROUGHT = {
    "context": "own",
    "security_group_id": "sg-0123456789abcdef0",
    "vpc_id": "vpc-0fedcba9876543210",
    "private_subnet_ids": ["subnet-0000000000000000a", "subnet-0000000000000000b", "subnet-0000000000000000c"],
    "data_subnet_ids": ["subnet-0000000000000000d", "subnet-0000000000000000e", "subnet-0000000000000000f"],
    "vpc_cidr": "10.9.0.0/16",
    "cluster_name": "own",
}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"vpc_cidr": "10.77.0.0/16"}, "10.0.0.0/16: the stack is deployed there"),
        ({"aws:region": "eu-west-1"}, "eu-central-1: the stack is deployed there"),
        ({"kafka": "standard"}, "express, as the deployed cluster has"),
        ({"kubernetes_version": "1.33"}, "there is no way back"),
        ({"kubernetes_version": "1.36"}, "versions rise one at a time"),
        ({"kubernetes_version": "1.30"}, "there is no way back"),
        ({"postgres_version": "15"}, "there is no way back"),
        ({"existing_cluster": BROUGHT}, "in a network of its own"),
    ],
)
def test_what_can_not_be_changed_is_refused_by_what_is_deployed(
    write: Callable[..., Environment], values: dict[str, Any], says: str
) -> None:
    """d5, d6: by comparing with the stack, not by a comment in its file."""
    from groundplan.problems import ProblemsFound

    sound = {"kubernetes_version": "1.34", "postgres_version": "16"}
    write(DEPLOYED, **sound)
    with pytest.raises(ProblemsFound, match=says):
        write(DEPLOYED, **{**sound, **values})
    write({}, **{**sound, **values}) if "existing_cluster" not in values else None


@pytest.mark.parametrize("version", ["1.34", "1.35"])
def test_the_same_and_the_next_version_are_accepted(write: Callable[..., Environment], version: str) -> None:
    assert write(DEPLOYED, kubernetes_version=version, postgres_version="17").kubernetes_version == version


def test_the_command_lists_the_steps(
    tmp_path: Any,
    write: Callable[..., Environment],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(DEPLOYED, kubernetes_version="1.34", postgres_version="16")
    (tmp_path / "system.yaml").write_text((ROOT / "system.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    assert upgrade.main(["--stack", "prod"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "prod runs kubernetes 1.34, postgres 16."
    assert said[1].startswith("1. `pulumi config set shop:kubernetes_version 1.35 --stack prod`, then `make up")
    assert said[3].startswith("2. `pulumi config set shop:postgres_version 17 --stack prod`")
    assert said[5].startswith("3. after the maintenance window of the primaries: `make up STACK=prod`")
    assert upgrade.main(["--stack", "prod", "--postgres", "15"]) == 1
    assert "no way back" in capsys.readouterr().err
    assert upgrade.main(["--stack", "prod", "--kubernetes", "next"]) == 1
    assert "a version such as 1.35" in capsys.readouterr().err
