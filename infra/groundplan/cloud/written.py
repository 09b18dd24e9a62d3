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
_CIDR_6 = r"[0-9a-fA-F:.]*:[0-9a-fA-F:.]*/(12[0-8]|1[01]\d|\d?\d)"
_OWNER = _form("S3 API, ExpectedBucketOwner: an account's number", r"(\d{12})?")
_ERRORS = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)
_STATUS = r"(?:[2-5]\d\d|\d{1,2})"
_PORT = r"(6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3})"
_NO_EXPRESSION = r"(?:[^!]|!(?!\{))*"
_EXPRESSION = r"!\{(?:timestamp:[^}]+|firehose:random-string|partitionKeyFrom(?:Query|Lambda):[^}]+)\}"
_FLOW_FIELDS = (
    "version|account-id|interface-id|srcaddr|dstaddr|srcport|dstport|protocol|packets|bytes|start|end|action|log-status|"
    "vpc-id|subnet-id|instance-id|tcp-flags|type|pkt-srcaddr|pkt-dstaddr|region|az-id|sublocation-type|sublocation-id|"
    "pkt-src-aws-service|pkt-dst-aws-service|flow-direction|traffic-path|ecs-[a-z-]+|reject-reason|resource-type|"
    "tgw-[a-z-]+|packets-lost-[a-z-]+|encryption-status"
)
_LB = "Elastic Load Balancing API"
_PERMISSIONS = "EC2 API, CreateSecurityGroup"
_GROUP_TEXT = _form(_PERMISSIONS, r"[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}")
_TYPES_OF_GLUE = (
    r"(?i)(boolean|tinyint|smallint|int|integer|bigint|double|float|decimal(\((3[0-8]|[12]?\d)(,\s*\d+)?\))?|char\(\d+\)|varchar(\(\d+\))?|"
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
        "securityContext.runAsUser": _range(f"{_KUBERNETES}, SecurityContext", 0),
        "securityContext.runAsGroup": _range(f"{_KUBERNETES}, SecurityContext", 0),
        "env[].valueFrom.fieldRef.fieldPath": _form(
            f"{_KUBERNETES}, ObjectFieldSelector",
            r"metadata\.(name|namespace|uid|(labels|annotations)(\['[^']+'\]))|spec\.(nodeName|serviceAccountName)|"
            r"status\.(hostIP|hostIPs|podIP|podIPs)",
        ),
        "volumeMounts[].mountPath": _form(f"{_KUBERNETES}, VolumeMount", r"[^:]+"),
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
    "spec.template.spec.securityContext.runAsUser": _range(f"{_KUBERNETES}, PodSecurityContext", 0),
    "spec.template.spec.securityContext.runAsGroup": _range(f"{_KUBERNETES}, PodSecurityContext", 0),
    "spec.template.spec.securityContext.fsGroup": _range(f"{_KUBERNETES}, PodSecurityContext", 0),
    "spec.template.spec.volumes[].emptyDir.sizeLimit": _QUANTITY,
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
    "aws:acm/certificateValidation:CertificateValidation": {
        "certificateArn": _form("botocore acm, Arn", r"arn:[^:]+:acm:[^:]+:\d{12}:certificate/\S+"),
    },
    "aws:athena/workgroup:Workgroup": {
        "configuration.resultConfiguration.outputLocation": _form("Athena API, ResultConfiguration", r"s3://\S+"),
    },
    "aws:backup/plan:Plan": {
        "rules[].lifecycle.deleteAfter": _range("Backup API, Lifecycle; terraform-provider-aws#24960", 1, 36_500),
    },
    "aws:cloudfront/distribution:Distribution": {
        "comment": {"longest": 128, "source": "CloudFront API, DistributionConfig"},
        "origins[].customHeaders[].name": _form("RFC 9110, field names", r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"),
        "origins[].customOriginConfig.originReadTimeout": _range("CloudFront API, CustomOriginConfig", 1),
        "origins[].customOriginConfig.originKeepaliveTimeout": _range("CloudFront API, CustomOriginConfig", 1),
        "customErrorResponses[].errorCode": _one_of("CloudFront API, CustomErrorResponse", _ERRORS),
        "customErrorResponses[].responseCode": _one_of("CloudFront API, CustomErrorResponse", (200, *_ERRORS)),
    },
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": {
        "deliveryDestinationConfiguration.destinationResourceArn": _form(
            "CloudWatch Logs API, PutDeliveryDestination", r"arn:[^:]+:(s3|logs|firehose|xray):.*"
        ),
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
        "inputPath": _form("EventBridge API, Target", r"\$[\s\S]*"),
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
    "aws:ec2/flowLog:FlowLog": {
        "logFormat": _form(
            "VPC guide, flow log records: available fields", rf"\$\{{({_FLOW_FIELDS})\}}(\s+\$\{{({_FLOW_FIELDS})\}})*"
        ),
    },
    "aws:ec2/route:Route": {
        "destinationCidrBlock": _form("EC2 API, CreateRoute", _CIDR),
        "destinationIpv6CidrBlock": _form("EC2 API, CreateRoute", _CIDR_6),
    },
    "aws:ec2/routeTable:RouteTable": {
        "propagatingVgws[]": _form("EC2 API, EnableVgwRoutePropagation", r"vgw-[0-9a-f]+"),
    },
    "aws:ec2/subnet:Subnet": {"ipv6CidrBlock": _form("EC2 API, CreateSubnet", _CIDR_6)},
    "aws:ec2/tag:Tag": {"key": {"shortest": 1, "longest": 128, "source": "Tagging guide"}},
    "aws:ec2/vpc:Vpc": {"ipv6CidrBlock": _form("EC2 API, CreateVpc", _CIDR_6)},
    "aws:eks/accessEntry:AccessEntry": {
        "userName": _form("EKS API, CreateAccessEntry", r"(?!(system|eks|aws|amazon|iam):)[\s\S]*"),
    },
    "aws:ec2/networkAclRule:NetworkAclRule": {
        "cidrBlock": _form("EC2 API, CreateNetworkAclEntry", _CIDR),
        "ipv6CidrBlock": _form("EC2 API, CreateNetworkAclEntry", _CIDR_6),
    },
    "aws:ec2/securityGroup:SecurityGroup": {
        "description": _GROUP_TEXT,
        "name": _form(_PERMISSIONS, r"(?![Ss][Gg]-)[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}"),
    },
    "aws:ec2/vpcEndpoint:VpcEndpoint": {
        "serviceName": _form("PrivateLink guide, services", r"(com|cn\.com|aws)\.[\w.-]+|com\.amazonaws\.[\w.-]+"),
    },
    "aws:elasticache/replicationGroup:ReplicationGroup": {
        "maintenanceWindow": _form("ElastiCache API, PreferredMaintenanceWindow", _WEEKLY),
        "snapshotWindow": _form("ElastiCache API, SnapshotWindow", _DAILY),
        "port": _range("ElastiCache API, CreateReplicationGroup", 1, 65_535),
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
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": {
        "extendedS3Configuration.prefix": _form(
            "Firehose guide, custom prefixes", rf"{_NO_EXPRESSION}({_EXPRESSION}{_NO_EXPRESSION})*"
        ),
    },
    "aws:lb/loadBalancer:LoadBalancer": {
        "accessLogs.prefix": _form("Elastic Load Balancing guide, access logs", r"(?!.*AWSLogs)[\s\S]*"),
    },
    "aws:lambda/function:Function": {
        "reservedConcurrentExecutions": _range("pulumi_aws, Function: -1 for no limit", -1),
    },
    "aws:lb/targetGroup:TargetGroup": {
        "healthCheck.matcher": _form(f"{_LB}, Matcher", rf"({_STATUS}(-{_STATUS})?)(,{_STATUS}(-{_STATUS})?)*"),
        "healthCheck.port": _form(f"{_LB}, HealthCheckPort", rf"traffic-port|{_PORT}"),
        "healthCheck.protocol": _one_of(f"{_LB}, HealthCheckProtocol", ("HTTP", "HTTPS", "TCP")),
        "loadBalancingCrossZoneEnabled": _one_of(
            f"{_LB}, load_balancing.cross_zone.enabled", ("true", "false", "use_load_balancer_configuration")
        ),
        "loadBalancingAnomalyMitigation": _one_of(f"{_LB}, load_balancing.algorithm.anomaly_mitigation", ("on", "off")),
        "stickiness.cookieDuration": _range(f"{_LB}, stickiness.lb_cookie.duration_seconds", 1, 604_800),
        "protocolVersion": _one_of(f"{_LB}, CreateTargetGroup", ("HTTP1", "HTTP2", "GRPC")),
        "loadBalancingAlgorithmType": _one_of(
            f"{_LB}, load_balancing.algorithm.type", ("round_robin", "least_outstanding_requests", "weighted_random")
        ),
        "deregistrationDelay": _range(f"{_LB}, deregistration_delay.timeout_seconds", 0, 3_600),
    },
    "aws:rds/eventSubscription:EventSubscription": {
        "eventCategories[]": _one_of("RDS guide, event categories", _DATABASE_EVENTS),
        "snsTopic": _form("RDS API, CreateEventSubscription", r"arn:[\s\S]+"),
    },
    "aws:rds/instance:Instance": {
        "port": _range("RDS API, CreateDBInstance", 1_150, 65_535),
        "maintenanceWindow": _form("RDS API, PreferredMaintenanceWindow", _WEEKLY),
        "backupWindow": _form("RDS API, PreferredBackupWindow", _DAILY),
        "backupRetentionPeriod": _range("RDS API, CreateDBInstance", 0, 35),
        "caCertIdentifier": _form("RDS guide, certificate authorities", r"(?!rds-ca-201\d$)[\w-]+"),
    },
    "aws:rds/parameterGroup:ParameterGroup": {
        "family": _form(
            "RDS API, DBParameterGroupFamily",
            r"postgres(9\.[3-6]|1[0-8])|mysql[58]\.\d|mariadb1[01]\.\d+|(oracle|sqlserver|db2|aurora)-?[\w.-]+",
        ),
    },
    "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup": {
        "connectionPoolConfig.sessionPinningFilters[]": _one_of(
            "RDS API, ConnectionPoolConfiguration", ("EXCLUDE_VARIABLE_SETS",)
        ),
    },
    **{
        f"aws:{service}/subnetGroup:SubnetGroup": {"subnetIds[]": {"fewest": 1, "source": f"{service} API: subnets"}}
        for service in ("elasticache", "rds")
    },
    "aws:msk/configuration:Configuration": {
        "kafkaVersions[]": _form("MSK guide, supported versions", r"[2-4]\.\d+\.(\d+(\.\d+)?|x)(\.kraft|\.tiered)?"),
    },
    "aws:rds/proxyTarget:ProxyTarget": {"targetGroupName": _one_of("RDS API, RegisterDBProxyTargets", ("default",))},
    "aws:route53/healthCheck:HealthCheck": {
        "requestInterval": _one_of("Route 53 API, HealthCheckConfig", (10, 30)),
    },
    "aws:route53/record:Record": {
        "weightedRoutingPolicies[].weight": _range("botocore route53, ResourceRecordSetWeight", 0, 255),
        "failoverRoutingPolicies[].type": _one_of(
            "botocore route53, ResourceRecordSetFailover", ("PRIMARY", "SECONDARY")
        ),
    },
    "aws:s3/bucket:Bucket": {"bucketPrefix": {"longest": 37, "source": "pulumi_aws, Bucket bucketPrefix"}},
    **{
        f"aws:s3/{name[0].lower()}{name[1:]}:{name}": {"expectedBucketOwner": _OWNER}
        for name in (*("BucketLogging", "BucketVersioning"), "BucketServerSideEncryptionConfiguration")
    },
    "aws:s3/bucketObjectv2:BucketObjectv2": {
        "websiteRedirect": _form("S3 API, PutObject, WebsiteRedirectLocation", r"(/|https?://)[\s\S]*"),
    },
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": {
        "expectedBucketOwner": _OWNER,
        "rules[].noncurrentVersionExpiration.newerNoncurrentVersions": _range("S3 API, LifecycleRule", 1, 100),
        "rules[].abortIncompleteMultipartUpload.daysAfterInitiation": _range("S3 API, LifecycleRule", 1),
        "rules[].expiration.days": _range("S3 API, LifecycleExpiration", 1),
        "rules[].noncurrentVersionExpiration.noncurrentDays": _range("S3 API, NoncurrentVersionExpiration", 1),
    },
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": {
        "expectedBucketOwner": _OWNER,
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
    "aws:sns/topic:Topic": {
        "signatureVersion": _one_of("SNS API, SetTopicAttributes", (1, 2)),
        "displayName": {"longest": 100, "source": "SNS API, SetTopicAttributes"},
        **{
            f"{protocol}SuccessFeedbackSampleRate": _range("SNS guide, delivery status logging", 0, 100)
            for protocol in ("application", "firehose", "http", "lambda", "sqs")
        },
    },
    **{
        f"aws:vpc/securityGroup{way}Rule:SecurityGroup{way}Rule": {
            "description": _GROUP_TEXT,
            "cidrIpv6": _form("EC2 API, Ipv6Range", _CIDR_6),
        }
        for way in ("Egress", "Ingress")
    },
    "aws:wafv2/webAcl:WebAcl": {
        "customResponseBodies[].key": _form("botocore wafv2, EntityName", r"[\w\-]{1,128}"),
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
        "spec.parallelism": _range(f"{_KUBERNETES}, JobSpec", 0),
        "spec.completions": _range(f"{_KUBERNETES}, JobSpec", 0),
        "spec.podReplacementPolicy": _one_of(f"{_KUBERNETES}, JobSpec", ("TerminatingOrFailed", "Failed")),
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
        "spec.ipFamilyPolicy": _one_of(
            f"{_KUBERNETES}, ServiceSpec", ("SingleStack", "PreferDualStack", "RequireDualStack")
        ),
        "spec.ipFamilies[]": _one_of(f"{_KUBERNETES}, ServiceSpec", ("IPv4", "IPv6")),
        "spec.sessionAffinity": _one_of(f"{_KUBERNETES}, ServiceSpec", ("ClientIP", "None")),
        "spec.type": _one_of(f"{_KUBERNETES}, ServiceSpec", ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")),
        "spec.ports[].protocol": _one_of(f"{_KUBERNETES}, ServicePort", ("TCP", "UDP", "SCTP")),
        "spec.ports[].port": _range(f"{_KUBERNETES}, ServicePort", 1, 65_535),
    },
    "kubernetes:eks.amazonaws.com/v1:NodeClass": {
        "spec.ephemeralStorage.size": _form("EKS guide, node class", r"(?!0+[A-Z])\d+(Gi|Ti|G|T)"),
        "spec.securityGroupSelectorTerms[].id": _form("Karpenter, EC2NodeClass", r"sg-[0-9a-z]+"),
        "spec.subnetSelectorTerms[].id": _form("Karpenter, EC2NodeClass", r"subnet-[0-9a-z]+"),
        "spec.ephemeralStorage.iops": _range("EKS guide, node class", 3_000, 16_000),
        "spec.ephemeralStorage.throughput": _range("EKS guide, node class", 125, 1_000),
    },
    "kubernetes:eks.amazonaws.com/v1:TargetGroupBinding": {
        "spec.ipAddressType": _one_of("AWS Load Balancer Controller, TargetGroupBinding", ("ipv4", "ipv6")),
    },
    "kubernetes:karpenter.sh/v1:NodePool": {
        **{
            f"spec.template.spec.{name}[].effect": _one_of(
                f"{_KUBERNETES}, TaintEffect", ("NoSchedule", "PreferNoSchedule", "NoExecute")
            )
            for name in ("taints", "startupTaints")
        },
        "spec.disruption.budgets[].duration": _form("Karpenter, NodePool v1", r"((\d+(h|m))+|0s)+"),
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
    "random:index/randomPassword:RandomPassword": {
        "length": _range("random provider, random_password", 1),
        **{
            name: _range("random provider, random_password", 0)
            for name in ("minLower", "minUpper", "minNumeric", "minSpecial")
        },
    },
}
