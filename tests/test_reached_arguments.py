"""Each optional argument of a component is reached by a key, or listed with how one's own program gives it (e11)."""

from __future__ import annotations

from components.tools.reference import arguments, components
from tools.reached_arguments import PAGE, unreached, written


def test_the_page_lists_what_no_key_reaches() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page), "run `python -m tools.reached_arguments`"
    assert 'change(Identity).args(lambda args: {**args, "threat_protection": True})' in page


def test_arguments_that_keys_reach_are_not_listed() -> None:
    """The table follows the program: what a part gives leaves it, so that it can't list all."""
    listed = unreached()
    assert "email_identity_arn" not in listed["Identity"]
    assert "zone_ids" not in listed["Network"]
    assert "node_quota" not in listed["Cache"]
    assert "threat_protection" in listed["Identity"]


def test_every_component_that_program_parts_make_is_looked_at() -> None:
    optional = {
        each.name: sum(field.type.startswith("NotRequired[") for field in arguments(each).fields)
        for each in components()
    }
    looked_at = unreached()
    assert len(looked_at) >= 30
    assert sum(map(len, looked_at.values())) < sum(optional.values())
