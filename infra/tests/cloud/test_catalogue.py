"""The catalogue speaks of properties that the SDK has, and answers with what its classes promise."""

from __future__ import annotations

import re

import pytest

from groundplan.cloud.catalogue import catalogued
from groundplan.cloud.catalogue.kind import Kind
from groundplan.cloud.schema import _resource_class, schema_of

_KINDS = [kind for token, kind in sorted(catalogued().items()) if token.startswith(("aws:", "random:"))]
_FACTS = {"id", "name", "arn", "region", "account", "uuid", "partition"}


def _inputs(kind: Kind) -> set[str]:
    schema = schema_of(kind.type)
    assert schema is not None, f"no SDK has {kind.type}"
    return set(schema.properties)


def _outputs(kind: Kind) -> set[str]:
    resource = _resource_class(kind.type)
    getters = {name: value.fget for name, value in vars(resource).items() if isinstance(value, property)}
    return {getattr(getter, "_pulumi_name", name) for name, getter in getters.items()}


@pytest.mark.parametrize("kind", _KINDS, ids=lambda kind: kind.type)
def test_properties_are_the_sdks(kind: Kind) -> None:
    named = {path.partition(".")[0] for path in kind.replaces} - {"*"}
    named |= {kind.protection} - {""}
    named |= {kind.name.property} if kind.name is not None else set()
    if isinstance(kind.id, str):
        fields = re.findall(r"\{(\w+)\}", kind.id)
        named |= {each for each in fields if each not in _FACTS and re.fullmatch(r"hex\d+", each) is None}
    assert named <= _inputs(kind)


@pytest.mark.parametrize("kind", _KINDS, ids=lambda kind: kind.type)
def test_outputs_are_the_sdks(kind: Kind) -> None:
    assert set(kind.outputs) <= _outputs(kind)
    assert not kind.arn or "arn" in _outputs(kind)


def test_what_holds_data_is_known_to() -> None:
    stateful = {kind.type for kind in _KINDS if kind.stateful}
    assert {
        "aws:rds/instance:Instance",
        "aws:s3/bucket:Bucket",
        "aws:msk/cluster:Cluster",
        "aws:msk/topic:Topic",
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "aws:cognito/userPool:UserPool",
        "aws:kms/key:Key",
        "aws:sqs/queue:Queue",
        "aws:secretsmanager/secret:Secret",
        "aws:ecr/repository:Repository",
        "random:index/randomPassword:RandomPassword",
    } <= stateful
