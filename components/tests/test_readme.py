"""The library's README is true: its programs run, its package exists, its list is complete."""

from __future__ import annotations

import importlib
import json
import re
from typing import Any

import pytest
import yaml

from components.tools.reference import REFERENCE_FILE, SUBJECTS, components, reference
from groundplan.cloud import simulate
from infra.tests.samples import ROOT

README = (ROOT / "components" / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert found, f"the README shows no {language}"
    return found


def test_the_reference_is_in_step_with_the_docstrings() -> None:
    assert REFERENCE_FILE.read_text(encoding="utf-8") == reference(), "run python -m components.tools.reference"


def test_every_component_is_listed_once() -> None:
    listed = re.findall(r"\[(\w+)\]\(REFERENCE\.md#(\w+)\)", README)
    assert sorted(name for name, _ in listed) == [each.name for each in components()]
    assert all(name.lower() == anchor for name, anchor in listed)


def test_components_are_listed_by_their_packages() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\[.*) \|$", README, re.MULTILINE)
    assert {subject: re.findall(r"\[(\w+)\]", row) for subject, row in rows} == {
        subject: [each.name for each in components() if each.subject == subject] for subject in SUBJECTS
    }


def test_examples_import_public_names_only() -> None:
    imported = re.findall(r"^from groundplan_components(\S*) import", "".join(blocks("python")), re.MULTILINE)
    assert {each for each in imported if each.count(".") != 1} == set()


def test_the_python_examples_are_one_program_that_the_cloud_accepts() -> None:
    """Whole rather than a part: everything that an example refers to is declared in it or in an earlier one."""

    def program() -> None:
        namespace: dict[str, Any] = {}
        for number, block in enumerate(blocks("python"), start=1):
            exec(compile(block, f"README.md, example {number}", "exec"), namespace)  # noqa: S102  it is ours

    simulation = simulate(program, part=False)
    made = {each.type for each in simulation.resources if not each.custom}
    assert {f"groundplan:index:{name}" for name in ("Network", "Database", "Cache", "Queues", "Workload")} <= made
    assert simulation.outputs["database"].endswith(".rds.amazonaws.com")


@pytest.mark.filterwarnings("ignore:unclosed file.*pulumi-plugin:ResourceWarning")
def test_the_yaml_example_fits_the_packages_schema() -> None:
    host: Any = importlib.import_module("components.__main__")
    schema = json.loads(host.Host(host.found(), host.PACKAGE, version=host.VERSION).schema)
    (text,) = blocks("yaml")
    resources = yaml.safe_load(text)["resources"]
    for resource in resources.values():
        definition = schema["resources"][resource["type"]]
        assert set(definition["requiredInputs"]) <= set(resource["properties"]) <= set(definition["inputProperties"])
    for name, output in re.findall(r"\$\{(\w+)\.(\w+)", text):
        assert output in schema["resources"][resources[name]["type"]]["properties"]
