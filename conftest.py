"""Tests may use real servers, and services as they run on them."""

from __future__ import annotations

pytest_plugins = ["groundplan_devkit.testing", "groundplan_devkit.deployed"]
