"""Response bodies (R3), assembled around the documents' bytes without decoding them."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from groundplan_chassis.documents import Document, Page
from groundplan_chassis.http.queries import Listing, QueryType

_encode: Final = msgspec.json.Encoder().encode


def item_body(document: Document, link: str) -> bytes:
    """``link`` is the item's own path, of characters that JSON takes as they are."""
    return b'{"data":%b,"meta":{},"links":{"self":"%b"}}' % (document.body, link.encode())


def list_body(page: Page, listing: Listing, queries: QueryType) -> bytes:
    meta: dict[str, Any] = {"limit": listing.limit}
    if listing.after is None:
        meta["page"] = listing.page
    if page.total is not None:
        meta["total"] = page.total
        meta["total_is_exact"] = page.total_is_exact
    links = {"self": queries.self_link(listing)}
    if page.next_after is not None:
        links["next"] = queries.next_link(listing, page.next_after, cut=page.cut)
    return b'{"data":[%b],"meta":%b,"links":%b}' % (
        b",".join([document.body for document in page.items]),
        _encode(meta),
        _encode(links),
    )
