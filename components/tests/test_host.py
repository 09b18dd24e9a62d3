"""Every component can be used from other Pulumi languages."""

from __future__ import annotations

import importlib
import json
import re
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.provider.experimental.analyzer import Analyzer

from infra.tests.samples import ROOT

# The SDK's analyser doesn't close a package's `pulumi-plugin.json`.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file.*pulumi-plugin:ResourceWarning")

host: Any = importlib.import_module("components.__main__")
COMPONENTS: list[type[pulumi.ComponentResource]] = host.found()


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda each: each.__name__)
def test_a_component_has_a_schema(component: type[pulumi.ComponentResource]) -> None:
    result = Analyzer(host.PACKAGE).analyze([component])
    definition = result["component_definitions"][component.__name__]
    assert definition.description, "a component says what it is"


def test_all_of_them_fit_into_one_package() -> None:
    provider = host.Host(COMPONENTS, host.PACKAGE, version=host.VERSION)
    schema = json.loads(provider.schema)
    assert set(schema["resources"]) == {f"groundplan:index:{each.__name__}" for each in COMPONENTS}
    assert {"Network", "Keys", "Gateway", "Edge", "Identity", "LoadBalancer", "WebAcl"} <= {
        each.__name__ for each in COMPONENTS
    }


def test_the_plugin_runs_in_the_environment_of_the_clone() -> None:
    """Or in one that Pulumi creates there from requirements.txt, the only file that its pip toolchain installs."""
    folder = ROOT / "components"
    options = yaml.safe_load((folder / "PulumiPlugin.yaml").read_text(encoding="utf-8"))["runtime"]["options"]
    assert options["toolchain"] == "pip"
    assert (folder / options["virtualenv"]).resolve() == ROOT / ".venv"
    included = re.findall(r"^-r (.+)$", (folder / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert [(folder / each).is_file() for each in included] == [True]


def test_no_list_holds_an_enumeration() -> None:
    """The SDK (3.272) turns each of its members into an empty object."""
    result = Analyzer(host.PACKAGE).analyze(COMPONENTS)
    types = result["type_definitions"]
    properties = [
        (owner, name, each) for owner, definition in types.items() for name, each in definition.properties.items()
    ] + [
        (owner, name, each)
        for owner, definition in result["component_definitions"].items()
        for name, each in definition.inputs.items()
    ]
    lists = [(owner, name, each.items.ref) for owner, name, each in properties if each.items and each.items.ref]
    assert lists
    for owner, name, ref in lists:
        held = types.get(ref.rpartition(":")[2])
        assert held is None or held.enum is None, f"{owner}.{name}"


def test_whole_numbers_arrive_whole() -> None:
    provider = host.Host([each for each in COMPONENTS if each.__name__ == "WebAcl"], host.PACKAGE, version="0.0.0")
    definition = provider._component_defs["WebAcl"]
    mapped = provider.map_inputs({"scope": "REGIONAL", "maxBodyKib": 32.0, "kmsKeyArn": "key"}, definition)
    assert mapped["max_body_kib"] == 32
    assert isinstance(mapped["max_body_kib"], int)
    assert mapped["scope"].value == "REGIONAL"
