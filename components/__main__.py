"""The components as a Pulumi package: TypeScript, Go, C#, Java and YAML programs use them, too.

https://www.pulumi.com/docs/iac/using-pulumi/pulumi-packages/
"""

import importlib
import inspect
import pkgutil
import sys
from pathlib import Path

import pulumi

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "groundplan"


def components() -> list[type[pulumi.ComponentResource]]:
    """Every component that this package's modules define, by name."""
    import components as package

    found: dict[str, type[pulumi.ComponentResource]] = {}
    for module in pkgutil.iter_modules(package.__path__):
        if module.name == "__main__":
            continue
        loaded = importlib.import_module(f"components.{module.name}")
        for name, value in vars(loaded).items():
            if (
                inspect.isclass(value)
                and issubclass(value, pulumi.ComponentResource)
                and value.__module__ == loaded.__name__
                and not name.startswith("_")
            ):
                found[name] = value
    return [found[name] for name in sorted(found)]


def main() -> None:
    """Serve the components to the Pulumi engine, which starts this as a plugin."""
    from pulumi.provider.experimental import component_provider_host

    component_provider_host(name=PACKAGE, components=components())


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
