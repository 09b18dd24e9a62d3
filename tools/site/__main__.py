"""`make docs`: writes the site's source, and builds it with MkDocs Material. A broken link is an error."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from groundplan.cli._run import run
from groundplan.owned import claim, remove
from groundplan.problems import Problem, ProblemsFound
from tools.site.markdown import SiteLinks, asset_place, headed, indented
from tools.site.pages import flat, navigation
from tools.site.sections import ROOT

SOURCE = ROOT / "build" / "docs-source"
BUILT = ROOT / "build" / "docs"
ENVIRONMENT = ROOT / "build" / "docs-environment"
CONFIGURATION = Path(__file__).with_name("mkdocs.yml")
REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.site", description=__doc__)
    parser.add_argument("--source-only", action="store_true", help="write the source, build nothing")
    options = parser.parse_args(arguments)
    return run(lambda: _make(source_only=options.source_only))


def _make(*, source_only: bool) -> int:
    remove(SOURCE)
    claim(SOURCE)
    count = write(SOURCE)
    print(f"{count} pages in {SOURCE.relative_to(ROOT)}")
    if source_only:
        return 0
    build(SOURCE, BUILT, _mkdocs())
    print(f"Look at it: python3 -m http.server --bind 127.0.0.1 --directory {BUILT.relative_to(ROOT)} 8000")
    return 0


def write(folder: Path) -> int:
    """Every page, its assets, and the configuration. Returns the number of pages."""
    pages = flat()
    site = SiteLinks({each.source: each.path for each in pages if each.source}, _files())
    for each in pages:
        text = each.made() if each.made else (ROOT / each.source).read_text(encoding="utf-8")
        linked, assets = (
            site.linked(text, each.source or "README.md", each.path) if _speaks(each.path) else (text, set())
        )
        place = folder / "pages" / each.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(indented(headed(linked)), encoding="utf-8")
        for asset in assets:
            copy = folder / "pages" / asset_place(asset)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / asset, copy)
    for name in ("site.css", "site.js"):
        shutil.copyfile(CONFIGURATION.with_name(name), folder / "pages" / "files" / name)
    settings = {"INHERIT": str(CONFIGURATION), "docs_dir": "pages", "site_dir": str(BUILT), "nav": navigation()}
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return len(pages)


def _speaks(path: str) -> bool:
    """Whether a page's links are those of a file in this repository: what is made for the site has the site's own."""
    return not path.startswith(("how-to/alarms/", "reference/declaration", "reference/stack", "reference/options"))


def build(source: Path, built: Path, mkdocs: Sequence[str]) -> None:
    """Raises ProblemsFound when MkDocs refuses it."""
    remove(built)
    claim(built)
    command = [*mkdocs, "build", "--strict", "--quiet", "--dirty", "--config-file", str(source / "mkdocs.yml")]
    command += ["--site-dir", str(built)]
    # Its theme announces its successor at every build (docs/site/README.md).
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        problem = Problem("the site", "", done.stderr.strip(), "no broken link", "mend the page that is named")
        raise ProblemsFound([problem])


def _mkdocs() -> list[str]:
    """The generator, in an environment of its own: nothing else of the product needs it."""
    python = ENVIRONMENT / "bin" / "python"
    stamp = ENVIRONMENT / "requirements.txt"
    if not stamp.is_file() or stamp.read_bytes() != REQUIREMENTS.read_bytes():
        remove(ENVIRONMENT)
        claim(ENVIRONMENT)
        print("Installing MkDocs Material, pinned by hash, into build/docs-environment", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        subprocess.run([*install, "--requirement", str(REQUIREMENTS)], check=True)
        shutil.copyfile(REQUIREMENTS, stamp)
    return [str(python), "-m", "mkdocs"]


def _files() -> frozenset[str]:
    listed = subprocess.run(
        ["git", "-c", "core.quotepath=off", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    files = listed.stdout.splitlines()
    return frozenset(files) | {str(folder) for each in files for folder in Path(each).parents}


if __name__ == "__main__":
    sys.exit(main())
