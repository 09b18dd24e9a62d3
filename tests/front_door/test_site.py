"""The documentation as a site: its sources and links in every run; built, and looked at in headless Chromium, by
`make prove WHAT=site`, which leaves pictures in build/site."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.front_door.looking import chromium, installed, looked, script
from tests.projects import ROOT
from tools.site.markdown import SiteLinks, headed, indented
from tools.site.pages import flat

BUILT, PICTURES = ROOT / "build" / "docs", ROOT / "build" / "site"
KINDS = ("index.html", "tutorial.html", "how-to/alarms/service-outbox.html", "reference/declaration.html")
"""A page of each kind: the front, steps, an alarm, wide tables."""
PICTURED = {
    ("index.html", 1280, "light"),
    ("how-to/alarms/service-outbox.html", 1280, "dark"),
    ("reference/declaration.html", 1280, "dark"),
    ("tutorial.html", 390, "light"),
}
PROVEN = pytest.mark.skipif(
    not os.environ.get("PROVE_SITE"),
    reason="its generator and a browser aren't installed for tests: `make prove WHAT=site`",
)


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


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Path, str]]:
    """The site, built, and its address."""
    done = subprocess.run([sys.executable, "-m", "tools.site"], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    handler = partial(_Quiet, directory=str(BUILT))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield BUILT, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@PROVEN
def test_the_site_is_built_without_a_broken_link(served: tuple[Path, str]) -> None:
    built, _ = served
    assert (built / "how-to/alarms/service-outbox.html").is_file()
    elsewhere = re.compile(r'<(?:script|img)[^>]+src="?https?://')
    for page in built.rglob("*.html"):
        assert not elsewhere.search(page.read_text(encoding="utf-8")), page


@PROVEN
def test_every_page_of_the_site_in_a_browser(served: tuple[Path, str], tmp_path: Path) -> None:
    """No console message, nothing asked of anyone else, and axe-core finds nothing: at a desk every page, on a phone
    and in the dark one of each kind."""
    built, address = served
    PICTURES.mkdir(parents=True, exist_ok=True)
    looks = [look(address, page.relative_to(built).as_posix(), 1280, "light") for page in sorted(built.rglob("*.html"))]
    looks += [
        look(address, page, width, scheme) for page in KINDS for width, scheme in ((390, "light"), (1280, "dark"))
    ]
    wrong = [
        f"{each['page']} at {each['width']}, {each['scheme']}: {what} {each[what]}"
        for each in looked(installed(tmp_path), looks)
        for what in ("violations", "said", "requested", "wider")
        if each[what]
    ]
    assert wrong == []


@PROVEN
def test_an_alarm_is_looked_up_by_the_sites_search(served: tuple[Path, str], tmp_path: Path) -> None:
    _, address = served
    PICTURES.mkdir(parents=True, exist_ok=True)
    word, page = "outbox_age_seconds", "how-to/alarms/service-outbox.html"
    command = ("search.mjs", chromium(), address, word, page, str(PICTURES / "search.jpeg"))
    found = script(installed(tmp_path), *command)
    assert found["said"] == []
    assert page in found["place"]
    assert found["scheme"] == "slate"


def look(address: str, page: str, width: int, scheme: str) -> dict[str, Any]:
    pictured = (page, width, scheme) in PICTURED
    name = f"{page.removesuffix('.html').replace('/', '-')}-{width}-{scheme}.jpeg"
    return {
        "page": f"{address}/{page}",
        "width": width,
        "scheme": scheme,
        "picture": str(PICTURES / name) if pictured else None,
        # The theme's menu is there twice, once folded away.
        "keyboard": False,
    }
