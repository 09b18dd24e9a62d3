"""T1 to T4: the targets, each with an alarm at its own figure."""

from __future__ import annotations

import math

from groundplan.cloud.model import Resource
from groundplan.controls.captured import ALARM, REST_API, CapturedProgram
from groundplan.controls.model import Check, NotApplicable, control
from groundplan.controls.network import STAGE
from groundplan.controls.reading import at, by_name, items, mappings

COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
NEAR = 0.8
"""Share of the gateway's throttle at which a person is told."""
BURNS = {"1h": (14.4, 3600, 300), "6h": (6, 21_600, 1800), "1d": (3, 86_400, 7200), "3d": (1, 259_200, 21_600)}
"""Google's SRE workbook, table 5-8: 2 % in an hour, 5 % in six, 10 % in a day and in three.

Window to factor, seconds of the long window, seconds of the short one.
"""


def _by_dimension(alarms: list[Resource], dimension: str) -> dict[str, Resource]:
    return {str(at(each.inputs, ("dimensions", dimension))): each for each in alarms}


@control(
    "T1.latency",
    "Responses slower than the target are told",
    "gateway.gateway",
    "workload.workload",
    remedy="pass `requirements.latency_p95_ms` of `system.yaml` to `Gateway` and to the services' alarms",
)
def latency(program: CapturedProgram, check: Check) -> None:
    target = program.system.requirements.latency_p95_ms
    names = {str(each.outputs.get("name")) for each in program.of(REST_API)}
    stages = {str(each.inputs.get("stageName")) for each in program.of(STAGE)}
    gateway = [
        each
        for each in program.alarms("Latency")
        if at(each.inputs, "dimensions.ApiName") in names and at(each.inputs, "dimensions.Stage") in stages
    ]
    if not gateway:
        check.missing("an alarm on the latency of the gateway's stage")
    services = _by_dimension(program.alarms("request_duration_ms"), "service")
    wanted = list(check.each(services, list(program.system.services), "an alarm on the latency of"))
    for alarm in (*gateway, *(each for _, each in wanted)):
        check.same(alarm, "threshold", target)
        check.same(alarm, "extendedStatistic", "p95")
        check.same(alarm, "comparisonOperator", "GreaterThanThreshold")
    for _, alarm in wanted:
        check.same(alarm, "namespace", f"{program.scope}/services")


@control(
    "T2.queries",
    "Statements slower than the target are told and logged",
    "database.instance",
    "observability.observability",
    remedy="pass `requirements.query_p95_ms` of `system.yaml` to `Database` and to the services' alarms",
)
def queries(program: CapturedProgram, check: Check) -> None:
    target = program.system.requirements.query_p95_ms
    services = _by_dimension(program.alarms("query_duration_ms"), "service")
    for _, alarm in check.each(services, list(program.system.services), "an alarm on statements of"):
        check.same(alarm, "threshold", target)
        check.same(alarm, "extendedStatistic", "p95")
    instances = [str(each.inputs.get("identifier")) for each in (*program.primaries, *program.replicas)]
    for metric in ("ReadLatency", "WriteLatency"):
        disks = _by_dimension(program.alarms(metric), "DBInstanceIdentifier")
        for _, alarm in check.each(disks, instances, f"an alarm on {metric} of"):
            check.same(alarm, "threshold", target / 1000)
    groups = program.by_output("aws:rds/parameterGroup:ParameterGroup", "name")
    for database in program.primaries:
        group = groups.get(str(database.inputs.get("parameterGroupName")))
        if group is not None:
            logged = str(by_name(group.inputs.get("parameters")).get("log_min_duration_statement"))
            check.that(logged == str(target), group, "parameters", f"log_min_duration_statement = {target}")


@control(
    "T3.throttle",
    "Load near what the gateway lets in is told",
    "gateway.gateway",
    remedy="pass `throttle_rps` of the plan to `Gateway`",
)
def throttle(program: CapturedProgram, check: Check) -> None:
    wanted = NEAR * program.plan.gateway.requests_per_second * 60
    names = {str(each.outputs.get("name")) for each in program.of(REST_API)}
    near = [
        each
        for each in program.alarms("Count")
        if at(each.inputs, "dimensions.ApiName") in names and each.inputs.get("statistic") == "Sum"
    ]
    if not near:
        check.missing("an alarm on the requests that the gateway gets in a minute")
    for alarm in near:
        threshold = alarm.inputs.get("threshold")
        close = isinstance(threshold, (int, float)) and math.isclose(threshold, wanted, rel_tol=1e-6)
        check.that(close, alarm, "threshold", f"{wanted:g}: {NEAR:.0%} of the throttle")
        check.same(alarm, "period", 60)


def _burns(program: CapturedProgram) -> dict[tuple[int, float], Resource]:
    """Alarms on the share of errors, by the seconds of their window and their threshold."""
    found = {}
    for alarm in program.of(ALARM):
        queries = {str(each.get("id")): each for each in mappings(alarm.inputs.get("metricQueries"))}
        if "errors" in queries and "requests" in queries and at(queries, "errors.metric.metricName") == "5XXError":
            periods = {at(queries, f"{name}.metric.period") for name in ("errors", "requests")}
            threshold = alarm.inputs.get("threshold")
            if len(periods) == 1 and isinstance(threshold, (int, float)):
                found[int(periods.pop() or 0), round(float(threshold), 9)] = alarm
    return found


@control(
    "T4.burn-rate",
    "A burning error budget is told by how fast it burns",
    "observability.slo_alarms",
    remedy="pass `requirements.availability_percent` of `system.yaml` to `SloAlarms`",
)
def burn_rate(program: CapturedProgram, check: Check) -> None:
    budget = (100 - program.system.requirements.availability_percent) / 100
    alarms = _burns(program)
    rules = program.by_input(COMPOSITE, "alarmRule")
    for window, (factor, long_seconds, short_seconds) in BURNS.items():
        threshold = round(factor * budget, 9)
        pair = [alarms.get((seconds, threshold)) for seconds in (long_seconds, short_seconds)]
        for alarm, seconds in zip(pair, (long_seconds, short_seconds), strict=True):
            if alarm is None:
                check.missing(f"an alarm on errors over {seconds} seconds at {threshold:g} ({window})")
                continue
            queries = {str(each.get("id")): each for each in mappings(alarm.inputs.get("metricQueries"))}
            counted = at(queries, "requests.metric.metricName") == "Count"
            divided = any("errors / requests" in str(each.get("expression")) for each in queries.values())
            check.that(counted and divided, alarm, "metricQueries", "errors / requests")
        if None in pair:
            continue
        names = [str(alarm.outputs.get("name")) for alarm in pair if alarm]
        rule = rules.get(" AND ".join(f'ALARM("{name}")' for name in names))
        if rule is None:
            check.missing(f"an alarm when both windows of {window} burn", pair[0], "", "missing")
        else:
            check.shown(rule, "alarmRule")


@control(
    "T4.outside",
    "Availability is measured from outside",
    "observability.slo_alarms",
    remedy="set `domain` of the stack; `declare_observability` then declares the health check",
)
def outside(program: CapturedProgram, check: Check) -> None:
    domain = program.environment.domain
    if domain is None:
        raise NotApplicable("the stack has no `domain`: there is no lasting address to ask")
    alarms = _by_dimension(program.alarms("HealthCheckStatus"), "HealthCheckId")
    for health in check.some("aws:route53/healthCheck:HealthCheck"):
        check.same(health, "fqdn", domain, f"{domain}: past the edge no request is let in")
        check.same(health, "resourcePath", "/api/health")
        check.same(health, "type", "HTTPS")
        alarm = alarms.get(health.id)
        if alarm is None:
            check.missing("an alarm on this health check", health)
            continue
        check.same(alarm, "comparisonOperator", "LessThanThreshold")
        check.same(alarm, "treatMissingData", "breaching")
        check.that(alarm.region == "us-east-1", alarm, "dimensions", "us-east-1, where health checks are counted")


@control(
    "T4.stores",
    "Every store is watched",
    "database.instance",
    "cache.cache",
    remedy="leave alarms of data stores to `Database` and `Cache`",
)
def stores(program: CapturedProgram, check: Check) -> None:
    instances = [str(each.inputs.get("identifier")) for each in (*program.primaries, *program.replicas)]
    for metric in ("CPUUtilization", "FreeStorageSpace", "FreeableMemory", "DatabaseConnections"):
        watched = _by_dimension(
            [each for each in program.alarms(metric) if each.inputs.get("namespace") == "AWS/RDS"],
            "DBInstanceIdentifier",
        )
        for _, alarm in check.each(watched, instances, f"an alarm on {metric} of"):
            check.shown(alarm, "dimensions")
    lags = _by_dimension(program.alarms("ReplicaLag"), "DBInstanceIdentifier")
    replicas = [str(each.inputs.get("identifier")) for each in program.replicas]
    for _, alarm in check.each(lags, replicas, "an alarm on ReplicaLag of"):
        check.shown(alarm, "dimensions")
    cache = program.plan.cache
    nodes = cache.shards * (1 + cache.replicas) if cache else 0
    memory = program.alarms("DatabaseMemoryUsagePercentage")
    if len(memory) < nodes:
        check.missing(f"{nodes} alarm(s) on the cache's memory", found=f"{len(memory)}")
    for alarm in memory:
        check.shown(alarm, "dimensions")


@control(
    "T4.alarm-actions",
    "Every alarm reaches a person",
    "observability.alarm_topic",
    remedy="give the alarm `alarm_actions` and `ok_actions` of the stack's topic (`alarm_emails` of the stack)",
)
def alarm_actions(program: CapturedProgram, check: Check) -> None:
    """Only the windows of a burn rate are silent: what both say together is told."""
    topics = {str(each.outputs.get("arn")): each.region for each in program.of("aws:sns/topic:Topic")}
    rules = " ".join(str(each.inputs.get("alarmRule")) for each in program.of(COMPOSITE))
    for alarm in (*check.some(ALARM), *program.of(COMPOSITE)):
        actions = items(alarm.inputs.get("alarmActions"))
        if not actions and f'ALARM("{alarm.outputs.get("name")}")' in rules:
            check.shown(alarm)
            continue
        reached = bool(actions) and {topics.get(str(each)) for each in actions} == {alarm.region}
        check.that(reached, alarm, "alarmActions", "a topic of this stack, in the alarm's region")
        check.that(items(alarm.inputs.get("okActions")) == actions, alarm, "okActions", "the same topic")
        check.that(alarm.inputs.get("alarmDescription"), alarm, "alarmDescription", "what to do about it")
