"""Pages in headless Chromium, by what `browser/package-lock.json` pins: nothing of it is needed to run a project."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

BROWSER = Path(__file__).parent / "browser"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """The browser that CHROMIUM names, or one that is installed."""
    named = os.environ.get("CHROMIUM")
    found = named or next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    assert found, f"none of {', '.join(CHROMIUM)} is installed: install Debian's chromium, or name one in CHROMIUM"
    return found


def installed(folder: Path) -> Path:
    """The folder of the modules that drive it, and of the scripts."""
    assert shutil.which("npm"), "npm installs what drives the browser: install Node.js"
    for each in BROWSER.iterdir():
        shutil.copy(each, folder / each.name)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(install, cwd=folder, check=True)
    return folder


def script(folder: Path, *command: str) -> Any:
    """What a script prints, as JSON."""
    done = subprocess.run(["node", *command], cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def looked(folder: Path, looks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What `look.mjs` says of each page, in a folder that `installed` made."""
    (folder / "looks.json").write_text(json.dumps(looks), encoding="utf-8")
    found: list[dict[str, Any]] = script(folder, "look.mjs", chromium(), "looks.json")
    assert len(found) == len(looks)
    return found
