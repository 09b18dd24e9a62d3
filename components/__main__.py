"""The components as a Pulumi package for TypeScript, Go, C#, Java and YAML programs.

https://www.pulumi.com/docs/iac/using-pulumi/pulumi-packages/
"""

import importlib
import inspect
import pkgutil
import sys

import pulumi
from pulumi.provider import main as serve
from pulumi.provider.experimental.analyzer import PropertyDefinition, PropertyType
from pulumi.provider.experimental.component import ComponentProvider

import groundplan_components

PACKAGE = "groundplan"
VERSION = "0.1.0"


class Host(ComponentProvider):
    """Pulumi's host, with integers as integers.

    They travel as floating-point numbers. The SDK (3.272) converts them, but then passes the unconverted values.
    """

    def map_input_properties(
        self,
        inputs: pulumi.Inputs,
        properties: dict[str, PropertyDefinition],
        mapping: dict[str, str],
        component_name: str,
        property_path: str,
    ) -> pulumi.Inputs:
        mapped = dict(super().map_input_properties(inputs, properties, mapping, component_name, property_path))
        for name, definition in properties.items():
            value = mapped.get(mapping[name])
            if definition.type is PropertyType.INTEGER and isinstance(value, float):
                mapped[mapping[name]] = int(value)
        return mapped


def found() -> list[type[pulumi.ComponentResource]]:
    """Every component that the library's modules define, sorted by name."""
    classes: dict[str, type[pulumi.ComponentResource]] = {}
    for module in pkgutil.walk_packages(groundplan_components.__path__, f"{groundplan_components.__name__}."):
        loaded = importlib.import_module(module.name)
        for name, value in vars(loaded).items():
            if (
                inspect.isclass(value)
                and issubclass(value, pulumi.ComponentResource)
                and value.__module__ == loaded.__name__
                and not name.startswith("_")
            ):
                classes[name] = value
    return [classes[name] for name in sorted(classes)]


if __name__ == "__main__":
    serve(Host(found(), PACKAGE, version=VERSION), sys.argv[1:])
