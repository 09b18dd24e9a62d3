"""What `infra/__main__.py` changes about the components that program parts declare (docs/own-program.md, ADR 0011)."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Generic, TypeVar, cast

import pulumi

from groundplan.problems import Problem, ProblemsFound, listed

_Args = TypeVar("_Args")
_Component = TypeVar("_Component", bound=pulumi.ComponentResource)
Constructor = Callable[[str, _Args, pulumi.ResourceOptions | None], pulumi.ComponentResource]
"""How every component is made: name, args, options."""


@dataclass(frozen=True)
class Change:
    """One change of the owner's; made by `change` and `ejected`."""

    applies: Callable[[type[pulumi.ComponentResource], str], bool]
    change: Callable[[Any], Any] | None = None
    """Of the args."""
    own: Callable[[type[pulumi.ComponentResource]], Constructor[Any]] | None = None
    """What stands in the place of a component."""


@dataclass(frozen=True)
class _Chosen(Generic[_Args]):
    """The components that a change is about."""

    component: Constructor[_Args]
    name: str | None

    def args(self, change: Callable[[_Args], _Args]) -> Change:
        """Other args: ``change`` gets them as computed, ``lambda args: {**args, "threat_protection": True}``."""
        return Change(self._applies, change=change)

    def to(self, own: Constructor[_Args]) -> Change:
        """A component of the owner's in the place of ours: it takes the same args and offers the same outputs.

        With the same type token, too, what is deployed stays as it is.
        """
        return Change(self._applies, own=lambda _: own)

    def _applies(self, made: type[pulumi.ComponentResource], made_as: str) -> bool:
        return made is self.component and self.name in (None, made_as)


def change(component: Constructor[_Args], *, name: str | None = None) -> _Chosen[_Args]:
    """Changes all components of a class, or the one named ``name``: by `args`, or `to` another component."""
    return _Chosen(component, name)


def ejected(subject: ModuleType) -> Change:
    """All components of a subject that `groundplan eject` has copied: `import own.cache`, then `ejected(own.cache)`."""
    name = subject.__name__.rpartition(".")[2]
    prefix = f"groundplan_components.{name}."

    def copy_of(component: type[pulumi.ComponentResource]) -> Constructor[Any]:
        place = component.__module__.removeprefix(prefix)
        module = importlib.import_module(f"{subject.__name__}.{place}")
        found = getattr(module, component.__name__, None)
        if found is None:
            raise _refusal(
                component.__name__,
                f"not in {module.__name__}",
                "a component of that name, as it was copied",
                f"bring it back, or name yours with change({component.__name__}).to(…)",
            )
        return cast(Constructor[Any], found)

    return Change(lambda made, _: made.__module__.startswith(prefix), own=copy_of)


def chosen(changes: Sequence[Change], component: type[_Component]) -> type[_Component]:
    """The constructor of ``component`` as the owner has changed it; program parts make no component without it."""

    def make(name: str, args: Any, opts: pulumi.ResourceOptions | None = None) -> pulumi.ComponentResource:  # noqa: ANN401
        constructor: Constructor[Any] = component
        for each in changes:
            if each.applies(component, name):
                args = each.change(args) if each.change else args
                constructor = each.own(component) if each.own else constructor
        made = constructor(name, args, opts)
        if constructor is not component:
            _require_outputs(component, made, name)
        return made

    return cast(type[_Component], make)


def _require_outputs(component: type[pulumi.ComponentResource], made: pulumi.ComponentResource, name: str) -> None:
    missing = [each for each in _offered(component) if not hasattr(made, each)]
    if missing:
        raise _refusal(
            f"{type(made).__name__} in place of {component.__name__} ({name})",
            f"without {listed(missing, last='and')}",
            f"everything that {component.__name__} offers, as other parts of the program use it",
            "set it in its __init__",
        )


def _offered(component: type[pulumi.ComponentResource]) -> Iterator[str]:
    """Outputs, which are annotated, and methods."""
    for each in dict.fromkeys((*component.__annotations__, *vars(component))):
        if not each.startswith(("_", "pulumi_")):
            yield each


def _refusal(path: str, value: str, expected: str, remedy: str) -> ProblemsFound:
    return ProblemsFound([Problem("infra/__main__.py", path, value, expected, remedy)])
