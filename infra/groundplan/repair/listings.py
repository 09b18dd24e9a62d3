"""How what has neither tags nor a name is found in an account: among its siblings, by what it was asked for with.

Each listing is an operation of the Cloud Control API on a type of CloudFormation; what the type's siblings are listed
by and what identifies it are of that type's schema (`handlers.list`, `primaryIdentifier`): tests hold this table to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from groundplan.cloud.item import look_up


@dataclass(frozen=True, slots=True)
class Listing:
    """One type: what to ask with, and what tells the one that is sought from the others."""

    type: str
    """CloudFormation's name."""
    id: str
    """The property that is, or ends with, the id of the state."""
    same: Mapping[str, str]
    """Properties (`a.b` inside of others) to the inputs whose values they have."""
    parents: Mapping[str, str] = field(default_factory=dict)
    """Properties that the siblings are listed by, to inputs."""

    def model(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """What to list with: the parent that the siblings share."""
        return {name: inputs.get(given) for name, given in self.parents.items()}

    def stated(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """What a sibling was asked for with, as the provider calls it, of all that tells siblings apart; None where
        nothing is set."""
        return {given: look_up(properties, name) for name, given in {**self.same, **self.parents}.items()}


_RULE = {
    "Description": "description",
    "FromPort": "fromPort",
    "ToPort": "toPort",
    "IpProtocol": "ipProtocol",
    "CidrIp": "cidrIpv4",
    "CidrIpv6": "cidrIpv6",
    "GroupId": "securityGroupId",
}

LISTINGS: Mapping[str, Listing] = {
    "aws:apigateway/deployment:Deployment": Listing(
        "AWS::ApiGateway::Deployment", "DeploymentId", {"Description": "description"}, {"RestApiId": "restApi"}
    ),
    "aws:athena/namedQuery:NamedQuery": Listing(
        "AWS::Athena::NamedQuery",
        "NamedQueryId",
        {"Name": "name", "Database": "database", "WorkGroup": "workgroup"},
    ),
    "aws:backup/selection:Selection": Listing(
        "AWS::Backup::BackupSelection",
        "SelectionId",
        {"BackupPlanId": "planId", "BackupSelection.SelectionName": "name"},
    ),
    "aws:cloudfront/originAccessControl:OriginAccessControl": Listing(
        "AWS::CloudFront::OriginAccessControl", "Id", {"OriginAccessControlConfig.Name": "name"}
    ),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": Listing(
        "AWS::CloudFront::ResponseHeadersPolicy", "Id", {"ResponseHeadersPolicyConfig.Name": "name"}
    ),
    "aws:cloudwatch/queryDefinition:QueryDefinition": Listing(
        "AWS::Logs::QueryDefinition", "QueryDefinitionId", {"Name": "name"}
    ),
    "aws:cognito/userPoolClient:UserPoolClient": Listing(
        "AWS::Cognito::UserPoolClient", "ClientId", {"ClientName": "name"}, {"UserPoolId": "userPoolId"}
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": Listing(
        "AWS::EKS::PodIdentityAssociation",
        "AssociationId",
        {"Namespace": "namespace", "ServiceAccount": "serviceAccount"},
        {"ClusterName": "clusterName"},
    ),
    "aws:lambda/permission:Permission": Listing(
        "AWS::Lambda::Permission",
        "Id",
        {"Action": "action", "Principal": "principal", "SourceArn": "sourceArn", "SourceAccount": "sourceAccount"},
        {"FunctionName": "function"},
    ),
    "aws:msk/configuration:Configuration": Listing("AWS::MSK::Configuration", "Arn", {"Name": "name"}),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Listing(
        "AWS::EC2::SecurityGroupIngress",
        "Id",
        {**_RULE, "SourceSecurityGroupId": "referencedSecurityGroupId", "SourcePrefixListId": "prefixListId"},
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": Listing(
        "AWS::EC2::SecurityGroupEgress",
        "Id",
        {**_RULE, "DestinationSecurityGroupId": "referencedSecurityGroupId", "DestinationPrefixListId": "prefixListId"},
    ),
}
"""By the provider's type."""

STACK_CALLS = (
    "tag:GetResources",
    "iam:ListRoles",
    "cloudformation:ListResources",
    "cloudformation:GetResource",
    "cloudformation:DeleteResource",
    "cloudformation:GetResourceRequestStatus",
)
"""What repair asks the account for as a whole, as IAM calls it. The last four are Cloud Control's, which does what it
does with the permissions of its caller:
https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/security_iam_service-with-iam.html"""

CALLS: Mapping[str, str] = {
    "aws:cloudwatch/eventTarget:EventTarget": "events:ListTargetsByRule",
    "aws:cognito/managedLoginBranding:ManagedLoginBranding": "cognito-idp:DescribeManagedLoginBrandingByClient",
    "aws:sns/topic:Topic": "sns:ListSubscriptionsByTopic",
}
"""What Cloud Control does not list, by the type it is asked of: subscriptions of a topic, of other programs too."""
