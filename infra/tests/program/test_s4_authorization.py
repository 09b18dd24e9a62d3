"""S4: roles of people (RBAC), and what each program may do. See also `test_permissions.py` and `test_a2_data.py`."""

from __future__ import annotations

from infra.tests.program.graphs import EITHER_BROKER, Graph, on
from infra.tests.program.reading import granted, key, statements

POOL = "aws:cognito/userPool:UserPool"


@on(*EITHER_BROKER)
def test_s4_roles_are_groups_of_the_user_pool_the_strongest_first(graph: Graph) -> None:
    (pool,) = graph.some(POOL)
    groups = graph.some("aws:cognito/userGroup:UserGroup")
    assert {each.inputs["userPoolId"] for each in groups} == {pool.id}
    by_strength = sorted(groups, key=lambda each: each.inputs["precedence"])
    assert [each.inputs["name"] for each in by_strength] == list(reversed(graph.system.identity.roles))


@on(*EITHER_BROKER)
def test_s4_whoever_registers_gets_the_default_role_and_nothing_more(graph: Graph) -> None:
    (pool,) = graph.some(POOL)
    (function,) = graph.some("aws:lambda/function:Function")
    assert pool.inputs["lambdaConfig"] == {"postConfirmation": function.outputs["arn"]}
    assert function.inputs["environment"] == {"variables": {"DEFAULT_ROLE": graph.system.identity.default_role}}
    (permission,) = graph.some("aws:lambda/permission:Permission")
    assert permission.inputs["principal"] == "cognito-idp.amazonaws.com"
    assert permission.inputs["sourceArn"] == pool.outputs["arn"]
    policy = graph.one("aws:iam/rolePolicy:RolePolicy", "identity-default-role-groups").inputs["policy"]
    (statement,) = statements(policy)
    assert statement["Action"] == ["cognito-idp:AdminAddUserToGroup"]
    assert statement["Resource"] == [pool.outputs["arn"]]


@on(*EITHER_BROKER)
def test_s4_programs_may_do_only_what_their_role_in_the_system_needs(graph: Graph) -> None:
    """Everybody reads secrets; relays publish, and readers of events read: nobody else touches the broker."""
    brokers = {"relay": {"kafka-cluster", "sns"}, "consumer": {"kafka-cluster", "sqs"}}
    brokers["projector"] = brokers["consumer"]
    for workload in graph.plan.workloads:
        services = {action.partition(":")[0] for each in granted(graph, workload.name) for action in each["Action"]}
        assert services - {"secretsmanager", "kms"} <= brokers.get(workload.role, set()), workload.name
        if workload.role in brokers:
            assert services - {"secretsmanager", "kms"}, f"{workload.name} can't reach the broker"


@on(*EITHER_BROKER)
def test_s4_pods_decrypt_by_way_of_secrets_manager_alone(graph: Graph) -> None:
    for workload in graph.plan.workloads:
        (statement,) = [each for each in granted(graph, workload.name) if each.get("Sid") == "SecretsKey"]
        assert statement["Action"] == ["kms:Decrypt"]
        assert statement["Resource"] == [key(graph, "secrets")]
        assert statement["Condition"] == {
            "StringEquals": {"kms:ViaService": f"secretsmanager.{graph.environment.region}.amazonaws.com"}
        }
