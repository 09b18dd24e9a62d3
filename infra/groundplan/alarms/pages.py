"""The pages, as they stand in `text/`, and as a person reads them: with the commands' variables set first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from groundplan.alarms.variables import AGO, DIMENSION, used

HEADINGS = ("What it means", "Where to look", "What to do", "How to prove that it is over")
"""The parts of a page, in the order in which an engineer needs them."""
COMMAND = "groundplan alarm"
_FOLDER = "text"
_NAMED = re.compile(rf"{COMMAND} ([a-z0-9-]+)$")
_OVER = """
The notification of its end comes by itself; its state, and since when:

```sh
aws cloudwatch describe-alarms --alarm-names "$ALARM" --alarm-types MetricAlarm CompositeAlarm \\
  --query '[MetricAlarms,CompositeAlarms][].[AlarmName,StateValue,StateUpdatedTimestamp]' --output table
```
"""


@dataclass(frozen=True, slots=True)
class Page:
    """One page. ``name`` is what `groundplan alarm` takes."""

    name: str
    title: str
    text: str
    """Markdown below the title."""

    def parts(self) -> dict[str, str]:
        """What stands below each heading."""
        found = re.split(r"^## (.+)\n", self.text, flags=re.MULTILINE)
        return dict(zip(found[1::2], found[2::2], strict=True))

    def markdown(self, known: Mapping[str, str] | None = None) -> str:
        """The whole page. ``known`` has values of variables; others are asked for, or found by a command."""
        return f"# {self.title}\n\n{_settings(self, known or {})}\n{self.text.rstrip()}\n{_OVER}"


@cache
def names() -> tuple[str, ...]:
    """All pages, sorted."""
    folder = resources.files(__package__) / _FOLDER
    return tuple(sorted(each.name.removesuffix(".md") for each in folder.iterdir() if each.name.endswith(".md")))


@cache
def page(name: str) -> Page:
    """Raises KeyError for a name that is none of `names`."""
    if name not in names():
        raise KeyError(name)
    text = (resources.files(__package__) / _FOLDER / f"{name}.md").read_text(encoding="utf-8")
    title, _, rest = text.partition("\n")
    return Page(name, title.removeprefix("# "), rest.lstrip())


def page_name(description: str) -> str | None:
    """The page that an alarm's description names; None: it names none, as an alarm of a program's own."""
    found = _NAMED.search(description)
    return found[1] if found else None


def _settings(page: Page, known: Mapping[str, str]) -> str:
    return "Set first:\n\n```sh\n" + "\n".join(_lines(page, known)) + "\n```\n"


def _lines(page: Page, known: Mapping[str, str]) -> Iterator[str]:
    wanted = used(page.name, page.text + _OVER)
    if any("$(dimension " in variable.command for variable in wanted if variable.name not in known):
        yield DIMENSION
    if "$(ago " in page.text:
        yield AGO
    for variable in wanted:
        if variable.name in known:
            yield f"{variable.name}='{known[variable.name]}'"
        elif variable.command:
            yield f"{variable.name}={variable.command}"
        else:
            yield f"{variable.name}=''  # {variable.meaning}"
