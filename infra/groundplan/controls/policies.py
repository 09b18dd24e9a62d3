"""Controls as a Pulumi policy pack: the same verdicts where the engine runs, before or after a deployment.

`policy_pack/` beside this package is the pack's folder: `pulumi up --policy-pack "$(groundplan check --policy-pack)"`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    PolicyResource,
    ReportViolation,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from groundplan.cloud.model import Resource
from groundplan.controls import CONTROLS, CapturedProgram, Control
from groundplan.declaration.model import System
from groundplan.stack.environment import Environment

NAME = "groundplan"
Told = Callable[[str], tuple[System, Environment]]
"""What a stack of this name was told to declare."""


def serve(told: Told) -> None:
    """What the pack's `__main__.py` calls: the engine asks it over gRPC until the deployment ends."""
    PolicyPack(name=NAME, policies=[*policies(told)], enforcement_level=EnforcementLevel.MANDATORY)


def policies(told: Told) -> list[StackValidationPolicy]:
    """One policy for each requirement, of all its controls: the engine sends every resource anew to each policy."""
    requirements = dict.fromkeys(control.requirement for control in carried())
    captured = _Captured(told)
    return [_policy(requirement, captured) for requirement in requirements]


def carried() -> list[Control]:
    """The controls that a policy can judge. The others say why not (`Control.not_in_policies`)."""
    return [control for control in CONTROLS.values() if not control.not_in_policies]


class _Captured:
    """The program behind the resources that were last asked for: policies that are given the same share it."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._last: tuple[Sequence[PolicyResource], CapturedProgram | None] | None = None

    def of(self, resources: Sequence[PolicyResource]) -> CapturedProgram | None:
        if self._last is None or self._last[0] is not resources:
            self._last = (resources, capture(resources, self._told))
        return self._last[1]


def _policy(requirement: str, captured: _Captured) -> StackValidationPolicy:
    controls = [control for control in carried() if control.requirement == requirement]

    def validate(args: StackValidationArgs, report_violation: ReportViolation) -> None:
        program = captured.of(args.resources)
        if program is None:
            return
        for control in controls:
            try:
                verdict = control.assess(program)
            except UnknownValueError:
                # In a preview what the cloud has yet to name is unknown: the same control judges it in the update.
                continue
            for finding in verdict.findings:
                report_violation(str(finding), finding.urn)

    return StackValidationPolicy(
        name=requirement.lower(),
        description="; ".join(control.title for control in controls),
        validate=validate,
    )


def capture(resources: Sequence[PolicyResource], told: Told) -> CapturedProgram | None:
    """The program behind a stack's resources; None for a stack without any."""
    found = [each for each in resources if each.resource_type != "pulumi:pulumi:Stack"]
    if not found:
        return None
    stack = found[0].urn.split("::")[0].removeprefix("urn:pulumi:")
    system, environment = told(stack)
    return CapturedProgram(system, environment, tuple(map(_resource, found)), {})


def _resource(each: PolicyResource) -> Resource:
    return cast("Resource", _Seen(each))


class _Seen:
    """A resource of the engine, as controls read it. In a preview, what is unknown raises where it is looked at."""

    def __init__(self, seen: PolicyResource) -> None:
        self._provider = seen.provider
        self.urn = seen.urn
        self.type = seen.resource_type
        self.name = seen.name
        self.inputs = self.outputs = _Properties(seen.props)
        self.parent = seen.parent.urn if seen.parent else ""
        self.protect = bool(seen.opts.protect)
        self.delete_before_replace = bool(seen.opts.delete_before_replace)

    @property
    def id(self) -> str:
        return str(self.outputs.get("id", ""))

    @property
    def region(self) -> str:
        region = self.outputs.get("region")
        if not region and self._provider is not None:
            region = self._provider.props.get("region")
        return str(region or "")

    def is_secret(self, _: str) -> bool:
        """Marks don't reach policies; findings keep values to themselves whose paths speak of secrets."""
        return False


class _Properties(Mapping[str, Any]):
    """Properties as plain values, each made when it is first looked at."""

    def __init__(self, seen: Mapping[str, Any]) -> None:
        self._seen = seen
        self._plain: dict[str, Any] = {}

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401  any property
        if key not in self._plain:
            self._plain[key] = _plain(self._seen[key])
        return self._plain[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Lists and mappings of their own kinds; whole numbers, which arrive as floats, as integers."""
    if isinstance(value, Mapping):
        return {key: _plain(value[key]) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_plain(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
