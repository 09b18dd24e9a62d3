"""The Valkey cache: copies of documents, and what else may vanish at any time (C1, C2, C3).

`Valkey` speaks to the servers; `CachedResource` is how a service keeps copies of one of its resources.
"""

from chassis.caching.documents import CachedResource, DocumentCache
from chassis.caching.replies import AWAY, Away, Reply
from chassis.caching.scripts import Script
from chassis.caching.valkey import Valkey

__all__ = ["AWAY", "Away", "CachedResource", "DocumentCache", "Reply", "Script", "Valkey"]
