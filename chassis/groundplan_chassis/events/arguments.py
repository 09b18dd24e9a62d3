"""Arguments of the commands that read the event log."""

from __future__ import annotations

import argparse
import datetime


def add_event_log(parser: argparse.ArgumentParser, *, first: str) -> None:
    """Adds the event log and the day from which on it is read; ``first``: what that day is, for the help."""
    parser.add_argument("log", help="s3://bucket of the event log, or a folder")
    parser.add_argument("--from", dest="first", required=True, type=day, help=f"{first}, YYYY-MM-DD (UTC)")


def day(text: str) -> datetime.date:
    """A day of an argument. Raises argparse.ArgumentTypeError."""
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; expected is YYYY-MM-DD") from None
