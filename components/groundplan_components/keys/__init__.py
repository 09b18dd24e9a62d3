"""Customer-managed KMS keys, and secrets in Secrets Manager."""

from groundplan_components.keys.keys import Keys, KeysArgs
from groundplan_components.keys.stored_secret import StoredSecret, StoredSecretArgs, generated_password

__all__ = [
    "Keys",
    "KeysArgs",
    "StoredSecret",
    "StoredSecretArgs",
    "generated_password",
]
