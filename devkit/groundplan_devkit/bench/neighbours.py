"""What one client does to all others: it has the costliest lists at once, as many as its rate limit lets it (h5)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice, repeat

from groundplan.declaration.model import FieldType
from groundplan_devkit.bench import mix
from groundplan_devkit.bench.clients import addresses
from groundplan_devkit.bench.load import Run, Shot, drive
from groundplan_devkit.bench.mix import Target, Tokens
from groundplan_devkit.bench.rounds import ROUNDS, Figure
from groundplan_devkit.bench.rows import rows
from groundplan_devkit.bench.stage import Stage
from groundplan_devkit.services import RunningService

RATE = 300.0
"""Requests/s of all others: a third of what one worker process is for (T3)."""
SECONDS = 5.0
"""Of a measurement: the client's burst is a good part of it."""
OTHERS = 64
AT_ONCE = 30
"""Connections of the one client."""
MOST = 2.0
"""Others' p95 with the client, of theirs without."""


@dataclass(frozen=True, slots=True)
class Round:
    """Others without the client, others with it, and the client itself."""

    alone: Run
    beside: Run
    client: Run

    @property
    def times(self) -> float:
        return self.beside.all().percentile(0.95) / self.alone.all().percentile(0.95)


@dataclass(frozen=True, slots=True)
class BesideOthers:
    """All rounds."""

    service: str
    rows: int
    rounds: Sequence[Round]

    @property
    def times(self) -> Figure:
        return Figure.of([each.times for each in self.rounds])

    @property
    def wrong(self) -> list[str]:
        failed = sum(each.alone.all().failed + each.beside.all().failed for each in self.rounds)
        found = (
            (
                self.times.median > MOST,
                f"others' p95 is {self.times.median:.1f} times what it was, not {MOST:g} at most",
            ),
            (failed > 0, f"{failed} requests of others failed"),
        )
        return [text for wrong, text in found if wrong]


async def neighbours(on: Stage, service: str, target: Target) -> BesideOthers:
    """Rounds with and without the client, by the rate limit of the declaration."""
    tokens = Tokens(target, on.sign)
    limit = on.system.edge.rate_limit.requests
    on.say(f"{limit} lists of one client over {AT_ONCE} connections, beside {RATE:,.0f} requests/s of others")
    running = await asyncio.to_thread(on.start, service, "api")
    await _others(running, target, tokens, 400)
    rounds = []
    for number in range(ROUNDS):
        alone = await _others(running, target, tokens, 401 + 2 * number)
        client, beside = await asyncio.gather(
            _one(running, target, tokens, limit, number), _others(running, target, tokens, 402 + 2 * number)
        )
        rounds.append(Round(alone, beside, client))
        on.say(
            f"  round {number + 1}: others' p95 {alone.all().percentile(0.95):.1f} ms, beside the client "
            f"{beside.all().percentile(0.95):.1f} ms; its answers: {dict(client.all().statuses)}"
        )
    await asyncio.to_thread(running.stop)
    return BesideOthers(service, len(target.ids), rounds)


async def _others(running: RunningService, target: Target, tokens: Tokens, seed: int) -> Run:
    shots = list(islice(mix.shots(target, tokens, seed), int(RATE * SECONDS)))
    return await drive(
        "127.0.0.1",
        running.port,
        shots,
        rate=RATE,
        connections=OTHERS,
        # A client of its own each, with a whole bucket.
        sources=addresses(seed * OTHERS),
    )


async def _one(running: RunningService, target: Target, tokens: Tokens, limit: int, number: int) -> Run:
    shots = list(islice(costliest(target, tokens), limit))
    source = f"127.2.0.{number + 1}"
    return await drive("127.0.0.1", running.port, shots, connections=AT_ONCE, sources=repeat(source))


def costliest(target: Target, tokens: Tokens) -> cycle[Shot]:
    """Lists as long and as deep as a page may be: by every index, and by none, as there is none for two fields."""
    first = next(rows(target.resource)).values
    deep = "limit=100&page=100"
    # As the API's own parameters.
    fields = target.resource.fields.items()
    indexed = {name: field for name, field in fields if target.resource.has_index(name) and not field.personal}
    values = {
        name: field.values[0] if field.type is FieldType.ENUM and field.values else first[name]
        for name, field in indexed.items()
    }
    queries = ["limit=100", deep, *(f"{deep}&sort={direction}{name}" for name in indexed for direction in ("", "-"))]
    queries += [f"{name}={value}&{size}" for name, value in values.items() for size in ("limit=100", deep)]
    queries += [
        f"{name}={value}&{deep}&sort={other}" for name, value in values.items() for other in indexed if other != name
    ]
    token = tokens.of("list")[0]
    return cycle([Shot("list", mix.request("GET", f"{target.path}?{query}", token)) for query in queries])


def table(found: BesideOthers) -> str:
    """In Markdown."""
    lines = [
        f"# One client beside others: {found.service}, one worker process, {found.rows:,} rows",
        "",
        f"Others' p95 beside the client, of theirs without it: {found.times.median:.2f} "
        f"({found.times.least:.2f} to {found.times.most:.2f}); at most {MOST:g}.",
        "",
        "| round | others' p50 ms | p95 ms | p99 ms | beside it: p50 ms | p95 ms | p99 ms | times at p95 "
        "| its answers by status |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for number, each in enumerate(found.rounds, 1):
        cells = [
            f"{run.all().percentile(share):.1f}" for run in (each.alone, each.beside) for share in (0.5, 0.95, 0.99)
        ]
        statuses = ", ".join(f"{status}: {count}" for status, count in sorted(each.client.all().statuses.items()))
        lines.append(f"| {number} | {' | '.join(cells)} | {each.times:.2f} | {statuses} |")
    return "\n".join(lines) + "\n"
