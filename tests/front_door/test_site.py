"""The documentation as a site: its sources and links in every run, the build by `make prove WHAT=site`."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.projects import ROOT
from tools.site.markdown import SiteLinks, headed, indented
from tools.site.pages import flat


def test_every_page_of_the_site_has_its_source() -> None:
    pages = flat()
    assert len({page.path for page in pages}) == len(pages)
    for page in pages:
        assert bool(page.source) != bool(page.made), page.title
        assert not page.source or (ROOT / page.source).is_file(), page.source


def test_links_are_those_of_the_site() -> None:
    site = SiteLinks({"docs/a.md": "how-to/a.md", "README.md": "index.md"}, frozenset({"infra", "docs/x.svg"}))
    text = "[a](docs/a.md#b) ![x](docs/x.svg) [code](infra) [out](https://example.com) [gone](no.md)\n"
    assert site.linked(text, "README.md", "index.md") == (
        "[a](how-to/a.md#b) ![x](files/docs/x.svg) code [out](https://example.com) [gone](no.md)\n",
        {"docs/x.svg"},
    )
    assert site.linked("```\n[a](docs/a.md)\n```\n", "README.md", "index.md")[0] == "```\n[a](docs/a.md)\n```\n"


def test_lists_and_tables_are_as_the_generator_reads_them() -> None:
    assert indented("1. a\n\n   ```sh\n   b\n     c\n   ```\n  - d\n") == (
        "1. a\n\n    ```sh\n    b\n      c\n    ```\n    - d\n"
    )
    assert "column 2</span> |\n|---|---|\n" in headed("| a | |\n|---|---|\n| b | c |\n")


@pytest.mark.skipif(
    not os.environ.get("PROVE_SITE"), reason="the site's generator isn't installed for tests: `make prove WHAT=site`"
)
def test_the_site_is_built_without_a_broken_link() -> None:
    done = subprocess.run([sys.executable, "-m", "tools.site"], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    built = ROOT / "build" / "docs"
    assert (built / "how-to/alarms/service-outbox.html").is_file()
    elsewhere = re.compile(r'<(?:script|img)[^>]+src="?https?://')
    for page in built.rglob("*.html"):
        assert not elsewhere.search(page.read_text(encoding="utf-8")), page
