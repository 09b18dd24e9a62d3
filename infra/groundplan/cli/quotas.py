"""Which quotas of the account a stack meets: what to ask for, by which code, and how to say that it is there."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from groundplan.capacity import plan
from groundplan.capacity.quotas import Use, planned_use
from groundplan.capacity.shared_quotas import WHOLE_ACCOUNT, SharedUse, shared_use
from groundplan.capacity.wording import count, number
from groundplan.cli._command import Command, json_option, main_of, stack_option
from groundplan.cli._facts import simulated
from groundplan.cli.documents import QuotasDocument, QuotaUse, SharedQuotaUse, print_document
from groundplan.cli.stacks import Project, read_project
from groundplan.project import find_project
from groundplan.quotas import QUOTAS
from groundplan.quotas.declared import declared_use
from groundplan.stack.contradictions import set_command


@click.command("quotas", cls=Command)
@stack_option(several=True, help="This stack only; may be given again. Default: all.")
@click.option("--all", "every", is_flag=True, help="Print every quota that is looked at, with what is used of it.")
@json_option(QuotasDocument)
def command(stack: Sequence[str], *, every: bool, as_json: bool) -> int:
    """Quotas of the account to have raised, with their codes.

    The plan and everything that the program declares are held against AWS's defaults, or against what the stack's key
    `quotas` says that the account has. Stacks that share an account are summed up: those whose key `account` says the
    same, or nothing.
    """
    return quotas_of(find_project(), stack, every=every, as_json=as_json)


main = main_of(command)


def quotas_of(folder: Path, stacks: Sequence[str] = (), *, every: bool = False, as_json: bool = False) -> int:
    """Prints what to ask for. Raises ProblemsFound."""
    project = read_project(folder, stacks)
    found = {name: stack_use(project, name) for name in project.environments}
    together = shared_use(project.environments, found)
    if as_json:
        print_document(
            QuotasDocument(
                system=project.system.name,
                stacks={
                    name: tuple(_document(use, project.environments[name].region) for use in uses)
                    for name, uses in found.items()
                },
                together=tuple(
                    SharedQuotaUse(
                        stacks=each.stacks,
                        region=each.region,
                        use=_document(each.use, each.region or _GLOBAL_REGION),
                    )
                    for each in together
                ),
                left_out=project.left_out,
            )
        )
        return 0
    for name, uses in found.items():
        print("\n".join(_report(project, name, uses, every=every)), flush=True)
    for line in _report_together(project, together):
        print(line, flush=True)
    for problem in project.left_out:
        print(f"Left out, as it can't be deployed yet:\n{problem}\n", file=sys.stderr)
    return 0


def stack_use(project: Project, stack: str) -> tuple[Use, ...]:
    """What one stack uses of every quota: by its plan, and by what its program declares. Raises ProblemsFound."""
    system, environment = project.system, project.environments[stack]
    planned = {use.quota.key: use for use in planned_use(plan(system, environment), system, environment)}
    declared = declared_use(simulated(project.folder, system, environment, strict=False).resources)
    uses = []
    for key, quota in QUOTAS.items():
        sized, counted = planned.get(key), declared.get(key)
        now = max(sized.now if sized else 0.0, counted.amount if counted else 0.0)
        uses.append(Use(quota, environment.quota(key), now, max(now, sized.grown if sized else 0.0)))
    return tuple(uses)


def to_raise(project: Project, stack: str) -> list[str]:
    """What has to be raised for a stack, in lines. Raises ProblemsFound."""
    return list(_report(project, stack, stack_use(project, stack), every=False))


def _report(project: Project, stack: str, uses: Sequence[Use], *, every: bool) -> Iterator[str]:
    region = project.environments[stack].region
    first, later = [use for use in uses if use.over], [use for use in uses if use.outgrown and not use.over]
    if not first and not later:
        yield f"{stack} ({region}): the account's quotas hold the stack, and its full growth."
    for title, each in (("to raise before it is deployed", first), ("to raise before its full growth", later)):
        if each:
            yield f"{stack} ({region}): {count(len(each), 'quota')} {title}"
            for use in each:
                yield from _lines(use, project, stack)
    if every:
        yield f"{stack} ({region}): of {len(uses)} quotas"
        for use in uses:
            grown = f", {number(use.grown)} grown" if use.grown > use.now else ""
            unit = f" {use.quota.unit}" if use.quota.unit else ""
            code = f" {use.quota.code}" if use.quota.code else ""
            used = f"{number(use.now)}{grown} of {number(use.limit)}{unit}"
            yield f"  {use.quota.key:<30} {used} ({use.quota.service}{code})"


def _report_together(project: Project, together: Sequence[SharedUse]) -> Iterator[str]:
    """What an account lacks for all of its stacks; one that lacks it for a single stack is told there already."""
    groups: dict[tuple[tuple[str, ...], str], list[Use]] = {}
    for each in together:
        groups.setdefault((each.stacks, each.region), []).append(each.use)
    for (stacks, region), uses in groups.items():
        named = " + ".join(stacks)
        where = f"{named} in one account ({region or 'all regions'})"
        over = [use for use in uses if use.over or use.outgrown]
        if not over:
            yield f"{where}: {count(len(uses), 'quota')} looked at, all hold the stacks and their full growth together."
            continue
        yield f"{where}: {count(len(over), 'quota')} to raise for all of them"
        for use in over:
            yield from _lines(use, project, *stacks)
    if groups:
        own = set_command("<stack>", f"{project.system.name}:account", "<number>")
        yield f"Stacks in accounts of their own say so: {own}"


def _lines(use: Use, project: Project, *stacks: str) -> Iterator[str]:
    quota, region = use.quota, project.environments[stacks[0]].region
    unit = f" {quota.unit}" if quota.unit else ""
    per = "" if quota.per == "account" else f" (of one {quota.per})"
    yield f"  {quota.name}{per}"
    yield f"    has {number(use.limit)}{unit}; needs {number(use.now)} now, {number(use.grown)} at full growth"
    if not quota.adjustable:
        yield f"    no one raises it: {quota.instead}"
        return
    if quota.code:
        where = _GLOBAL_REGION if quota.service in WHOLE_ACCOUNT - {"s3"} else region
        yield (
            f"    aws service-quotas request-service-quota-increase --service-code {quota.service} "
            f"--quota-code {quota.code} --desired-value {use.needed} --region {where}"
        )
    else:
        yield f"    ask AWS Support for {use.needed:,} (Service Quotas has no code for it)"
    if quota.instead:
        yield f"    or {quota.instead}"
    key = f"{project.system.name}:quotas.{quota.key}"
    for stack in stacks:
        yield f"    once it is there: {set_command(stack, key, str(use.needed), nested=True)}"


_GLOBAL_REGION = "us-east-1"
"""Where quotas of services without regions are asked for."""


def _document(use: Use, region: str) -> QuotaUse:
    quota = use.quota
    wanted = use.over or use.outgrown
    return QuotaUse(
        key=quota.key,
        name=quota.name,
        service_code=quota.service,
        quota_code=quota.code,
        per=quota.per,
        unit=quota.unit,
        adjustable=quota.adjustable,
        default=quota.default_in(region),
        limit=use.limit,
        now=use.now,
        grown=use.grown,
        ask_for=use.needed if wanted and quota.adjustable else None,
        remedy=quota.ask if wanted else "",
        source=quota.source,
    )


if __name__ == "__main__":
    sys.exit(main(None))
