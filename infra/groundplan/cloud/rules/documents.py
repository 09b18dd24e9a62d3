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
from groundplan.cloud.rules.addresses import is_range
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
            elif isinstance(each, dict):
                for operator, operand in each.items():
                    if not _fits(operator, operand):
                        yield f"what {operator} compares with at {path}"


def _fits(operator: str, operand: Any) -> bool:  # noqa: ANN401
    """Whether an operator has an operand of its form."""
    if operator == "exists":
        return isinstance(operand, bool)
    if operator == "cidr":
        return isinstance(operand, str) and is_range(operand)
    if operator == "wildcard":
        return isinstance(operand, str) and "**" not in operand
    if operator in ("prefix", "suffix"):
        return isinstance(operand, str) or (isinstance(operand, dict) and set(operand) == {"equals-ignore-case"})
    if operator == "equals-ignore-case":
        return isinstance(operand, str)
    if operator == "numeric":
        return isinstance(operand, list) and _is_comparison(operand)
    if operator == "anything-but" and isinstance(operand, dict):
        return len(operand) == 1 and set(operand) <= {"prefix", "suffix", "equals-ignore-case", "wildcard"}
    return True


def _is_comparison(operand: list[Any]) -> bool:
    """`[">", 0]`, `["=", 5]` or a lower and an upper bound."""
    signs, numbers = operand[::2], operand[1::2]
    if len(signs) != len(numbers) or not all(isinstance(each, int | float) for each in numbers):
        return False
    if len(signs) == 1:
        return signs[0] in ("<", "<=", "=", ">", ">=")
    return len(signs) == 2 and {str(each)[:1] for each in signs} == {"<", ">"}


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
        nested = any(isinstance(each, dict) for key, each in policy.items() if key != "$or")
        if nested and item.get("filterPolicyScope", "MessageAttributes") == "MessageAttributes":
            yield Broken("filterPolicy", "keys of one level, as the scope is MessageAttributes", "filter the body")
        if len(set(_keys(policy))) > 5:
            yield Broken("filterPolicy", "at most five keys", "leave some out")


def _keys(node: object, path: str = "") -> Iterator[str]:
    """The keys whose values a filter lists, wherever they are."""
    if not isinstance(node, dict):
        yield path
        return
    for key, each in node.items():
        if key == "$or" and isinstance(each, list):
            for one in each:
                yield from _keys(one, path)
        else:
            yield from _keys(each, f"{path}.{key}")


@rule(_SUBSCRIPTION)
def undelivered_messages(item: Item, _: Cloud) -> Iterator[Broken]:
    """What can't be delivered goes to a queue, named by its ARN.

    Source: SNS developer guide, Dead-letter queues.
    """
    policy = _parsed(item.known("redrivePolicy"))
    if isinstance(policy, dict):
        target = policy.get("deadLetterTargetArn")
        if re.match(r"arn:[^:]+:sqs:", str(target)) is None:
            yield Broken("redrivePolicy", "deadLetterTargetArn with a queue's ARN", "pass the queue's arn", policy)


@rule("aws:sns/topic:Topic")
def delivery_policies(item: Item, _: Cloud) -> Iterator[Broken]:
    """A delivery policy is JSON with up to 100 retries.

    Source: SNS developer guide, Message delivery retries.
    """
    text = item.known("deliveryPolicy")
    if not isinstance(text, str) or not text:
        return
    policy = _parsed(text)
    if not isinstance(policy, dict):
        yield Broken("deliveryPolicy", "a JSON object", "build it with json.dumps")
        return
    http = policy.get("http")
    retries = http.get("defaultHealthyRetryPolicy") if isinstance(http, dict) else None
    count = retries.get("numRetries") if isinstance(retries, dict) else None
    if isinstance(count, int | float) and not 0 <= count <= 100:
        yield Broken("deliveryPolicy", "numRetries from 0 to 100", "correct it", count)


@rule("aws:cloudwatch/eventTarget:EventTarget")
def target_inputs(item: Item, _: Cloud) -> Iterator[Broken]:
    """A target gets JSON; a template's variables are paths, named by letters, digits, - and _, not AWS….

    Source: EventBridge API, Target, InputTransformer.
    """
    text = item.known("input")
    if isinstance(text, str) and text and _parsed(text) is None and text.strip() != "null":
        yield Broken("input", "JSON", "build it with json.dumps")
    paths = item.known("inputTransformer.inputPaths")
    for name, path in (paths if isinstance(paths, dict) else {}).items():
        if re.fullmatch(r"(?!AWS)[A-Za-z0-9_-]{1,256}", name) is None:
            yield Broken(
                "inputTransformer.inputPaths", "names of letters, digits, - and _, not AWS…", "rename it", name
            )
        if isinstance(path, str) and not path.startswith("$"):
            yield Broken(f"inputTransformer.inputPaths.{name}", "a path that begins with $", "correct the path")


@rule("aws:cloudwatch/logMetricFilter:LogMetricFilter")
def filter_patterns(item: Item, _: Cloud) -> Iterator[Broken]:
    """A pattern's brackets are closed, and its comparisons have two sides.

    Source: CloudWatch Logs user guide, Filter pattern syntax.
    """
    text = item.known("pattern")
    if not isinstance(text, str):
        return
    pattern = re.sub(r'"[^"]*"|%[^%]*%', '""', text.strip())
    for first, last in ("{}", "[]"):
        if pattern.startswith(first) and not pattern.endswith(last):
            yield Broken("pattern", f"a pattern that ends with {last}", "close it")
    if pattern.startswith("{") and re.search(r"([=<>]|&&|\|\|)\s*(\}|\)|&&|\|\|)", pattern):
        yield Broken("pattern", "a value or a condition after each sign", "complete it")


_FUNCTIONS = frozenset(
    (
        "ABS ANOMALY_DETECTION_BAND AVG CEIL DATAPOINT_COUNT DATE DAY DB_PERF_INSIGHTS DIFF DIFF_TIME EPOCH FILL FIRST "
        "FLOOR HOUR IF INSIGHT_RULE_METRIC LAMBDA LAST LOG LOG10 MAX METRICS METRIC_COUNT MIN MINUTE MONTH PERIOD RATE "
        "REMOVE_EMPTY RUNNING_SUM SEARCH SERVICE_QUOTA SLICE SORT STDDEV SUM TIME_SERIES YEAR AND OR"
    ).split()
)


@rule("aws:cloudwatch/metricAlarm:MetricAlarm")
def expressions(item: Item, _: Cloud) -> Iterator[Broken]:
    """Metric math has its own functions, closed parentheses, and something on both sides of a sign.

    Source: CloudWatch user guide, Using math expressions with CloudWatch metrics.
    """
    for index, query in enumerate(item.objects("metricQueries")):
        text = query.get("expression")
        if not isinstance(text, str) or text.lstrip().upper().startswith("SELECT"):
            continue
        bare = re.sub(r"'[^']*'|\"[^\"]*\"", "''", text)
        for name in re.findall(r"\b([A-Z][A-Z0-9_]*)\s*\(", bare):
            if name not in _FUNCTIONS:
                yield Broken(
                    f"metricQueries[{index}].expression", f"functions of metric math; {name} is none", "correct it"
                )
        if bare.count("(") != bare.count(")") or re.search(r"[-+*/^<>=&|,]\s*$", bare):
            yield Broken(f"metricQueries[{index}].expression", "a complete expression", "complete it")


@rule("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy")
def redrive_permissions(item: Item, _: Cloud) -> Iterator[Broken]:
    """All queues may send to it, none, or up to ten that are named.

    Source: SQS API, SetQueueAttributes, RedriveAllowPolicy.
    """
    given = item.known("redriveAllowPolicy")
    policy = _parsed(given)
    if not isinstance(policy, dict):
        if isinstance(given, str):
            yield Broken("redriveAllowPolicy", "a JSON object", "build it with json.dumps")
        return
    permission, queues = policy.get("redrivePermission"), policy.get("sourceQueueArns")
    if permission not in ("allowAll", "denyAll", "byQueue"):
        yield Broken("redriveAllowPolicy", "redrivePermission allowAll, denyAll or byQueue", "choose one of these")
    elif (permission == "byQueue") != bool(queues) or len(queues or ()) > 10:
        yield Broken("redriveAllowPolicy", "one to ten sourceQueueArns with byQueue only", "name the queues")
    elif queues and not all(str(each).startswith("arn:") for each in queues):
        yield Broken("redriveAllowPolicy", "the queues' ARNs", "pass their arn outputs", queues)


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
        match = re.fullmatch(r"(cron|rate)\((.*)\)", text) if isinstance(text, str) else None
        if match is None:
            continue
        judge = _wrong_schedule if match[1] == "cron" else _wrong_rate
        wrong = judge(match[2].split()) or (_wrong_rotation(*match.groups()) if "secret" in item.type else "")
        if wrong:
            yield Broken(at, wrong, "correct the schedule")


def _wrong_rate(fields: list[str]) -> str:
    if len(fields) != 2 or not fields[0].isdigit() or int(fields[0]) < 1:
        return "a number from 1 on and a unit"
    units = ("minute", "hour", "day") if fields[0] == "1" else ("minutes", "hours", "days")
    return "" if fields[1] in units else f"{', '.join(units)} with {fields[0]}"


def _wrong_rotation(kind: str, fields: str) -> str:
    """Secrets are rotated every four hours at most, on the hour (Secrets Manager user guide, Schedule expressions)."""
    first, unit = fields.split()[:2]
    if kind == "rate":
        return "hours or days, four hours at least" if "minute" in unit or ("hour" in unit and int(first) < 4) else ""
    return "" if first == "0" else "0 as minutes: a rotation's window begins on the hour"


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
_KAFKA_LEAST = {
    **dict.fromkeys(("retention.ms", "local.retention.ms", "local.retention.bytes"), -1),
    **dict.fromkeys(("max.message.bytes", "delete.retention.ms", "min.compaction.lag.ms", "flush.ms"), 0),
    **dict.fromkeys(("min.insync.replicas", "segment.ms", "flush.messages", "max.compaction.lag.ms"), 1),
    "segment.bytes": 14,
}
"""What each number is at least (Apache Kafka documentation, topic configurations, valid values)."""
_KAFKA_OTHERS = frozenset({"min.cleanable.dirty.ratio"})


@rule("aws:msk/topic:Topic")
def topic_settings(item: Item, _: Cloud) -> Iterator[Broken]:
    """A topic's settings are ones that Kafka has, numbers where it wants numbers.

    Source: Apache Kafka documentation, Topic configs.
    """
    settings = _parsed(item.known("configs"))
    if settings is not None and not isinstance(settings, dict):
        yield Broken("configs", "a JSON object of names and values", "build it with json.dumps")
    for name, value in (settings if isinstance(settings, dict) else {}).items():
        if name in _KAFKA_CHOICES:
            if str(value) not in _KAFKA_CHOICES[name]:
                yield Broken("configs", f"{name} one of {' '.join(_KAFKA_CHOICES[name])}", "choose one", value=value)
        elif name in _KAFKA_NUMBERS:
            if re.fullmatch(r"-?\d+", str(value)) is None:
                yield Broken("configs", f"a whole number for {name}", "give a number", value=value)
            elif int(value) < _KAFKA_LEAST.get(name, -2):
                yield Broken("configs", f"{_KAFKA_LEAST[name]} or more for {name}", "raise it", value=value)
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
_BROKER_COUNTS = frozenset(
    (
        "default.replication.factor min.insync.replicas num.partitions num.io.threads num.network.threads "
        "num.replica.fetchers offsets.topic.replication.factor offsets.retention.minutes "
        "transaction.state.log.min.isr transaction.state.log.replication.factor"
    ).split()
)
_BROKER_CHOICES = {
    "compression.type": frozenset({"uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"}),
    "log.cleanup.policy": frozenset({"delete", "compact"}),
    "log.message.timestamp.type": frozenset({"CreateTime", "LogAppendTime"}),
}
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
        elif name in _BROKER_COUNTS and int(value) < 1:
            yield Broken("serverProperties", f"1 or more for {name}", "raise it", value=value)
        elif name in _BROKER_CHOICES and not set(value.split(",")) <= _BROKER_CHOICES[name]:
            wanted = " ".join(sorted(_BROKER_CHOICES[name]))
            yield Broken("serverProperties", f"{name} one of {wanted}", "choose one of these", value=value)


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
        return
    paths = document.get("paths")
    for expected, remedy, value in _wrong_paths(paths if isinstance(paths, dict) else {}):
        yield Broken("body", expected, remedy, value)


_INTEGRATIONS = ("aws", "aws_proxy", "http", "http_proxy", "mock")
_PASSED = ("when_no_templates", "when_no_match", "never")
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "x-amazon-apigateway-any-method")


def _wrong_paths(paths: dict[str, Any]) -> Iterator[tuple[str, str, object]]:
    """What API Gateway refuses of an imported document's paths: their parts, siblings, and integrations.

    At one place of the tree there is one variable ("A sibling of this resource already has a variable path part").
    """
    variables: dict[str, str] = {}
    for path, entry in paths.items():
        if not path.startswith("/"):
            yield "paths that begin with /", "correct the path", path
        above = ""
        for part in path.strip("/").split("/"):
            braced = "{" in part or "}" in part
            if braced and re.fullmatch(r"\{[\w.:-]+\+?\}", part) is None:
                yield "parts that are a whole variable, such as {id}, or none", "split the part", path
            elif braced and variables.setdefault(above, part) != part:
                yield f"one variable at {above or '/'}: {variables[above]} is there already", "use one name", path
            above = f"{above}/{part}"
        for method, operation in (entry if isinstance(entry, dict) else {}).items():
            found = operation.get("x-amazon-apigateway-integration") if isinstance(operation, dict) else None
            if method in _METHODS and isinstance(found, dict):
                yield from _wrong_integration(found, f"{method} {path}")


def _wrong_integration(found: dict[str, Any], where: str) -> Iterator[tuple[str, str, object]]:
    kind = str(found.get("type", "")).lower()
    if kind not in _INTEGRATIONS:
        yield f"an integration of a type that API Gateway has at {where}", "use http_proxy", found.get("type")
    elif kind != "mock" and not found.get("uri"):
        yield f"a uri of the integration at {where}", "add uri", kind
    passed = found.get("passthroughBehavior")
    if isinstance(passed, str) and passed.lower() not in _PASSED:
        yield f"passthroughBehavior {', '.join(_PASSED)} at {where}", "choose one of these", passed
    time = found.get("timeoutInMillis")
    if isinstance(time, int | float) and not 50 <= time <= 300_000:
        yield f"timeoutInMillis from 50 at {where}", "raise it", time


_SCALARS_OF_GLUE = re.compile(
    r"boolean|tinyint|smallint|int|integer|bigint|double|float|real|string|binary|date|timestamp|"
    r"decimal(\(\d+(,\d+)?\))?|char\(\d+\)|varchar(\(\d+\))?|ipaddress|uuid"
)


@rule("aws:glue/catalogTable:CatalogTable")
def column_types(item: Item, _: Cloud) -> Iterator[Broken]:
    """What lists, maps and structures hold is of a type, too.

    Source: Athena user guide, Data types.
    """
    for path in ("storageDescriptor.columns", "partitionKeys"):
        for index, column in enumerate(item.objects(path)):
            kind = column.get("type")
            if isinstance(kind, str) and "<" in kind and not _is_type(kind.lower().replace(" ", "")):
                yield Broken(f"{path}[{index}].type", "array<type>, map<type,type> or struct<name:type>", "correct it")


def _is_type(text: str) -> bool:
    kind, found, rest = text.partition("<")
    if not found:
        return _SCALARS_OF_GLUE.fullmatch(text) is not None
    if not rest.endswith(">"):
        return False
    inside = _parts(rest[:-1])
    if kind == "struct":
        pairs = [each.partition(":") for each in inside]
        return all(colon and name and _is_type(of) for name, colon, of in pairs)
    counts = {"array": 1, "map": 2}
    return counts.get(kind) == len(inside) and all(_is_type(each) for each in inside)


def _parts(text: str) -> list[str]:
    """What commas part, outside angle brackets and parentheses."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "<(") - (character in ">)")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


@rule("aws:backup/vaultLockConfiguration:VaultLockConfiguration")
def lock_bounds(item: Item, _: Cloud) -> Iterator[Broken]:
    """What a vault keeps at most is no less than what it keeps at least.

    Source: Backup API, PutBackupVaultLockConfiguration.
    """
    least, most = item.known("minRetentionDays"), item.known("maxRetentionDays")
    if isinstance(least, int | float) and isinstance(most, int | float) and most < least:
        yield Broken("maxRetentionDays", f"{least} days or more", "raise it, or lower minRetentionDays")
