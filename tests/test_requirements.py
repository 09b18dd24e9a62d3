"""What the libraries import is pinned, and images of services hold nothing that the chassis does not import."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions

import pytest

from tests.projects import ROOT

OWN = {"groundplan", "groundplan_chassis", "groundplan_components", "groundplan_devkit"}
LIBRARIES = (
    "infra/groundplan",
    "components/groundplan_components",
    "chassis/groundplan_chassis",
    "devkit/groundplan_devkit",
)
WITH_THEIR_HOST = {
    "botocore",  # aiobotocore is built on it, pins it, and raises its errors
    "boto3",  # of Lambda's runtime
    "google",  # protobuf and gRPC: the Pulumi SDK's own protocol
    "grpc",
    "pip",  # of the environment
    "pydantic_core",  # pydantic's errors
}
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?==", re.MULTILINE)


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def asked_for(requirements: str) -> set[str]:
    """Top-level names of the packages that a requirements file names, as they are installed here."""
    names = {plain(name) for name in PIN.findall((ROOT / requirements).read_text())}
    assert names
    return {name for name, packages in packages_distributions().items() if {plain(each) for each in packages} & names}


def imported(folder: str) -> set[str]:
    """Top-level names of all that the code imports, without Python's own and the libraries'."""
    found: set[str] = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {each.name.split(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add((node.module or "").split(".")[0])
    return found - OWN - sys.stdlib_module_names


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_a_library_imports_is_pinned(library: str) -> None:
    requirements = "chassis/requirements.in" if library.startswith("chassis") else "requirements.in"
    assert imported(library) - asked_for(requirements) - WITH_THEIR_HOST == set()


def test_images_hold_nothing_that_the_chassis_does_not_import() -> None:
    # The parser of uvicorn, which loads it by name; the compiled half of psycopg, which does.
    loaded_by_name = {"httptools", "psycopg_binary"}
    assert asked_for("chassis/requirements.in") - imported("chassis/groundplan_chassis") - loaded_by_name == set()
