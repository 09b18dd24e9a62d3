"""What runs in campaigns alone is there, and a campaign runs it."""

from __future__ import annotations

import re

import pytest

from tests.projects import ROOT
from tools.prove import CAMPAIGNS, MOVED


@pytest.mark.parametrize("name", MOVED)
def test_a_moved_test_is_there_and_in_the_campaign_that_its_reason_names(name: str) -> None:
    path, _, function = name.partition("::")
    text = (ROOT / path).read_text(encoding="utf-8")
    if function:
        assert re.search(rf"^(async )?def {function.partition('[')[0]}\(", text, re.MULTILINE)
    campaign = CAMPAIGNS[MOVED[name].rpartition("(")[2].removesuffix(")")]
    assert any(path == each or path.startswith(f"{each}/") for each in campaign.tests)
