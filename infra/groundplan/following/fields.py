"""Changes of fields: a rule for each attribute of the declaration's model.

An attribute that the model gets needs a line in `ATTRIBUTES`; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from groundplan.declaration.model import FieldType, Resource, ResourceField, Service
from groundplan.following.changes import Broken, Effect, Takes

STRING_LENGTH = 255
"""Characters of a `string` that says nothing else."""
SCALE = 2

Renames = Mapping[str, str]
"""Names of resources and services as they were, and as they are; `service.resource` for those of other services."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A field before and after, in its resource."""

    before: ResourceField
    after: ResourceField
    announced: bool
    """Whether events of its resource are published: their payload holds it unless it is personal."""
    renames: Renames

    def readers(self) -> tuple[Broken, ...]:
        """Who reads it and notices when it goes or may be absent."""
        shown = self.announced and not self.before.personal
        return ("api", "events") if shown else ("api",)


Rule = Callable[[Pair], Iterator[Effect]]


def added(field: ResourceField, *, owner: bool) -> Effect:
    steps: tuple[str, ...]
    if field.mandatory and not owner:
        steps = (
            "give it a `default`, or declare it without `required` and follow that",
            "release it, have clients send it, and give the rows that are there a value",
            "then add `required: true` and follow again",
        )
        return Effect("added, required and without a default", Takes.REFUSED, steps=steps)
    if field.required and owner:
        steps = (
            "declare it without `required` and follow that",
            "release it, and say of each row that is there whose it is",
            "then add `required: true` and follow again",
        )
        return Effect("added as the owner, required", Takes.REFUSED, steps=steps)
    return Effect("added")


def removed(field: ResourceField, *, announced: bool) -> Effect:
    breaks: tuple[Broken, ...] = ("api", "events") if announced and not field.personal else ("api",)
    return Effect("removed: first unread, then dropped", Takes.TWO, breaks)


def renamed(pair: Pair, before: str) -> Effect:
    return Effect(
        f"renamed from `{before}`, both names kept in step until the second release", Takes.TWO, pair.readers()
    )


def effects(pair: Pair) -> Iterator[Effect]:
    """What the differences of attributes mean; the field's name is not one of them."""
    for attribute, rule in ATTRIBUTES.items():
        if getattr(pair.before, attribute) != getattr(pair.after, attribute):
            yield from rule(pair)


def length_of(field: ResourceField) -> float:
    if field.type is FieldType.STRING:
        return field.max_length or STRING_LENGTH
    if field.type is FieldType.ENUM:
        return max(map(len, field.values or [""]))
    return field.max_length or float("inf")


def access_path(resource: Resource, name: str) -> bool:
    """Lists go by the field (D1)."""
    return resource.has_index(name)


def list_options(resource: Resource, name: str) -> frozenset[str]:
    """What a list can do by the field (R2)."""
    field = resource.fields[name]
    if field.personal or "list" not in resource.operations:
        return frozenset()
    return frozenset({"filter", "sort"} if access_path(resource, name) else ())


def announced(service: Service, resource: str) -> bool:
    return any(event.partition(".")[0] == resource for event in service.publishes)


_TEXTS = (FieldType.STRING, FieldType.TEXT)
_CHECKED = (
    "rows that hold such a value are counted before the second migration, which stops at the first; mend them first"
)


def _type(pair: Pair) -> Iterator[Effect]:
    before, after = pair.before, pair.after
    what = f"type `{before.type}` becomes `{after.type}`"
    match before.type, after.type:
        case (FieldType.STRING, FieldType.TEXT) | (FieldType.ENUM, FieldType.TEXT):
            yield _in_place(pair, what, Takes.ONE)
        case (FieldType.TEXT, FieldType.STRING) | (FieldType.ENUM, FieldType.STRING):
            yield _in_place(pair, what, Takes.DATA)
        case (FieldType.STRING | FieldType.TEXT, FieldType.ENUM):
            yield Effect(what, Takes.DATA, ("api",), (_CHECKED,), tightens=True)
        case (FieldType.UUID, FieldType.REFERENCE):
            if _foreign(after):
                yield Effect(what)
            else:
                steps: tuple[str, ...] = (
                    "rows that refer to nothing are counted before the foreign key is checked; mend them first",
                )
                yield Effect(what, Takes.DATA, ("api",), steps, tightens=True)
        case (FieldType.REFERENCE, FieldType.UUID):
            yield Effect(what, loosens=True)
        case _:
            steps = (
                f"declare a new field of type `{after.type}` beside it, and follow that",
                "release it, fill it from the old one, and have clients use it",
                "then remove the old field and follow again",
            )
            yield Effect(what, Takes.REFUSED, steps=steps)


def _in_place(pair: Pair, what: str, takes: Takes) -> Effect:
    if length_of(pair.after) < length_of(pair.before):
        return Effect(what, Takes.DATA, ("api",), (_CHECKED,), tightens=True, loosens=True)
    return Effect(what, takes, loosens=True)


def _foreign(field: ResourceField) -> bool:
    return "." in (field.to or "")


def _required(pair: Pair) -> Iterator[Effect]:
    if pair.before.required:
        yield Effect("no longer required: answers may lack it", breaks=pair.readers(), loosens=True)
    elif pair.after.default is not None:
        what = f"required from now on; rows without it get {pair.after.default}"
        yield Effect(what, Takes.TWO, tightens=True)
    else:
        steps = ("rows without a value are counted before the second migration, which stops at them; fill them first",)
        yield Effect("required from now on", Takes.TWO, ("api",), steps, tightens=True)


def _unique(pair: Pair) -> Iterator[Effect]:
    if pair.after.unique:
        steps = ("rows that share a value are counted before the index is made, which stops at them; mend them first",)
        yield Effect("unique from now on", Takes.DATA, steps=steps)
    else:
        yield Effect("no longer unique")


def _indexed(pair: Pair) -> Iterator[Effect]:
    yield Effect("gets an index, made while the table is in use" if pair.after.indexed else "loses its index")


def _max_length(pair: Pair) -> Iterator[Effect]:
    if pair.before.type is not pair.after.type or pair.after.type not in _TEXTS:
        return
    shorter = length_of(pair.after) < length_of(pair.before)
    what = f"at most {_shown(pair.after.max_length)} characters, before {_shown(pair.before.max_length)}"
    yield _narrowed(what) if shorter else Effect(what, loosens=True)


def _min_length(pair: Pair) -> Iterator[Effect]:
    if pair.after.type not in _TEXTS:
        return
    before, after = pair.before.min_length or 0, pair.after.min_length or 0
    what = f"at least {after} characters, before {before}"
    yield _narrowed(what) if after > before else Effect(what, loosens=True)


def _blank(pair: Pair) -> Iterator[Effect]:
    if pair.after.type not in _TEXTS:
        return
    if pair.after.blank:
        yield Effect("may be blank", loosens=True)
    else:
        yield _narrowed("no longer blank")


def _form(kind: str, before: object, after: object) -> Effect:
    if after is None:
        return Effect(f"no {kind} any more, before {before}", loosens=True)
    what = f"{kind} {after}" + ("" if before is None else f", before {before}")
    return Effect(what, Takes.DATA, ("api",), (_CHECKED,), tightens=True, loosens=before is not None)


def _format(pair: Pair) -> Iterator[Effect]:
    if pair.after.type in _TEXTS:
        yield _form("format", pair.before.format, pair.after.format)


def _pattern(pair: Pair) -> Iterator[Effect]:
    if pair.after.type in _TEXTS:
        yield _form("pattern", pair.before.pattern, pair.after.pattern)


def _caseless(pair: Pair) -> Iterator[Effect]:
    if not (pair.after.unique and pair.before.unique):
        return
    if pair.after.caseless:
        steps = (
            "rows whose values differ in case alone are counted before the index is made, which stops at them; mend "
            "them first",
        )
        yield Effect("unique in any case of letters from now on", Takes.DATA, steps=steps)
    else:
        yield Effect("unique as it is written: values that differ in case alone are two")


def _example(pair: Pair) -> Iterator[Effect]:
    del pair
    yield Effect("another example")


def _computed(pair: Pair) -> Iterator[Effect]:
    if pair.after.computed:
        yield Effect("only the service sets it: bodies that hold it are refused", breaks=("api",))
    else:
        yield Effect("clients write it", breaks=("api",) if pair.after.mandatory else ())


def _set_once(pair: Pair) -> Iterator[Effect]:
    if pair.after.set_once:
        yield Effect("keeps its first value: updates that change it are refused", breaks=("api",))
    else:
        yield Effect("may be changed later")


def _written_by(pair: Pair) -> Iterator[Effect]:
    before, after = pair.before.written_by, pair.after.written_by
    fewer = after is not None and (before is None or not set(before) <= set(after))
    shown = "all who may write the row" if after is None else ", ".join(after)
    yield Effect(f"written by {shown}", breaks=("api",) if fewer else ())


def _transitions(pair: Pair) -> Iterator[Effect]:
    if pair.after.transitions is None:
        yield Effect("any value may follow any other")
        return
    gone = pair.before.transitions is None or not _steps(pair.before) <= _steps(pair.after)
    yield Effect("other steps from value to value", breaks=("api",) if gone else ())


def _steps(field: ResourceField) -> set[tuple[str, str, str]]:
    """From, to, who."""
    return {
        (value, target, role)
        for value, targets in (field.transitions or {}).items()
        for target, roles in targets.items()
        for role in roles
    }


def _minimum(pair: Pair) -> Iterator[Effect]:
    before, after = pair.before.minimum, pair.after.minimum
    what = f"at least {_shown(after)}, before {_shown(before)}"
    tighter = after is not None and (before is None or after > before)
    yield _narrowed(what) if tighter else Effect(what, loosens=True)


def _maximum(pair: Pair) -> Iterator[Effect]:
    before, after = pair.before.maximum, pair.after.maximum
    what = f"at most {_shown(after)}, before {_shown(before)}"
    tighter = after is not None and (before is None or after < before)
    yield _narrowed(what) if tighter else Effect(what, loosens=True)


def _narrowed(what: str) -> Effect:
    return Effect(what, Takes.DATA, ("api",), (_CHECKED,), tightens=True)


def _shown(bound: float | None) -> str:
    return "any" if bound is None else str(bound)


def _scale(pair: Pair) -> Iterator[Effect]:
    if pair.before.type is not pair.after.type:
        return
    before, after = (SCALE if each.scale is None else each.scale for each in (pair.before, pair.after))
    what = f"{after} digits after the point, before {before}"
    if after == before:
        yield Effect(what)
    elif after > before:
        steps = ("the table is rewritten and is not to be used meanwhile: migrate at a quiet hour",)
        yield Effect(what, Takes.DATA, steps=steps, loosens=True)
    else:
        yield _narrowed(what)


def _values(pair: Pair) -> Iterator[Effect]:
    if pair.before.type is not pair.after.type:
        return
    before, after = set(pair.before.values or ()), set(pair.after.values or ())
    gone, new = sorted(before - after), sorted(after - before)
    if gone:
        steps = (f"give rows that hold {', '.join(gone)} another value; the second migration stops at them",)
        what = f"values less: {', '.join(gone)}"
        yield Effect(what, Takes.DATA, ("api",), steps, tightens=True, loosens=bool(new))
    elif new:
        steps = ("while processes of the release before run, they can't answer rows that hold the new value",)
        yield Effect(f"values more: {', '.join(new)}", steps=steps, loosens=True)
    else:
        yield Effect("values in another order")


def _to(pair: Pair) -> Iterator[Effect]:
    if pair.before.type is not pair.after.type or pair.renames.get(str(pair.before.to)) == pair.after.to:
        return
    what = f"refers to `{pair.after.to}`, before to `{pair.before.to}`"
    steps: tuple[str, ...]
    if _foreign(pair.before) and _foreign(pair.after):
        # No foreign key leads to another service's database.
        steps = (f"rows keep the ids that they hold: `{pair.after.to}` must have them before this is released",)
        yield Effect(what, Takes.DATA, steps=steps)
        return
    steps = (
        f"declare a new reference to `{pair.after.to}` beside it, and follow that",
        "release it and fill it",
        "then remove the old field and follow again",
    )
    yield Effect(what, Takes.REFUSED, steps=steps)


def _personal(pair: Pair) -> Iterator[Effect]:
    if pair.after.personal:
        steps = (
            "the migration takes it out of the rows' histories",
            "events that were sent and logs keep it as long as they are kept: "
            "`events.retention_hours`, `events.log_retention_days`",
        )
        yield Effect("personal from now on", Takes.DATA, ("events",) if pair.announced else (), steps)
    else:
        yield Effect("no longer personal: events, lists and logs may hold it")


def _default(pair: Pair) -> Iterator[Effect]:
    before, after = pair.before.default, pair.after.default
    if after is None:
        lost = pair.after.required and pair.before.required
        yield Effect(f"no default any more, before {before}", breaks=("api",) if lost else ())
    else:
        yield Effect(f"default {after}" + ("" if before is None else f", before {before}"))


def _description(pair: Pair) -> Iterator[Effect]:
    del pair
    yield Effect("another description")


def _nothing(pair: Pair) -> Iterator[Effect]:
    del pair
    yield from ()


ATTRIBUTES: Mapping[str, Rule] = {
    "type": _type,
    "required": _required,
    "unique": _unique,
    "indexed": _indexed,
    "caseless": _caseless,
    "max_length": _max_length,
    "min_length": _min_length,
    "blank": _blank,
    "format": _format,
    "pattern": _pattern,
    "example": _example,
    "minimum": _minimum,
    "maximum": _maximum,
    "scale": _scale,
    "values": _values,
    "to": _to,
    "personal": _personal,
    "default": _default,
    "computed": _computed,
    "set_once": _set_once,
    "written_by": _written_by,
    "transitions": _transitions,
    "renamed_from": _nothing,
    "description": _description,
}
"""By attribute of `ResourceField`: what its change means. A rename is the field's, not this attribute's."""
