"""What a property may name: the types that it can refer to, and in which form.

Source of the table: the descriptions of the properties in the pulumi-aws SDK.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from groundplan.cloud.catalogue import kind_of
from groundplan.cloud.item import ACCOUNT, Item, leaves

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

IDENTIFIER = re.compile(
    r"^(vpc|subnet|sg|rtb|igw|eigw|nat|eipalloc|vpce|acl|fl|pcx|tgw|sgr|lt|eni|pl)-(?:[0-9a-f]{8}|[0-9a-f]{17})$"
)
OWN_ARN = re.compile(rf"^arn:aws[a-z-]*:([a-z0-9-]+):([a-z0-9-]*):{ACCOUNT}:(.+)$")
FOUNDATION = re.compile(rf"^arn:aws:iam::{ACCOUNT}:(role|policy)/delivery/")
"""Roles and policies that a project's foundation makes before any stack: they are under this path, and no stack's."""
_MANAGED_POLICY = re.compile(r"^arn:aws[a-z-]*:iam::aws:policy/(.+)$")

_VPC = "aws:ec2/vpc:Vpc"
_SUBNET = "aws:ec2/subnet:Subnet"
_SECURITY_GROUPS = ("aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
_ROUTE_TABLES = ("aws:ec2/routeTable:RouteTable", "aws:ec2/defaultRouteTable:DefaultRouteTable")
_KEYS = ("aws:kms/key:Key", "aws:kms/alias:Alias")
_ROLE = "aws:iam/role:Role"
_CERTIFICATE = "aws:acm/certificate:Certificate"
_API = "aws:apigateway/restApi:RestApi"
_TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"

PROPERTIES: dict[str, str | tuple[str, ...]] = {
    "vpcId": _VPC,
    "subnetId": _SUBNET,
    "subnetIds": _SUBNET,
    "subnets": _SUBNET,
    "clientSubnets": _SUBNET,
    "securityGroupId": _SECURITY_GROUPS,
    "securityGroupIds": _SECURITY_GROUPS,
    "securityGroups": _SECURITY_GROUPS,
    "vpcSecurityGroupIds": _SECURITY_GROUPS,
    "sourceSecurityGroupId": _SECURITY_GROUPS,
    "referencedSecurityGroupId": _SECURITY_GROUPS,
    "routeTableId": _ROUTE_TABLES,
    "routeTableIds": _ROUTE_TABLES,
    "natGatewayId": "aws:ec2/natGateway:NatGateway",
    "gatewayId": ("aws:ec2/internetGateway:InternetGateway", "aws:ec2/vpcEndpoint:VpcEndpoint"),
    "vpcEndpointId": ("aws:ec2/vpcEndpoint:VpcEndpoint", "aws:networkfirewall/firewall:Firewall"),
    "allocationId": "aws:ec2/eip:Eip",
    "networkAclId": "aws:ec2/networkAcl:NetworkAcl",
    "kmsKeyId": _KEYS,
    "kmsKeyArn": _KEYS,
    "kmsKey": _KEYS,
    "kmsMasterKeyId": _KEYS,
    "encryptionAtRestKmsKeyArn": _KEYS,
    "masterUserSecretKmsKeyId": _KEYS,
    "performanceInsightsKmsKeyId": _KEYS,
    "roleArn": _ROLE,
    "iamRoleArn": _ROLE,
    "executionRoleArn": _ROLE,
    "nodeRoleArn": _ROLE,
    "cloudwatchRoleArn": _ROLE,
    "targetRoleArn": _ROLE,
    "policyArn": "aws:iam/policy:Policy",
    "certificateArn": _CERTIFICATE,
    "regionalCertificateArn": _CERTIFICATE,
    "acmCertificateArn": _CERTIFICATE,
    "targetGroupArn": _TARGET_GROUP,
    "targetGroupARN": _TARGET_GROUP,
    "loadBalancerArn": "aws:lb/loadBalancer:LoadBalancer",
    "topicArn": "aws:sns/topic:Topic",
    "queueUrl": "aws:sqs/queue:Queue",
    "secretId": "aws:secretsmanager/secret:Secret",
    "secretArn": "aws:secretsmanager/secret:Secret",
    "clusterArn": "aws:msk/cluster:Cluster",
    "userPoolId": "aws:cognito/userPool:UserPool",
    "restApi": _API,
    "restApiId": _API,
    "webAclArn": "aws:wafv2/webAcl:WebAcl",
}

_ALLOWED_LITERALS = {
    "gatewayId": ("local",),
    "apiStages": (),
}
_GLOBAL_TYPES = ("aws:cloudfront/", "aws:route53/", "aws:iam/", "aws:s3/", "aws:backup/")
"""Services whose resources name things of any region."""


class Fault(NamedTuple):
    """One reference that does not hold."""

    path: str
    expected: str
    remedy: str
    source: str = ""
    absent: bool = False
    """What it names is not there, rather than wrong."""


@cache
def managed_policies() -> frozenset[str]:
    """AWS's own policies, path and name (AWS Managed Policy Reference Guide)."""
    text = (Path(__file__).parent / "managed_policies.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def faults(item: Item, cloud: Cloud) -> Iterator[Fault]:
    """Every value that names something that isn't there, is of another kind, or lives in another region."""
    if not item.type.startswith("aws:"):
        if item.type.startswith("kubernetes:"):
            for path, value in leaves(item.inputs, ""):
                if path.endswith("targetGroupARN"):
                    yield from _typed(item, cloud, path, value, (_TARGET_GROUP,))
        return
    kind = kind_of(item.type)
    for name, content in item.inputs.items():
        if name in ("tags", "tagsAll", "name", "description"):
            continue
        for path, value in leaves(content, name):
            yield from _fault(item, cloud, kind.references, path, value)


def _fault(item: Item, cloud: Cloud, own: object, path: str, value: str) -> Iterator[Fault]:
    if FOUNDATION.match(value):
        return
    types = types_for(own, path)
    managed = _MANAGED_POLICY.match(value)
    if managed is not None:
        if managed[1] not in managed_policies():
            yield Fault(
                path,
                "a policy that AWS manages",
                "look the name up; paths such as service-role/ belong to it",
                "AWS Managed Policy Reference Guide",
            )
    elif types:
        yield from _typed(item, cloud, path, value, types)
    elif IDENTIFIER.match(value) or OWN_ARN.match(value):
        yield from _present(cloud, path, value)


def types_for(own: object, path: str) -> tuple[str, ...]:
    """The types that a property may name, by a kind's own table or by the general one; empty: anything."""
    plain = re.sub(r"\[\d+\]", "", path)
    last = plain.rpartition(".")[2]
    table: dict[str, str | tuple[str, ...]] = own if isinstance(own, dict) else {}
    for key in (plain, ".".join(plain.split(".")[-2:]), last):
        if key in table:
            found = table[key]
            return (found,) if isinstance(found, str) else found
    found = PROPERTIES.get(last, ())
    return (found,) if isinstance(found, str) else found


def _typed(item: Item, cloud: Cloud, path: str, value: str, types: tuple[str, ...]) -> Iterator[Fault]:
    words = " or ".join(dict.fromkeys(_words(each) for each in types))
    last = re.sub(r"\[\d+\]", "", path).rpartition(".")[2]
    if value in _ALLOWED_LITERALS.get(last, ()) or (types == _KEYS and value.startswith("alias/aws/")):
        return
    if not value:
        yield Fault(path, f"{words}", "pass the resource's output; it is empty here")
        return
    needs_arn = last.lower().endswith(("arn", "arns"))
    if needs_arn and not value.startswith("arn:"):
        yield Fault(path, f"the ARN of {words}", "pass the output arn, not the id or name")
        return
    found = cloud.named(value)
    fitting = [each for each in found if each.type in types]
    if any(each.type == "given" for each in found):
        return  # named by the stack's configuration
    if not fitting:
        if found:
            yield Fault(path, f"{words}, not {_words(found[0].type)}", "pass the output of the right resource")
        elif value.startswith("arn:") and f":{ACCOUNT}:" not in value and value.count(":") >= 5 and value.split(":")[4]:
            return  # another account's: nothing can be known of it
        else:
            yield Fault(
                path,
                f"{words} that exists when this is created",
                "pass the other resource's output rather than text, so that Pulumi creates it first",
                absent=True,
            )
        return
    if not any(_reachable(item, each) for each in fitting):
        yield Fault(
            path,
            f"{words} in {item.place}; this one is in {fitting[0].place}",
            "create both in one region, or name the one of this region",
        )
    elif item.dependencies is not None and not any(cloud.depends(item, each) for each in fitting):
        yield Fault(
            path,
            f"a value taken from {fitting[0].urn}",
            "pass that resource's output, or add it to depends_on: as text it gives Pulumi no order",
            "Pulumi: dependencies follow outputs",
        )


def _reachable(item: Item, other: Item) -> bool:
    return (
        other.adopted
        or item.place == other.place
        or item.type.startswith((*_GLOBAL_TYPES, "kubernetes:"))
        or other.type.startswith(("aws:cloudfront/", "aws:route53/", "aws:iam/", "aws:s3/"))
    )


def _present(cloud: Cloud, path: str, value: str) -> Iterator[Fault]:
    if any(mark in value for mark in "*?$") or cloud.named(value):
        return
    arn = OWN_ARN.match(value)
    if arn is not None and arn[1] == "iam" and path.endswith(("principalArn", "Principal")):
        return  # people and roles that sign in need not be the program's
    if arn is not None and (arn[1] in ("sts",) or arn[3] == "root" or cloud.contains(value)):
        return
    yield Fault(
        path,
        "something that exists in the account when this is created",
        "pass the other resource's output rather than text, so that Pulumi creates it first",
        absent=True,
    )


def _words(token: str) -> str:
    """`a security group` of `aws:ec2/securityGroup:SecurityGroup`."""
    name = token.rpartition(":")[2]
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
    service = token.split(":")[1].partition("/")[0]
    article = "an" if words[0] in "aeiou" else "a"
    return f"{article} {words} ({service})"
