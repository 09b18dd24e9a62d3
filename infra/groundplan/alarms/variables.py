"""Shell variables of the pages' commands: what each is, and the command that finds it.

Pages are the same for all systems, so names of a stack's resources are variables: most are a dimension of the alarm.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DIMENSION = """\
dimension() { aws cloudwatch describe-alarms --alarm-names "${ALARM/-burning/-long}" --output text \\
  --query "MetricAlarms[0].[Dimensions,Metrics[].MetricStat.Metric.Dimensions[]][] | [?Name=='$1'].Value | [0]"; }"""
"""A shell function: the value of one of the alarm's dimensions, by its name. A composite alarm (`-burning`) has
none, its long window has.
"""
AGO = """\
ago() { since=$(($(date +%s) - $1 * 60)); date -u -r $since +%FT%TZ 2>/dev/null || date -u -d @$since +%FT%TZ; }"""
"""A shell function: the time so many minutes ago, by BSD's `date` or by GNU's."""
_COUNTERS = frozenset({"database-deadlocks", "database-shard-size"})
"""Pages of alarms on counters of Database Insights: these have no dimensions, but the instance's resource id in an
expression."""


@dataclass(frozen=True, slots=True)
class Variable:
    """``command`` finds the value, and may use variables that stand before it; empty: a person knows it."""

    name: str
    meaning: str
    command: str = ""
    pages: frozenset[str] = frozenset()
    """Where it is this; empty: wherever the name isn't another's."""

    @property
    def dimension(self) -> str:
        """The dimension of the alarm that it is; empty: none."""
        found = re.fullmatch(r"""\$\(dimension (?:"([^"]+)"|(\S+))\)""", self.command)
        return (found[1] or found[2]) if found else ""


def _dimension(name: str, dimension: str, meaning: str, *pages: str) -> Variable:
    quoted = f'"{dimension}"' if " " in dimension else dimension
    return Variable(name, meaning, f"$(dimension {quoted})", frozenset(pages))


_RESOURCE_ID = (
    """$(aws rds describe-db-instances --db-instance-identifier "$INSTANCE" --output text """
    """--query 'DBInstances[0].DbiResourceId')"""
)

VARIABLES = (
    Variable("ALARM", "the alarm's name in its notification"),
    Variable("STACK", "such as prod"),
    Variable("SYSTEM", "such as shop: `name` in system.yaml"),
    Variable("SCOPE", "system and stack, such as shop-prod"),
    Variable("DOMAIN", "the stack's `domain`"),
    _dimension("SERVICE", "service", "the service", "service-latency", "service-outbox", "service-statements"),
    Variable("SERVICE", "the service, in the alarm's name"),
    Variable("WORKLOAD", "service and role, such as order-query: in the alarm's name, or of `kubectl get deployments`"),
    Variable("POD", "of `kubectl get pods`"),
    Variable("NODE", "of `kubectl get nodes`"),
    _dimension("API", "ApiName", "the gateway's API"),
    _dimension("STAGE", "Stage", "its stage"),
    Variable("POOL", "the user pool's id, of `aws cognito-idp list-user-pools --max-results 60`"),
    Variable("SUBJECT", "the user, `subject` in the log"),
    _dimension("HEALTH_CHECK", "HealthCheckId", "Route 53's health check"),
    _dimension("DISTRIBUTION", "DistributionId", "the distribution"),
    _dimension("LOAD_BALANCER", "LoadBalancer", "the load balancer, the end of its ARN"),
    _dimension("TARGET_GROUP", "TargetGroup", "the target group, the end of its ARN"),
    Variable(
        "TARGET_GROUP_ARN",
        "the target group",
        """$(aws elbv2 describe-target-groups --output text """
        """--query "TargetGroups[?ends_with(TargetGroupArn, '$TARGET_GROUP')].TargetGroupArn")""",
    ),
    Variable(
        "RESOURCE_ID",
        "the instance's resource id",
        """$(aws cloudwatch describe-alarms --alarm-names "$ALARM" --output text """
        """--query 'MetricAlarms[0].Metrics[0].Expression' | cut -d "'" -f 4)""",
        _COUNTERS,
    ),
    Variable(
        "INSTANCE",
        "the database instance",
        """$(aws rds describe-db-instances --output text """
        """--query "DBInstances[?DbiResourceId=='$RESOURCE_ID'].DBInstanceIdentifier")""",
        _COUNTERS,
    ),
    Variable(
        "INSTANCE",
        "the service's database instance, of `aws rds describe-db-instances`",
        pages=frozenset({"service-statements"}),
    ),
    _dimension("INSTANCE", "DBInstanceIdentifier", "the database instance"),
    Variable("RESOURCE_ID", "the instance's resource id", _RESOURCE_ID),
    Variable("CLASS", "the larger instance class that the plan names"),
    _dimension("PROXY", "ProxyName", "the proxy"),
    _dimension("FUNCTION", "FunctionName", "the function"),
    Variable("SECRET", "the secret's name, of the list"),
    _dimension("CACHE_NODE", "CacheClusterId", "the cache's node"),
    _dimension("CLUSTER", "Cluster Name", "the Kafka cluster"),
    Variable("BROKER", "the broker's number, of the list", pages=frozenset({"kafka-offline-partitions"})),
    _dimension("BROKER", "Broker ID", "the broker's number"),
    _dimension("GROUP", "Consumer Group", "the consumer group"),
    _dimension("TOPIC", "Topic", "the topic"),
    Variable(
        "CLUSTER_ARN",
        "the Kafka cluster",
        """$(aws kafka list-clusters-v2 --cluster-name-filter "$CLUSTER" --output text """
        """--query 'ClusterInfoList[0].ClusterArn')""",
    ),
    Variable(
        "STREAM",
        "the Firehose stream of the event, of `aws firehose list-delivery-streams`",
        pages=frozenset({"event-log-undelivered"}),
    ),
    _dimension("STREAM", "DeliveryStreamName", "the Firehose stream"),
    Variable("KEY", "the key's id, in the error"),
    Variable(
        "LOG_BUCKET",
        "the event log's bucket",
        """$(aws s3api list-buckets --output text --query """
        """"Buckets[?contains(Name, 'event-log-store-') && !contains(Name, 'store-logs')].Name")""",
    ),
    _dimension("QUEUE", "QueueName", "the queue"),
    Variable(
        "QUEUE_URL",
        "the queue",
        """$(aws sqs get-queue-url --queue-name "$QUEUE" --query QueueUrl --output text)""",
    ),
    Variable(
        "QUEUE_ARN",
        "the queue",
        """$(aws sqs get-queue-attributes --queue-url "$QUEUE_URL" --attribute-names QueueArn --output text """
        """--query Attributes.QueueArn)""",
    ),
    Variable("CONSUMER_QUEUE_ARN", "as QUEUE_ARN, without -undelivered; of `aws sqs list-queues`"),
    Variable("BODY", "`Body` of the message"),
    Variable("RECEIPT", "`ReceiptHandle` of the message"),
    _dimension("TOPIC_NAME", "TopicName", "the topic"),
    Variable(
        "TOPIC_ARN",
        "the topic",
        """$(aws sns list-topics --output text --query "Topics[?ends_with(TopicArn, ':$TOPIC_NAME')].TopicArn")""",
    ),
)
_USED = re.compile(r"\$\{?([A-Z][A-Z_]+)\b")


def used(page: str, text: str) -> tuple[Variable, ...]:
    """The variables that a page's commands use, and those that their own commands need, in the order to set them.

    Raises KeyError for one that isn't in the table.
    """
    wanted: dict[str, Variable] = {}
    waiting = _USED.findall(text)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted[name] = _of(name, page)
            waiting += _USED.findall(wanted[name].command)
            if "$(dimension " in wanted[name].command:
                waiting.append("ALARM")
    return tuple(sorted(wanted.values(), key=VARIABLES.index))


def _of(name: str, page: str) -> Variable:
    for variable in VARIABLES:
        if variable.name == name and (not variable.pages or page in variable.pages):
            return variable
    raise KeyError(name)
