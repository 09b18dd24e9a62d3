"""What is on the site: its pages in their order, and where each comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from groundplan.alarms import names, page
from tools.site import reference, sections


@dataclass(frozen=True, slots=True)
class SitePage:
    """``path`` on the site; ``source`` in this repository, or ``made`` by code at every build, and kept nowhere."""

    title: str
    path: str
    source: str = ""
    made: Callable[[], str] | None = None
    inside: Sequence[SitePage] = field(default=())
    """Pages below this one; it has none of its own then."""


def _decisions() -> Sequence[SitePage]:
    listed = SitePage("All", "explanation/decisions/index.md", "docs/adr/README.md")
    return [
        listed,
        *(SitePage(title, f"explanation/decisions/{name}", f"docs/adr/{name}") for name, title in _titles()),
    ]


def _titles() -> Sequence[tuple[str, str]]:
    found = sorted((sections.ROOT / "docs/adr").glob("0*.md"))
    return [(each.name, sections.title(each.read_text(encoding="utf-8"))) for each in found]


def _alarms() -> Sequence[SitePage]:
    def made(name: str) -> Callable[[], str]:
        return lambda: page(name).markdown()

    listed = SitePage("All", "how-to/alarms/index.md", made=reference.alarms)
    return [listed, *(SitePage(page(name).title, f"how-to/alarms/{name}.md", made=made(name)) for name in names())]


PAGES: Sequence[SitePage] = (
    SitePage("Overview", "index.md", "README.md"),
    SitePage("First ten minutes", "tutorial.md", made=sections.first_ten_minutes),
    SitePage(
        "How to",
        "",
        inside=(
            SitePage("Own resources and components", "how-to/own-program.md", "docs/own-program.md"),
            SitePage("Images and code of services", "how-to/services.md", "templates/project/services/README.md"),
            SitePage("Real servers, benches", "how-to/devkit.md", "devkit/README.md"),
            SitePage("A page to hand on", "how-to/report.md", "docs/report/README.md"),
            SitePage("This site", "how-to/site.md", "docs/site/README.md"),
            SitePage("Alarms", "", inside=_alarms()),
        ),
    ),
    SitePage(
        "Reference",
        "",
        inside=(
            SitePage("Declaration", "reference/declaration.md", made=reference.declaration),
            SitePage("Stack", "reference/stack.md", made=reference.stack),
            SitePage("Commands", "reference/commands.md", "docs/commands.md"),
            SitePage("Options of commands", "reference/options.md", made=reference.options),
            SitePage("Libraries of a project", "reference/groundplan.md", "infra/README.md"),
            SitePage("Components", "reference/components.md", "components/README.md"),
            SitePage("Arguments of components", "reference/arguments.md", "components/REFERENCE.md"),
            SitePage("Chassis", "reference/chassis.md", "chassis/README.md"),
            SitePage("Public names of the chassis", "reference/chassis-names.md", made=reference.chassis),
        ),
    ),
    SitePage(
        "Explanation",
        "",
        inside=(
            SitePage("A system, designed", "explanation/architecture.md", "ARCHITECTURE.md"),
            SitePage("How it is put together", "explanation/pieces.md", "CONTRIBUTING.md"),
            SitePage("Services, measured", "explanation/measured.md", "docs/measured.md"),
            SitePage("Calibration of plans", "explanation/calibration.md", "docs/calibration.md"),
            SitePage("A year, rehearsed: dev", "explanation/year-dev.md", "docs/proof/year/shop-dev.md"),
            SitePage("A year, rehearsed: prod", "explanation/year-prod.md", "docs/proof/year/shop-prod.md"),
            SitePage("Decisions", "", inside=_decisions()),
        ),
    ),
)


def flat(pages: Sequence[SitePage] = PAGES) -> list[SitePage]:
    """Every page with a path of its own."""
    return [each for page in pages for each in (flat(page.inside) if page.inside else [page])]


def navigation(pages: Sequence[SitePage] = PAGES) -> list[Mapping[str, object]]:
    """As MkDocs wants it."""
    return [{page.title: navigation(page.inside) if page.inside else page.path} for page in pages]
