"""The owner's code follows modules that became libraries, and nothing else in it changes."""

from __future__ import annotations

import ast

import pytest

from groundplan.moving.imports import rewrite_python, rewrite_text

OWN = {"infra.capacity.mine", "chassis.ours"}

PYTHON = [
    (
        "import chassis.clock\nprint(chassis.clock.now())",
        "import groundplan_chassis.clock\nprint(groundplan_chassis.clock.now())",
    ),
    ("import local.names as names\nnames.x", "import groundplan_devkit.names as names\nnames.x"),
    ("import os, chassis.clock", "import os, groundplan_chassis.clock"),
    ("import bench\nrun(bench)", "import groundplan_devkit.bench\nrun(groundplan_devkit.bench)"),
    ("from chassis.http import errors", "from groundplan_chassis.http import errors"),
    (
        "from chassis.http.errors import (  # why\n    NotFound,  # ours\n    Conflict as Clash,\n)",
        "from groundplan_chassis.http.errors import (  # why\n    NotFound,  # ours\n    Conflict as Clash,\n)",
    ),
    (
        "from components import cache, pod as body",
        "from groundplan_components.cache import cache\nfrom groundplan_components.shared import pod as body",
    ),
    (
        "def f():\n    from components import cache, pod\n    return cache",
        "def f():\n    from groundplan_components.cache import cache\n"
        "    from groundplan_components.shared import pod\n    return cache",
    ),
    (
        "if x: from components import cache, pod",
        "if x: from groundplan_components.cache import cache; "
        "from groundplan_components.shared import pod",
    ),
    ("from components.cache import Cache", "from groundplan_components.cache.cache import Cache"),
    (
        "from infra.capacity import mine, plan",
        "from infra.capacity import mine\nfrom groundplan.capacity import plan",
    ),
    ("import infra.capacity.mine\ninfra.capacity.mine.x", "import infra.capacity.mine\ninfra.capacity.mine.x"),
    (
        "import infra.capacity.mine\nimport infra.problems\ninfra.capacity.mine.x(infra.problems.Problem)",
        "import infra.capacity.mine\nimport groundplan.problems\ninfra.capacity.mine.x(groundplan.problems.Problem)",
    ),
    ("from chassis import ours", "from chassis import ours"),
    (
        "from infra.program.site import Site\ndef f(site: Site): return site.here()",
        "from groundplan.program.context import StackContext as Site\ndef f(site: Site): return site.in_region()",
    ),
    (
        "from infra.program.watch import Stores, keep",
        "from groundplan.program.observability import DataStores as Stores\n"
        "from groundplan.program.backups import declare_backups as keep",
    ),
    ('pytest_plugins = ["local.testing"]', 'pytest_plugins = ["groundplan_devkit.testing"]'),
    ("patch('chassis.clock.now')", "patch('groundplan_chassis.clock.now')"),
    ('run([python, "-m", "local"])', 'run([python, "-m", "groundplan_devkit"])'),
    ('run([python, "-m", "infra.commands.up", "prod"])', 'run([python, "-m", "groundplan", "up", "prod"])'),
    ('run("python -m infra.commands.plan --why")', 'run("python -m groundplan plan --why")'),
    ("import chassis.clock # é\nx = f'é {chassis.clock.now()}'; y = chassis.clock", None),
    ("\timport chassis.clock", None),
    # Not ours, or not a module.
    ("from locals import x", "from locals import x"),
    ("import mychassis.clock", "import mychassis.clock"),
    ("local = 1\nlocal.names", "local = 1\nlocal.names"),
    (
        "import chassis.clock\ndef f(chassis): return chassis.clock",
        "import groundplan_chassis.clock\ndef f(chassis): return chassis.clock",
    ),
    ('x = "chassis.clock is old"', 'x = "chassis.clock is old"'),
    ('open("infra/capacity/plan.md")', 'open("infra/capacity/plan.md")'),
    ('x = "local.yaml"', 'x = "local.yaml"'),
    ('"""See chassis.clock."""', '"""See chassis.clock."""'),
    ("from .clock import now", "from .clock import now"),
    ("from infra.__main__ import declare", "from infra.__main__ import declare"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), PYTHON, ids=[before for before, _ in PYTHON])
def test_python(before: str, after: str | None) -> None:
    rewritten = rewrite_python(before, "tests/test_ours.py", OWN.__contains__)
    if after is not None:
        assert rewritten.text == after
    elif rewritten.renamed:
        ast.parse(rewritten.text)
    assert rewrite_python(rewritten.text, "tests/test_ours.py", OWN.__contains__).renamed == ()


def test_relative_imports_of_a_file_in_a_folder_that_left() -> None:
    text = "from . import mine, model\nfrom .model import Plan\nfrom ..problems import Problem\n"
    rewritten = rewrite_python(text, "infra/capacity/other.py", OWN.__contains__)
    assert rewritten.text == (
        "from infra.capacity import mine\nfrom groundplan.capacity import model\n"
        "from groundplan.capacity.model import Plan\nfrom groundplan.problems import Problem\n"
    )


def test_lines_that_were_added_to_the_program() -> None:
    """`declare` calls its variables differently now."""
    text = (
        "def declare(system, environment):\n"
        "    stack = of(system)\n"
        "    platform = make(stack)\n"
        "    mine(site.here(), ground.vpc_id)\n"
        "def other(site):\n"
        "    return site\n"
    )
    rewritten = rewrite_python(text, "infra/__main__.py", OWN.__contains__)
    assert "    mine(stack.in_region(), platform.vpc_id)\n" in rewritten.text
    assert "def other(site):\n    return site\n" in rewritten.text


TEXTS = [
    ("Makefile", "\t@$(PYTHON) -m local.token --role x", "\t@$(PYTHON) -m groundplan_devkit.token --role x"),
    ("Makefile", "\t@$(PYTHON) -m bench load", "\t@$(PYTHON) -m groundplan_devkit.bench load"),
    ("run.sh", "python -m infra.commands.plan", "python -m groundplan plan"),
    ("run.sh", "/usr/local/bin/x chassis/ local.token", "/usr/local/bin/x chassis/ local.token"),
    ("pyproject.toml", 'plugins = ["local.testing"]', 'plugins = ["groundplan_devkit.testing"]'),
    (
        "pyproject.toml",
        '[[tool.importlinter.contracts]]\nsource_modules = ["ours"]\nforbidden_modules = [\n    "chassis.http",\n'
        '    "infra.capacity",\n    "bench",\n]\nignore_imports = ["ours.tests.** -> local.**"]',
        '[[tool.importlinter.contracts]]\nsource_modules = ["ours"]\nforbidden_modules = [\n'
        '    "groundplan_chassis.http",\n    "groundplan",\n    "groundplan_devkit",\n]\n'
        'ignore_imports = ["ours.tests.** -> groundplan_devkit"]',
    ),
    ("pyproject.toml", 'name = "local"', 'name = "local"'),
]


@pytest.mark.parametrize(("path", "before", "after"), TEXTS)
def test_other_files(path: str, before: str, after: str) -> None:
    assert rewrite_text(before, path, OWN.__contains__).text == after
    assert rewrite_text(after, path, OWN.__contains__).renamed == ()
