"""The report page: whole, alone, and readable without seeing it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from groundplan.capacity import plan
from groundplan.declaration.model import System
from groundplan.report import Contents, page
from groundplan.report.charts import _steps
from groundplan.report.page import Layer, Step
from groundplan.stack.environment import Environment
from infra.tests.capacity.stacks import DEV, PROD, one_service
from infra.tests.samples import shop, stack, system_of

VOID = {"meta", "link", "br", "path", "rect", "circle", "line"}


class Reader(HTMLParser):
    """Elements with their attributes, balanced."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def contents(system: System, environment: Environment) -> Contents:
    return Contents(
        system,
        environment,
        plan(system, environment),
        ("As deployed it holds <some> requests/s.",),
        "2026-11-30",
        {"databases": (120.0, 900.0), "edge": (80.0, None)},
        dict.fromkeys(system.services, (10.0, 20.0)),
        5.0,
        (Layer("S1 network", (("a firewall", "a rule & its group"),), (("a log", "write one"),)),),
        (Step("deployed for the first time", "300 created"), Step("ten times the load", "12 changed")),
    )


CASES = {
    "shop": (shop(), stack("prod")),
    "shop, dev": (shop(), stack("dev")),
    "a tool": (one_service({"requests_per_second": 2}, broker="sqs", data_gb=2), DEV),
    "thirty services": (system_of(30, "sqs"), PROD),
}


@pytest.mark.parametrize("case", CASES)
def test_a_page_is_whole_and_loads_nothing(case: str) -> None:
    text = page(contents(*CASES[case]))
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    assert not [tag for tag, _ in reader.found if tag in ("script", "img", "iframe", "object", "embed")]
    addresses = [
        value
        for _, attributes in reader.found
        for name, value in attributes.items()
        if name in ("href", "src") and value
    ]
    assert [each for each in addresses if not each.startswith(("#", "data:,"))] == []
    assert "url(" not in text
    assert "@import" not in text
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg|aws\.amazon\.com/legal)", text) == []


@pytest.mark.parametrize("case", CASES)
def test_a_page_can_be_read_by_keyboard_and_ear(case: str) -> None:
    reader = Reader()
    reader.feed(page(contents(*CASES[case])))
    ids = [attributes["id"] for _, attributes in reader.found if attributes.get("id")]
    assert len(ids) == len(set(ids))
    links = {(attributes.get("href") or "")[1:] for tag, attributes in reader.found if tag == "a"}
    assert links <= set(ids)
    assert {"architecture", "load", "budgets", "cost", "data", "layers", "year"} <= links
    tables = sum(tag == "table" for tag, _ in reader.found)
    charts = [attributes for tag, attributes in reader.found if tag == "svg"]
    assert all(attributes.get("aria-hidden") == "true" for attributes in charts)
    assert tables >= len(charts) >= 5, "each chart's numbers are in a table"
    wide = [attributes for _, attributes in reader.found if attributes.get("class") == "wide"]
    assert all(attributes.get("tabindex") == "0" and attributes.get("aria-label") for attributes in wide)
    assert dict(reader.found[0:1]) == {"html": {"lang": "en"}}
    headings = [int(tag[1]) for tag, _ in reader.found if re.fullmatch(r"h\d", tag)]
    assert headings[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))


def test_what_it_shows_is_the_plan_s() -> None:
    system, environment = CASES["shop"]
    sized = plan(system, environment)
    reader = Reader()
    reader.feed(page(contents(system, environment)))
    for workload in sized.workloads:
        assert workload.name in reader.text
    for tier in sized.bottlenecks[:16]:
        assert tier.subject in reader.text
    for said in ("43.2 minutes", "117", "As deployed it holds <some> requests/s.", "a rule & its group", "12 changed"):
        assert said in reader.text


def test_each_bar_has_its_name_and_the_scale_round_numbers() -> None:
    system, environment = CASES["shop"]
    text = page(contents(system, environment))
    drawn = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    for tier in plan(system, environment).bottlenecks[:16]:
        assert f">{tier.subject}<" in drawn
    for name in ("allowed by the target", "AWS&#39;s commitments", "databases", "edge"):
        assert f">{name}<" in drawn or f">{name.replace('&#39;', chr(39))}<" in drawn
    for most in (0.0, 0.3, 7, 99, 100, 295, 35_717):
        steps = _steps(most)
        assert steps[0] == 0
        assert 2 <= len(steps) <= 9
        assert steps[-1] <= max(most, 1)


def test_a_page_without_the_slow_parts_says_so() -> None:
    system, environment = CASES["shop"]
    text = page(Contents(system, environment, plan(system, environment), (), "2026-11-30"))
    for said in ("Not computed", "Not looked at", "Not rehearsed"):
        assert said in text


def test_names_are_text_whatever_they_hold() -> None:
    system = shop().model_copy(update={"description": '<b>&"quoted"</b>'})
    text = page(Contents(system, stack("prod"), plan(system, stack("prod")), ("<script>",), "today"))
    assert "<b>" not in text
    assert "<script" not in text
