"""The answer to a repeated POST is all that there is of it (R1): nothing happens after `create_once`."""

from __future__ import annotations

from groundplan_devkit.checks import replays


def test_nothing_follows_a_create_that_may_be_a_replay() -> None:
    assert replays.found() == []
