"""What the AWS CLI tells of a simulated account: as much as `groundplan repair` asks for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from groundplan.cli._account import BRANDING, SUBSCRIPTION, TARGET
from groundplan.cloud.catalogue import kind_of, render
from groundplan.cloud.item import Item
from groundplan.repair.listings import LISTINGS, Listing

ROLE = "aws:iam/role:Role"
_GLOBAL = "us-east-1"
"""Where AWS keeps what belongs to no region."""
_TAGS = {"Key=system": "system", "Key=environment": "environment"}


class AwsCli:
    """Stands in for `groundplan.cli._account.ask_aws`. ``things`` tells what the account has now."""

    def __init__(self, things: Callable[[], Iterable[Item]]) -> None:
        self._things = things
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, project: Path, *arguments: str, absent: str = "") -> dict[str, Any]:
        del project, absent
        self.asked.append(arguments)
        options = dict(zip(arguments[2::2], arguments[3::2], strict=False))
        answers: Mapping[str, Callable[[], dict[str, Any]]] = {
            "get-resources": lambda: self._tagged(arguments, options["--region"]),
            "list-roles": lambda: self._roles(options["--path-prefix"]),
            "list-subscriptions-by-topic": lambda: self._subscriptions(options["--topic-arn"]),
            "list-resources": lambda: self._listed(options),
            "get-resource": lambda: self._described(options),
            "list-targets-by-rule": lambda: self._targets(options["--rule"]),
            "describe-managed-login-branding-by-client": lambda: self._branding(options),
            "delete-resource": lambda: {"ProgressEvent": {"RequestToken": "token-1", "OperationStatus": "IN_PROGRESS"}},
            "wait": dict,
        }
        return answers[arguments[1]]()

    def _of(self, token: str) -> Iterator[Item]:
        return (item for item in self._things() if item.type == token and not item.adopted)

    def _tagged(self, arguments: tuple[str, ...], region: str) -> dict[str, Any]:
        """IAM's roles, and what belongs to no region but where this service keeps it, are elsewhere."""
        wanted = {
            _TAGS[key]: value.removeprefix("Values=")
            for key, _, value in (each.partition(",") for each in arguments)
            if key in _TAGS
        }
        found = []
        for item in self._things():
            tags = item.outputs.get("tagsAll") or {}
            arn = self._arn(item)
            if item.type == ROLE or item.adopted or not arn or {key: tags.get(key) for key in wanted} != wanted:
                continue
            if (arn.split(":")[3] or _GLOBAL) == region or arn.startswith("arn:aws:s3:::"):
                told = [{"Key": key, "Value": value} for key, value in tags.items()]
                found.append({"ResourceARN": arn, "Tags": told})
        return {"ResourceTagMappingList": found}

    @staticmethod
    def _arn(item: Item) -> str:
        kind = kind_of(item.type)
        return item.arn or (render(kind.form, item) if kind.form else "")

    def _roles(self, path: str) -> dict[str, Any]:
        roles = [item for item in self._of(ROLE) if str(item.outputs.get("path", "/")).startswith(path)]
        return {"Roles": [{"RoleName": item.id, "Arn": item.arn} for item in roles]}

    def _subscriptions(self, topic: str) -> dict[str, Any]:
        found = [item for item in self._of(SUBSCRIPTION) if item.inputs.get("topic") == topic]
        return {
            "Subscriptions": [{"SubscriptionArn": item.id, "Endpoint": item.inputs.get("endpoint")} for item in found]
        }

    def _listed(self, options: Mapping[str, str]) -> dict[str, Any]:
        model = json.loads(options.get("--resource-model", "{}"))
        found = []
        for item, listing in self._of_type(options["--type-name"]):
            properties = _properties(item, listing)
            place = _GLOBAL if item.type.startswith("aws:cloudfront/") else item.place
            if place == options["--region"] and {key: properties.get(key) for key in model} == model:
                found.append({"Identifier": item.id})
        return {"ResourceDescriptions": found}

    def _described(self, options: Mapping[str, str]) -> dict[str, Any]:
        for item, listing in self._of_type(options["--type-name"]):
            if item.id == options["--identifier"]:
                return {"ResourceDescription": {"Properties": json.dumps(_properties(item, listing))}}
        raise LookupError(options)

    def _of_type(self, name: str) -> Iterator[tuple[Item, Listing]]:
        for token, listing in LISTINGS.items():
            if listing.type == name:
                yield from ((item, listing) for item in self._of(token))

    def _targets(self, rule: str) -> dict[str, Any]:
        found = [item for item in self._of(TARGET) if item.inputs.get("rule") == rule]
        return {"Targets": [{"Id": item.outputs["targetId"], "Arn": item.inputs["arn"]} for item in found]}

    def _branding(self, options: Mapping[str, str]) -> dict[str, Any]:
        asked = (options["--user-pool-id"], options["--client-id"])
        for item in self._of(BRANDING):
            if (item.inputs["userPoolId"], item.inputs["clientId"]) == asked:
                return {"ManagedLoginBranding": {"ManagedLoginBrandingId": item.id.rpartition(",")[2]}}
        return {}


def _properties(item: Item, listing: Listing) -> dict[str, Any]:
    """As Cloud Control describes it, of what a listing reads."""
    properties: dict[str, Any] = {}
    values = {**item.outputs, **item.inputs}
    for name, given in {**listing.same, **listing.parents}.items():
        value, inside = values.get(given), properties
        if value is None:
            continue
        *path, last = name.split(".")
        for step in path:
            inside = inside.setdefault(step, {})
        inside[last] = value
    return {**properties, listing.id: item.id}
