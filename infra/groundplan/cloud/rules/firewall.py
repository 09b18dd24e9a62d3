"""WAF."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from groundplan.cloud.item import Item
from groundplan.cloud.rules.registry import Broken, one_of, rule

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

ACL = "aws:wafv2/webAcl:WebAcl"
_STATEMENTS = 20
"""How deep statements are followed."""
# WAF developer guide, "AWS Managed Rules rule groups list".
_MANAGED_GROUPS = frozenset(
    {
        "AWSManagedRulesCommonRuleSet",
        "AWSManagedRulesAdminProtectionRuleSet",
        "AWSManagedRulesKnownBadInputsRuleSet",
        "AWSManagedRulesSQLiRuleSet",
        "AWSManagedRulesLinuxRuleSet",
        "AWSManagedRulesUnixRuleSet",
        "AWSManagedRulesWindowsRuleSet",
        "AWSManagedRulesPHPRuleSet",
        "AWSManagedRulesWordPressRuleSet",
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesAnonymousIpList",
        "AWSManagedRulesATPRuleSet",
        "AWSManagedRulesACFPRuleSet",
        "AWSManagedRulesBotControlRuleSet",
        "AWSManagedRulesAntiDDoSRuleSet",
    }
)


@rule(ACL, "aws:wafv2/ipSet:IpSet", "aws:wafv2/regexPatternSet:RegexPatternSet", "aws:wafv2/ruleGroup:RuleGroup")
def scope(item: Item, _: Cloud) -> Iterator[Broken]:
    """What is for CloudFront lives in us-east-1.

    Source: WAF API, CreateWebACL, Scope.
    """
    yield from one_of(item, "scope", "REGIONAL", "CLOUDFRONT")
    if item.known("scope") == "CLOUDFRONT" and item.place != "us-east-1":
        yield Broken(
            "scope", f"us-east-1 for scope CLOUDFRONT; this is in {item.place}", "give it a provider for us-east-1"
        )


@rule(ACL)
def default_action(item: Item, _: Cloud) -> Iterator[Broken]:
    """The default action is to allow or to block, one of the two.

    Source: WAF API, DefaultAction.
    """
    if (item.get("defaultAction.allow") is None) == (item.get("defaultAction.block") is None):
        yield Broken("defaultAction", "allow or block, one of the two", "set one")


@rule(ACL)
def rules(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """Rules have unique names and priorities, one statement, and an action; a rule group is overridden instead.

    Source: WAF API, Rule.
    """
    names: set[object] = set()
    priorities: set[object] = set()
    for index, each in enumerate(item.objects("rules")):
        path = f"rules[{index}]"
        for key, seen in (("name", names), ("priority", priorities)):
            if each.get(key) in seen:
                yield Broken(f"{path}.{key}", f"a {key} that no other rule has", "change one of the two")
            seen.add(each.get(key))
        statement = each.get("statement")
        if not isinstance(statement, dict):
            continue
        group = "managedRuleGroupStatement" in statement or "ruleGroupReferenceStatement" in statement
        if group and (each.get("action") is not None or each.get("overrideAction") is None):
            yield Broken(
                f"{path}.overrideAction",
                "overrideAction rather than action, as the statement is a rule group",
                "set override_action to none or count",
                "",
            )
        if not group and (each.get("overrideAction") is not None or each.get("action") is None):
            yield Broken(
                f"{path}.action",
                "action rather than overrideAction, as the statement is no rule group",
                "set action",
                "",
            )
        action = each.get("action")
        if isinstance(action, dict) and len(action) != 1:
            yield Broken(f"{path}.action", "one of allow, block, captcha, challenge and count", "keep one")
        keys = {body.get("key") for body in item.objects("customResponseBodies")}
        body = (((action or {}).get("block") or {}).get("customResponse") or {}) if isinstance(action, dict) else {}
        if isinstance(body.get("customResponseBodyKey"), str) and body["customResponseBodyKey"] not in keys:
            yield Broken(
                f"{path}.action.block.customResponse.customResponseBodyKey",
                "a key of customResponseBodies",
                "declare the body",
            )
        code = body.get("responseCode")
        if isinstance(code, int) and not 200 <= code <= 599:
            yield Broken(f"{path}.action.block.customResponse.responseCode", "200 to 599", "correct the code")
        yield from _statement(statement, f"{path}.statement", cloud, item, top=True)


def _statement(statement: dict[str, Any], path: str, cloud: Cloud, acl: Item, *, top: bool) -> Iterator[Broken]:
    if len(statement) != 1:
        yield Broken(
            path,
            f"exactly one statement; {len(statement)} are given",
            "combine them with and_statement or or_statement",
            ", ".join(statement),
        )
        return
    name, content = next(iter(statement.items()))
    if not isinstance(content, dict):
        return
    if name == "rateBasedStatement":
        yield from _rate(content, f"{path}.{name}", top)
        inner = content.get("scopeDownStatement")
        if isinstance(inner, dict):
            yield from _statement(inner, f"{path}.{name}.scopeDownStatement", cloud, acl, top=False)
    elif name == "managedRuleGroupStatement":
        if not top:
            yield Broken(path, "a rule group at the top of a rule only", "give the group a rule of its own", name)
        group = content.get("name")
        if content.get("vendorName") == "AWS" and isinstance(group, str) and group not in _MANAGED_GROUPS:
            yield Broken(
                f"{path}.{name}.name",
                "a rule group that AWS manages",
                "look the name up in the WAF developer guide",
                group,
            )
        inner = content.get("scopeDownStatement")
        if isinstance(inner, dict):
            yield from _statement(inner, f"{path}.{name}.scopeDownStatement", cloud, acl, top=False)
    elif name in ("andStatement", "orStatement"):
        inside = content.get("statements")
        if isinstance(inside, list):
            if len(inside) < 2:
                yield Broken(
                    f"{path}.{name}.statements", "at least two statements", "use the one statement itself", len(inside)
                )
            for index, each in enumerate(inside):
                if isinstance(each, dict):
                    yield from _statement(each, f"{path}.{name}.statements[{index}]", cloud, acl, top=False)
    elif name == "notStatement":
        inside = content.get("statements")
        for index, each in enumerate(inside if isinstance(inside, list) else []):
            if isinstance(each, dict):
                yield from _statement(each, f"{path}.{name}.statements[{index}]", cloud, acl, top=False)
    elif name == "geoMatchStatement":
        for index, country in enumerate(content.get("countryCodes") or []):
            if isinstance(country, str) and re.fullmatch("[A-Z]{2}", country) is None:
                yield Broken(
                    f"{path}.{name}.countryCodes[{index}]", "an ISO 3166-1 alpha-2 code", "for example DE", country
                )
    elif name == "ipSetReferenceStatement":
        found = cloud.find("aws:wafv2/ipSet:IpSet", content.get("arn"))
        if found is not None and found.known("scope") != acl.known("scope"):
            yield Broken(
                f"{path}.{name}.arn",
                f"an address set of scope {acl.known('scope')}",
                "create one of that scope",
                content.get("arn"),
            )


def _rate(content: dict[str, Any], path: str, top: bool) -> Iterator[Broken]:
    if not top:
        yield Broken(path, "a rate-based statement at the top of a rule only", "give it a rule of its own", "")
    limit, window = content.get("limit"), content.get("evaluationWindowSec")
    if isinstance(limit, int) and not 10 <= limit <= 2_000_000_000:
        yield Broken(f"{path}.limit", "10 to 2,000,000,000 requests in a window", "raise the limit", limit)
    if isinstance(window, int) and window not in (60, 120, 300, 600):
        yield Broken(f"{path}.evaluationWindowSec", "60, 120, 300 or 600 seconds", "choose one of these", window)
    kind = content.get("aggregateKeyType") or "IP"
    if kind not in ("IP", "FORWARDED_IP", "CUSTOM_KEYS", "CONSTANT") and isinstance(kind, str):
        yield Broken(
            f"{path}.aggregateKeyType", "IP, FORWARDED_IP, CUSTOM_KEYS or CONSTANT", "choose one of these", kind
        )
    if kind == "FORWARDED_IP" and content.get("forwardedIpConfig") is None:
        yield Broken(f"{path}.forwardedIpConfig", "the header that carries the address", "set forwarded_ip_config", "")
    if kind == "CUSTOM_KEYS" and not content.get("customKeys"):
        yield Broken(f"{path}.customKeys", "at least one key", "set custom_keys", "")
    if kind == "CONSTANT" and content.get("scopeDownStatement") is None:
        yield Broken(
            f"{path}.scopeDownStatement",
            "a scope-down statement, as all requests count together",
            "set scope_down_statement",
            "",
        )


@rule("aws:wafv2/webAclAssociation:WebAclAssociation")
def association(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A regional ACL protects a stage, an application load balancer, a user pool and the like, one ACL each;
    CloudFront names its own.

    Source: WAF API, AssociateWebACL.
    """
    acl = cloud.referred(item, "webAclArn")
    if acl is not None and acl.known("scope") == "CLOUDFRONT":
        yield Broken(
            "webAclArn", "a web ACL of scope REGIONAL", "name the ACL in the distribution's web_acl_id instead"
        )
    arn = item.known("resourceArn")
    fitting = (
        r"arn:aws[a-z-]*:(elasticloadbalancing:.*:loadbalancer/app/|apigateway:.*::/restapis/[^/]+/stages/"
        r"|cognito-idp:.*:userpool/|appsync:|apprunner:|ec2:.*:verified-access-instance/|amplify:)"
    )
    if isinstance(arn, str) and re.match(fitting, arn) is None:
        yield Broken(
            "resourceArn",
            "the ARN of a stage of a REST API, an application load balancer or a user pool",
            "pass that resource's arn",
        )
    for other in cloud.others(item, "resourceArn"):
        yield Broken("resourceArn", f"a resource without a web ACL; {other.urn} gave it one", "keep one association")


@rule("aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration")
def logging(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """Logs go to one place, whose name begins with `aws-waf-logs-`.

    Source: WAF developer guide, Logging web ACL traffic, destinations.
    """
    destinations = item.each("logDestinationConfigs")
    if len(destinations) > 1:
        yield Broken("logDestinationConfigs", "one destination", "keep one")
    for index, arn in enumerate(destinations):
        if isinstance(arn, str) and re.search(r"[:/]aws-waf-logs-", arn) is None:
            yield Broken(
                f"logDestinationConfigs[{index}]",
                "a log group, bucket or stream whose name begins with aws-waf-logs-",
                "rename the destination",
            )
    acl = cloud.find(ACL, item.known("resourceArn"))
    if acl is not None and acl.place != item.place:
        yield Broken("resourceArn", f"a web ACL of {item.place}", "give both the same provider")
