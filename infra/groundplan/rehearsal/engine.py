"""The real Pulumi engine, run on one stack with a state of its own.

Nothing of the user's is read or written: state, plugins and passphrase live in a folder that the caller throws away.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundplan.rehearsal.cli import path_with
from groundplan.rehearsal.differences import Difference, Operation, difference_of

STEP_SECONDS = 3600.0
"""No step takes so long; one that does waits for something that won't come."""


class StepFailed(Exception):
    """The engine stopped. ``errors`` holds what it said, each with the URN where it knows one."""

    def __init__(self, step: str, done: Difference, errors: tuple[str, ...]) -> None:
        self.step, self.done, self.errors = step, done, errors
        super().__init__("\n".join((f"{step} failed", *errors)))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one step did, in ``seconds`` of wall time."""

    done: Difference
    seconds: float


class Stack:
    """The stack ``name`` of the project in ``project``, by the CLI ``command``, with its state in ``home``.

    ``attachment`` says which providers run already (the value of PULUMI_DEBUG_PROVIDERS); plugins of others are fetched
    when ``fetch_plugins``. What goes wrong raises StepFailed.
    """

    def __init__(
        self, command: Path, project: Path, name: str, home: Path, attachment: str, *, fetch_plugins: bool = False
    ) -> None:
        self.name = name
        self._command = command
        self._project = project
        self._home = home
        self._steps = 0
        # The user's own settings for Pulumi and AWS lead to the user's own accounts.
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "AWS_"))}
        self._environment = {
            **kept,
            "PATH": path_with(command),
            "PULUMI_DEBUG_PROVIDERS": attachment,
            "PULUMI_HOME": str(home),
            "PULUMI_BACKEND_URL": home.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": secrets.token_urlsafe(32),
            # The interpreter that runs this has the SDKs, under any name of Pulumi.yaml's environment.
            "PULUMI_PYTHON_CMD": sys.executable,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "false" if fetch_plugins else "true",
            # The option for event logs is there for programs that drive the CLI, as the SDK's automation does.
            "PULUMI_DEBUG_COMMANDS": "true",
            # The whole state is otherwise written anew for each resource; nothing here outlives an interruption.
            "PULUMI_EXPERIMENTAL": "true",
            "PULUMI_SKIP_CHECKPOINTS": "true",
        }

    def create(self) -> None:
        self._run("stack", "init", self.name)

    def configure(self, key: str, value: str, *, path: bool = False, secret: bool = False) -> None:
        """``path``: the key leads into a mapping (`shop:images.order`)."""
        options = ["--secret" if secret else "--plaintext", *(["--path"] if path else [])]
        self._run("config", "set", "--stack", self.name, *options, "--", key, value)

    def preview(self) -> Outcome:
        return self._step("preview")

    def up(self, *, policy_pack: Path | None = None, go_on: bool = False) -> Outcome:
        """``policy_pack`` is the folder of one that judges what was deployed. With ``go_on`` what doesn't need what
        failed is deployed all the same."""
        packs = ["--policy-pack", str(policy_pack)] if policy_pack else []
        return self._step("up", "--yes", "--skip-preview", *packs, *(["--continue-on-error"] if go_on else []))

    def refresh(self) -> Outcome:
        return self._step("refresh", "--yes", "--skip-preview")

    def destroy(self, *, go_on: bool = False) -> Outcome:
        return self._step("destroy", "--yes", "--skip-preview", *(["--continue-on-error"] if go_on else []))

    def resources(self) -> list[dict[str, Any]]:
        """The state as the engine keeps it, secrets encrypted."""
        exported = json.loads(self._run("stack", "export", "--stack", self.name))
        resources: list[dict[str, Any]] = exported["deployment"].get("resources") or []
        return resources

    def unprotect(self) -> None:
        """Lifts Pulumi's own protection from everything."""
        self._run("state", "unprotect", "--all", "--yes", "--stack", self.name)

    @property
    def events(self) -> Path:
        """The event log of the newest step."""
        return self._home / f"events-{self._steps}.json"

    def _step(self, step: str, *options: str) -> Outcome:
        self._steps += 1
        log = self.events
        start = time.monotonic()
        try:
            self._run(step, *options, "--stack", self.name, "--suppress-outputs", "--event-log", str(log))
        except StepFailed as failed:
            errors = tuple(_errors(log)) or failed.errors
            raise StepFailed(step, difference_of(_operations(log)), errors) from None
        return Outcome(difference_of(_operations(log)), time.monotonic() - start)

    def _run(self, *arguments: str) -> str:
        try:
            done = subprocess.run(
                [self._command, "--non-interactive", *arguments],
                cwd=self._project,
                env=self._environment,
                check=False,
                capture_output=True,
                text=True,
                timeout=STEP_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise StepFailed(arguments[0], Difference(), (f"no end after {STEP_SECONDS:.0f} s",)) from None
        if done.returncode:
            said = tuple(line.strip() for line in done.stderr.splitlines() if "error:" in line)
            raise StepFailed(arguments[0], Difference(), said or (done.stderr.strip() or done.stdout.strip(),))
        return done.stdout


def events_in(log: Path) -> Iterator[Mapping[str, Any]]:
    """Of an engine's event log, up to the line in which an engine that was killed has left it."""
    if log.exists():
        with log.open(encoding="utf-8") as lines:
            for line in lines:
                try:
                    yield json.loads(line)
                except json.JSONDecodeError:
                    return


_OPERATIONS: Mapping[str, Operation] = {
    "same": "same",
    "create": "create",
    "update": "update",
    "delete": "delete",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "discard": "delete",
    "import": "create",
    "import-replacement": "replace",
}
"""Steps of the engine (sdk/go/common/apitype, OpType) by what they mean for a resource. A refresh says what it found in
the same words; reads change nothing."""


def _operations(log: Path) -> dict[str, Operation]:
    """What happened to each URN. A replacement is several steps, and stays one, with all that follows."""
    found: dict[str, Operation] = {}
    for event in events_in(log):
        metadata = (event.get("resOutputsEvent") or {}).get("metadata") or {}
        operation = _OPERATIONS.get(metadata.get("op", ""))
        if operation is not None and found.get(metadata["urn"]) != "replace":
            found[metadata["urn"]] = operation
    return found


def _errors(log: Path) -> Iterator[str]:
    for event in events_in(log):
        policy = event.get("policyEvent") or {}
        if policy.get("enforcementLevel") == "mandatory":
            yield policy["message"].strip()
        diagnostic = event.get("diagnosticEvent") or {}
        if diagnostic.get("severity") == "error":
            urn, text = diagnostic.get("urn") or "", diagnostic["message"].strip()
            yield f"{urn}: {text}" if urn else text
