"""What runs in campaigns alone is there, and a campaign runs it."""

from __future__ import annotations

import re
from collections.abc import Iterator

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


def _texts(test: str) -> Iterator[str]:
    """Of the modules that a campaign's entry runs, and of what pytest loads for them."""
    path = ROOT / test.partition("::")[0]
    assert path.exists(), test
    found = {*path.rglob("*.py")} if path.is_dir() else {path}
    found |= {folder / "conftest.py" for folder in path.parents if folder.is_relative_to(ROOT)}
    yield from (each.read_text(encoding="utf-8") for each in sorted(found) if each.is_file())


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_a_campaign_runs_the_tests_that_its_variables_are_for(name: str) -> None:
    texts = [text for test in CAMPAIGNS[name].tests for text in _texts(test)]
    for variable in CAMPAIGNS[name].variables:
        assert any(f'"{variable}"' in text for text in texts), variable


def test_a_skip_names_a_campaign_that_runs_it() -> None:
    folders = [ROOT / each for each in ("tests", "infra/tests", "components/tests", "chassis/tests", "devkit/tests")]
    for path in sorted(file for folder in folders for file in folder.rglob("test_*.py")):
        for named in re.findall(r"make prove WHAT=([a-z-]+)", path.read_text(encoding="utf-8")):
            run = [ROOT / each.partition("::")[0] for each in CAMPAIGNS[named].tests]
            assert any(path.is_relative_to(each) for each in run), f"{path.name}: {named}"
