"""All services, all callers, until there are as many requests as were asked for."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from groundplan.declaration.model import Operation
from groundplan_devkit.apis import READING, Sign
from groundplan_devkit.checks.campaign.directed import Directed
from groundplan_devkit.checks.campaign.found import Found
from groundplan_devkit.checks.campaign.generated import Generated
from groundplan_devkit.checks.campaign.oracle import Person
from groundplan_devkit.deployed import DeployedService, Deployment
from groundplan_devkit.services import folder_of

EXAMPLES = 25
"""Of each operation, kind of data and caller, in a round."""
ALL: frozenset[Operation] = frozenset({"list", "get", "create", "update", "delete"})
SETTLED_SECONDS = 1.0
"""Until read models have what the last caller wrote."""


@dataclass(frozen=True)
class _Turn:
    generated: Generated
    person: Person
    token: str | None


def campaign(deployment: Deployment, sign: Sign, services: Sequence[str], *, cases: int, seed: int) -> Found:
    """At least so many requests, and every caller and operation in all phases once."""
    found = Found()
    deployed = [deployment.deploy(service) for service in services]
    for service in deployed:
        document = json.loads((folder_of(service.service) / "openapi.json").read_text(encoding="utf-8"))
        found.document(service.service, document)
        Directed(service, found, sign).run()
        print(f"{service.service}: {found.cases:,} requests, {found.share:.1%} of the documented answers", flush=True)
    turns = [turn for service in deployed for turn in _turns(service, found, sign)]
    for number, (first, turn) in enumerate(_rounds(turns)):
        if not first and found.cases >= cases:
            break
        began, before, known = time.process_time(), found.cases, len(found.wrong)
        turn.generated.run(turn.person, turn.token, seed=seed + number, examples=EXAMPLES, first=first)
        print(
            f"{turn.generated.service.service} {sorted(turn.generated.kinds)} as {turn.person.role}: "
            f"{found.cases - before:,} requests in {time.process_time() - began:.0f} s of this process's CPU; "
            f"{found.cases:,} in all, {len(found.wrong)} kinds of faults",
            flush=True,
        )
        for what, example in list(found.wrong.items())[known:]:
            print(f"FAULT {what}: {example}", flush=True)
        time.sleep(SETTLED_SECONDS)
    return found


def _rounds(turns: Sequence[_Turn]) -> Iterator[tuple[bool, _Turn]]:
    yield from ((True, turn) for turn in turns)
    while True:
        yield from ((False, turn) for turn in turns)


def _turns(service: DeployedService, found: Found, sign: Sign) -> Iterator[_Turn]:
    document = json.loads((folder_of(service.service) / "openapi.json").read_text(encoding="utf-8"))
    kinds = {"api": ALL, "command": ALL - READING, "query": READING}
    for role in service.installation.system.identity.roles:
        person = Person(role, f"campaign-{role}")
        # Longer than any campaign takes.
        token = sign(role, subject=person.subject, seconds=86_400)
        for name, process in service.processes.items():
            if name in kinds:
                yield _Turn(Generated(service, found, document, process.url, kinds[name]), person, token)
    for name, process in service.processes.items():
        if name in kinds:
            yield _Turn(Generated(service, found, document, process.url, kinds[name]), Person(None, ""), None)
