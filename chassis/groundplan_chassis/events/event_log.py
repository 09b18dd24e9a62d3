"""The event log: all published events, as gzipped JSON lines by event, day and hour (A3).

`groundplan_components.events.log` has it written, in S3; `make dev` keeps one of the same shape in a folder. Days and
hours are
those of delivery, in UTC: what happened just before midnight may be under the next day. An event may be there twice.
"""

from __future__ import annotations

import asyncio
import datetime
import gzip
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from groundplan_chassis.events.queues.clients import FAILED, Clients, code_of
from groundplan_chassis.problems import Problem, ProblemsFound

EVENTS_PREFIX: Final = "events/"
"""(`groundplan_components.events.log_bucket`)"""
S3: Final = "s3://"


@dataclass(frozen=True, slots=True)
class Days:
    """From the first day to the last, both included."""

    first: datetime.date
    last: datetime.date

    def __iter__(self) -> Iterator[datetime.date]:
        for number in range((self.last - self.first).days + 1):
            yield self.first + datetime.timedelta(days=number)


class EventLog(Protocol):
    """A store of the event log."""

    def lines(self, event: str, days: Days) -> AsyncIterator[tuple[str, list[bytes]]]:
        """The address and the lines of each object, in the order of delivery. Raises ProblemsFound when one is
        unreadable."""
        ...


def open_log(location: str, clients: Clients) -> EventLog:
    """``s3://bucket``, or a folder. Raises ProblemsFound."""
    if location.startswith(S3):
        bucket, _, rest = location.removeprefix(S3).partition("/")
        if not bucket or rest.strip("/"):
            raise _problem(
                location, "not a bucket", f"{S3} and the name of the event log's bucket", "see `make outputs`"
            )
        return BucketLog(bucket, clients)
    folder = Path(location)
    if not folder.is_dir():
        raise _problem(location, "no folder", "the folder of an event log, or s3:// and a bucket", "give one of them")
    return FolderLog(folder)


class FolderLog:
    """A log in a local folder."""

    def __init__(self, folder: Path) -> None:
        within = folder / EVENTS_PREFIX
        self._folder = within if within.is_dir() else folder

    async def lines(self, event: str, days: Days) -> AsyncIterator[tuple[str, list[bytes]]]:
        """See `EventLog`."""
        for day in days:
            for path in sorted((self._folder / f"event={event}" / f"day={day}").glob("hour=*/*")):
                if path.is_file():
                    content = await asyncio.to_thread(path.read_bytes)
                    yield str(path), await asyncio.to_thread(_lines, str(path), content)


class BucketLog:
    """A log in S3."""

    def __init__(self, bucket: str, clients: Clients) -> None:
        self._bucket = bucket
        self._clients = clients

    async def lines(self, event: str, days: Days) -> AsyncIterator[tuple[str, list[bytes]]]:
        """See `EventLog`."""
        for day in days:
            async for key in self._keys(f"{EVENTS_PREFIX}event={event}/day={day}/"):
                place = f"{S3}{self._bucket}/{key}"
                yield place, await asyncio.to_thread(_lines, place, await self._read(key))

    async def _keys(self, prefix: str) -> AsyncIterator[str]:
        try:
            client = await self._clients.get("s3")
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            async for page in pages:
                for each in page.get("Contents", ()):
                    yield each["Key"]
        except FAILED as error:
            raise self._unable(prefix, error) from error

    async def _read(self, key: str) -> bytes:
        try:
            client = await self._clients.get("s3")
            answer = await client.get_object(Bucket=self._bucket, Key=key)
            async with answer["Body"] as body:
                content: bytes = await body.read()
                return content
        except FAILED as error:
            raise self._unable(key, error) from error

    def _unable(self, what: str, error: BaseException) -> ProblemsFound:
        return _problem(
            f"{S3}{self._bucket}/{what}",
            code_of(error),
            "a bucket that this process may list and read",
            "name the right bucket, and see that the role has EventLog.reader_statements",
        )


def _lines(place: str, content: bytes) -> list[bytes]:
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise _problem(
                place,
                f"cut off or damaged ({type(error).__name__})",
                "gzip",
                "restore the object, S3 keeps its versions",
            ) from error
    return [line for line in content.splitlines() if line.strip()]


def _problem(where: str, value: str, expected: str, remedy: str) -> ProblemsFound:
    return ProblemsFound("event log", [Problem(where, value, expected, remedy)])
