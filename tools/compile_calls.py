"""Compiles which calls AWS's APIs get for each type of resource, and what IAM can say of each, into data.

Sources: the handlers' permissions in CloudFormation's schemas and the Service Authorization Reference, both as cfn-lint
carries them, botocore's service models (which calls take tags), and `compiled_calls.py`, what the provider does
otherwise.

    python -m tools.compile_calls            # writes infra/groundplan/cloud/compiled/calls.json
    python -m tools.compile_calls --check    # says whether that would change it
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import cfnlint
from botocore.model import Shape
from botocore.session import Session
from moto.iam.aws_managed_policies import aws_managed_policies_data

from groundplan.repair.listings import CALLS, LISTINGS, STACK_CALLS
from tools.compile_rules import TARGET, Cfn
from tools.compiled_calls import ADDED, ALONGSIDE, MANAGED, NOT_CALLED, SERVICES, WHOLE
from tools.compiled_types import TYPES

_READS = re.compile(r"(?i)(Describe|Get|List|View|Lookup|Search|Batch(Get|Describe)).*|Decrypt|GET")
"""Handlers of some types make again what they find changed while they read; the provider doesn't."""
OPERATIONS = ("create", "read", "update", "delete")
_REFERENCE = Path(cfnlint.__file__).parent / "data" / "AdditionalSpecs" / "Policies.json"
_TAGS = frozenset(
    {
        "tags",
        "taglist",
        "tagspecifications",
        "tagslist",
        "userpooltags",
        "backupvaulttags",
        "backupplantags",
        "hostedzonetags",
        "tagset",
    }
)
_MODELS = {
    "elasticloadbalancing": "elbv2",
    "kafka": "kafka",
    "serverlessrepo": "serverlessrepo",
}


@cache
def reference() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_REFERENCE.read_text(encoding="utf-8"))
    return found


def service_of(token: str) -> str:
    """IAM's name of the service that a type belongs to."""
    own = token.removeprefix("aws:")
    module = own.partition("/")[0]
    longest = sorted((key for key in SERVICES if own.startswith(key)), key=len)
    return SERVICES[longest[-1]] if longest else module


def _under(token: str, table: dict[str, Any]) -> Iterator[Any]:
    own = token.removeprefix("aws:")
    for key, value in table.items():
        if key == "*" or own == key or (own.startswith(key) and not own.startswith(f"{key}:")):
            yield value


def calls(token: str) -> dict[str, list[str]]:
    """What creating, reading, updating, deleting and repairing one takes; nothing where no one says."""
    own = token.removeprefix("aws:")
    if own in WHOLE:
        found = {operation: set(WHOLE[own].get(operation, "").split()) for operation in OPERATIONS}
    else:
        name = TYPES.get(token, ("", ()))[0]
        handlers = Cfn(name).schema.get("handlers", {}) if name else {}
        found = {
            operation: {
                each
                for each in handlers.get(operation, {}).get("permissions", ())
                if _kept(token, each) and (operation != "read" or _READS.fullmatch(each.partition(":")[2]))
            }
            for operation in OPERATIONS
        }
    for added in _under(token, ADDED):
        for operation, names in added.items():
            found[operation].update(names.split())
    found["repair"] = set(_listing(token))
    return {operation: sorted({canonical(each) for each in names}) for operation, names in found.items() if names}


def _listing(token: str) -> Iterator[str]:
    """What `groundplan repair` takes to find one that has neither tags nor a name."""
    if token in CALLS:
        yield CALLS[token]
    if token in LISTINGS:
        handlers = Cfn(LISTINGS[token].type).schema["handlers"]
        for operation in ("list", "read"):
            yield from handlers[operation]["permissions"]


def _kept(token: str, action: str) -> bool:
    lower = action.lower()
    service = lower.partition(":")[0]
    if service != service_of(token) and lower not in ALONGSIDE:
        return False
    if lower.partition(":")[2] not in reference().get(service, {}).get("Actions", {}):
        return False
    return not any(re.fullmatch(pattern, lower) for pattern in _under(token, NOT_CALLED))


@cache
def canonical(action: str) -> str:
    """An action as the API spells it. Handlers and the reference differ in case, which IAM doesn't mind."""
    service, _, name = action.partition(":")
    if service.lower() == "apigateway" and name.isupper():
        return f"apigateway:{name}"
    for each in _operations(service.lower()):
        if each.lower() == name.lower():
            return f"{service.lower()}:{each}"
    return f"{service.lower()}:{name}"


@cache
def _operations(service: str) -> dict[str, Shape | None]:
    session = Session()
    model = _MODELS.get(service, service)
    if model not in session.get_available_services():
        return {}
    described = session.get_service_model(model)
    return {name: described.operation_model(name).input_shape for name in described.operation_names}


def takes_tags(action: str) -> bool:
    """Whether a call that makes something may say its tags, so that a policy can ask for them."""
    service, _, name = action.partition(":")
    if name.startswith(("Tag", "AddTags", "CreateTags", "PutBucketTagging", "ChangeTags")):
        return True
    if service == "apigateway" and name in ("POST", "PUT"):
        return False  # some of what has this method takes none
    shape = _operations(service).get(name)
    return shape is not None and any(member.lower() in _TAGS for member in shape.members)


def described(action: str) -> dict[str, Any]:
    """What IAM can say of an action: the forms of the ARNs it works on, and which of them by their tags."""
    service, _, name = action.partition(":")
    known = reference()[service]
    on = {}
    for kind in known["Actions"][name.lower()].get("Resources", ()):
        resource = known["Resources"].get(kind.lower())
        if resource is None:
            continue
        for form in resource["ARNFormats"]:
            on[form] = any(key.startswith("aws:ResourceTag/") for key in resource.get("ConditionKeys", ()))
    return {"on": dict(sorted(on.items())), "tags": takes_tags(action)}


def managed() -> dict[str, list[str]]:
    """The actions that AWS's own policies allow, of those that the components attach to roles."""
    every = json.loads(aws_managed_policies_data)
    found = {}
    for name in MANAGED:
        document = every[name.rpartition("/")[2]]["Document"]
        allowed: set[str] = set()
        for statement in document["Statement"]:
            actions = statement.get("Action", [])
            allowed.update([actions] if isinstance(actions, str) else actions)
        found[name] = sorted(allowed)
    return found


def compiled() -> dict[str, Any]:
    tokens = {
        *(token for token in TYPES if token.startswith("aws:")),
        *(f"aws:{own}" for own in (*WHOLE, *ADDED) if ":" in own),
    }
    types = {token: found for token in sorted(tokens) if (found := calls(token))}
    actions = {action for found in types.values() for names in found.values() for action in names} | set(STACK_CALLS)
    unknown = sorted(
        each
        for each in actions
        if each.partition(":")[2].lower() not in reference().get(each.partition(":")[0], {}).get("Actions", {})
    )
    if unknown:
        raise SystemExit(f"no such action: {', '.join(unknown)}")
    services = {token: service_of(token) for token in types}
    return {
        "cloudformation": {token: TYPES[token][0] for token in types if TYPES.get(token, ("",))[0]},
        "services": services,
        "types": types,
        "actions": {action: described(action) for action in sorted(actions)},
        "managed": managed(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    text = json.dumps(compiled(), indent=1, sort_keys=True) + "\n"
    target = TARGET / "calls.json"
    if check:
        same = target.is_file() and target.read_text(encoding="utf-8") == text
        print("up to date" if same else f"{target} would change", file=sys.stderr)
        return 0 if same else 1
    target.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
