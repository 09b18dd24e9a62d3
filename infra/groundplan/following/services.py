"""Differences of two declarations' services, each classified. Pure: it reads no file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace

from groundplan.declaration.model import Access, Deprecation, Resource, Service
from groundplan.following.changes import Broken, Change, Effect, Takes
from groundplan.following.contracts import may_be_gone, today, version_differences
from groundplan.following.events import payload_effects, raise_version, upcast_effects, versioned
from groundplan.following.fields import Pair, Renames, added, announced, effects, list_options, removed, renamed

Services = Mapping[str, Service]


def differences(before: Services, after: Services) -> tuple[Change, ...]:
    """Everything that the newer services have otherwise, in the order of the newer declaration."""
    return tuple(_differences(before, after))


def service_renames(before: Services, after: Services) -> dict[str, str]:
    """New names of services by their old ones, of those that say so."""
    return {
        service.renamed_from: name
        for name, service in after.items()
        if service.renamed_from is not None and service.renamed_from in before and name not in before
    }


def resource_renames(before: Service, after: Service) -> dict[str, str]:
    return {
        resource.renamed_from: name
        for name, resource in after.resources.items()
        if resource.renamed_from is not None
        and resource.renamed_from in before.resources
        and name not in before.resources
    }


def field_renames(before: Resource, after: Resource) -> dict[str, str]:
    return {
        field.renamed_from: name
        for name, field in after.fields.items()
        if field.renamed_from is not None and field.renamed_from in before.fields and name not in before.fields
    }


def targets(before: Services, after: Services) -> dict[str, str]:
    """What references say, by what they said: names of services and resources change alike."""
    found: dict[str, str] = {}
    services = service_renames(before, after)
    for name, service in before.items():
        newer = services.get(name, name)
        resources = resource_renames(service, after[newer]) if newer in after else {}
        for resource in service.resources:
            found[f"{name}.{resource}"] = f"{newer}.{resources.get(resource, resource)}"
    return found


def _differences(before: Services, after: Services) -> Iterator[Change]:
    renames, known = service_renames(before, after), targets(before, after)
    heard = {event for services in (before, after) for service in services.values() for event in service.consumes}
    for name, service in after.items():
        older = next((old for old, new in renames.items() if new == name), name)
        if older not in before:
            yield _change(name, "", Effect("added"))
            continue
        if older != name:
            yield _change(name, "", _service_renamed(older, name))
        own = resource_renames(before[older], service)
        yield from service_differences(name, before[older], service, {**known, **own}, heard)
        consumed = [event for event in service.consumes if event in before[older].consumes]
        for effect in upcast_effects(consumed, before, after):
            yield _change(name, "consumes", effect)
    for name, service in before.items():
        if name not in after and name not in renames:
            yield _change(name, "", _service_removed(name, service))


def service_differences(
    name: str, before: Service, after: Service, renames: Renames, heard: Collection[str] = ()
) -> Iterator[Change]:
    """``renames``: what references say now, by what they said. ``heard``: events that a service of the system consumes,
    or did."""
    for attribute, rule in SERVICE.items():
        if getattr(before, attribute) != getattr(after, attribute):
            for effect in rule(before, after):
                yield _change(name, attribute, effect)
    yield from _resources(name, before, after, renames, heard)


def _resources(
    name: str, before: Service, after: Service, renames: Renames, heard: Collection[str]
) -> Iterator[Change]:
    own = resource_renames(before, after)
    for resource_name, resource in after.resources.items():
        path = f"resources.{resource_name}"
        older = next((old for old, new in own.items() if new == resource_name), resource_name)
        if older not in before.resources:
            yield _change(name, path, Effect("added"))
            continue
        known = before.resources[older]
        if older != resource_name:
            what = f"renamed from `{older}`; the old table's name stays as a view until the second release"
            breaks: tuple[Broken, ...] = ("api",) if known.path(older) != resource.path(resource_name) else ()
            yield _change(name, path, Effect(what, Takes.TWO, breaks))
        elif known.path(older) != resource.path(resource_name):
            what = f"path `{resource.path(resource_name)}`, before `{known.path(older)}`; its table's name follows"
            yield _change(name, f"{path}.plural", Effect(what, Takes.TWO, ("api",)))
        for attribute, rule in RESOURCE.items():
            if getattr(known, attribute) != getattr(resource, attribute):
                for effect in rule(known, resource):
                    yield _change(name, f"{path}.{attribute}", effect)
        yield from _versions(name, path, known, resource)
        # Events of a resource that is renamed are others.
        published = older == resource_name and announced(before, older) and announced(after, resource_name)
        if published and versioned(known, resource):
            known_to = [
                event for event in after.publishes if event.partition(".")[0] == resource_name and event in heard
            ]
            for effect in payload_effects(known, resource, consumed=bool(known_to)):
                yield _change(name, f"{path}.event_version", effect)
        # Clients of the version that they use notice nothing, but for what is told of versions above.
        told: tuple[Broken, ...] = ("api",) if _kept(known, resource) else ()
        told = (*told, "events") if versioned(known, resource) else told
        for change in _fields(name, path, announced(before, older), known, resource, renames):
            breaks = tuple(each for each in change.breaks if each not in told)
            raised = (raise_version(resource),) if published and "events" in breaks else ()
            yield replace(change, breaks=breaks, steps=(*change.steps, *raised))
    for resource_name in before.resources:
        if resource_name not in after.resources and resource_name not in own:
            what = "removed: first without API and code, then its table is dropped with all rows"
            yield _change(name, f"resources.{resource_name}", Effect(what, Takes.TWO, ("api",)))


def _fields(
    service: str, path: str, published: bool, before: Resource, after: Resource, renames: Renames
) -> Iterator[Change]:
    own = field_renames(before, after)
    for name, field in after.fields.items():
        here = f"{path}.fields.{name}"
        older = next((old for old, new in own.items() if new == name), name)
        if older not in before.fields:
            yield _change(service, here, added(field, owner=name == after.owner))
            continue
        pair = Pair(before.fields[older], field, published, renames)
        if older != name:
            yield _change(service, here, renamed(pair, older))
        found = list(effects(pair))
        lost = list_options(before, older) - list_options(after, name)
        if lost and "list" in after.operations:
            what = f"lists no longer {' and '.join(sorted(lost))} by it"
            found.append(Effect(what, breaks=("api",)))
        for effect in found:
            yield _change(service, here, effect)
    for name, field in before.fields.items():
        if name not in after.fields and name not in own:
            yield _change(service, f"{path}.fields.{name}", removed(field, announced=published))


def _change(service: str, path: str, effect: Effect) -> Change:
    return Change(
        service, path, effect.what, effect.takes, effect.breaks, effect.steps, effect.tightens, effect.loosens
    )


def _kept(before: Resource, after: Resource) -> bool:
    """Whether there is a newer version, and the one that was the newest is answered still."""
    return any(each.api_version == before.api_version for each in after.versions()[1:])


def _versions(service: str, path: str, before: Resource, after: Resource) -> Iterator[Change]:
    """Of each version of a resource's API: that it is answered or gone, and what its clients notice."""
    if before.versions() == (before,) and after.versions() == (after,) and before.api_version == after.api_version:
        return
    newer = {each.api_version: each for each in after.versions()}
    older = {each.api_version: each for each in before.versions()}
    for number, version in older.items():
        here = f"{path}.earlier_versions"
        if number not in newer:
            sunset = None if version.deprecated is None else version.deprecated.sunset
            gone = may_be_gone(sunset, today())
            said = "" if sunset is None else f"; its sunset {'was' if gone else 'is'} {sunset}"
            steps = () if gone else (f"keep version {number} under `earlier_versions` until its sunset has passed",)
            what = f"version {number} of its API is answered no more{said}"
            yield _change(service, here, Effect(what, breaks=() if gone else ("api",), steps=steps))
        elif newer[number] is not after or version is not before:
            for change in version_differences("", version, newer[number]):
                what = f"version {number}: {change.place} {change.what}"
                yield _change(service, here, Effect(what, breaks=("api",) if change.breaks else ()))
    for number in newer:
        if number not in older:
            yield _change(service, f"{path}.api_version", Effect(f"version {number} of its API is answered as well"))


def _service_renamed(before: str, after: str) -> Effect:
    # No event is published twice, and no path leads to two services.
    steps = (
        f"declare `{after}` beside `{before}` with the same resources, `exposure: internal` and without `publishes`, "
        "`consumes` and `renamed_from`; `make follow`, and release it: database, image and role have the new name",
        f"stop what writes to `{before}`, and copy its rows, shard by shard: `pg_dump --data-only "
        f"--exclude-table=alembic_version` of its database, psql into that of `{after}`",
        f"in one change give `{after}` the `exposure`, `publishes` and `consumes` of `{before}`, and that one "
        f"`exposure: internal` and none of them; references say `{after}.<resource>`; `make follow`, and release it: "
        "topics have the names of events, and stay",
        f"`make remove-service NAME={before}`, and release that",
    )
    return Effect(f"renamed from `{before}`", Takes.DATA, steps=steps)


def _service_removed(name: str, service: Service) -> Effect:
    steps = (
        f"`make remove-service NAME={name}` takes its code away; a snapshot of its database stays as long as declared",
    )
    breaks: tuple[Broken, ...] = ("api", "events") if service.publishes else ("api",)
    return Effect("removed, with its database", Takes.TWO, breaks, steps)


ServiceRule = Callable[[Service, Service], Iterator[Effect]]
ResourceRule = Callable[[Resource, Resource], Iterator[Effect]]


def _size(before: Service, after: Service) -> Iterator[Effect]:
    del before, after
    yield Effect("another size: `make compare` says what that changes")


def _service_text(before: Service, after: Service) -> Iterator[Effect]:
    del before, after
    yield Effect("another description")


def _exposure(before: Service, after: Service) -> Iterator[Effect]:
    del before
    if after.exposure == "internal":
        yield Effect("no longer routed by the gateway", breaks=("api",))
    else:
        yield Effect("routed by the gateway from now on")


def _cqrs(before: Service, after: Service) -> Iterator[Effect]:
    del before
    if after.cqrs:
        steps = (
            "the migration makes empty read models; deploy the projector with this release",
            "`python -m <package> rebuild` fills them from the tables: lists and reads are incomplete until it ends",
        )
        yield Effect("queries read from read models of their own", Takes.DATA, steps=steps)
    else:
        yield Effect("queries read from the tables again; read models are dropped", Takes.TWO)


def _shard_map(before: Service, after: Service) -> Iterator[Effect]:
    known, newer = list(before.shard_map or ()), list(after.shard_map or ())
    first = known or newer[:1]
    if newer[: len(first)] == first and (known or not newer or newer[0].shards == 1):
        yield Effect("new keys go to more shards from a day on; rows stay where they are")
    else:
        steps = ("leave the generations that are there, and add one at the end: `make resize-service` writes it",)
        yield Effect("rows would not be found where they were put", Takes.REFUSED, steps=steps)


def _publishes(before: Service, after: Service) -> Iterator[Effect]:
    gone = [event for event in before.publishes if event not in after.publishes]
    new = [event for event in after.publishes if event not in before.publishes]
    if gone:
        yield Effect(f"publishes no more: {', '.join(gone)}", breaks=("events",))
    if new:
        yield Effect(f"publishes: {', '.join(new)}")


def _consumes(before: Service, after: Service) -> Iterator[Effect]:
    gone = [event for event in before.consumes if event not in after.consumes]
    new = [event for event in after.consumes if event not in before.consumes]
    if gone:
        yield Effect(f"consumes no more: {', '.join(gone)}; what waits in its queue is not handled")
    if new:
        yield Effect(f"consumes: {', '.join(new)}")


def _elsewhere(before: Service, after: Service) -> Iterator[Effect]:
    """What has differences of its own below it, or none of its own."""
    del before, after
    yield from ()


def _below(before: Resource, after: Resource) -> Iterator[Effect]:
    del before, after
    yield from ()


def _text(before: Resource, after: Resource) -> Iterator[Effect]:
    del before, after
    yield Effect("another description")


def _owner(before: Resource, after: Resource) -> Iterator[Effect]:
    if before.owner in field_renames(before, after) and field_renames(before, after)[str(before.owner)] == after.owner:
        return
    if before.owner is None:
        yield Effect(f"`{after.owner}` is whose a row is, the caller unless a request says it")
    else:
        what = f"rows belong to {f'`{after.owner}`' if after.owner else 'no one'}, before to `{before.owner}`"
        yield Effect(what, breaks=("api",))


def _cache(before: Resource, after: Resource) -> Iterator[Effect]:
    if after.cache is None:
        yield Effect("no longer cached")
    elif before.cache is None:
        yield Effect("cached")
    else:
        yield Effect("copies in the cache are kept by another rule")


def _erasure(before: Resource, after: Resource) -> Iterator[Effect]:
    if after.erasure is None:
        what = (
            "no longer part of a person's erasure: its rows stay; the table `erasures` goes with the last such resource"
        )
        yield Effect(what, Takes.TWO)
        return
    what = f"a person's erasure: `{after.erasure}`" + (f", before `{before.erasure}`" if before.erasure else "")
    steps = ("who was erased before is not found again: `python -m <package> erase SUBJECT` for each of them",)
    yield Effect(what, steps=steps if before.erasure is not None else ())


def _retention(before: Resource, after: Resource) -> Iterator[Effect]:
    if after.retention_days is None:
        yield Effect(f"kept until they are deleted, before for {before.retention_days} days")
        return
    what = f"rows are kept for {after.retention_days} days after their last change"
    if before.retention_days is None or before.retention_days > after.retention_days:
        older = f"`updated_at < now() - interval '{after.retention_days} days' AND deleted_at IS NULL`"
        steps = (f"count the rows that the service will delete as soon as it runs, and keep what you need: {older}",)
        # Rows that were deleted before still have their personal values.
        takes = Takes.DATA if scrubbed(before, after) else Takes.ONE
        yield Effect(f"{what}, before {_days(before)}", takes, steps=steps)
    else:
        yield Effect(f"{what}, before {_days(before)}")


def _days(resource: Resource) -> str:
    return "until they are deleted" if resource.retention_days is None else f"for {resource.retention_days}"


def scrubbed(before: Resource, after: Resource) -> bool:
    """Whether rows that are marked as deleted have personal values; those that are deleted from now on have none."""
    deletes = "delete" in before.operations and "delete" in after.operations
    return deletes and not before.forgets and after.retention_days is not None and bool(after.personal())


def _operations(before: Resource, after: Resource) -> Iterator[Effect]:
    gone = [kind for kind in before.operations if kind not in after.operations]
    new = [kind for kind in after.operations if kind not in before.operations]
    for kind in gone:
        if kind == "delete":
            steps = (
                "rows that are marked as deleted would come back: the migration stops at them, take them away first",
            )
            yield Effect("no `delete` any more", Takes.TWO, ("api",), steps)
        else:
            yield Effect(f"no `{kind}` any more", breaks=("api",))
    for kind in new:
        yield Effect(f"`{kind}` from now on")
    for kind, entries in after.operations.items():
        if kind not in before.operations or before.operations[kind] == entries:
            continue
        older, newer = before.access(kind), after.access(kind)
        assert older is not None
        assert newer is not None
        narrower = not _covers(newer, older)
        what = f"`{kind}` for {', '.join(entries)}, before for {', '.join(before.operations[kind])}"
        yield Effect(what, breaks=("api",) if narrower else ())


def _covers(newer: Access, older: Access) -> bool:
    """Whether everybody may do what they might before."""
    if newer.anyone:
        return True
    if older.anyone:
        return False
    may = {grant.role: grant.own for grant in newer.grants}
    return all(grant.role in may and (grant.own or not may[grant.role]) for grant in older.grants)


def _earlier(before: Resource, after: Resource) -> Iterator[Effect]:
    # The newest version's own end is the other attribute's to tell.
    if before.deprecated == after.deprecated:
        yield from _ending(before, after)


def _ending(before: Resource, after: Resource) -> Iterator[Effect]:
    older, newer = _endings(before), _endings(after)
    for number, deprecated in newer.items():
        if number not in older or older[number] == deprecated:
            continue
        known = older[number]
        until = f", until {deprecated.sunset}" if deprecated and deprecated.sunset else ""
        what = f"version {number} is {f'deprecated{until}' if deprecated else 'no longer deprecated'}"
        promised = known.sunset if known else None
        sooner = promised is not None and deprecated is not None and (deprecated.sunset or promised) < promised
        yield Effect(f"{what}, before {promised}" if sooner else what, breaks=("api",) if sooner else ())


def _endings(resource: Resource) -> dict[int, Deprecation | None]:
    return {each.api_version: each.deprecated for each in resource.versions()}


SERVICE: Mapping[str, ServiceRule] = {
    "description": _service_text,
    "exposure": _exposure,
    "traffic_weight": _size,
    "read_share": _size,
    "repeat_share": _size,
    "load": _size,
    "data_gb": _size,
    "data_growth_gb_per_month": _size,
    "cqrs": _cqrs,
    "shard_map": _shard_map,
    "resources": _elsewhere,
    "publishes": _publishes,
    "consumes": _consumes,
    "renamed_from": _elsewhere,
}
"""By attribute of `Service`; `resources` are compared one by one."""

RESOURCE: Mapping[str, ResourceRule] = {
    # The path counts, and it may be made from the name.
    "plural": _below,
    "description": _text,
    "fields": _below,
    "operations": _operations,
    "owner": _owner,
    "cache": _cache,
    "erasure": _erasure,
    "retention_days": _retention,
    "renamed_from": _below,
    # Versions are compared one by one, with their fields.
    "api_version": _below,
    "deprecated": _ending,
    "earlier_versions": _earlier,
    "event_version": _below,
    "sent_event_version": _below,
    "earlier_events": _below,
}
"""By attribute of `Resource`; `fields` are compared one by one."""
