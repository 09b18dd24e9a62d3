"""A2: no service reads another's data, in a database of its own or in one that is shared."""

from __future__ import annotations

from groundplan.cloud.model import Resource
from groundplan.controls.captured import ROLE_POLICY, CapturedProgram, listed
from groundplan.controls.model import Check, NotApplicable, control
from groundplan.controls.reading import at, items, mappings, parsed_or_empty
from groundplan.controls.transport import CACHE, PROXY
from groundplan.controls.workloads import running

READ_SECRET = "secretsmanager:GetSecretValue"  # noqa: S105  an action
USER = "aws:elasticache/user:User"


def _secrets_of(program: CapturedProgram, service: str) -> set[str]:
    """The secrets that the service's workloads are told of."""
    found: set[str] = set()
    for workload in program.workloads:
        if workload.service == service:
            _, told = program.settings(workload.name)
            found.add(told.get("CACHE_SECRET_ARN", ""))
            for shard in program.shards(workload.name):
                found |= {str(shard.get("secret_arn")), str(shard.get("reader_secret_arn"))}
    return found - {"", "None"}


@control(
    "A2.own-database",
    "Every service has a database of its own",
    "database.instance",
    remedy="leave databases to `declare_databases`; `shared_database` of the stack puts them on one instance",
)
def own_database(program: CapturedProgram, check: Check) -> None:
    names: dict[str, str] = {}
    writers: dict[str, str] = {}
    for workload, resource, told in running(program, check):
        name = told.get("DATABASE_NAME", "")
        owner = names.setdefault(name, workload.service)
        alone = bool(name) and owner == workload.service
        check.that(alone, resource, "data.DATABASE_NAME", f"a database that {owner} doesn't have")
        if program.environment.shared_database:
            continue
        for shard in program.shards(workload.name):
            owner = writers.setdefault(str(shard.get("writer")), workload.service)
            expected = f"an instance that {owner} doesn't have"
            check.that(owner == workload.service, resource, "data.DATABASE_SHARDS", expected)


@control(
    "A2.own-user",
    "Every service opens its database as a user of its own, with a password of its own",
    "database.credentials",
    remedy="leave users to `ServiceCredentials`",
)
def own_user(program: CapturedProgram, check: Check) -> None:
    contents = program.secret_contents
    administrators = {str(each.inputs.get("username")) for each in program.primaries}
    users: dict[str, str] = {}
    passwords: dict[str, str] = {}
    for arn, said in contents.items():
        first = passwords.setdefault(str(said.get("password")), arn)
        if first != arn:
            check.missing(f"a password of its own for {arn}", None, "", "another secret's")
    for workload, resource, told in running(program, check):
        for shard in program.shards(workload.name):
            for name in ("secret_arn", "reader_secret_arn"):
                said = contents.get(str(shard.get(name)), {})
                user = str(said.get("username"))
                owner = users.setdefault(user, workload.service)
                own = bool(said) and owner == workload.service and user not in administrators
                check.that(own, resource, "data.DATABASE_SHARDS", "a user that no other service has")
            said = contents.get(str(shard.get("secret_arn")), {})
            right = said.get("dbname") == told.get("DATABASE_NAME")
            check.that(right, resource, "data.DATABASE_NAME", "the database that its user opens")


@control(
    "A2.own-secrets",
    "No service reads another's secrets",
    "workload.service_role",
    remedy="grant the secrets of the service alone, as `declare_services` does",
)
def own_secrets(program: CapturedProgram, check: Check) -> None:
    everybody = {service: _secrets_of(program, service) for service in program.services}
    for workload, resource, _ in running(program, check):
        own = everybody[workload.service]
        others = set().union(*(each for name, each in everybody.items() if name != workload.service))
        check.that(own and not own & others, resource, "data.DATABASE_SHARDS", "secrets of this service alone")
        readable = program.allowed(workload.name, READ_SECRET)
        for policy in program.policies_of(workload.name)[:1]:
            actions = {action for each in program.granted(workload.name) for action in each["Action"]}
            reading = {action for action in actions if action.startswith("secretsmanager:")} == {READ_SECRET}
            expected = f"{READ_SECRET} of its own secrets and no others"
            check.that(reading and readable == own, policy, "policy", expected)
        if not program.policies_of(workload.name):
            check.missing(f"a role of its own for the pods of {workload.name}")


@control(
    "A2.administrators",
    "Only a service's migration is an administrator, and only of its own databases",
    "workload.migration",
    remedy="give the administrator's secret to `Migration` alone, as `declare_services` does",
)
def administrators(program: CapturedProgram, check: Check) -> None:
    names = {str(each.inputs.get("username")) for each in program.primaries}
    admins = {
        arn
        for arn, said in program.secret_contents.items()
        if said.get("username") in names and said.get("engine") == "postgres"
    }
    if len(admins) != len(program.primaries):
        check.missing("one secret of an administrator for each database")
    for workload, resource, told in running(program, check):
        readable = program.allowed(workload.name, READ_SECRET)
        for policy in program.policies_of(workload.name)[:1]:
            check.that(not readable & admins, policy, "policy", "no administrator's secret")
        check.that("DATABASE_ADMIN" not in told, resource, "data.DATABASE_ADMIN", "nothing") if (
            "DATABASE_ADMIN" in told
        ) else None
    for service, job in program.migrations.items():
        told_of = {
            str(each.get("secret_arn"))
            for each in mappings(_listed_in(program.environment_of(job).get("DATABASE_ADMIN")))
        }
        account = str(at(job.inputs, "spec.template.spec.serviceAccountName"))
        readable = program.allowed(account, READ_SECRET)
        path = "spec.template.spec.serviceAccountName"
        expected = f"an account that is administrator of the databases of {service} alone"
        check.that(bool(told_of) and readable & admins == told_of, job, path, expected)


def _listed_in(text: str | None) -> list[object]:
    return items(parsed_or_empty(f'{{"list": {text or "[]"}}}').get("list"))


@control(
    "A2.cache-keys",
    "The cache gives each service its own keys alone",
    "cache.cache",
    remedy="leave users to `Cache`, and the setting `CACHE_KEY_PREFIX` to `declare_services`",
)
def cache_keys(program: CapturedProgram, check: Check) -> None:
    users = {str(each.inputs.get("userName")): each for each in check.some(USER)}
    default = users.pop("default", None)
    if default is None:
        check.missing("a user `default` that is off: without one everybody gets in")
    else:
        check.same(default, "accessString", "off -@all")
    groups = {each.id for each in program.of("aws:elasticache/userGroup:UserGroup")}
    for cache in check.some(CACHE):
        assigned = listed(cache.inputs.get("userGroupIds"))
        check.that(assigned and assigned <= groups, cache, "userGroupIds", "the group of these users")
    check.sets(set(program.system.services), set(users), "a user of the cache for the service")
    for name, user in users.items():
        state, *rules = str(user.inputs.get("accessString")).split() or [""]
        prefixed = [rule for rule in rules if rule[0] in "~&%"] == [f"~{name}:*", f"&{name}:*"]
        closed = "-@all" in rules and "+@all" not in rules and "-@dangerous" in rules
        ordered = closed and all(rules.index("-@all") < i for i, rule in enumerate(rules) if rule.startswith("+"))
        expected = f"on, for the keys and channels {name}:* alone, without dangerous commands"
        check.that(state == "on" and prefixed and ordered, user, "accessString", expected)
    for workload, resource, told in running(program, check) if program.workloads else ():
        check.same(resource, "data.CACHE_KEY_PREFIX", f"{workload.service}:")
        said = program.secret_contents.get(told.get("CACHE_SECRET_ARN", ""), {})
        own = (said.get("username"), said.get("prefix"), said.get("tls")) == (
            workload.service,
            f"{workload.service}:",
            "true",
        )
        check.that(own, resource, "data.CACHE_SECRET_ARN", f"the secret of the user {workload.service}")


@control(
    "A2.proxy-users",
    "A database proxy knows the users of its own database alone",
    "database.proxy",
    remedy="give `DatabaseProxy` the secrets of its database's users",
)
def proxy_users(program: CapturedProgram, check: Check) -> None:
    proxies = program.of(PROXY)
    if not proxies:
        raise NotApplicable("no database of this stack has a proxy")
    targets = {
        str(each.inputs.get("dbProxyName")): str(each.inputs.get("dbInstanceIdentifier"))
        for each in program.of("aws:rds/proxyTarget:ProxyTarget")
    }
    addresses = {str(each.inputs.get("identifier")): str(each.outputs.get("address")) for each in program.primaries}
    policies: dict[str, list[Resource]] = {}
    for policy in program.of(ROLE_POLICY):
        policies.setdefault(str(policy.inputs.get("role")), []).append(policy)
    for proxy in proxies:
        known = {str(auth.get("secretArn")) for auth in mappings(proxy.inputs.get("auths"))}
        for policy in policies.get(str(proxy.inputs.get("roleArn")).rpartition("/")[2], ()):
            reading = [each for each in check.statements(policy) if READ_SECRET in each["Action"]]
            readable = {arn for each in reading for arn in each["Resource"]}
            check.that(readable == known, policy, "policy", f"{READ_SECRET} of the secrets of its users alone")
        address = addresses.get(targets.get(str(proxy.outputs.get("name")), ""))
        for index, auth in enumerate(mappings(proxy.inputs.get("auths"))):
            said = program.secret_contents.get(str(auth.get("secretArn")), {})
            own = address is not None and said.get("host") in (address, proxy.outputs.get("endpoint"))
            check.that(own, proxy, f"auths.{index}.secretArn", "the secret of a user of the database behind it")
