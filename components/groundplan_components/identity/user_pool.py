"""Cognito user pool with roles and an OAuth client (S3, S4)."""

import pulumi
from pulumi_aws import cognito, wafv2

from groundplan_components.identity._user_pool_args import IdentityArgs, check_identity
from groundplan_components.identity.sign_up_role import SignUpRole
from groundplan_components.shared.arn import region_of

SHORTEST_PASSWORD = 15
"""For single-factor sign-in: NIST SP 800-63B, which also drops rules on kinds of characters."""
REMEMBERED_PASSWORDS = 5
TEMPORARY_PASSWORD_DAYS = 3
REFRESH_TOKEN_DAYS = 30
ROTATION_GRACE_SECONDS = 30
"""How long a client may repeat a refresh token after its exchange: a lost response must not sign a user out."""
READ_SCOPE = "read"
WRITE_SCOPE = "write"
SCOPES = {READ_SCOPE: "Read what your roles let you read", WRITE_SCOPE: "Change what your roles let you change"}


class Identity(pulumi.ComponentResource):
    """A Cognito user pool that speaks OAuth 2.0 and OpenID Connect.

    Its web client has no secret and gets tokens by the code flow only. It must use PKCE, which Cognito checks if a
    client sends a challenge.
    """

    user_pool_id: pulumi.Output[str]
    user_pool_arn: pulumi.Output[str]
    issuer: pulumi.Output[str]
    """`iss` of every token."""
    jwks_uri: pulumi.Output[str]
    """URL of the keys that sign tokens."""
    authorize_url: pulumi.Output[str]
    token_url: pulumi.Output[str]
    client_ids: dict[str, pulumi.Output[str]]
    """`web`."""
    scopes: dict[str, pulumi.Output[str]]
    """Full names of `read` and `write`."""

    def __init__(self, name: str, args: IdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        check_identity(name, args)
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
                # A token's preferred role is the group with the smallest number.
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
            # The prefix is in use while the old pool exists.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        # Pages of version 2 stay empty until a client has a style, even Cognito's default.
        cognito.ManagedLoginBranding(
            name, user_pool_id=pool.id, client_id=client.id, use_cognito_provided_values=True, opts=inside
        )
        if "web_acl_arn" in args:
            wafv2.WebAclAssociation(
                name,
                resource_arn=pool.arn,
                web_acl_arn=args["web_acl_arn"],
                # Deleting an association removes the resource's current ACL: deleting the old one last would leave no
                # ACL.
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
            # Rotation of refresh tokens requires the flow that reuses them to be off:
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
