"""Service packages of the AWS SDK load on first use, and are what they are without it (ADR 21)."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

from groundplan.program import on_first_use
from infra.tests.samples import ROOT

SDK = Path(str(find_spec("pulumi_aws").origin)).parent  # type: ignore[union-attr]
USED = {
    service
    for folder in ("components/groundplan_components", "infra/groundplan/program")
    for file in (ROOT / folder).rglob("*.py")
    for names in re.findall(r"^from pulumi_aws import ([\w, ]+)$", file.read_text(), re.MULTILINE)
    for service in names.split(", ")
    if (SDK / service).is_dir()
}
SCRIPT = f"""
import importlib, importlib.util, sys
spec = importlib.util.spec_from_file_location("on_first_use", {on_first_use.__file__!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.load_services_on_first_use()
module.load_services_on_first_use()
import pulumi_aws
from pulumi_aws import ec2, sns, sqs

def loaded(service):
    return {{name for name in sys.modules if name.startswith(f"pulumi_aws.{{service}}.")}}

assert sqs.Queue.__module__ == "pulumi_aws.sqs.queue" and sqs.QueueArgs.__module__ == "pulumi_aws.sqs.queue"
assert loaded("sqs") == {{"pulumi_aws.sqs.queue"}}, loaded("sqs")
assert ec2.VpcEndpointDnsOptionsArgs.__module__ == "pulumi_aws.ec2._inputs"
assert ec2.NatGateway.__module__ == "pulumi_aws.ec2.nat_gateway"
parts = {{f"pulumi_aws.ec2.{{part}}" for part in ("_enums", "_inputs", "nat_gateway", "outputs")}}
assert loaded("ec2") == parts, loaded("ec2")
assert ec2.outputs is sys.modules["pulumi_aws.ec2.outputs"]

# A module and a function of one name: the package has the function, in any order of imports.
importlib.import_module("pulumi_aws.sqs.get_queue")
assert callable(sqs.get_queue) and callable(sqs.get_queue_output)
assert sqs.GetQueueResult.__module__ == "pulumi_aws.sqs.get_queue"

assert not hasattr(sns, "Nothing") and not hasattr(sns, "__nothing__")
assert "TopicSubscription" in dir(sns) and "get_topic" in dir(sns)
names = {{}}
exec("from pulumi_aws.sqs import *", names)
assert {{"Queue", "QueuePolicy", "RedriveAllowPolicy", "get_queues"}} <= set(names)
"""


def test_a_package_loads_what_is_used_of_it_and_has_all_of_it() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def offered(part: Path) -> list[str]:
    """The names that a generated module says that it offers."""
    found = re.search(r"^__all__ = (\[.*?\])", part.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None, part
    names: list[str] = ast.literal_eval(found[1])
    return names


@pytest.mark.parametrize("service", sorted(USED))
def test_every_name_of_a_package_is_of_one_module(service: str) -> None:
    """Otherwise it would count in which order they are imported."""
    parts = on_first_use._parts((SDK / service / "__init__.py").read_text())
    assert parts, "what a package's first lines say has changed: its modules are all imported again"
    names = {part: offered(SDK / service / f"{part}.py") for part in parts}
    times = Counter(name for each in names.values() for name in each)
    assert [name for name, number in times.items() if number > 1] == []
    for part, each in names.items():
        astray = [name for name in each if name.startswith("get_") and part not in on_first_use._likely(name)]
        assert astray == []


@pytest.mark.parametrize(
    "line", ["import sys", "from .vpc import Vpc", "queue = 1", "from .. import iam", "from .vpc import * # all"]
)
def test_a_package_that_does_more_is_executed_as_it_stands(line: str) -> None:
    assert on_first_use._parts(f"# coding=utf-8\nimport typing\nfrom .vpc import *\n{line}\n") is None
