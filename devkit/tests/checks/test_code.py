"""The checks of code and Dockerfiles find what they are for."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundplan_devkit.checks import dockerfiles, layers, replays

GOOD = """\
FROM python:3.11-slim@sha256:0 AS build
COPY build/wheels/ /wheels/
RUN pip install --no-index --require-hashes --requirement /wheels/requirements.txt

FROM python:3.11-slim@sha256:0
COPY services/order/ /app/
ENV PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
ENTRYPOINT ["python", "-m", "order_service"]
"""


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("    return await create_once(database, call, create, after_commit=cache.written)", []),
        ("    document = await create_once(database, call, create)\n    await cache.written(document)", [2]),
        ("    return told(await idempotency.create_once(database, call, create))", [2]),
        ("    try:\n        return await create_once(database, call, create)\n    finally:\n        tell()", [3]),
    ],
)
def test_effects_after_a_create_are_found(body: str, lines: list[int]) -> None:
    """R1"""
    assert list(replays.effects_after(f"async def create(call):\n{body}\n")) == lines


def test_hadolint_finds_what_is_wrong(tmp_path: Path) -> None:
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM python:latest\nRUN cd /tmp && sudo pip install flask\nADD . /app\n")
    found = dockerfiles.lint(bad)
    assert "DL3007" in found
    assert "DL3004" in found


def test_a_sound_dockerfile_passes(tmp_path: Path) -> None:
    """P3"""
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(GOOD)
    check_image(dockerfile)


def check_image(dockerfile: Path) -> None:
    dockerfiles.check_runtime(dockerfile)
    dockerfiles.check_installation(dockerfile)


@pytest.mark.parametrize(
    ("sound", "wrong"),
    [
        ("USER 10001:10001", "USER root"),
        ('["python", "-m", "order_service"]', "python -m order_service"),
        ("ENV PYTHONDONTWRITEBYTECODE=1\n", ""),
        ("COPY services/order/ /app/", "COPY --chown=10001 services/order/ /app/"),
        ("COPY services/order/ /app/", "ADD services/order/ /app/"),
        ("\nFROM python:3.11-slim@sha256:0\nCOPY services", "\nCOPY services"),
        ("--no-index ", ""),
        ("--require-hashes ", ""),
        ("ENV ", "ENV DATABASE_PASSWORD=1 "),
    ],
)
def test_each_rule_of_an_image_can_fail(tmp_path: Path, sound: str, wrong: str) -> None:
    """P3"""
    dockerfile = tmp_path / "Dockerfile"
    assert sound in GOOD
    dockerfile.write_text(GOOD.replace(sound, wrong))
    with pytest.raises(AssertionError):
        check_image(dockerfile)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("from order_service.seed import subject", []),
        ("import user_service.seed", ["user_service"]),
        ("from user_service import seed", ["user_service"]),
        ("def test():\n    from user_service.domain import user", ["user_service"]),
        ("from . import order_service", []),
        ("import user_service_client", []),
    ],
)
def test_a_test_of_two_services_is_found(
    line: str, found: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A1, A2: also in folders that are no packages."""
    for name in ("order", "user"):
        package = tmp_path / "services" / name / f"{name}_service"
        (package / "tests" / "unit").mkdir(parents=True)
        (package / "__init__.py").touch()
    test = tmp_path / "services/order/order_service/tests/unit/test_line.py"
    test.write_text(f"{line}\n")
    monkeypatch.setattr(layers, "PROJECT", tmp_path)
    assert layers.tests_of_two_services() == [f"{test.relative_to(tmp_path)}: {package}" for package in found]
