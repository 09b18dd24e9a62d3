"""Alarms on the objectives T1 to T4, at the gateway and for each service."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi
from pulumi_aws import cloudwatch

from groundplan_components.observability._firewall_alarms import blocked_alarm, refusal_alarms, refusal_pattern
from groundplan_components.observability._gateway_alarms import (
    burn_alarms,
    client_error_alarm,
    latency_alarm,
    load_alarms,
)
from groundplan_components.observability._service_alarms import load_balancer_alarm, service_alarms, target_alarms
from groundplan_components.shared.alarms import Alarm, Metric, declare, page_named
from groundplan_components.shared.burn_rate import Urgency, burns_for
from groundplan_components.shared.checks import require
from groundplan_components.shared.metrics import gateway_refusals


class SloAlarmsArgs(TypedDict):
    api_name: pulumi.Input[str]
    """The REST API's name."""
    stage_name: pulumi.Input[str]
    """The API's stage."""
    availability_percent: float
    """T4, over thirty days: 99.9."""
    latency_p95_ms: float
    """T1."""
    query_p95_ms: float
    """T2."""
    throttle_rps: int
    """T3: requests a second that the stage accepts."""
    min_errors: NotRequired[int]
    """Failed requests in a long window below which no alarm fires. Default: 10."""
    metrics_namespace: str
    """`groundplan_components.shared.metrics.namespace(…)` of this system in this environment."""
    services: list[str]
    """Names of the services."""
    load_balancer_arn_suffix: NotRequired[pulumi.Input[str]]
    """ARN suffix of the internal load balancer (`app/…`). Default: no alarms on it."""
    target_group_arn_suffixes: NotRequired[dict[str, pulumi.Input[str]]]
    """ARN suffixes of target groups (`targetgroup/…`), by workload; needs ``load_balancer_arn_suffix``. Default:
    none."""
    web_acl_metric_name: NotRequired[pulumi.Input[str]]
    """Metric name of the regional web ACL: `WebAcl.metric_name`. Default: no alarms on it."""
    region: NotRequired[pulumi.Input[str]]
    """Region of the web ACL; needed with ``web_acl_metric_name``. Default: none."""
    access_log_group_name: NotRequired[pulumi.Input[str]]
    """The gateway's access log in JSON, from which refusals are counted. Default: no alarms on refusals."""
    authorizer_function: NotRequired[pulumi.Input[str]]
    """A Lambda authoriser's function name; Cognito's has no metrics of its own. Default: none."""
    alarm_topic_arn: pulumi.Input[str]
    """SNS topic of urgent alarms (pages)."""
    ticket_topic_arn: NotRequired[pulumi.Input[str]]
    """SNS topic of alarms that can wait until the next working day. Default: ``alarm_topic_arn``."""


class SloAlarms(pulumi.ComponentResource):
    """Alarms on latency, queries, load and the error budget, and alarms that locate the cause."""

    burning_alarm_arns: dict[str, pulumi.Output[str]]
    """Composite alarms by the long window (`1h`)."""

    def __init__(self, name: str, args: SloAlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:SloAlarms", name, {}, opts)
        self._name = name
        self._args = args
        self._inside = pulumi.ResourceOptions(parent=self)

        self._declare(self._gateway())
        self.burning_alarm_arns = self._burning()
        self._declare(self._services())
        self._declare(self._doors())
        if "access_log_group_name" in args:
            self._count_refusals(args["access_log_group_name"])
        self.register_outputs({"burning_alarm_arns": self.burning_alarm_arns})

    def _gateway(self) -> Mapping[str, Alarm]:
        args = self._args
        api, stage = args["api_name"], args["stage_name"]
        return {
            "latency": latency_alarm(api, stage, args["latency_p95_ms"]),
            "client-errors": client_error_alarm(api, stage),
            **load_alarms(api, stage, args["throttle_rps"]),
        }

    def _burning(self) -> dict[str, pulumi.Output[str]]:
        args = self._args
        composites = {}
        for burn in burns_for(args["availability_percent"]):
            windows = burn_alarms(
                args["api_name"], args["stage_name"], burn, args["availability_percent"], args.get("min_errors", 10)
            )
            # A single window notifies no one; the composite alarm of both windows does.
            long, short = (
                declare(f"{self._name}-burn-{burn.name}-{which}", alarm, [], self._inside)
                for which, alarm in zip(("long", "short"), windows, strict=True)
            )
            topic = args["alarm_topic_arn"]
            if burn.urgency is Urgency.TICKET:
                topic = args.get("ticket_topic_arn", topic)
            composites[burn.name] = cloudwatch.CompositeAlarm(
                f"{self._name}-burn-{burn.name}",
                # Pulumi doesn't auto-name composite alarms; its window's name is unique to this stack.
                alarm_name=long.name.apply(lambda known: known.replace("-long", "-burning", 1)),
                alarm_description=page_named(
                    f"T4: {burn.budget_share:.0%} of thirty days' error budget "
                    f"({args['availability_percent']:g} %) went within {burn.name} ({burn.urgency.value})",
                    "error-budget",
                ),
                alarm_rule=pulumi.Output.concat('ALARM("', long.name, '") AND ALARM("', short.name, '")'),
                alarm_actions=[topic],
                ok_actions=[topic],
                tags={"Name": f"{self._name}-burn-{burn.name}"},
                opts=self._inside,
            ).arn
        return composites

    def _services(self) -> Mapping[str, Alarm]:
        args = self._args
        alarms: dict[str, Alarm] = {}
        for service in args["services"]:
            own = service_alarms(args["metrics_namespace"], service, args["latency_p95_ms"], args["query_p95_ms"])
            alarms |= {f"service-{service}-{what}": alarm for what, alarm in own.items()}
        if "load_balancer_arn_suffix" in args:
            alarms["load-balancer"] = load_balancer_alarm(args["load_balancer_arn_suffix"])
            for workload, group in args.get("target_group_arn_suffixes", {}).items():
                seen = target_alarms(args["load_balancer_arn_suffix"], group, workload)
                alarms |= {f"target-{workload}-{what}": alarm for what, alarm in seen.items()}
        return alarms

    def _doors(self) -> Mapping[str, Alarm]:
        args = self._args
        alarms: dict[str, Alarm] = {}
        if "web_acl_metric_name" in args:
            alarms["firewall"] = blocked_alarm(args["web_acl_metric_name"], args["region"])
        if "authorizer_function" in args:
            alarms["authorizer"] = Alarm(
                description="S3: the authoriser fails and refuses all tokens",
                page="authorizer-errors",
                metrics={
                    "errors": Metric(
                        namespace="AWS/Lambda",
                        name="Errors",
                        statistic="Sum",
                        dimensions={"FunctionName": args["authorizer_function"]},
                    )
                },
                threshold=0,
                periods=3,
            )
        if "access_log_group_name" in args:
            alarms |= {
                f"refused-{status}": alarm for status, alarm in refusal_alarms(args["metrics_namespace"]).items()
            }
        return alarms

    def _count_refusals(self, log_group: pulumi.Input[str]) -> None:
        for status in refusal_alarms(self._args["metrics_namespace"]):
            cloudwatch.LogMetricFilter(
                f"{self._name}-refused-{status}",
                log_group_name=log_group,
                pattern=refusal_pattern(status),
                metric_transformation=cloudwatch.LogMetricFilterMetricTransformationArgs(
                    name=gateway_refusals(status),
                    namespace=self._args["metrics_namespace"],
                    value="1",
                    default_value="0",
                    unit="Count",
                ),
                opts=self._inside,
            )

    def _declare(self, alarms: Mapping[str, Alarm]) -> None:
        for what, alarm in alarms.items():
            declare(f"{self._name}-{what}", alarm, [self._args["alarm_topic_arn"]], self._inside)


def _check(name: str, args: SloAlarmsArgs) -> None:
    where = f'SloAlarms "{name}"'
    target = args["availability_percent"]
    require(
        0 < target < 100,
        where,
        "availability_percent",
        target,
        "more than 0 and less than 100: with no budget every error would be an alarm",
        "give the objective over thirty days, for example 99.9",
    )
    for argument, value in (
        ("latency_p95_ms", args["latency_p95_ms"]),
        ("query_p95_ms", args["query_p95_ms"]),
        ("throttle_rps", args["throttle_rps"]),
    ):
        require(value > 0, where, argument, value, "more than 0", "give the target that was promised")
    require(
        not args.get("target_group_arn_suffixes") or "load_balancer_arn_suffix" in args,
        where,
        "load_balancer_arn_suffix",
        None,
        "the load balancer of the target groups",
        "give its ARN suffix",
    )
    require(
        "web_acl_metric_name" not in args or "region" in args,
        where,
        "region",
        None,
        "the region of the web ACL",
        "give it with web_acl_metric_name",
    )
