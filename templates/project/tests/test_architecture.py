"""`ARCHITECTURE.md` says what is planned and declared today (O1); `make plan` brings it up to date."""

from __future__ import annotations

import pytest

from groundplan.capacity import plan
from groundplan.cli.stacks import read_project
from groundplan.controls import CapturedProgram, assess
from groundplan.document import Subject, blocks, rewrite
from tests.conftest import PROJECT, STACKS, deployed, read_environment

DOCUMENT = PROJECT / "ARCHITECTURE.md"
READ = read_project(PROJECT)


@pytest.mark.skipif(READ.main not in STACKS, reason=f"its figures are those of {READ.main}, which is not tested now")
@pytest.mark.xdist_group(READ.main)
def test_the_document_is_up_to_date() -> None:
    plans = {stack: plan(READ.system, environment) for stack, environment in READ.environments.items()}
    program = CapturedProgram.of_simulation(READ.system, read_environment(READ.main), deployed(READ.main))
    current = blocks(Subject(READ.system, READ.environments, plans, assess(program), READ.main))
    stale = rewrite(DOCUMENT.read_text(encoding="utf-8"), current, DOCUMENT.name).changed
    assert stale == (), "run `make plan` and commit what it changes"
