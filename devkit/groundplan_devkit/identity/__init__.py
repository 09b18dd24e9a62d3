"""The local OpenID provider; its access tokens are those of the identity component (Cognito).

`keys` holds what tokens are signed by, `tokens` what is in them, `provider` the pages and endpoints.
"""

from __future__ import annotations

from groundplan_devkit.identity.keys import KeyRing
from groundplan_devkit.identity.tokens import WEB_CLIENT, Issuer

__all__ = ["WEB_CLIENT", "Issuer", "KeyRing"]
