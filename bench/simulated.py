"""One whole in-process run for `planning`: plan, declare and simulate a system, in a fresh interpreter."""

from __future__ import annotations

import json
import sys
import time

from groundplan.capacity import plan
from groundplan.cloud import simulate
from groundplan.project import find_project, load_program
from infra.tests.samples import shop, stack, system_of, with_images


def main(services: int) -> None:
    """``services`` of 0 means shop itself."""
    system = system_of(services) if services else shop()
    environment = with_images(stack("prod"), system)
    start = time.perf_counter()
    plan(system, environment)
    planned = time.perf_counter()
    simulation = simulate(
        lambda: load_program(find_project())(system, environment),
        project=system.name,
        stack="prod",
        region=environment.region,
    )
    end = time.perf_counter()
    # The namespaces the SDKs create for their lazy submodules are not modules that can be imported.
    modules = sorted(
        name
        for name, module in sys.modules.items()
        if name.startswith(("pulumi_aws.", "pulumi_kubernetes.", "pulumi_random.")) and module.__spec__
    )
    print(
        json.dumps(
            {
                "resources": len(simulation.resources),
                "plan_seconds": planned - start,
                "run_seconds": end - planned,
                "modules": modules,
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
