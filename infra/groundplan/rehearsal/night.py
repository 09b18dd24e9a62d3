"""The night a region is lost, rehearsed: the runbook's commands, executed one by one in one simulated account.

A command is known by its first words. What it needs has to be there, so a step that is left out, or comes too early, is
a surprise; what it does is done to the account.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from string import Template
from typing import Any

import yaml

from groundplan.capacity import plan
from groundplan.capacity.placement import SHARED
from groundplan.changes import classify
from groundplan.cloud import Simulation
from groundplan.cloud.item import ACCOUNT, Item
from groundplan.cloud.model import Resource
from groundplan.cloud.rules.databases import SNAPSHOT
from groundplan.cloud.rules.dns import RECORD
from groundplan.cloud.rules.edge import DISTRIBUTION
from groundplan.declaration.model import System
from groundplan.problems import ProblemsFound
from groundplan.recovery import times
from groundplan.recovery.copies import BUCKET, DATABASE, Copy, copies_of
from groundplan.recovery.losses import Loss, losses
from groundplan.recovery.runbook import STEPS, Step
from groundplan.recovery.stack_file import Point, changed_keys, recovered
from groundplan.rehearsal import growth
from groundplan.rehearsal.account import Account, Run
from groundplan.stack.configuration import KUBECONFIG, REGION, Secret, environment_from
from groundplan.stack.environment import Environment
from groundplan.stack.remembered import deployed

Simulated = Callable[[System, Environment], Simulation]
"""Runs the program of a system and an environment, whose name is the stack's, in a fresh account."""

_GLOBAL = ("aws:iam/", "aws:cloudfront/", "aws:route53/", "aws:budgets/", "random:")
"""What is in no region, and outlives one."""
_KEY = "aws:kms/key:Key"
_VAULT = "aws:backup/vault:Vault"
_ROLE = "aws:iam/role:Role"
_PROVIDER = "pulumi:providers:"
_NAMES = ("rebuilt", "again")
_MOST_ROUNDS = 5
"""Deployments until what waits for something else is done."""
_STORAGE = 20
_LOG = "event-log-store"
_REGIONS = ("eu-central-1", "eu-west-1", "us-east-1")
"""One of these three is neither the lost region nor the one of the copies."""


@dataclass(slots=True)
class Took:
    """One step, as it went."""

    step: Step
    said: str = ""
    created: int = 0
    changed: int = 0
    seconds: int = 0
    because: str = ""
    surprises: list[str] = field(default_factory=list)
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Back:
    """What was lost of one kind, and how much of it the new stack has: with its data where it is `restored`."""

    loss: Loss
    made: int
    with_data: int


class Night:
    """One stack whose region is lost, and the one that takes its place."""

    def __init__(
        self, system: System, environment: Environment, simulated: Simulated, given: Iterable[str] = ()
    ) -> None:
        self.system = system
        self.lost = environment
        self.name = _other_name(environment.name)
        self._simulated = simulated
        self._files = {environment.name: _written(environment, system)}
        old = Account(environment.region, given)
        self._accounts = {environment.name: old}
        self._cloud = old.cloud
        self._states = {environment.name}
        self._logged_in = environment.name
        self._foundations: set[tuple[str, str]] = set()
        self._templates = {"foundation/account.yaml", "foundation/state.yaml"}
        self._before: tuple[Resource, ...] = ()
        self._points: dict[str, Point] = {}
        self._buckets: dict[str, Copy] = {}
        self.copies: tuple[Copy, ...] = ()
        self.losses: tuple[Loss, ...] = ()
        self._took = Took(STEPS[0])

    @property
    def region(self) -> str | None:
        """Where the copies are; None: there are none."""
        return self.lost.backup_copy_region

    def play(self, begun: Callable[[str], None] = lambda _: None) -> Iterator[Took]:
        """Each step of the runbook; the region is lost after those that come before."""
        if self.region is None:
            self._up(self.lost.name)
            self._lose()
            if self._took.surprises:
                yield self._took
            return
        phase = STEPS[0].phase
        for step in STEPS:
            if step.phase != phase and phase == "Before":
                self._lose()
            phase = step.phase
            begun(step.title)
            yield self._take(step)

    def _take(self, step: Step) -> Took:
        took = self._took = Took(step)
        if (step.key == "log" and _LOG not in self._buckets) or (step.key == "domain" and self.lost.domain is None):
            took.skipped, took.said = True, "not of this stack"
            return took
        for command in step.commands:
            try:
                self.execute(command)
            except (ProblemsFound, _Missing) as reason:
                took.surprises.append(f"`{command}`: {reason}")
        return took

    def execute(self, command: str) -> None:
        """Does what a command of the runbook does. Raises ProblemsFound, and _Missing for what it lacks."""
        template = Template(command)
        text = template.substitute({name: self.variable(name) for name in template.get_identifiers()})
        words = shlex.split(text)
        for first, act in _COMMANDS.items():
            if tuple(words[: len(first)]) == first:
                act(self, words[len(first) :])
                return
        raise _Missing(f"a command that the rehearsal knows: {', '.join(' '.join(first) for first in _COMMANDS)}")

    def back(self) -> list[Back]:
        """What of each loss the new stack has."""
        account = self._accounts.get(self.name)
        state = list(account.state.values()) if account is not None else []
        lost = {each.urn: each for each in self._before}
        found = []
        for loss in self.losses:
            kinds = {(lost[urn].type, self._plain(lost[urn], self.lost.name)) for urn in loss.urns}
            made = [
                each
                for each in state
                if each.region == self.region and (each.type, self._plain(each, self.name)) in kinds
            ]
            with_data = [each for each in made if loss.fate == "restored" and self._filled(each)]
            found.append(Back(loss, len(made), len(with_data)))
        return found

    def _plain(self, resource: Resource, stack: str) -> str:
        """Its name without the stack's, which is another one in the other stack."""
        return resource.name.replace(f"{self.system.name}-{stack}", "")

    def _filled(self, resource: Resource) -> bool:
        if resource.type == DATABASE:
            return bool(resource.inputs.get("snapshotIdentifier"))
        return any(item.filled for item in self._cloud.of(resource.type) if item.urn == resource.urn)

    @property
    def before(self) -> tuple[Resource, ...]:
        """What the lost stack had when its region was lost."""
        return self._before

    def state_of(self, stack: str) -> Mapping[str, Resource]:
        """What the engine has recorded of a stack, by URN; nothing before its first deployment."""
        account = self._accounts.get(stack)
        return account.state if account is not None else {}

    @property
    def storage(self) -> Mapping[str, int]:
        """GiB of each restored database."""
        return {name: point.storage_gb for name, point in self._points.items()}

    # What happens to the account by itself

    def _back_up(self) -> None:
        """A day passes: everything that is selected is backed up and copied."""
        state = self._accounts[self.lost.name].state
        self.copies = copies_of(list(state.values()))
        for copy in self.copies:
            resource = state[copy.urn]
            vault = next(each for each in self._cloud.of(_VAULT) if each.physical_name == copy.vault)
            vault.filled = True
            if copy.type == BUCKET:
                self._buckets[copy.name] = copy
                continue
            name = f"awsbackup:copyjob-{copy.name}"
            storage = int(resource.inputs.get("allocatedStorage") or _STORAGE)
            version = str(resource.inputs.get("engineVersion") or "")
            holds = {"kmsKeyId": copy.kms_key_arn, "allocatedStorage": storage, "engineVersion": version}
            self._cloud.add(Item(f"copy::{name}", SNAPSHOT, name, copy.region, holds, adopted=True, id=name))
            arn = f"arn:aws:rds:{copy.region}:{ACCOUNT}:snapshot:{name}"
            self._points[copy.name] = Point(copy.name, arn, copy.kms_key_arn, storage, version.partition(".")[0])

    def _lose(self) -> None:
        """Everything in the region is gone, and so is what its clusters held."""
        account = self._accounts[self.lost.name]
        self._before = tuple(account.state.values())
        self.losses = losses(self._before, self.lost.region, self.copies)
        for item in list(self._cloud.items.values()):
            inside = item.place == self.lost.region or f".{self.lost.region}.eks." in item.place
            if inside and not item.type.startswith(_GLOBAL) and not item.adopted:
                self._cloud.remove(item)
        self._states.discard(self.lost.name)
        self._logged_in = ""

    # Commands

    def _set(self, words: list[str]) -> None:
        key, value, stack = words[0], words[1], _option(words, "--stack")
        self._files[stack] = recovered(self._file(stack), self.system.name, {_own(key): value}, f"The stack {stack}")
        self._environment(stack)

    def _make_up(self, words: list[str]) -> None:
        stack = _setting(words, "STACK")
        first = not self._before and stack == self.lost.name
        self._up(stack)
        if first:
            self._back_up()

    def _make_deliver(self, words: list[str]) -> None:
        stack = _setting(words, "STACK")
        environment = self._environment(stack)
        images = growth.images(self.system, environment.region, {})
        self._files[stack] = recovered(self._file(stack), self.system.name, {"images": images}, f"The stack {stack}")
        self._up(stack)
        self._took.seconds += times.IMAGES_SECONDS

    def _cloudformation(self, words: list[str]) -> None:
        template, region = _option(words, "--template-file"), _option(words, "--region")
        if template not in self._templates:
            raise _Missing(f"the file {template}")
        stack = _option(words, "--stack-name")
        self._foundations.add((stack, region))
        self._took.seconds += times.BY_HAND_SECONDS

    def _foundation(self, words: list[str]) -> None:
        stack = _option(words, "--stack")
        self._environment(stack)
        self._templates.add(f"foundation/pipeline.{stack}.json")

    def _login(self, words: list[str]) -> None:
        stack = words[0].removeprefix("s3://")
        if stack == f"{self.system.name}-{self.lost.name}":
            # Its region is back, and its state with it.
            self._states.add(self.lost.name)
            self._logged_in = self.lost.name
            return
        if (f"{stack}-state", self.region) not in self._foundations:
            raise _Missing(f"a state for {stack} in {self.region}: deploy foundation/state.yaml there")
        self._logged_in = stack.removeprefix(f"{self.system.name}-")

    def _init(self, words: list[str]) -> None:
        if self._logged_in != words[0]:
            raise _Missing(f"a log-in to the state of {words[0]}")
        self._states.add(words[0])
        self._took.seconds += times.BY_HAND_SECONDS

    def _recover(self, words: list[str]) -> None:
        lost, name = words[0], _option(words, "--as")
        if "--release-domain" in words:
            self._release(self._environment(lost).domain)
            self._took.seconds += times.BY_HAND_SECONDS
            return
        environment = self._environment(lost)
        assert environment.backup_copy_region is not None
        instances = [name for each in plan(self.system, environment).databases for name in each.instances]
        points = [self._points[each] for each in instances if each in self._points]
        keys = changed_keys(environment, name, environment.backup_copy_region, points, instances)
        text = recovered(self._file(lost), self.system.name, keys, f"In the place of {lost}")
        _read(text, name, self.system)
        self._took.said = f"a recovery point for {len(points)} of {len(instances)} databases"
        if len(points) < len(instances):
            self._took.surprises.append(f"{len(instances) - len(points)} databases have no copy, and would begin empty")
        if "--dry-run" not in words:
            self._files[name] = text
            self._took.seconds += times.BY_HAND_SECONDS

    def _release(self, domain: str | None) -> None:
        """Takes the domain from the lost stack's distribution, and deletes the records of its name and its API's."""
        lost = self._accounts[self.lost.name]
        names = {domain, f"api.{domain}"}
        for item in list(self._cloud.items.values()):
            if item.urn not in lost.state:
                continue
            if item.type == DISTRIBUTION:
                item.inputs["aliases"] = [alias for alias in item.each("aliases") if alias != domain]
            elif item.type == RECORD and str(item.known("name")).rstrip(".") in names and item.get("aliases"):
                self._cloud.remove(item)

    def _restore_job(self, words: list[str]) -> None:
        point, role = _option(words, "--recovery-point-arn"), _option(words, "--iam-role-arn")
        if point not in {_point_of(copy) for copy in self._buckets.values()}:
            raise _Missing(f"the recovery point {point}")
        if self._cloud.find(_ROLE, role) is None:
            raise _Missing(f"the role {role}")
        metadata = dict(each.split("=", 1) for each in _option(words, "--metadata").split(","))
        name = metadata["DestinationBucketName"]
        made = Item(
            f"restored::{name}", BUCKET, name, _option(words, "--region"), {"bucket": name}, filled=True, id=name
        )
        made.physical_name = name
        self._cloud.add(made)

    def _sync(self, words: list[str]) -> None:
        source, target = (each.removeprefix("s3://").partition("/")[0] for each in words[:2])
        there, log = self._cloud.find(BUCKET, source), self._cloud.find(BUCKET, target)
        if there is None or not there.filled:
            raise _Missing(f"objects in the bucket {source}")
        if log is None:
            raise _Missing(f"the bucket {target}")
        log.filled = True

    def _destroy(self, words: list[str]) -> None:
        """The lost stack goes; what restored databases are encrypted with must not."""
        if self._logged_in != words[0]:
            raise _Missing(f"a log-in to the state of {words[0]}")
        account = self._accounts[words[0]]
        account.lift_protection(
            urn for urn, each in account.state.items() if each.custom and not each.type.startswith(_PROVIDER)
        )
        run = account.deploy(())
        refused = [each for each in run.errors if "to be empty" not in each]
        self._took.surprises += refused
        keys = {str(each.arn) for each in self._cloud.of(_KEY)}
        for resource in self._accounts[self.name].state.values():
            if resource.type == DATABASE and not resource.inputs.get("replicateSourceDb"):
                key = resource.inputs.get("kmsKeyId")
                if key not in keys:
                    self._took.surprises.append(f"{resource.name}: its key {key} went with the lost stack")
        self._took.said = "the key of the copies stays"

    # Deployments

    def _up(self, stack: str) -> None:
        if stack not in self._states:
            raise _Missing(f"a state of {stack}: `pulumi stack init {stack}`")
        environment = self._environment(stack)
        account = self._accounts.get(stack)
        if account is None:
            if ("account-foundation", environment.region) not in self._foundations:
                raise _Missing(
                    f"what the account has one of in {environment.region}: deploy foundation/account.yaml there"
                )
            if (f"{self.system.name}-{stack}-pipeline", environment.region) not in self._foundations:
                raise _Missing(f"the roles of {stack}: deploy foundation/pipeline.{stack}.json")
            account = self._accounts[stack] = Account(environment.region)
            account.cloud = self._cloud
        memory = deployed(_as_state(account.state.values()), [*self.system.services, SHARED])
        environment = environment.model_copy(update={"remembered": memory})
        program = self._simulated(self.system, environment)
        announced = classify(account.state.values(), program.resources)
        account.lift_protection(each.urn for each in announced.protected)
        run = self._until_done(account, program.resources)
        took = self._took
        took.surprises += [str(refusal) for refusal in program.refusals]
        took.surprises += run.errors
        took.surprises += [f"{each.name} would be lost" for each in announced.lost]
        made = {each.urn for each in announced.changes if each.operation in ("create", "replace")}
        took.surprises += [
            f"{each.name} would be replaced"
            for each in announced.changes
            if each.operation == "replace" and each.type == DATABASE
        ]
        length = times.deployment(program.resources, made)
        if length.seconds >= took.seconds:
            took.because = length.because
        took.seconds += length.seconds
        own = [each for each in announced.changes if each.type.startswith(("aws:", "kubernetes:", "random:"))]
        took.created += sum(1 for each in own if each.operation in ("create", "replace"))
        took.changed += sum(1 for each in own if each.operation == "update")
        took.said = f"{took.created} created or replaced, {took.changed} changed"

    def _until_done(self, account: Account, resources: Sequence[Resource]) -> Run:
        run = account.deploy(resources)
        for _ in range(_MOST_ROUNDS):
            if not run.errors:
                break
            before = run.errors
            run = account.deploy(resources)
            if run.errors == before:
                break
        return run

    def _environment(self, stack: str) -> Environment:
        return _read(self._file(stack), stack, self.system)

    def _file(self, stack: str) -> str:
        if stack not in self._files:
            raise _Missing(f"the file Pulumi.{stack}.yaml: `groundplan recover` writes it")
        return self._files[stack]

    def variable(self, name: str) -> str:
        """The value that a person gives a variable of the runbook. Raises KeyError for an unknown one."""
        return {
            "SYSTEM": lambda: self.system.name,
            "LOST": lambda: self.lost.name,
            "NEW": lambda: self.name,
            "REGION": lambda: str(self.region),
            "DOMAIN": lambda: str(self.lost.domain),
            "LOST_BACKEND_URL": lambda: f"s3://{self.system.name}-{self.lost.name}",
            "BACKEND_URL": lambda: f"s3://{self.system.name}-{self.name}",
            "SECRETS_PROVIDER": lambda: f"awskms://alias/{self.system.name}-{self.name}-pulumi",
            "LOG_COPY": lambda: _point_of(self._buckets[_LOG]),
            "LOG_RESTORED": lambda: f"{self.system.name}-{self.name}-log-restored",
            "LOG": lambda: self._of_new(BUCKET, _LOG).id,
            "RESTORE_ROLE": lambda: str(self._of_new(_ROLE, "bucket-restores").outputs.get("arn")),
            "NEXT": lambda: next(each for each in _REGIONS if each not in (self.lost.region, self.region)),
        }[name]()

    def _of_new(self, token: str, part: str) -> Resource:
        """Of the new stack, the resource of a type whose name holds a part."""
        account = self._accounts.get(self.name)
        state = account.state.values() if account is not None else ()
        found = next((each for each in state if each.type == token and part in each.name), None)
        if found is None:
            raise _Missing(f"{part}, of the stack {self.name}")
        return found


class _Missing(Exception):
    """What a command needs, and isn't there."""


_COMMANDS: Mapping[tuple[str, ...], Callable[[Night, list[str]], None]] = {
    ("aws", "backup", "start-restore-job"): Night._restore_job,
    ("aws", "cloudformation", "deploy"): Night._cloudformation,
    ("aws", "s3", "sync"): Night._sync,
    ("groundplan", "destroy"): Night._destroy,
    ("groundplan", "foundation"): Night._foundation,
    ("groundplan", "recover"): Night._recover,
    ("make", "deliver"): Night._make_deliver,
    ("make", "up"): Night._make_up,
    ("pulumi", "config", "set"): Night._set,
    ("pulumi", "login"): Night._login,
    ("pulumi", "stack", "init"): Night._init,
}
"""Commands by their first words."""


def _other_name(stack: str) -> str:
    return next(name for name in _NAMES if not stack.startswith(name))


def _written(environment: Environment, system: System) -> str:
    """The environment as a stack file."""
    values = environment.model_dump(mode="json", exclude_unset=True, exclude={"name", "region"})
    config = {REGION: environment.region, **{f"{system.name}:{key}": value for key, value in values.items()}}
    if environment.existing_cluster is not None:
        config[f"{system.name}:{KUBECONFIG}"] = {"secure": "stand-in"}
    return yaml.safe_dump({"config": config}, sort_keys=False)


def _read(text: str, stack: str, system: System) -> Environment:
    """The environment of a stack file. Raises ProblemsFound."""
    config: dict[str, Any] = yaml.safe_load(text)["config"]
    secret = f"{system.name}:{KUBECONFIG}"
    values = {key: Secret.VALUE if key == secret else value for key, value in config.items()}
    return environment_from(values, stack, system, f"Pulumi.{stack}.yaml")


def _own(key: str) -> str:
    return key.rpartition(":")[2]


def _option(words: Sequence[str], name: str) -> str:
    """The word after an option. Raises _Missing."""
    if name not in words[:-1]:
        raise _Missing(f"the option {name}")
    return words[words.index(name) + 1]


def _setting(words: Sequence[str], name: str) -> str:
    """The value of `NAME=value`. Raises _Missing."""
    found = next((each for each in words if each.startswith(f"{name}=")), None)
    if found is None:
        raise _Missing(f"{name}=…")
    return found.partition("=")[2]


def _point_of(copy: Copy) -> str:
    return f"arn:aws:backup:{copy.region}:{ACCOUNT}:recovery-point:{copy.name}"


def _as_state(resources: Iterable[Resource]) -> Iterator[dict[str, Any]]:
    for each in resources:
        yield {"urn": each.urn, "type": each.type, "id": each.id, "inputs": each.inputs, "outputs": each.outputs}
