"""Tests may use real servers, and the services as they run on them."""

from __future__ import annotations

pytest_plugins = ["local.testing", "local.deployed"]
