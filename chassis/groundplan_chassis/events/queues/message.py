"""A message of a queue: the event itself, or SNS's envelope around it where a subscription isn't a raw one."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from groundplan_chassis.events.port import Delivery
from groundplan_chassis.events.queues.publisher import EVENT_ATTRIBUTE

_ENVELOPED: Final = re.compile(rb'\s*\{\s*"Type"\s*:\s*"Notification"')


class _Attribute(msgspec.Struct):
    value: str = msgspec.field(name="Value", default="")


class _Envelope(msgspec.Struct):
    """https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html"""

    message: str = msgspec.field(name="Message")
    attributes: dict[str, _Attribute] = msgspec.field(name="MessageAttributes", default_factory=dict)


def delivery_of(message: dict[str, Any], queue: str) -> Delivery:
    """The delivery for a processor; an invalid message is passed as it is, for the processor to refuse."""
    body = str(message.get("Body", "")).encode("utf-8", "surrogatepass")
    event = message.get("MessageAttributes", {}).get(EVENT_ATTRIBUTE, {}).get("StringValue")
    if _ENVELOPED.match(body):
        try:
            envelope = msgspec.json.decode(body, type=_Envelope)
        except (msgspec.MsgspecError, RecursionError):
            pass
        else:
            body = envelope.message.encode()
            event = event or (envelope.attributes.get(EVENT_ATTRIBUTE) or _Attribute()).value or None
    return Delivery(body, event, queue, 0, None)
