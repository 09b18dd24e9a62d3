"""Customer-managed KMS keys, and secrets in Secrets Manager."""

from groundplan_components.keys._rotation import Rotation, Rotator, require_rotation_days, rotate, rotation_function
from groundplan_components.keys.keys import Keys, KeysArgs
from groundplan_components.keys.stored_secret import StoredSecret, StoredSecretArgs, generated_password

__all__ = [
    "Keys",
    "KeysArgs",
    "Rotation",
    "Rotator",
    "StoredSecret",
    "StoredSecretArgs",
    "generated_password",
    "require_rotation_days",
    "rotate",
    "rotation_function",
]
