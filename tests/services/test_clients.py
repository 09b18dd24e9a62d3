"""Generated clients compile, and are used against a service (issue 14): Python and TypeScript."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chassis.tests.http.served import served
from chassis.tests.http.shop import Stage
from groundplan.cli.clients import make_clients
from groundplan.clients import Language, make_client, package_name
from groundplan.clients.tools import python_tool, typescript_tool
from groundplan.problems import ProblemsFound
from groundplan_chassis.http.openapi import openapi_text

PROVE = bool(os.environ.get("PROVE"))
"""Only the campaign fetches generators: `make prove WHAT=clients`."""
ABSENT = "the generator is not on this machine: `groundplan clients` or `make prove WHAT=clients` fetches it"

PYTHON = """
import sys

from shop_order_client import AuthenticatedClient
from shop_order_client.api.order import create_orders, get_orders, list_orders, update_orders
from shop_order_client.models import Error, OrderBody, OrderBodyStatus, OrderEnvelope, OrderList

client = AuthenticatedClient(base_url=sys.argv[1], token="ada")
body = OrderBody(status=OrderBodyStatus.PLACED, total="12.50", customer_id="anna", quantity=3)
made = create_orders.sync(client=client, body=body)
assert isinstance(made, OrderEnvelope), made
assert made.data.total == "12.50"
body.total = "13.00"
changed = update_orders.sync_detailed(made.data.id, client=client, body=body, if_match='"1"')
assert changed.status_code == 200
assert isinstance(changed.parsed, OrderEnvelope)
found = get_orders.sync(made.data.id, client=client)
assert isinstance(found, OrderEnvelope)
assert (found.data.version, found.data.total, found.data.quantity) == (2, "13.00", 3)
page = list_orders.sync(client=client, limit=1)
assert isinstance(page, OrderList)
assert [each.id for each in page.data] == [made.data.id]
refused = create_orders.sync(client=client, body=OrderBody(status=OrderBodyStatus.PLACED, total="-1"))
assert isinstance(refused, Error)
print(refused.error.code)
"""

TYPESCRIPT = """
import { client, type components } from "./index.js";

const shop = client({ baseUrl: process.argv[2], headers: { authorization: "Bearer ada" } });
const body: components["schemas"]["OrderBody"] = { status: "placed", total: "12.50", customer_id: "anna" };
const made = await shop.POST("/api/v1/orders", { body });
if (made.data === undefined) throw new Error(JSON.stringify(made.error));
const id: string = made.data.data.id;
const found = await shop.GET("/api/v1/orders/{id}", { params: { path: { id } } });
if (found.data?.data.total !== "12.50") throw new Error(JSON.stringify(found.error));
const page = await shop.GET("/api/v1/orders", { params: { query: { limit: 1, sort: ["-created_at"] } } });
if (page.data?.data.length !== 1) throw new Error(JSON.stringify(page.error));
const refused = await shop.POST("/api/v1/orders", { body: { ...body, total: "-1" } });
console.log(refused.error?.error.code);
"""


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("order") / "openapi.json"
    path.write_text(openapi_text(Stage().service()), encoding="utf-8")
    return path


def client_of(language: Language, document: Path, folder: Path) -> Path:
    if not make_client(language, document, package_name("shop", "order", language), folder, fetch=PROVE):
        pytest.skip(ABSENT)
    return folder


def test_a_python_client_compiles_and_is_used(document: Path, tmp_path: Path) -> None:
    folder = client_of("python", document, tmp_path)
    (folder / "use.py").write_text(PYTHON, encoding="utf-8")
    # Of the package what its users see: inside, the generator calls a variable as the property `error` is called.
    mypy = [sys.executable, "-m", "mypy", "--strict", "--config-file", ""]
    typed = [*mypy, "--follow-imports", "silent", "use.py"]
    done = subprocess.run(typed, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    tool = python_tool(fetch=False)
    assert tool is not None
    with served(Stage()) as port:
        use = [str(tool / "python"), "use.py", f"http://127.0.0.1:{port}"]
        used = subprocess.run(use, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert used.stdout.strip() == "VALIDATION_ERROR", used.stderr


def test_a_typescript_client_compiles_and_is_used(document: Path, tmp_path: Path) -> None:
    folder = client_of("typescript", document, tmp_path)
    tool = typescript_tool(fetch=False)
    assert tool is not None
    (folder / "node_modules").symlink_to(tool / "node_modules")
    (folder / "use.ts").write_text(TYPESCRIPT, encoding="utf-8")
    settings = folder / "tsconfig.json"
    settings.write_text(settings.read_text().replace('"index.ts"', '"index.ts", "use.ts"'))
    # Node's own types are no part of the client; the one name of them that is used stands for itself.
    (folder / "node.d.ts").write_text("declare const process: { argv: string[] };\n")
    settings.write_text(settings.read_text().replace('"use.ts"', '"use.ts", "node.d.ts"'))
    compiler = ["node", "node_modules/typescript/bin/tsc", "--project", "."]
    done = subprocess.run(compiler, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with served(Stage()) as port:
        use = ["node", "dist/use.js", f"http://127.0.0.1:{port}"]
        used = subprocess.run(use, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert used.stdout.strip() == "VALIDATION_ERROR", used.stderr


PROJECT = """\
name: shop
identity: {roles: [admin]}
services:
  order: {resources: {order: {fields: {note: {type: text}}, operations: {get: [admin]}}}}
"""


@pytest.mark.parametrize(
    ("services", "says"),
    [(["ordr"], "did you mean `order`?"), ([], "run `make openapi` first")],
)
def test_what_no_client_can_be_made_of_is_said(tmp_path: Path, services: list[str], says: str) -> None:
    (tmp_path / "system.yaml").write_text(PROJECT)
    with pytest.raises(ProblemsFound, match=says):
        make_clients(tmp_path, services, ["python"], Path("clients"))
    assert not (tmp_path / "clients").exists()


def test_files_of_others_are_not_removed(tmp_path: Path, document: Path) -> None:
    (tmp_path / "system.yaml").write_text(PROJECT)
    (tmp_path / "services/order").mkdir(parents=True)
    (tmp_path / "services/order/openapi.json").write_text(document.read_text())
    own = tmp_path / "clients/python/order/notes.txt"
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    with pytest.raises(ProblemsFound, match="holds other files"):
        make_clients(tmp_path, ["order"], ["python"], Path("clients"))
    assert own.read_text() == "mine"


def test_without_npm_the_other_language_is_named(
    tmp_path: Path, document: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProblemsFound, match="--language python"):
        make_client("typescript", document, "@shop/order-client", tmp_path)
    assert make_client("typescript", document, "@shop/order-client", tmp_path, fetch=False) is False
