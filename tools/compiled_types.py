"""Which CloudFormation type and which API operation say what a type of the SDK accepts."""

from __future__ import annotations

_CFN = {
    "acm/certificate:Certificate": "CertificateManager::Certificate",
    "apigateway/basePathMapping:BasePathMapping": "ApiGateway::BasePathMapping",
    "apigateway/deployment:Deployment": "ApiGateway::Deployment",
    "apigateway/domainName:DomainName": "ApiGateway::DomainName",
    "apigateway/restApi:RestApi": "ApiGateway::RestApi",
    "apigateway/stage:Stage": "ApiGateway::Stage",
    "apigateway/usagePlan:UsagePlan": "ApiGateway::UsagePlan",
    "apigatewayv2/vpcLink:VpcLink": "ApiGatewayV2::VpcLink",
    "athena/namedQuery:NamedQuery": "Athena::NamedQuery",
    "athena/workgroup:Workgroup": "Athena::WorkGroup",
    "backup/plan:Plan": "Backup::BackupPlan BackupPlan",
    "backup/selection:Selection": "Backup::BackupSelection BackupSelection",
    "backup/vault:Vault": "Backup::BackupVault",
    "backup/vaultLockConfiguration:VaultLockConfiguration": "Backup::BackupVault LockConfiguration",
    "backup/vaultNotifications:VaultNotifications": "Backup::BackupVault Notifications",
    "cloudfront/distribution:Distribution": "CloudFront::Distribution DistributionConfig",
    "cloudfront/function:Function": "CloudFront::Function",
    "cloudfront/originAccessControl:OriginAccessControl": "CloudFront::OriginAccessControl OriginAccessControlConfig",
    "cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": (
        "CloudFront::ResponseHeadersPolicy ResponseHeadersPolicyConfig"
    ),
    "cloudwatch/compositeAlarm:CompositeAlarm": "CloudWatch::CompositeAlarm",
    "cloudwatch/dashboard:Dashboard": "CloudWatch::Dashboard",
    "cloudwatch/eventRule:EventRule": "Events::Rule",
    "cloudwatch/eventTarget:EventTarget": "Events::Rule Targets",
    "cloudwatch/logDelivery:LogDelivery": "Logs::Delivery",
    "cloudwatch/logDeliveryDestination:LogDeliveryDestination": "Logs::DeliveryDestination",
    "cloudwatch/logDeliverySource:LogDeliverySource": "Logs::DeliverySource",
    "cloudwatch/logGroup:LogGroup": "Logs::LogGroup",
    "cloudwatch/logMetricFilter:LogMetricFilter": "Logs::MetricFilter",
    "cloudwatch/logStream:LogStream": "Logs::LogStream",
    "cloudwatch/metricAlarm:MetricAlarm": "CloudWatch::Alarm",
    "cloudwatch/queryDefinition:QueryDefinition": "Logs::QueryDefinition",
    "cognito/managedLoginBranding:ManagedLoginBranding": "Cognito::ManagedLoginBranding",
    "cognito/resourceServer:ResourceServer": "Cognito::UserPoolResourceServer",
    "cognito/userGroup:UserGroup": "Cognito::UserPoolGroup",
    "cognito/userPool:UserPool": "Cognito::UserPool",
    "cognito/userPoolClient:UserPoolClient": "Cognito::UserPoolClient",
    "cognito/userPoolDomain:UserPoolDomain": "Cognito::UserPoolDomain",
    "ec2/eip:Eip": "EC2::EIP",
    "ec2/flowLog:FlowLog": "EC2::FlowLog",
    "ec2/natGateway:NatGateway": "EC2::NatGateway",
    "ec2/networkAcl:NetworkAcl": "EC2::NetworkAcl",
    "ec2/networkAclRule:NetworkAclRule": "EC2::NetworkAclEntry",
    "ec2/route:Route": "EC2::Route",
    "ec2/routeTable:RouteTable": "EC2::RouteTable",
    "ec2/routeTableAssociation:RouteTableAssociation": "EC2::SubnetRouteTableAssociation",
    "ec2/securityGroup:SecurityGroup": "EC2::SecurityGroup",
    "ec2/subnet:Subnet": "EC2::Subnet",
    "ec2/vpc:Vpc": "EC2::VPC",
    "ec2/vpcEndpoint:VpcEndpoint": "EC2::VPCEndpoint",
    "ecr/repository:Repository": "ECR::Repository",
    "eks/accessEntry:AccessEntry": "EKS::AccessEntry",
    "eks/addon:Addon": "EKS::Addon",
    "eks/cluster:Cluster": "EKS::Cluster",
    "eks/podIdentityAssociation:PodIdentityAssociation": "EKS::PodIdentityAssociation",
    "elasticache/parameterGroup:ParameterGroup": "ElastiCache::ParameterGroup",
    "elasticache/replicationGroup:ReplicationGroup": "ElastiCache::ReplicationGroup",
    "elasticache/subnetGroup:SubnetGroup": "ElastiCache::SubnetGroup",
    "elasticache/user:User": "ElastiCache::User",
    "elasticache/userGroup:UserGroup": "ElastiCache::UserGroup",
    "glue/catalogDatabase:CatalogDatabase": "Glue::Database DatabaseInput",
    "glue/catalogTable:CatalogTable": "Glue::Table TableInput",
    "iam/role:Role": "IAM::Role",
    "iam/rolePolicy:RolePolicy": "IAM::RolePolicy",
    "kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": "KinesisFirehose::DeliveryStream",
    "kms/alias:Alias": "KMS::Alias",
    "kms/key:Key": "KMS::Key",
    "lambda/function:Function": "Lambda::Function",
    "lambda/permission:Permission": "Lambda::Permission",
    "lb/listener:Listener": "ElasticLoadBalancingV2::Listener",
    "lb/listenerRule:ListenerRule": "ElasticLoadBalancingV2::ListenerRule",
    "lb/loadBalancer:LoadBalancer": "ElasticLoadBalancingV2::LoadBalancer",
    "lb/targetGroup:TargetGroup": "ElasticLoadBalancingV2::TargetGroup",
    "msk/cluster:Cluster": "MSK::Cluster",
    "msk/clusterPolicy:ClusterPolicy": "MSK::ClusterPolicy",
    "msk/configuration:Configuration": "MSK::Configuration",
    "rds/eventSubscription:EventSubscription": "RDS::EventSubscription",
    "rds/instance:Instance": "RDS::DBInstance",
    "rds/parameterGroup:ParameterGroup": "RDS::DBParameterGroup",
    "rds/proxy:Proxy": "RDS::DBProxy",
    "rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup": "RDS::DBProxyTargetGroup",
    "rds/subnetGroup:SubnetGroup": "RDS::DBSubnetGroup",
    "route53/healthCheck:HealthCheck": "Route53::HealthCheck HealthCheckConfig",
    "route53/record:Record": "Route53::RecordSet",
    "s3/bucketPolicy:BucketPolicy": "S3::BucketPolicy",
    "secretsmanager/secret:Secret": "SecretsManager::Secret",
    "secretsmanager/secretRotation:SecretRotation": "SecretsManager::RotationSchedule",
    "serverlessrepository/cloudFormationStack:CloudFormationStack": "",
    "sns/topic:Topic": "SNS::Topic",
    "sns/topicSubscription:TopicSubscription": "SNS::Subscription",
    "sqs/queue:Queue": "SQS::Queue",
    "vpc/securityGroupEgressRule:SecurityGroupEgressRule": "EC2::SecurityGroupEgress",
    "vpc/securityGroupIngressRule:SecurityGroupIngressRule": "EC2::SecurityGroupIngress",
    "wafv2/webAcl:WebAcl": "WAFv2::WebACL",
    "wafv2/webAclAssociation:WebAclAssociation": "WAFv2::WebACLAssociation",
    "wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": "WAFv2::LoggingConfiguration",
    # Their rules are in the documentation of the SDK, or in the API alone.
    "acm/certificateValidation:CertificateValidation": "",
    "apigateway/methodSettings:MethodSettings": "ApiGateway::Stage MethodSettings",
    "backup/vaultPolicy:VaultPolicy": "",
    "ec2/defaultSecurityGroup:DefaultSecurityGroup": "",
    "ec2/internetGateway:InternetGateway": "",
    "ec2/tag:Tag": "",
    "ecr/lifecyclePolicy:LifecyclePolicy": "",
    "eks/accessPolicyAssociation:AccessPolicyAssociation": "",
    "iam/rolePolicyAttachment:RolePolicyAttachment": "",
    "msk/topic:Topic": "",
    "rds/proxyTarget:ProxyTarget": "",
    "s3/bucket:Bucket": "S3::Bucket",
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "S3::Bucket LifecycleConfiguration",
    "s3/bucketLogging:BucketLogging": "",
    "s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": "S3::Bucket ObjectLockConfiguration",
    "s3/bucketObjectv2:BucketObjectv2": "",
    "s3/bucketOwnershipControls:BucketOwnershipControls": "",
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "",
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": "S3::Bucket BucketEncryption",
    "s3/bucketVersioning:BucketVersioning": "",
    "secretsmanager/secretPolicy:SecretPolicy": "",
    "secretsmanager/secretVersion:SecretVersion": "",
    "sns/topicPolicy:TopicPolicy": "",
    "sqs/queuePolicy:QueuePolicy": "",
    "sqs/redriveAllowPolicy:RedriveAllowPolicy": "",
}
_KUBERNETES = (
    "apps/v1:Deployment",
    "autoscaling/v2:HorizontalPodAutoscaler",
    "batch/v1:Job",
    "core/v1:ConfigMap",
    "core/v1:LimitRange",
    "core/v1:Namespace",
    "core/v1:ResourceQuota",
    "core/v1:Service",
    "core/v1:ServiceAccount",
    "networking.k8s.io/v1:NetworkPolicy",
    "policy/v1:PodDisruptionBudget",
)


def _type(entry: str) -> tuple[str, tuple[str, ...]]:
    name, *way = entry.split()
    return f"AWS::{name}", tuple(way)


TYPES: dict[str, tuple[str, tuple[str, ...]]] = {
    **{f"aws:{token}": _type(entry) if entry else ("", ()) for token, entry in _CFN.items()},
    **{f"kubernetes:{kind}": ("", ()) for kind in _KUBERNETES},
}
"""A type's CloudFormation type, and where its properties are in it."""

_OPERATIONS = {
    "acm/certificate:Certificate": "acm RequestCertificate",
    "acm/certificateValidation:CertificateValidation": "acm DescribeCertificate",
    "apigateway/basePathMapping:BasePathMapping": "apigateway CreateBasePathMapping",
    "apigateway/deployment:Deployment": "apigateway CreateDeployment",
    "apigateway/domainName:DomainName": "apigateway CreateDomainName",
    "apigateway/restApi:RestApi": "apigateway CreateRestApi",
    "apigateway/stage:Stage": "apigateway CreateStage",
    "apigateway/usagePlan:UsagePlan": "apigateway CreateUsagePlan",
    "apigatewayv2/vpcLink:VpcLink": "apigatewayv2 CreateVpcLink",
    "athena/namedQuery:NamedQuery": "athena CreateNamedQuery",
    "athena/workgroup:Workgroup": "athena CreateWorkGroup",
    "backup/plan:Plan": "backup CreateBackupPlan BackupPlan",
    "backup/selection:Selection": "backup CreateBackupSelection BackupSelection",
    "backup/vault:Vault": "backup CreateBackupVault",
    "backup/vaultLockConfiguration:VaultLockConfiguration": "backup PutBackupVaultLockConfiguration",
    "backup/vaultNotifications:VaultNotifications": "backup PutBackupVaultNotifications",
    "backup/vaultPolicy:VaultPolicy": "backup PutBackupVaultAccessPolicy",
    "cloudfront/distribution:Distribution": "cloudfront CreateDistribution DistributionConfig",
    "cloudfront/function:Function": "cloudfront CreateFunction",
    "cloudfront/originAccessControl:OriginAccessControl": (
        "cloudfront CreateOriginAccessControl OriginAccessControlConfig"
    ),
    "cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": (
        "cloudfront CreateResponseHeadersPolicy ResponseHeadersPolicyConfig"
    ),
    "cloudwatch/compositeAlarm:CompositeAlarm": "cloudwatch PutCompositeAlarm",
    "cloudwatch/dashboard:Dashboard": "cloudwatch PutDashboard",
    "cloudwatch/eventRule:EventRule": "events PutRule",
    "cloudwatch/eventTarget:EventTarget": "events PutTargets Targets",
    "cloudwatch/logDelivery:LogDelivery": "logs CreateDelivery",
    "cloudwatch/logDeliveryDestination:LogDeliveryDestination": "logs PutDeliveryDestination",
    "cloudwatch/logDeliverySource:LogDeliverySource": "logs PutDeliverySource",
    "cloudwatch/logGroup:LogGroup": "logs CreateLogGroup",
    "cloudwatch/logMetricFilter:LogMetricFilter": "logs PutMetricFilter",
    "cloudwatch/logStream:LogStream": "logs CreateLogStream",
    "cloudwatch/metricAlarm:MetricAlarm": "cloudwatch PutMetricAlarm",
    "cloudwatch/queryDefinition:QueryDefinition": "logs PutQueryDefinition",
    "cognito/managedLoginBranding:ManagedLoginBranding": "cognito-idp CreateManagedLoginBranding",
    "cognito/resourceServer:ResourceServer": "cognito-idp CreateResourceServer",
    "cognito/userGroup:UserGroup": "cognito-idp CreateGroup",
    "cognito/userPool:UserPool": "cognito-idp CreateUserPool",
    "cognito/userPoolClient:UserPoolClient": "cognito-idp CreateUserPoolClient",
    "cognito/userPoolDomain:UserPoolDomain": "cognito-idp CreateUserPoolDomain",
    "ec2/eip:Eip": "ec2 AllocateAddress",
    "ec2/flowLog:FlowLog": "ec2 CreateFlowLogs",
    "ec2/natGateway:NatGateway": "ec2 CreateNatGateway",
    "ec2/networkAclRule:NetworkAclRule": "ec2 CreateNetworkAclEntry",
    "ec2/route:Route": "ec2 CreateRoute",
    "ec2/securityGroup:SecurityGroup": "ec2 CreateSecurityGroup",
    "ec2/subnet:Subnet": "ec2 CreateSubnet",
    "ec2/vpc:Vpc": "ec2 CreateVpc",
    "ec2/vpcEndpoint:VpcEndpoint": "ec2 CreateVpcEndpoint",
    "ecr/repository:Repository": "ecr CreateRepository",
    "ecr/lifecyclePolicy:LifecyclePolicy": "ecr PutLifecyclePolicy",
    "eks/accessEntry:AccessEntry": "eks CreateAccessEntry",
    "eks/accessPolicyAssociation:AccessPolicyAssociation": "eks AssociateAccessPolicy",
    "eks/addon:Addon": "eks CreateAddon",
    "eks/cluster:Cluster": "eks CreateCluster",
    "eks/podIdentityAssociation:PodIdentityAssociation": "eks CreatePodIdentityAssociation",
    "elasticache/parameterGroup:ParameterGroup": "elasticache CreateCacheParameterGroup",
    "elasticache/replicationGroup:ReplicationGroup": "elasticache CreateReplicationGroup",
    "elasticache/subnetGroup:SubnetGroup": "elasticache CreateCacheSubnetGroup",
    "elasticache/user:User": "elasticache CreateUser",
    "elasticache/userGroup:UserGroup": "elasticache CreateUserGroup",
    "glue/catalogDatabase:CatalogDatabase": "glue CreateDatabase DatabaseInput",
    "glue/catalogTable:CatalogTable": "glue CreateTable TableInput",
    "iam/role:Role": "iam CreateRole",
    "iam/rolePolicy:RolePolicy": "iam PutRolePolicy",
    "iam/rolePolicyAttachment:RolePolicyAttachment": "iam AttachRolePolicy",
    "kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": "firehose CreateDeliveryStream",
    "kms/alias:Alias": "kms CreateAlias",
    "kms/key:Key": "kms CreateKey",
    "lambda/function:Function": "lambda CreateFunction",
    "lambda/permission:Permission": "lambda AddPermission",
    "lb/listener:Listener": "elbv2 CreateListener",
    "lb/listenerRule:ListenerRule": "elbv2 CreateRule",
    "lb/loadBalancer:LoadBalancer": "elbv2 CreateLoadBalancer",
    "lb/targetGroup:TargetGroup": "elbv2 CreateTargetGroup",
    "msk/cluster:Cluster": "kafka CreateCluster",
    "msk/configuration:Configuration": "kafka CreateConfiguration",
    "rds/eventSubscription:EventSubscription": "rds CreateEventSubscription",
    "rds/instance:Instance": "rds CreateDBInstance",
    "rds/parameterGroup:ParameterGroup": "rds ModifyDBParameterGroup",
    "rds/proxy:Proxy": "rds CreateDBProxy",
    "rds/subnetGroup:SubnetGroup": "rds CreateDBSubnetGroup",
    "route53/healthCheck:HealthCheck": "route53 CreateHealthCheck HealthCheckConfig",
    "route53/record:Record": "route53 ChangeResourceRecordSets ChangeBatch Changes ResourceRecordSet",
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        "s3 PutBucketLifecycleConfiguration LifecycleConfiguration"
    ),
    "s3/bucketLogging:BucketLogging": "s3 PutBucketLogging BucketLoggingStatus LoggingEnabled",
    "s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": (
        "s3 PutObjectLockConfiguration ObjectLockConfiguration"
    ),
    "s3/bucketObjectv2:BucketObjectv2": "s3 PutObject",
    "s3/bucketOwnershipControls:BucketOwnershipControls": "s3 PutBucketOwnershipControls OwnershipControls",
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "s3 PutBucketEncryption ServerSideEncryptionConfiguration"
    ),
    "s3/bucketVersioning:BucketVersioning": "s3 PutBucketVersioning",
    "secretsmanager/secret:Secret": "secretsmanager CreateSecret",
    "secretsmanager/secretPolicy:SecretPolicy": "secretsmanager PutResourcePolicy",
    "secretsmanager/secretRotation:SecretRotation": "secretsmanager RotateSecret",
    "secretsmanager/secretVersion:SecretVersion": "secretsmanager PutSecretValue",
    "sns/topicSubscription:TopicSubscription": "sns Subscribe",
    "wafv2/webAcl:WebAcl": "wafv2 CreateWebACL",
    "wafv2/webAclAssociation:WebAclAssociation": "wafv2 AssociateWebACL",
    "wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": "wafv2 PutLoggingConfiguration LoggingConfiguration",
}


def _operation(entry: str) -> tuple[str, str, tuple[str, ...]]:
    service, operation, *way = entry.split()
    return service, operation, tuple(way)


OPERATIONS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    f"aws:{token}": _operation(entry) for token, entry in _OPERATIONS.items()
}
"""The API operation that creates a type: service, operation, and where its properties are in the request."""

RENAMED: dict[tuple[str, str], str] = {
    ("aws:rds/instance:Instance", "identifier"): "DBInstanceIdentifier",
    ("aws:rds/instance:Instance", "username"): "MasterUsername",
    ("aws:rds/instance:Instance", "instanceClass"): "DBInstanceClass",
    ("aws:rds/instance:Instance", "dbSubnetGroupName"): "DBSubnetGroupName",
    ("aws:apigateway/stage:Stage", "restApi"): "RestApiId",
    ("aws:apigateway/deployment:Deployment", "restApi"): "RestApiId",
    ("aws:apigateway/basePathMapping:BasePathMapping", "restApi"): "RestApiId",
    ("aws:msk/cluster:Cluster", "encryptionInfo.encryptionAtRestKmsKeyArn"): "EncryptionAtRest",
    ("aws:lb/loadBalancer:LoadBalancer", "loadBalancerType"): "Type",
    ("aws:lb/loadBalancer:LoadBalancer", "internal"): "Scheme",
    ("aws:msk/cluster:Cluster", "brokerNodeGroupInfo.azDistribution"): "BrokerAZDistribution",
    ("aws:ec2/securityGroup:SecurityGroup", "description"): "GroupDescription",
    ("aws:ec2/securityGroup:SecurityGroup", "name"): "GroupName",
    ("aws:ec2/flowLog:FlowLog", "vpcId"): "ResourceId",
    ("aws:ec2/flowLog:FlowLog", "iamRoleArn"): "DeliverLogsPermissionArn",
    ("aws:kms/key:Key", "customerMasterKeySpec"): "KeySpec",
    ("aws:backup/vault:Vault", "kmsKeyArn"): "EncryptionKeyArn",
    ("aws:backup/selection:Selection", "planId"): "BackupPlanId",
    ("aws:elasticache/replicationGroup:ReplicationGroup", "subnetGroupName"): "CacheSubnetGroupName",
    ("aws:elasticache/replicationGroup:ReplicationGroup", "nodeType"): "CacheNodeType",
    ("aws:elasticache/parameterGroup:ParameterGroup", "family"): "CacheParameterGroupFamily",
    ("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "name"): "DeliveryStreamName",
    ("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "extendedS3Configuration"): (
        "ExtendedS3DestinationConfiguration"
    ),
    ("aws:lambda/permission:Permission", "function"): "FunctionName",
    ("aws:lambda/function:Function", "name"): "FunctionName",
    ("aws:eks/cluster:Cluster", "vpcConfig"): "ResourcesVpcConfig",
    ("aws:eks/cluster:Cluster", "encryptionConfig.provider.keyArn"): "KeyArn",
    ("aws:rds/proxy:Proxy", "auths"): "Auth",
    ("aws:rds/proxy:Proxy", "name"): "DBProxyName",
    ("aws:rds/subnetGroup:SubnetGroup", "name"): "DBSubnetGroupName",
    ("aws:rds/eventSubscription:EventSubscription", "name"): "SubscriptionName",
    ("aws:rds/parameterGroup:ParameterGroup", "name"): "DBParameterGroupName",
    ("aws:route53/record:Record", "zoneId"): "HostedZoneId",
    ("aws:route53/healthCheck:HealthCheck", "fqdn"): "FullyQualifiedDomainName",
    ("aws:secretsmanager/secretRotation:SecretRotation", "secretId"): "SecretId",
    ("aws:sns/topicSubscription:TopicSubscription", "topic"): "TopicArn",
    ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "securityGroupId"): "GroupId",
    ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "securityGroupId"): "GroupId",
}
"""Inputs whose members are called otherwise."""

_LISTS_TYPES = "the description lists the types of load balancers or protocols that it holds for"
EXCLUDED: dict[tuple[str, str], str] = {
    ("aws:lb/loadBalancer:LoadBalancer", "securityGroups"): _LISTS_TYPES,
    ("aws:lb/targetGroup:TargetGroup", "healthCheck.matcher"): _LISTS_TYPES,
    ("aws:route53/healthCheck:HealthCheck", "searchString"): "the description lists the types that it is for",
    (
        "aws:cloudwatch/logDeliverySource:LogDeliverySource",
        "logType",
    ): "CloudFormation's list lacks what CloudFront has",
}
"""Inputs that are written in another way than the API's, with the reason: nothing of the API is said of them."""

UNCOUNTED: dict[tuple[str, str], str] = {}
"""Lists that the provider splits or completes, with the reason: the API's sizes don't hold for them."""

_GROUP_RULES = ("fromPort", "toPort", "ipProtocol", "cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")
MODIFIED: frozenset[tuple[str, str]] = frozenset(
    {
        *(
            (f"aws:vpc/securityGroup{way}Rule:SecurityGroup{way}Rule", path)
            for way in ("Egress", "Ingress")
            for path in _GROUP_RULES
        ),
        ("aws:ec2/routeTableAssociation:RouteTableAssociation", "routeTableId"),
        ("aws:apigateway/basePathMapping:BasePathMapping", "basePath"),
    }
)
"""Inputs that the provider changes in place though CloudFormation replaces: ModifySecurityGroupRules,
ReplaceRouteTableAssociation, UpdateBasePathMapping."""
