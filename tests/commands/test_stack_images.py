"""One image leaves a stack file; everything else in it stays as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from infra.commands.stack_images import forget_image, without_image
from infra.problems import ProblemsFound

BEFORE = "# The stack.\nconfig:\n  aws:region: eu-central-1 # here\n  # Images\n"
AFTER = "  # Addresses\n  shop:alarm_emails: [oncall@example.com]\nsecretsprovider: awskms://alias/x\n"

WAYS = {
    "a block": (
        "  shop:images:\n    user: r.io/user:1\n    # held\n    order: r.io/order:1 # tail\n    payment: r.io/p:1\n",
        "  shop:images:\n    user: r.io/user:1\n    # held\n    payment: r.io/p:1\n",
    ),
    "its last entry": (
        "  shop:images:\n    user: r.io/user:1\n    order: r.io/order:1\n",
        "  shop:images:\n    user: r.io/user:1\n",
    ),
    "its only entry": (
        "  shop:images: # by digest\n    order: r.io/order:1\n",
        "  shop:images: {} # by digest\n",
    ),
    "a folded value": (
        "  shop:images:\n    order: >-\n      r.io/order:1\n    user: r.io/user:1\n",
        "  shop:images:\n    user: r.io/user:1\n",
    ),
    "quoted keys": (
        '  "shop:images":\n    "order": "r.io/order:1"\n    user: r.io/user:1\n',
        '  "shop:images":\n    user: r.io/user:1\n',
    ),
    "one line": (
        "  shop:images: {user: r.io/user:1, order: r.io/order:1, payment: r.io/p:1} # all\n",
        "  shop:images: {user: r.io/user:1, payment: r.io/p:1} # all\n",
    ),
    "the first of a line": (
        "  shop:images: {order: r.io/order:1, user: r.io/user:1}\n",
        "  shop:images: {user: r.io/user:1}\n",
    ),
    "the last of a line": (
        "  shop:images: {user: r.io/user:1, order: r.io/order:1}\n",
        "  shop:images: {user: r.io/user:1}\n",
    ),
    "the only one of a line": ("  shop:images: {order: r.io/order:1}\n", "  shop:images: {}\n"),
    "JSON text, as the CLI writes it without --path": (
        '  shop:images: \'{"order": "r.io/order:1", "user": "r.io/user:1"}\'\n',
        '  shop:images: \'{"user": "r.io/user:1"}\'\n',
    ),
    "a service of a longer name": (
        "  shop:images:\n    order-line: r.io/line:1\n    order: r.io/order:1\n",
        "  shop:images:\n    order-line: r.io/line:1\n",
    ),
}


@pytest.mark.parametrize(("written", "left"), WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_the_entry_goes_and_nothing_else(written: str, left: str, end: str) -> None:
    text, expected = (f"{BEFORE}{each}{AFTER}".replace("\n", end) for each in (written, left))
    assert without_image(text, "shop:images", "order") == expected
    assert "order" not in yaml.safe_load(expected)["config"]["shop:images"]


@pytest.mark.parametrize("images", ["", "  shop:images: {user: r.io/user:1}\n", "  other:images: {order: r.io/o:1}\n"])
def test_a_file_without_it_stays(images: str) -> None:
    text = f"{BEFORE}{images}{AFTER}"
    assert without_image(text, "shop:images", "order") == text


@pytest.mark.parametrize("text", ["", "config:\n", "config: [1]\n", "- a\n", "config: {a: [}\n"])
def test_what_is_no_stack_file_is_left_to_its_readers(text: str) -> None:
    assert without_image(text, "shop:images", "order") == text


def test_what_cannot_be_cut_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    plain = "config:\n  shop:images:\n    order: r.io/order:1\n"
    shared = "config:\n  a:x: &x {order: r.io/order:1}\n  shop:images: *x\n"
    (tmp_path / "Pulumi.dev.yaml").write_text(plain)
    (tmp_path / "Pulumi.prod.yaml").write_text(shared)
    with pytest.raises(ProblemsFound, match=r"Pulumi\.prod\.yaml: shop:images\.order"):
        forget_image(tmp_path, "shop", "order")
    assert (tmp_path / "Pulumi.dev.yaml").read_text() == plain
    assert (tmp_path / "Pulumi.prod.yaml").read_text() == shared


def test_every_stack_file_is_looked_at(tmp_path: Path) -> None:
    for name in ("Pulumi.dev.yaml", "Pulumi.eu-west.yml", "Pulumi.prod.yaml"):
        (tmp_path / name).write_text("config:\n  shop:images: {order: r.io/order:1, user: r.io/user:1}\n")
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n")
    assert forget_image(tmp_path, "shop", "order") == ["Pulumi.dev.yaml", "Pulumi.eu-west.yml", "Pulumi.prod.yaml"]
