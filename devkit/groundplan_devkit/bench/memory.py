"""Whether a process keeps anything of the requests that it has answered: its memory over many that differ."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

import psutil

from groundplan_devkit.bench import mix
from groundplan_devkit.bench.clients import addresses
from groundplan_devkit.bench.load import Shot, drive
from groundplan_devkit.bench.mix import Target, Tokens
from groundplan_devkit.bench.stage import NEVER_REFUSED, Stage

REQUESTS = 200_000
WARM = 0.1
"""Part of the requests before the first look: caches, pools and Python's own memory are as large as they get."""
LOOKS = 20
"""At the process's memory, evenly spread."""
AT_ONCE = 500
"""Requests that are due together: a slow machine answers them all before they count as overdue."""
CONNECTIONS = 32
MOST_GROWTH = 0.1
"""From the first look on."""
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory in MiB after so many requests, from the end of the warm-up on."""

    service: str
    looks: Sequence[tuple[int, float]]
    answers: Counter[int]

    @property
    def growth(self) -> float:
        """The most that it was above the first look, as a share of that."""
        return max(mib for _, mib in self.looks) / self.looks[0][1] - 1

    @property
    def wrong(self) -> list[str]:
        broken = self.answers[0] + sum(count for status, count in self.answers.items() if status >= 500)
        found = (
            (self.growth > MOST_GROWTH, f"memory grew by {self.growth:.0%}, not by {MOST_GROWTH:.0%} at most"),
            (broken > 0, f"{broken} requests got no answer, or a server's error"),
        )
        return [text for wrong, text in found if wrong]


async def memory(on: Stage, service: str, target: Target, requests: int = REQUESTS) -> Memory:
    """Sends ``requests`` to a process of its own."""
    tokens = Tokens(target, on.sign)
    on.say(f"{requests:,} varied requests; memory is looked at {LOOKS} times")
    running = await asyncio.to_thread(on.start, service, "api", **NEVER_REFUSED)
    process = psutil.Process(running.process.pid)
    shots = varied(target, tokens)
    answers: Counter[int] = Counter()
    looks: list[tuple[int, float]] = []
    sent = 0
    due = iter([int(requests * (WARM + (1 - WARM) * look / LOOKS)) for look in range(LOOKS + 1)])
    next_look = next(due)
    while sent < requests:
        part = list(islice(shots, min(AT_ONCE, next_look - sent)))
        run = await drive("127.0.0.1", running.port, part, connections=CONNECTIONS, sources=addresses(sent))
        sent += len(part)
        answers.update(run.all().statuses)
        if sent >= next_look:
            looks.append((sent, process.memory_info().rss / _MIB))
            on.say(f"  {sent:,} requests: {looks[-1][1]:.1f} MiB")
            next_look = next(due, requests)
    await asyncio.to_thread(running.stop)
    return Memory(service, looks, answers)


def varied(target: Target, tokens: Tokens, seed: int = 500) -> Iterator[Shot]:
    """The mix, and among it all that a client can make up: names, ids, tokens, queries, bodies that are none."""
    chance = random.Random(seed)  # noqa: S311  a choice of requests, no secret
    token = tokens.of("list")[0]
    for shot in mix.shots(target, tokens, seed):
        yield shot
        if chance.random() < 0.5:
            yield Shot("made up", _made_up(target, token, chance))


def _made_up(target: Target, token: str | None, chance: random.Random) -> bytes:
    word = f"{chance.getrandbits(64):x}"
    made = [
        mix.request("GET", f"{target.path}/{UUID(int=chance.getrandbits(128), version=4)}", token),
        mix.request("GET", f"{target.path}/{word}", token),
        mix.request("GET", f"/{word}/{word}", token),
        mix.request("GET", f"{target.path}?{word}={word}", token),
        mix.request("GET", f"{target.path}?limit={chance.randrange(1, 101)}&page={chance.randrange(1, 100)}", token),
        mix.request("GET", target.path, f"{word}.{word}.{word}"),
        mix.request("GET", f"{target.path}?cursor={word}", token),
        mix.request("POST", target.path, token, json.dumps({word: word * chance.randrange(1, 200)}).encode()),
        mix.request("POST", target.path, token, word.encode()),
        mix.request("PATCH", f"{target.path}/{word}", token),
        mix.request("GET", target.path, token).replace(b"Accept:", b"If-None-Match: %b\r\nAccept:" % word.encode(), 1),
        mix.request("GET", target.path, token).replace(b"Accept:", b"X-Request-Id: %b\r\nAccept:" % word.encode(), 1),
    ]
    return chance.choice(made)


def table(found: Memory) -> str:
    """In Markdown."""
    lines = [
        f"# Memory of {found.service}, one worker process, over {found.looks[-1][0]:,} varied requests",
        "",
        f"Resident memory grew by {found.growth:.1%} at most after the first {found.looks[0][0]:,}; "
        f"at most {MOST_GROWTH:.0%}. Answers by status: "
        + ", ".join(f"{status}: {count:,}" for status, count in sorted(found.answers.items()))
        + ".",
        "",
        "| requests | MiB |",
        "|---|---|",
        *(f"| {sent:,} | {mib:.1f} |" for sent, mib in found.looks),
    ]
    return "\n".join(lines) + "\n"
