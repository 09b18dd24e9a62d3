"""How the provider is told which thing to take in: the id of an import, where it isn't the id of the state.

Source: the section "Import" of each resource's page in the provider's documentation. A state whose entry has such an id
and no outputs is filled in by a refresh (pulumi-terraform-bridge, `Read`: without a state it imports).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from groundplan.cloud.item import look_up

IMPORTS: Mapping[str, str] = {
    "aws:apigateway/deployment:Deployment": "{restApi}/{id}",
    "aws:apigateway/methodSettings:MethodSettings": "{restApi}/{stageName}/{methodPath}",
    "aws:apigateway/stage:Stage": "{restApi}/{stageName}",
    "aws:backup/selection:Selection": "{planId}|{id}",
    "aws:cloudwatch/eventTarget:EventTarget": "{rule}/{targetId}",
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": "{logGroupName}:{name}",
    "aws:cloudwatch/logStream:LogStream": "{logGroupName}:{name}",
    "aws:cloudwatch/queryDefinition:QueryDefinition": "arn:aws:logs:{region}:{account}:query-definition:{id}",
    "aws:cognito/userPoolClient:UserPoolClient": "{userPoolId}/{id}",
    "aws:ec2/networkAclRule:NetworkAclRule": "{networkAclId}:{ruleNumber}:{protocol}:{egress}",
    "aws:ec2/route:Route": "{routeTableId}_{destinationCidrBlock|destinationIpv6CidrBlock|destinationPrefixListId}",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "{subnetId|gatewayId}/{routeTableId}",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": "{clusterName},{id}",
    "aws:lambda/permission:Permission": "{function}/{id}",
    "aws:rds/instance:Instance": "{identifier}",
    "aws:route53/record:Record": "{zoneId}_{name}_{type}",
    "aws:sns/topicPolicy:TopicPolicy": "{arn}",
    "aws:sqs/queue:Queue": "https://sqs.{region}.amazonaws.com/{account}/{name}",
    "aws:wafv2/webAcl:WebAcl": "{id}/{name}/{scope}",
}
"""Templates over the inputs; of alternatives (`a|b`) the one that is given, ``{id}`` is what AWS made up."""

NOTHING: Mapping[str, str] = {
    "aws:acm/certificateValidation:CertificateValidation": "it waits, and makes nothing",
    "aws:secretsmanager/secretVersion:SecretVersion": "the version that comes next takes its place",
    "pulumi:providers:aws": "a client, not a thing",
    "pulumi:providers:kubernetes": "a client, not a thing",
    "pulumi:providers:random": "a client, not a thing",
    "random:index/randomId:RandomId": "it is in the state alone",
    "random:index/randomPassword:RandomPassword": "it is in the state alone",
    "random:index/randomString:RandomString": "it is in the state alone",
}
"""Types whose creation leaves nothing in the account that a second one would double, and why."""

_FIELD = re.compile(r"\{([\w|]+)\}")


def filled(template: str, values: Mapping[str, object]) -> str:
    """The template with its fields filled in; empty when one of them isn't known."""
    missing = False

    def field(match: re.Match[str]) -> str:
        nonlocal missing
        for name in match[1].split("|"):
            value = look_up(values, name)
            if isinstance(value, bool):
                return str(value).lower()
            if isinstance(value, (str, int, float)) and value != "":
                return f"{value:g}" if isinstance(value, float) else str(value)
        missing = True
        return ""

    text = _FIELD.sub(field, template)
    return "" if missing else text
