"""A2: no service reads another's data, in a database of its own or in one that is shared."""

from __future__ import annotations

import json

from infra.tests.program.graphs import Graph, on
from infra.tests.program.reading import allowed, granted, migration_settings, primaries, settings, shards, statements

SECRET = "aws:secretsmanager/secret:Secret"
VERSION = "aws:secretsmanager/secretVersion:SecretVersion"


def contents(graph: Graph) -> dict[str, dict[str, str]]:
    """What each secret says, by its ARN."""
    arns = {each.id: each.outputs["arn"] for each in graph.some(SECRET)}
    return {arns[each.inputs["secretId"]]: json.loads(each.inputs["secretString"]) for each in graph.some(VERSION)}


def secrets_of(graph: Graph, service: str) -> set[str]:
    """The secrets that the service's workloads are told of."""
    found = set()
    for workload in graph.plan.workloads_of(service):
        told = settings(graph, workload.name)
        found |= {told["CACHE_SECRET_ARN"]}
        for shard in shards(graph, workload.name):
            found |= {shard["secret_arn"], shard["reader_secret_arn"]}
    return found


@on("dev", "prod", "queues", "sharded", "pooled")
def test_a2_database_per_service(graph: Graph) -> None:
    instances = {
        service: {shard["writer"] for shard in shards(graph, graph.plan.workloads_of(service)[0].name)}
        for service in graph.system.services
    }
    names = {
        service: settings(graph, graph.plan.workloads_of(service)[0].name)["DATABASE_NAME"]
        for service in graph.system.services
    }
    assert len(set(names.values())) == len(names), "a database of its own, wherever it is"
    if graph.environment.shared_database:
        assert len(set.union(*instances.values())) == len(primaries(graph)) == 1
    else:
        assert sum(map(len, instances.values())) == len(set.union(*instances.values())) == len(primaries(graph))


@on("dev", "prod", "sharded", "pooled")
def test_a2_every_service_opens_its_database_as_a_user_of_its_own(graph: Graph) -> None:
    said = contents(graph)
    users: dict[str, set[str]] = {}
    for service in graph.system.services:
        for shard in shards(graph, graph.plan.workloads_of(service)[0].name):
            own = said[shard["secret_arn"]]
            assert own["dbname"] == settings(graph, graph.plan.workloads_of(service)[0].name)["DATABASE_NAME"]
            assert own["username"] != "dba", "services are no administrators"
            users.setdefault(service, set()).update({own["username"], said[shard["reader_secret_arn"]]["username"]})
    everybody = [user for found in users.values() for user in found]
    assert len(set(everybody)) == len(everybody)
    passwords = [each["password"] for each in said.values()]
    assert len(set(passwords)) == len(passwords)


@on("dev", "prod", "queues", "sharded", "pooled")
def test_a2_no_service_reads_anothers_secrets(graph: Graph) -> None:
    everybody = {service: secrets_of(graph, service) for service in graph.system.services}
    for service, own in everybody.items():
        assert not own & set().union(*(others for other, others in everybody.items() if other != service))
        for workload in graph.plan.workloads_of(service):
            assert allowed(graph, workload.name, "secretsmanager:GetSecretValue") == own, workload.name


@on("dev", "prod", "queues", "sharded")
def test_a2_only_a_services_migration_is_an_administrator_and_only_of_its_databases(graph: Graph) -> None:
    administrators = {arn for arn, said in contents(graph).items() if said["username"] == "dba"}
    assert len(administrators) == len(primaries(graph))
    for service in graph.system.services:
        readable = allowed(graph, f"{service}-migration", "secretsmanager:GetSecretValue")
        told = {each["secret_arn"] for each in json.loads(migration_settings(graph, service)["DATABASE_ADMIN"])}
        assert readable & administrators == told
        own = {shard["secret_arn"] for shard in shards(graph, graph.plan.workloads_of(service)[0].name)}
        assert readable >= own
        for workload in graph.plan.workloads_of(service):
            assert not allowed(graph, workload.name, "secretsmanager:GetSecretValue") & administrators, workload.name
            assert "DATABASE_ADMIN" not in settings(graph, workload.name)


@on("dev", "prod")
def test_a2_the_cache_gives_each_service_its_own_keys_alone(graph: Graph) -> None:
    users = {each.inputs["userName"]: each.inputs for each in graph.some("aws:elasticache/user:User")}
    assert users.pop("default")["accessString"] == "off -@all"
    assert users.keys() == graph.system.services.keys()
    said = contents(graph)
    for service, user in users.items():
        state, *rules = user["accessString"].split()
        assert state == "on"
        assert [rule for rule in rules if rule[0] in "~&%"] == [f"~{service}:*", f"&{service}:*"]
        assert rules.index("-@all") < rules.index("+@read")
        assert "+@all" not in rules
        assert "-@dangerous" in rules
        told = settings(graph, graph.plan.workloads_of(service)[0].name)
        assert told["CACHE_KEY_PREFIX"] == f"{service}:"
        own = said[told["CACHE_SECRET_ARN"]]
        assert (own["username"], own["prefix"], own["tls"]) == (service, f"{service}:", "true")
        assert own["password"] in user["authenticationMode"]["passwords"]
    (group,) = graph.some("aws:elasticache/userGroup:UserGroup")
    (cache,) = graph.some("aws:elasticache/replicationGroup:ReplicationGroup")
    assert cache.inputs["userGroupIds"] == [group.id]


@on("prod", "pooled")
def test_a2_a_proxy_knows_the_users_of_its_database_alone(graph: Graph) -> None:
    for proxy in graph.some("aws:rds/proxy:Proxy"):
        database = proxy.parent.rpartition("::db-")[2].removesuffix("-proxy")
        (planned,) = [each for each in graph.plan.databases if each.name == database]
        own = {
            shard["secret_arn"]
            for service in planned.services
            for shard in shards(graph, graph.plan.workloads_of(service)[0].name)
        }
        assert {auth["secretArn"] for auth in proxy.inputs["auths"]} == own
        policy = graph.one("aws:iam/rolePolicy:RolePolicy", f"db-{database}-proxy-secrets")
        readable = [
            each for each in statements(policy.inputs["policy"]) if "secretsmanager:GetSecretValue" in each["Action"]
        ]
        assert {arn for each in readable for arn in each["Resource"]} == own


@on("dev", "prod", "queues", "pooled")
def test_a2_pods_have_no_way_to_secrets_but_their_role(graph: Graph) -> None:
    for workload in graph.plan.workloads:
        actions = {action for each in granted(graph, workload.name) for action in each["Action"]}
        assert {action for action in actions if action.startswith("secretsmanager:")} == {
            "secretsmanager:GetSecretValue"
        }
