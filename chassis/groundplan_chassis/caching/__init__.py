"""The Valkey cache: copies of documents, and other data that may be lost at any time (C1, C2, C3).

`Valkey` speaks to the servers; `CachedResource` is how a service keeps copies of one of its resources.
"""

from groundplan_chassis.caching.documents import CachedResource, DocumentCache
from groundplan_chassis.caching.replies import AWAY, Away, Reply
from groundplan_chassis.caching.scripts import Script
from groundplan_chassis.caching.valkey import Valkey

__all__ = ["AWAY", "Away", "CachedResource", "DocumentCache", "Reply", "Script", "Valkey"]
