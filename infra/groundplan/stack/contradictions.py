"""What two settings of one stack, or a setting and the system, must not say of each other."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator

from groundplan.declaration.model import Broker, System
from groundplan.problems import Finding, did_you_mean, listed
from groundplan.quotas import QUOTAS
from groundplan.stack.environment import Environment
from groundplan.stack.regions import CODES, LINKS, MAIL, PROXY, ZONE_LACKS, whole_zones
from groundplan.stack.versions import following, ranked, versions

# Two weeks is the default; less than one does not outlast unnoticed holidays.
_PROTECTED_BACKUP_DAYS = 7

_ZONES = 3

_COGNITO_ENDPOINTS = "https://docs.aws.amazon.com/cognito/latest/developerguide/vpc-interface-endpoints.html"

_INSPECTED = ("single", "per_zone")

_SENDER = re.compile(r"[^<>@]*<?[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+>?")

# Its brokers come in threes, spread evenly over their subnets; Express brokers are refused in any other number.
_KAFKA_ZONES = 3

# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
_BALANCER_ZONES = 2
_SMALLEST_BALANCER = 27

# 0.0.0.0/0 can be written as 0.0.0.0/1 and 128.0.0.0/1; no company's offices fill an eighth of the internet.
_WIDEST_PROTECTED = 8


def set_command(stack: str, key: str, value: str, *, nested: bool = False) -> str:
    """The command that sets a key, given in full (``shop:domain``), for one stack.

    ``nested``: what follows a dot is a key inside of it.
    """
    path = "--path '" if nested or "[" in key else ""
    return f"`pulumi config set {path}{key}{path[-1:]} {value} --stack {stack}`"


def remove_command(stack: str, key: str) -> str:
    """The command that removes a key, given in full, from one stack."""
    return f"`pulumi config rm {key} --stack {stack}`"


def _set(environment: Environment, system: System, key: str, value: str) -> str:
    return set_command(environment.name, f"{system.name}:{key}", value)


def _domain(environment: Environment, system: System) -> Iterator[Finding]:
    domain, hosted_zone = environment.domain, environment.hosted_zone
    if domain is None:
        if environment.require_domain:
            yield Finding(
                ("domain",),
                "missing",
                "a domain, since `require_domain` is true: without one TLS 1.3 can't be insisted on (S2)",
                f"register one and run {_set(environment, system, 'domain', 'shop.example.com')}, with your own name",
            )
        if hosted_zone is not None:
            yield Finding(
                ("hosted_zone",),
                hosted_zone,
                "a zone only together with a domain",
                f"run {_set(environment, system, 'domain', hosted_zone)}, or remove the zone",
            )
    elif hosted_zone is None:
        parent = domain if domain.count(".") == 1 else domain.partition(".")[2]
        yield Finding(
            ("hosted_zone",),
            "missing",
            f"the Route 53 zone that holds {domain}",
            f"run {_set(environment, system, 'hosted_zone', parent)}, with your zone's name",
        )
    elif domain != hosted_zone and not domain.endswith(f".{hosted_zone}"):
        yield Finding(
            ("hosted_zone",),
            hosted_zone,
            f"a zone that holds the domain {domain}: the domain itself, or what it ends with after a dot",
            "correct one of the two",
        )


def _network(environment: Environment, system: System) -> Iterator[Finding]:
    if environment.nat == "none":
        if environment.existing_cluster is None:
            yield Finding(
                ("nat",),
                "none",
                "a way to Cognito's signing keys, without which services refuse every token: its interface endpoint "
                f"completes no request for a user pool that has a domain, as this one must have ({_COGNITO_ENDPOINTS})",
                f"run {_set(environment, system, 'nat', 'single')}; `network_firewall` beside it says where to",
            )
    elif environment.network_firewall and environment.nat not in _INSPECTED:
        yield Finding(
            ("network_firewall",),
            "true",
            f"`nat` single or per_zone beside it, not {environment.nat}: the firewall stands between subnets and NAT",
            f"run {_set(environment, system, 'nat', 'per_zone')}, or "
            f"{_set(environment, system, 'network_firewall', 'false')}",
        )


def _protection(environment: Environment, system: System) -> Iterator[Finding]:
    if not environment.protect:
        return
    if environment.backup_days < _PROTECTED_BACKUP_DAYS:
        yield Finding(
            ("backup_days",),
            str(environment.backup_days),
            f"at least {_PROTECTED_BACKUP_DAYS} days, since `protect` is true",
            f"run {_set(environment, system, 'backup_days', '14')}",
        )
    for position, network in enumerate(environment.cluster_endpoint_cidrs):
        if network.prefixlen < _WIDEST_PROTECTED:
            example = _set(environment, system, f"cluster_endpoint_cidrs[{position}]", "203.0.113.0/24")
            yield Finding(
                ("cluster_endpoint_cidrs", position),
                str(network),
                f"a /{_WIDEST_PROTECTED} or smaller, since `protect` is true: not the whole internet",
                f"run {example}, with your own addresses",
            )


def _backups(environment: Environment, system: System) -> Iterator[Finding]:
    if environment.backup_copy_region == environment.region:
        yield Finding(
            ("backup_copy_region",),
            environment.region,
            "another region than the stack's own, which may be lost",
            f"run {_set(environment, system, 'backup_copy_region', 'eu-west-1')}, with a region that you may use",
        )
    yield from _copy_vault(environment, system)
    if environment.backup_compliance_after_days is not None and not environment.protect:
        yield Finding(
            ("backup_compliance_after_days",),
            str(environment.backup_compliance_after_days),
            "a protected stack: without `protect` its vaults have no lock",
            f"run {remove_command(environment.name, f'{system.name}:backup_compliance_after_days')}",
        )


def _copy_vault(environment: Environment, system: System) -> Iterator[Finding]:
    """What AWS Backup asks of copies in another account.

    https://docs.aws.amazon.com/aws-backup/latest/devguide/create-cross-account-backup.html
    https://docs.aws.amazon.com/aws-backup/latest/devguide/recov-point-create-a-copy.html
    """
    arn = environment.backup_copy_vault_arn
    if arn is None:
        return
    _, _, _, region, account, _, vault = arn.split(":")
    key = "backup_copy_vault_arn"
    if region != environment.region:
        yield Finding(
            (key,),
            arn,
            f"a vault in {environment.region}, the stack's region: AWS Backup copies databases to another account or "
            "to another region, not to both at once",
            f"deploy foundation/copies.yaml in {environment.region} of that account and name its vault; "
            f"{_set(environment, system, 'backup_copy_region', region)} has a copy in {region}, in this account",
        )
    if vault == "Default":
        yield Finding(
            (key,),
            arn,
            "a vault with a key of its own: an account's default vault takes no copies from others",
            "deploy foundation/copies.yaml there, and name its vault",
        )
    if environment.account is None:
        yield Finding(
            ("account",),
            "missing",
            f"the number of the stack's own account beside `{key}`, which is to be another's",
            f"run {_set(environment, system, 'account', '<number>')}",
        )
    elif environment.account == account:
        yield Finding(
            (key,),
            arn,
            "a vault of another account: this is the stack's own, which may be lost",
            f"name a vault of another account, or run {remove_command(environment.name, f'{system.name}:{key}')}",
        )


def _restored(environment: Environment, _: System) -> Iterator[Finding]:
    restored = environment.restored
    for name, database in restored.databases.items():
        for key, arn in (("snapshot", database.snapshot), ("kms_key_arn", database.kms_key_arn)):
            if arn.split(":")[3] != environment.region:
                yield Finding(
                    ("restored", "databases", name, key),
                    arn,
                    f"one in {environment.region}, the stack's region: RDS restores where the copy is",
                    f"run `groundplan recover <lost stack> --as {environment.name}` anew, which finds the copies, "
                    f"or write the copy in {environment.region}",
                )
        if name in restored.empty:
            yield Finding(
                ("restored", "empty", restored.empty.index(name)),
                name,
                "an instance that is either restored or empty",
                "take it out of one of the two",
            )


def _budget(environment: Environment, system: System) -> Iterator[Finding]:
    if environment.budget_tag is not None and environment.budget is None:
        yield Finding(
            ("budget_tag",),
            environment.budget_tag,
            "a tag only together with a budget, which it narrows",
            f"run {_set(environment, system, 'budget', '10000')}, with your own US dollars a month, or "
            f"{remove_command(environment.name, f'{system.name}:budget_tag')}",
        )


def _cluster(environment: Environment, system: System) -> Iterator[Finding]:
    if environment.existing_cluster is None:
        return
    for key in (
        "kubernetes_version",
        "cluster_endpoint_cidrs",
        "cluster_admin_role_arns",
        "cluster_viewer_role_arns",
        "network_firewall",
        "runner_connection_arn",
    ):
        # A default changes nothing; a written value is relied on.
        if key in environment.model_fields_set and getattr(environment, key):
            yield Finding(
                (key,),
                "set",
                "no such key together with `existing_cluster`: that cluster and its network are not this program's",
                f"run {remove_command(environment.name, f'{system.name}:{key}')}",
            )
    yield from _ingress_subnets(environment)
    subnets = environment.existing_cluster.data_subnet_ids
    has_events = any(service.publishes or service.cqrs for service in system.services.values())
    if has_events and system.events.broker is Broker.KAFKA and len(subnets) != _KAFKA_ZONES:
        yield Finding(
            ("existing_cluster", "data_subnet_ids"),
            f"{len(subnets)} subnets",
            f"{_KAFKA_ZONES} subnets, each in another zone: Kafka keeps {_KAFKA_ZONES} copies, one in each (T4)",
            "name one in each of three zones, or choose the broker `sqs` in system.yaml",
        )


def _ingress_subnets(environment: Environment) -> Iterator[Finding]:
    brought = environment.existing_cluster
    if brought is None or not brought.ingress_subnets:
        return
    others = {*brought.private_subnet_ids, *brought.data_subnet_ids}
    if len(brought.ingress_subnets) < _BALANCER_ZONES:
        yield Finding(
            ("existing_cluster", "ingress_subnets"),
            "1 subnet",
            f"{_BALANCER_ZONES} subnets at least, in different zones: a load balancer needs as many",
            "name one more, or none",
        )
    for subnet, cidr in brought.ingress_subnets.items():
        path = ("existing_cluster", "ingress_subnets", subnet)
        if subnet in others:
            yield Finding(
                path,
                subnet,
                "one in neither `private_subnet_ids` nor `data_subnet_ids`: no pod may have an address in it",
                "make a subnet of at least a /27 for the load balancer in each of two zones, and name those",
            )
        if not cidr.subnet_of(brought.vpc_cidr) or cidr.prefixlen > _SMALLEST_BALANCER:
            yield Finding(
                path,
                str(cidr),
                f"the subnet's own range: a part of {brought.vpc_cidr}, and at least a /{_SMALLEST_BALANCER}, which a "
                "load balancer needs",
                "correct it",
            )


def _images(environment: Environment, system: System) -> Iterator[Finding]:
    for service, reference in environment.images.items():
        if service not in system.services:
            otherwise = f"remove it, or choose one of {listed(system.services)}"
            yield Finding(
                ("images", service),
                reference,
                "a service that system.yaml declares",
                did_you_mean(service, system.services, otherwise),
            )


def _identity_provider(environment: Environment, system: System) -> Iterator[Finding]:
    if environment.oidc_provider and environment.oidc_provider_arn is not None:
        yield Finding(
            ("oidc_provider",),
            "true",
            "no provider of this stack's own beside the one that `oidc_provider_arn` names",
            f"run {remove_command(environment.name, f'{system.name}:oidc_provider')}",
        )
    for key in ("oidc_provider", "delivery_role", "runner_connection_arn"):
        if getattr(environment, key) and environment.repository is None:
            yield Finding(
                (key,),
                "true",
                "a `repository` whose pipeline signs in by it",
                f"run {_set(environment, system, 'repository', '<owner>/<name>')}, or remove this key",
            )
    own = environment.oidc_provider and environment.oidc_provider_arn is None
    if own and environment.repository is not None and not environment.delivery_role:
        yield Finding(
            ("oidc_provider",),
            "true",
            "a role of this stack's own beside it (`delivery_role`): `foundation/` makes both otherwise",
            f"run {remove_command(environment.name, f'{system.name}:oidc_provider')}, or "
            f"{_set(environment, system, 'delivery_role', 'true')} where the stack made its pipeline's role",
        )


def _deployed(environment: Environment, system: System) -> Iterator[Finding]:
    """What a stack can't leave once it is deployed, and versions, which rise step by step."""
    deployed = environment.remembered
    brought = environment.existing_cluster
    if deployed.region is not None and deployed.region != environment.region:
        yield _stays(environment, "region", environment.region, deployed.region, "its region")
    if deployed.vpc_cidr is not None and brought is not None:
        expected = f"none: the stack is deployed in a network of its own, {deployed.vpc_cidr}, which it can't leave"
        yield Finding(("existing_cluster",), "set", expected, _anew(environment, "take it away"))
    elif deployed.vpc_cidr is not None and deployed.vpc_cidr != str(environment.vpc_cidr):
        yield _stays(environment, "vpc_cidr", str(environment.vpc_cidr), deployed.vpc_cidr, "its network")
    elif deployed.vpc_cidr is None and deployed.vpc_id is not None and brought is None:
        expected = f"the cluster in {deployed.vpc_id}: the stack's data stores are there, and can't leave it"
        yield Finding(("existing_cluster",), "missing", expected, _anew(environment, "bring it back"))
    elif deployed.vpc_cidr is None and brought is not None and deployed.vpc_id not in (None, brought.vpc_id):
        path = ("existing_cluster", "vpc_id")
        expected = f"{deployed.vpc_id}: the stack's data stores are there, and can't leave it"
        yield Finding(path, brought.vpc_id, expected, _anew(environment, "write it back"))
    if deployed.kafka is not None and deployed.kafka.kind != environment.kafka and system.events.broker is Broker.KAFKA:
        yield Finding(
            ("kafka",),
            environment.kafka,
            f"{deployed.kafka.kind}, as the deployed cluster has: MSK accepts the change and doesn't make it",
            f"run {_set(environment, system, 'kafka', deployed.kafka.kind)}, or start the cluster anew "
            "(README.md, Sizes that only grow)",
        )


def _versions(environment: Environment, system: System) -> Iterator[Finding]:
    for key, now, wanted in versions(environment):
        if wanted == now or wanted == following(key, now):
            continue
        older = ranked(wanted) < ranked(now)
        way = f"run `groundplan upgrade --stack {environment.name}`, which lists the steps"
        yield Finding(
            (key,),
            wanted,
            f"{now} or {following(key, now)}: the stack runs {now}, and "
            + ("there is no way back" if older else "versions rise one at a time"),
            f"run {_set(environment, system, key, now)}" if older else way,
        )


def _stays(environment: Environment, key: str, value: str, deployed: str, what: str) -> Finding:
    expected = f"{deployed}: the stack is deployed there, and can't leave {what}"
    return Finding((key,), value, expected, _anew(environment, "write it back"))


def _anew(environment: Environment, instead: str) -> str:
    return (
        f"{instead}; to move, deploy a new stack, carry the data over and destroy {environment.name} "
        f"(then `make remember STACK={environment.name}`)"
    )


def _region(environment: Environment, system: System) -> Iterator[Finding]:
    """What the region lacks, and this stack asks for."""
    region = environment.region
    if environment.database_proxy and region in PROXY.regions:
        yield Finding(
            ("database_proxy",),
            "true",
            f"no {PROXY.service} in {region}, which doesn't have it ({PROXY.source})",
            f"run {_set(environment, system, 'database_proxy', 'false')}: pods then share smaller pools",
        )
    home = (environment.email_identity_arn or ":::").split(":")[3]
    if home in MAIL.regions:
        yield Finding(
            ("email_identity_arn",),
            str(environment.email_identity_arn),
            f"an identity in a region with {MAIL.service}; {home} doesn't have it ({MAIL.source})",
            "verify the identity in another region, and write its ARN",
        )
    code = f"{CODES[region]}-"
    chosen = [zone for zone in environment.zones if zone.startswith(code)]
    if environment.zones and (len(environment.zones) != _ZONES or len(chosen) != _ZONES):
        yield Finding(
            ("zones",),
            ", ".join(environment.zones),
            f"{_ZONES} zones of {region}, whose ids begin with {code}",
            "write three, or run " + remove_command(environment.name, f"{system.name}:zones"),
        )
    for zone in chosen:
        lacks = next((lack for lack in ZONE_LACKS if zone in lack.zones), None)
        if lacks is not None and not (lacks is LINKS and whole_zones(region) < _ZONES and zone == chosen[-1]):
            yield Finding(
                ("zones", environment.zones.index(zone)),
                zone,
                f"a zone with {lacks.service} ({lacks.source})",
                "name it last: the region has no third one with them"
                if lacks is LINKS and whole_zones(region) < _ZONES
                else "choose another zone of the region",
            )


def _quotas(environment: Environment, system: System) -> Iterator[Finding]:
    for key in environment.quotas:
        if key not in QUOTAS:
            known = [name for name, quota in QUOTAS.items() if quota.adjustable]
            otherwise = "run `groundplan quotas --all`, which lists them"
            yield Finding(("quotas", key), "", "the name of a quota", did_you_mean(key, known, otherwise))
        elif not QUOTAS[key].adjustable:
            yield Finding(
                ("quotas", key),
                "set",
                f"no such key: no one raises `{QUOTAS[key].name}`",
                f"run {remove_command(environment.name, f'--path {_quoted(system, key)}')}, then {QUOTAS[key].instead}",
            )


def _quoted(system: System, key: str) -> str:
    return f"'{system.name}:quotas.{key}'"


def _mail(environment: Environment, system: System) -> Iterator[Finding]:
    identity, sender = environment.email_identity_arn, environment.email_from
    if (identity is None) != (sender is None):
        missing, example = (
            ("email_from", f"'{system.name.capitalize()} <no-reply@example.com>'")
            if sender is None
            else ("email_identity_arn", f"arn:aws:ses:{environment.region}:<account>:identity/<domain>")
        )
        yield Finding(
            (missing,),
            "missing",
            "`email_identity_arn` and `email_from` together, or neither",
            f"run {_set(environment, system, missing, example)}, with your own",
        )
    if sender is not None and _SENDER.fullmatch(sender) is None:
        yield Finding(
            ("email_from",), sender, "a name and an address: Shop <no-reply@example.com>", "correct the address"
        )


_Rule = Callable[[Environment, System], Iterator[Finding]]
_RULES: tuple[tuple[_Rule, frozenset[str]], ...] = (
    (_domain, frozenset({"domain", "hosted_zone", "require_domain"})),
    (_network, frozenset({"existing_cluster", "nat", "network_firewall"})),
    (_protection, frozenset({"protect", "backup_days", "cluster_endpoint_cidrs"})),
    (
        _backups,
        frozenset(
            {
                "account",
                "backup_compliance_after_days",
                "backup_copy_region",
                "backup_copy_vault_arn",
                "protect",
                "region",
            }
        ),
    ),
    (_restored, frozenset({"region", "restored"})),
    (_cluster, frozenset({"existing_cluster"})),
    (_images, frozenset({"images"})),
    (_region, frozenset({"region", "database_proxy", "email_identity_arn", "zones"})),
    (_quotas, frozenset({"quotas"})),
    (_mail, frozenset({"email_identity_arn", "email_from", "region"})),
    (
        _identity_provider,
        frozenset({"oidc_provider", "oidc_provider_arn", "repository", "delivery_role", "runner_connection_arn"}),
    ),
    (_budget, frozenset({"budget", "budget_tag"})),
    (_deployed, frozenset({"existing_cluster", "kafka", "region", "remembered", "vpc_cidr"})),
    (_versions, frozenset({"existing_cluster", "kubernetes_version", "postgres_version", "remembered"})),
)
"""Each rule, and the keys that it looks at."""


def contradictions(environment: Environment, system: System, unknown: Collection[str] = ()) -> list[Finding]:
    """Everything that is wrong between values that are each right; paths are the environment's own keys.

    ``unknown`` are keys whose value is wrong by itself: what looks at them has nothing to say yet.
    """
    return [finding for rule, keys in _RULES if keys.isdisjoint(unknown) for finding in rule(environment, system)]
