"""Every example of docs/own-program.md, as it stands there, in a copy of the reference project (P5)."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import indent

import pytest

from groundplan.cli import eject, main
from groundplan.cli._facts import simulated
from groundplan.cli.stacks import read_project
from groundplan.cloud import Simulation
from groundplan.problems import ProblemsFound
from tests.projects import ROOT, reference_project

PAGE = (ROOT / "docs" / "own-program.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r'```python example="(\w+)"\n(.*?)```', PAGE, re.DOTALL))
IMPORTS = EXAMPLES.pop("imports")
LINE = "    stack = StackContext.of(system, environment)\n"
EFFECTS: dict[str, Callable[[Simulation], bool]] = {
    "bucket": lambda cloud: "reports" in {each.name for each in of_type(cloud, "aws:s3/bucket:Bucket")},
    "argument": lambda cloud: (
        all("userPoolAddOns" in each.inputs for each in of_type(cloud, "aws:cognito/userPool:UserPool"))
        and ".example.com"
        in str([each.inputs for each in cloud.resources if each.type.startswith("aws:networkfirewall/")])
    ),
    "component": lambda cloud: {each.inputs["snapshotRetentionLimit"] for each in caches(cloud)} == {7},
    "ejected": lambda cloud: {each.inputs["snapshotRetentionLimit"] for each in caches(cloud)} == {1},
    "transformation": lambda cloud: all(
        each.inputs.get("tags", {}).get("cost-center") == "4711"
        for each in of_type(cloud, "aws:cloudwatch/logGroup:LogGroup")
    ),
}


def of_type(cloud: Simulation, token: str) -> list:  # type: ignore[type-arg]
    found = [each for each in cloud.resources if each.type == token]
    assert found, token
    return found


def caches(cloud: Simulation) -> list:  # type: ignore[type-arg]
    return of_type(cloud, "aws:elasticache/replicationGroup:ReplicationGroup")


def cloud_of(project: Path, stack: str = "prod") -> Simulation:
    read = read_project(project, [stack])
    return simulated(project, read.system, read.environments[stack])


def with_example(program: str, example: str) -> str:
    """The program with the page's imports, and the example in the line's place or after it."""
    assert LINE in program
    inserted = indent(example, "    ")
    inserted = inserted if "stack = StackContext" in example else LINE + inserted
    return program.replace("\nimport pulumi\n", f"\nimport pulumi\n{IMPORTS}", 1).replace(LINE, inserted)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = reference_project(tmp_path / "shop")
    # One of the examples is about the network firewall's args.
    for path in project.glob("Pulumi.*.yaml"):
        path.write_text(path.read_text().replace("network_firewall: false", "network_firewall: true"))
    monkeypatch.chdir(project)
    for variable in ("STACK", "GROUNDPLAN_PROJECT"):
        monkeypatch.delenv(variable, raising=False)
    return project


def put(project: Path, name: str) -> None:
    program = project / "infra" / "__main__.py"
    plain = program.read_text()
    if name == "ejected":
        assert main(["eject", "cache"]) == 0
    program.write_text(with_example(plain, EXAMPLES[name]))


def test_every_example_has_an_effect_here() -> None:
    assert EXAMPLES.keys() == EFFECTS.keys()


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_planned_accepted_and_rehearsed(
    name: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(project, name)
    assert EFFECTS[name](cloud_of(project))
    assert main(["plan", "--quiet"]) == 0
    assert main(["rehearse", "--in-process", "--stack", "dev"]) == 0
    said = capsys.readouterr()
    assert "A year of dev in-process" in said.out
    assert "surprise" not in said.err


def test_without_an_example_there_is_no_effect(project: Path) -> None:
    cloud = cloud_of(project)
    assert [name for name in EXAMPLES if EFFECTS[name](cloud)] == ["ejected"]


def test_the_examples_are_typed(project: Path) -> None:
    """As a project's own settings have it; the cache is the repository's."""
    plain = (project / "infra" / "__main__.py").read_text()
    put(project, "ejected")
    for name, example in EXAMPLES.items():
        (project / "infra" / f"{name}_example.py").write_text(with_example(plain, example))
    (project / "pyproject.toml").write_text(
        '[tool.mypy]\nstrict = true\nmypy_path = ["$MYPY_CONFIG_FILE_DIR/infra"]\nexplicit_package_bases = true\n'
        'namespace_packages = true\nplugins = ["pydantic.mypy"]\n[[tool.mypy.overrides]]\n'
        'module = ["pulumi_aws.*", "pulumi_kubernetes.*", "pulumi_random.*"]\nfollow_imports = "skip"\n'
    )
    path = ":".join(str(ROOT / library) for library in ("infra", "components"))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", str(ROOT / ".mypy_cache" / "own"), "infra"],
        cwd=project,
        env={"MYPYPATH": path, "PATH": ""},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("example", "said"),
    [
        (
            "class Bare(pulumi.ComponentResource):\n"
            "    def __init__(self, name, args, opts=None):\n"
            '        super().__init__("own:index:Bare", name, {}, opts)\n\n'
            "stack = StackContext.of(system, environment, change(Cache).to(Bare))\n",
            ["Bare in place of Cache (cache)", "`endpoint`", "set it in its __init__"],
        ),
        (
            'import types\nstack = StackContext.of(system, environment, ejected(types.ModuleType("json.cache")))\n',
            [],
        ),
    ],
)
def test_a_component_that_lacks_something_is_refused(example: str, said: list[str], project: Path) -> None:
    program = project / "infra" / "__main__.py"
    program.write_text(with_example(program.read_text(), example))
    with pytest.raises((ProblemsFound, ModuleNotFoundError)) as refused:
        cloud_of(project, "dev")
    assert all(each in str(refused.value) for each in said)


def test_no_part_of_the_program_makes_a_component_past_the_owner() -> None:
    """All 44 classes are searched for: each call goes through the stack's context."""
    made = {name for subject in eject.subjects() for name in eject.components(eject.Subject(ROOT, subject))}
    assert len(made) == 45
    for path in (ROOT / "infra" / "groundplan" / "program").glob("*.py"):
        found = {each for each in re.findall(r"(?<![\w.\[`])([A-Z]\w+)\(", path.read_text()) if each in made}
        assert not found, f"{path.name}: say stack.component({min(found)})(…)"
