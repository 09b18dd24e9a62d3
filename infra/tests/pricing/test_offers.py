"""AWS's price-list files, in files of their shape: what is read, what isn't taken, and what a broken one leaves."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundplan.cli import prices
from groundplan.pricing import offers
from groundplan.pricing.offers import Folder, Web, read_prices, write_prices
from groundplan.pricing.table import PriceTable, built_in, own_file, parse, table_for
from groundplan.problems import ProblemsFound
from infra.tests.pricing.offer_files import CSV, OFFERS, offer, product, write

TODAY = "2026-11-30"


def read(folder: Path, region: str = "us-east-1") -> PriceTable:
    return read_prices(region, Folder(folder), TODAY).table


@pytest.mark.parametrize(
    ("key", "quantity", "usd"),
    [
        ("rds.db.r7g.large.single", 1, 0.239),  # not the reserved one
        ("rds.db.r7g.large.multi", 1, 0.478),  # not readable standbys
        ("rds.storage.multi", 1, 0.23),
        ("apigateway.rest", 333e6, 333 * 3.5),
        ("apigateway.rest", 1100e6, 333 * 3.5 + 667 * 2.8 + 100 * 2.38),  # its tiers stand in no order
        ("apigateway.rest", 21e9, 333 * 3.5 + 667 * 2.8 + 19000 * 2.38 + 1000 * 1.51),
        ("sqs.requests", 1e6, 0.4),  # a free first tier isn't subtracted
        ("sqs.requests", 5e6, 2.0),
    ],
)
def test_prices_of_the_samples(key: str, quantity: float, usd: float) -> None:
    table = read(OFFERS)
    assert table.usd(key, "us-east-1", quantity) == pytest.approx(usd)
    assert table.confidence(key, "us-east-1") == "confirmed"
    assert table.usd(key, "eu-central-1", quantity) is None


def test_they_are_what_the_built_in_table_says() -> None:
    for rate in read(OFFERS).rates:
        price = rate.prices["us-east-1"].usd
        known = {row.starts: row.prices["us-east-1"].usd for row in built_in().tiers(rate.key)}
        assert known[rate.starts] == pytest.approx(price), rate.key


def test_rows_of_a_large_file(tmp_path: Path) -> None:
    (tmp_path / "AmazonEC2.eu-central-1.csv").write_text(CSV)
    table = read(tmp_path, "eu-central-1")
    assert table.usd("ec2.c6a.xlarge", "eu-central-1") == pytest.approx(0.1746)
    assert table.usd("ebs.storage", "eu-central-1") == pytest.approx(0.0952)
    assert table.usd("ebs.throughput", "eu-central-1") == pytest.approx(0.0476)
    assert table.tiers("ec2.c6a.xlarge")[0].date == "2026-08-31"


def test_one_of_several_engines(tmp_path: Path) -> None:
    same = {"instanceType": "cache.m7g.large", "usagetype": "EUC1-NodeUsage:cache.m7g.large"}
    surcharge = {**same, "usagetype": "EUC1-ExtendedSupport:cache.m7g.large", "cacheEngine": "Valkey"}
    content = offer(
        product("A", "0.1890000000", "Cache Instance", **same, cacheEngine="Redis"),
        product("B", "0.1512000000", "Cache Instance", **same, cacheEngine="Valkey"),
        product("C", "9.0000000000", "Cache Instance", **surcharge),
    )
    write(tmp_path, "AmazonElastiCache.eu-central-1.json", content)
    assert read(tmp_path, "eu-central-1").usd("cache.m7g.large", "eu-central-1") == pytest.approx(0.1512)


def test_a_region_in_a_file_of_all(tmp_path: Path) -> None:
    content = offer(
        product("A", "1.0000000000", usagetype="eu-central-1-KMS-Keys"),
        product("B", "2.0000000000", usagetype="eu-west-1-KMS-Keys"),
    )
    write(tmp_path, "awskms.all.json", content)
    assert read(tmp_path, "eu-central-1").usd("kms.key", "eu-central-1") == 1.0
    assert read(tmp_path, "eu-west-1").usd("kms.key", "eu-west-1") == 2.0


def test_brokers_by_usage_type(tmp_path: Path) -> None:
    content = offer(
        product("A", "0.4890000000", usagetype="EUC1-Express.m7g.large"),
        product("B", "0.2445000000", usagetype="EUC1-Kafka.m7g.large"),
    )
    write(tmp_path, "AmazonMSK.eu-central-1.json", content)
    table = read(tmp_path, "eu-central-1")
    assert table.usd("msk.express.m7g.large", "eu-central-1") == pytest.approx(0.489)
    assert table.usd("msk.kafka.m7g.large", "eu-central-1") == pytest.approx(0.2445)


def test_several_products_with_different_prices_price_nothing(tmp_path: Path) -> None:
    content = offer(
        product("A", "0.0450000000", "NAT Gateway", usagetype="NatGateway-Hours"),
        product("B", "0.0900000000", "NAT Gateway", usagetype="NatGateway-Hours"),
        product("C", "0.0450000000", "NAT Gateway", usagetype="NatGateway-Bytes"),
        product("D", "0.0450000000", "NAT Gateway", usagetype="NatGateway-Bytes"),
    )
    write(tmp_path, "AmazonEC2.us-east-1.json", content)
    reading = read_prices("us-east-1", Folder(tmp_path), TODAY)
    assert reading.ambiguous == ("nat.hour",)
    assert reading.table.usd("nat.hour", "us-east-1") is None
    assert reading.table.usd("nat.processed", "us-east-1") == pytest.approx(0.045)


def test_every_rate_is_read_missing_or_never_read() -> None:
    reading = read_prices("us-east-1", Folder(OFFERS), TODAY)
    read_keys = {rate.key for rate in reading.table.rates}
    assert not read_keys & {*reading.missing, *reading.unselected}
    assert "AmazonEKS" in reading.unread_offers


BROKEN = {
    "cut short": '{"formatVersion": "v1.0", "products": {"A": ',
    "a web page": "<html>403</html>",
    "a list": "[]",
    "no products": '{"terms": {"OnDemand": {}}}',
    "no terms": '{"products": {}}',
    "terms that are text": '{"products": {}, "terms": "none"}',
    "a product that is text": '{"products": {"A": "x"}, "terms": {"OnDemand": {}}}',
    "a price that is no number": json.dumps(offer(product("A", "free", usagetype="NatGateway-Hours"))),
    "nothing": "",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_writes_nothing(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = tmp_path / "files"
    shutil.copytree(OFFERS, files)
    project = tmp_path / "project"
    project.mkdir()
    (project / "system.yaml").touch()
    monkeypatch.chdir(project)
    assert prices.main(["--region", "us-east-1", "--from", str(files)]) == 0
    before = own_file(project, "us-east-1").read_bytes()
    (files / "AmazonEC2.us-east-1.json").write_text(text)
    assert prices.main(["--region", "us-east-1", "--from", str(files)]) == 1
    assert "not readable" in capsys.readouterr().err
    assert set(os.listdir(project)) == {"system.yaml", "prices.us-east-1.json"}
    assert own_file(project, "us-east-1").read_bytes() == before


@pytest.mark.parametrize("at", ["replace", "fdopen"])
def test_a_write_that_fails_leaves_nothing(at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    table = read(OFFERS)
    monkeypatch.setattr(os, at, full)
    with pytest.raises(ProblemsFound, match="No space left"):
        write_prices(table, tmp_path / "prices.us-east-1.json")
    assert os.listdir(tmp_path) == []


def test_a_file_of_that_name_that_is_something_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "prices.us-east-1.json"
    path.write_text('{"mine": true}')
    with pytest.raises(ProblemsFound):
        write_prices(read(OFFERS), path)
    assert path.read_text() == '{"mine": true}'


def test_what_was_written_is_read_again_and_stands_above_the_built_in_table(tmp_path: Path) -> None:
    content = offer(product("A", "0.2870000000", "Database Instance", usagetype="EUC1-InstanceUsage:db.r7g.large",
        instanceType="db.r7g.large", databaseEngine="PostgreSQL", licenseModel="No license required",
        deploymentOption="Single-AZ"))  # fmt: skip
    write(tmp_path, "AmazonRDS.eu-central-1.json", content)
    write_prices(read(tmp_path, "eu-central-1"), own_file(tmp_path, "eu-central-1"))
    table = table_for(tmp_path, "eu-central-1")
    assert table.usd("rds.db.r7g.large.single", "eu-central-1") == pytest.approx(0.287)
    assert table.usd("rds.db.r7g.large.single", "us-east-1") == pytest.approx(0.239)
    assert table.usd("rds.db.m7g.large.multi", "eu-central-1") == pytest.approx(0.401)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "make prices REGION="),
        (["--region", "eu-centrl-1"], "did you mean `eu-central-1`?"),
        (["--region", "us-east-1", "--from", "nowhere"], "a folder of price-list files"),
        (["--region", "us-east-1", "--from", "."], "nothing was written"),
    ],
)
def test_wrong_arguments(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "system.yaml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REGION", raising=False)
    assert prices.main(arguments) == 1
    assert said in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["system.yaml"]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A server with AWS's paths."""
    root = tmp_path / "host"
    base = root / "offers/v1.0/aws/AmazonRDS"
    (base / "current").mkdir(parents=True)
    version = base / "20260831092223/us-east-1"
    version.mkdir(parents=True)
    shutil.copy(OFFERS / "AmazonRDS.us-east-1.json", version / "index.json")
    address = "/offers/v1.0/aws/AmazonRDS/20260831092223/us-east-1/index.json"
    index = {"regions": {"us-east-1": {"regionCode": "us-east-1", "currentVersionUrl": address}}}
    (base / "current/region_index.json").write_text(json.dumps(index))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object, **named: object) -> None:
            super().__init__(*arguments, directory=str(root), **named)  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(offers, "HOST", f"http://127.0.0.1:{server.server_port}")
    yield base
    server.shutdown()
    server.server_close()


def test_a_file_is_found_by_its_index(host: Path) -> None:
    assert host.is_dir()
    opened = Web().open("AmazonRDS", "us-east-1")
    assert opened is not None
    file, address, as_csv = opened
    with file as stream:
        assert json.load(stream)["offerCode"] == "AmazonRDS"
    assert "/20260831092223/" in address
    assert not as_csv
    assert Web().open("AmazonRDS", "eu-central-1") is None


def test_an_offer_that_the_host_does_not_have_is_said(host: Path) -> None:
    assert host.is_dir()
    with pytest.raises(ProblemsFound, match="nothing was written"):
        Web().open("AmazonEKS", "us-east-1")


def test_a_table_that_is_none_is_refused() -> None:
    for text in ("", "[]", '{"rates": []}', '{"gathered": "x", "currency": "EUR", "sources": [], "rates": []}'):
        with pytest.raises(ProblemsFound, match="not readable as prices"):
            parse(text, "prices.eu-west-1.json")
