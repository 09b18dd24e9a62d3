"""AWS's public price-list files, read into a price table: any region, no credentials. Not run against AWS here.

https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api.html
"""

from __future__ import annotations

import csv
import http.client
import io
import json
import os
import re
import tempfile
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from groundplan.pricing.selectors import Selector, selector_for
from groundplan.pricing.table import Price, PriceTable, Rate, built_in, parse
from groundplan.problems import Problem, ProblemsFound

EDGE_REGION = "us-east-1"
"""Where costs look for the price of what is sold once for the world."""

HOST = "https://pricing.us-east-1.amazonaws.com"
_ON_DEMAND = "JRTCKXETXF"
_TIMEOUT = 60
_AS_CSV = frozenset({"AmazonEC2"})
"""Offers whose JSON is hundreds of megabytes: read row by row."""
_PREFIX = re.compile(r"(?!KMS-)[A-Z]{2,4}[0-9]{0,2}-(?=[A-Za-z])|[a-z]{2}(?:-[a-z]+)+-[0-9]-")


@dataclass(frozen=True, slots=True)
class Offered:
    """One price of one product: attributes by their names in lower case without blanks."""

    sku: str
    attributes: Mapping[str, str]
    begins: Decimal
    usd: Decimal


class Source(Protocol):
    """Where the files are."""

    def open(self, offer: str, region: str) -> tuple[AbstractContextManager[BinaryIO], str, bool] | None:
        """The file, its address, whether it is CSV; None when the offer isn't sold there. Raises ProblemsFound."""


class Web:
    """AWS's own host."""

    def open(self, offer: str, region: str) -> tuple[AbstractContextManager[BinaryIO], str, bool] | None:
        if region == "all":
            address = f"{HOST}/offers/v1.0/aws/{offer}/current/index.json"
            return _fetch(address), address, False
        index = f"{HOST}/offers/v1.0/aws/{offer}/current/region_index.json"
        with _fetch(index) as file:
            regions = _mapping(_json(_whole(file, index), index), "regions", index)
        if region not in regions:
            return None
        address = HOST + str(_mapping(regions, region, index).get("currentVersionUrl"))
        as_csv = offer in _AS_CSV
        if as_csv:
            address = address.removesuffix(".json") + ".csv"
        return _fetch(address), address, as_csv


class Folder:
    """Files that are there already: `<OfferCode>.<region>.json`, or `.csv`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_dir():
            raise ProblemsFound(
                [Problem("command line", "--from", str(path), "a folder of price-list files", "name one that exists")]
            )

    def open(self, offer: str, region: str) -> tuple[AbstractContextManager[BinaryIO], str, bool] | None:
        for ending in ("json", "csv"):
            path = self.path / f"{offer}.{region}.{ending}"
            if path.is_file():
                return path.open("rb"), path.name, ending == "csv"
        return None


@dataclass(frozen=True, slots=True)
class Reading:
    """``table`` holds what was found; the others say of each rate why it wasn't."""

    table: PriceTable
    missing: tuple[str, ...]
    ambiguous: tuple[str, ...]
    unread_offers: tuple[str, ...]
    unselected: tuple[str, ...]
    """Rates whose product isn't known."""


def read_prices(region: str, source: Source, today: str) -> Reading:
    """Every rate of the built-in table as this region lists it. Raises ProblemsFound when a file can't be read."""
    wanted: dict[tuple[str, str], dict[str, Selector]] = defaultdict(dict)
    rates: dict[str, Rate] = {}
    missing: list[str] = []
    unselected: list[str] = []
    for rate in built_in().rates:
        rates.setdefault(rate.key, rate)
        if selector := selector_for(rate):
            wanted[selector.offer, selector.where][rate.key] = selector
        elif rate.key not in unselected:
            unselected.append(rate.key)
    found: list[Rate] = []
    ambiguous: list[str] = []
    unread: list[str] = []
    for (offer, where), selectors in wanted.items():
        opened = source.open(offer, region if where == "region" else where)
        if opened is None:
            unread.append(offer)
            continue
        file, address, as_csv = opened
        with file as stream:
            matches, published = _matches(_rows(stream, address, as_csv), selectors, region)
        for key, selector in selectors.items():
            skus = _distinct(matches.get(key, {}))
            if not skus:
                missing.append(key)
            elif len(skus) > 1:
                ambiguous.append(key)
            else:
                found.extend(_rates(rates[key], selector, skus[0], region, address, published or today))
    return Reading(
        PriceTable(today, tuple(found)),
        tuple(missing),
        tuple(ambiguous),
        tuple(dict.fromkeys(unread)),
        tuple(unselected),
    )


def write_prices(table: PriceTable, path: Path) -> None:
    """All of it or nothing. Raises ProblemsFound where something else has that name."""
    if path.exists():
        parse(path.read_text("utf-8", errors="replace"), path.name)
    sources = list(dict.fromkeys(source for rate in table.rates for source in rate.sources))
    rows = [
        {
            "key": rate.key,
            "service": rate.service,
            "dimension": rate.dimension,
            "unit": rate.unit,
            "prices": {region: [price.usd, price.confidence] for region, price in rate.prices.items()},
            "sources": [sources.index(source) for source in rate.sources],
            "date": rate.date,
            "starts": rate.starts,
        }
        for rate in table.rates
    ]
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    head = {"gathered": table.gathered, "currency": "USD", "sources": sources}
    text = json.dumps(head, ensure_ascii=False, indent=1)[:-2] + ',\n "rates": [\n' + lines + "\n]}\n"
    try:
        _replace(path, text)
    except OSError as error:
        raise ProblemsFound(
            [Problem(path.name, "", f"not written: {error.strerror}", "a folder to write in", "make room or permit it")]
        ) from None


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def _fetch(address: str) -> AbstractContextManager[BinaryIO]:
    try:
        return cast(
            "AbstractContextManager[BinaryIO]",
            urllib.request.urlopen(address, timeout=_TIMEOUT),  # noqa: S310  # https and AWS's host, by construction
        )
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        raise _unreadable(address, getattr(error, "reason", None) or error) from None


def _whole(file: BinaryIO, address: str) -> bytes:
    try:
        return file.read()
    except (http.client.HTTPException, OSError) as error:
        raise _unreadable(address, error) from None


def _unreadable(address: str, reason: object) -> ProblemsFound:
    return ProblemsFound(
        [
            Problem(
                address,
                "",
                f"not readable: {reason}"[:200],
                "AWS's price-list file",
                "try again later, or read files of yours: --from FOLDER; nothing was written",
            )
        ]
    )


def _json(text: bytes, address: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise _unreadable(address, error) from None


def _mapping(value: object, key: str, address: str) -> Mapping[str, Any]:
    found = value.get(key) if isinstance(value, Mapping) else None
    if not isinstance(found, Mapping):
        raise _unreadable(address, f"no {key} in it")
    return found


def _rows(stream: BinaryIO, address: str, as_csv: bool) -> Iterator[tuple[Offered, str]]:
    """Every on-demand price with the file's date."""
    try:
        yield from _csv_rows(stream, address) if as_csv else _json_rows(stream, address)
    except (InvalidOperation, UnicodeDecodeError, csv.Error, http.client.HTTPException, OSError) as error:
        raise _unreadable(address, error or "numbers that are none") from None


def _json_rows(stream: BinaryIO, address: str) -> Iterator[tuple[Offered, str]]:
    file = _json(_whole(stream, address), address)
    if not isinstance(file, Mapping):
        raise _unreadable(address, "not an object")
    products = _mapping(file, "products", address)
    terms = _mapping(_mapping(file, "terms", address), "OnDemand", address)
    published = str(file.get("publicationDate", ""))[:10]
    for sku, product in products.items():
        attributes = {_plain(name): str(value) for name, value in _mapping(product, "attributes", address).items()}
        attributes["productfamily"] = str(product.get("productFamily", ""))
        for code, term in (terms.get(sku) or {}).items():
            if not code.endswith(f".{_ON_DEMAND}"):
                continue
            for dimension in _mapping(term, "priceDimensions", address).values():
                usd = _mapping(dimension, "pricePerUnit", address).get("USD")
                if usd is not None:
                    begins = Decimal(str(dimension.get("beginRange", "0")))
                    yield Offered(sku, attributes, begins, Decimal(str(usd))), published


def _csv_rows(stream: BinaryIO, address: str) -> Iterator[tuple[Offered, str]]:
    text = io.TextIOWrapper(stream, "utf-8", newline="")
    try:
        yield from _lines_of(csv.reader(text), address)
    finally:
        text.detach()  # the stream's owner closes it


def _lines_of(lines: Iterator[list[str]], address: str) -> Iterator[tuple[Offered, str]]:
    published, headings = "", None
    for line in lines:
        if line and line[0] == "Publication Date":
            published = line[1][:10]
        if line and line[0] == "SKU":
            headings = [_plain(each) for each in line]
            break
    if headings is None:
        raise _unreadable(address, "no line of headings in it")
    for line in lines:
        row = dict(zip(headings, line, strict=False))
        if (
            row.get("termtype") == "OnDemand"
            and row.get("offertermcode") == _ON_DEMAND
            and row.get("currency") == "USD"
        ):
            yield (
                Offered(row["sku"], row, Decimal(row.get("startingrange") or "0"), Decimal(row["priceperunit"])),
                published,
            )


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _matches(
    rows: Iterator[tuple[Offered, str]], selectors: Mapping[str, Selector], region: str
) -> tuple[dict[str, dict[str, list[Offered]]], str]:
    """By rate and product."""
    found: dict[str, dict[str, list[Offered]]] = defaultdict(lambda: defaultdict(list))
    published = ""
    exact = {
        key: {
            **{_plain(name): value for name, value in selector.attributes.items()},
            **({"productfamily": selector.family} if selector.family else {}),
        }
        for key, selector in selectors.items()
    }
    patterns = {key: re.compile(selector.usage) for key, selector in selectors.items() if selector.usage}
    for row, date in rows:
        published = published or date
        usage = row.attributes.get("usagetype", "")
        if "ExtendedSupport" in usage:
            continue
        bare = _PREFIX.sub("", usage, count=1) if _PREFIX.match(usage) else usage
        for key, selector in selectors.items():
            if selector.where == "all" and not usage.startswith(f"{region}-"):
                continue
            pattern = patterns.get(key)
            if pattern and not pattern.fullmatch(usage if selector.prefixed else bare):
                continue
            if all(row.attributes.get(name) == value for name, value in exact[key].items()):
                found[key][row.sku].append(row)
    return found, published


def _distinct(products: Mapping[str, list[Offered]]) -> list[list[tuple[Decimal, Decimal]]]:
    """Products' tiers, those that are the same once; free products only where there is no other.

    A first tier that is free isn't counted: the next one's price holds from the first unit.
    """
    different: list[list[tuple[Decimal, Decimal]]] = []
    for rows in products.values():
        tiers = sorted((row.begins, row.usd) for row in rows)
        if len(tiers) > 1 and tiers[0][1] == 0:
            tiers = [(Decimal(0), tiers[1][1]), *tiers[2:]]
        if tiers not in different:
            different.append(tiers)
    paid = [tiers for tiers in different if any(usd for _, usd in tiers)]
    return paid or different


def _rates(
    known: Rate, selector: Selector, tiers: list[tuple[Decimal, Decimal]], region: str, address: str, date: str
) -> Iterator[Rate]:
    counted = Decimal(str(selector.counted))
    per = Decimal(str(known.per))
    sold = EDGE_REGION if selector.where == "aws-other" else region
    what = known.dimension.partition(", first")[0]
    for begins, usd in tiers:
        yield Rate(
            key=known.key,
            service=known.service,
            dimension=known.dimension if begins == 0 else f"{what}, from {begins:,f}",
            unit=known.unit,
            prices={sold: Price(usd=float(usd / counted * per), confidence="confirmed")},
            sources=(address,),
            date=date,
            starts=float(begins * counted / per),
        )
