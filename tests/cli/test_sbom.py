"""What an image is made of is said, and signed where that can be done. Not run here: cosign, BuildKit, a registry."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import cyclonedx.schema
import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from groundplan.cli.deliver import attest
from groundplan.installation.sbom import sbom
from tests.cli.stand_ins import Tools, only_these
from tests.projects import ROOT

PINS = (ROOT / "templates/project/services/requirements.txt").read_text()
IMAGE = "314159265358.dkr.ecr.eu-central-1.amazonaws.com/shop-dev/order@sha256:" + "a" * 64


def validator() -> Draft7Validator:
    """CycloneDX's own schema, as its Python library carries it."""
    folder = Path(cyclonedx.schema.__file__).parent / "_res"
    schemas = {
        name: json.loads((folder / f"{name}.SNAPSHOT.schema.json").read_text())
        for name in ("bom-1.6", "spdx", "jsf-0.82")
    }
    resources = [(each["$id"], Resource.from_contents(each)) for each in schemas.values()]
    resources += [
        (f"http://cyclonedx.org/schema/{name}.SNAPSHOT.schema.json", Resource.from_contents(each))
        for name, each in schemas.items()
    ]
    return Draft7Validator(schemas["bom-1.6"], registry=Registry().with_resources(resources))


def test_the_document_is_cyclonedx_and_has_every_pin(tmp_path: Path) -> None:
    wheel = tmp_path / "groundplan_chassis-0.2.0-py3-none-any.whl"
    wheel.write_bytes(b"ours")
    document = sbom("shop", "order", "abc123", PINS, [wheel])
    errors = [f"{error.json_path}: {error.message[:200]}" for error in validator().iter_errors(document)]
    assert errors == []
    named = {each["name"]: each for each in document["components"]}
    pinned = {
        line.partition("==")[0].partition("[")[0].lower()
        for line in PINS.splitlines()
        if "==" in line and line[0].isalpha()
    }
    assert set(named) == {*pinned, "groundplan-chassis"}
    assert named["groundplan-chassis"]["hashes"][0]["content"] == hashlib.sha256(b"ours").hexdigest()
    files = named["aiohttp"]["externalReferences"]
    assert all(f"--hash=sha256:{each['hashes'][0]['content']}" in PINS for each in files)


def test_a_broken_document_would_be_noticed() -> None:
    document = sbom("shop", "order", "abc123", PINS)
    document["components"][0].pop("name")
    assert list(validator().iter_errors(document))


def test_the_same_image_has_the_same_document() -> None:
    one, other = (sbom("shop", "order", "abc123", PINS) for _ in range(2))
    assert one == other
    assert sbom("shop", "order", "abc123", "a==1\n")["serialNumber"] != one["serialNumber"]


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    tools = Tools(tmp_path / "tools")
    only_these(tools.directory, monkeypatch, "git", which=shutil.which)
    return tools


def test_image_and_document_are_signed_where_cosign_is(
    tools: Tools, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n")
    attest(tmp_path, "order", "abc123", IMAGE)
    assert "not signed" in capsys.readouterr().out
    tools.install("cosign")
    attest(tmp_path, "order", "abc123", IMAGE)
    assert [call[1] for call in tools.calls] == ["sign", "attest"]
    assert all(call[-1] == IMAGE for call in tools.calls), "by digest: a tag may be another image tomorrow"
    assert (tmp_path / "build/images/order.cdx.json").is_file()
