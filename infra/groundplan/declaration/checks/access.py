"""Who may do what: roles that exist, owners that can be compared with a caller (S4)."""

from __future__ import annotations

from collections.abc import Iterator

from groundplan.declaration.model import ANYONE, FieldType, Identity, Resource, System, access_of
from groundplan.problems import Finding, Path, did_you_mean, listed

# A subject of Cognito is a UUID in text:
# https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html
_SUBJECT_LENGTH = 36
_HOLDS_SUBJECT = (FieldType.STRING, FieldType.UUID)


def check_access(system: System) -> list[Finding]:
    findings = list(_default_role(system.identity))
    for service_name, service in system.services.items():
        for name, resource in service.resources.items():
            path = ("services", service_name, "resources", name)
            findings += _owner(path, resource)
            for operation, entries in resource.operations.items():
                findings += _operation((*path, "operations", operation), entries, resource, system.identity.roles)
    return findings


def _default_role(identity: Identity) -> Iterator[Finding]:
    role = identity.default_role
    if role is not None and role not in identity.roles:
        remedy = did_you_mean(role, identity.roles, otherwise="add it to the roles, or choose one of them")
        yield Finding(("identity", "default_role"), role, f"one of the roles {listed(identity.roles)}", remedy)


def _owner(path: Path, resource: Resource) -> Iterator[Finding]:
    owner = resource.owner
    if owner is None:
        return
    field = resource.fields.get(owner)
    if field is None:
        otherwise = f"add the field, for example `{owner}: {{type: string, max_length: 64, indexed: true}}`"
        yield Finding(
            (*path, "owner"), owner, "a field of this resource", did_you_mean(owner, resource.fields, otherwise)
        )
    elif field.type not in _HOLDS_SUBJECT:
        expected = "a field of type `string` or `uuid`, for it holds the subject of a caller's token"
        yield Finding((*path, "owner"), f"{owner}, of type {field.type}", expected, "change the field's type")
    elif field.max_length is not None and field.max_length < _SUBJECT_LENGTH:
        expected = f"at least {_SUBJECT_LENGTH} characters, for the owner is the subject of a caller's token"
        remedy = f"raise it to {_SUBJECT_LENGTH} or more"
        yield Finding((*path, "fields", owner, "max_length"), str(field.max_length), expected, remedy)
    elif field.personal:
        expected = (
            "no `personal` on the owner: a token's subject is the `actor` of histories and events, kept for years"
        )
        remedy = "remove `personal`: a subject is a pseudonym; what tells who it is belongs in a field of its own"
        yield Finding((*path, "fields", owner, "personal"), "true", expected, remedy)
    elif not (field.indexed or field.unique) and any(
        grant.own for grant in access_of(resource.operations.get("list", [])).grants
    ):
        expected = "an indexed field, since callers list the rows they own through it (D1)"
        yield Finding((*path, "fields", owner), "not indexed", expected, "add `indexed: true`")


def _operation(path: Path, entries: list[str], resource: Resource, roles: list[str]) -> Iterator[Finding]:
    if not entries:
        remedy = "name a role, or remove the operation if no role may do it"
        yield Finding(path, "an empty list", f"at least one role, or `{ANYONE}`", remedy)
    yield from role_findings(path, entries, resource, roles)


def role_findings(path: Path, entries: list[str], resource: Resource, roles: list[str]) -> Iterator[Finding]:
    """What is wrong with a list of roles."""
    seen: set[str] = set()
    for position, entry in enumerate(entries):
        role, _, restriction = entry.partition(":")
        here = (*path, position)
        if role == ANYONE and restriction:
            expected = f"`{ANYONE}` alone: without a caller there is no owner"
            yield Finding(here, f'"{entry[:40]}"', expected, f"write `{ANYONE}`, or a role with `:own`")
        elif role == ANYONE and len(entries) > 1:
            expected = f"`{ANYONE}` alone, for it includes every role"
            yield Finding(here, f'"{entry}"', expected, f"remove `{ANYONE}`, or everything beside it")
        elif restriction not in ("", "own") or entry.endswith(":"):
            expected = "a role, or a role and `:own` for the rows that the caller owns"
            remedy = did_you_mean(
                entry, [each + end for each in roles for end in ("", ":own")], "remove what follows `:`"
            )
            yield Finding(here, f'"{entry[:40]}"', expected, remedy)
        elif role != ANYONE and role not in roles:
            known = [*roles, ANYONE]
            remedy = did_you_mean(role, known, otherwise="choose one of them, or add the role to `identity.roles`")
            yield Finding(here, f'"{entry[:40]}"', f"one of the roles {listed(known)}", remedy)
        elif role in seen:
            remedy = "remove one of the two; without `:own` it covers all rows"
            yield Finding(here, f'"{entry}"', "each role once", remedy)
        elif restriction and resource.owner is None:
            expected = "an `owner`: the field that tells whose a row is"
            yield Finding(here, f'"{entry}"', expected, "add `owner: <field>` to the resource, or remove `:own`")
        seen.add(role)
