"""Resource types that AWS bills nothing for, and those that it bills by what isn't known here, each with the reason."""

from __future__ import annotations

from collections.abc import Mapping

_SETTINGS = "a setting of a resource that is billed itself"
_PERMISSION = "IAM and policies of resources are free"
_ROUTING = "the network's own parts are free: gateways, endpoints, addresses and traffic are billed"
_OBJECT = "an object of Kubernetes: nodes, load balancer and volumes are billed"
_LOCAL = "lives in Pulumi's state only"

NOT_BILLED: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "aws:acm/certificate:Certificate",
            "aws:acm/certificateValidation:CertificateValidation",
        ),
        "public certificates are free",
    ),
    **dict.fromkeys(
        (
            "aws:apigateway/account:Account",
            "aws:apigateway/basePathMapping:BasePathMapping",
            "aws:apigateway/deployment:Deployment",
            "aws:apigateway/domainName:DomainName",
            "aws:apigateway/usagePlan:UsagePlan",
            "aws:apigateway/usagePlanKey:UsagePlanKey",
            "aws:apigateway/apiKey:ApiKey",
            "aws:apigateway/restApi:RestApi",
            "aws:apigateway/restApiPolicy:RestApiPolicy",
            "aws:apigateway/resource:Resource",
            "aws:apigateway/method:Method",
            "aws:apigateway/integration:Integration",
            "aws:apigateway/methodResponse:MethodResponse",
            "aws:apigateway/integrationResponse:IntegrationResponse",
            "aws:apigateway/authorizer:Authorizer",
            "aws:apigateway/requestValidator:RequestValidator",
            "aws:apigateway/model:Model",
            "aws:apigateway/response:Response",
            "aws:apigateway/vpcLink:VpcLink",
            "aws:apigatewayv2/vpcLink:VpcLink",
        ),
        "API Gateway bills the requests of its stages",
    ),
    **dict.fromkeys(
        (
            "aws:cloudfront/cachePolicy:CachePolicy",
            "aws:cloudfront/originAccessControl:OriginAccessControl",
            "aws:cloudfront/originRequestPolicy:OriginRequestPolicy",
            "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
            "aws:cloudfront/vpcOrigin:VpcOrigin",
            "aws:cloudfront/function:Function",
        ),
        "counted with the distribution's requests",
    ),
    **dict.fromkeys(
        (
            "aws:cloudwatch/logDelivery:LogDelivery",
            "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination",
            "aws:cloudwatch/logDeliverySource:LogDeliverySource",
        ),
        "CloudFront's log to S3 costs its storage; the bucket is priced",
    ),
    **dict.fromkeys(
        (
            "aws:cloudwatch/eventRule:EventRule",
            "aws:cloudwatch/eventTarget:EventTarget",
        ),
        "events of AWS services are free",
    ),
    **dict.fromkeys(
        (
            "aws:cloudwatch/logStream:LogStream",
            "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
            "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter",
            "aws:cloudwatch/queryDefinition:QueryDefinition",
            "aws:athena/namedQuery:NamedQuery",
        ),
        "log groups and queries are billed by bytes",
    ),
    **dict.fromkeys(
        ("aws:glue/catalogDatabase:CatalogDatabase", "aws:glue/catalogTable:CatalogTable"),
        "AWS Glue: the first million objects of a catalogue are free",
    ),
    **dict.fromkeys(
        (
            "aws:backup/globalSettings:GlobalSettings",
            "aws:backup/regionSettings:RegionSettings",
            "aws:cloudwatch/logAccountPolicy:LogAccountPolicy",
            "aws:cfg/deliveryChannel:DeliveryChannel",
            "aws:ebs/defaultKmsKey:DefaultKmsKey",
            "aws:ebs/encryptionByDefault:EncryptionByDefault",
            "aws:ebs/snapshotBlockPublicAccess:SnapshotBlockPublicAccess",
            "aws:ec2/imageBlockPublicAccess:ImageBlockPublicAccess",
            "aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults",
            "aws:ec2/serialConsoleAccess:SerialConsoleAccess",
            "aws:ecr/accountSetting:AccountSetting",
            "aws:ecr/registryPolicy:RegistryPolicy",
            "aws:glue/dataCatalogEncryptionSettings:DataCatalogEncryptionSettings",
            "aws:glue/resourcePolicy:ResourcePolicy",
            "aws:iam/accountAlias:AccountAlias",
            "aws:iam/accountPasswordPolicy:AccountPasswordPolicy",
            "aws:lakeformation/dataLakeSettings:DataLakeSettings",
            "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
            "aws:sesv2/accountSuppressionAttributes:AccountSuppressionAttributes",
            "aws:sns/smsPreferences:SmsPreferences",
            "aws:xray/encryptionConfig:EncryptionConfig",
        ),
        "a setting of the account",
    ),
    "aws:budgets/budget:Budget": "budgets without actions are free",
    "aws:ssm/parameter:Parameter": "standard parameters are free",
    "aws:codebuild/webhook:Webhook": _SETTINGS,
    "aws:lb/listener:Listener": _SETTINGS,
    "aws:lb/listenerRule:ListenerRule": _SETTINGS,
    "aws:lb/listenerCertificate:ListenerCertificate": _SETTINGS,
    "aws:lb/targetGroup:TargetGroup": _SETTINGS,
    "aws:lb/targetGroupAttachment:TargetGroupAttachment": _SETTINGS,
    "aws:route53/record:Record": "records are free, and queries of aliases for AWS's own names are, too",
    "aws:sns/topicSubscription:TopicSubscription": "free to queues; deliveries to Firehose stand at its stream",
    "aws:msk/topic:Topic": "Kafka bills brokers and storage",
    **dict.fromkeys(
        (
            "aws:backup/plan:Plan",
            "aws:backup/selection:Selection",
            "aws:backup/vaultLockConfiguration:VaultLockConfiguration",
            "aws:backup/vaultNotifications:VaultNotifications",
            "aws:backup/vaultPolicy:VaultPolicy",
        ),
        "AWS Backup bills what a vault holds",
    ),
    **dict.fromkeys(
        (
            "aws:cognito/managedLoginBranding:ManagedLoginBranding",
            "aws:cognito/resourceServer:ResourceServer",
            "aws:cognito/userGroup:UserGroup",
            "aws:cognito/userPoolClient:UserPoolClient",
            "aws:cognito/userPoolDomain:UserPoolDomain",
        ),
        "Cognito bills a pool's active users",
    ),
    **dict.fromkeys(
        (
            "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl",
            "aws:ec2/defaultRouteTable:DefaultRouteTable",
            "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
            "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway",
            "aws:ec2/internetGateway:InternetGateway",
            "aws:ec2/internetGatewayAttachment:InternetGatewayAttachment",
            "aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation",
            "aws:ec2/managedPrefixList:ManagedPrefixList",
            "aws:ec2/networkAcl:NetworkAcl",
            "aws:ec2/networkAclAssociation:NetworkAclAssociation",
            "aws:ec2/networkAclRule:NetworkAclRule",
            "aws:ec2/route:Route",
            "aws:ec2/routeTable:RouteTable",
            "aws:ec2/routeTableAssociation:RouteTableAssociation",
            "aws:ec2/securityGroup:SecurityGroup",
            "aws:ec2/securityGroupRule:SecurityGroupRule",
            "aws:ec2/subnet:Subnet",
            "aws:ec2/tag:Tag",
            "aws:ec2/vpc:Vpc",
            "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        ),
        _ROUTING,
    ),
    **dict.fromkeys(
        (
            "aws:iam/instanceProfile:InstanceProfile",
            "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
            "aws:iam/policy:Policy",
            "aws:iam/role:Role",
            "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive",
            "aws:iam/rolePolicy:RolePolicy",
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            "aws:iam/serviceLinkedRole:ServiceLinkedRole",
            "aws:kms/alias:Alias",
            "aws:kms/grant:Grant",
            "aws:kms/keyPolicy:KeyPolicy",
            "aws:lambda/permission:Permission",
            "aws:msk/clusterPolicy:ClusterPolicy",
            "aws:secretsmanager/secretPolicy:SecretPolicy",
            "aws:sns/topicPolicy:TopicPolicy",
            "aws:sqs/queuePolicy:QueuePolicy",
            "aws:ecr/repositoryPolicy:RepositoryPolicy",
            "aws:eks/accessEntry:AccessEntry",
            "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
            "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        ),
        _PERMISSION,
    ),
    **dict.fromkeys(
        (
            "aws:ecr/lifecyclePolicy:LifecyclePolicy",
            "aws:eks/addon:Addon",
            "aws:elasticache/parameterGroup:ParameterGroup",
            "aws:elasticache/subnetGroup:SubnetGroup",
            "aws:elasticache/user:User",
            "aws:elasticache/userGroup:UserGroup",
            "aws:elasticache/userGroupAssociation:UserGroupAssociation",
            "aws:msk/configuration:Configuration",
            "aws:msk/scramSecretAssociation:ScramSecretAssociation",
            "aws:networkfirewall/firewallPolicy:FirewallPolicy",
            "aws:networkfirewall/loggingConfiguration:LoggingConfiguration",
            "aws:networkfirewall/ruleGroup:RuleGroup",
            "aws:rds/eventSubscription:EventSubscription",
            "aws:rds/parameterGroup:ParameterGroup",
            "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup",
            "aws:rds/proxyTarget:ProxyTarget",
            "aws:rds/subnetGroup:SubnetGroup",
            "aws:s3/bucketAcl:BucketAcl",
            "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
            "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
            "aws:s3/bucketLogging:BucketLogging",
            "aws:s3/bucketNotification:BucketNotification",
            "aws:s3/bucketObject:BucketObject",
            "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
            "aws:s3/bucketObjectv2:BucketObjectv2",
            "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
            "aws:s3/bucketPolicy:BucketPolicy",
            "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
            "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
            "aws:s3/bucketVersioning:BucketVersioning",
            "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration",
            "aws:secretsmanager/secretRotation:SecretRotation",
            "aws:secretsmanager/secretVersion:SecretVersion",
            "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
            "aws:sqs/redrivePolicy:RedrivePolicy",
            "aws:wafv2/ipSet:IpSet",
            "aws:wafv2/regexPatternSet:RegexPatternSet",
            "aws:wafv2/webAclAssociation:WebAclAssociation",
        ),
        _SETTINGS,
    ),
}

NOT_PRICED: Mapping[str, str] = {
    "aws:cfg/recorder:Recorder": "each recorded change and evaluation: no rate",
    "aws:ecr/replicationConfiguration:ReplicationConfiguration": "storage and transfer of the copies: no rate",
    "aws:guardduty/detector:Detector": "analysed events and logs: no rate",
    "aws:inspector2/enabler:Enabler": "each scanned instance, image and function: no rate",
    "aws:macie2/account:Account": "each bucket and analysed object: no rate",
    "aws:securityhub/account:Account": "each security check: no rate",
    "aws:sesv2/accountVdmAttributes:AccountVdmAttributes": "each mail that is analysed: no rate",
    "aws:cloudfront/monitoringSubscription:MonitoringSubscription": "additional metrics: no rate",
    "aws:cloudfront/realtimeLogConfig:RealtimeLogConfig": "lines of the real-time log and their stream: no rate",
    "aws:codebuild/project:Project": "each minute of a job on its compute; how many jobs run isn't known",
    "aws:cognito/riskConfiguration:RiskConfiguration": "threat protection asks for the Plus plan of the pool",
    "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration": "Inspector bills images when scanning is "
    "enhanced; how many isn't known",
    "aws:eks/nodeGroup:NodeGroup": "its instances are EC2's; the program of this product has Auto Mode's",
    "aws:rds/proxyEndpoint:ProxyEndpoint": "an interface endpoint of its own",
    "aws:s3/bucketAccelerateConfiguration:BucketAccelerateConfiguration": "accelerated transfers: no rate",
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": "requests, transfer and storage of the copies",
    "aws:serverlessrepository/cloudFormationStack:CloudFormationStack": "what its template makes; that isn't known",
    "aws:wafv2/ruleGroup:RuleGroup": "a month for the group and each rule; which rules isn't counted",
}
"""Billed, and with no figure here."""

_PREFIXES: tuple[tuple[str, str], ...] = (
    ("kubernetes:", _OBJECT),
    ("random:", _LOCAL),
    ("pulumi:", _LOCAL),
)


def not_billed(token: str) -> str | None:
    """Why nothing is billed for this type; None when something is, or when that isn't known."""
    if token in NOT_BILLED:
        return NOT_BILLED[token]
    return next((reason for prefix, reason in _PREFIXES if token.startswith(prefix)), None)
