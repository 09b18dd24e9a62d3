"""What a project measured of its own services goes before the product's figures, service by service (q8)."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from groundplan.capacity import figures, plan
from groundplan.capacity.costs import Costs, costs_of, provenance
from groundplan.cli.plan import figures_used
from groundplan.declaration.loader import load_system
from groundplan.declaration.measured import FILE, Measured, ours, read_measured
from groundplan.declaration.model import Load
from groundplan.problems import ProblemsFound
from infra.tests.capacity.stacks import PROD
from infra.tests.samples import ROOT, shop


def with_own(**quantities: float) -> Measured:
    """Of orders alone, on a quiet machine."""
    spread = {key: {"median": value, "least": value, "most": value, "rounds": 3} for key, value in quantities.items()}
    machine = {"cores": 8, "architecture": "arm64", "python": "3.12", "busy": 0.05}
    found = {"date": "2026-12-01", "commit": "abc123", "command": "make bench-services WHAT=capacity"}
    return Measured.model_validate({**found, "machine": machine, "services": {"order": spread}})


def test_own_figures_are_used_for_the_services_that_have_them() -> None:
    system = shop().with_measured(with_own(create_ms=20, cached_get_ms=9))
    assert costs_of(system, "order").write_ms == 20
    assert costs_of(system, "order").cached_read_ms == 9
    assert costs_of(system, "order").list_ms == Costs().list_ms, "what wasn't measured is the product's"
    assert costs_of(system, "user") == Costs()
    before = {workload.name: workload for workload in plan(shop(), PROD).workloads}
    after = {workload.name: workload for workload in plan(system, PROD).workloads}
    assert after["order-query"].max_pods > before["order-query"].max_pods
    assert after["user-api"] == before["user-api"]


def test_each_size_says_whose_figure_it_is() -> None:
    system = shop().with_measured(with_own(create_ms=20))
    sources = {
        decision.subject: decision.source for decision in plan(system, PROD).decisions if decision.setting == "min_pods"
    }
    assert "this project's" in sources["workload.order-command"]
    assert "abc123" in sources["workload.order-command"]
    assert sources["workload.user-api"] == figures.OURS
    said = dict(provenance(system))
    assert "this project's" in said["order"]
    assert ours().commit in said["user"]
    assert "None are this project's own" not in " ".join(figures_used(system))
    assert "make bench-services WHAT=capacity" in " ".join(figures_used(shop()))


def test_what_is_declared_goes_before_what_was_measured() -> None:
    system = shop().with_measured(with_own(create_ms=20))
    order = system.services["order"].model_copy(update={"load": Load(cpu_ms_per_request=3)})
    declared = system.model_copy(update={"services": {**system.services, "order": order}})
    assert costs_of(declared, "order").write_ms == 3
    assert costs_of(declared, "order").source == "declared"


OWN = with_own(create_ms=1).model_dump()


def project(tmp_path: Path, text: str) -> Path:
    (tmp_path / "system.yaml").write_text((ROOT / "system.yaml").read_text())
    (tmp_path / FILE).write_text(text)
    return tmp_path / "system.yaml"


def test_the_file_stands_beside_the_declaration(tmp_path: Path) -> None:
    written = yaml.safe_dump(with_own(create_ms=20).model_dump())
    assert costs_of(load_system(project(tmp_path, written)), "order").write_ms == 20
    assert load_system(ROOT / "system.yaml").measured is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "capacity.yaml"),
        ("services: [", "what `make bench-services` writes"),
        ("date: 2026\n", "commit"),
        (
            yaml.safe_dump({**with_own(create_ms=1).model_dump(), "services": {"order": {"create_ms": 1}}}),
            "order.create_ms",
        ),
        (yaml.safe_dump({**with_own(create_ms=1).model_dump(), "services": {"order": {"speed": {}}}}), "order.speed"),
    ],
)
def test_a_file_that_is_none_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ProblemsFound) as found:
        load_system(project(tmp_path, text))
    assert said in str(found.value)
    assert "delete the file" in str(found.value)


def test_a_folder_without_one_has_measured_nothing(tmp_path: Path) -> None:
    assert read_measured(tmp_path / FILE) is None


def test_ours_says_machine_commit_command_and_spread() -> None:
    measured = ours()
    assert measured.commit
    assert measured.command.startswith("make bench-services")
    assert measured.machine.cores >= 1
    assert {"user", "order", "payment"} <= measured.services.keys()
    for quantities in measured.services.values():
        for each in quantities.values():
            assert each.least <= each.median <= each.most
