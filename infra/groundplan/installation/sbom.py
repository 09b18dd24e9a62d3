"""What an image of a service is made of, as a CycloneDX document: its pinned packages, and our own wheels.

The packages of the base image are in the attestation that BuildKit adds (`--sbom=true`); here are those that the pins
say, with the hashes that the build checked. https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_WHEEL = re.compile(r"^([A-Za-z0-9_.]+)-([^-]+)-.*\.whl$")


def sbom(system: str, service: str, revision: str, requirements: str, wheels: Iterable[Path] = ()) -> dict[str, Any]:
    """The document of one image. The same input gives the same document, so that two builds can be compared."""
    root = f"{system}/{service}@{revision}"
    components = [*_pinned(requirements), *_wheels(wheels)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{root}:{_digest(components)}')}",
        "version": 1,
        "metadata": {
            "component": {"type": "container", "bom-ref": root, "name": f"{system}/{service}", "version": revision}
        },
        "components": components,
        "dependencies": [{"ref": root, "dependsOn": [each["bom-ref"] for each in components]}],
    }


def write(path: Path, document: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _pinned(requirements: str) -> Iterator[dict[str, Any]]:
    """Each pin of a requirements file, with its hashes: those of all its wheels, of which the build took one."""
    for line in requirements.replace("\\\n", " ").splitlines():
        pin = _PIN.match(line.strip())
        if pin is None:
            continue
        name, version = re.sub(r"[-_.]+", "-", pin[1]).lower(), pin[2]
        purl = f"pkg:pypi/{name}@{version}"
        hashes = _HASH.findall(line)
        # A component has one hash of each algorithm; the files that a pin allows are its external references.
        files = [
            {"type": "distribution", "url": f"https://pypi.org/project/{name}/{version}/", "hashes": [_sha256(each)]}
            for each in sorted(set(hashes))
        ]
        found = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
        yield {**found, **({"externalReferences": files} if files else {})}


def _wheels(wheels: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """Ours, which come from no index."""
    for wheel in sorted(wheels):
        named = _WHEEL.match(wheel.name)
        if named is not None:
            digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
            name, version = named[1].replace("_", "-"), named[2]
            reference = f"{name}@{version}#{digest[:12]}"
            yield {
                "type": "library",
                "bom-ref": reference,
                "name": name,
                "version": version,
                "hashes": [_sha256(digest)],
            }


def _sha256(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest}


def _digest(components: list[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(components, sort_keys=True).encode()).hexdigest()
