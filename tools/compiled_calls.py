# ruff: noqa: E501  (patterns, in one piece each)
"""Where the calls that Pulumi's AWS provider makes differ from those of CloudFormation's handlers.

The provider is Terraform's AWS provider: what it calls is in `internal/service/<service>/` of
hashicorp/terraform-provider-aws. A type that CloudFormation has no handlers for, or whose handlers do another job, is
here whole; of the others, what the handlers only call for features that aren't theirs is left out.
"""

from __future__ import annotations

SERVICES = {
    "apigatewayv2": "apigateway",
    "cloudwatch/event": "events",
    "cloudwatch/log": "logs",
    "cloudwatch/queryDefinition": "logs",
    "cognito": "cognito-idp",
    "kinesis/firehose": "firehose",
    "lb": "elasticloadbalancing",
    "msk": "kafka",
    "networkfirewall": "network-firewall",
    "serverlessrepository": "serverlessrepo",
    "vpc": "ec2",
}
"""A type's module, or the beginning of its token, to IAM's name of the service, where the two differ."""

ALONGSIDE = frozenset(
    {
        "ec2:describeaccountattributes",
        "ec2:describesecuritygroups",
        "ec2:describesubnets",
        "ec2:describevpcs",
        "ec2:describenetworkinterfaces",
        "iam:createservicelinkedrole",
        "iam:getrole",
        "iam:passrole",
        "kms:creategrant",
        "kms:decrypt",
        "kms:describekey",
        "kms:encrypt",
        "kms:generatedatakey",
        "lambda:invokefunction",
        "backup-storage:mount",
        "backup-storage:mountcapsule",
        "logs:createlogdelivery",
        "logs:deletelogdelivery",
        "logs:updatelogdelivery",
        "logs:getlogdelivery",
        "logs:listlogdeliveries",
        "logs:describeloggroups",
        "logs:describeresourcepolicies",
        "logs:putresourcepolicy",
    }
)
"""Calls to other services that a service makes, or demands, in the caller's name."""

NOT_CALLED = {
    "*": (
        ".*:(add|create|delete|describe|get|list|put|update)[a-z]*(connectiongroup|capacityprovider|capacityreservation)s?"
        "|ec2:(acceptaddresstransfer|.*encryptioncontrols?|modifyvpctenancy|.*cidrblock|describeipampools|describetags)"
        "|logs:.*(dataprotection|indexpolic|bearertoken).*"
    ),
    "acm/certificate:Certificate": "acm:updatecertificateoptions|acm-pca:.*",
    "apigateway": "apigateway:updaterestapipolicy|iam:.*",
    "apigatewayv2": "iam:(delete|get).*",
    "athena/workgroup:Workgroup": "iam:.*|kms:.*",
    "cloudfront": ".*getvpcorigin|.*withstagingconfig|cloudfront:createdistribution$",
    "cloudwatch/event": "iam:.*",
    "cloudwatch/eventRule:EventRule": "events:(put|remove)targets",
    "cloudwatch/eventTarget:EventTarget": "events:(put|delete)rule|events:(un)?tagresource|events:describerule|.*listtagsforresource",
    "cloudwatch/logDelivery": ".*deliverydestinationpolicy",
    "cloudwatch/logGroup:LogGroup": "logs:(createlogdelivery|.*resourcepolic.*)",
    "cognito/userPool:UserPool": "cognito-idp:addcustomattributes",
    "cognito/userPoolClient:UserPoolClient": ".*secrets",
    "cognito/userPoolDomain:UserPoolDomain": "kms:.*",
    "ec2/eip:Eip": "ec2:(dis)?associateaddress",
    "ec2/flowLog:FlowLog": "logs:.*|iam:createservicelinkedrole",
    "ec2/natGateway:NatGateway": "ec2:(un)?assign.*|ec2:associatenat.*|ec2:disassociatenat.*",
    "ec2/vpcEndpoint:VpcEndpoint": "ec2:(create|delete)service.*",
    "ecr/repository:Repository": "ecr:.*policy|kms:retiregrant",
    "eks/accessEntry:AccessEntry": "eks:(dis)?associateaccesspolicy|eks:listassociatedaccesspolicies",
    "eks/addon:Addon": "eks:(create|delete|update)podidentityassociation$^",
    "eks/cluster:Cluster": "eks:createaccessentry|eks:activate.*|kms:(?!creategrant|describekey).*",
    "elasticache/replicationGroup:ReplicationGroup": "logs:(?!createlogdelivery|describe).*|kms:(?!creategrant|describekey).*",
    "elasticache/userGroup:UserGroup": "elasticache:modifyreplicationgroup",
    "glue": "glue:.*(connection|schemaversion)|iam:.*",
    "kinesis": "kms:revokegrant",
    "lambda/function:Function": (
        "lambda:(associateruntimealias|getlayerversion|pass.*|.*scalingconfig|.*recursionconfig|.*runtimemanagementconfig"
        "|.*codesigning.*|.*eventinvoke.*)|kms:.*|ec2:.*"
    ),
    "lb": "cognito-idp:.*|elasticloadbalancing:(modifyippools|registertargets|deregistertargets)",
    "msk/cluster:Cluster": "ec2:(createtags|describeroutetables)|kafka:(updateconnectivity|updaterebalancing|updatesecurity)|iam:(?!createservice).*",
    "rds/instance:Instance": (
        "rds:(addroletodbinstance|removerolefromdbinstance|restore.*|startdb.*|stopdb.*|.*automatedbackups.*|.*cluster.*|describeevents"
        "|describedbenginever.*|describedbparametergroups|promote.*|.*tenant.*)|ec2:describe(accountattributes|availabilityzones|internet.*|vpcattribute)"
    ),
    "rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup": "rds:(de)?registerdbproxytargets|rds:.*tag.*",
    "route53/healthCheck:HealthCheck": "cloudwatch:.*|route53-recovery.*",
    "secretsmanager/secret:Secret": "secretsmanager:(getrandompassword|.*replica.*|getsecretvalue)",
    "secretsmanager/secretRotation:SecretRotation": "iam:.*",
    "sns": "iam:getrole$|sns:.*dataprotection.*",
    "sns/topic:Topic": "iam:.*|sns:(un)?subscribe|sns:listsubscriptionsbytopic",
    "wafv2/webAcl:WebAcl": "payments:.*",
}
"""Regular expressions of calls (in lower case) that handlers list and the provider doesn't make for this program's
features; keys are types, or the beginnings of their tokens."""

MANAGED = (
    "AWSBackupServiceRolePolicyForBackup",
    "AWSBackupServiceRolePolicyForRestores",
    "AWSBackupServiceRolePolicyForS3Backup",
    "AWSBackupServiceRolePolicyForS3Restore",
    "AmazonAPIGatewayPushToCloudWatchLogs",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
    "AmazonEKSWorkerNodeMinimalPolicy",
    "AmazonRDSEnhancedMonitoringRole",
    "AWSLambdaBasicExecutionRole",
    "AWSLambdaVPCAccessExecutionRole",
    "CloudWatchAgentServerPolicy",
)
"""AWS's own policies that components attach to roles, as moto lists them."""

_TAGS = {"update": "ec2:CreateTags ec2:DeleteTags"}

WHOLE: dict[str, dict[str, str]] = {
    "acm/certificateValidation:CertificateValidation": {
        "create": "acm:DescribeCertificate",
        "read": "acm:DescribeCertificate",
    },
    "apigateway/account:Account": {
        "create": "apigateway:PATCH iam:PassRole",
        "read": "apigateway:GET",
        "update": "apigateway:PATCH iam:PassRole",
    },
    "apigateway/methodSettings:MethodSettings": {
        "create": "apigateway:PATCH",
        "read": "apigateway:GET",
        "update": "apigateway:PATCH",
        "delete": "apigateway:PATCH",
    },
    "backup/vaultLockConfiguration:VaultLockConfiguration": {
        "create": "backup:PutBackupVaultLockConfiguration",
        "read": "backup:DescribeBackupVault",
        "update": "backup:PutBackupVaultLockConfiguration",
        "delete": "backup:DeleteBackupVaultLockConfiguration",
    },
    "backup/vault:Vault": {
        "create": "backup:CreateBackupVault backup:TagResource backup-storage:MountCapsule kms:CreateGrant"
        " kms:DescribeKey kms:GenerateDataKey kms:Decrypt",
        "read": "backup:DescribeBackupVault backup:ListTags",
        "update": "backup:TagResource backup:UntagResource",
        "delete": "backup:DeleteBackupVault",
    },
    "backup/vaultNotifications:VaultNotifications": {
        "create": "backup:PutBackupVaultNotifications",
        "read": "backup:GetBackupVaultNotifications",
        "delete": "backup:DeleteBackupVaultNotifications",
    },
    "backup/vaultPolicy:VaultPolicy": {
        "create": "backup:PutBackupVaultAccessPolicy",
        "read": "backup:GetBackupVaultAccessPolicy",
        "update": "backup:PutBackupVaultAccessPolicy",
        "delete": "backup:DeleteBackupVaultAccessPolicy",
    },
    "backup/restoreTestingPlan:RestoreTestingPlan": {
        "create": "backup:CreateRestoreTestingPlan backup:TagResource",
        "read": "backup:GetRestoreTestingPlan backup:ListTags",
        "update": "backup:UpdateRestoreTestingPlan backup:TagResource backup:UntagResource",
        "delete": "backup:DeleteRestoreTestingPlan",
    },
    "backup/restoreTestingSelection:RestoreTestingSelection": {
        "create": "backup:CreateRestoreTestingSelection iam:PassRole",
        "read": "backup:GetRestoreTestingSelection",
        "update": "backup:UpdateRestoreTestingSelection iam:PassRole",
        "delete": "backup:DeleteRestoreTestingSelection",
    },
    "backup/regionSettings:RegionSettings": {
        "create": "backup:UpdateRegionSettings",
        "read": "backup:DescribeRegionSettings",
        "update": "backup:UpdateRegionSettings",
    },
    "codebuild/project:Project": {
        "create": "codebuild:CreateProject iam:PassRole codeconnections:PassConnection",
        "read": "codebuild:BatchGetProjects",
        "update": "codebuild:UpdateProject iam:PassRole codeconnections:PassConnection",
        "delete": "codebuild:DeleteProject",
    },
    "codebuild/webhook:Webhook": {
        "create": "codebuild:CreateWebhook",
        "read": "codebuild:BatchGetProjects",
        "update": "codebuild:UpdateWebhook",
        "delete": "codebuild:DeleteWebhook",
    },
    "cloudwatch/logStream:LogStream": {
        "create": "logs:CreateLogStream",
        "read": "logs:DescribeLogStreams",
        "delete": "logs:DeleteLogStream",
    },
    "ec2/defaultSecurityGroup:DefaultSecurityGroup": {
        "create": "ec2:DescribeSecurityGroups ec2:CreateTags ec2:RevokeSecurityGroupIngress"
        " ec2:RevokeSecurityGroupEgress",
        "read": "ec2:DescribeSecurityGroups",
        "update": "ec2:CreateTags ec2:DeleteTags ec2:RevokeSecurityGroupIngress ec2:RevokeSecurityGroupEgress",
    },
    "ec2/internetGateway:InternetGateway": {
        "create": "ec2:CreateInternetGateway ec2:CreateTags ec2:AttachInternetGateway",
        "read": "ec2:DescribeInternetGateways",
        **_TAGS,
        "delete": "ec2:DetachInternetGateway ec2:DeleteInternetGateway",
    },
    "ec2/tag:Tag": {"create": "ec2:CreateTags", "read": "ec2:DescribeTags", **_TAGS, "delete": "ec2:DeleteTags"},
    "ecr/lifecyclePolicy:LifecyclePolicy": {
        "create": "ecr:PutLifecyclePolicy",
        "read": "ecr:GetLifecyclePolicy",
        "update": "ecr:PutLifecyclePolicy",
        "delete": "ecr:DeleteLifecyclePolicy",
    },
    "ecr/repositoryPolicy:RepositoryPolicy": {
        "create": "ecr:SetRepositoryPolicy",
        "read": "ecr:GetRepositoryPolicy",
        "update": "ecr:SetRepositoryPolicy",
        "delete": "ecr:DeleteRepositoryPolicy",
    },
    "ecr/registryScanningConfiguration:RegistryScanningConfiguration": {
        "create": "ecr:PutRegistryScanningConfiguration",
        "read": "ecr:GetRegistryScanningConfiguration",
        "update": "ecr:PutRegistryScanningConfiguration",
        "delete": "ecr:PutRegistryScanningConfiguration",
    },
    "eks/accessPolicyAssociation:AccessPolicyAssociation": {
        "create": "eks:AssociateAccessPolicy",
        "read": "eks:ListAssociatedAccessPolicies",
        "delete": "eks:DisassociateAccessPolicy",
    },
    "iam/openIdConnectProvider:OpenIdConnectProvider": {
        "create": "iam:CreateOpenIDConnectProvider iam:TagOpenIDConnectProvider",
        "read": "iam:GetOpenIDConnectProvider",
        "update": "iam:TagOpenIDConnectProvider iam:UntagOpenIDConnectProvider",
        "delete": "iam:DeleteOpenIDConnectProvider",
    },
    "iam/role:Role": {
        "create": "iam:CreateRole iam:TagRole",
        "read": "iam:GetRole iam:ListRolePolicies iam:ListAttachedRolePolicies iam:GetRolePolicy",
        "update": "iam:UpdateAssumeRolePolicy iam:UpdateRole iam:UpdateRoleDescription iam:PutRolePermissionsBoundary"
        " iam:TagRole iam:UntagRole",
        "delete": "iam:ListInstanceProfilesForRole iam:DeleteRole",
    },
    "iam/rolePolicyAttachment:RolePolicyAttachment": {
        "create": "iam:AttachRolePolicy",
        "read": "iam:ListAttachedRolePolicies",
        "delete": "iam:DetachRolePolicy",
    },
    "kms/key:Key": {
        "create": "kms:CreateKey kms:TagResource kms:EnableKeyRotation kms:PutKeyPolicy",
        "read": "kms:DescribeKey kms:GetKeyPolicy kms:GetKeyRotationStatus kms:ListResourceTags",
        "update": "kms:UpdateKeyDescription kms:PutKeyPolicy kms:EnableKeyRotation kms:TagResource kms:UntagResource",
        "delete": "kms:ScheduleKeyDeletion",
    },
    "lambda/function:Function": {
        "create": "lambda:CreateFunction lambda:TagResource iam:PassRole",
        "read": "lambda:GetFunction lambda:GetFunctionCodeSigningConfig lambda:ListVersionsByFunction",
        "update": "lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration lambda:PutFunctionConcurrency"
        " lambda:DeleteFunctionConcurrency lambda:TagResource lambda:UntagResource iam:PassRole",
        "delete": "lambda:DeleteFunction",
    },
    "msk/topic:Topic": {
        "create": "kafka:CreateTopic",
        "read": "kafka:DescribeTopic kafka:DescribeTopicPartitions",
        "update": "kafka:UpdateTopic",
        "delete": "kafka:DeleteTopic",
    },
    "networkfirewall/firewall:Firewall": {
        "create": "network-firewall:CreateFirewall network-firewall:TagResource iam:CreateServiceLinkedRole",
        "read": "network-firewall:DescribeFirewall",
        "update": "network-firewall:AssociateFirewallPolicy network-firewall:AssociateSubnets"
        " network-firewall:DisassociateSubnets network-firewall:UpdateFirewallDeleteProtection"
        " network-firewall:UpdateFirewallDescription network-firewall:UpdateSubnetChangeProtection"
        " network-firewall:UpdateFirewallPolicyChangeProtection network-firewall:UpdateFirewallEncryptionConfiguration"
        " network-firewall:TagResource network-firewall:UntagResource",
        "delete": "network-firewall:DeleteFirewall",
    },
    "networkfirewall/firewallPolicy:FirewallPolicy": {
        "create": "network-firewall:CreateFirewallPolicy network-firewall:TagResource",
        "read": "network-firewall:DescribeFirewallPolicy",
        "update": "network-firewall:UpdateFirewallPolicy network-firewall:TagResource network-firewall:UntagResource",
        "delete": "network-firewall:DeleteFirewallPolicy",
    },
    "networkfirewall/loggingConfiguration:LoggingConfiguration": {
        "create": "network-firewall:UpdateLoggingConfiguration logs:CreateLogDelivery logs:DescribeResourcePolicies"
        " logs:PutResourcePolicy logs:DescribeLogGroups",
        "read": "network-firewall:DescribeLoggingConfiguration",
        "update": "network-firewall:UpdateLoggingConfiguration logs:UpdateLogDelivery logs:GetLogDelivery",
        "delete": "network-firewall:UpdateLoggingConfiguration logs:DeleteLogDelivery logs:ListLogDeliveries",
    },
    "networkfirewall/ruleGroup:RuleGroup": {
        "create": "network-firewall:CreateRuleGroup network-firewall:TagResource",
        "read": "network-firewall:DescribeRuleGroup",
        "update": "network-firewall:UpdateRuleGroup network-firewall:TagResource network-firewall:UntagResource",
        "delete": "network-firewall:DeleteRuleGroup",
    },
    "rds/proxyTarget:ProxyTarget": {
        "create": "rds:RegisterDBProxyTargets",
        "read": "rds:DescribeDBProxyTargets",
        "delete": "rds:DeregisterDBProxyTargets",
    },
    "route53/record:Record": {
        "create": "route53:ChangeResourceRecordSets route53:GetChange route53:GetHostedZone",
        "read": "route53:GetHostedZone route53:ListResourceRecordSets",
        "update": "route53:ChangeResourceRecordSets route53:GetChange",
        "delete": "route53:ChangeResourceRecordSets route53:GetChange",
    },
    "s3/bucket:Bucket": {
        "create": "s3:CreateBucket s3:PutBucketTagging",
        "read": "s3:ListBucket s3:GetBucketLocation s3:GetBucketAcl s3:GetBucketCORS s3:GetBucketWebsite"
        " s3:GetBucketVersioning s3:GetAccelerateConfiguration s3:GetBucketRequestPayment s3:GetBucketLogging"
        " s3:GetLifecycleConfiguration s3:GetReplicationConfiguration s3:GetEncryptionConfiguration"
        " s3:GetBucketObjectLockConfiguration s3:GetBucketTagging s3:GetBucketPolicy",
        "update": "s3:PutBucketTagging s3:GetBucketTagging",
        "delete": "s3:DeleteBucket s3:ListBucketVersions s3:DeleteObject s3:DeleteObjectVersion",
    },
    "s3/bucketLogging:BucketLogging": {
        "create": "s3:PutBucketLogging",
        "read": "s3:GetBucketLogging",
        "update": "s3:PutBucketLogging",
        "delete": "s3:PutBucketLogging",
    },
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": {
        "create": "s3:PutLifecycleConfiguration",
        "read": "s3:GetLifecycleConfiguration",
        "update": "s3:PutLifecycleConfiguration",
        "delete": "s3:PutLifecycleConfiguration",
    },
    "s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": {
        "create": "s3:PutBucketObjectLockConfiguration",
        "read": "s3:GetBucketObjectLockConfiguration",
        "update": "s3:PutBucketObjectLockConfiguration",
        "delete": "s3:PutBucketObjectLockConfiguration",
    },
    "s3/bucketObjectv2:BucketObjectv2": {
        "create": "s3:PutObject s3:PutObjectTagging kms:GenerateDataKey kms:Decrypt",
        "read": "s3:GetObject s3:GetObjectTagging kms:Decrypt",
        "update": "s3:PutObject s3:PutObjectTagging kms:GenerateDataKey kms:Decrypt",
        "delete": "s3:DeleteObject s3:DeleteObjectVersion s3:ListBucketVersions",
    },
    "s3/bucketOwnershipControls:BucketOwnershipControls": {
        "create": "s3:PutBucketOwnershipControls",
        "read": "s3:GetBucketOwnershipControls",
        "update": "s3:PutBucketOwnershipControls",
        "delete": "s3:PutBucketOwnershipControls",
    },
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": {
        "create": "s3:PutBucketPublicAccessBlock",
        "read": "s3:GetBucketPublicAccessBlock",
        "update": "s3:PutBucketPublicAccessBlock",
        "delete": "s3:PutBucketPublicAccessBlock",
    },
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": {
        "create": "s3:PutEncryptionConfiguration",
        "read": "s3:GetEncryptionConfiguration",
        "update": "s3:PutEncryptionConfiguration",
        "delete": "s3:PutEncryptionConfiguration",
    },
    "s3/bucketVersioning:BucketVersioning": {
        "create": "s3:PutBucketVersioning",
        "read": "s3:GetBucketVersioning",
        "update": "s3:PutBucketVersioning",
        "delete": "s3:PutBucketVersioning",
    },
    "secretsmanager/secretPolicy:SecretPolicy": {
        "create": "secretsmanager:PutResourcePolicy secretsmanager:ValidateResourcePolicy",
        "read": "secretsmanager:GetResourcePolicy",
        "update": "secretsmanager:PutResourcePolicy secretsmanager:ValidateResourcePolicy",
        "delete": "secretsmanager:DeleteResourcePolicy",
    },
    "secretsmanager/secretVersion:SecretVersion": {
        "create": "secretsmanager:PutSecretValue kms:GenerateDataKey kms:Decrypt",
        "read": "secretsmanager:GetSecretValue secretsmanager:DescribeSecret kms:Decrypt",
        "update": "secretsmanager:UpdateSecretVersionStage",
        "delete": "secretsmanager:UpdateSecretVersionStage",
    },
    "serverlessrepository/cloudFormationStack:CloudFormationStack": {
        "create": "serverlessrepo:GetApplication serverlessrepo:CreateCloudFormationChangeSet"
        " serverlessrepo:GetCloudFormationTemplate"
        " cloudformation:CreateChangeSet cloudformation:DescribeChangeSet cloudformation:ExecuteChangeSet"
        " cloudformation:DescribeStacks",
        "read": "serverlessrepo:GetApplication cloudformation:DescribeStacks",
        "update": "serverlessrepo:CreateCloudFormationChangeSet cloudformation:CreateChangeSet"
        " cloudformation:DescribeChangeSet cloudformation:ExecuteChangeSet",
        "delete": "cloudformation:DeleteStack cloudformation:DescribeStacks",
    },
    "sns/topicPolicy:TopicPolicy": {
        "create": "sns:SetTopicAttributes",
        "read": "sns:GetTopicAttributes",
        "update": "sns:SetTopicAttributes",
        "delete": "sns:SetTopicAttributes",
    },
    "sqs/queuePolicy:QueuePolicy": {
        "create": "sqs:SetQueueAttributes",
        "read": "sqs:GetQueueAttributes",
        "update": "sqs:SetQueueAttributes",
        "delete": "sqs:SetQueueAttributes",
    },
    "sqs/redriveAllowPolicy:RedriveAllowPolicy": {
        "create": "sqs:SetQueueAttributes",
        "read": "sqs:GetQueueAttributes",
        "update": "sqs:SetQueueAttributes",
        "delete": "sqs:SetQueueAttributes",
    },
    "wafv2/webAclAssociation:WebAclAssociation": {
        "create": "wafv2:AssociateWebACL apigateway:SetWebACL elasticloadbalancing:SetWebACL",
        "read": "wafv2:GetWebACLForResource",
        "delete": "wafv2:DisassociateWebACL apigateway:SetWebACL elasticloadbalancing:SetWebACL",
    },
    "wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": {
        "create": "wafv2:PutLoggingConfiguration logs:CreateLogDelivery logs:DescribeResourcePolicies"
        " logs:PutResourcePolicy logs:DescribeLogGroups iam:CreateServiceLinkedRole",
        "read": "wafv2:GetLoggingConfiguration",
        "update": "wafv2:PutLoggingConfiguration logs:UpdateLogDelivery",
        "delete": "wafv2:DeleteLoggingConfiguration logs:DeleteLogDelivery",
    },
}
"""Calls of a type by operation, in the place of handlers."""

ADDED: dict[str, dict[str, str]] = {
    "acm/certificate:Certificate": {"create": "acm:RequestCertificate acm:AddTagsToCertificate"},
    "athena/namedQuery:NamedQuery": {"read": "athena:GetNamedQuery"},
    "budgets/budget:Budget": {
        "create": "budgets:ModifyBudget budgets:TagResource",
        "read": "budgets:ViewBudget budgets:ListTagsForResource",
        "update": "budgets:ModifyBudget",
        "delete": "budgets:ModifyBudget",
    },
    "cloudfront/distribution": {"read": "cloudfront:ListTagsForResource"},
    "cloudfront/function": {"read": "cloudfront:ListTagsForResource"},
    "cloudfront/distribution:Distribution": {
        "create": "cloudfront:CreateDistribution cloudfront:TagResource",
        "update": "cloudfront:UpdateDistribution",
        "delete": "cloudfront:UpdateDistribution",
    },
    "cloudwatch/logDelivery:LogDelivery": {
        "create": "logs:GetDelivery logs:PutResourcePolicy logs:DescribeResourcePolicies"
        " logs:CreateLogDelivery logs:DescribeLogGroups"
    },
    "cloudwatch/logDeliverySource:LogDeliverySource": {
        "create": "cloudfront:AllowVendedLogDeliveryForResource",
        "update": "cloudfront:AllowVendedLogDeliveryForResource",
    },
    "cloudwatch/logGroup:LogGroup": {"create": "logs:AssociateKmsKey", "update": "logs:PutRetentionPolicy"},
    "eks/cluster:Cluster": {"update": "eks:AssociateEncryptionConfig eks:DescribeUpdate"},
    "kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": {"read": "firehose:ListTagsForDeliveryStream"},
    "kms/alias:Alias": {"read": "kms:ListAliases"},
    "lb/listener:Listener": {"read": "elasticloadbalancing:DescribeTags"},
    "lb/listenerRule:ListenerRule": {"read": "elasticloadbalancing:DescribeTags"},
    "msk/cluster:Cluster": {"read": "kafka:GetBootstrapBrokers kafka:ListTagsForResource kafka:ListScramSecrets"},
    "msk/configuration:Configuration": {"read": "kafka:DescribeConfigurationRevision"},
    "rds/instance:Instance": {
        "create": "rds:ModifyDBInstance",
        "read": "rds:ListTagsForResource",
        "update": "rds:AddTagsToResource rds:RemoveTagsFromResource rds:RebootDBInstance rds:ModifyDBInstance",
        "delete": "rds:ModifyDBInstance",
    },
    "rds/proxy:Proxy": {"create": "iam:CreateServiceLinkedRole"},
    "secretsmanager/secret:Secret": {
        "create": "kms:GenerateDataKey kms:Decrypt",
        "read": "secretsmanager:GetResourcePolicy",
        "update": "secretsmanager:UpdateSecret",
    },
    "sns/topic:Topic": {"create": "sns:SetTopicAttributes kms:GenerateDataKey kms:Decrypt"},
    "sqs/queue:Queue": {"update": "sqs:GetQueueUrl"},
}
"""Calls besides those of the handlers."""
