# ruff: noqa: SIM905  (lists of words)
"""Texts that hold a language of their own: patterns, filters, schedules, tags, access strings, broker settings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import yaml

from groundplan.cloud.catalogue import catalogued
from groundplan.cloud.compiled import value_rules
from groundplan.cloud.item import Item
from groundplan.cloud.rules.registry import Broken, rule

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

_RULE, _SUBSCRIPTION = "aws:cloudwatch/eventRule:EventRule", "aws:sns/topicSubscription:TopicSubscription"
_OPERATORS = frozenset("prefix suffix anything-but numeric exists cidr equals-ignore-case wildcard $or".split())


def _parsed(value: object) -> Any:  # noqa: ANN401
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None


def _wrong_pattern(node: object, path: str) -> Iterator[str]:
    """What is wrong in a pattern: every leaf is a list of values or of comparisons."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$or" and isinstance(value, list):
                for each in value:
                    yield from _wrong_pattern(each, path)
            else:
                yield from _wrong_pattern(value, f"{path}.{key}" if path else key)
    elif not isinstance(node, list):
        yield f"a list of values at {path}"
    elif not node:
        yield f"at least one value at {path}"
    else:
        for each in node:
            if isinstance(each, dict) and not (each and set(each) <= _OPERATORS):
                yield f"a comparison such as prefix at {path}"


@rule(_RULE)
def event_patterns(item: Item, _: Cloud) -> Iterator[Broken]:
    """An event pattern is an object with lists of values, or of comparisons, at its ends.

    Source: EventBridge user guide, Event patterns; Comparison operators.
    """
    if item.known("eventPattern") is None:
        return
    pattern = _parsed(item.known("eventPattern"))
    if not isinstance(pattern, dict) or not pattern:
        yield Broken("eventPattern", "a JSON object that is not empty", "say which events are meant")
    else:
        for wrong in _wrong_pattern(pattern, ""):
            yield Broken("eventPattern", wrong, "correct the pattern")


@rule(_SUBSCRIPTION)
def filter_policies(item: Item, _: Cloud) -> Iterator[Broken]:
    """A filter policy is an object with lists of values, or of comparisons, at its ends.

    Source: SNS developer guide, Subscription filter policies.
    """
    policy = _parsed(item.known("filterPolicy"))
    if isinstance(policy, dict):
        for wrong in _wrong_pattern(policy, ""):
            yield Broken("filterPolicy", wrong, "correct the filter")


@rule("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy")
def redrive_permissions(item: Item, _: Cloud) -> Iterator[Broken]:
    """All queues may send to it, none, or up to ten that are named.

    Source: SQS API, SetQueueAttributes, RedriveAllowPolicy.
    """
    policy = _parsed(item.known("redriveAllowPolicy"))
    if not isinstance(policy, dict):
        return
    permission, queues = policy.get("redrivePermission"), policy.get("sourceQueueArns")
    if permission not in ("allowAll", "denyAll", "byQueue"):
        yield Broken("redriveAllowPolicy", "redrivePermission allowAll, denyAll or byQueue", "choose one of these")
    elif (permission == "byQueue") != bool(queues) or len(queues or ()) > 10:
        yield Broken("redriveAllowPolicy", "one to ten sourceQueueArns with byQueue only", "name the queues")


_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2199))
_NAMES = ("", "", "", "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", "SUN MON TUE WED THU FRI SAT", "")
_SCHEDULED = {
    "aws:backup/plan:Plan": "rules[].schedule",
    "aws:cloudwatch/eventRule:EventRule": "scheduleExpression",
    "aws:secretsmanager/secretRotation:SecretRotation": "rotationRules.scheduleExpression",
}


@rule(*_SCHEDULED)
def schedules(item: Item, _: Cloud) -> Iterator[Broken]:
    """A cron expression has six fields in their ranges, and one of the two days is `?`.

    Source: EventBridge user guide, Cron expressions reference.
    """
    path = _SCHEDULED[item.type]
    head, found, tail = path.partition("[].")
    if found:
        texts = [(f"{head}[{index}].{tail}", each.get(tail)) for index, each in enumerate(item.objects(head))]
    else:
        texts = [(path, item.known(path))]
    for at, text in texts:
        match = re.fullmatch(r"cron\((.*)\)", text) if isinstance(text, str) else None
        if match is not None and (wrong := _wrong_schedule(match[1].split())):
            yield Broken(at, wrong, "correct the schedule")


def _wrong_schedule(fields: list[str]) -> str:
    if len(fields) != 6:
        return "six fields: minutes, hours, day of month, month, day of week, year"
    if (fields[2] == "?") == (fields[4] == "?"):
        return "? for either the day of the month or the day of the week"
    for field, (low, high), names in zip(fields, _RANGES, _NAMES, strict=True):
        for part in re.split(r"[,/-]", field):
            if part in ("*", "?", "L", "LW", "") or part.upper() in names.split():
                continue
            number = re.fullmatch(r"(\d+)[LW]?(?:#[1-5])?", part)
            if number is None or not (low <= int(number[1]) <= high or part in field.split("/")[1:]):
                return f"{low} to {high} in place of {part}"
    return ""


_TAGGED = tuple(sorted(token for token in {*value_rules(), *catalogued()} if token.startswith("aws:")))
_TAG = re.compile(r"[\w\s.:/=+\-@]*")


@rule(*_TAGGED)
def tags(item: Item, _: Cloud) -> Iterator[Broken]:
    """A tag's key has up to 128 characters and doesn't begin with aws:, its value up to 256; both of the allowed ones.

    Source: AWS tagging guide, Tag naming limits and requirements.
    """
    found = item.known("tags")
    for key, value in (found if isinstance(found, dict) else {}).items():
        if not 0 < len(key) <= 128 or key.lower().startswith("aws:") or not _TAG.fullmatch(key):
            yield Broken("tags", "keys of letters, digits, spaces and _.:/=+-@, not aws:…", "rename the tag", value=key)
        if isinstance(value, str) and (len(value) > 256 or not _TAG.fullmatch(value)):
            yield Broken(f"tags.{key}", "up to 256 letters, digits, spaces and _.:/=+-@", "shorten or reword it")


@rule("aws:ec2/tag:Tag")
def single_tags(item: Item, _: Cloud) -> Iterator[Broken]:
    """Keys that begin with aws: are AWS's own.

    Source: AWS tagging guide, Tag naming limits and requirements.
    """
    if str(item.known("key") or "x").lower().startswith("aws:"):
        yield Broken("key", "a key that doesn't begin with aws:", "rename the tag")


_CATEGORIES = frozenset(
    (
        "all read write set sortedset list hash string bitmap hyperloglog geo stream pubsub admin fast slow blocking "
        "dangerous connection transaction scripting keyspace search json bloom"
    ).split()
)
_TERM = re.compile(
    r"on|off|allkeys|allchannels|allcommands|nocommands|resetkeys|resetchannels|clearselectors|"
    r"(~|&|%R~|%W~|%RW~)\S+|[+-][a-z|_.-]+|\(.*\)|reset|sanitize-payload|skip-sanitize-payload"
)


@rule("aws:elasticache/user:User")
def access_terms(item: Item, _: Cloud) -> Iterator[Broken]:
    """An access string holds rules that Valkey has: on or off, keys, channels, commands, categories.

    Source: ElastiCache user guide, Specifying permissions using an access string; Valkey, ACL.
    """
    text = item.known("accessString")
    for term in text.split() if isinstance(text, str) else ():
        category = re.fullmatch(r"[+-]@(\w+)", term)
        known = category[1] in _CATEGORIES if category else _TERM.fullmatch(term) is not None
        if not known:
            yield Broken("accessString", f"rules that Valkey has; {term} is none", "correct the rule", value=term)


_KAFKA_NUMBERS = frozenset(
    (
        "retention.ms retention.bytes segment.bytes segment.ms max.message.bytes min.insync.replicas "
        "delete.retention.ms min.compaction.lag.ms max.compaction.lag.ms local.retention.ms local.retention.bytes "
        "flush.messages flush.ms file.delete.delay.ms index.interval.bytes segment.index.bytes segment.jitter.ms "
        "message.timestamp.difference.max.ms message.timestamp.before.max.ms message.timestamp.after.max.ms"
    ).split()
)
_KAFKA_CHOICES = {
    "cleanup.policy": ("delete", "compact", "compact,delete", "delete,compact"),
    "compression.type": ("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"),
    "message.timestamp.type": ("CreateTime", "LogAppendTime"),
    "unclean.leader.election.enable": ("true", "false"),
    "preallocate": ("true", "false"),
    "remote.storage.enable": ("true", "false"),
    "message.downconversion.enable": ("true", "false"),
}
_KAFKA_OTHERS = frozenset({"min.cleanable.dirty.ratio"})


@rule("aws:msk/topic:Topic")
def topic_settings(item: Item, _: Cloud) -> Iterator[Broken]:
    """A topic's settings are ones that Kafka has, numbers where it wants numbers.

    Source: Apache Kafka documentation, Topic configs.
    """
    settings = _parsed(item.known("configs"))
    for name, value in (settings if isinstance(settings, dict) else {}).items():
        if name in _KAFKA_CHOICES:
            if str(value) not in _KAFKA_CHOICES[name]:
                yield Broken("configs", f"{name} one of {' '.join(_KAFKA_CHOICES[name])}", "choose one", value=value)
        elif name in _KAFKA_NUMBERS:
            if re.fullmatch(r"-?\d+", str(value)) is None:
                yield Broken("configs", f"a whole number for {name}", "give a number", value=value)
        elif name not in _KAFKA_OTHERS:
            yield Broken("configs", f"settings that a topic has; {name} is none", "correct its name", value=name)


_BROKER_SWITCHES = frozenset(
    {
        "auto.create.topics.enable",
        "delete.topic.enable",
        "unclean.leader.election.enable",
        "allow.everyone.if.no.acl.found",
    }
)
_BROKER_NUMBERS = frozenset(
    (
        "default.replication.factor min.insync.replicas num.partitions num.io.threads num.network.threads "
        "num.replica.fetchers num.recovery.threads.per.data.dir log.retention.ms log.retention.minutes "
        "log.retention.hours log.retention.bytes log.segment.bytes log.roll.ms log.flush.interval.messages "
        "log.flush.interval.ms log.cleaner.delete.retention.ms message.max.bytes replica.fetch.max.bytes "
        "replica.fetch.response.max.bytes replica.lag.time.max.ms replica.socket.receive.buffer.bytes "
        "socket.receive.buffer.bytes socket.request.max.bytes socket.send.buffer.bytes max.incremental.fetch.session."
        "cache.slots offsets.retention.minutes offsets.topic.replication.factor group.initial.rebalance.delay.ms "
        "group.max.session.timeout.ms group.min.session.timeout.ms leader.imbalance.per.broker.percentage "
        "transaction.max.timeout.ms transactional.id.expiration.ms transaction.state.log.min.isr "
        "transaction.state.log.replication.factor connections.max.idle.ms local.retention.ms "
        "group.consumer.max.heartbeat.interval.ms"
    ).split()
)
_BROKER_OTHERS = frozenset(
    {
        *("compression.type", "log.cleanup.policy", "log.message.timestamp.type", "log.cleaner.min.cleanable.ratio"),
        *("log.message.timestamp.difference.max.ms", "remote.log.storage.system.enable", "replica.selector.class"),
        *("ssl.principal.mapping.rules", "auto.leader.rebalance.enable", "log.message.format.version"),
        *("log.message.timestamp.after.max.ms", "log.message.timestamp.before.max.ms", "max.connections"),
    }
)


@rule("aws:msk/configuration:Configuration")
def broker_settings(item: Item, _: Cloud) -> Iterator[Broken]:
    """Brokers take the settings that MSK lets be changed, numbers and switches where it wants them.

    Source: MSK developer guide, Custom MSK configurations.
    """
    text = item.known("serverProperties")
    for line in text.splitlines() if isinstance(text, str) else ():
        name, found, value = (each.strip() for each in line.partition("="))
        if not name or name.startswith("#"):
            continue
        if not found or name not in _BROKER_SWITCHES | _BROKER_NUMBERS | _BROKER_OTHERS:
            yield Broken(
                "serverProperties", f"settings that MSK lets be changed; {name} is none", "remove it", value=name
            )
        elif name in _BROKER_SWITCHES and value not in ("true", "false"):
            yield Broken("serverProperties", f"true or false for {name}", "correct it", value=value)
        elif name in _BROKER_NUMBERS and re.fullmatch(r"-?\d+", value) is None:
            yield Broken("serverProperties", f"a whole number for {name}", "give a number", value=value)


@rule("aws:apigateway/restApi:RestApi")
def imported_documents(item: Item, _: Cloud) -> Iterator[Broken]:
    """What is imported is an OpenAPI document: 2.0 or 3.0, with a title and paths.

    Source: API Gateway developer guide, Develop REST APIs using OpenAPI.
    """
    text = item.known("body")
    if not isinstance(text, str):
        return
    try:
        document = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError):
        yield Broken("body", "JSON or YAML", "correct the document", value=text[:60])
        return
    version = (document.get("openapi") or document.get("swagger")) if isinstance(document, dict) else None
    if re.fullmatch(r"2\.0|3\.0\.\d|3\.0", str(version)) is None:
        yield Broken("body", "an OpenAPI document of version 2.0 or 3.0", "correct its version", value=version)


@rule("aws:backup/vaultLockConfiguration:VaultLockConfiguration")
def lock_bounds(item: Item, _: Cloud) -> Iterator[Broken]:
    """What a vault keeps at most is no less than what it keeps at least.

    Source: Backup API, PutBackupVaultLockConfiguration.
    """
    least, most = item.known("minRetentionDays"), item.known("maxRetentionDays")
    if isinstance(least, int | float) and isinstance(most, int | float) and most < least:
        yield Broken("maxRetentionDays", f"{least} days or more", "raise it, or lower minRetentionDays")
