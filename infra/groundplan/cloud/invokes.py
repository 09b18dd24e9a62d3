"""What the account answers when the program asks rather than creates.

Source of the answers' fields: the result types of the functions in the pulumi-aws SDK.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from groundplan.cloud.item import ACCOUNT, PARTITION, Item
from groundplan.cloud.zones import zone_ids

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

Answer = Mapping[str, Any]
Function = Callable[["Cloud", Mapping[str, Any], str], Answer]


class Unanswered(Exception):
    """The account has no answer; the text says what was asked for and what there is."""


def answer(cloud: Cloud, function: str, arguments: Mapping[str, Any], region: str) -> Answer:
    """Raises Unanswered."""
    found = _FUNCTIONS.get(function)
    if found is None:
        raise Unanswered(f"the simulated account answers {', '.join(sorted(_FUNCTIONS))}")
    return found(cloud, arguments, region)


def _digest(*parts: object, digits: int = 17) -> str:
    return hashlib.sha256("#".join(map(str, parts)).encode()).hexdigest()[:digits]


def _zones(_: Cloud, arguments: Mapping[str, Any], region: str) -> Answer:
    ids = zone_ids(region)
    names = [f"{region}{letter}" for letter in "abcdef"[: len(ids)]]
    return {
        "id": region,
        "region": region,
        "names": names,
        "zoneIds": list(ids),
        "groupNames": [region],
        **arguments,
    }


def _identity(_: Cloud, __: Mapping[str, Any], ___: str) -> Answer:
    arn = f"arn:aws:iam::{ACCOUNT}:user/simulation"
    return {"id": ACCOUNT, "accountId": ACCOUNT, "arn": arn, "userId": "AIDASIMULATIONUSER"}


def _session(_: Cloud, arguments: Mapping[str, Any], __: str) -> Answer:
    """Of a principal that is no session, the provider gives the principal itself as the issuer."""
    arn = str(arguments["arn"])
    return {"id": arn, "arn": arn, "issuerArn": arn, "issuerId": "", "issuerName": "", "sessionName": ""}


def _region(_: Cloud, arguments: Mapping[str, Any], region: str) -> Answer:
    name = str(arguments.get("region") or arguments.get("name") or region)
    return {"id": name, "region": name, "name": name, "description": name, "endpoint": f"ec2.{name}.amazonaws.com"}


def _partition(_: Cloud, __: Mapping[str, Any], ___: str) -> Answer:
    return {"id": PARTITION, "partition": PARTITION, "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws"}


def _hosted_zone(cloud: Cloud, arguments: Mapping[str, Any], _: str) -> Answer:
    name = str(arguments.get("name") or "").rstrip(".")
    zone_id = arguments.get("zoneId")
    for zone in cloud.of("aws:route53/zone:Zone"):
        if zone.id == zone_id or str(zone.known("name") or "").rstrip(".") == name != "":
            return {**zone.outputs, "id": zone.id, "name": str(zone.known("name")), "zoneId": zone.id}
    if cloud.hosted_zones and name not in cloud.hosted_zones:
        raise Unanswered(f"no hosted zone is named {name}; there are {', '.join(sorted(cloud.hosted_zones))}")
    if not name:
        raise Unanswered(f"no hosted zone has the id {zone_id}")
    zone_id = f"Z{_digest('zone', name, digits=14).upper()}"
    _adopt(cloud, "aws:route53/zone:Zone", zone_id)
    return {
        "id": zone_id,
        "zoneId": zone_id,
        "name": name,
        "arn": f"arn:aws:route53:::hostedzone/{zone_id}",
        "nameServers": ["ns-11.awsdns-00.org", "ns-523.awsdns-01.org"],
        "primaryNameServer": "ns-11.awsdns-00.org",
        "privateZone": bool(arguments.get("privateZone")),
        "callerReference": "",
        "comment": "",
        "resourceRecordSetCount": 2,
        "tags": {},
        "vpcId": "",
        "linkedServicePrincipal": "",
        "linkedServiceDescription": "",
        "enableAcceleratedRecovery": False,
    }


# VPC user guide, "AWS-managed prefix lists": the maximum number of entries counts against a security group's rules.
_PREFIX_LISTS = {
    "com.amazonaws.global.cloudfront.origin-facing": 55,
    "com.amazonaws.{region}.s3": 1,
    "com.amazonaws.{region}.dynamodb": 1,
    "com.amazonaws.{region}.vpc-lattice": 10,
    "com.amazonaws.global.groundstation": 5,
    "com.amazonaws.{region}.route53-healthchecks": 25,
    "com.amazonaws.{region}.ec2-instance-connect": 2,
}


def _prefix_list(cloud: Cloud, arguments: Mapping[str, Any], region: str) -> Answer:
    names = {template.format(region=region): entries for template, entries in _PREFIX_LISTS.items()}
    name = arguments.get("name")
    for one in arguments.get("filters") or []:
        if isinstance(one, dict) and one.get("name") == "prefix-list-name":
            name = (one.get("values") or [None])[0]
    if name not in names:
        raise Unanswered(f"no prefix list is named {name}; AWS manages {', '.join(sorted(names))}")
    identifier = f"pl-{_digest(region, name, digits=8)}"
    _adopt(cloud, "aws:ec2/managedPrefixList:ManagedPrefixList", identifier)
    return {
        "id": identifier,
        "name": name,
        "arn": f"arn:aws:ec2:{region}:aws:prefix-list/{identifier}",
        "addressFamily": "IPv4",
        "maxEntries": names[name],
        "entries": [],
        "cidrBlocks": [],
        "ownerId": "AWS",
        "version": 1,
        "tags": {},
    }


def _policy_document(_: Cloud, arguments: Mapping[str, Any], __: str) -> Answer:
    statements = []
    for given in arguments.get("statements") or []:
        statement: dict[str, Any] = {"Effect": given.get("effect") or "Allow"}
        if given.get("sid"):
            statement["Sid"] = given["sid"]
        for name, key in (
            ("actions", "Action"),
            ("notActions", "NotAction"),
            ("resources", "Resource"),
            ("notResources", "NotResource"),
        ):
            if given.get(name):
                statement[key] = given[name][0] if len(given[name]) == 1 else given[name]
        for name, key in (("principals", "Principal"), ("notPrincipals", "NotPrincipal")):
            if given.get(name):
                statement[key] = {each["type"]: each["identifiers"] for each in given[name]}
        conditions: dict[str, dict[str, Any]] = {}
        for each in given.get("conditions") or []:
            conditions.setdefault(each["test"], {})[each["variable"]] = each["values"]
        if conditions:
            statement["Condition"] = conditions
        statements.append(statement)
    document = {"Version": arguments.get("version") or "2012-10-17", "Statement": statements}
    text = json.dumps(document, indent=2)
    return {
        **arguments,
        "id": _digest(text, digits=10),
        "json": text,
        "minifiedJson": json.dumps(document, separators=(",", ":")),
    }


def _secret(cloud: Cloud, arguments: Mapping[str, Any], _: str) -> Answer:
    asked = arguments.get("arn") or arguments.get("name") or arguments.get("secretId")
    found = cloud.find("aws:secretsmanager/secret:Secret", asked)
    if found is None:
        raise Unanswered(f"no secret is named {asked} in the simulated account")
    return {
        "id": found.id,
        "arn": found.arn,
        "name": found.physical_name,
        "kmsKeyId": found.known("kmsKeyId") or "",
        "tags": {},
    }


def _secret_version(cloud: Cloud, arguments: Mapping[str, Any], _: str) -> Answer:
    for version in cloud.where("aws:secretsmanager/secretVersion:SecretVersion", "secretId", arguments.get("secretId")):
        value = version.known("secretString") or ""
        return {
            "id": version.id,
            "arn": version.arn,
            "secretId": arguments["secretId"],
            "secretString": value,
            "versionId": version.uuid(),
        }
    raise Unanswered(f"the secret {arguments.get('secretId')} has no value in the simulated account")


def _cluster(cloud: Cloud, arguments: Mapping[str, Any], _: str) -> Answer:
    found = cloud.find("aws:eks/cluster:Cluster", arguments.get("name"))
    if found is None:
        raise Unanswered(f"no cluster is named {arguments.get('name')} in the simulated account")
    return {**found.outputs, "id": found.id}


def _cluster_token(_: Cloud, arguments: Mapping[str, Any], __: str) -> Answer:
    name = str(arguments.get("name"))
    return {"id": name, "name": name, "token": f"k8s-aws-v1.{_digest('token', name, digits=40)}"}


def _parameter(cloud: Cloud, arguments: Mapping[str, Any], region: str) -> Answer:
    name = str(arguments.get("name"))
    found = cloud.find("aws:ssm/parameter:Parameter", name)
    if found is not None:
        value = found.known("value") or ""
    elif name.startswith("/aws/service/"):
        value = f"simulated-{_digest(name, region, digits=12)}"
    else:
        raise Unanswered(f"no parameter is named {name} in the simulated account")
    return {
        "id": name,
        "name": name,
        "value": value,
        "insecureValue": value,
        "type": "String",
        "version": 1,
        "arn": f"arn:aws:ssm:{region}:{ACCOUNT}:parameter/{name.lstrip('/')}",
    }


def _adopt(cloud: Cloud, token: str, identifier: str) -> None:
    if not cloud.named(identifier):
        cloud.add(Item(f"given::{identifier}", token, identifier, "", {}, adopted=True, id=identifier))


_FUNCTIONS: dict[str, Function] = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": _zones,
    "aws:index/getCallerIdentity:getCallerIdentity": _identity,
    "aws:iam/getSessionContext:getSessionContext": _session,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getPartition:getPartition": _partition,
    "aws:route53/getZone:getZone": _hosted_zone,
    "aws:ec2/getManagedPrefixList:getManagedPrefixList": _prefix_list,
    "aws:ec2/getPrefixList:getPrefixList": _prefix_list,
    "aws:iam/getPolicyDocument:getPolicyDocument": _policy_document,
    "aws:secretsmanager/getSecret:getSecret": _secret,
    "aws:secretsmanager/getSecretVersion:getSecretVersion": _secret_version,
    "aws:eks/getCluster:getCluster": _cluster,
    "aws:eks/getClusterAuth:getClusterAuth": _cluster_token,
    "aws:ssm/getParameter:getParameter": _parameter,
}
