"""A stack's context: declaration, environment, plan, providers, keys and alarm topic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import pulumi
import pulumi_aws as aws

from groundplan.capacity import Plan, check_limits, check_shards, plan
from groundplan.declaration.model import System
from groundplan.problems import Problem, ProblemsFound
from groundplan.program.definition import check_definition
from groundplan.program.identities import mark
from groundplan.program.own import Change, chosen
from groundplan.program.restored import check_restored
from groundplan.program.roots import check_roots
from groundplan.stack.environment import Environment
from groundplan.stack.scope import Scope
from groundplan_components.keys import Keys, KeysArgs
from groundplan_components.observability import AlarmTopic

_Component = TypeVar("_Component", bound=pulumi.ComponentResource)

# The only region of CloudFront's certificates and web ACLs.
EDGE_REGION = "us-east-1"


@dataclass(frozen=True)
class StackContext:
    """One stack of one system."""

    system: System
    environment: Environment
    plan: Plan
    region: pulumi.ProviderResource
    edge_region: pulumi.ProviderResource
    keys: Keys
    edge_keys: Keys
    """Keys in CloudFront's region, which may be the stack's own."""
    alarms: AlarmTopic
    changes: tuple[Change, ...] = ()
    """The owner's."""

    @classmethod
    def of(cls, system: System, environment: Environment, *changes: Change) -> StackContext:
        """Plans the stack, and declares its providers, keys and alarm topic.

        ``changes`` are the owner's (docs/own-program.md); of two that say the same the later one counts.

        Raises ProblemsFound when the declaration lacks shards that its data needs, or when AWS would refuse its size.
        """
        _refuse(check_shards(system))
        sized = plan(system, environment)
        _refuse(check_limits(sized, system, environment))
        _refuse(check_definition(system, sized))
        _refuse(check_roots(sized, environment, system))
        _refuse(check_restored(sized, environment, system))
        region, edge_region = _providers(system, environment)
        scope = Scope(system.name, environment.name)
        bounded = environment.repository is not None and not environment.delivery_role
        mark(scope, _in_account(region, f"policy/{scope.boundary}") if bounded else None)
        here = pulumi.ResourceOptions(providers=[region])
        purposes = ["alarms", "backups", "cluster", "data", "events", "logs", "secrets", "site"]
        of_keys: KeysArgs = {"purposes": purposes, "protect": environment.protect}
        if environment.backup_copy_account is not None:
            of_keys["copies_account"] = environment.backup_copy_account
        keys = chosen(changes, Keys)(f"{system.name}-{environment.name}", of_keys, here)
        alarms = chosen(changes, AlarmTopic)(
            "alarms", {"kms_key_arn": keys.arns["alarms"], "emails": environment.alarm_emails}, here
        )
        edge_keys = keys
        if environment.region != EDGE_REGION:
            edge_keys = chosen(changes, Keys)(
                f"{system.name}-{environment.name}-edge",
                {"purposes": ["alarms", "logs"], "region": EDGE_REGION, "protect": environment.protect},
                here,
            )
        return cls(system, environment, sized, region, edge_region, keys, edge_keys, alarms, changes)

    def component(self, component: type[_Component]) -> type[_Component]:
        """The component, or the owner's in its place; program parts make all of theirs by it."""
        return chosen(self.changes, component)

    @property
    def scope(self) -> str:
        """`shop-prod`: prefix of names that must be unique in an account."""
        return f"{self.system.name}-{self.environment.name}"

    def in_account(self, resource: str) -> pulumi.Output[str]:
        """The ARN of something of IAM in the stack's account, such as `role/<name>`."""
        return _in_account(self.region, resource)

    def foundation_role(self, who: Literal["pipeline", "administrators", "reader"]) -> pulumi.Output[str]:
        """A role that `foundation/pipeline.<stack>.json` makes; its ARN follows from the account."""
        return self.in_account(f"role/{getattr(Scope(self.system.name, self.environment.name), who)}")

    @property
    def api_domain(self) -> str | None:
        return f"api.{self.environment.domain}" if self.environment.domain else None

    def key(self, purpose: str) -> pulumi.Output[str]:
        return self.keys.arns[purpose]

    def edge_key(self, purpose: str) -> pulumi.Output[str]:
        return self.edge_keys.arns[purpose]

    def in_region(self) -> pulumi.ResourceOptions:
        """Options of resources in the stack's own region."""
        return pulumi.ResourceOptions(providers=[self.region])

    def at_edge(self) -> pulumi.ResourceOptions:
        """Options of resources that CloudFront uses."""
        return pulumi.ResourceOptions(providers=[self.edge_region])


def _in_account(region: pulumi.ProviderResource, resource: str) -> pulumi.Output[str]:
    account = aws.get_caller_identity_output(opts=pulumi.InvokeOptions(provider=region)).account_id
    return pulumi.Output.concat("arn:aws:iam::", account, ":", resource)


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise ProblemsFound(problems)


def _providers(system: System, environment: Environment) -> tuple[aws.Provider, aws.Provider]:
    """The stack's own region and CloudFront's, with the tags of every resource."""
    tags = {"system": system.name, "environment": environment.name, "managed-by": "pulumi"}
    # Otherwise whichever account the credentials are of gets the stack.
    account = {"allowed_account_ids": [environment.account]} if environment.account else {}
    own, edge = (
        aws.Provider(name, region=region, default_tags={"tags": tags}, **account)
        for name, region in (("region", environment.region), ("edge-region", EDGE_REGION))
    )
    return own, edge
