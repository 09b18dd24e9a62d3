"""What changes of a declaration take (U7): the table that was written first, and a rule for everything declared."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from groundplan.declaration.model import Resource, ResourceField, Service
from groundplan.document.data_model import ddl_of
from groundplan.following.changes import Takes, broken, most
from groundplan.following.fields import ATTRIBUTES
from groundplan.following.services import RESOURCE, SERVICE, differences
from infra.tests.following.samples import WORDS, apart, changed, changes, system_of, values


@pytest.mark.parametrize("change", changes(), ids=lambda change: str(change["is"]))
def test_a_single_change(change: dict[str, Any]) -> None:
    before, after = system_of(values()), system_of(changed(values(), change))
    found = differences(before.services, after.services)
    assert found, "it is noticed"
    said = [f"{each.place}: {each.what}" for each in found]
    assert most(found) is WORDS[change["takes"]], said
    assert list(broken(found)) == change.get("breaks", []), said
    if change["takes"] == "refused":
        assert all(each.steps for each in found if each.takes is Takes.REFUSED), "what to do instead is said"


def test_nothing_differs_from_itself() -> None:
    system = system_of(values())
    assert differences(system.services, system.services) == ()


def test_ten_changes_at_once_are_told_one_by_one() -> None:
    several = apart(10)
    before, after = system_of(values()), system_of(changed(values(), *several))
    alone = [differences(before.services, system_of(changed(values(), each)).services) for each in several]
    assert set(differences(before.services, after.services)) == {change for found in alone for change in found}


def test_the_steps_of_a_renamed_service_can_be_taken() -> None:
    """Each is a declaration that loads and that can be followed, and in the end nothing but the name is another."""
    journal = values()["services"]["journal"]
    quiet = {"exposure": "internal", "publishes": [], "consumes": []}
    beside = changed(values(), {"set": {"ledger": {**journal, **quiet}}})
    instead = changed(
        beside, {"set": {"ledger": journal, "journal": {**journal, **quiet}, "f/entry_id/to": "ledger.entry"}}
    )
    alone = changed(instead, {"remove": ["journal"]})
    renamed = changed(values(), {"move": {"journal": "ledger"}, "set": {"f/entry_id/to": "ledger.entry"}})
    assert system_of(alone) == system_of(renamed)
    for older, newer in ((values(), beside), (beside, instead)):
        found = differences(system_of(older).services, system_of(newer).services)
        assert not [each for each in found if each.takes is Takes.REFUSED]
    steps = system_of(changed(renamed, {"set": {"ledger/renamed_from": "journal"}})).services
    (told,) = [each for each in differences(system_of(values()).services, steps) if each.steps]
    said = "; ".join(told.steps)
    assert all(word in said for word in ("`exposure: internal`", "`publishes`", "`consumes`", "pg_dump --data-only"))
    both = system_of(beside).services
    assert ddl_of("", both["journal"]) == ddl_of("", both["ledger"]), "rows of the one fit into the other's tables"


@pytest.mark.parametrize(
    ("model", "table"),
    [(ResourceField, ATTRIBUTES), (Resource, RESOURCE), (Service, SERVICE)],
    ids=["field", "resource", "service"],
)
def test_everything_that_can_be_declared_has_a_rule(model: type[BaseModel], table: dict[str, object]) -> None:
    assert set(table) == set(model.model_fields), "an attribute of the model needs a line in the table of its rules"
