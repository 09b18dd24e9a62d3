"""From a declared system and a stack to every size in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from groundplan.capacity.bottlenecks import tiers
from groundplan.capacity.budgets import budgets
from groundplan.capacity.cache import plan_cache
from groundplan.capacity.cluster import plan_cluster
from groundplan.capacity.databases import plan_databases
from groundplan.capacity.demand import demands, requests_per_second
from groundplan.capacity.events import plan_events
from groundplan.capacity.gateway import plan_gateway
from groundplan.capacity.held import with_held
from groundplan.capacity.kept import with_kept
from groundplan.capacity.model import Plan
from groundplan.capacity.network import NO_RANGE, TooLarge, plan_network
from groundplan.capacity.notes import notes
from groundplan.capacity.placement import placements
from groundplan.capacity.workloads import plan_workloads, target_reasons, with_reachable_targets
from groundplan.capacity.written import with_written
from groundplan.declaration.model import System
from groundplan.problems import ProblemsFound
from groundplan.stack.environment import Environment
from groundplan.stack.remembered import Remembered
from groundplan.stack.restored import Restored


def plan(system: System, environment: Environment, *, data_growth: float | None = None) -> Plan:
    """Every size and count of the stack, each with its reason. Pure: the same arguments give the same plan, on
    the same day where a shard map has several generations.

    ``data_growth`` is how many times as fast as declared data may grow below storage's ceiling; default: the growth
    factor. What is deployed and only grows is an argument too (`Environment.remembered`): no such size is planned
    smaller, and what would come before a change that waits for its window stays as it is deployed.

    Raises ProblemsFound when the stack's address space can't hold full growth, or one shared instance the most
    pods' connections. A service whose data needs shards that it doesn't declare is planned with as many as it needs;
    `check_shards` says what to declare, and must be asked before anything is deployed.
    """
    try:
        bound = with_held(_plan(system, environment, data_growth), environment)
    except TooLarge as found:
        raise _with_what_fits(found, system, environment, data_growth) from None
    if not environment.remembered and not environment.restored:
        return bound
    unbound = _plan(
        system, environment.model_copy(update={"remembered": Remembered(), "restored": Restored()}), data_growth
    )
    return with_kept(bound, unbound, environment.region)


def _with_what_fits(
    found: TooLarge, system: System, environment: Environment, data_growth: float | None
) -> ProblemsFound:
    """The same problem; where no range is enough, with how far requirements would have to come down."""
    (problem,) = found.problems
    if not problem.remedy.startswith(NO_RANGE):
        return found

    def fits(setting: str, value: float) -> bool:
        requirements = system.requirements.model_copy(update={setting: value})
        try:
            _plan(system.model_copy(update={"requirements": requirements}), environment, data_growth)
        except ProblemsFound:
            return False
        return True

    growth, load = system.requirements.growth_factor, system.requirements.requests_per_second
    if fits("growth_factor", 1):
        most = _largest(1, growth, lambda value: fits("growth_factor", value))
        what = f"lower requirements.growth_factor to {most:g}, or split the system in two"
    elif fits("requests_per_second", 1):
        most = _largest(1, load, lambda value: fits("requests_per_second", value))
        what = f"lower requirements.requests_per_second to {most:g}, or split the system in two"
    else:
        what = "split the system in two, or keep less data in its databases, so that they need fewer shards"
    return ProblemsFound([replace(problem, remedy=f"{NO_RANGE}: {what}")])


_STEPS = 12


def _largest(fits_at: float, too_much: float, fits: Callable[[float], bool]) -> float:
    """The largest value found between one that fits and one that doesn't, by three digits."""
    low, high = fits_at, too_much
    for _ in range(_STEPS):
        middle = float(f"{(low + high) / 2:.3g}")
        if middle in (low, high):
            break
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _plan(system: System, environment: Environment, data_growth: float | None) -> Plan:
    today = demands(system, environment)
    shards = {name: place.shards for place in placements(system, environment) for name in place.services}
    wanted, workload_reasons = plan_workloads(system, environment, today, shards)
    growth = data_growth or system.requirements.growth_factor
    # What is written follows the load, so that it grows as far as the load does, also where less is declared.
    written = with_written(system, system.requirements.growth_factor / growth)
    databases, workloads, database_reasons = plan_databases(system, environment, today, wanted, written, growth)
    workloads = with_reachable_targets(system, environment, today, workloads, shards)
    workload_reasons = target_reasons(workload_reasons, workloads)
    cache, cache_reasons = plan_cache(system, environment, today)
    events, event_reasons = plan_events(system, environment, today, workloads)
    gateway, gateway_reasons = plan_gateway(system, environment, today)
    cluster, cluster_reasons = plan_cluster(environment, workloads, databases)
    network, network_reasons = plan_network(environment, cluster, databases, cache, events)
    sized = Plan(
        system=system.name,
        environment=environment.name,
        requests_per_second=requests_per_second(system, environment),
        growth_factor=system.requirements.growth_factor,
        workloads=workloads,
        databases=databases,
        cache=cache,
        events=events,
        gateway=gateway,
        network=network,
        cluster=cluster,
        tiers=(),
        decisions=(
            *gateway_reasons,
            *workload_reasons,
            *database_reasons,
            *cache_reasons,
            *event_reasons,
            *cluster_reasons,
            *network_reasons,
        ),
    )
    sized = replace(sized, tiers=tiers(sized, system, environment, today))
    sized = replace(sized, budgets=budgets(sized, system, environment, today))
    return replace(sized, notes=notes(sized, system, environment))
