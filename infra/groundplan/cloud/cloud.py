"""One simulated account: what exists in it, what it refuses to create, and what it answers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from groundplan.cloud import names, references, schema
from groundplan.cloud.catalogue import answer, kind_of
from groundplan.cloud.catalogue.imports import IMPORTS, filled
from groundplan.cloud.catalogue.kind import Kind
from groundplan.cloud.catalogue.kubernetes import kind_name
from groundplan.cloud.holders import Holding, held_already, own_holdings
from groundplan.cloud.item import ACCOUNT, Item, leaves, look_up, stack_of
from groundplan.cloud.refusals import Refusal, refusal_of
from groundplan.cloud.rules import check_item, check_whole
from groundplan.cloud.rules.custom import BROUGHT
from groundplan.cloud.wire import UNKNOWN

_DEFINITION = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"


class Cloud:
    """What exists, found by id, ARN, name or type.

    ``given`` are identifiers that the user says exist already (an existing cluster's network, say): they may be
    referred to, and nothing is known of them. With ``surroundings_assumed`` only a part of a program runs, and all that
    it refers to without creating it is taken to exist.
    """

    def __init__(
        self, given: Iterable[str] = (), zones: Iterable[str] = (), *, surroundings_assumed: bool = False
    ) -> None:
        self.surroundings_assumed = surroundings_assumed
        self.items: dict[str, Item] = {}
        self.refusals: list[Refusal] = []
        self.hosted_zones = frozenset(zone.rstrip(".") for zone in zones)
        """Names of the DNS zones that exist; when empty, any that is asked for."""
        self._by_type: dict[str, dict[str, Item]] = defaultdict(dict)
        self._handles: dict[str, list[Item]] = defaultdict(list)
        self._values: dict[tuple[str, str], dict[object, list[Item]]] = {}
        self._held: dict[Holding, list[Item]] = defaultdict(list)
        self._ancestors: dict[str, set[str]] = {}
        self.assume(given)

    def assume(self, given: Iterable[str]) -> None:
        """More identifiers that the user says exist."""
        for identifier in sorted(set(given)):
            if not self.named(identifier):
                self._adopt(identifier)

    def of(self, token: str) -> Sequence[Item]:
        """Everything of a type, in the order of creation."""
        return tuple(self._by_type.get(token, {}).values())

    def where(self, token: str, path: str, value: object) -> Sequence[Item]:
        """Everything of a type whose input at ``path`` is ``value``."""
        index = self._values.get((token, path))
        if index is None:
            index = self._values[(token, path)] = defaultdict(list)
            for item in self.of(token):
                _index(index, item, path)
        return tuple(index.get(value, ())) if isinstance(value, (str, int)) else ()

    def others(self, item: Item, path: str) -> Sequence[Item]:
        """Everything else of the item's type whose input at ``path`` is the item's, as far as that is known."""
        return [each for each in self.where(item.type, path, item.known(path)) if each.urn != item.urn]

    def named(self, handle: object) -> Sequence[Item]:
        """Everything that has this id, ARN or name."""
        return tuple(self._handles.get(handle, ())) if isinstance(handle, str) else ()

    def find(self, token: str | tuple[str, ...], handle: object) -> Item | None:
        """The thing of a type that has this id, ARN or name; None also for what was only named, never created here."""
        types = (token,) if isinstance(token, str) else token
        for item in self.named(handle):
            if item.type in types and not item.adopted:
                return item
        return None

    def referred(self, item: Item, path: str) -> Item | None:
        """What an item's property refers to."""
        types = references.types_for(kind_of(item.type).references, path)
        return self.find(types, item.known(path))

    def contains(self, arn: str) -> bool:
        """Whether an ARN names a part of something that exists (an object of a bucket, a stage of an API)."""
        ends = [index for index, character in enumerate(arn) if character in ":/"]
        return any(self._handles.get(arn[:end]) for end in reversed(ends))

    def depends(self, item: Item, other: Item) -> bool:
        """Whether ``other`` is there first: Pulumi creates it earlier, by any path, or another stack did."""
        if item.dependencies is None or other.adopted or stack_of(item.urn) != stack_of(other.urn):
            return True
        return other.urn in self.ancestors(item.urn)

    def ancestors(self, urn: str) -> set[str]:
        """The URNs that a resource waits for, directly or not."""
        return self._ancestors.get(urn, set())

    def order(self, urn: str, waits_for: Iterable[str]) -> None:
        """Note what a resource, component or provider is created after."""
        direct = set(waits_for) - {""}
        self._ancestors[urn] = direct.union(*(self.ancestors(each) for each in direct))

    def check(self, item: Item) -> list[Refusal]:
        """Everything that is wrong with one resource, given what exists."""
        found = [
            refusal_of(item, each.path, each.expected, each.remedy, f"pulumi_{item.type.split(':')[0]}", each.value)
            for each in _mismatches(item, self)
        ]
        for refused in names.faults(item, kind_of(item.type), self):
            found.append(refusal_of(item, *refused))
        for fault in references.faults(item, self):
            if not (fault.absent and self.surroundings_assumed):
                found.append(refusal_of(item, *fault[:4]))
        if not found:  # a rule may then rely on the shape of what it looks at
            found.extend(refusal_of(broken.item or item, *broken.words) for broken in check_item(item, self))
        return found

    def enter(self, item: Item) -> None:
        """Give the item its name, id and outputs, and let it exist."""
        kind = kind_of(item.type)
        if not item.physical_name:
            item.physical_name = names.physical_name(item, kind)
        self.identify(item, kind)
        self.add(item)

    def identify(self, item: Item, kind: Kind) -> None:
        """Compute id and outputs from the inputs."""
        item.outputs = {"arn": answer(kind.arn, item, self)} if kind.arn and "{id}" not in str(kind.arn) else {}
        if not item.id:
            item.id = str(answer(kind.id, item, self)) or item.hex(17)
        item.outputs = _outputs(item, kind, self)

    def add(self, item: Item) -> None:
        key = f"{item.urn}#{item.generation}"
        self.items[key] = item
        self._by_type[item.type][key] = item
        for handle in _handles(item):
            self._handles[handle].append(item)
        for holding in own_holdings(item):
            self._held[holding].append(item)
        for (token, path), index in self._values.items():
            if token == item.type:
                _index(index, item, path)
        self._add_implied(item)

    def _add_implied(self, item: Item) -> None:
        """What AWS makes along with a resource: a network's default group, a cluster's security group."""
        for path, token in _IMPLIED.get(item.type, ()):
            for _, identifier in leaves(look_up(item.outputs, path), path):
                if IMPLIED_FORM.match(identifier) and not self._handles.get(identifier):
                    made = Item(f"{item.urn}#{path}", token, item.name, item.place, {}, adopted=True, id=identifier)
                    self._handles[identifier].append(made)

    def remove(self, item: Item) -> None:
        key = f"{item.urn}#{item.generation}"
        del self.items[key]
        del self._by_type[item.type][key]
        for handle in _handles(item):
            self._handles[handle].remove(item)
        for holding in own_holdings(item):
            self._held[holding].remove(item)
        for path, _ in _IMPLIED.get(item.type, ()):
            for _, identifier in leaves(look_up(item.outputs, path), path):
                implied = f"{item.urn}#{path}"
                self._handles[identifier] = [each for each in self._handles[identifier] if each.urn != implied]
        self._values.clear()

    def admit(self, item: Item) -> list[Refusal]:
        """Everything for which an item would be refused; it gets its name here, but doesn't exist yet."""
        self.order(item.urn, item.dependencies or ())
        item.physical_name = names.physical_name(item, kind_of(item.type))
        return [*self.check(item), *self._overwriting(item), *self._held_already(item)]

    def create(self, item: Item, *, check: bool = True) -> list[Refusal]:
        """Admit and create. Refusals are collected and creation goes on, so that one run tells of all mistakes."""
        found = self.admit(item) if check else []
        self.enter(item)
        self.refusals.extend(found)
        return found

    def held(self, urn: str, token: str, identifier: str) -> Item | None:
        """What the engine means by an id: the newest of the type that has it, of this URN if one has."""
        found = [item for item in self.named(identifier) if item.type == token and item.id == identifier]
        found.sort(key=lambda item: (item.urn == urn, item.generation))
        return found[-1] if found else None

    def imported(self, token: str, identifier: str) -> Item | None:
        """What a type's importer means by an id that isn't the state's."""
        template = IMPORTS.get(token)
        if template is None:
            return None
        for item in self.of(token):
            values = {**item.outputs, **item.inputs, "id": item.id, "account": ACCOUNT, "region": item.place}
            if not item.adopted and filled(template, values) == identifier:
                return item
        return None

    def generation(self, urn: str) -> int:
        """One more than the newest that exists under a URN; of one whose maker was never told, its own."""
        newest = max(
            (item for item in self.items.values() if item.urn == urn), key=lambda item: item.generation, default=None
        )
        if newest is None:
            return 0
        return newest.generation if newest.unanswered else newest.generation + 1

    def unanswered(self, urn: str) -> Item | None:
        """What was made for a URN whose maker was never told."""
        return next((item for item in self.items.values() if item.urn == urn and item.unanswered), None)

    def planned(self, item: Item) -> dict[str, Any]:
        """An item's outputs as a preview tells them: what is not given stays unknown."""
        name = kind_of(item.type).name
        kept = {*item.inputs, "tagsAll", "region", *((name.property,) if name is not None else ())}
        return {key: value if key in kept else UNKNOWN for key, value in item.outputs.items()}

    def conclude(self) -> None:
        """Check what can only be seen once everything is there."""
        self.refusals.extend(refusal_of(broken.item, *broken.words) for broken in check_whole(self) if broken.item)

    def users_of(self, item: Item) -> list[Item]:
        """What refers to an item, and so keeps it from being deleted; AWS knows nothing of Kubernetes objects."""
        own = set(_handles(item))
        found = []
        for other in self.items.values():
            if other is item or other.adopted or other.urn == item.urn or other.type.startswith("kubernetes:"):
                continue
            if other.type.partition(":")[0] != item.type.partition(":")[0]:
                continue  # AWS knows nothing of what a cluster's objects name
            for path, value in leaves(other.inputs, ""):
                if value in own and item.type in references.types_for(kind_of(other.type).references, path):
                    found.append(other)
                    break
        return found

    def _held_already(self, item: Item) -> list[Refusal]:
        return [
            refusal_of(item, path, *held_already(holding, others[0].urn, item.urn))
            for holding, path in own_holdings(item).items()
            if (others := self._held.get(holding))
        ]

    def _overwriting(self, item: Item) -> list[Refusal]:
        """It would be a thing that another resource, of this stack or of another one, has made already."""
        kind = kind_of(item.type)
        overwrites = kind.singleton or kind.one_in or item.type.startswith("kubernetes:")
        if not (overwrites or _identified_by_inputs(kind)) or item.type.endswith("Patch"):
            return []
        if not overwrites and _identity_unknown(kind, item):
            return []
        identity = str(answer(kind.id, item, self))
        for other in self._handles.get(identity, ()):
            if other.type != item.type or other.id != identity or other.adopted:
                continue
            if other.place != item.place and kind.one_in != "account":
                continue
            if other.urn == item.urn and (not overwrites or kind.one_in):
                # A setting of the account outlives its stack: the same resource sets it once more.
                continue
            expected = f"a {kind_name(item.type)} that isn't there yet"
            remedy = f"{other.urn} is the same one; keep one of the two"
            if kind.one_in:
                where = "the account" if kind.one_in == "account" else f"the account in {item.place}"
                expected = f"the only {kind_name(item.type)} of {where}"
                remedy = f"{other.urn} is it already; make it once, outside of stacks or in one of them"
            source = "creating it twice overwrites or fails"
            return [refusal_of(item, _identity_path(item, kind), expected, remedy, source, identity)]
        return []

    def _adopt(self, identifier: str) -> None:
        token = _ADOPTED.get(identifier.partition("-")[0])
        if token is None and identifier.startswith("arn:aws:iam:"):
            token = "aws:iam/role:Role" if ":role/" in identifier else "aws:iam/policy:Policy"
        item = Item(f"given::{identifier}", token or "given", identifier, "", {}, adopted=True, id=identifier)
        item.physical_name = identifier
        self.add(item)


IMPLIED_FORM = re.compile(r"(sg|rtb|acl|vpce|eni)-[0-9a-f]{17}$|arn:aws")
_IMPLIED = {
    "aws:ec2/vpc:Vpc": (
        ("defaultSecurityGroupId", "aws:ec2/securityGroup:SecurityGroup"),
        ("mainRouteTableId", "aws:ec2/routeTable:RouteTable"),
        ("defaultNetworkAclId", "aws:ec2/networkAcl:NetworkAcl"),
    ),
    "aws:eks/cluster:Cluster": (("vpcConfig.clusterSecurityGroupId", "aws:ec2/securityGroup:SecurityGroup"),),
    "aws:networkfirewall/firewall:Firewall": (("firewallStatuses", "aws:ec2/vpcEndpoint:VpcEndpoint"),),
    "aws:rds/instance:Instance": (("masterUserSecrets", "aws:secretsmanager/secret:Secret"),),
    "aws:serverlessrepository/cloudFormationStack:CloudFormationStack": (("outputs", "aws:lambda/function:Function"),),
}

_ADOPTED = {
    "vpc": "aws:ec2/vpc:Vpc",
    "subnet": "aws:ec2/subnet:Subnet",
    "sg": "aws:ec2/securityGroup:SecurityGroup",
    "rtb": "aws:ec2/routeTable:RouteTable",
}


def identifiers_in(text: str) -> set[str]:
    """The identifiers and ARNs that a text names, such as a stack's configuration: the user says that they exist."""
    return {
        *re.findall(r"\b(?:vpc|subnet|sg|rtb)-[0-9a-f]{8,17}\b", text),
        *re.findall(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:\d{12}:[\w+=,.@:/-]+", text),
    }


def _mismatches(item: Item, cloud: Cloud) -> list[schema.Mismatch]:
    found = schema.schema_of(item.type)
    if found is not None:
        return found.mismatches(item.inputs)
    if item.type.startswith("kubernetes:"):
        _, version, kind = item.type.split(":")
        if f"{version}:{kind}" in BROUGHT or any(_defines(each, version, kind) for each in cloud.of(_DEFINITION)):
            return []
        if cloud.surroundings_assumed:
            return []
        return [
            schema.Mismatch(
                "kind",
                kind,
                f"a kind that Kubernetes or EKS Auto Mode has, or a definition of {version} {kind} in the program",
                "correct apiVersion and kind, or create the CustomResourceDefinition first",
            )
        ]
    return [
        schema.Mismatch("", item.type, "a type of the aws, kubernetes or random SDK", "use a resource of these SDKs")
    ]


def _defines(definition: Item, version: str, kind: str) -> bool:
    group, defined = definition.known("spec.group"), definition.known("spec.names.kind")
    return bool(group == version.partition("/")[0] and defined == kind)


def _handles(item: Item) -> set[str]:
    handles = {item.id, item.physical_name, item.arn}
    handles.update(str(item.outputs.get(key) or "") for key in _ALSO.get(item.type, ()))
    return handles - {""}


_ALSO = {
    "aws:apigateway/restApi:RestApi": ("rootResourceId",),
    "aws:rds/instance:Instance": ("identifier",),
    "aws:ec2/vpc:Vpc": (),
}


def _index(index: dict[object, list[Item]], item: Item, path: str) -> None:
    value = look_up(item.inputs, path)
    if isinstance(value, (str, int)):
        index[value].append(item)


def _identified_by_inputs(kind: Kind) -> bool:
    """Whether the id follows from what is given, so that two resources can mean one thing."""
    if kind.name is not None or not isinstance(kind.id, str):  # `names` looks after names
        return False
    fields = set(re.findall(r"\{(\w+)\}", kind.id))
    return bool(fields) and not any(field in _MADE or field.startswith("hex") for field in fields)


def _identity_unknown(kind: Kind, item: Item) -> bool:
    """Whether a part of the id is another resource's output that a preview doesn't know yet."""
    assert isinstance(kind.id, str)
    return any(item.inputs.get(field) in (None, "", UNKNOWN) for field in re.findall(r"\{(\w+)\}", kind.id))


_MADE = frozenset({"id", "name", "arn", "uuid", "region", "account"})
"""Parts of an id that AWS makes."""


def _identity_path(item: Item, kind: Kind) -> str:
    if item.type.startswith("kubernetes:"):
        return "metadata.name"
    match = re.match(r"\{(\w+)\}", kind.id) if isinstance(kind.id, str) else None
    return match[1] if match is not None and match[1] in item.inputs else "name"


def _outputs(item: Item, kind: Kind, cloud: Cloud) -> dict[str, Any]:
    """What the provider gives back: inputs as they are, what the catalogue says, and an empty value for the rest."""
    outputs: dict[str, Any] = {}
    known = schema.schema_of(item.type)
    if known is not None:
        outputs.update(known.computed)
    if kind.name is not None and item.physical_name:
        outputs[kind.name.property] = item.physical_name
    if kind.arn:
        item.outputs["arn"] = answer(kind.arn, item, cloud)
        outputs["arn"] = item.outputs["arn"]
    for key, template in kind.outputs.items():
        if key in _OVERRIDING or item.inputs.get(key) is None:
            outputs[key] = answer(template, item, cloud)
    outputs.update(
        (key, value) for key, value in item.inputs.items() if key not in _OVERRIDING or key not in kind.outputs
    )
    if item.type.startswith("aws:"):
        if "region" in outputs:
            outputs["region"] = item.place
        if "tagsAll" in outputs:
            tags = item.known("tags")
            outputs["tagsAll"] = {**item.default_tags, **(tags if isinstance(tags, dict) else {})}
    return outputs


_OVERRIDING = frozenset({"metadata", "spec", "vpcConfig", "clusterSecurityGroupId"})
"""Objects that the provider fills in beyond what it was given."""

__all__ = ["ACCOUNT", "Cloud", "identifiers_in"]
