"""Alarms on errors, latency and load at the gateway, as users notice them (T1, T3, T4, S7).

Metrics of a REST API stage: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
"""

from collections.abc import Mapping

import pulumi

from groundplan_components.shared.alarms import Alarm, Comparison, Metric, Missing
from groundplan_components.shared.burn_rate import Burn

NAMESPACE = "AWS/ApiGateway"
THROTTLE_SHARE = 0.8
"""Share of the throttle that raises an alarm: a fifth remains as time to act."""
DROP_DEVIATIONS = 4.0
"""Standard deviations below the usual traffic of that hour: users probably can't reach the system."""
CLIENT_ERROR_SHARE = 0.25
LEAST_REQUESTS = 500
"""Requests in five minutes; with fewer, one client's mistakes are a large share."""


def _metric(api: pulumi.Input[str], stage: pulumi.Input[str], name: str, statistic: str) -> Metric:
    return Metric(namespace=NAMESPACE, name=name, statistic=statistic, dimensions={"ApiName": api, "Stage": stage})


def burn_alarms(
    api: pulumi.Input[str], stage: pulumi.Input[str], burn: Burn, target_percent: float, min_errors: int
) -> tuple[Alarm, Alarm]:
    """Alarms on the long and the short window of one burn rate; only both together count.

    They need at least ``min_errors`` in the long window: at night one failed request is a large share.
    """

    def window(seconds: int, least: int) -> Alarm:
        return Alarm(
            description=f"T4: for {seconds} s errors have used up the budget {burn.factor:g} times too fast",
            page="error-budget",
            metrics={
                "errors": _metric(api, stage, "5XXError", "Sum"),
                "requests": _metric(api, stage, "Count", "Sum"),
            },
            expression=f"IF(errors >= {least}, errors / requests, 0)",
            threshold=burn.threshold(target_percent),
            period=seconds,
            periods=1,
        )

    return window(burn.long_seconds, min_errors), window(burn.short_seconds, 1)


def latency_alarm(api: pulumi.Input[str], stage: pulumi.Input[str], p95_ms: float) -> Alarm:
    """T1: `Latency` is the client's waiting time, including the gateway's part."""
    return Alarm(
        description=f"T1: 5 % of responses take longer than {p95_ms:g} ms",
        page="api-latency",
        metrics={"latency": _metric(api, stage, "Latency", "p95")},
        threshold=p95_ms,
        period=60,
        periods=10,
        datapoints=8,
    )


def load_alarms(api: pulumi.Input[str], stage: pulumi.Input[str], throttle_rps: int) -> Mapping[str, Alarm]:
    """T3: traffic near the throttle, and traffic far below the usual."""
    requests = {"requests": _metric(api, stage, "Count", "Sum")}
    return {
        "near-throttle": Alarm(
            description=f"T3: more than {THROTTLE_SHARE:.0%} of the {throttle_rps} requests/s that the gateway lets in",
            page="api-near-throttle",
            metrics=requests,
            threshold=THROTTLE_SHARE * throttle_rps * 60,
            period=60,
            periods=5,
            datapoints=3,
        ),
        "traffic-drop": Alarm(
            description="Far fewer requests than usual at this hour: do users get through?",
            page="api-traffic-drop",
            metrics=requests,
            band=DROP_DEVIATIONS,
            comparison=Comparison.BELOW_BAND,
            period=300,
            periods=3,
            missing=Missing.KEEP,
        ),
    }


def client_error_alarm(api: pulumi.Input[str], stage: pulumi.Input[str]) -> Alarm:
    """Many client errors: a release that breaks clients, or an attacker who probes the API."""
    return Alarm(
        description=f"More than {CLIENT_ERROR_SHARE:.0%} of requests are refused with a status of 4xx",
        page="api-client-errors",
        metrics={
            "refused": _metric(api, stage, "4XXError", "Sum"),
            "requests": _metric(api, stage, "Count", "Sum"),
        },
        expression=f"IF(requests >= {LEAST_REQUESTS}, refused / requests, 0)",
        threshold=CLIENT_ERROR_SHARE,
        period=300,
        periods=3,
    )
