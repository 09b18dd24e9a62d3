"""Events as contracts: what consumers notice of a change of the declaration, and versions of payloads (A3, ADR 24)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from groundplan.declaration.model import Resource, ResourceField, Service, System
from groundplan.following.changes import Broken, Effect, Takes
from groundplan.following.contracts import ContractChange, field_schema, schema_differences

Payload = Mapping[str, ResourceField]
"""The fields of an event's payload in one of its versions."""


def _payload_schema(payload: Payload) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: field_schema(field) for name, field in payload.items()},
        "required": [name for name, field in payload.items() if field.required],
    }


def _presence_schema(payload: Payload) -> dict[str, Any]:
    """Which fields there are, and of which type: what upcasters go by."""
    schema = _payload_schema(payload)
    return {**schema, "properties": {name: {"type": each["type"]} for name, each in schema["properties"].items()}}


def event_differences(before: Mapping[str, Service], after: Mapping[str, Service]) -> tuple[ContractChange, ...]:
    """What consumers of events notice, those of the release before and those who read the event log."""
    older, newer = (
        {
            event: service.resources[event.partition(".")[0]]
            for service in services.values()
            for event in service.publishes
        }
        for services in (before, after)
    )
    found: list[ContractChange] = []
    for event, resource in older.items():
        if event not in newer:
            found.append(ContractChange(event, "", "published no more", breaks=True))
            continue
        found += payload_differences(event, resource, newer[event])
    found += [ContractChange(event, "", "published from now on", breaks=False) for event in newer if event not in older]
    return tuple(found)


def versioned(*resources: Resource) -> bool:
    """Whether the payload of a resource's events has another version than the first."""
    return any(set(each.payloads()) != {1} for each in resources)


def payload_differences(contract: str, before: Resource, after: Resource) -> tuple[ContractChange, ...]:
    """Of the payload of a resource's events: as it is sent, and in earlier versions, which the event log holds.

    A consumer of the release before reads the versions that it was taught, and dead-letters any other.
    """
    older, newer, sent = before.payloads(), after.payloads(), after.sent_version
    found: list[ContractChange] = []
    if sent not in older:
        what = f"sent instead of {before.sent_version}, and unknown to consumers of the release before"
        found.append(ContractChange(contract, f"version {sent}", what, breaks=True))
    elif sent != before.sent_version:
        what = f"sent instead of {before.sent_version}: consumers read both"
        found.append(ContractChange(contract, f"version {sent}", what, breaks=False))
    for version, payload in older.items():
        place = f"version {version} payload" if versioned(before, after) else "payload"
        if version not in newer:
            unread = version == before.sent_version
            what = "read no more: it is sent until now" if unread else "read no more: the event log may hold some"
            found.append(ContractChange(contract, f"version {version}", what, breaks=unread))
        elif version == sent:
            schemas = (_payload_schema(payload), _payload_schema(newer[version]))
            found += schema_differences(contract, place, *schemas, "answer")
        elif version < sent or version <= before.sent_version:
            # It was sent before: what the log has is to be read by what is declared of it now.
            schemas = (_presence_schema(payload), _presence_schema(newer[version]))
            found += schema_differences(contract, place, *schemas, "request")
        else:
            # Taught, and never sent: consumers are taught anew.
            schemas = (_payload_schema(payload), _payload_schema(newer[version]))
            found += [replace(each, breaks=False) for each in schema_differences(contract, place, *schemas, "answer")]
    found += [
        ContractChange(contract, f"version {version}", "read as well", breaks=False)
        for version in newer
        if version not in older
    ]
    return tuple(found)


def asyncapi(system: System) -> dict[str, Any]:
    """The system's events as an AsyncAPI 3.0 document: one channel a topic, the services that send and receive."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for name, service in system.services.items():
        for event in service.publishes:
            key = event.replace(".", "_")
            reference = {"$ref": f"#/channels/{key}"}
            resource = service.resources[event.partition(".")[0]]
            payloads = resource.payloads()
            keys = {version: key if version == resource.event_version else f"{key}-v{version}" for version in payloads}
            for version, payload in payloads.items():
                envelope = _envelope(event, payload, version if versioned(resource) else None)
                messages[keys[version]] = {"name": event, "contentType": "application/json", "payload": envelope}
            channels[key] = {
                "address": f"{system.name}.{event}",
                "messages": {each: {"$ref": f"#/components/messages/{each}"} for each in keys.values()},
            }
            sends: dict[str, Any] = {"action": "send", "channel": reference}
            if len(keys) > 1:
                # The others are those that the topic and the event log may still hold.
                sends["messages"] = [{"$ref": f"#/channels/{key}/messages/{keys[resource.sent_version]}"}]
            operations[f"{name.replace('-', '_')}_sends_{key}"] = sends
            for consumer in system.consumers_of(event):
                operations[f"{consumer.replace('-', '_')}_receives_{key}"] = {"action": "receive", "channel": reference}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": f"{system.name}: events", "version": "1", "description": system.description},
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }


def _envelope(event: str, payload: Payload, version: int | None) -> dict[str, Any]:
    """As `groundplan_chassis.events.event.Event` is sent. ``version``: of the payload, where there is another."""
    text, identifier = {"type": "string"}, {"type": "string", "format": "uuid"}
    return {
        "type": "object",
        "properties": {
            "event_id": identifier,
            "event_type": {"const": event},
            "aggregate_type": {"const": event.partition(".")[0]},
            "aggregate_id": identifier,
            "version": {"type": "integer", "minimum": 0},
            "occurred_at": {"type": "string", "format": "date-time"},
            "actor": {"type": ["string", "null"]},
            "correlation_id": {"type": ["string", "null"]},
            "schema_version": {"type": "integer", **({"minimum": 1} if version is None else {"const": version})},
            "payload": {
                **text,
                "contentMediaType": "application/json",
                "contentSchema": _payload_schema(payload),
            },
        },
        "required": ["event_id", "event_type", "aggregate_type", "aggregate_id", "version", "occurred_at", "payload"],
    }


def raise_version(resource: Resource) -> str:
    """How consumers of events stay: they are taught before the publisher sends something else."""
    newer, sent = resource.event_version + 1, resource.sent_version
    return (
        f"for consumers of its events: `event_version: {newer}`, `sent_event_version: {sent}`, and under "
        f"`earlier_events` what version {sent} has otherwise; release that everywhere, then remove `sent_event_version`"
    )


def payload_effects(before: Resource, after: Resource, *, consumed: bool) -> Iterator[Effect]:
    """Of each version of the payload of a resource's events: that it is sent, read or gone, and what consumers notice.

    ``consumed``: a service of the system consumes them, or did.
    """
    gone = {f"version {number}" for number in before.payloads() if number not in after.payloads()}
    found = payload_differences("", before, after)
    if not found and before.earlier_events != after.earlier_events:
        yield Effect("earlier versions of its events have other defaults or descriptions")
    for change in found:
        what = f"{change.place} {change.what}"
        breaks: tuple[Broken, ...] = ("events",) if change.breaks else ()
        takes = Takes.ONE
        steps: tuple[str, ...] = ()
        if change.place == f"version {after.sent_version}" and change.breaks:
            # Each event would be a dead letter of a consumer that is released after the publisher.
            takes = Takes.REFUSED if consumed else Takes.ONE
            steps = (
                f"add `sent_event_version: {before.sent_version}`, and version {before.sent_version} to "
                "`earlier_events`; `make follow`, and release that in all services",
                "then remove `sent_event_version`, `make follow`, and release that",
            )
        elif change.place in gone:
            steps = ("keep it in `earlier_events` for `events.log_retention_days` after it was last sent",)
        elif change.breaks and change.place.startswith(f"version {after.event_version} "):
            steps = (raise_version(after),)
        elif change.breaks:
            steps = ("say in `earlier_events` what that version has otherwise than the newest",)
        yield Effect(what, takes, breaks, steps)


def upcast_effects(
    consumed: Collection[str], before: Mapping[str, Service], after: Mapping[str, Service]
) -> Iterator[Effect]:
    """Of events that a service consumed and does: the versions of their payload that its code reads."""
    older, newer = _payloads(before), _payloads(after)
    told: dict[str, Resource] = {}
    for event in consumed:
        if event in older and event in newer and older[event][1] != newer[event][1]:
            told[event.partition(".")[0]] = newer[event][0]
    for resource_name, resource in told.items():
        earlier = sorted(each.version for each in resource.earlier_events)
        upcast = f", and upcasts {' and '.join(map(str, earlier))}" if earlier else ""
        what = f"reads events of `{resource_name}` in version {resource.event_version}{upcast}"
        yield Effect(what)


def _payloads(services: Mapping[str, Service]) -> dict[str, tuple[Resource, object]]:
    """By published event its resource, and what the code of a consumer is made from."""
    return {
        event: (resource, _upcasting(resource))
        for service in services.values()
        for event in service.publishes
        if (resource := service.resources.get(event.partition(".")[0])) is not None
    }


def _upcasting(resource: Resource) -> object:
    steps = {
        each.version: (
            each.renamed,
            {name: resource.fields[name].default for name in each.without},
            {name: (field.type, field.default) for name, field in each.fields.items()},
        )
        for each in resource.earlier_events
    }
    return resource.event_version, steps
