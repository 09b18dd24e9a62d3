"""The page: parts in the order in which a reader asks, each a chart or a list with the numbers in a table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files

from groundplan.capacity import DatabasePlan, Plan, figures
from groundplan.capacity.budget_text import (
    availability_rows,
    availability_sentence,
    latency_rows,
    latency_sentence,
)
from groundplan.capacity.costs import provenance
from groundplan.capacity.shards import shards_gb
from groundplan.capacity.wording import count, number, percent, span, whole
from groundplan.capacity.written import with_written
from groundplan.declaration.model import System
from groundplan.report.charts import bars, lines
from groundplan.stack.environment import Environment

_SHOWN_TIERS = 16
_SHOWN_SERVICES = 40
_SHOWN_LINES = 5
"""Beside the limit, as many as there are colours."""


_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""The browser is told to load nothing, so that a page that is handed on asks no one."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of defence: what is met with its evidence, and what is missing."""

    name: str
    met: tuple[tuple[str, str], ...]
    missing: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the rehearsed year, and what it does to what is deployed."""

    title: str
    result: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What a page is made of. Costs are US dollars a month by tier and by service, today and grown; None where they
    can't be told."""

    system: System
    environment: Environment
    plan: Plan
    reached: tuple[str, ...]
    made: str
    """The day."""
    tiers: Mapping[str, tuple[float, float | None]] = field(default_factory=dict)
    services: Mapping[str, tuple[float, float | None]] = field(default_factory=dict)
    unpriced: float = 0.0
    layers: tuple[Layer, ...] = ()
    year: tuple[Step, ...] = ()


def page(of: Contents) -> str:
    parts = [
        ("architecture", "Architecture", _architecture(of)),
        ("load", "Load against capacity", _load(of)),
        ("budgets", "Budgets", _budgets(of)),
        ("cost", "Cost", _cost(of)),
        ("data", "Data to the horizon", _data(of)),
        ("layers", "Layers of defence", _layers(of)),
        ("year", "The rehearsed year", _year(of)),
        ("figures", "What it rests on", _figures(of)),
    ]
    title = f"{of.system.name}, {of.environment.name}"
    links = "".join(f'<li><a href="#{name}">{heading}</a></li>' for name, heading, _ in parts)
    sections = "".join(
        f'<section id="{name}" aria-labelledby="{name}-h"><h2 id="{name}-h">{heading}</h2>{content}</section>'
        for name, heading, content in parts
    )
    style = (files("groundplan.report") / "page.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title><style>{style}</style></head><body>'
        f'<a class="skip" href="#main">To the content</a><header><h1>{escape(title)}</h1><p>{_summary(of)}</p>'
        f'<nav aria-label="Parts"><ul>{links}</ul></nav></header><main id="main">{sections}</main>'
        f"<footer><p>Made by <code>make report</code> on {escape(of.made)}. Nothing in it is loaded from elsewhere.</p>"
        "</footer></body></html>\n"
    )


def _summary(of: Contents) -> str:
    said = escape(of.system.description)
    load = f"{number(of.plan.requests_per_second)} requests/s today"
    goal = number(of.plan.requests_per_second * of.plan.growth_factor)
    total = sum(today for today, _ in of.tiers.values())
    money = f", about ${total:,.0f} a month" if total else ""
    return f"{said}{'. ' if said else ''}{load}, {goal} the goal{money}."


# Parts


def _architecture(of: Contents) -> str:
    plan, environment = of.plan, of.environment
    boxes: list[tuple[str, list[str]]] = [
        ("Edge", ["CloudFront, web ACL" + (", static site" if of.system.edge.static_site else "")]),
        ("API Gateway", [f"{plan.gateway.requests_per_second:,} requests/s, burst {plan.gateway.burst:,}"]),
    ]
    cluster = plan.cluster
    workloads = [f"{w.name}: {span(w.min_pods, w.max_pods)} pods of {w.cpu_millicores} m" for w in plan.workloads]
    boxes.append(
        (f"EKS, {span(cluster.nodes_now, cluster.nodes_grown)} nodes of 4 vCPU", _some(workloads, "workloads"))
    )
    boxes.append(("RDS for PostgreSQL", _some([_database(each) for each in plan.databases], "databases")))
    if plan.cache:
        nodes = plan.cache.shards * (1 + plan.cache.replicas)
        boxes.append(("ElastiCache for Valkey", [f"{nodes} x {plan.cache.node_type}"]))
    if plan.events:
        kafka = plan.events.kafka
        how = f"MSK, {kafka.brokers} x {kafka.instance_type}" if kafka else "SNS and SQS"
        topics = [
            f"{topic.event}: {topic.publisher} to "
            + (", ".join([*topic.consumers, *(f"{p}'s read model" for p in topic.projectors)]) or "the event log")
            for topic in plan.events.topics
        ]
        boxes.append((how, _some(topics, "topics")))
    listed = "".join(f"<li><h3>{escape(name)}</h3>{_list(lines_)}</li>" for name, lines_ in boxes)
    zones = "three zones" if environment.multi_zone else "one zone for what holds data"
    way = "A request travels from the top down; events leave by the outbox."
    intro = f"<p>{escape(environment.region)}, {zones}. {way}</p>"
    return f'{intro}<ol class="path">{listed}</ol>'


def _database(database: DatabasePlan) -> str:
    shards = f"{database.shards} shards, each " if database.shards > 1 else ""
    standby = " and standby" if database.multi_zone else ""
    replicas = f", {count(database.replicas, 'replica')}" if database.replicas else ""
    return f"{database.name}: {shards}{database.instance_class}{standby}{replicas}, {database.storage_gb:,} GiB"


def _load(of: Contents) -> str:
    tiers = of.plan.bottlenecks[:_SHOWN_TIERS]
    growth = f"at {number(of.plan.growth_factor)} times"
    chart = bars(
        "How full each part is",
        {
            "now": [tier.utilisation_now * 100 for tier in tiers],
            growth: [tier.utilisation_grown * 100 for tier in tiers],
        },
        [tier.subject for tier in tiers],
        "%",
        limit=max(100.0, min(300.0, max(tier.utilisation_grown * 100 for tier in tiers))),
    )
    rows = [
        (
            tier.subject,
            f"{number(tier.capacity)} {tier.unit}",
            percent(tier.utilisation_now),
            percent(tier.utilisation_grown),
            whole(tier.bites_at_rps) if math.isfinite(tier.bites_at_rps) else "no load",
            tier.remedy,
        )
        for tier in tiers
    ]
    left = len(of.plan.bottlenecks) - len(tiers)
    more = f"<p>And {left} more with more room.</p>" if left else ""
    headings = ("Part", "Capacity", "Now", growth, "Full at requests/s", "Then")
    table = _table("Parts by the load that fills them", headings, rows)
    notes = f"<h3>Before you rely on it</h3>{_list(of.plan.notes)}" if of.plan.notes else ""
    return f"{_list(of.reached)}{chart}{table}{more}{notes}"


def _budgets(of: Contents) -> str:
    if of.plan.budgets is None:
        return ""
    available = of.plan.budgets.availability
    parts = [
        f"<h3>Availability</h3><p>{escape(availability_sentence(available))}</p>",
        bars(
            "Minutes away in 30 days",
            {"minutes": [available.allowed, available.committed, available.own]},
            ["allowed by the target", "AWS's commitments", "this stack itself"],
            "min",
        ),
        _table("Minutes in 30 days by part", ("Part", "Minutes", "Source"), list(availability_rows(available))),
        f"<h3>Latency</h3>{_list(latency_sentence(each) for each in of.plan.budgets.latency)}",
    ]
    if latency := of.plan.budgets.latency:
        parts.append(
            bars(
                "Milliseconds at the 95th percentile",
                {"ms": [latency[0].target, *(each.total for each in latency)]},
                ["target", *(f"{each.request}, {each.service}" for each in latency)],
                "ms",
            )
        )
        heading = f"Hops of {latency[0].request} of {latency[0].service}"
        parts.append(_table(heading, ("Hop", "ms", "Source"), list(latency_rows(latency[0]))))
    return "".join(parts)


def _cost(of: Contents) -> str:
    if not of.tiers:
        return "<p>Not computed for this page.</p>"
    parts = []
    for title, amounts in (("By tier", of.tiers), ("By service", of.services)):
        shown = list(amounts.items())[:_SHOWN_SERVICES]
        grown = [later if later is not None else 0.0 for _, (_, later) in shown]
        series = {"today": [today for _, (today, _) in shown]}
        heading = f"at {number(of.plan.growth_factor)} times"
        if any(grown):
            series[heading] = grown
        rows = [
            (name, f"{today:,.0f}", "-" if later is None else f"{later:,.0f}")
            for name, (today, later) in amounts.items()
        ]
        parts.append(f"<h3>{title}</h3>")
        parts.append(bars(f"US dollars a month, {title.lower()}", series, [name for name, _ in shown], "$"))
        parts.append(_table(f"US dollars a month, {title.lower()}", ("", "Today", heading), rows))
    parts.append(
        f"<p>List prices on demand, before tax. ${of.unpriced:,.0f} a month more have no rate in this region's table, "
        "by the reference region's list. <code>make cost</code> says what each line rests on.</p>"
    )
    return "".join(parts)


def _data(of: Contents) -> str:
    months = of.system.requirements.horizon_months
    counted = with_written(of.system)
    generations = {name: each.shard_generations for each in of.plan.databases for name in each.services}
    share = of.environment.load_share

    def fullest(name: str, month: int) -> float:
        return max(shards_gb(counted.services[name], generations[name], month)) * share

    names = sorted(counted.services, key=lambda name: fullest(name, months), reverse=True)
    shown = names[:_SHOWN_LINES]
    steps = sorted({*range(0, months + 1, max(1, months // 12)), months})
    series = {name: [(float(month), fullest(name, month)) for month in steps] for name in shown}
    limit = float(figures.SHARD_GB)
    if max(fullest(name, months) for name in names) > limit / 4:
        series["1 TB, where sharding begins (D3)"] = [(0.0, limit), (float(months), limit)]
    rows = [
        (
            name,
            number(fullest(name, 0)),
            number(fullest(name, months)),
            number(counted.services[name].data_growth_gb_per_month * share),
            f"{of.plan.database_of(name).storage_gb:,} to {of.plan.database_of(name).max_storage_gb:,}",
        )
        for name in names[:_SHOWN_SERVICES]
    ]
    chart = lines("GiB in each service's fullest shard", series, "months from now", "GiB")
    headings = ("Service", "Today, GiB", f"In {months} months", "A month", "Storage, to its ceiling")
    return chart + _table("Data of each service's fullest shard", headings, rows)


def _layers(of: Contents) -> str:
    if not of.layers:
        return "<p>Not looked at for this page.</p>"
    parts = []
    for layer in of.layers:
        held = f"{len(layer.met)} of {len(layer.met) + len(layer.missing)} controls met"
        met = "".join(f"<li>{escape(title)}<br><small>{escape(evidence)}</small></li>" for title, evidence in layer.met)
        missing = "".join(
            f"<li><strong>Missing:</strong> {escape(title)}<br><small>{escape(remedy)}</small></li>"
            for title, remedy in layer.missing
        )
        parts.append(f"<details><summary>{escape(layer.name)}: {held}</summary><ul>{missing}{met}</ul></details>")
    return "".join(parts)


def _year(of: Contents) -> str:
    if not of.year:
        return "<p>Not rehearsed for this page.</p>"
    rows = [(step.title, step.result) for step in of.year]
    return (
        "<p>In the simulated cloud, one change on top of the other; <code>make rehearse</code> deploys them.</p>"
        + _table(
            "Changes of a year, and what they do", ("Change", "What is created, changed, replaced and deleted"), rows
        )
    )


def _figures(of: Contents) -> str:
    return (
        _table(
            "Figures of services",
            ("Service", "Figures, and where they come from"),
            provenance(of.system)[:_SHOWN_SERVICES],
        )
        + "<p><code>make plan WHY=1</code> has the reason and the source of every size.</p>"
    )


# Pieces


def _some(items: Sequence[str], noun: str) -> list[str]:
    shown = list(items[:_SHOWN_SERVICES])
    left = len(items) - len(shown)
    return [*shown, f"and {left} more {noun}"] if left > 0 else shown


def _list(items: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"


def _table(caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first cell of a row is its heading; numbers stand right."""
    head = "".join(f'<th scope="col">{escape(each)}</th>' if each else "<td></td>" for each in headings)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>' + "".join(_cell(cell) for cell in row[1:]) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(caption)}"><table><caption>{escape(caption)}'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(text: str) -> str:
    plain = text.replace(",", "").replace("%", "").replace("$", "").strip()
    kind = ' class="number"' if plain.replace(".", "", 1).replace("-", "", 1).isdigit() else ""
    return f"<td{kind}>{escape(text)}</td>"
