"""What a type accepts is read from the SDK's own classes, for every type (U5: strict where mocks are not)."""

from __future__ import annotations

import inspect
import sys

import pytest

from groundplan.cloud.schema import Mismatch, known_types, provider_mismatches, schema_of
from groundplan.cloud.schema import _args_class as args_class
from groundplan.cloud.schema import _resource_class as resource_class
from groundplan.cloud.wire import UNKNOWN

TYPES = [
    "aws:acm/certificate:Certificate",
    "aws:acm/certificateValidation:CertificateValidation",
    "aws:apigateway/account:Account",
    "aws:apigateway/authorizer:Authorizer",
    "aws:apigateway/deployment:Deployment",
    "aws:apigateway/domainName:DomainName",
    "aws:apigateway/integration:Integration",
    "aws:apigateway/method:Method",
    "aws:apigateway/methodSettings:MethodSettings",
    "aws:apigateway/resource:Resource",
    "aws:apigateway/response:Response",
    "aws:apigateway/restApi:RestApi",
    "aws:apigateway/stage:Stage",
    "aws:apigateway/usagePlan:UsagePlan",
    "aws:apigatewayv2/vpcLink:VpcLink",
    "aws:backup/plan:Plan",
    "aws:backup/selection:Selection",
    "aws:backup/vault:Vault",
    "aws:cloudfront/distribution:Distribution",
    "aws:cloudfront/function:Function",
    "aws:cloudwatch/compositeAlarm:CompositeAlarm",
    "aws:cloudwatch/dashboard:Dashboard",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:cognito/userGroup:UserGroup",
    "aws:cognito/userPool:UserPool",
    "aws:cognito/userPoolClient:UserPoolClient",
    "aws:ec2/eip:Eip",
    "aws:ec2/flowLog:FlowLog",
    "aws:ec2/natGateway:NatGateway",
    "aws:ec2/route:Route",
    "aws:ec2/routeTable:RouteTable",
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/subnet:Subnet",
    "aws:ec2/vpc:Vpc",
    "aws:ec2/vpcEndpoint:VpcEndpoint",
    "aws:ecr/repository:Repository",
    "aws:eks/accessEntry:AccessEntry",
    "aws:eks/cluster:Cluster",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:elasticache/user:User",
    "aws:iam/policy:Policy",
    "aws:iam/role:Role",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
    "aws:kms/alias:Alias",
    "aws:kms/key:Key",
    "aws:lambda/function:Function",
    "aws:lb/listener:Listener",
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:lb/targetGroup:TargetGroup",
    "aws:msk/cluster:Cluster",
    "aws:msk/topic:Topic",
    "aws:networkfirewall/firewall:Firewall",
    "aws:rds/instance:Instance",
    "aws:rds/parameterGroup:ParameterGroup",
    "aws:rds/proxy:Proxy",
    "aws:rds/subnetGroup:SubnetGroup",
    "aws:route53/record:Record",
    "aws:s3/bucket:Bucket",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:secretsmanager/secret:Secret",
    "aws:secretsmanager/secretVersion:SecretVersion",
    "aws:sns/topic:Topic",
    "aws:sns/topicSubscription:TopicSubscription",
    "aws:sqs/queue:Queue",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "aws:wafv2/webAcl:WebAcl",
    "kubernetes:apps/v1:Deployment",
    "kubernetes:apps/v1:StatefulSet",
    "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
    "kubernetes:batch/v1:Job",
    "kubernetes:core/v1:ConfigMap",
    "kubernetes:core/v1:Namespace",
    "kubernetes:core/v1:Secret",
    "kubernetes:core/v1:Service",
    "kubernetes:core/v1:ServiceAccount",
    "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    "kubernetes:policy/v1:PodDisruptionBudget",
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
    "random:index/randomId:RandomId",
    "random:index/randomPassword:RandomPassword",
    "random:index/randomString:RandomString",
]


def mismatches(token: str, **inputs: object) -> list[Mismatch]:
    schema = schema_of(token)
    assert schema is not None
    return schema.mismatches(inputs)


def test_the_sample_is_large() -> None:
    assert len(set(TYPES)) >= 80


@pytest.mark.parametrize("token", TYPES)
def test_properties_and_what_is_required_are_the_constructors(token: str) -> None:
    schema = schema_of(token)
    resource = resource_class(token)
    assert schema is not None
    assert resource is not None
    parameters = inspect.signature(args_class(resource)).parameters
    assert {each.python_name for each in schema.properties.values()} == set(parameters)
    required = {name for name, each in parameters.items() if each.default is inspect.Parameter.empty}
    assert {each.python_name for each in schema.properties.values() if each.required} == required
    assert all("_" not in each.name.strip("_") for each in schema.properties.values())


@pytest.mark.parametrize("token", TYPES)
def test_a_property_that_is_not_there_is_refused(token: str) -> None:
    assert "nonsense" in {each.path for each in mismatches(token, nonsense=1)}


def test_a_type_that_no_sdk_has_has_no_schema() -> None:
    assert schema_of("aws:rds/instance:Instanz") is None
    assert schema_of("aws:nowhere/thing:Thing") is None
    assert schema_of("gcp:storage/bucket:Bucket") is None


def test_only_what_is_asked_for_is_imported() -> None:
    schema_of("aws:sqs/queue:Queue")
    assert not vars(sys.modules.get("pulumi_aws.workspaces", sys)).get("WorkspaceArgs")


def test_every_type_of_the_random_sdk_is_known() -> None:
    assert {"random:index/randomPassword:RandomPassword", "random:index/randomUuid:RandomUuid"} <= set(
        known_types("random")
    )
    assert len(known_types("aws")) > 1000


def test_a_misspelling_is_answered_with_the_right_word() -> None:
    (wrong,) = mismatches("aws:sqs/queue:Queue", fifoQueu=True)
    assert wrong.path == "fifoQueu"
    assert "did you mean fifo_queue (fifoQueue)?" in wrong.remedy


def test_names_in_python_are_refused_on_the_wire() -> None:
    (wrong,) = mismatches("aws:ec2/vpc:Vpc", cidr_block="10.0.0.0/16")
    assert "cidrBlock" in wrong.remedy


def test_without_a_likely_word_all_are_listed() -> None:
    (wrong,) = mismatches("aws:kms/alias:Alias", targetKeyId="x", colour="red")
    assert "targetKeyId" in wrong.expected


@pytest.mark.parametrize(
    ("token", "inputs", "path", "expected"),
    [
        ("aws:sqs/queue:Queue", {"delaySeconds": "10"}, "delaySeconds", "a whole number"),
        ("aws:sqs/queue:Queue", {"delaySeconds": True}, "delaySeconds", "a whole number"),
        ("aws:sqs/queue:Queue", {"delaySeconds": 1.5}, "delaySeconds", "a whole number"),
        ("aws:sqs/queue:Queue", {"fifoQueue": "true"}, "fifoQueue", "true or false"),
        ("aws:sqs/queue:Queue", {"name": 7}, "name", "text"),
        ("aws:sqs/queue:Queue", {"tags": {"size": 3}}, "tags.size", "text"),
        ("aws:sqs/queue:Queue", {"tags": ["a"]}, "tags", "a map of text"),
        ("aws:cloudwatch/metricAlarm:MetricAlarm", {"threshold": "1"}, "threshold", "a number"),
        ("aws:lb/loadBalancer:LoadBalancer", {"subnets": "subnet-1"}, "subnets", "a list of text"),
        ("aws:lb/loadBalancer:LoadBalancer", {"subnets": ["a", 1]}, "subnets[1]", "text"),
        ("aws:lb/loadBalancer:LoadBalancer", {"accessLogs": "logs"}, "accessLogs", "an object"),
        ("aws:lambda/function:Function", {"role": "r", "code": "x"}, "code", "a pulumi Archive"),
        ("kubernetes:core/v1:ConfigMap", {"kind": "Secret"}, "kind", "ConfigMap"),
    ],
)
def test_values_of_another_type_are_refused(token: str, inputs: dict[str, object], path: str, expected: str) -> None:
    assert any(each.path == path and expected in each.expected for each in mismatches(token, **inputs))


def test_nested_properties_are_checked_as_deep_as_they_go() -> None:
    container = {"name": "a", "imagee": "x", "ports": [{"containerPort": "80"}]}
    found = mismatches(
        "kubernetes:apps/v1:Deployment",
        spec={"selector": {}, "template": {"spec": {"containers": [container, {"image": "y"}]}}},
    )
    assert {(each.path, each.expected.partition(";")[0]) for each in found} == {
        ("spec.template.spec.containers[0].imagee", "a property of ContainerArgs"),
        ("spec.template.spec.containers[0].ports[0].containerPort", "a whole number"),
        ("spec.template.spec.containers[1].name", "text"),
    }


def test_statements_that_contain_themselves_are_followed() -> None:
    """WAF's statements nest; the shapes are looked into only where a value leads."""
    inner = {"geoMatchStatement": {"countryCodes": "DE"}}
    rule = {
        "name": "r",
        "priority": 1,
        "visibilityConfig": {"cloudwatchMetricsEnabled": True, "metricName": "m", "sampledRequestsEnabled": True},
        "statement": {"andStatement": {"statements": [inner, inner]}},
    }
    found = mismatches(
        "aws:wafv2/webAcl:WebAcl",
        scope="REGIONAL",
        defaultAction={"allow": {}},
        visibilityConfig=rule["visibilityConfig"],
        rules=[rule],
    )
    assert [each.path for each in found] == [
        f"rules[0].statement.andStatement.statements[{index}].geoMatchStatement.countryCodes" for index in (0, 1)
    ]


def test_a_policy_may_be_text_or_an_object() -> None:
    assert mismatches("aws:iam/role:Role", assumeRolePolicy="{}") == []
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}
    assert mismatches("aws:iam/role:Role", assumeRolePolicy=document) == []
    assert mismatches("aws:iam/role:Role", assumeRolePolicy=3)[0].expected.startswith("text or an object")


def test_what_is_not_known_yet_passes_anywhere() -> None:
    assert mismatches("aws:ec2/subnet:Subnet", vpcId=UNKNOWN, tags=UNKNOWN, mapPublicIpOnLaunch=UNKNOWN) == []


def test_null_is_the_same_as_absent() -> None:
    assert mismatches("aws:sqs/queue:Queue", delaySeconds=None) == []


def test_ports_may_be_numbers_or_names() -> None:
    ports = [{"port": 80, "targetPort": "http"}, {"port": 81, "targetPort": 8081, "name": "other"}]
    assert mismatches("kubernetes:core/v1:Service", spec={"ports": ports}) == []


def test_a_providers_configuration_arrives_as_json() -> None:
    assert provider_mismatches("aws", {"region": "eu-central-1", "defaultTags": '{"tags": {"a": "b"}}'}) == []
    (wrong,) = provider_mismatches("aws", {"regio": "eu-central-1"})
    assert "region" in wrong.remedy
    (wrong,) = provider_mismatches("aws", {"skipRegionValidation": '"yes"'})
    assert wrong.expected == "true or false"


def test_what_a_provider_always_gives_back_is_known() -> None:
    schema = schema_of("aws:ec2/vpc:Vpc")
    assert schema is not None
    assert schema.computed["arn"] == ""
    assert schema.computed["tagsAll"] == {}
    assert "ipv6IpamPoolId" not in schema.computed
