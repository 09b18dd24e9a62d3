"""Logs, metrics, alarms and dashboards.

Names: CloudWatch and CloudWatch Logs API references. Replacements: CloudFormation reference.
"""

from __future__ import annotations

from infra.simulation.catalogue.kind import Kind, Name

_LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"

KINDS = (
    Kind(
        _LOG_GROUP,
        arn="arn:aws:logs:{region}:{account}:log-group:{name}",
        name=Name(
            longest=512,
            pattern=r"(?!aws/)[.\-_/#A-Za-z0-9]+",
            says="letters, digits and .-_/#, not beginning with aws/",
            source="CloudWatch Logs API: CreateLogGroup",
        ),
        outputs={"retentionInDays": 0, "skipDestroy": False, "logGroupClass": "STANDARD"},
        replaces=("name", "namePrefix", "logGroupClass"),
    ),
    Kind(
        "aws:cloudwatch/logStream:LogStream",
        id="{name}",
        name=Name(
            longest=512,
            pattern=r"[^:*]+",
            says="no colon and no asterisk",
            unique_in="parent",
            parent="logGroupName",
            source="CloudWatch Logs API: CreateLogStream",
        ),
        references={"logGroupName": _LOG_GROUP},
        replaces=("*",),
    ),
    Kind(
        "aws:cloudwatch/logMetricFilter:LogMetricFilter",
        id="{name}",
        name=Name(longest=512, unique_in="parent", parent="logGroupName"),
        references={"logGroupName": _LOG_GROUP},
        replaces=("name", "logGroupName"),
    ),
    Kind(
        "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter",
        id="cwlsf-{hex8}",
        references={"logGroup": _LOG_GROUP},
        replaces=("logGroup", "destinationArn"),
    ),
    Kind(
        "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
        id="{policyName}",
        replaces=("policyName",),
        singleton=True,
    ),
    *(
        Kind(
            token,
            arn="arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
            name=Name(
                property_name,
                longest=255,
                pattern=r"[\x20-\x7e]+",
                says="printable characters",
                auto=property_name == "name",
                source="CloudWatch API: PutMetricAlarm",
            ),
            replaces=(property_name,),
        )
        for token, property_name in (
            ("aws:cloudwatch/metricAlarm:MetricAlarm", "name"),
            ("aws:cloudwatch/compositeAlarm:CompositeAlarm", "alarmName"),
        )
    ),
    Kind(
        "aws:cloudwatch/dashboard:Dashboard",
        id="{dashboardName}",
        name=Name(
            "dashboardName",
            longest=255,
            pattern=r"[A-Za-z0-9_-]+",
            says="letters, digits, - and _",
            auto=False,
            unique_in="account",
            source="CloudWatch API: PutDashboard",
        ),
        outputs={"dashboardArn": "arn:aws:cloudwatch::{account}:dashboard/{dashboardName}"},
        replaces=("dashboardName",),
    ),
)
