"""AWS's list prices of one region, read from its public price-list files into `prices.<region>.json`.

Tested on small files of their shape; not run against AWS here.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from groundplan.capacity.text import paragraph
from groundplan.cli._run import run
from groundplan.pricing.offers import Folder, Web, read_prices, write_prices
from groundplan.pricing.table import own_file
from groundplan.problems import Problem, ProblemsFound, did_you_mean
from groundplan.project import require_project
from groundplan.stack.values import REGIONS


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="groundplan prices", description=__doc__)
    parser.add_argument("--region", default=os.environ.get("REGION"), help="an AWS region such as eu-west-1")
    parser.add_argument(
        "--from", dest="folder", help="a folder of <OfferCode>.<region>.json files; default: AWS's own host"
    )
    options = parser.parse_args(arguments)
    return run(lambda: write_region(require_project(), options.region, options.folder))


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
    sys.exit(main())
