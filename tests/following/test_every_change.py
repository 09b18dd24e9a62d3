"""Every single change of the table, and ten at once, in a project whose owner edited beside the generated lines (U7).

Afterwards the code is formatted, typed and passes its unit tests, and every edit is in it. The migrations of the same
changes run on rows in infra/tests/following.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from groundplan.cli import follow
from groundplan.cli.follow import main
from groundplan.cli.openapi import write_documents
from groundplan.declaration.loader import load_system
from groundplan.following import following
from groundplan.following.agreement import disagreements
from groundplan.following.changes import Takes
from infra.tests.following.samples import WORDS, apart, changes
from tests.following.edits import PACKAGE, check_format, declare, is_own, lost, require_unit_tests
from tests.following.type_checker import TypeChecker, type_checker
from tests.projects import git, overridden

PROVE = bool(os.environ.get("PROVE"))
EDITED = frozenset({"quantity", "status", "remarks"})
"""Fields whose own generated lines the owner changed, or wrote between."""
MEETS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "a required field less",
            "a lower minimum",
            "a higher minimum",
            "a lower maximum",
            "both bounds moved up",
            "a default for a required field",
        ),
        "seed.py",
    ),
    "an enum that becomes a string": "domain/item.py",
}
"""Changes of what the owner has changed as well, and in which file: what is right there only they know."""
USED = ("a required field less", "one value of an enum less", "a field that becomes optional")
"""Changes of what the owner's own code reads: types are wrong there, and nowhere else."""
GIVEN_UP: Mapping[str, str] = {
    "a required field less": "quantity=number + 7,",
    "an enum that becomes a string": "def final(self)",
}
"""Edits of what is no more: the owner takes them out, and keeps theirs everywhere else."""
FIRST_TAKEN_AWAY = ("a service less", "a service renamed")
"""Told with the steps that come first."""


@pytest.fixture(scope="module")
def shared(lab: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all changes: mypy knows what is in it, and reads only what differs."""
    return Path(shutil.copytree(lab, tmp_path_factory.mktemp("shared") / "lab", symlinks=True))


@pytest.fixture(scope="module")
def types(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TypeChecker | None]:
    """Only the campaign checks types: reading the libraries' takes a minute."""
    if not PROVE:
        yield None
        return
    with type_checker(shared, tmp_path_factory.mktemp("types")) as made:
        yield made


def once(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of a project, which gives for the same arguments what it gave before."""
    known: dict[str, Any] = {}

    def remembered(project: Path, *arguments: object, **named: object) -> Any:
        key = repr((arguments, named))
        if key not in known:
            known[key] = function(project, *arguments, **named)
        return known[key]

    return remembered


@pytest.fixture(scope="module", autouse=True)
def made_once() -> Iterator[None]:
    """What the template makes of one declaration, and what tables the same revisions make."""
    with pytest.MonkeyPatch.context() as patch:
        for place, name in ((following, "rendered"), (following, "answers_services"), (follow, "behind")):
            patch.setattr(place, name, once(getattr(place, name)))
        yield


@pytest.fixture
def project(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    git(shared, "reset", "--hard", "--quiet")
    # Compiled files of the change before are of the same second and size.
    git(shared, "clean", "-d", "--force", "-x", "--quiet")
    for name, value in overridden().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(shared)
    return shared


def decided(text: str, *, mine: bool) -> str:
    """With the owner's lines where they and the change meet, or with the declaration's."""
    found, count = re.subn(
        r"^<{7} yours\n(.*?)^={7}\n(.*?)^>{7} from system.yaml\n",
        r"\1" if mine else r"\2",
        text,
        flags=re.DOTALL | re.MULTILINE,
    )
    assert count == 1, "the one place is marked"
    return found


def check(project: Path, done: Mapping[str, Any], types: TypeChecker | None, *, used: bool = False) -> None:
    """``used``: the owner's own code reads what has changed."""
    assert done["applied"]
    assert not done["kept_away"]
    check_format(project)
    services = sorted({path.split("/")[1] for path in done["changed"] if path.startswith("services/")})
    found = [] if types is None else types.findings(services)
    assert bool(found) is used, found
    for path, line in (each.split(":")[:2] for each in found):
        assert is_own((project / path).read_text(encoding="utf-8").splitlines()[int(line) - 1]), found
    if not used:
        require_unit_tests(project, *services)
    assert disagreements(project, load_system(project / "system.yaml")) == []


@pytest.mark.skipif(not PROVE, reason="a project's code, ten seconds each: `make prove WHAT=single-changes`")
@pytest.mark.parametrize("change", changes(), ids=lambda change: str(change["is"]))
def test_a_single_change_is_followed(
    change: dict[str, Any], project: Path, types: TypeChecker | None, capsys: pytest.CaptureFixture[str]
) -> None:
    name = change["is"]
    declare(project, change)
    status = main(["--json"])
    out = capsys.readouterr()
    if change["takes"] == "refused" or name in FIRST_TAKEN_AWAY:
        assert status == 1
        assert "system.yaml" in out.err
        assert git(project, "status", "--porcelain") == " M system.yaml\n"
        return
    done = json.loads(out.out)
    assert (
        max((Takes(each["takes"]) for each in done["changes"]), key=lambda takes: takes.weight)
        is WORDS[change["takes"]]
    )
    assert {each for told in done["changes"] for each in told["breaks"]} == set(change.get("breaks", ()))
    assert lost(project) == []
    meets = [f"{PACKAGE}/{MEETS[name]}"] if name in MEETS else []
    assert done["conflicted"] == meets, out.err
    assert status == (2 if name in MEETS else 0), out.err
    for path in meets:
        text = (project / path).read_text(encoding="utf-8")
        (project / path).write_text(decided(text, mine=name not in GIVEN_UP), encoding="utf-8")
    if meets:
        write_documents(project)
    assert lost(project) == ([GIVEN_UP[name]] if name in GIVEN_UP else [])
    check(project, done, types, used=name in USED)


def test_ten_changes_at_once_are_followed(
    project: Path, types: TypeChecker | None, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(project, *apart(10, without=EDITED))
    assert main(["--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert done["conflicted"] == []
    assert lost(project) == []
    check(project, done, types)
