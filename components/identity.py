"""Who may sign in and as what: Cognito, OAuth's code flow with PKCE, and groups as roles (S3, S4)."""

import re
from typing import NotRequired, TypedDict

import pulumi
from pulumi_aws import cognito

from components.arn import region_of
from components.checks import require
from components.default_role import DefaultRole

# https://docs.aws.amazon.com/cognito/latest/developerguide/limits.html
ACCESS_TOKEN_MINUTES = range(5, 1441)
MOST_GROUPS_IN_TOKEN = 100
# NIST SP 800-63B asks for eight characters, and for fifteen where a password is all there is.
PASSWORD_LENGTH = 15
REFRESH_TOKEN_DAYS = 30
# A rotated refresh token's predecessor stays good this long, for a client that lost the answer; 60 at most.
REFRESH_GRACE_SECONDS = 30

# Letters, digits and hyphens; no part may be one of AWS's own names.
# https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain-prefix.html
DOMAIN_PREFIX = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
RESERVED_IN_DOMAIN = ("aws", "amazon", "cognito")


class IdentityArgs(TypedDict):
    roles: list[str]
    """Groups, which tokens carry as `cognito:groups`. The earlier ones take precedence."""
    domain_prefix: pulumi.Input[str]
    """Of the hosted sign-in pages; unique among all accounts of the region."""
    callback_urls: list[str]
    """Where sign-in may return to; https, or http on localhost."""
    logout_urls: list[str]
    resource_server: str
    """Identifier that scopes begin with: `shop` makes `shop/read` and `shop/write`."""
    key_arn: pulumi.Input[str]
    """Encrypts the log of the function that gives the default role."""
    self_sign_up: NotRequired[bool]
    """People may register themselves; true unless said otherwise."""
    default_role: NotRequired[str]
    """The role of somebody who registered; none unless said otherwise."""
    mfa_required: NotRequired[bool]
    """Everybody needs a second factor; otherwise who wants one has one."""
    access_token_minutes: NotRequired[int]
    """60 unless said otherwise."""
    log_days: NotRequired[int]
    """90 unless said otherwise."""
    protect: NotRequired[bool]
    """Refuse to delete the pool with all its users; true unless said otherwise."""


class Identity(pulumi.ComponentResource):
    """A user pool, its groups, its scopes and one public client for the web.

    Mail is sent by Cognito itself, 50 a day: a system with more registrations verifies an SES identity and sets it on
    the pool (https://docs.aws.amazon.com/cognito/latest/developerguide/limits.html).
    """

    user_pool_id: pulumi.Output[str]
    user_pool_arn: pulumi.Output[str]
    issuer: pulumi.Output[str]
    """The `iss` claim of its tokens."""
    jwks_uri: pulumi.Output[str]
    """Where the keys are that its tokens are signed with."""
    client_ids: dict[str, pulumi.Output[str]]
    """By client: what the `client_id` claim of an access token may be."""
    authorize_url: pulumi.Output[str]
    token_url: pulumi.Output[str]
    scopes: list[str]
    """Custom scopes: `shop/read`, `shop/write`."""

    def __init__(self, name: str, args: IdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(f'Identity "{name}"', args)
        super().__init__("groundplan:index:Identity", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)
        protect = args.get("protect", True)
        log_days = args.get("log_days", 90)

        newcomers = None
        if "default_role" in args:
            newcomers = DefaultRole(
                f"{name}-newcomers",
                {"role": args["default_role"], "key_arn": args["key_arn"], "log_days": log_days},
                inside,
            )
        pool = cognito.UserPool(
            f"{name}-pool",
            user_pool_tier="ESSENTIALS",
            deletion_protection="ACTIVE" if protect else "INACTIVE",
            username_attributes=["email"],
            username_configuration={"case_sensitive": False},
            auto_verified_attributes=["email"],
            # A changed address counts only once it is verified: until then the old one stays.
            user_attribute_update_settings={"attributes_require_verification_before_updates": ["email"]},
            account_recovery_setting={"recovery_mechanisms": [{"name": "verified_email", "priority": 1}]},
            admin_create_user_config={"allow_admin_create_user_only": not args.get("self_sign_up", True)},
            password_policy={
                "minimum_length": PASSWORD_LENGTH,
                "require_lowercase": False,
                "require_uppercase": False,
                "require_numbers": False,
                "require_symbols": False,
                "password_history_size": 5,
                "temporary_password_validity_days": 3,
            },
            mfa_configuration="ON" if args.get("mfa_required", False) else "OPTIONAL",
            software_token_mfa_configuration={"enabled": True},
            lambda_config={"post_confirmation": newcomers.function_arn} if newcomers else None,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
        )
        if newcomers:
            newcomers.admit(pool)
        for precedence, role in enumerate(args["roles"], start=1):
            cognito.UserGroup(f"{name}-{role}", name=role, user_pool_id=pool.id, precedence=precedence, opts=inside)
        server = cognito.ResourceServer(
            f"{name}-scopes",
            identifier=args["resource_server"],
            name=args["resource_server"],
            user_pool_id=pool.id,
            scopes=[
                {"scope_name": "read", "scope_description": "Read"},
                {"scope_name": "write", "scope_description": "Create, change and delete"},
            ],
            opts=inside,
        )
        self.scopes = [f"{args['resource_server']}/{scope}" for scope in ("read", "write")]
        web = cognito.UserPoolClient(
            f"{name}-web",
            user_pool_id=pool.id,
            # Public: a browser keeps no secret, PKCE takes its place.
            generate_secret=False,
            allowed_oauth_flows_user_pool_client=True,
            allowed_oauth_flows=["code"],
            allowed_oauth_scopes=["openid", "email", "profile", *self.scopes],
            supported_identity_providers=["COGNITO"],
            callback_urls=args["callback_urls"],
            logout_urls=args["logout_urls"],
            # Only the hosted pages sign in, and rotation takes the place of the refresh flow.
            # https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-refresh-token.html
            explicit_auth_flows=["ALLOW_USER_SRP_AUTH"],
            refresh_token_rotation={"feature": "ENABLED", "retry_grace_period_seconds": REFRESH_GRACE_SECONDS},
            prevent_user_existence_errors="ENABLED",
            enable_token_revocation=True,
            access_token_validity=args.get("access_token_minutes", 60),
            id_token_validity=args.get("access_token_minutes", 60),
            refresh_token_validity=REFRESH_TOKEN_DAYS,
            token_validity_units={"access_token": "minutes", "id_token": "minutes", "refresh_token": "days"},
            # Clients know scopes by their names, not by the server that has them.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[server]),
        )
        domain = cognito.UserPoolDomain(
            f"{name}-domain",
            domain=args["domain_prefix"],
            user_pool_id=pool.id,
            managed_login_version=2,
            opts=inside,
        )
        cognito.ManagedLoginBranding(
            f"{name}-login", user_pool_id=pool.id, client_id=web.id, use_cognito_provided_values=True, opts=inside
        )

        pages = pulumi.Output.concat("https://", domain.domain, ".auth.", region_of(pool.arn), ".amazoncognito.com")
        self.user_pool_id = pool.id
        self.user_pool_arn = pool.arn
        self.issuer = pulumi.Output.concat("https://", pool.endpoint)
        self.jwks_uri = pulumi.Output.concat(self.issuer, "/.well-known/jwks.json")
        self.client_ids = {"web": web.id}
        self.authorize_url = pulumi.Output.concat(pages, "/oauth2/authorize")
        self.token_url = pulumi.Output.concat(pages, "/oauth2/token")
        self.register_outputs(
            {
                "user_pool_id": self.user_pool_id,
                "user_pool_arn": self.user_pool_arn,
                "issuer": self.issuer,
                "jwks_uri": self.jwks_uri,
                "client_ids": self.client_ids,
                "authorize_url": self.authorize_url,
                "token_url": self.token_url,
                "scopes": self.scopes,
            }
        )


def _check(component: str, args: IdentityArgs) -> None:
    roles = args["roles"]
    require(bool(roles), component, "roles", roles, "at least one role", "name the roles that operations ask for")
    require(len(set(roles)) == len(roles), component, "roles", roles, "each role once", "remove the second mention")
    require(
        len(roles) <= MOST_GROUPS_IN_TOKEN,
        component,
        "roles",
        len(roles),
        f"at most {MOST_GROUPS_IN_TOKEN}, as many as a token carries",
        "express finer differences by ownership or by scopes",
    )
    if "default_role" in args:
        require(
            args["default_role"] in roles,
            component,
            "default_role",
            args["default_role"],
            f"one of {', '.join(roles)}",
            "add it to roles or name another",
        )
        require(
            args.get("self_sign_up", True),
            component,
            "default_role",
            args["default_role"],
            "people who register themselves (self_sign_up)",
            "leave it out: an administrator who creates a user grants its role",
        )
    minutes = args.get("access_token_minutes", 60)
    require(
        minutes in ACCESS_TOKEN_MINUTES,
        component,
        "access_token_minutes",
        minutes,
        "5 to 1,440 minutes",
        "take 60: who loses a role keeps it until the token ends",
    )
    prefix = args["domain_prefix"]
    if isinstance(prefix, str):
        require(
            DOMAIN_PREFIX.fullmatch(prefix) is not None and not any(word in prefix for word in RESERVED_IN_DOMAIN),
            component,
            "domain_prefix",
            prefix,
            f"1 to 63 lower-case letters, digits and hyphens, without {', '.join(RESERVED_IN_DOMAIN)}",
            "take the system's name with something of your own before it",
        )
    for argument, urls in (("callback_urls", args["callback_urls"]), ("logout_urls", args["logout_urls"])):
        require(bool(urls), component, argument, urls, "at least one address", "add the web front end's address")
        for url in urls:
            require(
                url.startswith(("https://", "http://localhost:", "http://localhost/")),
                component,
                argument,
                url,
                "an https address, or http on localhost",
                "use https: tokens travel there",
            )
