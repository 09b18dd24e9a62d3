"""Arguments of `Identity`, and what Cognito accepts of them."""

import re
from collections.abc import Sequence
from typing import NotRequired, TypedDict

import pulumi

from groundplan_components.shared.checks import require

MOST_ROLES = 100
"""The most groups that a token holds: https://docs.aws.amazon.com/cognito/latest/developerguide/limits.html"""
ROLE = re.compile(r"[\w+=,.@-]{1,128}")
# https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolDomain.html
PREFIX = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
RESERVED = ("aws", "amazon", "cognito")
LOCAL = ("http://localhost:", "http://localhost/")


class IdentityArgs(TypedDict):
    roles: list[str]
    """Groups of the user pool, the strongest last; tokens carry them in `cognito:groups`."""
    default_role: NotRequired[str]
    """Role of users who register; needs ``self_sign_up``. Default: none, an administrator grants roles."""
    self_sign_up: NotRequired[bool]
    """Users may register themselves. Default: false."""
    mfa_required: NotRequired[bool]
    """All users need a one-time password app to sign in. Default: false, each user decides."""
    access_token_minutes: NotRequired[int]
    """Life of an access token, 5 to 1,440 minutes. Default: 60."""
    resource_server: str
    """First part of the scopes: `shop` makes `shop/read` and `shop/write`."""
    domain_prefix: pulumi.Input[str]
    """Prefix of the sign-in domain `<prefix>.auth.<region>.amazoncognito.com`; unique among all accounts of the
    region."""
    callback_urls: list[pulumi.Input[str]]
    """Where the web client receives the code; https, or http on localhost."""
    logout_urls: list[pulumi.Input[str]]
    """Where the web client returns to after signing out."""
    email_identity_arn: NotRequired[pulumi.Input[str]]
    """A verified SES identity that sends the mails. Default: Cognito sends, at most 50 a day."""
    email_from: NotRequired[str]
    """Sender, for example `Shop <no-reply@example.com>`; needed with ``email_identity_arn``. Default: none."""
    # Accepted (Cognito.1): threat protection is charged for each user; one's own program turns it on.
    threat_protection: NotRequired[bool]
    """Refuse sign-ins with leaked passwords or at risk, by Cognito's Plus plan (charged for each user). Default:
    false."""
    web_acl_arn: NotRequired[pulumi.Input[str]]
    """A web ACL of scope REGIONAL, without origin secrets, for the sign-in pages. Default: none."""
    kms_key_arn: pulumi.Input[str]
    """Encrypts configuration and log of the default role's function; its policy admits CloudWatch Logs."""
    log_days: NotRequired[int]
    """Retention of that function's log, in days. Default: 90."""
    protect: NotRequired[bool]
    """Refuse to delete the user pool: users' passwords couldn't be restored. Default: true."""


def check_identity(name: str, args: IdentityArgs) -> None:
    who = f'Identity "{name}"'
    roles = args["roles"]
    require(
        bool(roles) and len(set(roles)) == len(roles),
        who,
        "roles",
        roles,
        "at least one role, none twice",
        "name the groups that people can be in",
    )
    for role in roles:
        require(
            ROLE.fullmatch(role) is not None,
            who,
            "roles",
            role,
            "letters, digits and _+=,.@- without spaces",
            "rename the role",
        )
    require(
        len(roles) <= MOST_ROLES,
        who,
        "roles",
        f"a list of {len(roles)}",
        f"at most {MOST_ROLES}, as many as a token carries",
        "express finer differences by ownership",
    )
    require(
        "default_role" not in args or args.get("self_sign_up", False),
        who,
        "default_role",
        args.get("default_role"),
        "self_sign_up beside it: administrators assign roles to the users that they create",
        "set self_sign_up, or remove default_role",
    )
    require(
        "default_role" not in args or args["default_role"] in roles,
        who,
        "default_role",
        args.get("default_role"),
        f"one of the roles {', '.join(roles)}",
        "add it to roles, or choose another",
    )
    minutes = args.get("access_token_minutes", 60)
    require(
        5 <= minutes <= 1440,
        who,
        "access_token_minutes",
        minutes,
        "5 to 1,440 minutes",
        "shorter is safer: a token can't be taken back before it expires",
    )
    prefix = args["domain_prefix"]
    if isinstance(prefix, str):
        require(
            PREFIX.fullmatch(prefix) is not None and not any(word in prefix for word in RESERVED),
            who,
            "domain_prefix",
            prefix,
            f"up to 63 small letters, digits and hyphens, without {', '.join(RESERVED)}",
            "choose another prefix",
        )
    _require_urls(who, "callback_urls", args["callback_urls"])
    _require_urls(who, "logout_urls", args["logout_urls"])
    require(
        ("email_identity_arn" in args) == ("email_from" in args),
        who,
        "email_from",
        args.get("email_from"),
        "email_identity_arn and email_from, or neither",
        "give both or remove the one",
    )


def _require_urls(component: str, argument: str, urls: Sequence[pulumi.Input[str]]) -> None:
    require(bool(urls), component, argument, [], "at least one address", "write it like https://shop.example.com/")
    for url in urls:
        if isinstance(url, str):
            require(
                url.startswith(("https://", *LOCAL)) and "#" not in url and "*" not in url,
                component,
                argument,
                url,
                "an https address (http on localhost only), without fragment or wildcard",
                "write it like https://shop.example.com/",
            )
