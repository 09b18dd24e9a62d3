"""Properties that only a new resource has otherwise: a change in place is refused, or silently not done.

Compiled ones come from CloudFormation's schemas (`createOnlyProperties`), without what the API's own operation for
changes takes. Those written here belong to what CloudFormation has no type for, or says nothing of.
"""

from __future__ import annotations

from collections.abc import Mapping

from groundplan.cloud.compiled import replacements

_S3 = "S3 API: the configuration of a bucket belongs to that bucket"
_NEW_POOL = "Cognito guide, user pools: the setting can't be changed after creation"
_NEW_KEY = "KMS API, CreateKey: it can't be changed after the key is created"
_BUCKETS_OWN = (
    "BucketLifecycleConfiguration",
    "BucketLogging",
    "BucketObjectLockConfiguration",
    "BucketObjectv2",
    "BucketOwnershipControls",
    "BucketPolicy",
    "BucketPublicAccessBlock",
    "BucketServerSideEncryptionConfiguration",
    "BucketVersioning",
)
_GROUP = "EC2 API, ModifySecurityGroupRules: a rule stays in its group"
_WRITTEN: dict[str, dict[str, str]] = {
    "aws:acm/certificate:Certificate": {
        "keyAlgorithm": "ACM API, RequestCertificate: a certificate's key can't be changed",
    },
    "aws:apigateway/methodSettings:MethodSettings": {
        "restApi": "API Gateway API, UpdateStage: settings belong to the stage of one API",
        "stageName": "API Gateway API, UpdateStage: settings belong to one stage",
        "methodPath": "API Gateway API, UpdateStage: settings are those of one method",
    },
    **{
        f"aws:backup/{name[0].lower()}{name[1:]}:{name}": {"backupVaultName": "Backup API: it belongs to one vault"}
        for name in ("VaultLockConfiguration", "VaultNotifications", "VaultPolicy")
    },
    "aws:cloudwatch/eventRule:EventRule": {
        "name": "EventBridge API, PutRule: another name is another rule",
        "eventBusName": "EventBridge API, PutRule: a rule stays on its bus",
    },
    "aws:cloudwatch/eventTarget:EventTarget": {
        "rule": "EventBridge API, PutTargets: a target belongs to one rule",
        "targetId": "EventBridge API, PutTargets: another id is another target",
        "eventBusName": "EventBridge API, PutTargets: a rule stays on its bus",
    },
    "aws:cloudwatch/logGroup:LogGroup": {
        "logGroupClass": "CloudWatch Logs API, CreateLogGroup: a group's class can't be changed",
    },
    "aws:cognito/userPool:UserPool": {
        "usernameAttributes": _NEW_POOL,
        "aliasAttributes": _NEW_POOL,
        "usernameConfiguration": _NEW_POOL,
    },
    "aws:cognito/managedLoginBranding:ManagedLoginBranding": {
        "userPoolId": "CloudFormation AWS::Cognito::ManagedLoginBranding, UserPoolId: only at creation",
        "clientId": "CloudFormation AWS::Cognito::ManagedLoginBranding, ClientId: only at creation",
    },
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": {"vpcId": "EC2 guide: a network has one default group"},
    "aws:ec2/networkAcl:NetworkAcl": {"vpcId": "CloudFormation AWS::EC2::NetworkAcl, VpcId: only at creation"},
    "aws:ec2/tag:Tag": {
        "key": "EC2 API, CreateTags: another key is another tag",
        "resourceId": "EC2 API, CreateTags: a tag belongs to one resource",
    },
    "aws:ec2/routeTableAssociation:RouteTableAssociation": {
        "subnetId": "EC2 API, ReplaceRouteTableAssociation: it gives another table, not another subnet",
        "gatewayId": "EC2 API, ReplaceRouteTableAssociation: it gives another table, not another gateway",
    },
    **{
        f"aws:{token}": {"namePrefix": "pulumi_aws, namePrefix: another prefix is another name"}
        for token in ("rds/eventSubscription:EventSubscription", "rds/subnetGroup:SubnetGroup")
    },
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": {"repository": "ECR API, PutLifecyclePolicy: it is one repository's"},
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": {
        "policyArn": "EKS API, AssociateAccessPolicy: another policy is another association",
        "principalArn": "EKS API, AssociateAccessPolicy: another principal is another association",
        "clusterName": "EKS API, AssociateAccessPolicy: it belongs to one cluster",
        "accessScope": "pulumi_aws, AccessPolicyAssociation accessScope: forces a new one",
    },
    "aws:eks/accessEntry:AccessEntry": {
        "type": "EKS API, UpdateAccessEntry: it doesn't take another type",
    },
    "aws:eks/cluster:Cluster": {
        "bootstrapSelfManagedAddons": "EKS API, CreateCluster: only at creation",
        "kubernetesNetworkConfig.serviceIpv4Cidr": "EKS API, KubernetesNetworkConfigRequest: only at creation",
        "kubernetesNetworkConfig.ipFamily": "EKS API, KubernetesNetworkConfigRequest: only at creation",
        "encryptionConfig.provider.keyArn": "EKS guide, envelope encryption: the key can't be changed once enabled",
    },
    "aws:elasticache/replicationGroup:ReplicationGroup": {
        "atRestEncryptionEnabled": "ElastiCache guide, encryption at rest: only at creation",
        "kmsKeyId": "ElastiCache guide, encryption at rest: only at creation",
        "port": "CloudFormation AWS::ElastiCache::ReplicationGroup, Port: only at creation",
        "subnetGroupName": "CloudFormation AWS::ElastiCache::ReplicationGroup, CacheSubnetGroupName: only at creation",
    },
    "aws:elasticache/user:User": {
        "userName": "ElastiCache API, ModifyUser: it takes no other name",
        "userId": "ElastiCache API, ModifyUser: another id is another user",
    },
    "aws:elasticache/userGroup:UserGroup": {"userGroupId": "ElastiCache API, ModifyUserGroup: another id is another"},
    "aws:glue/catalogDatabase:CatalogDatabase": {"name": "Glue API, UpdateDatabase: it takes no other name"},
    "aws:glue/catalogTable:CatalogTable": {
        "name": "Glue API, UpdateTable: it takes no other name",
        "databaseName": "Glue API, UpdateTable: a table stays in its database",
    },
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": {
        "role": "IAM API, AttachRolePolicy: another role is another attachment",
        "policyArn": "IAM API, AttachRolePolicy: another policy is another attachment",
    },
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": {
        "mskSourceConfiguration": "Firehose API, UpdateDestination: a stream keeps its source",
        "kinesisSourceConfiguration": "Firehose API, UpdateDestination: a stream keeps its source",
        "destination": "Firehose API, UpdateDestination: a stream keeps the kind of its destination",
    },
    "aws:kms/key:Key": {"keyUsage": _NEW_KEY, "customerMasterKeySpec": _NEW_KEY, "multiRegion": _NEW_KEY},
    "aws:lambda/permission:Permission": {
        "principal": "Lambda API, AddPermission: a statement is added or removed, not changed",
        "sourceArn": "Lambda API, AddPermission: a statement is added or removed, not changed",
        "action": "Lambda API, AddPermission: a statement is added or removed, not changed",
        "function": "Lambda API, AddPermission: a statement is added or removed, not changed",
    },
    "aws:lambda/function:Function": {"packageType": "Lambda API, UpdateFunctionCode: the package type stays"},
    "aws:lb/targetGroup:TargetGroup": {
        "protocolVersion": "Elastic Load Balancing API, ModifyTargetGroup: it takes no other version of the protocol",
    },
    "aws:msk/cluster:Cluster": {
        "brokerNodeGroupInfo.clientSubnets": (
            "CloudFormation AWS::MSK::Cluster, BrokerNodeGroupInfo.ClientSubnets: only at creation"
        ),
        "encryptionInfo.encryptionAtRestKmsKeyArn": (
            "CloudFormation AWS::MSK::Cluster, EncryptionInfo.EncryptionAtRest: only at creation"
        ),
        "encryptionInfo.encryptionInTransit.inCluster": (
            "CloudFormation AWS::MSK::Cluster, EncryptionInfo.EncryptionInTransit.InCluster: only at creation"
        ),
    },
    "aws:msk/topic:Topic": {
        "name": "MSK API, UpdateTopic: another name is another topic",
        "clusterArn": "MSK API, UpdateTopic: a topic stays in its cluster",
        "replicationFactor": "Kafka documentation, basic operations: only by reassigning partitions",
    },
    "aws:rds/instance:Instance": {
        "engine": "RDS guide, modifying an instance: another engine is another instance",
        "storageEncrypted": "RDS guide, encrypting resources: only at creation",
        "kmsKeyId": "RDS guide, encrypting resources: only at creation",
        "availabilityZone": "RDS API, ModifyDBInstance: it takes no zone",
    },
    "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup": {"dbProxyName": "RDS API: the group is its proxy's"},
    "aws:rds/proxyTarget:ProxyTarget": {
        "dbInstanceIdentifier": "RDS API, RegisterDBProxyTargets: another instance is another target",
        "dbProxyName": "RDS API, RegisterDBProxyTargets: another proxy has other targets",
        "targetGroupName": "RDS API, RegisterDBProxyTargets: another group has other targets",
    },
    "aws:route53/healthCheck:HealthCheck": {
        "type": "Route 53 API, UpdateHealthCheck: it takes no other type",
        "requestInterval": "Route 53 API, UpdateHealthCheck: it takes no other interval",
        "measureLatency": "Route 53 API, UpdateHealthCheck: it can't be changed",
    },
    "aws:s3/bucket:Bucket": {"bucket": "S3 API: a bucket can't be renamed"},
    **{f"aws:s3/{name[0].lower()}{name[1:]}:{name}": {"bucket": _S3} for name in _BUCKETS_OWN},
    "aws:secretsmanager/secretPolicy:SecretPolicy": {"secretArn": "Secrets Manager API: a policy is one secret's"},
    "aws:secretsmanager/secretVersion:SecretVersion": {"secretId": "Secrets Manager API: a version is one secret's"},
    "aws:secretsmanager/secretRotation:SecretRotation": {"secretId": "Secrets Manager API: rotation is one secret's"},
    "aws:serverlessrepository/cloudFormationStack:CloudFormationStack": {
        "name": "CloudFormation API, UpdateStack: a stack can't be renamed",
        "applicationId": "pulumi_aws, CloudFormationStack applicationId: forces a new one",
    },
    "aws:sns/topic:Topic": {"fifoTopic": "SNS API, SetTopicAttributes: only at creation"},
    "aws:sns/topicPolicy:TopicPolicy": {"arn": "SNS API, SetTopicAttributes: a policy is one topic's"},
    "aws:sqs/queuePolicy:QueuePolicy": {"queueUrl": "SQS API, SetQueueAttributes: a policy is one queue's"},
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": {"queueUrl": "SQS API, SetQueueAttributes: it is one queue's"},
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": {"securityGroupId": _GROUP},
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {"securityGroupId": _GROUP},
    "kubernetes:apps/v1:Deployment": {"spec.selector": "Kubernetes API, DeploymentSpec: the selector is immutable"},
    "kubernetes:core/v1:ResourceQuota": {
        "spec.scopes": "Kubernetes API, ResourceQuota: the scopes are immutable",
        "spec.scopeSelector": "Kubernetes API, ResourceQuota: the scopes are immutable",
    },
    "kubernetes:karpenter.sh/v1:NodePool": {
        f"spec.template.spec.nodeClassRef.{name}": f"Karpenter, NodePool v1: nodeClassRef.{name} is immutable"
        for name in ("group", "kind")
    },
    "kubernetes:batch/v1:Job": {
        "spec.template": "Kubernetes API, JobSpec: the template is immutable",
        "spec.selector": "Kubernetes API, JobSpec: the selector is immutable",
        "spec.completions": "Kubernetes API, JobSpec: completions is immutable",
        "spec.completionMode": "Kubernetes API, JobSpec: completionMode is immutable",
    },
    "kubernetes:core/v1:Service": {
        "spec.clusterIP": "Kubernetes API, ServiceSpec: clusterIP can't be changed",
    },
    "kubernetes:eks.amazonaws.com/v1:TargetGroupBinding": {
        "spec.targetGroupARN": "AWS Load Balancer Controller, webhook of TargetGroupBinding: immutable",
        "spec.targetType": "AWS Load Balancer Controller, webhook of TargetGroupBinding: immutable",
    },
}
_NAMED = {"metadata.name", "metadata.namespace"}


def reason_to_replace(token: str, path: str) -> str:
    """Where it is written that a property can't change in place; empty when it can. ``path`` has no indices."""
    if token.startswith("kubernetes:") and path in _NAMED:
        return "Kubernetes, object names: an object can't be renamed or moved to another namespace"
    for table in (_WRITTEN.get(token, {}), _compiled().get(token, {})):
        for each, source in table.items():
            if path == each or path.startswith(f"{each}."):
                return source
    return ""


def _compiled() -> Mapping[str, Mapping[str, str]]:
    return replacements()
