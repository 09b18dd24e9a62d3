"""Where the modules, names and files of a project with copied libraries are now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath

ROOTS = ("infra", "components", "chassis", "local", "bench")
"""The packages that were copied into projects."""

NAMES: Mapping[str, tuple[str, str]] = {
    "bench.capacity.PEAK_SECONDS": ("groundplan_devkit.bench.rounds", "PEAK_SECONDS"),
    "bench.capacity.bearer": ("groundplan_devkit.bench.floors", "bearer"),
    "bench.floor.floor": ("groundplan_devkit.bench.floor", "cached"),
    "chassis.serving.HEAD_BYTES": ("groundplan_chassis.connection", "HEAD_BYTES"),
    "chassis.serving.HEAD_SECONDS": ("groundplan_chassis.connection", "HEAD_SECONDS"),
    "infra.program.ground.Ground": ("groundplan.program.platform", "Platform"),
    "infra.program.ground.declare_ground": ("groundplan.program.platform", "declare_platform"),
    "infra.program.services.Neighbours": ("groundplan.program.services", "Dependencies"),
    "infra.program.site.Site": ("groundplan.program.context", "StackContext"),
    "infra.program.watch.Stores": ("groundplan.program.observability", "DataStores"),
    "infra.program.watch.keep": ("groundplan.program.backups", "declare_backups"),
    "infra.program.watch.watch": ("groundplan.program.observability", "declare_observability"),
}
"""Names that are called differently now, and the modules that hold them."""

COMMANDS: Mapping[str, str] = {
    f"infra.commands.{name}": name
    for name in ("compare", "deliver", "manifests", "openapi", "plan", "rehearse", "service", "up", "update")
}
"""Modules that were started by `python -m`, and their commands in `python -m groundplan`."""

GONE: Mapping[str, str] = {
    "chassis.http.conditions.if_match": "gone: `changeable` takes If-Match and If-None-Match, and gives all versions",
    "chassis.http.answers.rate_limit": "gone: groundplan_chassis.http.answers.of_all writes all of them",
    "chassis.joined_writes.JoinedWrites": "gone: groundplan_chassis.exchange writes head and body at once",
    "chassis.ratelimit.TAKE": "gone: groundplan_chassis.ratelimit.take_script makes the script of a limit",
    "infra.architecture.facts": "gone: groundplan.controls.assess gives a verdict for each control",
    "infra.architecture.security.ITEMS": "gone: groundplan.controls.CONTROLS",
    "infra.architecture.security.Item": "gone: groundplan.controls.Control",
    "local.environment.environment_for": "gone: groundplan_devkit.environment.process_environment",
}
"""Names, or modules with all of theirs, that are not just called differently, and what to do about it."""

_SPLIT: Mapping[str, str] = json.loads((files(__package__) / "names.json").read_text(encoding="utf-8"))
"""Names of modules that were split, and where they are; empty for those that are no longer offered."""
_MOVED = {old: new.rpartition(".") for old, new in _SPLIT.items() if new}
NAMES = {**NAMES, **{old: (module, name) for old, (module, _, name) in _MOVED.items()}}
GONE = {**GONE, **{old: "gone: the library no longer offers it" for old, new in _SPLIT.items() if not new}}

PROGRAM = "infra/__main__.py"
PROGRAM_NAMES: Mapping[str, str] = {"site": "stack", "ground": "platform"}
"""Local variables of the program's `declare`, as lines that its owner added name them."""
METHODS: Mapping[str, str] = {"here": "in_region"}
"""Methods of a stack's context."""

MARKER = "infra/commands.py"
"""The template writes it in an update only (`_exclude` in copier.yml): it stands for a move that isn't done."""

_LIBRARIES: Mapping[str, str] = {
    "groundplan": "infra",
    "groundplan_components": "components",
    "groundplan_chassis": "chassis",
    "groundplan_devkit": "devkit",
}
"""Packages, and the folders of the template's repository that hold them."""
_FOLDERS = (
    ("tests/chassis/", "chassis/tests/"),
    ("tests/local/", "devkit/tests/"),
    ("tests/bench/", "devkit/tests/bench/"),
    ("infra/simulation/", "infra/groundplan/cloud/"),
)
"""Of files that are no modules."""
_FILES: Mapping[str, str | None] = {
    "chassis/README.md": "chassis/README.md",
    "chassis/settings.py": "chassis/groundplan_chassis/settings/__init__.py",
    "chassis/rds_authorities.pem": "components/groundplan_components/database/_authorities.pem",
    "components/README.md": "components/README.md",
    "components/REFERENCE.md": "components/REFERENCE.md",
    "components/rds_authorities.pem": "components/groundplan_components/database/_authorities.pem",
    "infra/README.md": "infra/README.md",
    "local/README.md": "devkit/README.md",
    "tests/chassis/database/sites.py": None,
    "tests/chassis/test_joined_writes.py": "chassis/tests/test_exchange.py",
    "tests/chassis/test_running.py": None,
}
"""Files whose place follows from no module or folder; None for those that no library holds."""

OPTIONAL: Mapping[str, str] = {
    "services/*/*/tests/integration/conftest.py": "`service` and `deployment` come with groundplan_devkit.deployed",
    "services/*/migrations/env.py": "a service that configures Alembic itself has one of its own",
}
"""Files that the template has no more, that work where they were, and why they may be needed no longer."""


@cache
def modules() -> Mapping[str, str]:
    """Each module that was copied, by its dotted name, and what it is called now."""
    table: dict[str, str] = json.loads((files(__package__) / "modules.json").read_text(encoding="utf-8"))
    return table


def new_dotted(old: str) -> str | None:
    """``chassis.clock.now`` as it is called now; None when it was no copied module, nor anything in one."""
    parts = old.split(".")
    for length in range(len(parts), 0, -1):
        head, rest = ".".join(parts[:length]), parts[length:]
        if head in NAMES:
            return ".".join([*NAMES[head], *rest])
        if head in modules():
            # The packages themselves held nothing: what is left is a module of the owner's.
            return None if rest and head in ROOTS else ".".join([modules()[head], *rest])
    return None


def library_file(path: str) -> str | None:
    """Where a copied file is in the template's repository; None for a file that no library holds."""
    if path in _FILES:
        return _FILES[path]
    dotted = path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    module = modules().get(dotted) if path.endswith(".py") else None
    if module is not None:
        package, _, rest = module.partition(".")
        inside = "/".join([package, *([rest.replace(".", "/")] if rest else [])])
        return f"{_LIBRARIES[package]}/{inside}{'/__init__' if path.endswith('/__init__.py') else ''}.py"
    for old, new in _FOLDERS:
        if path.startswith(old):
            return new + path.removeprefix(old)
    return None


def optional_file(path: str) -> str | None:
    """Why a file that left the template may stay where it is; None for all others."""
    return next((why for pattern, why in OPTIONAL.items() if PurePosixPath(path).match(pattern)), None)


@cache
def paths() -> frozenset[str]:
    """Files and folders of modules that were copied."""
    below = {module.replace(".", "/") for module in modules()}
    return frozenset(below | {f"{path}.py" for path in below})


def component_subject(path: str) -> str | None:
    """The subject that `groundplan eject` takes for a copied component; None for other files."""
    module = modules().get(path.removesuffix(".py").replace("/", "."), "") if path.endswith(".py") else ""
    package, _, rest = module.partition(".")
    return rest.partition(".")[0] if package == "groundplan_components" and "." in rest else None
