"""Workloads as controls go through them: what a plan has and the program lacks is a finding."""

from __future__ import annotations

from collections.abc import Iterator

from groundplan.capacity import WorkloadPlan
from groundplan.cloud.model import Resource
from groundplan.controls.captured import CapturedProgram
from groundplan.controls.model import Check, NotApplicable


def running(program: CapturedProgram, check: Check) -> Iterator[tuple[WorkloadPlan, Resource, dict[str, str]]]:
    """Every workload with its settings; what lacks them is a finding."""
    require_images(program)
    for workload in program.workloads:
        resource, told = program.settings(workload.name)
        if resource is None:
            check.missing(f"settings of the workload {workload.name}")
        else:
            yield workload, resource, told


def deployed(program: CapturedProgram, check: Check) -> Iterator[tuple[WorkloadPlan, Resource]]:
    """Every workload with its Deployment; what lacks it is a finding."""
    require_images(program)
    for workload in program.workloads:
        deployment = program.deployments.get(workload.name)
        if deployment is None:
            check.missing(f"the workload {workload.name}")
        else:
            yield workload, deployment


def require_images(program: CapturedProgram) -> None:
    """Raises NotApplicable for a stack without workloads."""
    if not program.workloads:
        raise NotApplicable("no service has an image yet")
