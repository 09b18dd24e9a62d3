"""Clients of the services' APIs in Python and TypeScript, made from `openapi.json` by generators that others keep.

Python: openapi-python-client. TypeScript: openapi-typescript for the types, openapi-fetch for the requests. Both are
pinned with hashes, and fetched only when a client is made (`tools.py`).
"""

from groundplan.clients.generate import LANGUAGES, Language, make_client, package_name

__all__ = ["LANGUAGES", "Language", "make_client", "package_name"]
