"""The runbook that people read is the table that the rehearsal executes, and its times have sources."""

from __future__ import annotations

import re

import botocore.session
import pytest

from groundplan.recovery.document import TEMPLATE, runbook
from groundplan.recovery.runbook import STEPS, VARIABLES
from groundplan.recovery.times import (
    EDGE_AND_CERTIFICATES,
    SMALL_MIBPS,
    STRIPED_MIBPS,
    Duration,
    deployment,
    full_speed_seconds,
    shown,
)
from infra.tests.samples import ROOT


def test_the_document_is_written_from_the_table() -> None:
    assert (ROOT / TEMPLATE).read_text(encoding="utf-8") == runbook(), "run `python -m groundplan.recovery.document`"


def test_each_command_is_in_the_document_and_each_variable_is_explained() -> None:
    text = runbook()
    for step in STEPS:
        assert f". {step.title}\n" in text
        for command in step.commands:
            assert f"\n{command}\n" in text
    used = {name for step in STEPS for command in step.commands for name in re.findall(r"\$\{?([A-Z_]+)", command)}
    assert used == VARIABLES.keys()


def test_waits_are_botocores() -> None:
    seconds, source = EDGE_AND_CERTIFICATES["aws:cloudfront/distribution:Distribution"]
    client = botocore.session.get_session().create_client(
        "cloudfront", region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none"
    )
    waiter = client.get_waiter("distribution_deployed").config
    assert seconds == waiter.delay * waiter.max_attempts
    assert "distribution_deployed" in source


@pytest.mark.parametrize(
    ("gib", "seconds"), [(100, 100 * 1024 // SMALL_MIBPS), (400, 400 * 1024 // STRIPED_MIBPS), (0, 0)]
)
def test_a_volume_loads_no_faster_than_its_throughput(gib: int, seconds: int) -> None:
    assert full_speed_seconds(gib) == seconds


def test_an_empty_deployment_takes_no_time() -> None:
    assert deployment([], []) == Duration(0, "calls alone")
    assert (shown(60), shown(7_500)) == ("1 min", "2 h 05 min")
