"""Sign-in: a Cognito user pool with roles."""

from groundplan_components.identity._user_pool_args import IdentityArgs
from groundplan_components.identity.sign_up_role import SignUpRole, SignUpRoleArgs
from groundplan_components.identity.user_pool import Identity

__all__ = [
    "Identity",
    "IdentityArgs",
    "SignUpRole",
    "SignUpRoleArgs",
]
