"""Requests from each service's OpenAPI document: no fault of the server, every answer as the document says (S6)."""

from __future__ import annotations

from groundplan.declaration.model import System
from groundplan_devkit.apis import Api, Sign
from groundplan_devkit.checks import fuzzing


def test_every_answer_is_as_documented(apis: list[Api], declared: System, sign: Sign) -> None:
    fuzzing.check_answers(apis, declared, sign)
