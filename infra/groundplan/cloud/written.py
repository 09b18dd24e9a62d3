"""Values that are written down in guides only: by type and path, in the form of the compiled rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_Rule = Mapping[str, Any]


def _one_of(source: str, values: Iterable[str | int]) -> _Rule:
    return {"enum": [str(each) for each in values], "source": source}


def _range(source: str, low: float | None = None, high: float | None = None) -> _Rule:
    return {name: limit for name, limit in (("min", low), ("max", high)) if limit is not None} | {"source": source}


def _form(source: str, pattern: str) -> _Rule:
    return {"pattern": pattern, "source": source}


_DAY, _TIME = "(mon|tue|wed|thu|fri|sat|sun)", "([01][0-9]|2[0-3]):[0-5][0-9]"
_WEEKLY, _DAILY = f"{_DAY}:{_TIME}-{_DAY}:{_TIME}", f"{_TIME}-{_TIME}"
_KUBERNETES = "Kubernetes API reference"
_QUANTITY = _form(
    f"{_KUBERNETES}, Quantity", r"\+?(\d+(\.\d*)?|\.\d+)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d+)?"
)
_DURATION = r"([0-9]+(s|m|h))+"
_OCTET = r"(25[0-5]|2[0-4]\d|1?\d?\d)"
_CIDR = rf"{_OCTET}(\.{_OCTET}){{3}}/(3[0-2]|[12]?\d)"
_LB = "Elastic Load Balancing API"
_PERMISSIONS = "EC2 API, CreateSecurityGroup"
_GROUP_TEXT = _form(_PERMISSIONS, r"[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}")
_TYPES_OF_GLUE = (
    r"(?i)(boolean|tinyint|smallint|int|integer|bigint|double|float|decimal(\(\d+(,\s*\d+)?\))?|char\(\d+\)|varchar(\(\d+\))?|"
    r"string|binary|date|timestamp|array<.+>|map<.+>|struct<.+>|real|ipaddress|uuid)"
)
_DATABASE_EVENTS = (
    "availability",
    "backup",
    "backtrack",
    "configuration change",
    "creation",
    "deletion",
    "failover",
    "failure",
    "low storage",
    "maintenance",
    "notification",
    "read replica",
    "recovery",
    "restoration",
    "security",
    "security patching",
)
_PODS = {
    f"spec.template.spec.{kind}[].{path}": entry
    for kind in ("containers", "initContainers")
    for path, entry in {
        "ports[].containerPort": _range(f"{_KUBERNETES}, ContainerPort", 1, 65_535),
        "ports[].protocol": _one_of(f"{_KUBERNETES}, ContainerPort", ("TCP", "UDP", "SCTP")),
        "imagePullPolicy": _one_of(f"{_KUBERNETES}, Container", ("Always", "IfNotPresent", "Never")),
        "terminationMessagePolicy": _one_of(f"{_KUBERNETES}, Container", ("File", "FallbackToLogsOnError")),
        "livenessProbe.successThreshold": _range(f"{_KUBERNETES}, Probe: 1 for liveness", 1, 1),
        "startupProbe.successThreshold": _range(f"{_KUBERNETES}, Probe: 1 for startup", 1, 1),
        **{
            f"{probe}.{field}": _range(f"{_KUBERNETES}, Probe", least)
            for probe in ("livenessProbe", "readinessProbe", "startupProbe")
            for field, least in (
                ("periodSeconds", 1),
                ("timeoutSeconds", 1),
                ("failureThreshold", 1),
                ("initialDelaySeconds", 0),
            )
        },
        **{
            f"{probe}.httpGet.scheme": _one_of(f"{_KUBERNETES}, HTTPGetAction", ("HTTP", "HTTPS"))
            for probe in ("livenessProbe", "readinessProbe", "startupProbe")
        },
        **{
            f"resources.{kind}.{name}": _QUANTITY
            for kind in ("requests", "limits")
            for name in ("cpu", "memory", "ephemeral-storage")
        },
    }.items()
} | {
    "spec.template.spec.dnsPolicy": _one_of(
        f"{_KUBERNETES}, PodSpec", ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
    ),
    "spec.template.spec.terminationGracePeriodSeconds": _range(f"{_KUBERNETES}, PodSpec", 0),
    "spec.template.spec.securityContext.fsGroupChangePolicy": _one_of(
        f"{_KUBERNETES}, PodSecurityContext", ("OnRootMismatch", "Always")
    ),
    "spec.template.spec.topologySpreadConstraints[].whenUnsatisfiable": _one_of(
        f"{_KUBERNETES}, TopologySpreadConstraint", ("DoNotSchedule", "ScheduleAnyway")
    ),
    "spec.template.spec.topologySpreadConstraints[].maxSkew": _range(f"{_KUBERNETES}, TopologySpreadConstraint", 1),
    "spec.template.spec.securityContext.seccompProfile.type": _one_of(
        f"{_KUBERNETES}, SeccompProfile", ("RuntimeDefault", "Unconfined", "Localhost")
    ),
}
_SCALING = {
    f"spec.behavior.{way}.{path}": entry
    for way in ("scaleDown", "scaleUp")
    for path, entry in {
        "selectPolicy": _one_of(f"{_KUBERNETES}, HPAScalingRules", ("Max", "Min", "Disabled")),
        "stabilizationWindowSeconds": _range(f"{_KUBERNETES}, HPAScalingRules", 0, 3_600),
        "policies[].periodSeconds": _range(f"{_KUBERNETES}, HPAScalingPolicy", 1, 1_800),
        "policies[].value": _range(f"{_KUBERNETES}, HPAScalingPolicy", 1),
        "policies[].type": _one_of(f"{_KUBERNETES}, HPAScalingPolicy", ("Pods", "Percent")),
    }.items()
}

WRITTEN: dict[str, dict[str, _Rule]] = {
    "aws:apigateway/basePathMapping:BasePathMapping": {
        "basePath": _form("API Gateway guide, custom domain names", r"[A-Za-z0-9$_.+!*'()/-]*"),
    },
    "aws:apigateway/methodSettings:MethodSettings": {
        "settings.unauthorizedCacheControlHeaderStrategy": _one_of(
            "botocore apigateway, UnauthorizedCacheControlHeaderStrategy",
            ("FAIL_WITH_403", "SUCCEED_WITH_RESPONSE_HEADER", "SUCCEED_WITHOUT_RESPONSE_HEADER"),
        ),
        "settings.throttlingBurstLimit": _range("API Gateway API, MethodSetting", -1),
        "settings.throttlingRateLimit": _range("API Gateway API, MethodSetting", -1),
    },
    "aws:apigatewayv2/vpcLink:VpcLink": {
        "name": {"shortest": 1, "longest": 128, "source": "API Gateway v2 API, CreateVpcLink"},
    },
    "aws:athena/namedQuery:NamedQuery": {
        "query": {"shortest": 1, "longest": 262_144, "source": "botocore athena, QueryString"},
    },
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration": {
        "minRetentionDays": _range("Backup API, PutBackupVaultLockConfiguration", 1, 36_500),
        "maxRetentionDays": _range("Backup API, PutBackupVaultLockConfiguration", 1, 36_500),
        "changeableForDays": _range("Backup API, PutBackupVaultLockConfiguration", 3, 36_500),
    },
    "aws:cloudwatch/eventTarget:EventTarget": {
        "arn": _form("botocore events, TargetArn", r"arn:[\s\S]+"),
        "targetId": _form("botocore events, TargetId", r"[.\-_A-Za-z0-9]{1,64}"),
    },
    "aws:cloudwatch/logDeliverySource:LogDeliverySource": {"logType": _form("botocore logs, LogType", r"\w+")},
    "aws:cloudwatch/logGroup:LogGroup": {
        "retentionInDays": _one_of(
            "CloudWatch Logs API, PutRetentionPolicy",
            (
                *(0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192),
                *(2557, 2922, 3288, 3653),
            ),
        ),
    },
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": {
        "name": _form("botocore logs, FilterName", r"[^:*]{1,512}"),
        "metricTransformation.name": _form("botocore logs, MetricName", r"[^:*$]{0,255}"),
        "metricTransformation.namespace": _form("botocore logs, MetricNamespace", r"[^:*$]{0,255}"),
    },
    "aws:cognito/userPool:UserPool": {
        "passwordPolicy.temporaryPasswordValidityDays": _range(
            "botocore cognito-idp, TemporaryPasswordValidityDaysType", 0, 365
        ),
    },
    "aws:ec2/natGateway:NatGateway": {
        "privateIp": _form("EC2 API, CreateNatGateway", rf"{_OCTET}(\.{_OCTET}){{3}}"),
    },
    "aws:ec2/route:Route": {"destinationCidrBlock": _form("EC2 API, CreateRoute", _CIDR)},
    "aws:ec2/networkAclRule:NetworkAclRule": {"cidrBlock": _form("EC2 API, CreateNetworkAclEntry", _CIDR)},
    "aws:ec2/securityGroup:SecurityGroup": {"description": _GROUP_TEXT},
    "aws:ec2/vpcEndpoint:VpcEndpoint": {
        "serviceName": _form("PrivateLink guide, services", r"(com|cn\.com|aws)\.[\w.-]+|com\.amazonaws\.[\w.-]+"),
    },
    "aws:elasticache/replicationGroup:ReplicationGroup": {
        "maintenanceWindow": _form("ElastiCache API, PreferredMaintenanceWindow", _WEEKLY),
        "snapshotWindow": _form("ElastiCache API, SnapshotWindow", _DAILY),
    },
    "aws:glue/catalogTable:CatalogTable": {
        "storageDescriptor.columns[].type": _form("Athena guide, data types", _TYPES_OF_GLUE),
        "partitionKeys[].type": _form("Athena guide, data types", _TYPES_OF_GLUE),
    },
    **{
        f"aws:lb/{name}": {
            f"{actions}[].fixedResponse.{path}": entry
            for path, entry in {
                "statusCode": _form(f"{_LB}, FixedResponseActionConfig", r"(2|4|5)\d\d"),
                "contentType": _one_of(
                    f"{_LB}, FixedResponseActionConfig",
                    ("text/plain", "text/css", "text/html", "application/javascript", "application/json"),
                ),
            }.items()
        }
        for name, actions in (("listener:Listener", "defaultActions"), ("listenerRule:ListenerRule", "actions"))
    },
    "aws:lb/targetGroup:TargetGroup": {
        "protocolVersion": _one_of(f"{_LB}, CreateTargetGroup", ("HTTP1", "HTTP2", "GRPC")),
        "loadBalancingAlgorithmType": _one_of(
            f"{_LB}, load_balancing.algorithm.type", ("round_robin", "least_outstanding_requests", "weighted_random")
        ),
        "deregistrationDelay": _range(f"{_LB}, deregistration_delay.timeout_seconds", 0, 3_600),
    },
    "aws:rds/eventSubscription:EventSubscription": {
        "eventCategories[]": _one_of("RDS guide, event categories", _DATABASE_EVENTS),
    },
    "aws:rds/instance:Instance": {
        "port": _range("RDS API, CreateDBInstance", 1_150, 65_535),
        "maintenanceWindow": _form("RDS API, PreferredMaintenanceWindow", _WEEKLY),
        "backupWindow": _form("RDS API, PreferredBackupWindow", _DAILY),
        "backupRetentionPeriod": _range("RDS API, CreateDBInstance", 0, 35),
    },
    "aws:rds/parameterGroup:ParameterGroup": {
        "family": _form(
            "RDS API, DBParameterGroupFamily",
            r"postgres(9\.[3-6]|1[0-8])|mysql[58]\.\d|mariadb1[01]\.\d+|(oracle|sqlserver|db2|aurora)-?[\w.-]+",
        ),
    },
    "aws:rds/proxyTarget:ProxyTarget": {"targetGroupName": _one_of("RDS API, RegisterDBProxyTargets", ("default",))},
    "aws:route53/healthCheck:HealthCheck": {
        "requestInterval": _one_of("Route 53 API, HealthCheckConfig", (10, 30)),
    },
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": {
        "rules[].abortIncompleteMultipartUpload.daysAfterInitiation": _range("S3 API, LifecycleRule", 1),
        "rules[].expiration.days": _range("S3 API, LifecycleExpiration", 1),
        "rules[].noncurrentVersionExpiration.noncurrentDays": _range("S3 API, NoncurrentVersionExpiration", 1),
    },
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": {
        "rule.defaultRetention.days": _range("S3 guide, Object Lock", 1, 36_500),
        "rule.defaultRetention.years": _range("S3 guide, Object Lock", 1, 100),
    },
    "aws:secretsmanager/secret:Secret": {
        "recoveryWindowInDays": _one_of("Secrets Manager API, DeleteSecret", (0, *range(7, 31))),
    },
    "aws:sns/topicSubscription:TopicSubscription": {
        "protocol": _one_of(
            "SNS API, Subscribe",
            (*("application", "email", "email-json", "firehose", "http", "https", "lambda", "sms", "sqs"),),
        ),
    },
    "aws:sns/topic:Topic": {"signatureVersion": _one_of("SNS API, SetTopicAttributes", (1, 2))},
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": {"description": _GROUP_TEXT},
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {"description": _GROUP_TEXT},
    "aws:wafv2/webAcl:WebAcl": {
        "visibilityConfig.metricName": _form(
            "botocore wafv2, MetricName; All and Default_Action are reserved",
            r"(?!(All|Default_Action)$)[\w#:./-]{1,255}",
        ),
        "rules[].visibilityConfig.metricName": _form(
            "botocore wafv2, MetricName; All and Default_Action are reserved",
            r"(?!(All|Default_Action)$)[\w#:./-]{1,255}",
        ),
    },
    "kubernetes:apps/v1:Deployment": {
        **_PODS,
        "spec.strategy.type": _one_of(f"{_KUBERNETES}, DeploymentStrategy", ("Recreate", "RollingUpdate")),
        "spec.template.spec.restartPolicy": _one_of(f"{_KUBERNETES}, Deployment: its pods restart", ("Always",)),
        "spec.replicas": _range(f"{_KUBERNETES}, DeploymentSpec", 0),
        "spec.minReadySeconds": _range(f"{_KUBERNETES}, DeploymentSpec", 0),
        "spec.revisionHistoryLimit": _range(f"{_KUBERNETES}, DeploymentSpec", 0),
    },
    "kubernetes:autoscaling/v2:HorizontalPodAutoscaler": {
        **_SCALING,
        "spec.metrics[].type": _one_of(
            f"{_KUBERNETES}, MetricSpec", ("Resource", "ContainerResource", "Pods", "Object", "External")
        ),
        "spec.metrics[].resource.target.type": _one_of(
            f"{_KUBERNETES}, MetricTarget", ("Utilization", "Value", "AverageValue")
        ),
    },
    "kubernetes:batch/v1:Job": {
        **_PODS,
        "spec.template.spec.restartPolicy": _one_of(f"{_KUBERNETES}, JobSpec", ("Never", "OnFailure")),
        "spec.backoffLimit": _range(f"{_KUBERNETES}, JobSpec", 0),
        "spec.activeDeadlineSeconds": _range(f"{_KUBERNETES}, JobSpec", 0),
        "spec.ttlSecondsAfterFinished": _range(f"{_KUBERNETES}, JobSpec", 0),
        "spec.completionMode": _one_of(f"{_KUBERNETES}, JobSpec", ("NonIndexed", "Indexed")),
    },
    "kubernetes:core/v1:LimitRange": {
        "spec.limits[].type": _one_of(f"{_KUBERNETES}, LimitRangeItem", ("Pod", "Container", "PersistentVolumeClaim")),
        **{
            f"spec.limits[].{kind}.{name}": _QUANTITY
            for kind in ("default", "defaultRequest", "max", "min")
            for name in ("cpu", "memory")
        },
    },
    "kubernetes:core/v1:ResourceQuota": {
        **{
            f"spec.hard.{name}": _QUANTITY
            for name in ("pods", "services", "secrets", "configmaps", "persistentvolumeclaims", "cpu", "memory")
        },
        "spec.scopes[]": _one_of(
            f"{_KUBERNETES}, ResourceQuotaSpec",
            (
                *("Terminating", "NotTerminating", "BestEffort", "NotBestEffort"),
                *("PriorityClass", "CrossNamespacePodAffinity", "VolumeAttributesClass"),
            ),
        ),
    },
    "kubernetes:core/v1:Service": {
        "spec.internalTrafficPolicy": _one_of(f"{_KUBERNETES}, ServiceSpec", ("Cluster", "Local")),
        "spec.externalTrafficPolicy": _one_of(f"{_KUBERNETES}, ServiceSpec", ("Cluster", "Local")),
        "spec.sessionAffinity": _one_of(f"{_KUBERNETES}, ServiceSpec", ("ClientIP", "None")),
        "spec.type": _one_of(f"{_KUBERNETES}, ServiceSpec", ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")),
        "spec.ports[].protocol": _one_of(f"{_KUBERNETES}, ServicePort", ("TCP", "UDP", "SCTP")),
        "spec.ports[].port": _range(f"{_KUBERNETES}, ServicePort", 1, 65_535),
    },
    "kubernetes:eks.amazonaws.com/v1:NodeClass": {
        "spec.ephemeralStorage.size": _form("EKS guide, node class", r"(?!0+[A-Z])\d+(Gi|Ti|G|T)"),
        "spec.ephemeralStorage.iops": _range("EKS guide, node class", 3_000, 16_000),
        "spec.ephemeralStorage.throughput": _range("EKS guide, node class", 125, 1_000),
    },
    "kubernetes:karpenter.sh/v1:NodePool": {
        "spec.disruption.budgets[].nodes": _form("Karpenter, NodePool v1", r"(100|[0-9]{1,2})%|[0-9]+"),
        "spec.disruption.consolidateAfter": _form("Karpenter, NodePool v1", rf"{_DURATION}|Never"),
        "spec.template.spec.expireAfter": _form("Karpenter, NodePool v1", rf"{_DURATION}|Never"),
        "spec.template.spec.terminationGracePeriod": _form("Karpenter, NodePool v1", _DURATION),
        "spec.weight": _range("Karpenter, NodePool v1", 1, 100),
    },
    "kubernetes:networking.k8s.io/v1:NetworkPolicy": {
        "spec.policyTypes[]": _one_of(f"{_KUBERNETES}, NetworkPolicySpec", ("Ingress", "Egress")),
        **{
            f"spec.{way}[].ports[].protocol": _one_of(f"{_KUBERNETES}, NetworkPolicyPort", ("TCP", "UDP", "SCTP"))
            for way in ("ingress", "egress")
        },
    },
    "kubernetes:policy/v1:PodDisruptionBudget": {
        "spec.unhealthyPodEvictionPolicy": _one_of(
            f"{_KUBERNETES}, PodDisruptionBudgetSpec", ("IfHealthyBudget", "AlwaysAllow")
        ),
    },
    "random:index/randomId:RandomId": {"byteLength": _range("random provider, random_id", 1)},
    "random:index/randomPassword:RandomPassword": {"length": _range("random provider, random_password", 1)},
}
