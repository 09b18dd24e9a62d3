"""Properties that only go together, or exclude each other: what one says of another in the same resource."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

import yaml

from groundplan.cloud.item import Item, look_up
from groundplan.cloud.rules.addresses import is_range, network
from groundplan.cloud.rules.databases import engine_of
from groundplan.cloud.rules.quantities import amount
from groundplan.cloud.rules.registry import Broken, rule

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_STAGE = "aws:apigateway/stage:Stage"


@rule("aws:apigateway/basePathMapping:BasePathMapping", "aws:apigateway/methodSettings:MethodSettings")
def stage_exists(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """What names a stage of an API names one that the API has.

    Source: API Gateway API, CreateBasePathMapping, UpdateStage ("Invalid stage identifier specified").
    """
    yield from _stage(item.known("restApi"), item.known("stageName"), "stageName", cloud)


@rule("aws:apigateway/usagePlan:UsagePlan")
def planned_stages(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A usage plan is for stages that their APIs have.

    Source: API Gateway API, CreateUsagePlan ("API Stage not found").
    """
    for index, each in enumerate(item.objects("apiStages")):
        yield from _stage(each.get("apiId"), each.get("stage"), f"apiStages[{index}].stage", cloud)


def _stage(api: object, name: object, path: str, cloud: Cloud) -> Iterator[Broken]:
    stages = cloud.where(_STAGE, "restApi", api)
    if isinstance(name, str) and stages and name not in [each.known("stageName") for each in stages]:
        yield Broken(path, "a stage of the API", "pass the stage's stage_name", absent=True)


@rule(_STAGE, "aws:apigateway/deployment:Deployment")
def stage_variables(item: Item, _: Cloud) -> Iterator[Broken]:
    """A stage variable's name has letters, digits and underscores, its value what addresses have.

    Source: API Gateway API, CreateStage, variables.
    """
    found = item.known("variables")
    for name, value in (found if isinstance(found, dict) else {}).items():
        if re.fullmatch(r"\w+", name, re.ASCII) is None:
            yield Broken("variables", "names of letters, digits and underscores", "rename the variable", name)
        if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9\-._~:/?#&=,]*", value) is None:
            yield Broken(f"variables.{name}", "letters, digits and -._~:/?#&=,", "correct the value")


@cache
def _zones() -> frozenset[str]:
    """The names of the tz database, as far as this machine has it."""
    return frozenset(available_timezones())


@rule("aws:backup/plan:Plan")
def time_zones(item: Item, _: Cloud) -> Iterator[Broken]:
    """A schedule's time zone is one of the tz database.

    Source: Backup API, BackupRuleInput.
    """
    zones = _zones()
    for index, each in enumerate(item.objects("rules")):
        name = each.get("scheduleExpressionTimezone")
        if isinstance(name, str) and zones and name not in zones:
            yield Broken(f"rules[{index}].scheduleExpressionTimezone", "a time zone such as Etc/UTC", "correct it")


@rule("aws:cloudfront/distribution:Distribution")
def distribution_settings(item: Item, _: Cloud) -> Iterator[Broken]:
    """Origins listen on 80, 443 or from 1024 on; another status for an error goes with a page, and a page with it.

    Source: CloudFront API, CustomOriginConfig, CustomErrorResponse.
    """
    for index, origin in enumerate(item.objects("origins")):
        for name in ("httpPort", "httpsPort"):
            port = look_up(origin, f"customOriginConfig.{name}")
            if isinstance(port, int | float) and port not in (80, 443) and not 1_024 <= port <= 65_535:
                yield Broken(
                    f"origins[{index}].customOriginConfig.{name}", "80, 443 or 1024 to 65535", "change the port"
                )
    for index, each in enumerate(item.objects("customErrorResponses")):
        if (each.get("responseCode") is None) != (not each.get("responsePagePath")):
            yield Broken(
                f"customErrorResponses[{index}]", "responseCode and responsePagePath together", "set both", each
            )


@rule("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy")
def script_protection(item: Item, _: Cloud) -> Iterator[Broken]:
    """Scripts are blocked or reported, not both.

    Source: CloudFront API, ResponseHeadersPolicyXSSProtection.
    """
    path = "securityHeadersConfig.xssProtection"
    if item.known(f"{path}.modeBlock") is True and item.known(f"{path}.reportUri"):
        yield Broken(f"{path}.reportUri", "nothing, as modeBlock is true", "choose one of the two")


@rule("aws:cloudwatch/logMetricFilter:LogMetricFilter")
def metric_of_a_filter(item: Item, _: Cloud) -> Iterator[Broken]:
    """A metric with dimensions, three at most, has no default value; a default is a number.

    Source: CloudWatch Logs API, MetricTransformation.
    """
    dimensions = item.known("metricTransformation.dimensions")
    default = item.known("metricTransformation.defaultValue")
    if isinstance(dimensions, dict) and len(dimensions) > 3:
        yield Broken("metricTransformation.dimensions", "at most 3", "leave some out", len(dimensions))
    if dimensions and default not in (None, ""):
        yield Broken("metricTransformation.defaultValue", "nothing, as there are dimensions", "remove it")
    if isinstance(default, str) and re.fullmatch(r"(-?\d*\.?\d+([eE][+-]?\d+)?)?", default) is None:
        yield Broken("metricTransformation.defaultValue", "a number", "correct it")


@rule("aws:cloudwatch/logDeliverySource:LogDeliverySource")
def delivered_logs(item: Item, _: Cloud) -> Iterator[Broken]:
    """CloudFront delivers access and connection logs.

    Source: CloudWatch Logs API, PutDeliverySource, logType; CloudFront developer guide, Standard logging (v2).
    """
    source, kind = item.known("resourceArn"), item.known("logType")
    if re.match(r"arn:[^:]+:cloudfront:", str(source)) and kind not in (None, "ACCESS_LOGS", "CONNECTION_LOGS"):
        yield Broken("logType", "ACCESS_LOGS or CONNECTION_LOGS", "choose one of these")


@rule("aws:cloudwatch/metricAlarm:MetricAlarm")
def bands(item: Item, _: Cloud) -> Iterator[Broken]:
    """Only what is compared with a band of expected values is compared with its bounds.

    Source: CloudWatch API, PutMetricAlarm, ThresholdMetricId.
    """
    operator = item.known("comparisonOperator")
    banded = isinstance(operator, str) and ("UpperThreshold" in operator or "LowerThreshold" in operator)
    if isinstance(operator, str) and banded != (item.get("thresholdMetricId") is not None):
        expected = "thresholdMetricId, as it compares with a band" if banded else "an operator of a band"
        yield Broken("comparisonOperator", expected, "set threshold_metric_id, or choose another operator")


@rule("aws:cognito/userPool:UserPool")
def pool_settings(item: Item, _: Cloud) -> Iterator[Broken]:
    """Recovery by an administrator stands alone; invitations tell name and code; passwords are among the first
    factors; what is verified before a change is verified automatically.

    Source: Cognito API, CreateUserPool, SetUserPoolMfaConfig.
    """
    ways = [each.get("name") for each in item.objects("accountRecoverySetting.recoveryMechanisms")]
    if "admin_only" in ways and len(ways) > 1:
        yield Broken("accountRecoverySetting.recoveryMechanisms", "admin_only alone", "keep it, or the others", ways)
    invitation = "adminCreateUserConfig.inviteMessageTemplate"
    for name in ("emailMessage", "smsMessage"):
        text = item.known(f"{invitation}.{name}")
        if isinstance(text, str) and not ("{username}" in text and "{####}" in text):
            yield Broken(f"{invitation}.{name}", "a text with {username} and {####}", "add them")
    factors = item.each("signInPolicy.allowedFirstAuthFactors")
    if factors and "PASSWORD" not in factors:
        yield Broken("signInPolicy.allowedFirstAuthFactors", "PASSWORD among them", "add it", factors)
    verified = item.each("autoVerifiedAttributes")
    path = "userAttributeUpdateSettings.attributesRequireVerificationBeforeUpdates"
    for index, each in enumerate(item.each(path)):
        if isinstance(each, str) and each not in verified and isinstance(item.get("autoVerifiedAttributes", []), list):
            yield Broken(f"{path}[{index}]", "one of autoVerifiedAttributes", "verify it automatically")
    others = ("smsConfiguration", "emailMfaConfiguration", "webAuthnConfiguration")
    if (
        item.known("mfaConfiguration") in ("ON", "OPTIONAL")
        and item.known("softwareTokenMfaConfiguration.enabled") is False
        and not any(item.get(each) for each in others)
    ):
        yield Broken("softwareTokenMfaConfiguration.enabled", "true: no other second factor is there", "enable it")


_STANDARD_ATTRIBUTES = frozenset(
    [
        "address",
        "birthdate",
        "email",
        "email_verified",
        "family_name",
        "gender",
        "given_name",
        "locale",
        "middle_name",
        "name",
        "nickname",
        "phone_number",
        "phone_number_verified",
        "picture",
        "preferred_username",
        "profile",
        "updated_at",
        "website",
        "zoneinfo",
    ]
)


@rule("aws:cognito/userPoolClient:UserPoolClient")
def client_settings(item: Item, _: Cloud) -> Iterator[Broken]:
    """A client reads and writes attributes that pools have, and writes no verification; it has flows of one naming;
    rotated refresh tokens exclude the old flow; its default address is among its callbacks.

    Source: Cognito API, CreateUserPoolClient; Cognito developer guide, Working with user attributes.
    """
    for path in ("readAttributes", "writeAttributes"):
        for index, each in enumerate(item.each(path)):
            own = isinstance(each, str) and each.startswith(("custom:", "dev:", "identities"))
            if isinstance(each, str) and not own and each not in _STANDARD_ATTRIBUTES:
                yield Broken(f"{path}[{index}]", "an attribute of the pool, or custom:…", "correct its name")
            if path == "writeAttributes" and each in ("email_verified", "phone_number_verified", "updated_at"):
                yield Broken(f"{path}[{index}]", "an attribute that a client may write", "remove it")
    flows = [each for each in item.each("explicitAuthFlows") if isinstance(each, str)]
    if len({each.startswith("ALLOW_") for each in flows}) > 1:
        yield Broken("explicitAuthFlows", "names with ALLOW_ only, or without only", "use the ALLOW_ names", flows)
    if item.known("refreshTokenRotation.feature") == "ENABLED" and "ALLOW_REFRESH_TOKEN_AUTH" in flows:
        yield Broken("explicitAuthFlows", "no ALLOW_REFRESH_TOKEN_AUTH, as refresh tokens rotate", "remove it", flows)
    default, callbacks = item.known("defaultRedirectUri"), item.get("callbackUrls", [])
    if (
        isinstance(default, str)
        and isinstance(callbacks, list)
        and default
        and default not in item.each("callbackUrls")
    ):
        yield Broken("defaultRedirectUri", "one of callbackUrls", "add it to them")


@rule("aws:ec2/vpc:Vpc")
def name_service(vpc: Item, _: Cloud) -> Iterator[Broken]:
    """Host names need DNS; a network isn't on dedicated hosts.

    Source: EC2 API, ModifyVpcAttribute; CreateVpc, InstanceTenancy.
    """
    if vpc.known("enableDnsHostnames") is True and vpc.known("enableDnsSupport") is False:
        yield Broken("enableDnsSupport", "true, as enableDnsHostnames is", "enable both, or neither")
    if vpc.known("instanceTenancy") == "host":
        yield Broken("instanceTenancy", "default or dedicated", "choose one of these")


@rule("aws:ec2/vpcEndpoint:VpcEndpoint")
def private_names(item: Item, _: Cloud) -> Iterator[Broken]:
    """Only interface endpoints have private names.

    Source: EC2 API, CreateVpcEndpoint, PrivateDnsEnabled.
    """
    if item.known("privateDnsEnabled") is True and item.get("vpcEndpointType", "Gateway") == "Gateway":
        yield Broken("privateDnsEnabled", "false for a gateway endpoint", "remove it")


@rule("aws:ec2/route:Route")
def not_the_local_route(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """The way into the network itself is there from the start.

    Source: EC2 API, CreateRoute (RouteAlreadyExists).
    """
    table = cloud.referred(item, "routeTableId")
    vpc = cloud.find("aws:ec2/vpc:Vpc", table.known("vpcId")) if table is not None else None
    own, wanted = (
        network(each) for each in (vpc.known("cidrBlock") if vpc else None, item.known("destinationCidrBlock"))
    )
    if own is not None and own == wanted:
        yield Broken("destinationCidrBlock", f"another range than the network's own, {own}", "remove the route")


@rule("aws:eks/cluster:Cluster")
def service_addresses(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """Services have addresses apart from the network's.

    Source: EKS API, KubernetesNetworkConfigRequest, serviceIpv4Cidr.
    """
    services = network(item.known("kubernetesNetworkConfig.serviceIpv4Cidr"))
    for each in item.each("vpcConfig.subnetIds"):
        subnet = cloud.find("aws:ec2/subnet:Subnet", each)
        vpc = cloud.find("aws:ec2/vpc:Vpc", subnet.known("vpcId")) if subnet is not None else None
        own = network(vpc.known("cidrBlock")) if vpc is not None else None
        if services is not None and own is not None and own.overlaps(services):
            path = "kubernetesNetworkConfig.serviceIpv4Cidr"
            yield Broken(path, f"a range apart from the network's, {own}", "choose another range")
            return


@rule("aws:elasticache/replicationGroup:ReplicationGroup")
def tiered_nodes(group: Item, _: Cloud) -> Iterator[Broken]:
    """Nodes with disks tier data, and no others do.

    Source: ElastiCache user guide, Data tiering.
    """
    node, tiered = group.known("nodeType"), group.get("dataTieringEnabled", False)
    if isinstance(node, str) and isinstance(tiered, bool) and node.startswith("cache.r6gd.") != tiered:
        path = "dataTieringEnabled" if tiered else "nodeType"
        yield Broken(path, "data tiering with nodes cache.r6gd.…, and with no others", "make the two agree")


@rule("aws:elasticache/user:User")
def user_passwords(item: Item, _: Cloud) -> Iterator[Broken]:
    """A user with passwords has one or two, and one without has none.

    Source: ElastiCache API, AuthenticationMode.
    """
    kind, path = item.known("authenticationMode.type"), "authenticationMode.passwords"
    if kind == "password" and not item.get(path):
        yield Broken(path, "one or two passwords, as the type is password", "set passwords", "")
    if kind in ("iam", "no-password-required") and item.get(path):
        yield Broken(path, f"nothing, as the type is {kind}", "remove the passwords", "[secret]")


@rule("aws:kms/key:Key")
def key_of_its_use(item: Item, _: Cloud) -> Iterator[Broken]:
    """A symmetric key encrypts, an HMAC key authenticates, an elliptic curve signs or agrees.

    Source: KMS API, CreateKey, KeyUsage.
    """
    spec, use = item.get("customerMasterKeySpec", "SYMMETRIC_DEFAULT"), item.get("keyUsage", "ENCRYPT_DECRYPT")
    fitting = {
        "SYMMETRIC": ("ENCRYPT_DECRYPT",),
        "HMAC": ("GENERATE_VERIFY_MAC",),
        "RSA": ("ENCRYPT_DECRYPT", "SIGN_VERIFY"),
        "ECC": ("SIGN_VERIFY", "KEY_AGREEMENT"),
        "ML": ("SIGN_VERIFY",),
    }.get(str(spec).partition("_")[0])
    if fitting is not None and isinstance(use, str) and use not in fitting:
        yield Broken("keyUsage", f"{' or '.join(fitting)} for a key {spec}", "make the two agree")


@rule("aws:lambda/function:Function")
def function_settings(item: Item, _: Cloud) -> Iterator[Broken]:
    """Levels of logs need the format JSON; a function in a network has subnets and security groups.

    Source: Lambda API, LoggingConfig, VpcConfig.
    """
    for name in ("applicationLogLevel", "systemLogLevel"):
        if item.known(f"loggingConfig.{name}") and item.known("loggingConfig.logFormat") == "Text":
            yield Broken(f"loggingConfig.{name}", "nothing, as the format is Text", "set log_format to JSON")
    subnets, groups = (item.known(f"vpcConfig.{name}") for name in ("subnetIds", "securityGroupIds"))
    if isinstance(subnets, list) and isinstance(groups, list) and bool(subnets) != bool(groups):
        yield Broken("vpcConfig", "subnetIds and securityGroupIds together", "set both, or neither", "")


@rule("aws:lb/listener:Listener", "aws:lb/listenerRule:ListenerRule")
def redirects(item: Item, _: Cloud) -> Iterator[Broken]:
    """A redirect leads elsewhere, by an absolute path, for good or for now.

    Source: Elastic Load Balancing API, RedirectActionConfig.
    """
    name = "defaultActions" if item.type.endswith("Listener") else "actions"
    for index, action in enumerate(item.objects(name)):
        redirect, path = action.get("redirect"), f"{name}[{index}].redirect"
        if not isinstance(redirect, dict) or action.get("type") != "redirect":
            continue
        if redirect.get("statusCode") not in ("HTTP_301", "HTTP_302") and isinstance(redirect.get("statusCode"), str):
            yield Broken(f"{path}.statusCode", "HTTP_301 or HTTP_302", "choose one of these")
        where = redirect.get("path")
        if isinstance(where, str) and not where.startswith("/"):
            yield Broken(f"{path}.path", "a path that begins with /", "correct the path")
        usual = {
            "host": "#{host}",
            "path": "/#{path}",
            "port": "#{port}",
            "protocol": "#{protocol}",
            "query": "#{query}",
        }
        if all(redirect.get(each) in (None, same) for each, same in usual.items() if each != "query"):
            yield Broken(path, "another protocol, host, port or path: it would lead back", "say where to", redirect)


@rule("aws:lb/listener:Listener")
def application_protocols(item: Item, _: Cloud) -> Iterator[Broken]:
    """Only TLS listeners choose among application protocols.

    Source: Elastic Load Balancing API, CreateListener, AlpnPolicy.
    """
    if item.known("alpnPolicy") not in (None, "", "None") and item.known("protocol") not in (None, "TLS"):
        yield Broken("alpnPolicy", f"nothing, as the protocol is {item.known('protocol')}", "remove it")


@rule("aws:lb/listenerRule:ListenerRule")
def conditions(item: Item, _: Cloud) -> Iterator[Broken]:
    """Conditions name hosts, methods in capitals, ranges of addresses, and headers other than Host.

    Source: Elastic Load Balancing API, RuleCondition.
    """
    forms = {
        "hostHeader": (r"[A-Za-z0-9.*?-]{1,128}", "host names of letters, digits and -.*?"),
        "httpRequestMethod": (r"[A-Z_-]{1,40}", "methods in capital letters"),
    }
    for index, each in enumerate(item.objects("conditions")):
        for name, (form, words) in forms.items():
            for value in look_up(each, f"{name}.values") or []:
                if isinstance(value, str) and re.fullmatch(form, value) is None:
                    yield Broken(f"conditions[{index}].{name}.values", words, "correct it", value)
        for value in look_up(each, "sourceIp.values") or []:
            if isinstance(value, str) and not is_range(value):
                yield Broken(f"conditions[{index}].sourceIp.values", "ranges in CIDR notation", "correct it", value)
        header = look_up(each, "httpHeader.httpHeaderName")
        if isinstance(header, str) and header.lower() == "host":
            path = f"conditions[{index}].httpHeader.httpHeaderName"
            yield Broken(path, "a header other than Host", "use hostHeader")


@rule("aws:lb/targetGroup:TargetGroup")
def balancing(group: Item, _: Cloud) -> Iterator[Broken]:
    """A slow start and no anomaly mitigation go with round robin; a version of HTTP goes with HTTP or HTTPS, and so
    does its health check; cookies have names of their own.

    Source: Elastic Load Balancing API, TargetGroupAttribute, CreateTargetGroup.
    """
    way, slow = group.get("loadBalancingAlgorithmType", "round_robin"), group.known("slowStart")
    if way in ("least_outstanding_requests", "weighted_random") and slow not in (None, 0):
        yield Broken("loadBalancingAlgorithmType", "round_robin, as there is a slow start", "remove slow_start")
    if group.known("loadBalancingAnomalyMitigation") == "on" and way in ("round_robin", "least_outstanding_requests"):
        yield Broken("loadBalancingAnomalyMitigation", "off, or weighted_random", "change the algorithm")
    protocol, version = group.known("protocol"), group.known("protocolVersion")
    if version is not None and protocol in ("TCP", "UDP", "TLS", "TCP_UDP", "GENEVE", "QUIC", "TCP_QUIC"):
        yield Broken("protocolVersion", f"nothing, as the protocol is {protocol}", "remove it")
    if protocol in ("HTTP", "HTTPS") and group.known("healthCheck.protocol") in ("TCP", "UDP", "TLS"):
        yield Broken("healthCheck.protocol", "HTTP or HTTPS, as the group's protocol", "choose one of these")
    kind, cookie = group.known("stickiness.type"), group.known("stickiness.cookieName")
    if (
        kind == "app_cookie"
        and isinstance(cookie, str)
        and cookie.upper().startswith(("AWSALB", "AWSALBAPP", "AWSALBTG"))
    ):
        yield Broken("stickiness.cookieName", "a name that doesn't begin with AWSALB", "rename the cookie")


@rule("aws:eks/addon:Addon")
def addon_values(item: Item, _: Cloud) -> Iterator[Broken]:
    """An add-on's settings are an object, in JSON or YAML.

    Source: EKS API, CreateAddon, configurationValues.
    """
    text = item.known("configurationValues")
    try:
        given = yaml.safe_load(text) if isinstance(text, str) else {}
    except yaml.YAMLError:
        given = None
    if not isinstance(given, dict) and text != "":
        yield Broken("configurationValues", "an object in JSON or YAML", "build it with json.dumps")


@rule("aws:rds/eventSubscription:EventSubscription")
def watched_instances(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """What a subscription is for exists.

    Source: RDS API, CreateEventSubscription (SourceNotFound).
    """
    if item.known("sourceType") != "db-instance":
        return
    for index, each in enumerate(item.each("sourceIds")):
        if isinstance(each, str) and not cloud.named(each):
            expected = "the identifier of an instance that exists"
            yield Broken(f"sourceIds[{index}]", expected, "pass the instance's identifier", absent=True)


@rule("aws:rds/instance:Instance")
def instance_settings(instance: Item, cloud: Cloud) -> Iterator[Broken]:
    """A monitoring role goes with an interval; a key with encryption; a volume for the log with provisioned storage;
    time zones and licences are those of the engine; upkeep takes less than a day.

    Source: RDS API, CreateDBInstance.
    """
    if instance.known("monitoringInterval") == 0 and instance.get("monitoringRoleArn"):
        yield Broken("monitoringInterval", "more than 0, as there is a monitoring role", "raise it, or remove the role")
    if instance.known("storageEncrypted") is False and instance.get("kmsKeyId"):
        yield Broken("storageEncrypted", "true, as there is a key", "encrypt it, or remove kms_key_id")
    if instance.known("dedicatedLogVolume") is True and instance.known("storageType") in ("gp2", "gp3", "standard"):
        yield Broken("dedicatedLogVolume", "false: it goes with storage io1 or io2", "change the storage")
    ends = re.findall(r"(\w{3}):(\d\d):(\d\d)", str(instance.known("maintenanceWindow") or "").lower())
    minutes = [_DAYS.index(day) * 1_440 + int(hour) * 60 + int(minute) for day, hour, minute in ends if day in _DAYS]
    if len(minutes) == 2 and (minutes[1] - minutes[0]) % (7 * 1_440) >= 1_440:
        yield Broken("maintenanceWindow", "a window of less than a day", "let it end earlier")
    engine = engine_of(instance, cloud)
    name = instance.known("dbName")
    if engine == "postgres" and isinstance(name, str) and re.fullmatch(r"[A-Za-z_]\w{0,62}", name, re.ASCII) is None:
        yield Broken("dbName", "up to 63 letters, digits and underscores, a letter first", "rename the database")
    if engine in ("postgres", "mysql", "mariadb"):
        for name in ("timezone", "characterSetName", "ncharCharacterSetName"):
            if instance.get(name):
                yield Broken(name, f"nothing for {engine}", f"remove {name}")
        licence = {"postgres": "postgresql-license"}.get(engine, "general-public-license")
        if instance.known("licenseModel") not in (None, "", licence):
            yield Broken("licenseModel", f"{licence}, as the engine is {engine}", "correct it")


@rule("aws:route53/healthCheck:HealthCheck")
def checked(item: Item, _: Cloud) -> Iterator[Broken]:
    """A check for a text has one, a check of a connection has no path, and what is checked is a public address.

    Source: Route 53 API, HealthCheckConfig.
    """
    kind = str(item.known("type") or "")
    if kind.endswith("_STR_MATCH") and not item.get("searchString"):
        yield Broken("searchString", f"the text to look for, as the type is {kind}", "set search_string", "")
    if kind == "TCP" and item.get("resourcePath"):
        yield Broken("resourcePath", "nothing, as the type is TCP", "remove it")
    address = item.known("ipAddress")
    try:
        private = isinstance(address, str) and bool(address) and not ipaddress.ip_address(address).is_global
    except ValueError:
        private = False  # its form is judged elsewhere
    if private and not str(address).startswith(("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:")):
        yield Broken("ipAddress", "a public address: health checkers are on the internet", "check a public endpoint")


@rule("aws:route53/record:Record")
def record_values(item: Item, _: Cloud) -> Iterator[Broken]:
    """A mail server has a preference, a certification authority's record a flag, a tag and a text in quotes.

    Source: Route 53 developer guide, Supported DNS record types.
    """
    forms = {
        "MX": (r"\d{1,5} \S+", "a preference and a host name, such as 10 mail.example.com"),
        "CAA": (r"\d{1,3} [a-z0-9]+ \".*\"", 'a flag, a tag and a text, such as 0 issue "example.com"'),
        "SRV": (r"\d+ \d+ \d+ \S+", "priority, weight, port and host name"),
    }
    form, words = forms.get(str(item.known("type")), ("", ""))
    for index, value in enumerate(item.each("records")):
        if form and isinstance(value, str) and re.fullmatch(form, value) is None:
            yield Broken(f"records[{index}]", words, "correct the value")


@rule("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
def lifecycle_filters(item: Item, _: Cloud) -> Iterator[Broken]:
    """A filter has one condition, or `and`; uploads are aborted by prefix alone; classes only grow colder; up to 100
    newer versions are kept.

    Source: S3 API, LifecycleRule; S3 user guide, Transitioning objects using Lifecycle.
    """
    colder = ("STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE")
    for index, each in enumerate(item.objects("rules")):
        path, chosen = f"rules[{index}]", each.get("filter")
        given = (
            {name for name, value in chosen.items() if value not in (None, "")} if isinstance(chosen, dict) else set()
        )
        if len(given) > 1:
            yield Broken(f"{path}.filter", "one condition; several go into `and`", "use and_", sorted(given))
        if each.get("abortIncompleteMultipartUpload") and (given & {"tag"} or look_up(chosen, "and.tags")):
            yield Broken(f"{path}.filter", "no tags, as uploads are aborted", "abort them in a rule of its own", "")
        order = [
            colder.index(one["storageClass"])
            for one in each.get("transitions") or []
            if look_up(one, "storageClass") in colder
        ]
        if order != sorted(order):
            yield Broken(f"{path}.transitions", f"classes in this order: {', '.join(colder)}", "reorder them", "")


@rule("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration")
def retention(item: Item, _: Cloud) -> Iterator[Broken]:
    """A default retention is in days or in years.

    Source: S3 API, DefaultRetention.
    """
    kept = item.known("rule.defaultRetention")
    if isinstance(kept, dict) and (kept.get("days") is None) == (kept.get("years") is None):
        yield Broken("rule.defaultRetention", "days or years, one of the two", "set one", "")


@rule("aws:s3/bucketVersioning:BucketVersioning")
def locked_versions(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A bucket with object lock keeps its versions.

    Source: S3 user guide, Object Lock considerations.
    """
    bucket = cloud.referred(item, "bucket")
    suspended = item.known("versioningConfiguration.status") in ("Suspended", "Disabled")
    if suspended and bucket is not None and bucket.known("objectLockEnabled") is True:
        yield Broken("versioningConfiguration.status", "Enabled, as the bucket has object lock", "enable versioning")


@rule("aws:secretsmanager/secret:Secret")
def replicas(item: Item, _: Cloud) -> Iterator[Broken]:
    """A secret is replicated into other regions.

    Source: Secrets Manager API, CreateSecret, AddReplicaRegions.
    """
    for index, each in enumerate(item.objects("replicas")):
        region = each.get("region")
        if isinstance(region, str) and (
            region == item.place or re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-\d", region) is None
        ):
            yield Broken(f"replicas[{index}].region", "another region, such as eu-west-1", "correct the region")


@rule("aws:sns/topic:Topic")
def topic_settings(item: Item, _: Cloud) -> Iterator[Broken]:
    """A FIFO topic's name ends with .fifo; only such topics deduplicate by content.

    Source: SNS API, CreateTopic, Attributes.
    """
    fifo = item.get("fifoTopic", False)
    if item.physical_name and isinstance(fifo, bool) and fifo != item.physical_name.endswith(".fifo"):
        expected = "a name that ends with .fifo exactly when fifoTopic is true"
        yield Broken("name", expected, "make the two agree", item.physical_name)
    for name in ("contentBasedDeduplication", "archivePolicy", "fifoThroughputScope"):
        if fifo is False and item.get(name) not in (None, False, ""):
            yield Broken(name, "a FIFO topic", "set fifo_topic, or remove it")


@rule("kubernetes:apps/v1:Deployment")
def rollout_numbers(item: Item, _: Cloud) -> Iterator[Broken]:
    """Surge and unavailability are numbers or percentages, and no more than all are unavailable.

    Source: Kubernetes API reference, RollingUpdateDeployment.
    """
    for name, form in (("maxSurge", r"\d+%"), ("maxUnavailable", r"(100|\d{1,2})%")):
        value = item.known(f"spec.strategy.rollingUpdate.{name}")
        if (isinstance(value, str) and re.fullmatch(form, value) is None) or (isinstance(value, int) and value < 0):
            yield Broken(f"spec.strategy.rollingUpdate.{name}", "a number or a percentage", "correct it")


@rule("kubernetes:core/v1:LimitRange")
def limits_in_order(item: Item, _: Cloud) -> Iterator[Broken]:
    """The least, what is asked for, the default and the most are in order.

    Source: Kubernetes API reference, LimitRangeItem (server validation).
    """
    pairs = (
        *(("min", "max"), ("min", "default"), ("min", "defaultRequest"), ("defaultRequest", "default")),
        *(("default", "max"), ("defaultRequest", "max")),
    )
    for index, each in enumerate(item.objects("spec.limits")):
        for less, more in pairs:
            for name in {*(each.get(less) or {})} & {*(each.get(more) or {})}:
                low, high = amount(each[less][name]), amount(each[more][name])
                if low is not None and high is not None and low > high:
                    yield Broken(
                        f"spec.limits[{index}].{less}.{name}", f"at most {more}, {each[more][name]}", "lower it"
                    )


_COUNTED = frozenset(
    [
        "pods",
        "services",
        "replicationcontrollers",
        "resourcequotas",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    ]
)
_MEASURED = re.compile(
    r"(requests\.|limits\.)?(cpu|memory|ephemeral-storage|storage)|(requests\.|limits\.)?hugepages-\w+|requests\.[\w.-]+/.+"
)


@rule("kubernetes:core/v1:ResourceQuota")
def quota(item: Item, _: Cloud) -> Iterator[Broken]:
    """A quota is of things that Kubernetes counts, in whole numbers; no scope excludes another.

    Source: Kubernetes, Resource Quotas (server validation).
    """
    hard = item.known("spec.hard")
    for name, value in (hard if isinstance(hard, dict) else {}).items():
        counted = name in _COUNTED or name.startswith("count/")
        if not counted and "/" not in name and _MEASURED.fullmatch(name) is None:
            yield Broken(f"spec.hard.{name}", "a resource that quotas count", "correct its name", name)
        found = amount(value)
        if counted and found is not None and found != found.to_integral_value():
            yield Broken(f"spec.hard.{name}", "a whole number", "round it")
    scopes = item.each("spec.scopes")
    for one, other in (("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating")):
        if one in scopes and other in scopes:
            yield Broken("spec.scopes", f"one of {one} and {other}", "keep one", scopes)


@rule("kubernetes:core/v1:Service")
def service_of_its_type(item: Item, _: Cloud) -> Iterator[Broken]:
    """Inside the cluster alone, a service has no port of nodes and no traffic from outside; ports are well formed.

    Source: Kubernetes API reference, ServiceSpec (server validation).
    """
    inside = item.get("spec.type", "ClusterIP") == "ClusterIP"
    if inside and item.get("spec.externalTrafficPolicy") and not item.get("spec.externalIPs"):
        yield Broken("spec.externalTrafficPolicy", "nothing for a service of type ClusterIP", "remove it")
    for index, port in enumerate(item.objects("spec.ports")):
        if inside and port.get("nodePort"):
            yield Broken(f"spec.ports[{index}].nodePort", "nothing for a service of type ClusterIP", "remove it")
        target = port.get("targetPort")
        named = isinstance(target, str) and re.fullmatch(r"(?=.{1,15}$)(?=.*[a-z])[a-z0-9](-?[a-z0-9])*|\d+", target)
        numbered = isinstance(target, int | float) and 1 <= target <= 65_535
        if isinstance(target, str | int | float) and not named and not numbered:
            yield Broken(f"spec.ports[{index}].targetPort", "1 to 65535, or the name of a port", "correct the port")
    address = item.known("spec.clusterIP")
    if isinstance(address, str) and address not in ("", "None"):
        try:
            ipaddress.ip_address(address)
        except ValueError:
            yield Broken("spec.clusterIP", "an address, or None", "correct it")


@rule("kubernetes:autoscaling/v2:HorizontalPodAutoscaler")
def scaling_targets(item: Item, _: Cloud) -> Iterator[Broken]:
    """A target has the figure of its type, above 0.

    Source: Kubernetes API reference, MetricTarget (server validation).
    """
    figures = {"Utilization": "averageUtilization", "AverageValue": "averageValue", "Value": "value"}
    for index, metric in enumerate(item.objects("spec.metrics")):
        for kind in ("resource", "containerResource", "pods", "object", "external"):
            target = look_up(metric, f"{kind}.target")
            figure = figures.get(str(look_up(target, "type")))
            if figure is None:
                continue
            value = target.get(figure)
            low = amount(value)
            if value is None or (low is not None and low <= 0):
                path = f"spec.metrics[{index}].{kind}.target.{figure}"
                yield Broken(path, "more than 0", f"set {figure}", value if value is not None else "")


_SELECTORS = {
    "kubernetes:apps/v1:Deployment": ("spec.selector",),
    "kubernetes:policy/v1:PodDisruptionBudget": ("spec.selector",),
    "kubernetes:networking.k8s.io/v1:NetworkPolicy": ("spec.podSelector",),
    "kubernetes:batch/v1:Job": ("spec.selector",),
}
_LABEL_KEY = re.compile(r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?")


@rule(*_SELECTORS)
def label_selectors(item: Item, _: Cloud) -> Iterator[Broken]:
    """A selector's labels are labels, and its operators have values where they want some.

    Source: Kubernetes API reference, LabelSelector (server validation).
    """
    for path in _SELECTORS[item.type]:
        selector = item.known(path)
        labels = look_up(selector, "matchLabels")
        for key, value in (labels if isinstance(labels, dict) else {}).items():
            if _LABEL_KEY.fullmatch(key) is None or (isinstance(value, str) and _LABEL_VALUE.fullmatch(value) is None):
                yield Broken(
                    f"{path}.matchLabels", "labels that Kubernetes takes", "correct the label", f"{key}: {value}"
                )
        for index, each in enumerate(look_up(selector, "matchExpressions") or []):
            operator, values = look_up(each, "operator"), look_up(each, "values")
            where = f"{path}.matchExpressions[{index}]"
            if isinstance(operator, str) and operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
                yield Broken(f"{where}.operator", "In, NotIn, Exists or DoesNotExist", "correct it")
            elif (operator in ("In", "NotIn") and not values) or (operator in ("Exists", "DoesNotExist") and values):
                yield Broken(f"{where}.values", "values with In and NotIn, and with no others", "correct them", "")


@rule("random:index/randomPassword:RandomPassword")
def minima(item: Item, _: Cloud) -> Iterator[Broken]:
    """The least numbers of each kind fit into the length, and the kinds are on.

    Source: random provider, random_password.
    """
    names = ("minLower", "minUpper", "minNumeric", "minSpecial")
    given = [item.get(name, 0) for name in names]
    length = item.known("length")
    if all(isinstance(each, int | float) for each in given) and isinstance(length, int | float) and sum(given) > length:
        yield Broken("length", f"{sum(given)} or more, the sum of the minima", "make it longer")
