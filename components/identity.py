"""Who may sign in, and as what: a user pool, its roles, and the way to a token (S3, S4)."""

import re
from collections.abc import Sequence
from typing import NotRequired, TypedDict

import pulumi
from pulumi_aws import cognito, wafv2

from components.arn import region_of
from components.checks import require
from components.sign_up_role import SignUpRole

SHORTEST_PASSWORD = 15
"""Where a password may be all there is: NIST SP 800-63B, which also has done with rules on kinds of characters."""
REMEMBERED_PASSWORDS = 5
TEMPORARY_PASSWORD_DAYS = 3
REFRESH_TOKEN_DAYS = 30
MOST_ROLES = 100
"""As many groups as a token carries: https://docs.aws.amazon.com/cognito/latest/developerguide/limits.html"""
ROTATION_GRACE_SECONDS = 30
"""How long a refresh token that was just exchanged may be sent again: a lost answer must not sign anybody out."""
READ_SCOPE = "read"
WRITE_SCOPE = "write"
SCOPES = {READ_SCOPE: "Read what your roles let you read", WRITE_SCOPE: "Change what your roles let you change"}

ROLE = re.compile(r"[\w+=,.@-]{1,128}")
# https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolDomain.html
PREFIX = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
RESERVED = ("aws", "amazon", "cognito")
LOCAL = ("http://localhost:", "http://localhost/")


class IdentityArgs(TypedDict):
    roles: list[str]
    """Groups of the user pool, the strongest last; tokens carry them in `cognito:groups`."""
    default_role: NotRequired[str]
    """Role of whoever registers; needs ``self_sign_up``. Default: none, an administrator grants the first."""
    self_sign_up: NotRequired[bool]
    """People may register themselves. Default: false."""
    mfa_required: NotRequired[bool]
    """Everybody needs a one-time password app to sign in. Default: false, whoever wants to."""
    access_token_minutes: NotRequired[int]
    """Life of an access token, 5 to 1,440 minutes. Default: 60."""
    resource_server: str
    """First part of the scopes: `shop` makes `shop/read` and `shop/write`."""
    domain_prefix: pulumi.Input[str]
    """`<prefix>.auth.<region>.amazoncognito.com` is where people sign in; unique among all accounts of the region."""
    callback_urls: list[pulumi.Input[str]]
    """Where the web client takes the code; https, or http on localhost."""
    logout_urls: list[pulumi.Input[str]]
    """Where the web client returns to after signing out."""
    email_identity_arn: NotRequired[pulumi.Input[str]]
    """A verified SES identity that mails are sent from. Default: Cognito sends, at most 50 a day."""
    email_from: NotRequired[str]
    """Sender, for example `Shop <no-reply@example.com>`; needed with ``email_identity_arn``. Default: none."""
    threat_protection: NotRequired[bool]
    """Refuse sign-ins with leaked passwords or at risk, by Cognito's Plus plan (charged for each user). Default:
    false."""
    web_acl_arn: NotRequired[pulumi.Input[str]]
    """A web ACL of scope REGIONAL, without origin secrets, before the sign-in pages. Default: none."""
    kms_key_arn: pulumi.Input[str]
    """Encrypts what belongs to the default role's function; its policy admits CloudWatch Logs."""
    log_days: NotRequired[int]
    """Days that that function's log is kept. Default: 90."""
    protect: NotRequired[bool]
    """Refuse to delete the user pool: nobody's password could be restored. Default: true."""


class Identity(pulumi.ComponentResource):
    """A Cognito user pool that speaks OAuth 2.0 and OpenID Connect.

    Its web client has no secret and gets tokens by the code flow alone, to be used with PKCE, which Cognito checks
    whenever a client sends a challenge.
    """

    user_pool_id: pulumi.Output[str]
    user_pool_arn: pulumi.Output[str]
    issuer: pulumi.Output[str]
    """`iss` of every token."""
    jwks_uri: pulumi.Output[str]
    """Keys that tokens are signed by."""
    authorize_url: pulumi.Output[str]
    token_url: pulumi.Output[str]
    client_ids: dict[str, pulumi.Output[str]]
    """`web`."""
    scopes: dict[str, pulumi.Output[str]]
    """Full names of `read` and `write`."""

    def __init__(self, name: str, args: IdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:Identity", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)
        first_role = (
            SignUpRole(
                f"{name}-default-role",
                {
                    "default_role": args["default_role"],
                    "kms_key_arn": args["kms_key_arn"],
                    "log_days": args.get("log_days", 90),
                },
                inside,
            )
            if "default_role" in args
            else None
        )
        pool = self._pool(name, args, first_role)
        if first_role is not None:
            first_role.permit(f"{name}-default-role", pool.arn)
        for index, role in enumerate(reversed(args["roles"])):
            cognito.UserGroup(
                f"{name}-{role}",
                user_pool_id=pool.id,
                name=role,
                description=f"Role {role}",
                # The smaller the number, the stronger the role that a token calls the preferred one.
                precedence=index,
                opts=inside,
            )
        server = cognito.ResourceServer(
            name,
            user_pool_id=pool.id,
            identifier=args["resource_server"],
            name=args["resource_server"],
            scopes=[{"scope_name": scope, "scope_description": text} for scope, text in SCOPES.items()],
            opts=inside,
        )
        self.scopes = {scope: pulumi.Output.concat(server.identifier, "/", scope) for scope in SCOPES}
        client = self._web_client(name, args, pool)
        domain = cognito.UserPoolDomain(
            name,
            user_pool_id=pool.id,
            domain=args["domain_prefix"],
            managed_login_version=2,
            # The prefix is taken as long as the old pool has it.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        # Pages of version 2 stay empty until a client has a style, even if it is Cognito's own.
        cognito.ManagedLoginBranding(
            name, user_pool_id=pool.id, client_id=client.id, use_cognito_provided_values=True, opts=inside
        )
        if "web_acl_arn" in args:
            wafv2.WebAclAssociation(
                name,
                resource_arn=pool.arn,
                web_acl_arn=args["web_acl_arn"],
                # WAF takes back whatever ACL the resource has: deleting the old association last would leave none.
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            )

        pages = pulumi.Output.concat(
            "https://", domain.domain, ".auth.", region_of(pool.arn), ".amazoncognito.com/oauth2/"
        )
        self.user_pool_id = pool.id
        self.user_pool_arn = pool.arn
        self.issuer = pulumi.Output.concat("https://", pool.endpoint)
        self.jwks_uri = pulumi.Output.concat(self.issuer, "/.well-known/jwks.json")
        self.authorize_url = pulumi.Output.concat(pages, "authorize")
        self.token_url = pulumi.Output.concat(pages, "token")
        self.client_ids = {"web": client.id}
        self.register_outputs(
            {
                "user_pool_id": self.user_pool_id,
                "user_pool_arn": self.user_pool_arn,
                "issuer": self.issuer,
                "jwks_uri": self.jwks_uri,
                "authorize_url": self.authorize_url,
                "token_url": self.token_url,
                "client_ids": self.client_ids,
                "scopes": self.scopes,
            }
        )

    def _pool(self, name: str, args: IdentityArgs, first_role: SignUpRole | None) -> cognito.UserPool:
        protect = args.get("protect", True)
        guarded = args.get("threat_protection", False)
        return cognito.UserPool(
            name,
            username_attributes=["email"],
            username_configuration={"case_sensitive": False},
            auto_verified_attributes=["email"],
            user_attribute_update_settings={"attributes_require_verification_before_updates": ["email"]},
            admin_create_user_config={"allow_admin_create_user_only": not args.get("self_sign_up", False)},
            password_policy={
                "minimum_length": SHORTEST_PASSWORD,
                "require_lowercase": False,
                "require_uppercase": False,
                "require_numbers": False,
                "require_symbols": False,
                "password_history_size": REMEMBERED_PASSWORDS,
                "temporary_password_validity_days": TEMPORARY_PASSWORD_DAYS,
            },
            mfa_configuration="ON" if args.get("mfa_required", False) else "OPTIONAL",
            software_token_mfa_configuration={"enabled": True},
            account_recovery_setting={"recovery_mechanisms": [{"name": "verified_email", "priority": 1}]},
            email_configuration={
                "email_sending_account": "DEVELOPER",
                "source_arn": args["email_identity_arn"],
                "from_email_address": args["email_from"],
            }
            if "email_identity_arn" in args
            else None,
            # https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-sign-in-feature-plans.html
            user_pool_tier="PLUS" if guarded else "ESSENTIALS",
            user_pool_add_ons={"advanced_security_mode": "ENFORCED"} if guarded else None,
            lambda_config={"post_confirmation": first_role.function_arn} if first_role is not None else None,
            deletion_protection="ACTIVE" if protect else "INACTIVE",
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
        )

    def _web_client(self, name: str, args: IdentityArgs, pool: cognito.UserPool) -> cognito.UserPoolClient:
        return cognito.UserPoolClient(
            f"{name}-web",
            user_pool_id=pool.id,
            generate_secret=False,
            supported_identity_providers=["COGNITO"],
            allowed_oauth_flows_user_pool_client=True,
            allowed_oauth_flows=["code"],
            allowed_oauth_scopes=["openid", "email", "profile", *self.scopes.values()],
            callback_urls=args["callback_urls"],
            logout_urls=args["logout_urls"],
            # With rotation the flow that exchanges refresh tokens for ever must be off:
            # https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-refresh-token.html
            explicit_auth_flows=["ALLOW_USER_SRP_AUTH"],
            refresh_token_rotation={
                "feature": "ENABLED",
                "retry_grace_period_seconds": ROTATION_GRACE_SECONDS,
            },
            enable_token_revocation=True,
            prevent_user_existence_errors="ENABLED",
            access_token_validity=args.get("access_token_minutes", 60),
            id_token_validity=args.get("access_token_minutes", 60),
            refresh_token_validity=REFRESH_TOKEN_DAYS,
            token_validity_units={"access_token": "minutes", "id_token": "minutes", "refresh_token": "days"},
            read_attributes=["email", "email_verified", "name"],
            write_attributes=["email", "name"],
            opts=pulumi.ResourceOptions(parent=self),
        )


def _check(name: str, args: IdentityArgs) -> None:
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
        "self_sign_up beside it: who is created by an administrator gets roles from them",
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
