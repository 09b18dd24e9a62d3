"""Service packages of Pulumi's AWS SDK whose modules load on first use (docs/adr/0021-client-cpu.md).

`pulumi_aws.ec2` imports all of its resources, some 180 modules, where a stack needs a dozen. Its `__init__.py` is
generated and says nothing but `from .module import *`. Where it says anything else, it is executed as it stands.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

_SERVICE = re.compile(r"pulumi_aws\.[a-z0-9_]+")
_PART = re.compile(r"from \.(\w+) import \*")
_BESIDES = frozenset(
    {"import builtins as _builtins", "from .. import _utilities", "import typing", "from . import outputs"}
)


def load_services_on_first_use() -> None:
    """From now on; what is imported already stays as it is. Calling it again does nothing."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not _SERVICE.fullmatch(fullname):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or type(spec.loader) is not SourceFileLoader or not spec.submodule_search_locations:
            return spec
        spec.loader = _Loader(fullname, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        parts = _parts(self.get_data(self.path).decode())
        if parts is None:
            super().exec_module(module)
            return
        module.__class__ = _Service
        module.__dict__["_parts"] = parts

    def execute(self, module: ModuleType) -> None:
        """All of it, as without this loader."""
        super().exec_module(module)


class _Service(ModuleType):
    """A service's package: a name that isn't there yet is looked for in the module that should have it."""

    _parts: frozenset[str]

    def __getattr__(self, name: str) -> object:
        if name.startswith("__") and name != "__all__":
            raise AttributeError(name)  # the interpreter asks for what no package has
        if name == "outputs":
            return importlib.import_module(f"{self.__name__}.outputs")
        for part in _likely(name):
            if part in self._parts:
                importlib.import_module(f"{self.__name__}.{part}")
                if name in self.__dict__:
                    return self.__dict__[name]
        self._load_all()
        if name in self.__dict__:
            return self.__dict__[name]
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name in self._parts and isinstance(value, ModuleType):
            # The import system binds a part to its package; `from .part import *` comes after that.
            self.__dict__.update({each: getattr(value, each) for each in getattr(value, "__all__", ())})

    def __dir__(self) -> list[str]:
        self._load_all()
        return list(super().__dir__())

    def _load_all(self) -> None:
        if self.__class__ is _Service:
            self.__class__ = ModuleType  # type: ignore[assignment]  # as importlib.util.LazyLoader does
            assert isinstance(self.__loader__, _Loader)
            self.__loader__.execute(self)


def _parts(source: str) -> frozenset[str] | None:
    """The modules that a package takes everything of; None when that isn't all that it does."""
    found = set()
    for line in source.splitlines():
        said = line.strip()
        part = _PART.fullmatch(said)
        if part is not None:
            found.add(part[1])
        elif said and not said.startswith("#") and said not in _BESIDES:
            return None
    return frozenset(found)


def _likely(name: str) -> Iterator[str]:
    """Modules that should have a name, by the rules of Pulumi's generator: `NatGateway`, `NatGatewayArgs`, and
    `get_vpc`, `get_vpc_output`, `GetVpcResult`, and nested inputs."""
    stem = re.sub(r"(Args(Dict)?|Result)$", "", name.removeprefix("Awaitable")).removesuffix("_output")
    yield re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", stem).lower()
    if name.endswith(("Args", "ArgsDict")):
        yield "_inputs"
    yield "_enums"
