"""AWS's list prices of one region, read from its public price-list files into `prices.<region>.json`.

Tested on small files of their shape; not run against AWS here.
"""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import click

from groundplan.capacity.text import paragraph
from groundplan.cli._command import Command, main_of
from groundplan.pricing.offers import Folder, Web, read_prices, write_prices
from groundplan.pricing.table import own_file
from groundplan.problems import Problem, ProblemsFound, did_you_mean
from groundplan.project import require_project
from groundplan.stack.values import REGIONS


@click.command("prices", cls=Command)
@click.option("--region", envvar="REGION", metavar="NAME", help="An AWS region such as eu-west-1.")
@click.option("--from", "folder", metavar="FOLDER", help="Of <OfferCode>.<region>.json files. Default: AWS's own host.")
def command(region: str | None, folder: str | None) -> int:
    """Read AWS's price list of a region into the project.

    They are written into prices.<region>.json, which stands above the built-in prices.
    """
    return write_region(require_project(), region, folder)


main = main_of(command)


def write_region(project: Path, region: str | None, folder: str | None) -> int:
    """Raises ProblemsFound; then nothing is written."""
    if region not in REGIONS:
        remedy = did_you_mean(region or "", REGIONS, "give one: make prices REGION=eu-central-1")
        raise ProblemsFound([Problem("command line", "--region", region or "missing", "a region of AWS", remedy)])
    source = Folder(Path(folder)) if folder else Web()
    reading = read_prices(region, source, datetime.datetime.now(datetime.UTC).date().isoformat())
    if not reading.table.rates:
        raise ProblemsFound(
            [
                Problem(
                    folder or "AWS's price list",
                    region,
                    "no price that was looked for",
                    "files of this region",
                    "check the region and the files' names; nothing was written",
                )
            ]
        )
    path = own_file(project, region)
    write_prices(reading.table, path)
    keys = {rate.key for rate in reading.table.rates}
    print(f"{path.name}: {len(keys)} rates of {region}.")
    for heading, names in (
        ("Not sold there, or no file of it", reading.unread_offers),
        ("Several products, so none was taken", reading.ambiguous),
        ("Not found; the built-in price stays, if there is one", reading.missing),
        ("Never read, as the product isn't known", reading.unselected),
    ):
        if names:
            print("\n".join(paragraph(f"{heading}: {', '.join(names)}.")))
    return 0


if __name__ == "__main__":
    sys.exit(main(None))
