"""What a program declares, read from its resources: a fact falls when one resource of many forgets its part."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from groundplan.document import security_facts
from groundplan.document.facts import FACTS


@dataclass(frozen=True)
class Record:
    type: str
    inputs: dict[str, Any]


def policy(*names: str) -> dict[str, Any]:
    return {"metadata": {}, "spec": {"podSelector": {}, "policyTypes": list(names)}}


REST_API = {"securityPolicy": "SecurityPolicy_TLS13_1_3_2025_09", "endpointAccessMode": "STRICT"}
CONTRACT: dict[str, Any] = {
    "paths": {
        "/v1/orders": {
            "get": {"security": [{"tokens": ["read"]}]},
            "post": {
                "security": [{"tokens": ["write"]}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/order"}}}},
            },
            "options": {},
        },
        "/health": {"get": {"security": []}},
    },
    "components": {"securitySchemes": {"tokens": {"x-amazon-apigateway-authorizer": {"type": "cognito_user_pools"}}}},
    "x-amazon-apigateway-request-validators": {"all": {"validateRequestBody": True}},
    "x-amazon-apigateway-request-validator": "all",
}

SAFE: list[tuple[str, dict[str, Any]]] = [
    (
        "aws:wafv2/webAcl:WebAcl",
        {
            "scope": "CLOUDFRONT",
            "rules": [{"action": {"block": {}}, "statement": {"rateBasedStatement": {"limit": 100}}}],
        },
    ),
    ("aws:wafv2/webAcl:WebAcl", {"scope": "REGIONAL", "rules": []}),
    ("aws:wafv2/webAclAssociation:WebAclAssociation", {}),
    (
        "aws:cloudfront/distribution:Distribution",
        {"webAclId": "arn", "viewerCertificate": {"minimumProtocolVersion": "TLSv1.3_2025"}},
    ),
    ("aws:networkfirewall/firewall:Firewall", {}),
    ("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", {"vpcId": "vpc"}),
    ("aws:ec2/flowLog:FlowLog", {}),
    ("kubernetes:networking.k8s.io/v1:NetworkPolicy", policy("Ingress", "Egress")),
    ("kubernetes:core/v1:Namespace", {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}),
    ("aws:apigateway/restApi:RestApi", REST_API | {"body": json.dumps(CONTRACT)}),
    ("aws:apigateway/methodSettings:MethodSettings", {"settings": {"throttlingRateLimit": 100}}),
    ("aws:lb/listener:Listener", {"protocol": "HTTPS", "sslPolicy": "ELBSecurityPolicy-TLS13-1-3-2021-06"}),
    ("aws:rds/parameterGroup:ParameterGroup", {"parameters": [{"name": "rds.force_ssl", "value": "1"}]}),
    ("aws:rds/instance:Instance", {"storageEncrypted": True, "kmsKeyId": "k", "deletionProtection": True}),
    ("aws:rds/instance:Instance", {"replicateSourceDb": "primary"}),
    (
        "aws:elasticache/replicationGroup:ReplicationGroup",
        {
            "transitEncryptionEnabled": True,
            "transitEncryptionMode": "required",
            "atRestEncryptionEnabled": True,
            "kmsKeyId": "k",
        },
    ),
    (
        "aws:msk/cluster:Cluster",
        {"encryptionInfo": {"encryptionAtRestKmsKeyArn": "k", "encryptionInTransit": {"clientBroker": "TLS"}}},
    ),
    ("aws:cognito/userPool:UserPool", {"mfaConfiguration": "OPTIONAL"}),
    ("aws:cognito/userPoolClient:UserPoolClient", {"allowedOauthFlows": ["code"]}),
    ("aws:cognito/userGroup:UserGroup", {}),
    ("aws:eks/podIdentityAssociation:PodIdentityAssociation", {}),
    ("aws:eks/cluster:Cluster", {"encryptionConfig": {"provider": {"keyArn": "k"}}}),
    (
        "aws:iam/rolePolicy:RolePolicy",
        {"policy": '{"Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*"}]}'},
    ),
    ("aws:s3/bucket:Bucket", {}),
    ("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", {}),
    (
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        {"blockPublicAcls": True, "blockPublicPolicy": True, "ignorePublicAcls": True, "restrictPublicBuckets": True},
    ),
    ("aws:kms/key:Key", {"enableKeyRotation": True}),
    ("aws:secretsmanager/secretRotation:SecretRotation", {}),
    (
        "aws:ecr/repository:Repository",
        {"imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": {"scanOnPush": True}},
    ),
    ("aws:backup/plan:Plan", {}),
]


def safe() -> list[Record]:
    return [Record(token, copy.deepcopy(inputs)) for token, inputs in SAFE]


def test_a_program_that_does_everything_has_every_fact() -> None:
    assert [name for name, holds in security_facts(safe()).items() if not holds] == []


def test_a_program_that_does_nothing_has_none() -> None:
    assert not any(security_facts([]).values())


@pytest.mark.parametrize(
    ("fact", "token", "inputs"),
    [
        (
            "edge firewall",
            "aws:cloudfront/distribution:Distribution",
            {"viewerCertificate": {"minimumProtocolVersion": "TLSv1.3_2025"}},
        ),
        (
            "edge TLS",
            "aws:cloudfront/distribution:Distribution",
            {"webAclId": "a", "viewerCertificate": {"cloudfrontDefaultCertificate": True}},
        ),
        ("gateway TLS", "aws:apigateway/restApi:RestApi", {"securityPolicy": "SecurityPolicy_TLS13_1_3_2025_09"}),
        (
            "gateway TLS",
            "aws:apigateway/restApi:RestApi",
            {"endpointAccessMode": "STRICT", "securityPolicy": "TLS_1_2"},
        ),
        ("balancer TLS", "aws:lb/listener:Listener", {"protocol": "HTTP"}),
        ("balancer TLS", "aws:lb/listener:Listener", {"protocol": "HTTPS", "sslPolicy": "ELBSecurityPolicy-2016-08"}),
        (
            "database TLS",
            "aws:rds/parameterGroup:ParameterGroup",
            {"parameters": [{"name": "rds.force_ssl", "value": "0"}]},
        ),
        ("data at rest", "aws:rds/instance:Instance", {"storageEncrypted": True}),
        ("data at rest", "aws:rds/instance:Instance", {"storageEncrypted": False, "kmsKeyId": "k"}),
        ("data at rest", "aws:sqs/queue:Queue", {}),
        ("data at rest", "aws:msk/cluster:Cluster", {"encryptionInfo": {}}),
        ("deletion protection", "aws:rds/instance:Instance", {"deletionProtection": False}),
        (
            "cache TLS",
            "aws:elasticache/replicationGroup:ReplicationGroup",
            {"transitEncryptionEnabled": True, "transitEncryptionMode": "preferred"},
        ),
        (
            "broker TLS",
            "aws:msk/cluster:Cluster",
            {"encryptionInfo": {"encryptionInTransit": {"clientBroker": "TLS_PLAINTEXT"}}},
        ),
        ("default group empty", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", {"ingress": [{"protocol": "-1"}]}),
        ("code flow", "aws:cognito/userPoolClient:UserPoolClient", {"allowedOauthFlows": ["implicit"]}),
        ("second factor", "aws:cognito/userPool:UserPool", {"mfaConfiguration": "OFF"}),
        ("cluster secrets", "aws:eks/cluster:Cluster", {}),
        ("key rotation", "aws:kms/key:Key", {}),
        ("buckets at rest", "aws:s3/bucket:Bucket", {}),
        ("private buckets", "aws:s3/bucket:Bucket", {}),
        ("images", "aws:ecr/repository:Repository", {"imageTagMutability": "MUTABLE"}),
        ("stage throttle", "aws:apigateway/methodSettings:MethodSettings", {"settings": {"throttlingRateLimit": -1}}),
        (
            "least privilege",
            "aws:iam/policy:Policy",
            {"policy": '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'},
        ),
        ("least privilege", "aws:iam/policy:Policy", {"policy": "not JSON"}),
    ],
)
def test_one_that_forgets_takes_the_mark_from_all(fact: str, token: str, inputs: dict[str, Any]) -> None:
    assert security_facts([*safe(), Record(token, inputs)])[fact] is False


# Several kinds of store make up "data at rest": any that is left still holds it.
@pytest.mark.parametrize("fact", sorted(set(FACTS) - {"data at rest"}))
def test_every_fact_rests_on_some_resource(fact: str) -> None:
    """Taking away all resources of some type takes the fact away."""
    tokens = {token for token, _ in SAFE}
    assert any(not security_facts([record for record in safe() if record.type != token])[fact] for token in tokens)


def test_a_policy_that_lets_something_in_is_no_wall() -> None:
    open_policy = policy("Ingress", "Egress")
    open_policy["spec"]["ingress"] = [{}]
    records = [record for record in safe() if "NetworkPolicy" not in record.type]
    assert not security_facts([*records, Record("kubernetes:networking.k8s.io/v1:NetworkPolicy", open_policy)])[
        "walls between pods"
    ]
    half = Record("kubernetes:networking.k8s.io/v1:NetworkPolicy", policy("Ingress"))
    assert not security_facts([*records, half])["walls between pods"]


def test_queues_need_tls_by_their_policies() -> None:
    """S2: where there is no Kafka, every queue and topic refuses plain transport."""
    records = [record for record in safe() if record.type != "aws:msk/cluster:Cluster"]
    secure = Record(
        "aws:sqs/queuePolicy:QueuePolicy", {"policy": '{"Condition": {"Bool": {"aws:SecureTransport": "false"}}}'}
    )
    assert security_facts([*records, secure])["broker TLS"]
    assert not security_facts([*records, secure, Record("aws:sns/topicPolicy:TopicPolicy", {"policy": "{}"})])[
        "broker TLS"
    ]
    assert not security_facts(records)["broker TLS"]


def without_scheme(contract: dict[str, Any]) -> None:
    contract["components"]["securitySchemes"]["tokens"].pop("x-amazon-apigateway-authorizer")


def without_security(contract: dict[str, Any]) -> None:
    contract["paths"]["/v1/orders"]["get"].pop("security")


def all_open(contract: dict[str, Any]) -> None:
    for method in ("get", "post"):
        contract["paths"]["/v1/orders"][method]["security"] = []


def without_schema(contract: dict[str, Any]) -> None:
    contract["paths"]["/v1/orders"]["post"].pop("requestBody")


def lenient(contract: dict[str, Any]) -> None:
    contract["x-amazon-apigateway-request-validators"]["all"]["validateRequestBody"] = False


def without_validator(contract: dict[str, Any]) -> None:
    contract.pop("x-amazon-apigateway-request-validator")


@pytest.mark.parametrize(
    ("fact", "spoil"),
    [
        ("tokens", without_scheme),
        ("tokens", without_security),
        ("tokens", all_open),
        ("request validation", without_schema),
        ("request validation", lenient),
        ("request validation", without_validator),
    ],
)
def test_the_gateways_contract_is_read(fact: str, spoil: Callable[[dict[str, Any]], None]) -> None:
    """S3, S6: what API Gateway is told in its OpenAPI document."""
    contract = copy.deepcopy(CONTRACT)
    spoil(contract)
    assert (
        security_facts([*safe(), Record("aws:apigateway/restApi:RestApi", {"body": json.dumps(contract)})])[fact]
        is False
    )


def test_a_contract_that_cannot_be_read_proves_nothing() -> None:
    broken = Record("aws:apigateway/restApi:RestApi", {"body": "{"})
    facts = security_facts([*safe(), broken])
    assert not facts["tokens"]
    assert not facts["request validation"]
