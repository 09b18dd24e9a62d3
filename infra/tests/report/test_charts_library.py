"""What the charts' library does to Python's imports ends with the drawing."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import importlib.metadata, sys
before = list(sys.meta_path)
from groundplan.report.charts import bars
bars("Load", {"now": [1.0]}, ["a"], "requests/s")
added = [finder for finder in sys.meta_path if finder not in before]
assert all(hasattr(finder, "find_spec") for finder in added), added
assert importlib.metadata.version("pygal")
assert len(importlib.metadata.packages_distributions()) > 50
"""


def test_installed_packages_are_found_after_a_chart() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)
