"""What a program really declares for its defence, read from the resources that it registered.

Each fact is true only when every resource that it speaks of agrees, and there is at least one: a stack that forgets a
setting on one bucket doesn't get its mark. Property names are Pulumi's (camelCase).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol


class Declared(Protocol):
    """A registered resource, as `groundplan.cloud.Resource` is one."""

    @property
    def type(self) -> str: ...

    @property
    def inputs(self) -> Mapping[str, Any]: ...


Inputs = Mapping[str, Any]
Found = Mapping[str, Sequence[Inputs]]
"""Inputs of all resources by type token."""

_WAF = "aws:wafv2/webAcl:WebAcl"
_DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
_REST_API = "aws:apigateway/restApi:RestApi"
_LISTENER = "aws:lb/listener:Listener"
_DATABASE = "aws:rds/instance:Instance"
_CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
_KAFKA = "aws:msk/cluster:Cluster"
_QUEUE = "aws:sqs/queue:Queue"
_TOPIC = "aws:sns/topic:Topic"
_BUCKET = "aws:s3/bucket:Bucket"
_CLUSTER = "aws:eks/cluster:Cluster"
_NAMESPACE = "kubernetes:core/v1:Namespace"
_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"


def security_facts(resources: Iterable[Declared]) -> dict[str, bool]:
    """Every fact of `FACTS` by name, for the resources of one program."""
    found: dict[str, list[Inputs]] = {}
    for resource in resources:
        found.setdefault(resource.type, []).append(resource.inputs)
    return {name: fact(found) for name, fact in FACTS.items()}


def _all(found: Found, token: str, holds: Callable[[Inputs], bool]) -> bool:
    """There are some, and it holds for each."""
    declared = found.get(token, ())
    return bool(declared) and all(holds(inputs) for inputs in declared)


def _where_there_are(found: Found, tokens: Sequence[str], holds: Callable[[str, Inputs], bool]) -> bool:
    """There is at least one of any of these types, and it holds for each."""
    declared = [(token, inputs) for token in tokens for inputs in found.get(token, ())]
    return bool(declared) and all(holds(token, inputs) for token, inputs in declared)


def _at(inputs: Any, *path: str | int) -> Any:  # noqa: ANN401  any part of a resource's inputs
    """The value at a path, None where the path ends early. A list of one stands for its element."""
    value = inputs
    for step in path:
        if isinstance(value, list) and isinstance(step, str) and len(value) == 1:
            value = value[0]
        if isinstance(value, Mapping):
            value = value.get(str(step))
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _edge_firewall(found: Found) -> bool:
    scoped = any(inputs.get("scope") == "CLOUDFRONT" for inputs in found.get(_WAF, ()))
    return scoped and _all(found, _DISTRIBUTION, lambda inputs: bool(inputs.get("webAclId")))


def _gateway_firewall(found: Found) -> bool:
    scoped = any(inputs.get("scope") == "REGIONAL" for inputs in found.get(_WAF, ()))
    return scoped and bool(found.get("aws:wafv2/webAclAssociation:WebAclAssociation"))


def _rate_rule(found: Found) -> bool:
    """A rule that blocks by rate in some web firewall."""
    return any(
        _at(rule, "statement", "rateBasedStatement", "limit") and _at(rule, "action", "block") is not None
        for inputs in found.get(_WAF, ())
        for rule in inputs.get("rules") or ()
    )


def _stage_throttle(found: Found) -> bool:
    return _all(
        found,
        "aws:apigateway/methodSettings:MethodSettings",
        lambda inputs: float(_at(inputs, "settings", "throttlingRateLimit") or -1) > 0,
    )


def _walls_between_pods(found: Found) -> bool:
    """A policy that selects every pod, covers both directions and allows nothing."""
    return any(
        _at(inputs, "spec", "podSelector") == {}
        and set(_at(inputs, "spec", "policyTypes") or ()) == {"Ingress", "Egress"}
        and not _at(inputs, "spec", "ingress")
        and not _at(inputs, "spec", "egress")
        for inputs in found.get(_POLICY, ())
    )


def _empty_default_group(found: Found) -> bool:
    return _all(
        found,
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        lambda inputs: not inputs.get("ingress") and not inputs.get("egress"),
    )


def _edge_tls(found: Found) -> bool:
    return _all(
        found,
        _DISTRIBUTION,
        lambda inputs: str(_at(inputs, "viewerCertificate", "minimumProtocolVersion") or "").startswith("TLSv1.3"),
    )


def _gateway_tls(found: Found) -> bool:
    return _all(
        found,
        _REST_API,
        lambda inputs: (
            str(inputs.get("securityPolicy") or "").startswith("SecurityPolicy_TLS13")
            and inputs.get("endpointAccessMode") == "STRICT"
        ),
    )


def _balancer_tls(found: Found) -> bool:
    return _all(
        found,
        _LISTENER,
        lambda inputs: inputs.get("protocol") in ("HTTPS", "TLS") and "TLS13-1-3" in str(inputs.get("sslPolicy") or ""),
    )


def _database_tls(found: Found) -> bool:
    def forced(inputs: Inputs) -> bool:
        values = {_at(each, "name"): str(_at(each, "value")) for each in inputs.get("parameters") or ()}
        return values.get("rds.force_ssl") == "1"

    return _all(found, "aws:rds/parameterGroup:ParameterGroup", forced)


def _cache_tls(found: Found) -> bool:
    return _all(
        found,
        _CACHE,
        lambda inputs: (
            inputs.get("transitEncryptionEnabled") is True and inputs.get("transitEncryptionMode") == "required"
        ),
    )


def _broker_tls(found: Found) -> bool:
    """Kafka takes TLS only; SNS and SQS are refused without it by their policies."""

    def encrypted(token: str, inputs: Inputs) -> bool:
        if token == _KAFKA:
            return bool(_at(inputs, "encryptionInfo", "encryptionInTransit", "clientBroker") == "TLS")
        return True

    kafka = _where_there_are(found, (_KAFKA,), encrypted)
    policies = [*found.get("aws:sqs/queuePolicy:QueuePolicy", ()), *found.get("aws:sns/topicPolicy:TopicPolicy", ())]
    queues = bool(policies) and all("aws:SecureTransport" in str(inputs.get("policy")) for inputs in policies)
    return kafka or (_KAFKA not in found and queues)


def _contracts(found: Found) -> list[Mapping[str, Any]]:
    """The OpenAPI documents of all REST APIs; one that can't be read counts as empty."""
    bodies = []
    for inputs in found.get(_REST_API, ()):
        try:
            bodies.append(json.loads(inputs.get("body") or "{}"))
        except ValueError:
            bodies.append({})
    return bodies


def _operations(contract: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Method and operation, without preflights, which browsers send with no token."""
    return [
        (method, operation)
        for path in (contract.get("paths") or {}).values()
        for method, operation in path.items()
        if method != "options"
    ]


def _tokens(found: Found) -> bool:
    """Every operation asks an authorizer for a token, or says in so many words that it is open."""
    contracts = _contracts(found)
    return bool(contracts) and all(_asks_for_tokens(contract) for contract in contracts)


def _asks_for_tokens(contract: Mapping[str, Any]) -> bool:
    schemes = _at(contract, "components", "securitySchemes") or {}
    checked = {name for name, scheme in schemes.items() if "x-amazon-apigateway-authorizer" in scheme}
    asked = [operation.get("security") for _, operation in _operations(contract)]
    guarded = [security for security in asked if any(checked & set(each) for each in security or ())]
    return bool(guarded) and all(security is not None for security in asked)


def _code_flow(found: Found) -> bool:
    return _all(
        found,
        "aws:cognito/userPoolClient:UserPoolClient",
        lambda inputs: list(inputs.get("allowedOauthFlows") or ()) in (["code"], ["client_credentials"]),
    )


def _second_factor(found: Found) -> bool:
    return _all(
        found, "aws:cognito/userPool:UserPool", lambda inputs: inputs.get("mfaConfiguration") in ("ON", "OPTIONAL")
    )


def _least_privilege(found: Found) -> bool:
    """No identity policy of ours allows every action."""
    documents = [
        inputs.get("policy")
        for token in ("aws:iam/policy:Policy", "aws:iam/rolePolicy:RolePolicy")
        for inputs in found.get(token, ())
    ]
    return bool(documents) and not any(_allows_everything(document) for document in documents)


def _allows_everything(document: object) -> bool:
    try:
        policy = json.loads(document) if isinstance(document, str) else document
    except ValueError:
        return True
    statements = _at(policy, "Statement") or []
    for statement in statements if isinstance(statements, list) else [statements]:
        actions = _at(statement, "Action") or []
        names = [actions] if isinstance(actions, str) else actions
        if _at(statement, "Effect") == "Allow" and any(name in ("*", "*:*") for name in names):
            return True
    return False


_AT_REST: dict[str, Callable[[Inputs], object]] = {
    _DATABASE: lambda inputs: (
        inputs.get("replicateSourceDb") or (inputs.get("storageEncrypted") is True and inputs.get("kmsKeyId"))
    ),
    _CACHE: lambda inputs: str(inputs.get("atRestEncryptionEnabled")).lower() == "true" and inputs.get("kmsKeyId"),
    _KAFKA: lambda inputs: _at(inputs, "encryptionInfo", "encryptionAtRestKmsKeyArn"),
    _QUEUE: lambda inputs: inputs.get("kmsMasterKeyId"),
    _TOPIC: lambda inputs: inputs.get("kmsMasterKeyId"),
}


def _data_at_rest(found: Found) -> bool:
    """Databases, cache, brokers and queues, with keys of ours."""
    return _where_there_are(found, tuple(_AT_REST), lambda token, inputs: bool(_AT_REST[token](inputs)))


def _buckets_at_rest(found: Found) -> bool:
    """As many encryption settings as buckets, none weaker than what S3 does by itself."""
    settings = found.get("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", ())
    buckets = found.get(_BUCKET, ())
    return bool(buckets) and len(settings) >= len(buckets)


def _private_buckets(found: Found) -> bool:
    blocks = found.get("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", ())
    flags = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    closed = [inputs for inputs in blocks if all(inputs.get(flag) is True for flag in flags)]
    buckets = found.get(_BUCKET, ())
    return bool(buckets) and len(closed) >= len(buckets)


def _cluster_secrets(found: Found) -> bool:
    return _all(found, _CLUSTER, lambda inputs: bool(_at(inputs, "encryptionConfig", "provider", "keyArn")))


def _key_rotation(found: Found) -> bool:
    return _all(
        found,
        "aws:kms/key:Key",
        lambda inputs: inputs.get("enableKeyRotation") is True or inputs.get("keyUsage") == "SIGN_VERIFY",
    )


def _secret_rotation(found: Found) -> bool:
    return bool(found.get("aws:secretsmanager/secretRotation:SecretRotation"))


def _request_validation(found: Found) -> bool:
    """Whatever writes is held to a schema, by a validator that looks at bodies."""
    contracts = _contracts(found)
    return bool(contracts) and all(_validates(contract) for contract in contracts)


def _validates(contract: Mapping[str, Any]) -> bool:
    name = contract.get("x-amazon-apigateway-request-validator") or ""
    validator = _at(contract, "x-amazon-apigateway-request-validators", name)
    writing = [operation for method, operation in _operations(contract) if method in ("post", "put", "patch")]
    described = all(_at(each, "requestBody", "content", "application/json", "schema") for each in writing)
    return _at(validator, "validateRequestBody") is True and bool(writing) and described


def _restricted_pods(found: Found) -> bool:
    return any(
        (_at(inputs, "metadata", "labels") or {}).get("pod-security.kubernetes.io/enforce") == "restricted"
        for inputs in found.get(_NAMESPACE, ())
    )


def _protected_data(found: Found) -> bool:
    return _all(
        found,
        _DATABASE,
        lambda inputs: bool(inputs.get("replicateSourceDb")) or inputs.get("deletionProtection") is True,
    )


def _images(found: Found) -> bool:
    return _all(
        found,
        "aws:ecr/repository:Repository",
        lambda inputs: (
            inputs.get("imageTagMutability") == "IMMUTABLE"
            and _at(inputs, "imageScanningConfiguration", "scanOnPush") is True
        ),
    )


FACTS: dict[str, Callable[[Found], bool]] = {
    "edge firewall": _edge_firewall,
    "gateway firewall": _gateway_firewall,
    "network firewall": lambda found: bool(found.get("aws:networkfirewall/firewall:Firewall")),
    "default group empty": _empty_default_group,
    "walls between pods": _walls_between_pods,
    "flow logs": lambda found: bool(found.get("aws:ec2/flowLog:FlowLog")),
    "edge TLS": _edge_tls,
    "gateway TLS": _gateway_tls,
    "balancer TLS": _balancer_tls,
    "database TLS": _database_tls,
    "cache TLS": _cache_tls,
    "broker TLS": _broker_tls,
    "tokens": _tokens,
    "code flow": _code_flow,
    "second factor": _second_factor,
    "roles": lambda found: bool(found.get("aws:cognito/userGroup:UserGroup")),
    "pod identities": lambda found: bool(found.get("aws:eks/podIdentityAssociation:PodIdentityAssociation")),
    "least privilege": _least_privilege,
    "data at rest": _data_at_rest,
    "buckets at rest": _buckets_at_rest,
    "private buckets": _private_buckets,
    "cluster secrets": _cluster_secrets,
    "key rotation": _key_rotation,
    "secret rotation": _secret_rotation,
    "request validation": _request_validation,
    "restricted pods": _restricted_pods,
    "rate rule": _rate_rule,
    "stage throttle": _stage_throttle,
    "deletion protection": _protected_data,
    "images": _images,
    "backups": lambda found: bool(found.get("aws:backup/plan:Plan")),
}
"""Facts by name, each with the test that finds it."""
